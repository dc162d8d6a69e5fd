"""Adopting guard: the files that a work tree gets, and what stands in them."""
