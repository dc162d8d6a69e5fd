"""Deltas, files of the inbox, canonical files and changes, made in memory, in all the shapes that real ones have."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from guard import schema
from guard.change import NONE, Change, File
from guard.finding import Finding
from guard.git.objects import blob_id
from guard.judge import judge
from guard.policy import Policy, parse
from merge.delta import Entry, digest_of, file_name
from merge.fold import BadState, Outcome, fold, page_path
from merge.laws import DEFAULT, Laws
from merge.values import Number

CONFORMS = schema.conforms("delta")
NOON = "2026-03-02T12:00:00Z"
AGENTS, CHANNELS, STATS = "state/agents.json", "state/channels.json", "state/stats.json"
COUNTER = "state/frame_counter.json"


# ---- bytes -------------------------------------------------------------------------------------------------------


class Spelled(str):
    """A number that is written exactly so."""

    __slots__ = ()


@dataclass(frozen=True)
class Style:
    """How a JSON file is written."""

    unit: str = "  "
    newline: str = "\n"
    colon: str = ": "
    ascii_only: bool = False
    final: str = "\n"
    one_line_from: int = 99
    """How deep a value must lie to be written on one line."""


STYLES = {
    "two spaces": Style(),
    "ASCII": Style(ascii_only=True),
    "no final newline": Style(ascii_only=True, final=""),
    "four spaces": Style(unit="    "),
    "tabs": Style(unit="\t", colon=":"),
    "CRLF": Style(newline="\r\n", final="\r\n"),
    "no indentation": Style(unit=""),
    "one record a line": Style(one_line_from=2),
    "one record a line, compact, ASCII": Style(colon=":", ascii_only=True, one_line_from=2),
    "one line": Style(one_line_from=0),
    "compact": Style(colon=":", one_line_from=0, final=""),
    "spaces before colons": Style(unit=" ", colon=" : "),
}


def write(value: Any, style: Style = STYLES["two spaces"], depth: int = 0) -> str:
    """`value` as JSON in a style."""
    if isinstance(value, Spelled):
        return str(value)
    if not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=style.ascii_only)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    if not value:
        return opening + closing
    alone = depth >= style.one_line_from
    lead = "" if alone else style.newline + style.unit * (depth + 1)
    comma = ("," + " " * style.colon.endswith(" ")) if alone else "," + lead
    if isinstance(value, dict):
        keys = [json.dumps(key, ensure_ascii=style.ascii_only) + style.colon for key in value]
        parts = [key + write(item, style, depth + 1) for key, item in zip(keys, value.values(), strict=True)]
    else:
        parts = [write(item, style, depth + 1) for item in value]
    return opening + lead + comma.join(parts) + ("" if alone else style.newline + style.unit * depth) + closing


def encode(value: Any, style: Style = STYLES["two spaces"]) -> bytes:
    """`value` as a file in a style."""
    return (write(value, style) + style.final).encode()


def meaning(value: Any) -> Any:
    """What a parsed value means: equal exactly where two values are the same, kinds of numbers apart, spellings not."""
    if isinstance(value, dict):
        return "object", frozenset((key, meaning(item)) for key, item in value.items())
    if isinstance(value, list):
        return "array", tuple(map(meaning, value))
    if isinstance(value, float):
        mantissa, _, power = (value.raw if isinstance(value, Number) else repr(value)).lower().partition("e")
        exact = Decimal(mantissa).as_tuple()  # by itself: a Decimal's exponent has a limit, a JSON number's has none
        digits = "".join(map(str, exact.digits)).lstrip("0")
        kept = digits.rstrip("0")
        assert isinstance(exact.exponent, int)
        exponent = int(power or "0") + exact.exponent + len(digits) - len(kept)
        return "number", exact.sign, kept, exponent if kept else 0
    return type(value).__name__, value


# ---- deltas ------------------------------------------------------------------------------------------------------


def delta(frame: int = 7, stream: str = "solo", at: str | None = NOON, **more: Any) -> dict[str, Any]:
    """A delta's content; without a time where `at` is None."""
    return {"frame": frame, "stream_id": stream, **({} if at is None else {"completed_at": at}), **more}


def entry(
    content: dict[str, Any] | bytes,
    name: str = "",
    *,
    run: bool = True,
    kind: Literal["file", "symlink", "submodule"] = "file",
    style: Style = STYLES["two spaces"],
) -> Entry:
    """A file of the inbox, named as its content asks for: as a further run, or with `run=False` plainly."""
    if isinstance(content, bytes):
        return Entry(name or "frame-7-solo.json", content, kind)
    data = encode(content, style)
    return Entry(name or file_name(content["frame"], content["stream_id"], digest_of(data) if run else ""), data, kind)


def sent(frame: int = 7, stream: str = "solo", at: str | None = NOON, **more: Any) -> Entry:
    """A delta as a file of the inbox."""
    return entry(delta(frame, stream, at, **more))


def edit(pointer: str, value: Any, at: str = NOON, *, file: str = AGENTS, stream: str = "operator") -> Entry:
    """A delta that edits one field of a canonical file."""
    return sent(stream=stream, at=at, set={f"{file}#{pointer}": value})


