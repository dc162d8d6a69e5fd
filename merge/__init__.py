"""The merge: deltas in, canonical bytes out, and nothing else.

This package is pure. It imports nothing of `guard`, does no I/O, reads no clock and draws no random
number, so that every machine that is given the same bytes computes the same bytes.
"""

ENGINE = 1
"""Number of the rules below, written into every merge commit's trailer; a change of bytes is a new engine."""
