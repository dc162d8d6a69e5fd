"""What an append-only file may not lose: pure text comparisons, one for each way such a file grows."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

_HEADING = re.compile(r"^#{1,3} ", re.MULTILINE)


def lost(kind: str, old: bytes, new: bytes | None) -> str | None:
    """What `new` lacks or changed of `old`, in words; None where `old` only grew.

    `kind` is `rows` (every line of the old table is still there, in its order), `sections` (the same for headed
    sections; the text above the first one is free) or `files` (the old text is how the new one begins).
    """
    if new is None:
        return "the file is gone"
    return _KINDS[kind](_text(old), _text(new))


def _text(data: bytes) -> str:
    """A file as text; how its lines end is no content."""
    return data.decode(errors="surrogateescape").replace("\r\n", "\n")


def _rows(old: str, new: str) -> str | None:
    missing = _first_missing(_lines(old), _lines(new))
    return None if missing is None else f"a row is gone, changed or moved: {missing[:120]}"


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _sections(old: str, new: str) -> str | None:
    before = _split(old)
    if before and before[0].startswith("# ") and old.lstrip().startswith(before[0]):
        del before[0]  # a title with its introduction stands above the first section
    missing = _first_missing(before, _split(new))
    return None if missing is None else f"a section is gone, changed or moved: {missing.splitlines()[0][:120]}"


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


_KINDS: dict[str, Callable[[str, str], str | None]] = {"rows": _rows, "sections": _sections, "files": _files}
