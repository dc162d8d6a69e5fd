"""Which paths a lane is about: globs of a scope, what they cover, and whether two of them can meet."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from guard.policy import matcher

_START = re.compile(r"[*?]")


def covers(scope: Sequence[str], path: str) -> bool:
    """Whether a path is in a scope: named by one of its globs, or below what one names."""
    near = [glob for glob in scope if path.startswith(_START.split(glob, 1)[0])]  # no pattern is made for the others
    return bool(near) and matcher([each for glob in near for each in (glob, f"{glob}/**")]).match(path) is not None


def meeting(one: Iterable[str], other: Iterable[str]) -> tuple[str, str] | None:
    """The first two globs of two scopes that some path could be in both of; None where no path can.

    Letters of both cases count as one: on some machines they name one file.
    """
    theirs = list(other)
    return next(((mine, their) for mine in one for their in theirs if _meet(mine.casefold(), their.casefold())), None)


@lru_cache(maxsize=4096)
def _meet(one: str, other: str) -> bool:
    """Whether a path can be in both globs, each of which covers what lies below what it names."""
    return _parts(tuple(one.split("/")), tuple(other.split("/")))


@lru_cache(maxsize=4096)
def _parts(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return True  # what ended covers all that the other still says
    if one[0] == "**":
        return _parts(one[1:], other) or _parts(one, other[1:])
    if other[0] == "**":
        return _parts(one, other[1:]) or _parts(one[1:], other)
    return _names(one[0], other[0]) and _parts(one[1:], other[1:])


@lru_cache(maxsize=4096)
def _names(one: str, other: str) -> bool:
    """Whether some name fits two patterns of `*` and `?`: worked out from their ends, so that no pattern is slow."""
    after = [not other[place:].strip("*") for place in range(len(other) + 1)]  # what is left of `one` is nothing
    for mine in reversed(one):
        here = [mine == "*" and after[-1]]
        for place in range(len(other) - 1, -1, -1):
            their = other[place]
            if "*" in (mine, their):
                meet = (mine == "*" and (after[place] or here[0])) or (their == "*" and (here[0] or after[place]))
            else:
                meet = (mine == their or "?" in (mine, their)) and after[place + 1]
            here.insert(0, meet)
        after = here
    return after[0]
