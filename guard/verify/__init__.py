"""Recomputing history: a trailer is a claim, and what counts is that a commit's bytes can be computed again."""
