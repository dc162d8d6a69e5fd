"""What is wrong with a file of the inbox: the merge's own verdict in words, and what hooks refuse beyond it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from guard import certain
from guard.policy import Policy
from merge.laws import DEFAULT as LAWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from merge.delta import Entry, Invalid  # what judges is loaded where a quick look is not enough
    from merge.order import Moment

Kind = Literal["file", "symlink", "submodule"]
Fault = tuple[str, str, str]
"""Where in the file (a JSON path), what is wrong there, and what to do."""

DAY = 86400
"""Seconds that a delta's time may lie ahead: clocks and time zones are wrong by hours, not by days."""


def kind_of(mode: str) -> Kind:
    """What a mode says a file is."""
    kinds: dict[str, Kind] = {"120000": "symlink", "160000": "submodule"}
    return kinds.get(mode, "file")


def by_small_letters(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they are in small letters, which is how some systems tell files apart."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.lower(), []).append(name)
    return alike


def faults(
    path: str,
    name: str,
    data: bytes,
    kind: Kind,
    policy: Policy,
    counter: int | None,
    now: float | None,
    alike: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[Fault]:
    """What is wrong with the file `name` of the inbox; `path` is how commands name it.

    `counter` is the newest closed frame and `now` the seconds since 1970: where they are None, neither frame nor time
    is held against them. `alike` are the inbox's names, by what they are in small letters.
    """
    twin = next((other for other in alike.get(name.lower(), ()) if other != name), None)
    if kind == "file" and twin is None and _certain(name, data, policy, counter, now):
        return
    from guard import schema
    from merge.delta import Entry, Invalid, complaints, read

    entry = Entry(name, data, kind)
    conforms = schema.conforms("delta")
    judged = read(entry, conforms, policy.laws)
    if isinstance(judged, Invalid):
        for each in complaints(entry, conforms, policy.laws):
            yield from _explained(path, entry, each, alike, now)
        frame, moment = _said(entry.data, judged)
    else:
        frame, moment = judged.frame, judged.moment
    yield from _beyond(path, frame, moment, counter, now)
    if isinstance(judged, Invalid):
        return
    if twin:
        message = f"{name} and {twin} differ only in case, and are one file on macOS and Windows"
        yield "$.stream_id", message, "give the stream an id of its own"


def too_far(
    path: str, name: str, data: bytes, kind: Kind, policy: Policy, counter: int | None, now: float | None
) -> Iterator[Fault]:
    """Where a file says a frame or a time that it cannot have yet, whatever else is wrong with it; as `faults`."""
    from guard import schema
    from merge.delta import Entry, Invalid, read

    judged = read(Entry(name, data, kind), schema.conforms("delta"), policy.laws)
    said = _said(data, judged) if isinstance(judged, Invalid) else (judged.frame, judged.moment)
    yield from _beyond(path, *said, counter, now)


def _beyond(
    path: str, frame: int | None, moment: "Moment | None", counter: int | None, now: float | None
) -> Iterator[Fault]:
    import shlex

    edit = f"edit {shlex.quote(path)}"
    if counter is not None and frame is not None and frame > counter + 1:
        yield "$.frame", ahead(frame, counter), f'{edit}: "frame": {counter + 1}'
    if now is not None and moment is not None and moment[0] > now + DAY:
        message = f"its time {moment[2]} is more than a day ahead"
        yield "$.completed_at", message, f'{edit}: "completed_at": "{_written(now)}"'


def _certain(name: str, data: bytes, policy: Policy, counter: int | None, now: float | None) -> bool:
    """Whether a quick look is enough to say that a delta is good."""
    laws = policy.laws
    if laws.lists != LAWS.lists or len(data) > laws.max_bytes:
        return False
    newest = -1 if counter is None else counter
    try:
        certain.check(name, data, newest=newest, levels=laws.max_levels, now=now)
    except certain.FAILURES:
        return False
    return True


def _said(data: bytes, judged: "Invalid") -> "tuple[int | None, Moment | None]":
    """The frame and the time that a file that is no delta says all the same."""
    from merge import values
    from merge.delta import MAX_FRAME, first_moment

    if judged.reason not in ("schema", "no time", "wrong name", "forbidden edit"):
        return None, None
    value = values.parse(data)
    frame = value.get("frame")
    return (frame if type(frame) is int and frame <= MAX_FRAME else None), first_moment(value)


def ahead(frame: int, counter: int) -> str:
    """Why a frame cannot be reported yet, in words."""
    return f"frame {frame} is more than one past the last closed frame, {counter}"


def _written(instant: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _explained(
    path: str, entry: "Entry", judged: "Invalid", alike: Mapping[str, Sequence[str]], now: float | None
) -> Iterator[Fault]:
    """What is wrong with a file that is no delta, place by place."""
    import posixpath
    import shlex

    from guard import schema
    from merge import values
    from merge.delta import file_name

    edit = f"edit {shlex.quote(path)}, then guard delta check {shlex.quote(path)}"
    message = f"{judged.reason}: {judged.detail}" if judged.detail else judged.reason
    if judged.reason == "schema" and judged.detail.startswith("$"):
        where, _, message = judged.detail.partition(": ")
        yield where, message, edit
    elif judged.reason == "schema":
        for where, message in schema.problems("delta", values.parse(entry.data)):
            yield where, message, edit
    elif judged.reason == "wrong name":
        value = values.parse(entry.data)
        name = file_name(value["frame"], value["stream_id"])
        if name in alike.get(name.lower(), ()):
            name = file_name(value["frame"], value["stream_id"], judged.digest)
        target = posixpath.join(posixpath.dirname(path), name)
        yield "$.stream_id", message, f"mv -n -- {shlex.quote(path)} {shlex.quote(target)}"
    elif judged.reason == "no time":
        example = "2026-04-15T12:00:00Z" if now is None else _written(now)
        yield "$.completed_at", message, f'edit {shlex.quote(path)}: "completed_at": "{example}"'
    elif judged.reason == "forbidden edit":
        yield "$.set", message, edit
    else:
        yield "$", message, edit
