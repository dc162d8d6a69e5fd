"""Editing JSON text so that only what changed changes.

A `Document` keeps the text of a JSON file and replaces or inserts pieces of it; indentation, key order, escapes,
number spellings, line ends and a missing final newline stay as they are everywhere else.

What is inserted takes its layout from the object it goes into, and only from marks which inserting leaves as they
were (below: "kept marks"). Therefore edits of different paths give the same bytes in any order, in one run or in
many. The kept marks of an object are the text before its first and its second key, the colon text of its first
member and the text before its closing brace.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from merge import values

MISSING: Final = object()
"""What `Document.get` returns where there is nothing; no JSON value is it."""

Path = tuple[str, ...]

_GAP = re.compile(r"[ \t\n\r:]*")
_FILLED = re.compile(r'\{[ \t\n\r]*"')
_ON_ONE_LINE = re.compile(r'\{[ \t]*"[^"\\]*(?:\\.[^"\\]*)*"([ \t]*:[ \t]*)(?=[^ \t\n\r])')
_scan = json.JSONDecoder().raw_decode
_quote_ascii = json.JSONEncoder(ensure_ascii=True).encode
_quote_raw = json.JSONEncoder(ensure_ascii=False).encode


class Document:
    """A JSON file whose root is an object, read and edited by paths of object keys."""

    def __init__(self, text: str, ascii_only: bool, one_line: Mapping[Path, str] | None) -> None:
        """Use `parse`: `text` must be known to be good."""
        start, end = text.index("{"), text.rindex("}") + 1
        self._before, self._source, self._after = text[:start], text[start:end], text[end:]
        self._root = _Member("", "", "", self._source, "")
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._quote = _quote_ascii if ascii_only else _quote_raw
        self._ascii_only = ascii_only
        self._one_line = one_line

    @classmethod
    def parse(
        cls, data: bytes, *, ascii_only: bool | None = None, one_line: Mapping[Path, str] | None = None
    ) -> "Document":
        """The document in `data`; raises `values.BadJson` when it is not a JSON object that can be kept without loss.

        `ascii_only` says whether inserted strings are escaped to ASCII, `one_line` where inserted objects go on one
        line. Both are found out when None; but edits can destroy what they are found from (the last character
        outside ASCII, the only record on a line). Edits that must give the same bytes in one run and in several
        therefore hand the properties of these names on from the first document to those that follow.
        """
        root = values.parse(data)
        if not isinstance(root, dict):
            raise values.BadJson("not an object", f"the root is a {type(root).__name__}")
        return cls(data.decode(), data.isascii() if ascii_only is None else ascii_only, one_line)

    @property
    def ascii_only(self) -> bool:
        """Whether inserted strings and keys are escaped to ASCII."""
        return self._ascii_only

    @property
    def one_line(self) -> Mapping[Path, str]:
        """The objects of the file as it was parsed whose new members go on one line, if they are objects.

        By path: the colon text to write in them. These are the objects with one member per line of which the first
        that is a non-empty object begins on its key's line. Where only a later one does, the colon text is "" and
        means no: the first may be replaced. So nothing needs handing on when this is empty: no edit can fill it.
        """
        if self._one_line is not None:
            return self._one_line
        if not _ON_ONE_LINE.search(self._source):
            return {}
        return dict(_one_line_records(_Member("", "", "", self._source, ""), ()))

    def get(self, path: Path) -> Any:
        """The value at `path`, parsed anew at each call; `MISSING` where there is none. Arrays are not followed."""
        member = self._member(path)
        return MISSING if member is None else values.parse_text(member.text())

    def keys(self, path: Path) -> list[str]:
        """The keys of the object at `path` in file order; none where there is no object."""
        member = self._member(path)
        inside = member.inside() if member else None
        return [each.key for each in inside.ordered()] if inside else []

    def put(self, path: Path, value: Any) -> None:
        """Write `value` (as `values.parse` would give it) at `path`, which must not be empty.

        Parents that are missing or no objects become objects. A new key goes right after the greatest key smaller
        than it, or first. The value is rendered anew even where it equals the old one.
        """
        if not path:
            raise ValueError("the root cannot be replaced")
        member, rest = self._root, path
        layout = _Layout(self._newline, ": ", None)
        while rest and (inside := member.inside()):
            layout = self._layout(inside, path[: len(path) - len(rest)])
            member = inside.members.get(rest[0]) or inside.insert(rest[0], self._quote)
            rest = rest[1:]
        for key in reversed(rest):
            value = {key: value}
        unit = self._unit()
        if isinstance(value, dict) and layout.record is not None:
            layout = _Layout(None, layout.record, None)
        member.value = _render(value, layout.line, unit, layout.colon, self._quote)

    def to_bytes(self) -> bytes:
        """The file: the bytes that were parsed, but for what was put."""
        return (self._before + self._root.text() + self._after).encode()

    def _member(self, path: Path) -> "_Member | None":
        member: _Member | None = self._root
        for key in path:
            inside = member.inside() if member else None
            member = inside.members.get(key) if inside else None
        return member

    def _unit(self) -> str:
        """One step of indentation."""
        root = self._root.inside()
        return root.first_lead.rpartition("\n")[2] if root and "\n" in root.first_lead else "  "

    def _layout(self, inside: "_Object", path: Path) -> "_Layout":
        if self._one_line is None or inside.layout.line is None:
            return inside.layout
        return inside.layout._replace(record=self._one_line.get(path) or None)


def dump_lines(value: dict[str, Any]) -> bytes:
    """A file of guard's own: `value` with one member per line, keys in their own order."""
    return lines((key, values.dump(item)) for key, item in value.items())


