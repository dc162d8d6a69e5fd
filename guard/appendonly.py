"""What an append-only file may not lose: pure text comparisons, one for each way such a file grows.

What a commit moves to the file's archive is not lost: see `lost`.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

_HEADING = re.compile(r"^#{1,3} ", re.MULTILINE)


def lost(
    kind: str, old: bytes, new: bytes | None, archive: tuple[bytes | None, bytes | None] = (None, None)
) -> str | None:
    """What `new` lacks or changed of `old`, in words; None where `old` only grew, or what it lacks was moved.

    `kind` is `rows` (every line of the old table is still there, in its order), `sections` (the same for headed
    sections; the text above the first one is free) or `files` (the old text is how the new one begins).

    `archive` is the file's archive before and after, None where it is not there. What rows or sections lack is moved
    when it was added there, all of it and in its order, while the archive itself lost nothing.
    """
    if new is None:
        return "the file is gone"
    what = _KINDS[kind](_text(old), _text(new))
    if what is None or kind not in _ITEMS or archive[1] is None:
        return what
    items = _ITEMS[kind]
    own, kept = _own(kind, _text(old)), items(_text(new))
    before, after = (items(_text(data or b"")) for data in archive)
    first, last = _added(before, after), _added(before[::-1], after[::-1])[::-1]  # of equal items either may be the new
    return None if any(added and _parted(own, kept, added) for added in (first, last)) else what


def _text(data: bytes) -> str:
    """A file as text; how its lines end is no content."""
    return data.decode(errors="surrogateescape").replace("\r\n", "\n")


def _rows(old: str, new: str) -> str | None:
    missing = _first_missing(_lines(old), _lines(new))
    return None if missing is None else f"a row is gone, changed or moved: {missing[:120]}"


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _sections(old: str, new: str) -> str | None:
    missing = _first_missing(_own("sections", old), _split(new))
    return None if missing is None else f"a section is gone, changed or moved: {missing.splitlines()[0][:120]}"


def _own(kind: str, text: str) -> list[str]:
    """The items of a file that may not go: a title with its introduction stands above the first section."""
    items = _ITEMS[kind](text)
    titled = kind == "sections" and items and items[0].startswith("# ") and text.lstrip().startswith(items[0])
    return items[1:] if titled else items


def _split(text: str) -> list[str]:
    """The headed sections of a text, without white space at their ends: a section that follows adds a blank line."""
    starts = [match.start() for match in _HEADING.finditer(text)]
    return [text[start:end].rstrip() for start, end in pairwise([*starts, len(text)])]


def _files(old: str, new: str) -> str | None:
    return None if new.startswith(old.rstrip()) else "text that was there is gone or changed"


def _first_missing(old: Sequence[str], new: Sequence[str]) -> str | None:
    """The first item of `old` that `new` does not have at or after the place of those before it."""
    rest = iter(new)
    return next((item for item in old if item not in rest), None)


_KEPT = 32
"""How many ways to tell equal items apart are followed at most, from either end: beyond, a move is refused."""


def _added(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The items of `new` beside those of `old`, in their order; none where `old` is not all there."""
    rest = iter(old)
    wanted = next(rest, None)
    added = []
    for item in new:
        if item == wanted:
            wanted = next(rest, None)
        else:
            added.append(item)
    return added if wanted is None else []


def _parted(old: Sequence[str], one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether each item of `old` has a place of its own in `one` or in `other`, and either keeps their order.

    A way to part the first items is how far it has got in both; of ways, only those count which no other one beats.
    """
    places = _places(one), _places(other)
    ways = [(0, 0)]
    for item in old:
        further = [(next_, second) for first, second in ways if (next_ := _after(places[0], item, first))]
        further += [(first, next_) for first, second in ways if (next_ := _after(places[1], item, second))]
        ways = list(_unbeaten(sorted(set(further))))
        if len(ways) > 2 * _KEPT:
            ways = ways[:_KEPT] + ways[-_KEPT:]
    return bool(ways)


def _places(items: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(item, []).append(place)
    return places


def _after(places: dict[str, list[int]], item: str, start: int) -> int:
    """The place behind the first one of `item` from `start` on; 0 where there is none."""
    found = places.get(item, [])
    at = bisect_left(found, start)
    return found[at] + 1 if at < len(found) else 0


def _unbeaten(ways: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Of ways in their order, those than which no other has got less far in both."""
    best = -1
    for first, second in ways:
        if best < 0 or second < best:
            best = second
            yield first, second


_ITEMS: dict[str, Callable[[str], list[str]]] = {"rows": _lines, "sections": _split}
_KINDS: dict[str, Callable[[str, str], str | None]] = {"rows": _rows, "sections": _sections, "files": _files}