POSTS = {
    "object": {"number": 811, "title": "On tides — a log", "channel": "harbour", "author": "wren-4"},
    "agent": {"number": 812, "agent": "wren-4", "channel": "harbour"},
    "by": {"number": 813, "by": "wren-4"},
    "no actor": {"number": 814, "channel": "harbour"},
    "no number": {"title": "Untitled", "author": "wren-4", "channel": "harbour"},
    "null number": {"number": None, "author": "wren-4"},
    "number as text": {"number": "815", "author": "wren-4"},
    "bare number": 816,
    "bare text": "#817",
    "unknown keys": {"number": 818, "author": "wren-4", "mood": {"deep": [{"er": None}]}, "score": Spelled("1e-07")},
    "beyond 64 bits": {"number": 10**30, "author": "wren-4"},
    "below zero": {"number": -3},
}
COMMENTS = {
    "id": {"id": "NC_a1", "discussion": 811, "author": "moth-2", "type": "reply"},
    "comment_id": {"comment_id": "NC_a2", "discussion": 811, "agent": "moth-2"},
    "by": {"id": "NC_a3", "by": "moth-2"},
    "both ids": {"id": "NC_a4", "comment_id": "NC_a5", "author": "moth-2"},
    "empty id": {"id": "", "comment_id": "NC_a6", "author": "moth-2"},
    "no id": {"discussion": 811, "author": "moth-2", "type": "comment"},
    "body": {"post_number": 811, "author": "moth-2", "body": "Line one\nline two \u2028 – “so”"},
    "null id": {"id": None, "discussion": 811, "author": "moth-2"},
    "number as id": {"id": 5, "discussion": 811, "author": "moth-2"},
    "bare node id": "NC_a7",
    "bare text that is empty": "",
    "bare number": 42,
}
REACTIONS: dict[str, Any] = {
    "target": [{"target": "NC_a1", "reaction": "ROCKET", "by": "newt-9"}],
    "node": [{"node": "NC_a1", "type": "HEART", "agent": "newt-9"}],
    "comment_id": [{"comment_id": "NC_a1", "reaction": "EYES", "author": "newt-9"}],
    "text": ["NC_a1:THUMBS_UP", "#811:ROCKET"],
    "node ids": ["NC_a1", "NC_a2"],
    "counts": [{"type": "THUMBS_UP", "count": 20}, {"type": "ROCKET", "count": 0}],
    "count as text": [{"type": "THUMBS_UP", "count": "20"}],
    "count below zero": [{"type": "THUMBS_UP", "count": -4}],
    "mixed": ["NC_a1:HEART", {"target": "NC_a2", "count": 2}, 3, None, [1], True],
    "a bare count": 20,
    "nothing": 0,
}
ERRORS = {
    "text": ["rate limited"],
    "objects": [{"code": 502, "at": "NC_a1"}],
    "mixed": ["timeout", {"code": 502}, None],
}
TIMES = {
    "completed_at": {"completed_at": NOON},
    "offset": {"completed_at": "2026-03-02T12:00:00+00:00"},
    "fraction": {"completed_at": "2026-03-02T12:00:00.125000+00:00"},
    "another zone": {"completed_at": "2026-03-02T06:30:00-05:30"},
    "space and small letters": {"completed_at": "2026-03-02 12:00:00z"},
    "timestamp": {"timestamp": NOON},
    "_meta": {"_meta": {"timestamp": NOON}},
    "completed_at is no time": {"completed_at": "yesterday", "timestamp": NOON},
    "two are none": {"completed_at": None, "timestamp": 5, "_meta": {"timestamp": NOON}},
}


# ---- canonical files ---------------------------------------------------------------------------------------------


def state(**files: Any) -> dict[str, bytes]:
    """Canonical files by the names they have below state/, without `.json`; a value that is bytes is taken as it is."""
    return {
        f"state/{name}.json": content if isinstance(content, bytes) else encode(content)
        for name, content in files.items()
    }


def small_state(style: Style = STYLES["two spaces"]) -> dict[str, bytes]:
    """Three agents, two channels, totals and a counter, with fields that the merge does not know."""
    names = {"newt-9": {"bio": "Small. — Quick.", "traits": {"wit": Spelled("0.50")}}, "moth-2": {}, "wren-4": {}}
    counts = {"heartbeat_last": "2026-02-01T00:00:00Z", "post_count": 5, "comment_count": 9}
    agents = {name: {"name": name.title(), **more, **counts} for name, more in names.items()}
    channels = {name: {"slug": name, "rules": "Be kind.", "post_count": 3} for name in ("harbour", "attic")}
    meta = {"count": 0, "last_updated": "2026-02-01T00:00:00Z", "note": "kept"}
    contents = {
        AGENTS: {"agents": agents, "_meta": meta},
        CHANNELS: {"channels": channels, "_meta": meta},
        STATS: {
            "last_updated": "2026-02-01T00:00:00Z",
            "total_posts": 15,
            "total_agents": 3,
            "total_pokes": 7,
            "total_comments": 27,
            "total_channels": 2,
            "total_reactions": 0,
        },
        COUNTER: {"frame": 6, "started_at": "2026-02-01T00:00:00.250000+00:00", "total_frames_run": 6},
    }
    return {path: encode(content, style) for path, content in contents.items()}


