"""`guard frame history`: the frames that are over, as a table for a terminal and as a page to look at."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard.delivery import outbox
from guard.errors import GuardError, Unseen
from guard.frames.history import Merge, Row, counted, missing, row, span
from guard.frames.page import MARK, draw
from guard.git import Repo
from guard.git.objects import Commit, parse_tree
from guard.history import MERGE_TRAILER, Trailer, claims, trailer
from guard.hub.hub import Snapshot
from guard.plan import policy_at
from guard.policy import Policy
from guard.publish import hub, last_seen
from guard.report import Report, number, width
from merge import page, values
from merge.fold import page_path

_SPAN = re.compile(r"([0-9]{1,10})(?:(?:-|\.\.)([0-9]{1,10}))?\Z", re.ASCII)
_NAME = re.compile(r"frame-(0|[1-9][0-9]{0,9})\.json\Z", re.ASCII)
_WIDE = 110
"""Columns of a terminal from which on every column of the table is shown."""


@dataclass
class Options:
    """What the command line says."""

    frames: str | None = None
    last: int = 50
    html: Path | None = None
    fetch: bool = True


@dataclass
class _Seen:
    """What was found, and what could not be: in words, for the person."""

    rows: list[Row]
    unseen: list[str] = field(default_factory=list)


def run(repo: Repo, options: Options, report: Report) -> int:
    """Show what pages and merge commits say of some frames, by default of the newest 50."""
    bounds = _bounds(options.frames)
    if options.html is not None:
        _ours(options.html)  # before anything is worked out
    policy, tip = _tip(repo, options.fetch, report)
    seen = _Seen([])
    if tip is not None:
        with report.working("reading frames") as progress:
            seen = _look(repo, policy, tip, bounds, options.last, progress)
    for what in seen.unseen:
        report.warn(what)
    if options.html is not None:
        made = draw(seen.rows, counted(policy.laws), policy.branch, tip or "", seen.unseen, int(time.time()))
        _write(options.html, made)
    _tell(report, seen.rows, counted(policy.laws), narrow=width() < _WIDE)
    if options.html is not None:
        report.say(f"{options.html}: {number(len(seen.rows), 'frame')} to look at")
    value = {"tip": tip, "frames": [each.value() for each in seen.rows], "unseen": seen.unseen}
    report.result({**value, "html": str(options.html) if options.html else None, "exit": 0})
    return 0


def _bounds(spelled: str | None) -> tuple[int, int] | None:
    if spelled is None:
        return None
    match = _SPAN.match(spelled.strip())
    if match is None:
        raise GuardError(
            "usage",
            f"{spelled!r} is neither a frame nor a range",
            "nothing was read",
            "guard frame history --frames 440-489",
        )
    first, end = int(match[1]), int(match[2] or match[1])
    if end < first:
        raise GuardError(
            "usage",
            f"{spelled} ends before it begins",
            "no frame is in it",
            f"guard frame history --frames {end}-{first}",
        )
    return first, end


def _tip(repo: Repo, fetch: bool, report: Report) -> tuple[Policy, str | None]:
    """The policy and the newest commit of the state branch; as last fetched where the remote cannot be asked."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    snapshot: Snapshot | None = None
    if fetch:
        try:
            snapshot = hub(repo, policy).read()
        except GuardError as error:
            if error.kind != "network":
                raise
            report.warn(f"{error.what}\n  why: what follows is as it was last fetched\n  fix: {error.fix}")
    tip = (snapshot or last_seen(repo, policy)).tip
    return policy_at(repo, tip), tip


# --- looking ---------------------------------------------------------------------------------------------------


