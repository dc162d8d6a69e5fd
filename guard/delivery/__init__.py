"""What streams bring, on its way to the hub: the outbox, delivering from it, and what is here and nowhere else yet."""
