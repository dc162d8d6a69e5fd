"""`guard launch` and `guard run`: streams at work, each in its own work tree, and a delta from every one of them."""

import contextlib
import os
import secrets
import shlex
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.commands.worktree import prepared, tell
from guard.delivery import outbox
from guard.delivery.deliver import Sent
from guard.delivery.deliver import deliver as to_the_hub
from guard.errors import GuardError
from guard.frames import partition
from guard.frames.roster import players
from guard.git import Repo
from guard.inbox import ahead
from guard.owner import this
from guard.plan import Tree, frame_at_work, frame_counter, policy_at
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report, number
from guard.schema import check_stream
from guard.streams import Exit, Job, Signals, Stream, child, collect, deliver, environment, execute, mine, settle
from guard.worktrees import notes
from guard.worktrees.notes import Note
from guard.worktrees.remove import Kept, Removed
from guard.worktrees.trees import give_back, life, take, trees

if TYPE_CHECKING:
    from rich.table import Table

BEAT = 10.0
"""Seconds between two signs of life."""

_COLUMNS = ("stream", "state", "exit", "time", "remarks")


@dataclass
class Options:
    """What the command line says."""

    words: Sequence[str]
    streams: int = 1
    frame: int | None = None
    machine: str = ""
    stagger: float = 3.0
    timeout: float | None = None
    roster: Path | None = None
    how: partition.How = "rendezvous"


def launch(repo: Repo, options: Options, report: Report) -> int:
    """Run a command once for each stream; returns 0 where every stream has a delta, its own or a fallback."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    of = partition.machine(options.machine) if options.machine else None
    tip = hub(repo, policy, ()).read().tip
    if tip is None:
        raise GuardError(
            "usage", "there is no commit yet to work on", "a stream works on the state branch", "git commit"
        )
    policy = policy_at(repo, tip)
    job = _job(repo, policy, tip, options)
    ids = partition.streams(options.streams, of)
    agents = partition.share(players(Tree(repo, tip), policy, options.roster), of, options.how)
    shares = partition.parted(agents, ids, options.how)
    streams = [Stream(each, shares[each]) for each in ids]
    with Signals() as signals:
        repo.close()  # a git from before would hear a Ctrl-C too
        left = play(repo, job, streams, tip, options.stagger, signals, report)
        return _told(streams, job, report, signals, left)


def play(
    repo: Repo, job: Job, streams: list[Stream], tip: str, stagger: float, signals: Signals, report: Report
) -> dict[str, Any]:
    """Run the command of a job for each stream, on work trees of `tip`, until all have ended; `streams` say how.

    Returns what an earlier launch had left behind.
    """
    logs = _logs(repo, job.policy, job.frame)
    base = _base(repo)
    left = earlier(repo, job.policy, job, report)
    show = _Show(streams, report, job.frame)
    with show:
        threads = [
            threading.Thread(target=_one, args=(repo.directory, job, each, tip, base, logs, at, signals, show))
            for at, each in ((place * stagger, stream) for place, stream in enumerate(streams))
        ]
        for thread in threads:
            thread.start()
        _wait(repo, threads, show)
    with contextlib.suppress(OSError):
        base.rmdir()
    return left


def _job(repo: Repo, policy: Policy, tip: str | None, options: Options) -> Job:
    """What all streams have in common; the frame as asked, from GUARD_FRAME, or the open one."""
    if not options.words:
        raise GuardError("usage", "which command?", "every stream runs one", "guard launch --streams 4 -- CMD...")
    tree = Tree(repo, tip)
    counter = frame_counter(tree, policy.laws)
    frame = options.frame
    if frame is None:
        frame = frame_at_work(tree, policy)
    if counter >= 0 and frame > counter + 1:
        why = "hooks and servers refuse such deltas, so the work would be for nothing"
        raise GuardError(
            "usage",
            ahead(frame, counter),
            why,
            f"--frame {counter + 1}; or guard merge, or guard sync where it was merged elsewhere",
        )
    return Job(policy, frame, counter if counter >= 0 else None, options.words, options.timeout)


def _base(repo: Repo) -> Path:
    """The folder in which streams have their work trees, beside this one."""
    here = Path(os.path.abspath(repo.common_dir if repo.bare else repo.top()))  # noqa: PTH100 - as people spell it
    return here.with_name(f"{here.name.removesuffix('.git') or here.name}-streams")


def _logs(repo: Repo, policy: Policy, frame: int) -> Path:
    """The folder of a frame's logs; those of the oldest frames go."""
    folder = repo.common_dir / "guard" / "logs"
    made = folder / f"frame-{frame}"
    made.mkdir(parents=True, exist_ok=True)
    others = sorted((_since(each), each) for each in folder.glob("frame-*"))
    for _, old in others[: -max(policy.keep_frames, 1)]:
        if old != made:
            for file in old.glob("*.log"):
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                old.rmdir()
    return made


