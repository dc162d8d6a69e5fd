"""Counts that files state of themselves or of others, and what the tree really holds.

A count is data: where a number stands (a JSON pointer, RFC 6901, or a regular expression in a text file whose first
group is the number) and what it counts. Nothing is counted that the policy does not declare.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from guard.policy import Count, Policy, keys, matcher
from merge import values
from merge.files import counted
from merge.layout import Document

Read = Callable[[str], bytes | None]
"""A file's bytes by its path, None where it is not there."""
Listing = Callable[[str], list[str]]
"""Every path below a folder, "" for all."""

FIX = "guard counts --fix"


class State(NamedTuple):
    """A count as it is found. `stated` or `actual` is None where the file, or the place in it, is not there."""

    declared: Count
    stated: int | None
    actual: int | None
    problem: str = ""
    """Why one of the two cannot be told, where its file is there."""

    @property
    def drifts(self) -> bool:
        """Whether the number that stands there is wrong, or cannot be told."""
        return bool(self.problem) or (None not in (self.stated, self.actual) and self.stated != self.actual)


def states(counts: Iterable[Count], read: Read, listing: Listing) -> Iterator[State]:
    """Every count as it stands in a tree."""
    for count in counts:
        data = read(count.file)
        if data is None:
            yield State(count, None, None)
            continue
        try:
            stated = _stated(count, data)
            actual = _actual(count, read, listing)
        except _CannotTell as error:
            yield State(count, None, None, str(error))
            continue
        if stated is None and not count.optional:
            yield State(count, None, actual, f"{place(count)} is not there, or holds no integer")
        else:
            yield State(count, stated, actual)


def remedy(state: State, policy: Policy) -> str:
    """What to do about a count that is wrong, or that cannot be told: `--fix` writes no number where none stands."""
    if not state.problem or policy.is_canonical(state.declared.file):
        return FIX
    return "put that right by hand, or take this count out of guard.toml"


def place(count: Count) -> str:
    """Where the number of a count stands, in words."""
    return f"{count.file}#{count.pointer}" if count.pointer else f"{count.file} /{count.pattern}/"


def source(count: Count) -> str:
    """What a count counts, in words."""
    if count.matches:
        return f"matches of /{count.matches}/ in {count.files}"
    if count.files:
        return f"files {count.files}"
    return f"{count.how} of {count.source}"


def repaired(count: Count, data: bytes, number: int) -> bytes:
    """A file with the right number in its place; everything else stays as it is."""
    if count.pointer:
        document = Document.parse(data)
        document.put(keys(count.pointer), number)
        return document.to_bytes()
    text = data.decode(errors="surrogateescape")
    found = re.search(count.pattern, text, re.MULTILINE)
    assert found is not None
    return (text[: found.start(1)] + str(number) + text[found.end(1) :]).encode(errors="surrogateescape")


class _CannotTell(Exception):
    """A file that a count needs cannot be read."""


def _stated(count: Count, data: bytes) -> int | None:
    if count.pointer:
        return counted("value", keys(count.pointer), _json(count.file, data))
    match = re.search(count.pattern, data.decode(errors="surrogateescape"), re.MULTILINE)
    digits = match[1].replace(",", "") if match and match[1] else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def _actual(count: Count, read: Read, listing: Listing) -> int | None:
    if count.files:
        glob = matcher((count.files,))
        folder = count.files.partition("*")[0].partition("?")[0].rpartition("/")[0]
        paths = [path for path in listing(folder) if glob.match(path)]
        if not count.matches:
            return len(paths)
        texts = ((read(path) or b"").decode(errors="surrogateescape") for path in paths)
        return sum(1 for text in texts for _ in re.finditer(count.matches, text, re.MULTILINE))
    path, _, pointer = count.source.partition("#")
    data = read(path)
    if data is None:
        return None
    return counted(count.how, keys(pointer), _json(path, data))


def _json(path: str, data: bytes) -> Any:
    try:
        return values.parse(data)
    except values.BadJson as error:
        raise _CannotTell(f"{path} cannot be read: {error}") from None