# ---- folding -----------------------------------------------------------------------------------------------------


def merge(files: Mapping[str, bytes], *groups: Iterable[Entry], laws: Laws = DEFAULT) -> dict[str, bytes]:
    """All files after the groups have been merged one after the other."""
    now = dict(files)
    for group in groups:
        now.update(merge_one(now, group, laws=laws).files)
    return now


def merge_one(files: Mapping[str, bytes], group: Iterable[Entry], *, laws: Laws = DEFAULT) -> Outcome:
    """One merge."""
    return fold(files, group, laws, CONFORMS)


def merge_or_stop(files: Mapping[str, bytes], *groups: Iterable[Entry], laws: Laws = DEFAULT) -> dict[str, bytes] | str:
    """`merge`, or the path of the canonical file that cannot be merged into."""
    try:
        return merge(files, *groups, laws=laws)
    except BadState as error:
        return error.path


def differences(one: Mapping[str, bytes] | str, other: Mapping[str, bytes] | str) -> list[str]:
    """Where two results of `merge_or_stop` differ, to be read by people; nothing where they are the same bytes."""
    if isinstance(one, str) or isinstance(other, str):
        return (
            [] if one == other else [f"stopped by {one}" if isinstance(one, str) else f"one alone stopped, by {other}"]
        )
    paths = [path for path in sorted({*one, *other}) if one.get(path) != other.get(path)]
    return [f"{path}:\n{one.get(path)!r}\n{other.get(path)!r}" for path in paths]


def changed_lines(old: bytes, new: bytes) -> tuple[list[str], list[str]]:
    """The lines that are gone and those that came."""
    lines = list(difflib.unified_diff(old.decode().split("\n"), new.decode().split("\n"), n=0, lineterm=""))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


def read(files: Mapping[str, bytes], path: str) -> Any:
    """A file's content."""
    return json.loads(files[path])


def page(files: Mapping[str, bytes], frame: int = 7) -> Any:
    """A frame's page."""
    return read(files, page_path(frame, DEFAULT))


# ---- changes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """Something at a path that is not just a file with these bytes."""

    data: bytes
    mode: str = "100644"
    absent: bool = False
    """Whether this clone lacks the content."""

    @property
    def oid(self) -> str:
        """Its object: of a submodule, a commit that is nowhere."""
        return "5" * 40 if self.mode == "160000" else blob_id(self.data, "sha1")


Content = str | bytes | Node
LINK, MODULE, PROGRAM = Node(b"elsewhere", "120000"), Node(b"", "160000"), Node(b"#!/bin/sh\n", "100755")


def absent(content: str | bytes) -> Node:
    """A content that this clone does not have."""
    return Node(node(content).data, absent=True)


def node(content: Content) -> Node:
    """What stands at a path."""
    return content if isinstance(content, Node) else Node(content if isinstance(content, bytes) else content.encode())


def change(
    before: Mapping[str, Content], after: Mapping[str, Content], *others: Mapping[str, Content], **more: Any
) -> Change:
    """What becomes of the files in `before`; `others` are further parents, of which what differs from all counts."""
    parents = [{path: node(content) for path, content in tree.items()} for tree in (before, *others)]
    new = {path: node(content) for path, content in after.items()}
    blobs = {each.oid: each for tree in (*parents, new) for each in tree.values()}
    files: dict[tuple[str, str], File] = {}
    for path in sorted({*new, *(path for tree in parents for path in tree)}):
        sides = [(tree[path].mode, tree[path].oid) if path in tree else (NONE, "0" * 40) for tree in parents]
        here = (new[path].mode, new[path].oid) if path in new else (NONE, "0" * 40)
        if here not in sides:
            for side, (mode, oid) in enumerate(sides):
                files.setdefault((path, oid), File(path, mode, here[0], oid, here[1], side))

    def read(oid: str) -> bytes | None:
        found = blobs.get(oid)
        return None if found is None or found.absent or found.mode == "160000" else found.data

    def below(tree: Mapping[str, Node]) -> Any:
        return lambda folder: [path for path in tree if path.startswith(f"{folder.rstrip('/')}/" if folder else "")]

    return Change(
        files.values(),
        read=read,
        old=lambda path, side=0: read(parents[side][path].oid) if path in parents[side] else None,
        new=lambda path: read(new[path].oid) if path in new else None,
        listing=below(parents[0]),
        listed=below(new),
        parents=1 + len(others),
        **more,
    )


def found(code: str, made: Change, policy: str | Policy = "") -> list[Finding]:
    """What one rule finds in a change under a policy, or under the text of one."""
    return judge(made, parse(policy.encode()) if isinstance(policy, str) else policy, codes=[code])


def said(code: str, made: Change, policy: str | Policy = "") -> list[str]:
    """The same as `path:line message`, to compare with."""
    return [f"{each.path}:{each.line} {each.message}" for each in found(code, made, policy)]
