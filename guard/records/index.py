"""The index of sessions: a table that has a column for sessions, in a file that says other things too."""

from collections.abc import Mapping, Sequence

from guard.records import table as tables
from guard.records.numbers import session_numbers
from guard.records.text import decode, encode, lines_of

COLUMNS = ("Session", "Date", "Agent", "Lanes", "Lessons", "Etc", "Notes")
"""The columns of an index that is made new."""

_NEEDED = ("session",)


def append(data: bytes | None, entries: Sequence[Mapping[str, str]]) -> bytes:
    """The file with a row for each entry at the end of its table of sessions; every old byte stays where it was.

    An entry has texts under `session`, `date`, `agent`, `lanes`, `lessons`, `etc`, `notes` or any other key. Where no
    table has a column for sessions, a section with one comes at the end.
    """
    text = decode(data)
    if not entries:
        return encode(text)
    lines = lines_of(text)
    found = tables.tables(lines, _NEEDED)
    if found:
        return encode(tables.extended(lines, found[-1], [tables.line(found[-1].keys, entry) for entry in entries]))
    return encode(text + tables.fresh(text, "## Sessions", COLUMNS, entries))


def numbers(data: bytes | None) -> set[int]:
    """The sessions that have a row."""
    lines = lines_of(decode(data))
    found: set[int] = set()
    for table in tables.tables(lines, _NEEDED):
        place = table.keys.index("session")
        for row in table.rows:
            cell = dict(enumerate(tables.cells(lines[row]))).get(place, "")
            found |= {int(cell)} if cell.isascii() and cell.isdigit() and len(cell) <= 6 else session_numbers(cell)
    return found - {0}


def marks(data: bytes | None) -> set[str]:
    """The marks of entries, `lease=<12 hex>`, that rows carry."""
    return tables.marks(lines_of(decode(data)), _NEEDED)


def holds(data: bytes | None, mark: str) -> bool:
    """Whether a row carries the mark of an entry."""
    return mark in marks(data)