def lines(members: Iterable[tuple[str, bytes]]) -> bytes:
    """`dump_lines` for members whose values are JSON already."""
    # A key of letters and digits needs no escapes.
    text = b",\n".join(
        [(f'  "{key}": '.encode() if key.isalnum() else b"  %s: " % values.dump(key)) + item for key, item in members]
    )
    return b"{\n%s\n}\n" % text if text else b"{}\n"


class _Layout(NamedTuple):
    """How the values of an object's members are rendered."""

    line: str | None  # a line's end and the members' indentation; None: the members share one line
    colon: str
    record: str | None  # the colon text of one-line records, where values that are objects are such


@dataclass(slots=True)
class _Member:
    """One member: its text is `lead`, `label` (the key as it is spelled, and the colon), `value`, `trail`."""

    key: str
    lead: str
    label: str
    value: "str | _Object"
    trail: str

    def text(self) -> str:
        """The text of the value."""
        return self.value if isinstance(self.value, str) else self.value.text()

    def inside(self) -> "_Object | None":
        """The value as an indexed object; None when it is none, or is empty: it has no layout to keep then."""
        if isinstance(self.value, str):
            if not _FILLED.match(self.value):
                return None
            self.value = _Object(self.value)
        return self.value


class _Object:
    """A non-empty object, split into its members."""

    def __init__(self, text: str) -> None:
        self._written = list(_split(text))
        first = self._written[0]
        self.members = {member.key: member for member in self._written}
        self.first_lead = first.lead
        self._colon = first.label[first.label.rindex('"') + 1 :]
        if len(self._written) > 1:
            self._rest_lead = self._written[1].lead
        else:
            self._rest_lead = first.lead if "\n" in first.lead else _space(self._colon)
        self._tail = self._written[-1].trail
        self.layout = self._find_layout()  # now: later, a put may have hidden the records
        self._inserted: dict[str | None, list[_Member]] = {}  # by the written key that they follow
        self._sorted: list[str] = []

    def _find_layout(self) -> _Layout:
        if "\n" not in self._rest_lead:
            return _Layout(None, self._colon, None)
        newline = "\r\n" if "\r\n" in self._rest_lead else "\n"
        # The first non-empty object, not the first member: a number may be inserted before it. How it begins, not
        # whether it holds a line's end anywhere: that may be in a value which is replaced.
        filled = next((each.text() for each in self._written if _FILLED.match(each.text())), "")
        record = _ON_ONE_LINE.match(filled)
        return _Layout(newline + self._rest_lead.rpartition("\n")[2], self._colon, record and record[1])

    def insert(self, key: str, quote: Callable[[str], str]) -> _Member:
        """A new member, its value to be set.

        Keys are collected by the greatest smaller key of the text, and sorted when the text is written: this is
        the place right after the greatest smaller key of all, without moving what follows at every insertion.
        """
        if not self._sorted:
            self._sorted = sorted(self.members)
        place = bisect_left(self._sorted, key)
        before = self._sorted[place - 1] if place else None
        if before is None:
            self._written[0].lead = self._rest_lead
        elif before == self._written[-1].key:
            self._written[-1].trail = ""
        member = _Member(key, self._rest_lead, quote(key) + self._colon, "null", "")
        self.members[key] = member
        self._inserted.setdefault(before, []).append(member)
        return member

    def ordered(self) -> list[_Member]:
        """The members as they stand in the file."""
        if not self._inserted:
            return self._written
        order = self._group(None)
        for member in self._written:
            order.append(member)
            if member.key in self._inserted:
                order += self._group(member.key)
        return order

    def _group(self, before: str | None) -> list[_Member]:
        return sorted(self._inserted.get(before, ()), key=lambda member: member.key)

    def text(self) -> str:
        """The object's text."""
        pieces: list[str] = []
        for member in self.ordered():
            pieces += (",", member.lead, member.label, member.text(), member.trail)
        pieces[:2] = ("{", self.first_lead)
        pieces[-1:] = (self._tail, "}")
        return "".join(pieces)


