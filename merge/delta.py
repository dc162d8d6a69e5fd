"""One delta: bytes and a name in, a `Delta` or an `Invalid` with its reason out.

A bad delta is an outcome, never an exception. The words of `Invalid.reason` are a closed list, because they are
recorded in canonical files; what people want to know beyond them is `Invalid.detail`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

from merge import values
from merge.edits import forbidden_edit
from merge.laws import Laws, ListLaw
from merge.order import Moment, moment

MAX_FRAME = 10**9

STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_NAME = re.compile(r"frame-(0|[1-9][0-9]{0,9})-(.+)\.json", re.ASCII | re.DOTALL)
_SUFFIX = re.compile(r"(.+)--([0-9a-f]{16})", re.ASCII)

Conforms = Callable[[Any], bool]
"""Whether a parsed delta satisfies `schemas/delta.schema.json`."""


class Entry(NamedTuple):
    """One file of the inbox: its path below the inbox, what it is, and its bytes.

    The bytes of a symlink are its target, those of a submodule its commit's name.
    """

    name: str
    data: bytes
    kind: Literal["file", "symlink", "submodule"] = "file"


class Delta(NamedTuple):
    """A valid delta. `status` is `ok` or `fallback`."""

    digest: str
    name: str
    frame: int
    stream: str
    moment: Moment
    status: str
    value: dict[str, Any]


class Invalid(NamedTuple):
    """A file of the inbox that is no delta. `frame` and `stream` are what its name says, where it says it."""

    digest: str
    name: str
    reason: str
    detail: str = ""
    frame: int | None = None
    stream: str | None = None


class _Refused(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def digest_of(data: bytes) -> str:
    """A delta's identity: the sha256 of its bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def valid_stream(stream: str) -> bool:
    """Whether `stream` can name a stream: it becomes part of file names and of ref names."""
    return STREAM_ID.fullmatch(stream) is not None and ".." not in stream and not stream.endswith((".", ".lock"))


def file_name(frame: int, stream: str, digest: str = "") -> str:
    """The name of a delta in the inbox; with its digest, the name of a further run or of one that came by ref."""
    return f"frame-{frame}-{stream}{'--' + digest[:16] if digest else ''}.json"


def split_name(name: str, digest: str) -> tuple[int, str] | None:
    """Frame and stream that the file name says, None for a name that is none of a delta's.

    A stream id may itself end like a digest suffix, so only the content's own suffix is taken off.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) > MAX_FRAME:
        return None
    stream = match[2]
    suffixed = _SUFFIX.fullmatch(stream)
    if suffixed is not None and suffixed[2] == digest[:16]:
        stream = suffixed[1]
    return (int(match[1]), stream) if valid_stream(stream) else None


def frame_in_name(name: str) -> int:
    """The frame that a file's name says, -1 for none: what files are grouped by before they are read."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match is not None else -1


def read(entry: Entry, conforms: Conforms, laws: Laws) -> Delta | Invalid:
    """Judge one file of the inbox."""
    digest = digest_of(entry.data)
    try:
        return _read(entry, digest, conforms, laws)
    except RecursionError:
        refused = _Refused("too deep", "nested beyond what can be read")
        return Invalid(
            digest, entry.name, refused.reason, refused.detail, *(split_name(entry.name, digest) or (None, None))
        )
    except _Refused as refused:
        named = split_name(entry.name, digest) or (None, None)
        return Invalid(digest, entry.name, refused.reason, refused.detail, *named)


def _read(entry: Entry, digest: str, conforms: Conforms, laws: Laws) -> Delta:
    if entry.kind != "file":
        raise _Refused("not a regular file", f"it is a {entry.kind}")
    if "/" in entry.name:
        raise _Refused("in a folder", "a delta lies directly in the inbox")
    value = parse(entry.data, laws)
    if not isinstance(value, dict):
        raise _Refused("not an object", f"the file holds a {_json_type(value)}")
    for refused in _refusals(entry.name, digest, value, conforms, laws):
        raise refused
    time = first_moment(value)
    assert time is not None  # else it was refused
    meta = value.get("_meta")
    status = "fallback" if isinstance(meta, dict) and meta.get("status") == "fallback" else "ok"
    return Delta(digest, entry.name, value["frame"], value["stream_id"], time, status, value)


def complaints(entry: Entry, conforms: Conforms, laws: Laws) -> list[Invalid]:
    """Everything that is wrong with a file of the inbox, the reason of `read` first; nothing for a valid delta."""
    first = read(entry, conforms, laws)
    if not isinstance(first, Invalid):
        return []
    if first.reason not in ("schema", "no time", "wrong name", "forbidden edit"):  # nothing more can be told
        return [first]
    value = values.parse(entry.data)
    refusals = _refusals(entry.name, first.digest, value, conforms, laws)
    return [first._replace(reason=refused.reason, detail=refused.detail) for refused in refusals]


def _refusals(name: str, digest: str, value: dict[str, Any], conforms: Conforms, laws: Laws) -> Iterator[_Refused]:
    """What is wrong with an object, one after the other; only the first counts where it is judged."""
    fits = conforms(value)
    if not fits:
        yield _Refused("schema")  # where it breaks it is beyond a yes or no
    frame, stream, edits = value.get("frame"), value.get("stream_id"), value.get("set", {})
    if fits and not isinstance(frame, int):
        yield _Refused("schema", f"$.frame: {values.dump(frame).decode()} is not written as an integer")
    for law in laws.lists if fits else ():
        if law.name in value and not isinstance(value[law.name], list) and not _bare(value[law.name], law):
            yield _Refused("schema", f"$.{law.name}: a {_json_type(value[law.name])} where a list belongs")
    if first_moment(value) is None:
        yield _Refused("no time", "none of completed_at, timestamp, _meta.timestamp is RFC 3339 with its offset")
    right = ""
    if type(frame) is int and 0 <= frame <= MAX_FRAME and isinstance(stream, str) and valid_stream(stream):
        right = file_name(frame, stream)
    if right and name not in (right, f"{right.removesuffix('.json')}--{digest[:16]}.json"):
        yield _Refused("wrong name", f"its content says {right}")
    known = edits if isinstance(edits, dict) else {}
    forbidden = forbidden_edit(known if fits else {key: known[key] for key in known if "#/" in key}, laws)
    if forbidden:
        yield _Refused("forbidden edit", forbidden)


def parse(data: bytes, laws: Laws) -> Any:
    """`values.parse` within the limits of a delta; raises `_Refused`."""
    if len(data) > laws.max_bytes:
        raise _Refused("too large", f"{len(data)} bytes, at most {laws.max_bytes} are read")
    try:
        return values.parse(data, laws.max_levels)
    except values.BadJson as error:
        raise _Refused(error.reason, error.detail) from None


def first_moment(value: dict[str, Any]) -> Moment | None:
    """The delta's time: the first of `completed_at`, `timestamp`, `_meta.timestamp` that is one."""
    meta = value.get("_meta")
    nested = meta.get("timestamp") if isinstance(meta, dict) else None
    for text in (value.get("completed_at"), value.get("timestamp"), nested):
        found = moment(text) if isinstance(text, str) else None
        if found is not None:
            return found
    return None


def _bare(value: Any, law: ListLaw) -> bool:
    """Whether a law can take a value that is no list: where things are only counted, how many there are."""
    counted = law.law == "additive" and bool(law.count) and type(value) is int and value >= 0
    return counted or law.law == "keep"


def _json_type(value: Any) -> str:
    names = {dict: "map", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
