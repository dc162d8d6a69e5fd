r"""Tables of Markdown as people keep them: found by their columns, read in whatever state they are, extended in place.

In a cell `|` is written `\|`, a line break `<br>`, and what already looks like either gets a backslash; backslashes
before them are doubled. So every reader of Markdown sees the same cells, and `cells` gives back what `line` was given.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from guard.records import text as texts
from guard.records.text import BREAK, fenced, key_of

EMPTY = "-"
"""What stands in a cell that holds nothing."""

_WHITE = " \t\r\n\ufeff"
_WRITTEN = re.compile(rf"(?<!\\)(\\*)(\||<br>|{BREAK})")
_READ = re.compile(r"(?<!\\)(\\*)(\||<br>)")
_BAR = re.compile(r"(?<!\\)(\\*)\|")
_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?")
_HEADING = re.compile(r"#{1,6}(\s|$)")
_MARK = re.compile(r"lease=[0-9a-f]{12}", re.ASCII)
_NO_TEXT = frozenset(("lane", "session", "status", "date", "pr"))


@dataclass(frozen=True)
class Table:
    """Where a table stands among the lines of a text, counted from 0.

    `keys` are its columns as entries name them, `columns` as the header does; `rows` the places of its rows, `end` the
    place after its last line, which may be the tail of a row that somebody broke in two.
    """

    columns: tuple[str, ...]
    keys: tuple[str, ...]
    header: int
    ruled: bool
    rows: tuple[int, ...]
    end: int


def tables(lines: Sequence[str], needed: Collection[str]) -> list[Table]:
    """The tables that have all the columns `needed`, in their order; blank lines do not end one, headings do."""
    hidden = fenced(lines)
    bare = ["" if place in hidden else line.strip(_WHITE) for place, line in enumerate(lines)]
    rules = {place for place, line in enumerate(bare) if "|" in line and "-" in line and _RULE.fullmatch(line)}

    def named(place: int) -> bool:
        return "|" in bare[place] and set(needed) <= {key_of(cell) for cell in cells(bare[place])}

    # A row may hold the names of columns too: what has a rule below it is a header, and without any, the first is.
    heads = [rule - 1 for rule in sorted(rules) if rule and named(rule - 1)]
    heads = heads or [place for place in range(len(bare)) if named(place)][:1]
    return [_table(bare, rules, head, end) for head, end in pairwise([*heads, len(bare)])]


def _table(bare: Sequence[str], rules: set[int], head: int, limit: int) -> Table:
    ruled = head + 1 in rules
    piped = bare[head].startswith("|")
    rows, end = [], head + 1 + ruled
    for place in range(end, limit):
        line = bare[place]
        if _HEADING.match(line) or (place + 1 in rules and "---" in bare[place + 1]):  # another table's header
            break
        if line.startswith("|") or ("|" in line and not piped):
            rows.append(place)
            end = place + 1
        elif line.endswith("|"):
            end = place + 1
    columns = tuple(cells(bare[head]))
    return Table(columns, tuple(map(key_of, columns)), head, ruled, tuple(rows), end)


def cells(line: str) -> list[str]:
    """The cells of a row, as what was written into them."""
    bare = line.strip(_WHITE)
    if "\\" in bare:
        bars = [match.end() - 1 for match in _BAR.finditer(bare) if len(match[1]) % 2 == 0]
        starts, ends = [0, *(bar + 1 for bar in bars)], [*bars, len(bare)]
        parts = [bare[start:end] for start, end in zip(starts, ends, strict=True)]
    else:
        parts = bare.split("|")
    closed = len(parts) > 1 and not parts[-1]
    parts = [part.strip() for part in parts[bare.startswith("|") : len(parts) - closed]]
    return [_READ.sub(_unescaped, part) for part in parts] if "\\" in bare or "<br>" in bare else parts


def _unescaped(match: re.Match[str]) -> str:
    half, odd = divmod(len(match[1]), 2)
    return "\\" * half + (match[2] if odd or match[2] == "|" else "\n")


def escaped(text: str) -> str:
    """What stands in a cell that holds `text`."""
    return _WRITTEN.sub(_escaped, texts.clean(text)) or EMPTY


def _escaped(match: re.Match[str]) -> str:
    return 2 * match[1] + (f"\\{match[2]}" if match[2] in ("|", "<br>") else "<br>")


def line(keys: Sequence[str], entry: Mapping[str, str]) -> str:
    """An entry as a row for columns, without an end.

    What has no column of its own goes, as `key=value`, into `etc`, else behind the notes, else into the last column
    that holds text, else into a cell behind all columns: an entry's mark is in its `etc` and is never left out.
    """
    own: dict[int, str] = {}
    rest = []
    for name, value in entry.items():
        key = key_of(name)
        place = keys.index(key) if key in keys else -1
        if place >= 0 and place not in own:
            own[place] = value
        elif texts.clean(value) not in ("", EMPTY):
            rest.append(value if key == "etc" else f"{name}={value}")
    if rest:
        place = bearer(keys)
        own[place] = ", ".join(each for each in (own.get(place, ""), *rest) if texts.clean(each) not in ("", EMPTY))
    width = max(len(keys), *(place + 1 for place in own), 0)
    return f"| {' | '.join(escaped(own.get(place, '')) for place in range(width))} |"


def bearer(keys: Sequence[str]) -> int:
    """The place of the column that bears what has none of its own; behind the last one where no column can."""
    for key in ("etc", "notes"):
        if key in keys:
            return keys.index(key)
    return next((place for place in reversed(range(len(keys))) if keys[place] not in _NO_TEXT), len(keys))


def extended(lines: Sequence[str], table: Table, rows: Sequence[str]) -> str:
    """The text with rows, which have no ends, behind the last line of a table; all else as it was."""
    end = texts.eol_of("".join(lines))
    before, after = "".join(lines[: table.end]), "".join(lines[table.end :])
    if before.endswith("\n"):
        return before + "".join(row + end for row in rows) + after
    return before + "".join(end + row for row in rows) + after


def head(columns: Sequence[str], end: str = "\n") -> str:
    """The first two lines of a table."""
    return f"| {' | '.join(columns)} |{end}|{' --- |' * len(columns)}{end}"


def gap(text: str, end: str) -> str:
    """What parts `text` from a block that follows it: a blank line."""
    if not text or text.endswith(("\n\n", "\n\r\n")):
        return ""
    return end if text.endswith("\n") else 2 * end


def marks(lines: Sequence[str], needed: Collection[str]) -> set[str]:
    """The marks of entries, `lease=<12 hex>`, that rows carry: where `line` would put them or, in a row of another
    shape, in any cell.
    """
    bearing = [place for place, text in enumerate(lines) if "lease=" in text and text.strip(_WHITE).startswith("|")]
    if not bearing:
        return set()
    known = {place: table for table in tables(lines, needed) for place in table.rows}
    found: set[str] = set()
    for place in bearing:
        said = cells(lines[place])
        table = known.get(place)
        if table is not None and len(said) == len(table.keys):
            said = said[bearer(table.keys) :][:1]
        found.update(word for cell in said for word in re.split(r"[\s,;]+", cell) if _MARK.fullmatch(word))
    return found


def fresh(text: str, heading: str, columns: Sequence[str], entries: Sequence[Mapping[str, str]]) -> str:
    """What comes behind `text`, which has no such table: a heading, a new table, and a row for each entry."""
    end = texts.eol_of(text)
    keys = tuple(map(key_of, columns))
    rows = "".join(line(keys, entry) + end for entry in entries)
    return f"{gap(text, end)}{heading}{2 * end}{head(columns, end)}{rows}"