def _since(path: Path) -> float:
    """When a folder was changed; long ago where another launch has removed it in this moment."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


# --- one stream ------------------------------------------------------------------------------------------------


def _one(
    directory: Path,
    job: Job,
    stream: Stream,
    tip: str,
    base: Path,
    logs: Path,
    delay: float,
    signals: Signals,
    show: "_Show",
) -> None:
    """A stream from its turn to its end; whatever goes wrong is said in it, and is a fallback."""
    if signals.stop.wait(delay):
        stream.state, stream.reason = "not started", signals.words()
        show.changed(stream)
        return
    stream.state, stream.began = "preparing", time.monotonic()
    show.changed(stream)
    repo = note = None
    try:
        repo = Repo(directory)  # of its own: a process that reads objects answers one at a time
        note = _work_tree(repo, job, stream, tip, base)
        _at_work(repo, job, stream, note, logs, signals, show)
    except Exception as error:  # noqa: BLE001 - no stream takes the others along
        stream.reason = _words(error)
        if note is not None and os.path.lexists(note.path):
            stream.worktree = f"{note.path}: it could not be ended; the next launch ends it"
        if not (stream.deltas or stream.undelivered) and repo is not None:
            _without_work_tree(repo, job, stream)
    finally:
        stream.seconds = time.monotonic() - stream.began
        if repo is not None:
            repo.reader.close()
        show.changed(stream)


def _words(error: BaseException) -> str:
    return error.what if isinstance(error, GuardError) else f"{type(error).__name__}: {error}"


def _without_work_tree(repo: Repo, job: Job, stream: Stream) -> None:
    """The fallback of a stream that has no work tree."""
    reason = stream.reason
    try:
        kept, _ = collect(repo, job, stream, Path(os.devnull), {}, reason)
        deliver(repo, job, stream, kept)
    except (GuardError, OSError) as error:
        stream.state, stream.reason = "failed", f"{reason}; {_words(error)}"


def _work_tree(repo: Repo, job: Job, stream: Stream, tip: str, base: Path) -> Note:
    """A work tree for a stream; under another name where an earlier one is still there."""
    name = f"frame-{job.frame}-{stream.id}"
    if os.path.lexists(base / name) or repo.resolve(f"refs/heads/guard/{name}") is not None:
        name += f"-{secrets.token_hex(3)}"
    base.mkdir(parents=True, exist_ok=True)
    wanted = Note("", "", "", kind="stream", owner=this(), frame=job.frame, stream=stream.id)
    try:
        note = prepared(repo, job.policy, base / name, f"guard/{name}", tip, wanted)
    except GuardError as error:
        if error.kind != "usage":
            raise
        name += f"-{secrets.token_hex(3)}"  # another launch has made one of that name in this very moment
        note = prepared(repo, job.policy, base / name, f"guard/{name}", tip, wanted)
    note = replace(note, before=mine(base / name, job.policy, job.frame, stream.id))
    notes.write(repo, note)
    return note


def _at_work(repo: Repo, job: Job, stream: Stream, note: Note, logs: Path, signals: Signals, show: "_Show") -> None:
    """Run the command, and bring its delta to safety."""
    top = Path(note.path)
    stream.log = str(logs / f"{stream.id}.log")

    def begun(pid: int) -> None:
        notes.write(repo, child(pid, note))
        stream.state = "running"
        show.changed(stream)

    logs.mkdir(parents=True, exist_ok=True)  # another launch has swept it where it was empty and old
    with Path(stream.log).open("ab") as log:
        if signals.stop.is_set():
            stream.exit = Exit(failed=f"not started: {signals.words()}")
        else:
            stream.exit = execute(job, environment(job, stream, top), top, log, signals, begun)
    stream.state = "ending"
    settle(repo, job, stream, note, stream.exit.words(job.timeout))


def _wait(repo: Repo, threads: Sequence[threading.Thread], show: "_Show") -> None:
    """Wait for all streams, and give signs of life for them."""
    last = time.monotonic()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)
            show.tick()
            if time.monotonic() - last >= BEAT:
                last = time.monotonic()
                for tree in trees(repo):
                    if tree.note is not None and tree.note.owner == this():
                        notes.beat(repo, tree.path)


# --- what an earlier launch left behind --------------------------------------------------------------------------


def earlier(repo: Repo, policy: Policy, job: Job, report: Report) -> dict[str, Any]:
    """Go on where a launch was killed: its streams' deltas are delivered, its work trees go."""
    removed: list[Removed] = []
    kept: list[Kept] = []
    for tree in trees(repo):
        if tree.note is None or tree.note.kind != "stream":
            continue
        state, why = life(repo, policy, tree)
        if state == "orphan":
            note = take(repo, policy, tree)
            if note is None:
                continue  # another launch ends it
            stream = Stream(tree.note.stream)
            late = replace(job, frame=tree.note.frame, deliver=_nowhere)
            try:
                settle(repo, late, stream, note, f"its launch was killed ({why})")
            except (GuardError, OSError) as wrong:
                stream.worktree = _words(wrong)
            with contextlib.suppress(OSError):
                give_back(repo, tree.path, tree.note)
            if stream.worktree:
                kept.append(Kept(str(tree.path), stream.worktree, f"guard worktree remove {tree.path}"))
            else:
                removed.append(Removed(str(tree.path), stream.rescue, tree.note.branch))
        elif tree.note.owner is not None and tree.note.owner.lives() is False:
            pid = tree.note.child.pid if tree.note.child is not None else 0
            fix = f"kill -- -{pid}, then guard worktree sweep --rescue" if pid else f"guard worktree remove {tree.path}"
            kept.append(Kept(str(tree.path), f"its launch is gone, and {why}", fix))
    with contextlib.suppress(OSError):  # somebody's work trees are in it, or there is none
        _base(repo).rmdir()
    done = to_the_hub(repo, policy, outbox.waiting(repo))
    sent, waiting = [where for where in done.where.values() if where], [str(path) for path in done.errors]
    for error in dict.fromkeys(done.errors.values()):
        report.warn(f"{error.what}\n  why: {error.why}\n  fix: {error.fix}")
    tell(removed, kept, report)
    for ref in sent:
        report.say(f"delivered from an earlier launch: {ref}")
    swept = {"removed": [each.path for each in removed], "kept": [each.path for each in kept]}
    return {**swept, "delivered": sent, "waiting": waiting}