def _look(
    repo: Repo, policy: Policy, tip: str, bounds: tuple[int, int] | None, last: int, progress: Callable[[str], None]
) -> _Seen:
    counter = _counter(repo, policy, tip)
    names = _pages(repo, policy, tip)
    if bounds is None:
        frames = _first((frame for frame in names if counter is None or frame <= counter + 1), last)
    else:
        frames = []
        for frame in names:
            if frame < bounds[0]:
                break
            frames += [frame] if frame <= bounds[1] else []
    low = bounds[0] if bounds else min(frames, default=0)
    high = bounds[1] if bounds else max([*frames, (counter or 0) + 1])
    seen = _Seen([])
    merges = _merges(repo, policy, tip, low, high, seen)
    empty = {merge.close for merge in merges if not merge.deltas and low <= merge.close <= high} - set(frames)
    wanted = sorted([*frames, *empty])[-last if bounds is None else 0 :]
    for place, frame in enumerate(wanted):
        progress(f"reading frames: {place} of {len(wanted)}")
        touching = [merge for merge in merges if frame in merge.frames]
        seen.rows.append(
            Row(frame, "empty", merges=touching) if frame in empty else _row(repo, policy, tip, frame, touching)
        )
    for state, what in (("unseen", "not in this clone"), ("unreadable", "no page of this engine")):
        which = [str(each.frame) for each in seen.rows if each.state == state]
        if which:
            verb = "is" if len(which) == 1 else "are"
            more = f" and {len(which) - 9} more" if len(which) > 9 else ""
            seen.unseen.append(
                f"{number(len(which), 'page')} {verb} not shown: {what} (frame {', '.join(which[:9])}{more})"
            )
    return seen


def _first(frames: Iterator[int], count: int) -> list[int]:
    return [frame for frame, _ in zip(frames, range(count), strict=False)]


def _pages(repo: Repo, policy: Policy, tip: str) -> Iterator[int]:
    """The frames that have a page, newest first; a folder of a thousand is read when it is come to."""
    folders = {int(name): name for name in _folder(repo, tip, policy.laws.pages) if name.isascii() and name.isdecimal()}
    for _, folder in sorted(folders.items(), reverse=True):
        names = map(_NAME.match, _folder(repo, tip, f"{policy.laws.pages}/{folder}"))
        found = sorted((int(match[1]) for match in names if match), reverse=True)
        yield from (frame for frame in found if page_path(frame, policy.laws).split("/")[-2] == folder)


def _folder(repo: Repo, tip: str, path: str) -> set[str]:
    found = repo.reader.find(f"{tip}:{path}")
    return parse_tree(found.data, repo.hash) if found is not None and found.kind == "tree" else set()


def _row(repo: Repo, policy: Policy, tip: str, frame: int, merges: list[Merge]) -> Row:
    path = page_path(frame, policy.laws)
    try:
        data = repo.reader.read(f"{tip}:{path}")
        if data is None:
            return Row(frame, "unseen", merges=merges)
        first_late = next((merge for merge in merges if merge.late(frame)), None)
        before = None
        if first_late is not None:
            old = repo.reader.read(f"{first_late.commit}^:{path}")
            before = page.digests(old) if old is not None else set()
        return row(frame, data, policy.laws, merges, before)
    except Unseen:
        return Row(frame, "unseen", merges=merges)
    except (values.BadJson, page.NotAPage):
        return Row(frame, "unreadable", merges=merges)


def _merges(repo: Repo, policy: Policy, tip: str, low: int, high: int, seen: _Seen) -> list[Merge]:
    """The merges that touched frames from `low` to `high`, oldest first.

    The counter never falls: no merge that has a smaller one than `low` touched a frame of them, nor did its ancestors.
    So history is walked back to the first of those, and not to its beginning.
    """
    beyond = None
    for record in repo.log(f"--grep=^{MERGE_TRAILER}:", "--format=%H%x01%B", tip):
        commit, _, message = record.decode(errors="replace").strip("\n").partition("\1")
        said = trailer(message)
        if said is None or max(said.frames) >= low:  # nothing before it can be ruled out: not worth a look
            continue
        after = _counter(repo, policy, commit)
        if after is not None and after < low:
            beyond = commit
            break
    edge = repo.edge()
    if beyond is None and edge:
        seen.unseen.append(
            "this clone is shallow: merges before its first commit are not shown, nor which deltas came late to them"
            "\n  fix: git fetch --unshallow"
        )
    found = []
    for claim in claims(repo, tip, beyond):
        said = trailer(claim.message)
        if said is not None and max(said.frames) >= low and min(said.frames) <= high:
            found += _merge(repo, policy, claim, said, claim.id in edge)
    return found[::-1]


