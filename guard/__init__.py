"""guard: keeps one git repository whole while many writers work on it at the same moment."""
