"""The notes: headed sections, new ones where the file's own habit puts them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from guard.records import text as texts
from guard.records.numbers import first_session
from guard.records.table import gap
from guard.records.text import decode, encode, eol_of, lines_of

ON_TOP = "new sections go on top"
"""The words above the sections with which a file says where new ones go; `guard init` writes them."""

_HEADING = re.compile(r"(#{1,3}) +(.*)")
_DATE = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_SERIAL = re.compile(r"\W*(S[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2})")
_LIKE_HEADING = re.compile(r" {0,3}(#{1,6}(\s|$)|=+\s*$)")
_UNDERLINE = re.compile(r" {0,3}-+\s*$")
_CARRIED = re.compile(r"<!-- (lease=[0-9a-f]{12}) -->", re.ASCII)
_MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")


@dataclass(frozen=True)
class Section:
    """A section: `heading` without its signs, `session` the number that it names, `body` the text below it.

    `date` is a date in the heading, else empty; `line` is the heading's, from 1; `end` the number of its last line.
    """

    heading: str
    session: int | None
    body: str
    line: int
    end: int
    date: str
    name: str

    @property
    def dated(self) -> bool:
        """Whether it is one of a series: what names neither a session nor a day stays where it is."""
        return self.session is not None or bool(self.date)


def sections(data: bytes | None) -> list[Section]:
    """The sections of a file, top to bottom; what is headed deeper than they are belongs to their bodies."""
    return _sections(lines_of(decode(data)))[0]


def newest(data: bytes | None, n: int) -> list[Section]:
    """The newest `n` sections, the newest first."""
    found = series(sections(data))
    return (found if on_top(found, lines_of(decode(data))) else found[::-1])[:n]


def series(found: Sequence[Section]) -> list[Section]:
    """The sections that follow one another in time: the dated ones, or all where none is."""
    return [each for each in found if each.dated] or list(found)


def on_top(found: Sequence[Section], lines: Sequence[str] = ()) -> bool:
    """Whether new sections go on top: so where the text above them says it, where numbers or days fall from section to
    section, and where nothing says anything.

    Numbers alone would turn the file over: a session may end after one that began later.
    """
    if any(ON_TOP in line.lower() for line in lines[: found[0].line - 1 if found else len(lines)]):
        return True
    sessions = [f"{each.session:09}{each.name}" for each in found if each.session is not None]
    days = [each.date for each in found if each.date]
    pairs = [*pairwise(sessions), *pairwise(days)]
    return sum((one > other) - (one < other) for one, other in pairs) >= 0


def add(data: bytes | None, heading: str, body: str, mark: str) -> bytes:
    """The file with one more section at the end where it has its newest; every old byte stays in its place.

    Lines of the body that look like headings or the markers of a merge are set in by four spaces, so that nothing
    takes them for such. The mark stands in a comment at the section's end.
    """
    text = decode(data)
    lines = lines_of(text)
    found, level = _sections(lines)
    ordered = series(found)
    if not ordered:
        place = len(lines)
    elif on_top(ordered, lines):
        place = ordered[0].line - 1
    else:
        place = ordered[-1].end
    end = eol_of(text)
    above, below = "".join(lines[:place]), "".join(lines[place:])
    said = [f"{'#' * level} {texts.one_line(heading).lstrip('# ') or 'Note'}", *_harmless(body), "", f"<!-- {mark} -->"]
    section = "".join(line + end for line in said)
    return encode(above + gap(above, end) + section + (end if below else "") + below)


def marks(data: bytes | None) -> set[str]:
    """The marks of entries, `lease=<12 hex>`, that sections carry."""
    return {match[1] for line in lines_of(decode(data)) if (match := _CARRIED.fullmatch(line.strip()))}


def holds(data: bytes | None, mark: str) -> bool:
    """Whether a section carries the mark of an entry."""
    return mark in marks(data)


def _sections(lines: Sequence[str]) -> tuple[list[Section], int]:
    """The sections among lines, and how many signs their headings have."""
    hidden = texts.fenced(lines)
    heads = [
        (place, len(match[1]), match[2])
        for place, line in enumerate(lines)
        if (match := _head(place, line)) and (place not in hidden or _of_series(match[2]))
    ]  # a comment in code is no heading; a session's is, behind a fence that somebody forgot to close
    if heads and heads[0][1] == 1 and not _SERIAL.match(heads[0][2]):
        heads = heads[1:]  # the title, which may end with the day or the session it was last looked at
    depths = [depth for _, depth, heading in heads if _of_series(heading)] or [depth for _, depth, _ in heads]
    level = min(depths, default=2)
    heads = [head for head in heads if head[1] <= level]
    starts = [*(place for place, _, _ in heads), len(lines)]
    found = [
        _section(lines, start, heading, end)
        for (_, _, heading), (start, end) in zip(heads, pairwise(starts), strict=True)
    ]
    return found, level


def _head(place: int, line: str) -> re.Match[str] | None:
    return _HEADING.match((line if place else line.removeprefix("\ufeff")).rstrip())


def _of_series(heading: str) -> bool:
    return bool(first_session(heading) or _DATE.search(heading))


def _section(lines: Sequence[str], place: int, heading: str, end: int) -> Section:
    session, date = first_session(heading), _DATE.search(heading)
    body = "".join(lines[place + 1 : end]).replace("\r\n", "\n").strip("\n")
    number, name = session or (None, "")
    return Section(heading.strip(), number, body, place + 1, end, date[0] if date else "", name)


def _harmless(body: str) -> Iterator[str]:
    """The lines of a body, none of which is a heading, a marker or a comment, and no fence is left open."""
    lines = texts.split_lines(body) if body.strip() else []
    before = ""
    for line in lines:
        forged = _LIKE_HEADING.match(line) or _MARKER.match(line) or (_UNDERLINE.match(line) and before.strip())
        yield ("    " if forged else "") + line.replace("<!--", r"\<!--")
        before = line
    fence = texts.open_fence(lines)
    if fence:
        yield fence