def _nowhere(_repo: Repo, _policy: Policy, _paths: Sequence[Path]) -> Sent:
    """Leave deltas in the outbox: all that wait there are sent together."""
    return Sent()


# --- what people see ---------------------------------------------------------------------------------------------


class _Show:
    """The streams as they stand: a live table on a terminal, a line for each change elsewhere."""

    def __init__(self, streams: Sequence[Stream], report: Report, frame: int) -> None:
        self.streams = streams
        self.report = report
        self.frame = frame
        self.lock = threading.Lock()
        self.live: Any = None

    def __enter__(self) -> "_Show":
        if not self.report.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from rich.console import Console  # here: only a terminal needs it
            from rich.live import Live

            self.live = Live(self._table(), console=Console(stderr=True), auto_refresh=False, transient=True)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def changed(self, stream: Stream) -> None:
        """A stream stands otherwise than before."""
        if self.live is None:
            with self.lock:
                why = f": {stream.reason}" if stream.reason else ""
                self.report.note(f"{stream.id}: {stream.state}{why}")

    def tick(self) -> None:
        """Show the table as it is now."""
        if self.live is not None:
            self.live.update(self._table(), refresh=True)

    def _table(self) -> "Table":
        from rich.markup import escape
        from rich.table import Table

        done = sum(1 for stream in self.streams if stream.done)
        table = Table(*_COLUMNS, title=f"frame {self.frame}: {done} of {number(len(self.streams), 'stream')}")
        for row in _rows(self.streams):
            table.add_row(*map(escape, row))
        return table


