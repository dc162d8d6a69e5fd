"""Sessions, lanes and lessons: who works on what, as refs on the hub, and as the records that people read of them."""