def _merge(repo: Repo, policy: Policy, commit: Commit, said: Trailer, first: bool) -> list[Merge]:
    """A merge, read; none for a commit that only says it is one. `first` is one with which a shallow clone begins."""
    if len(commit.parents) != 1:
        return []
    before = None if first else _counter(repo, policy, commit.parents[0])
    if not first:
        mine, theirs = (repo.reader.find(f"{name}:{policy.laws.pages}") for name in (commit.id, commit.parents[0]))
        same = (mine and mine.id) == (theirs and theirs.id)
        if same and before == _counter(repo, policy, commit.id):
            return []
        before = -1 if before is None else before
    return [Merge(commit.id, commit.time, said.frames, said.close, said.deltas, before, missing(commit.message))]


def _counter(repo: Repo, policy: Policy, commit: str) -> int | None:
    """The frame counter of a commit, None where there is none to read."""
    try:
        data = repo.reader.read(f"{commit}:{policy.laws.counter}")
        frame = values.parse(data)["frame"] if data is not None else None
    except (Unseen, values.BadJson, KeyError, TypeError):
        return None
    return frame if type(frame) is int else None


# --- telling ---------------------------------------------------------------------------------------------------


def _tell(report: Report, rows: list[Row], lists: list[str], *, narrow: bool) -> None:
    if not rows:
        report.say("no frame is merged yet, or none of these")
        return
    heads = [name.partition("_")[0] for name in lists[:3]]
    columns = ["frame", "last delta", "ok", *(("fb", "rej") if narrow else ("fallback", "rejected", "deltas")), "late"]
    columns += [*heads, "took", *(() if narrow else ("lag", "merges", "machines"))]
    report.table(columns, [_cells(each, lists[:3], narrow=narrow) for each in rows], _right(columns))
    late = sum(each.late for each in rows)
    gone = sum(len(each.missing) for each in rows)
    deltas = number(sum(each.number() for each in rows), "delta")
    report.say(f"{number(len(rows), 'frame')}, {deltas}, {late} late; {number(gone, 'expected stream')} never came")
    report.prose(
        "last delta, took: as the deltas that came in time say themselves, in UTC; late: merged after the frame was"
        " closed"
        + ("; fb: fallback; rej: rejected; more in 110 columns, in --json and in --html FILE" if narrow else _LAG)
    )


def _right(columns: Sequence[str]) -> list[int]:
    return [place for place, name in enumerate(columns) if name not in ("last delta", "machines")]


def _cells(each: Row, lists: Sequence[str], *, narrow: bool) -> list[str]:
    said = each.value()
    when = str(said["last"] or "")[5 if narrow else 0 : 16].replace("T", " ") or _STATES[each.state]
    cells = [str(each.frame), when]
    if each.state != "page":
        return cells + [""] * (len(lists) + (5 if narrow else 9))
    cells += [str(count or "") for count in said["streams"].values()]
    cells += [*(() if narrow else (str(each.number()),)), str(each.late or "")]
    cells += [*(str(each.entries[name]) for name in lists), span(each.seconds)]
    return cells if narrow else [*cells, span(each.lag), str(len(each.merges) or ""), each.crew]


_LAG = "; lag: from the last delta to the date of the merge, which is no clock's: its newest delta's or its parent's"
_STATES = {"page": "", "empty": "empty", "unseen": "not here", "unreadable": "not a page"}


# --- the file --------------------------------------------------------------------------------------------------


def _ours(path: Path) -> bool:
    """Whether a page of ours is there already; raises `GuardError` where something else is."""
    if not os.path.lexists(path):
        return False
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            if file.read(len(MARK)) == MARK:
                return True
    raise GuardError(
        "usage",
        f"{path} is there, and is not a page that guard drew",
        "it would be gone; nothing was written",
        f"guard frame history --html {path.with_name('frames-' + path.name)}",
    )


def _write(path: Path, data: bytes) -> None:
    """Put a page there, whole or not at all; in the place of a page of ours, and of nothing else."""
    try:
        if not _ours(path) and outbox.create(path, data):
            return
        _ours(path)  # somebody may have been faster
        part = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            outbox.create(part, data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise GuardError("usage", f"{path}: {error.strerror}", "the page was not written", "--html FILE") from None