def _rows(streams: Sequence[Stream]) -> Iterator[tuple[str, str, str, str, str]]:
    now = time.monotonic()
    for stream in streams:
        seconds = stream.seconds or (now - stream.began if stream.began else 0.0)
        status = "" if stream.exit.code is None else str(stream.exit.code)
        remarks = "; ".join(filter(None, [stream.reason, stream.worktree and f"left: {stream.worktree}"]))
        yield stream.id, stream.state, status, f"{seconds:.1f} s", remarks


def _told(streams: list[Stream], job: Job, report: Report, signals: Signals, earlier: dict[str, Any]) -> int:
    """The summary; returns the exit code."""
    done = sum(1 for stream in streams if stream.done)
    own = sum(1 for stream in streams if stream.state == "ok")
    code = 128 + signals.number if signals.number else 0 if done == len(streams) else 2
    report.table(_COLUMNS, list(_rows(streams)), right=(2, 3))
    report.say(f"frame {job.frame}: {done} of {number(len(streams), 'stream')} delivered, {done - own} by fallback")
    for stream in streams:
        if stream.state == "fallback" and stream.log and Path(stream.log).is_file():
            report.say(f"{stream.id}: what it printed: {stream.log}")
        for ref in stream.rescue:
            report.say(f"{stream.id}: what it left is kept as {ref}")
        for path in stream.undelivered:
            report.say(f"{stream.id}: not delivered, kept as {path}; guard delta push sends it")
    interrupted = signals.words() if signals.number else None
    report.result(
        {
            "frame": job.frame,
            "streams": [_value(stream) for stream in streams],
            "earlier": earlier,
            "interrupted": interrupted,
            "exit": code,
        }
    )
    return code


def _value(stream: Stream) -> dict[str, Any]:
    return {
        "stream": stream.id,
        "agents": stream.agents,
        "state": stream.state,
        "reason": stream.reason,
        "exit": stream.exit.code,
        "signal": stream.exit.signal,
        "timed_out": stream.exit.timed_out,
        "seconds": round(stream.seconds, 3),
        "deltas": stream.deltas,
        "undelivered": stream.undelivered,
        "rescue": stream.rescue,
        "worktree": stream.worktree or None,
        "log": stream.log or None,
    }


# --- one stream in a work tree that is there ---------------------------------------------------------------------


def run(repo: Repo, options: Options, name: str | None, report: Report) -> int:
    """Run a command as one stream, here; returns 0 where there is a delta of it, its own or a fallback."""
    if repo.bare:
        raise GuardError("usage", "a stream works in a work tree", "this repository is bare", "guard launch")
    policy = policy_at(repo, repo.resolve("HEAD"))
    job = _job(repo, policy, repo.resolve("HEAD"), options)
    name = name or os.environ.get("GUARD_STREAM") or ""
    if not name:
        why = "a delta says which stream of its frame it is from"
        raise GuardError("usage", "which stream?", why, f"guard run --stream ID -- {shlex.join(options.words)}")
    check_stream(name)
    top = repo.top()
    given = os.environ.get("GUARD_AGENTS", "").replace(",", " ").split()
    agents = players(Tree(repo, repo.resolve("HEAD")), policy, options.roster) if options.roster else given
    stream = Stream(name, agents, began=time.monotonic())
    before = mine(top, policy, job.frame, name)
    with Signals() as signals:
        repo.close()  # a git from before would hear a Ctrl-C too
        stream.exit = execute(
            job, environment(job, stream, top), top, sys.stderr.buffer if report.as_json else None, signals
        )
        kept, _ = collect(repo, job, stream, top, before, stream.exit.words(job.timeout))
        state, stream.state = stream.state, "delivering"
        deliver(repo, job, stream, kept)
        stream.state = state if stream.state == "delivering" else stream.state
        stream.seconds = time.monotonic() - stream.began
        return _told([stream], job, report, signals, {})
