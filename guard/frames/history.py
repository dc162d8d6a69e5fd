"""What pages and merge commits say of frames that are over: one row a frame. Pure: bytes and commits in, rows out."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from merge import page, values
from merge.delta import valid_stream
from merge.laws import Laws
from merge.lists import combine

Kind = Literal["ok", "late", "fallback", "rejected"]

KINDS: tuple[Kind, ...] = ("ok", "late", "fallback", "rejected")
"""What became of a delta. A late one is a good one that was merged after its frame was closed; others are named by
what is worse about them."""

FLEET = "this fleet"
"""Who ran the streams whose ids name no machine."""

_MACHINE = re.compile(r"(m[1-9][0-9]{0,5})-.", re.ASCII)
_MISSING = re.compile(r"^Missing: (.+)$", re.MULTILINE)
_EPOCH = date(1970, 1, 1).toordinal()


class Merge(NamedTuple):
    """A commit that says it is a merge. `time` is its date in seconds; `before` is the frame counter that it found,
    None where this clone does not have what came before it; `missing` are the streams that it says did not come."""

    commit: str
    time: int
    frames: tuple[int, ...]
    close: int
    deltas: int
    before: int | None
    missing: tuple[str, ...] = ()

    def late(self, frame: int) -> bool:
        """Whether `frame` was closed already."""
        return self.before is not None and self.before >= frame


class Mark(NamedTuple):
    """One delta. `at` is the time that it states, in seconds since 1970; None where it was rejected."""

    stream: str
    kind: Kind
    late: bool
    at: int | None
    reason: str = ""


@dataclass
class Row:
    """A frame. `state` is `page`, `empty` for one that was closed without a page, `unseen` where this clone lacks the
    page's content, `unreadable` where it is no page of this engine."""

    frame: int
    state: Literal["page", "empty", "unseen", "unreadable"] = "page"
    marks: list[Mark] = field(default_factory=list)
    entries: dict[str, int] = field(default_factory=dict)
    """List -> how many entries it counts."""
    merges: list[Merge] = field(default_factory=list)
    """Oldest first; empty where this clone does not have them."""
    missing: list[str] = field(default_factory=list)
    """Streams that were expected when the frame was closed and have not delivered to this day."""

    def number(self, *kinds: Kind) -> int:
        """How many deltas are of these kinds; of any, where none is named."""
        return sum(1 for mark in self.marks if not kinds or mark.kind in kinds)

    @property
    def late(self) -> int:
        """How many deltas came late, whatever else they are."""
        return sum(1 for mark in self.marks if mark.late)

    @property
    def streams(self) -> dict[str, Kind]:
        """What became of each stream: of several deltas, the best counts."""
        best: dict[str, Kind] = {}
        for mark in self.marks:
            best[mark.stream] = min(mark.kind, best.get(mark.stream, mark.kind), key=KINDS.index)
        return best

    @property
    def machines(self) -> list[str]:
        """The machines whose streams delivered, in their order."""
        return sorted({machine(mark.stream) for mark in self.marks}, key=natural)

    @property
    def crew(self) -> str:
        """The machines in few words."""
        names = self.machines
        return " ".join(names) if len(names) <= 3 else f"{len(names)}: {names[0]} to {names[-1]}"

    @property
    def times(self) -> list[int]:
        """When the deltas that came in time say they were done, in order."""
        return sorted(mark.at for mark in self.marks if mark.at is not None and not mark.late)

    @property
    def seconds(self) -> int | None:
        """From the first delta to the last, of those that came in time."""
        times = self.times
        return times[-1] - times[0] if times else None

    @property
    def lag(self) -> int | None:
        """From the last delta that came in time to the date of the merge that closed the frame."""
        closing = next(
            (merge for merge in self.merges if merge.before is not None and not merge.late(self.frame)), None
        )
        times = self.times
        return closing.time - times[-1] if closing is not None and times else None

    def value(self) -> dict[str, Any]:
        """The row as programs read it."""
        streams = list(self.streams.values())
        times = self.times
        return {
            "frame": self.frame,
            "state": self.state,
            "first": utc(times[0]) if times else None,
            "last": utc(times[-1]) if times else None,
            "seconds": self.seconds,
            "streams": {
                "ok": sum(1 for kind in streams if kind in ("ok", "late")),
                "fallback": streams.count("fallback"),
                "rejected": streams.count("rejected"),
            },
            "machines": self.machines,
            "deltas": self.number(),
            "late": self.late,
            "rejected": [
                {"stream": mark.stream, "reason": mark.reason} for mark in self.marks if mark.kind == "rejected"
            ],
            "missing": self.missing,
            "entries": self.entries,
            "merges": [{"commit": merge.commit, "date": utc(merge.time)} for merge in self.merges],
            "lag": self.lag,
        }


def row(frame: int, data: bytes, laws: Laws, merges: Sequence[Merge], before: Collection[str] | None) -> Row:
    """The row of a frame from its page; `merges` are those that touched it, oldest first, and `before` the digests
    that its page had when the first late one came, None where none came late or that cannot be told.

    Raises `merge.page.NotAPage` or `merge.values.BadJson` for bytes that are no page.
    """
    sheet = page.read(frame, data, laws)
    made = Row(frame, merges=list(merges))
    for record in sheet.ordered():
        late = before is not None and record.digest not in before
        kind: Kind = "fallback" if record.status == "fallback" else "late" if late else "ok"
        reason = _reason(record.extra) if kind == "fallback" else ""
        made.marks.append(Mark(record.stream, kind, late, record.moment[0], reason))
    for (stream, digest), reason in sorted(sheet.rejected.items()):
        late = before is not None and digest not in before
        made.marks.append(Mark(stream or "?", "rejected", late, None, reason))
    records = sheet.ordered()
    for name in counted(laws):
        law = next(law for law in laws.lists if law.name == name)
        made.entries[name] = combine(page.listings(records, name), law).tally.entries
    came = made.streams
    closing = next((merge for merge in merges if merge.close == frame and not merge.late(frame)), None)
    made.missing = [stream for stream in (closing.missing if closing else ()) if stream not in came]
    return made


def _reason(extra: bytes) -> str:
    """Why a fallback delta stands in, where it says it."""
    meta = values.parse(extra).get("_meta")
    reason = meta.get("reason") if isinstance(meta, dict) else None
    return reason if isinstance(reason, str) else ""


def missing(message: str) -> tuple[str, ...]:
    """The streams that a merge commit's message says did not come."""
    found = _MISSING.search(message)
    return tuple(stream for stream in found[1].split(", ") if valid_stream(stream)) if found else ()


def counted(laws: Laws) -> list[str]:
    """The lists whose entries are counted."""
    return [law.name for law in laws.lists if law.law in ("one-per-key", "additive")]


def machine(stream: str) -> str:
    """The machine that ran a stream, as its id says: `m2` of `m2-stream-7`."""
    match = _MACHINE.match(stream)
    return match[1] if match else FLEET


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts `m2` before `m10`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part) for part in parts)


def utc(seconds: int) -> str:
    """An instant as `2026-01-02T10:40:00Z`; one that no calendar has, as its seconds."""
    days, rest = divmod(seconds, 86400)
    try:
        day = date.fromordinal(days + _EPOCH)
    except (ValueError, OverflowError):
        return f"{seconds} s"
    return f"{day.isoformat()}T{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}Z"


def span(seconds: int | None) -> str:
    """A length of time as people say it, in its two largest units."""
    if seconds is None:
        return ""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if left >= size:
            rest = left % size // part
            return f"{sign}{left // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{sign}{left} s"
