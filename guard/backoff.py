"""How long to wait before the next try, so that many who met once do not meet again."""

import random
from collections.abc import Iterator


def backoff(tries: int) -> Iterator[float]:
    """Seconds to wait after each try: exponential from 50 ms up to 2 s, full jitter."""
    for attempt in range(tries):
        yield random.uniform(0, min(2.0, 0.05 * 2 ** min(attempt, 6)))  # noqa: S311 - it keeps writers apart, and no secret
