"""The board: a table in which the newest row of a lane is its state."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from guard.records import table as tables
from guard.records.numbers import first_session
from guard.records.text import decode, encode, lines_of

COLUMNS = ("Date", "Lane", "Session", "Agent", "Branch", "PR", "Model", "Platform", "Scope", "Etc", "Status", "Notes")
"""The columns of a board that is made new."""

ACTIVE = frozenset(("CLAIMED", "ACTIVE", "BLOCKED", "READY", "IN-PROGRESS", "OPEN"))
CLOSED = frozenset(("MERGED", "ABANDONED"))

NEEDED = ("lane", "status")
"""The columns that make a table a board."""
"""The columns by which a table is a board."""
_PAIR = re.compile(r"[\w-]+=")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Row:
    """A row of a board: `line` counts from 1, `cells` has every cell by the name of its column.

    The other fields are the cells that every board has a word for, empty where this one has none.
    """

    line: int
    lane: str
    session: str
    status: str
    date: str
    agent: str
    branch: str
    scope: str
    etc: str
    notes: str
    cells: Mapping[str, str]

    @property
    def closed(self) -> bool:
        """Whether the row ends its lane."""
        return _word(self.status) in CLOSED


def rows(data: bytes) -> list[Row]:
    """Every row of the board, top to bottom: of each table that has a column for lanes and one for states.

    Rows with more or fewer cells than columns are read by what the cells look like; lines that are no rows are
    skipped.
    """
    lines = lines_of(decode(data))
    return [row for table in tables.tables(lines, NEEDED) for row in _rows(lines, table)]


def latest(found: Iterable[Row]) -> dict[str, Row]:
    """The newest row of every lane, which is the last one: rows are only ever added at the end."""
    return {row.lane: row for row in found if row.lane not in ("", tables.EMPTY)}


def append(data: bytes | None, entries: Sequence[Mapping[str, str]]) -> bytes:
    """The board with a row for each entry at the end of its table; every old byte stays where it was.

    An entry has texts under `date`, `lane`, `session`, `agent`, `branch`, `pr`, `model`, `platform`, `scope`, `etc`,
    `status`, `notes` or any other key. Where there is no table, one is made below what is there.
    """
    text = decode(data)
    if not entries:
        return encode(text)
    lines = lines_of(text)
    found = tables.tables(lines, NEEDED)
    if found:  # the last one: a lane's newest row must be the last of all
        return encode(tables.extended(lines, found[-1], [tables.line(found[-1].keys, entry) for entry in entries]))
    return encode(text + tables.fresh(text, "# Lanes", COLUMNS, entries))


def marks(data: bytes | None) -> set[str]:
    """The marks of entries, `lease=<12 hex>`, that rows carry."""
    return tables.marks(lines_of(decode(data)), NEEDED)


def holds(data: bytes | None, mark: str) -> bool:
    """Whether a row carries the mark of an entry."""
    return mark in marks(data)


# --- rows of another shape than the header's ---------------------------------------------------------------------


def _rows(lines: Sequence[str], table: tables.Table) -> list[Row]:
    split = [(place, tables.cells(lines[place])) for place in table.rows]
    status = table.keys.index("status")
    regular = {_word(cells[status]) for _, cells in split if len(cells) == len(table.keys)}
    words = ACTIVE | CLOSED | (regular - {"", tables.EMPTY})
    return [_row(place, cells, table, words) for place, cells in split if any(cells)]


def _row(place: int, cells: list[str], table: tables.Table, words: frozenset[str]) -> Row:
    regular = len(cells) == len(table.keys)
    by = dict(zip(table.keys[::-1], cells[::-1], strict=True)) if regular else _aligned(cells, table.keys, words)
    named = {column: by[key] for column, key in zip(table.columns, table.keys, strict=True) if key in by}
    names = ("lane", "session", "status", "date", "agent", "branch", "scope", "etc", "notes")
    return Row(place + 1, cells=named, **{name: by.get(name, "") for name in names})


def _word(status: str) -> str:
    return status.strip("*_`~[]() ").upper()


def _aligned(cells: list[str], keys: Sequence[str], words: frozenset[str]) -> dict[str, str]:
    """The cells of an odd row by key: its state says where its middle is, a missing date that it is a short one."""
    place = keys.index("status")
    order = sorted(range(len(cells)), key=lambda at: abs(at - place))
    at = next((at for at in order if _word(cells[at]) in words), place if len(cells) > len(keys) else None)
    if keys[0] == "date" and len(cells) < len(keys) and not _DATE.match(cells[0]):
        return _short(cells, at)
    if at is None:
        return _fitted(cells, keys)
    return {**_fitted(cells[:at], keys[:place]), "status": cells[at], **_fitted(cells[at + 1 :], keys[place + 1 :])}


def _fitted(cells: list[str], keys: Sequence[str]) -> dict[str, str]:
    """Cells for columns: too many are one that held a bare `|`; of too few, those in the middle are missing."""
    if not keys:
        return {}
    if len(cells) > len(keys):
        cells = [*cells[: len(keys) - 1], " | ".join(cells[len(keys) - 1 :])]
    first = min(len(cells), 4)
    rest = len(cells) - first
    return dict(zip([*keys[:first], *keys[len(keys) - rest :]], cells, strict=True))


def _short(cells: list[str], at: int | None) -> dict[str, str]:
    """A row that somebody wrote from memory: the lane first, the rest by what it looks like."""
    found = {"lane": cells[0]}
    notes = []
    for place, cell in enumerate(cells[1:], 1):
        session = first_session(cell)
        if place == at:
            found["status"] = cell
        elif "session" not in found and session and session[1] == cell.strip("[]"):
            found["session"] = cell
        elif "etc" not in found and _PAIR.match(cell):
            found["etc"] = cell
        elif cell not in found.values():
            notes.append(cell)
    return {**found, "notes": " | ".join(notes)}
