"""Work trees of one's own: who has which, made and removed one at a time, and never with work that is nowhere else."""
