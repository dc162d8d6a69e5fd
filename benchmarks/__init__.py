"""What guard costs, beside what one would do without it: `make bench` runs it all, see benchmarks/run.py."""