def _split(text: str) -> Iterator[_Member]:
    """The members of the non-empty object that `text` is."""
    at = 1
    while True:
        key_at = _after_gap(text, at)
        key, key_end = _scan(text, key_at)
        value_at = _after_gap(text, key_end)
        value_end = _scan(text, value_at)[1]
        end = _after_gap(text, value_end)
        yield _Member(key, text[at:key_at], text[key_at:value_at], text[value_at:value_end], text[value_end:end])
        if text[end] == "}":
            return
        at = end + 1


def _after_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _one_line_records(member: _Member, path: Path) -> Iterator[tuple[Path, str]]:
    if "\n" not in member.text():
        return
    inside = member.inside()
    if inside is None:
        return
    several = inside.layout.line is not None
    if several and any(_ON_ONE_LINE.match(each.text()) for each in inside.members.values()):
        yield path, inside.layout.record or ""
    for key, each in inside.members.items():
        yield from _one_line_records(each, (*path, key))


def _space(colon: str) -> str:
    """What follows a comma on one line. Only the colon tells: an object of one member has no comma to look at."""
    return "" if colon.endswith(":") else " "


def _render(value: Any, line: str | None, unit: str, colon: str, quote: Callable[[str], str]) -> str:
    """`value` as JSON whose closing bracket stands at `line` (a line's end and an indentation; None: on one line)."""
    inner = None if line is None else line + unit
    if isinstance(value, dict):
        parts = [quote(key) + colon + _render(item, inner, unit, colon, quote) for key, item in value.items()]
        opening, closing = "{", "}"
    elif isinstance(value, list):
        parts = [_render(item, inner, unit, colon, quote) for item in value]
        opening, closing = "[", "]"
    else:
        return _scalar(value, quote)
    if not parts:
        return opening + closing
    if line is None or inner is None:
        return opening + ("," + _space(colon)).join(parts) + closing
    return opening + inner + ("," + inner).join(parts) + line + closing


def _scalar(value: Any, quote: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, float):
        return values.dump(value).decode()
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"not a value of JSON as it is kept here: {type(value).__name__}")
