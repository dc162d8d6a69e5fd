"""`guard frame run`: one frame after the other, on the machine that opens and closes them or on one that plays along.

Nothing of a run is kept in its memory alone. What frame it is and who is expected stands on the state branch, what has
been delivered stands at the hub, and what has not waits in the outbox: whoever is killed and started again goes on.
"""

import gc
import random
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from guard.commands import launch, merge
from guard.delivery import outbox
from guard.delivery.deliver import deliver
from guard.errors import GuardError
from guard.frames import partition
from guard.frames.roster import Opening, check, open_next, players, read
from guard.git import Repo
from guard.hub.hub import Snapshot
from guard.plan import Tree, frame_counter, policy_at
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report, number
from guard.streams import Job, Signals, Stream

Role = Literal["primary", "worker"]
T = TypeVar("T")

INTERVAL = 300.0
"""Seconds from the start of a frame to the start of the next one, where nobody says otherwise."""

TICK = 0.1
"""Seconds between two looks at whether an end is wished for."""

SLOWEST = 2.0
"""Seconds between two looks at a hub where nothing happens."""

PAUSE = 30.0
"""Seconds between two tries at a hub that does not answer, at most."""

KEPT = 1000
"""So many of the newest frames are in the summary."""

_MACHINES = re.compile(r"m[0-9]+-")


@dataclass
class Options:
    """What the command line says."""

    role: Role
    words: Sequence[str]
    opening: Opening
    frames: int | None = None
    interval: float = INTERVAL
    wait: float | None = None
    machine: str = ""
    stagger: float = 3.0
    timeout: float | None = None
    roster: Path | None = None
    stop_file: Path | None = None


MOST = 1000
"""Streams of one machine, as for `guard launch`: a roster may be anybody's."""


@dataclass
class _Look:
    """What the hub says at one moment."""

    tip: str
    policy: Policy
    counter: int
    frame: int | None
    """The open frame; None where nobody has opened the next one."""
    streams: dict[str, list[str]]
    """Who is expected in it, with the agents."""
    arrived: set[str]


class _Caught(Report):
    """Takes another command's result as a value; a warning comes through once."""

    def __init__(self) -> None:
        super().__init__(as_json=True, quiet=True)
        self.value: dict[str, Any] = {}
        self.warned: set[str] = set()

    def result(self, value: dict[str, Any]) -> None:
        """Keep it."""
        self.value = value

    def warn(self, text: str) -> None:
        """Say it, the first time."""
        if text not in self.warned:
            self.warned.add(text)
            super().warn(text)


@dataclass
class _Loop:
    repo: Repo
    options: Options
    report: Report
    signals: Signals
    stop_file: Path
    rows: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    done: int = 0
    """How many frames were closed (by a primary) or played (by a worker)."""
    resumed: bool = False
    merging: _Caught = field(default_factory=_Caught)

    # --- when it ends ----------------------------------------------------------------------------------------------

    @property
    def now(self) -> bool:
        """Whether nothing more is to be begun, not even what is left of this frame."""
        return self.signals.stop.is_set()

    @property
    def asked(self) -> bool:
        """Whether this frame is the last one."""
        return self.signals.asked.is_set() or self.stop_file.exists()

    @property
    def enough(self) -> bool:
        """Whether as many frames are done as were wished for."""
        return self.options.frames is not None and self.done >= self.options.frames

    def ended(self) -> str:
        """Why it ends, in words."""
        if self.signals.number:
            return self.signals.words()
        return "the number of frames" if self.enough else f"the stop file {self.stop_file}"

    def pause(self, seconds: float, until: Callable[[], bool]) -> None:
        """Wait for so long, or until something is so."""
        end = time.monotonic() + seconds
        while not until() and (left := end - time.monotonic()) > 0:
            time.sleep(min(TICK, left))

    # --- the hub, which may be away for a while --------------------------------------------------------------------

    def insist(self, what: Callable[[Repo], T], until: Callable[[], bool]) -> T | None:
        """Do something at the hub, and try again for as long as it does not answer; None when that was too long."""
        tries, since = 0, time.monotonic()
        while True:
            try:
                found = what(self.repo)
            except GuardError as error:
                if error.exit_code != 2 or error.kind not in ("network", "contention"):
                    raise
                tries += 1
                if tries == 1:
                    self.report.note(f"{error.what}; trying again until it is done")
                elif tries % 8 == 0:
                    self.report.note(f"still trying, since {time.monotonic() - since:.0f} s: {error.what}")
            else:
                if tries:
                    self.report.note(f"the hub is there again, after {time.monotonic() - since:.0f} s")
                return found
            finally:
                self.repo.close()  # what reads objects for us may see files that are gone
            self.pause(random.uniform(0.5, 1) * min(PAUSE, 0.5 * 2 ** min(tries, 10)), until)  # noqa: S311 - jitter
            if until():
                return None

    def look(self, until: Callable[[], bool]) -> _Look | None:
        """What the hub says now; None where it does not answer until then."""
        return self.insist(_look, until)

    def deliver(self) -> None:
        """Send what waits in the outbox, until the hub has it all or nobody wants to wait any longer."""

        def send(repo: Repo) -> None:
            policy = policy_at(repo, repo.resolve("HEAD"))
            done = deliver(repo, policy, outbox.waiting(repo))
            for where in filter(None, done.where.values()):
                self.report.note(f"delivered: {where}")
            for error in dict.fromkeys(done.errors.values()):
                if error.kind != "state":
                    raise error
                self.merging.warn(f"{error.what}\n  why: {error.why}\n  fix: {error.fix}")

        if outbox.waiting(self.repo) and not self.now:
            self.insist(send, lambda: self.now)

    # --- playing ---------------------------------------------------------------------------------------------------

    def mine(self, look: _Look) -> list[str]:
        """The streams of the open frame that are this machine's."""
        of = partition.machine(self.options.machine) if self.options.machine else None
        if of is not None:
            found = [name for name in look.streams if name.startswith(f"m{of[0]}-")]
        else:
            found = [name for name in look.streams if not _MACHINES.match(name)]
        if len(found) > MOST:
            what = f"the roster expects {len(found)} streams of this machine, and {MOST} are the most"
            why = "each is a process and a work tree of its own; none was started"
            raise GuardError("usage", what, why, "guard frame open --force --streams N --machines M")
        return found

    def job(self, look: _Look) -> Job:
        """What all streams of a frame have in common."""
        options = self.options
        counter = look.counter if look.counter >= 0 else None
        return Job(look.policy, look.counter + 1, counter, options.words, options.timeout)

    def resume(self, look: _Look) -> None:
        """Once: bring to safety what a run that was killed has left here, also where nothing is to be played now."""
        if not self.resumed and self.options.words:
            launch.earlier(self.repo, look.policy, self.job(look), self.report)
            self.deliver()
        self.resumed = True

    def play(self, look: _Look, names: Sequence[str]) -> dict[str, str]:
        """Run the command for streams of the open frame; returns how each ended."""
        streams = [Stream(name, look.streams[name]) for name in names]
        stagger = self.options.stagger
        launch.play(self.repo, self.job(look), streams, look.tip, stagger, self.signals, self.report)
        self.deliver()
        for stream in streams:
            if stream.undelivered and not any(Path(path).exists() for path in stream.undelivered):
                stream.state = "delivered"  # at a later try
            for ref in stream.rescue:
                self.report.note(f"{stream.id}: what it left is kept as {ref}")
            if stream.worktree:
                self.report.note(f"{stream.id}: left {stream.worktree}")
        return {stream.id: stream.state for stream in streams}


def run(repo: Repo, options: Options, report: Report) -> int:
    """Run frames until there are enough, or an end is wished for; returns 0 where nothing is left to be delivered."""
    if options.role == "worker" and not options.words:
        why = "a worker does nothing but play streams"
        raise GuardError("usage", "which command?", why, "guard frame run --role worker -- CMD...")
    if options.wait is None:
        options.wait = options.interval or INTERVAL
    if options.timeout is None:
        options.timeout = options.wait
    of = partition.machine(options.machine) if options.machine else None
    agents = None
    if options.roster is not None:
        agents = players({}, policy_at(repo, repo.resolve("HEAD")), options.roster)
    machines = options.opening.machines or (of[1] if of else 0)
    options.opening = replace(options.opening, machines=machines, agents=agents, keep=True)
    check(options.opening)
    stop_file = options.stop_file or repo.common_dir / "guard" / "stop"
    with Signals(spare=True) as signals:
        repo.close()  # a git from before would hear a Ctrl-C too
        loop = _Loop(repo, options, report, signals, stop_file.absolute())
        if not loop.asked:
            (_primary if options.role == "primary" else _worker)(loop)
        return _told(loop)


def _look(repo: Repo) -> _Look:
    return _seen(repo, hub(repo, policy_at(repo, repo.resolve("HEAD"))).read())


def _seen(repo: Repo, snapshot: Snapshot) -> _Look:
    if snapshot.tip is None:
        why = "frames are closed by commits on the state branch"
        raise GuardError("usage", "there is no commit yet to work on", why, "git commit, then git push")
    policy = policy_at(repo, snapshot.tip)
    tree = Tree(repo, snapshot.tip)
    counter = frame_counter(tree, policy.laws)
    frame, streams = read(tree, policy)
    if frame != counter + 1:
        return _Look(snapshot.tip, policy, counter, None, {}, set())
    return _Look(snapshot.tip, policy, counter, frame, streams, merge.arrived(repo, snapshot, tree, policy, frame))


# --- the primary -----------------------------------------------------------------------------------------------------


def _primary(loop: _Loop) -> None:
    """Open, play, wait, merge, and again."""
    while not loop.enough and not loop.asked:
        began = time.monotonic()
        loop.deliver()
        look = _opened(loop)
        if look is None:
            return
        row = _closed(loop, look, began)
        if row is None:
            return
        gc.enable()  # a merge turns it off, as it is the last thing that a process does
        gc.collect()
        loop.done += 1
        loop.rows.append(row)
        if not loop.enough:
            with loop.report.working(f"frame {row['frame']} is closed; waiting for the time of the next one"):
                loop.pause(began + loop.options.interval - time.monotonic(), lambda: loop.asked)


def _opened(loop: _Loop) -> _Look | None:
    """The open frame, opened by us where nobody has done it; None where an end came first."""

    def opened(repo: Repo) -> tuple[_Look, bool]:
        place = hub(repo, policy_at(repo, repo.resolve("HEAD")))
        found = open_next(repo, place, loop.options.opening)
        return _seen(repo, found.seen), found.commit is not None

    done = loop.insist(opened, lambda: loop.asked)
    if done is None:
        return None
    look, ours = done
    how = "opened" if ours else "open already, going on with it"
    loop.report.note(f"frame {look.frame}: {how}; {number(len(look.streams), 'stream')} expected")
    return look


def _closed(loop: _Loop, look: _Look, began: float) -> dict[str, Any] | None:
    """Play our streams of the open frame, wait for the others and merge; None where an end came first."""
    frame = look.frame
    assert frame is not None
    loop.resume(look)
    row: dict[str, Any] = {"frame": frame, "expected": len(look.streams), "streams": {}}
    todo = [name for name in loop.mine(look) if name not in look.arrived] if loop.options.words else []
    if todo:
        row["streams"] = loop.play(look, todo)
        look.arrived |= {name for name, state in row["streams"].items() if state in ("ok", "fallback", "delivered")}
    if not look.arrived.issuperset(look.streams):
        assert loop.options.wait is not None
        waited = _waited(loop, frame, began + loop.options.wait - time.monotonic())
        if waited is None:
            return None
        look = waited
    if loop.now:
        return None
    by_another = look.frame != frame
    value: dict[str, Any] = {}
    if not by_another:
        merged = loop.insist(lambda repo: _merged(loop, repo, frame), lambda: loop.now)
        if merged is None:
            return None
        value = merged
        by_another = not value["merged"]
    seconds = time.monotonic() - began
    row |= {
        "commit": value.get("commit"),
        "deltas": len(value.get("deltas", ())),
        "missing": value.get("missing", []),
        "late": [each for each in value.get("frames", ()) if each < frame],
        "rejected": value.get("rejected", []),
        "by_another": by_another,
        "seconds": round(seconds, 3),
    }
    _say(loop.report, row)
    return row


def _waited(loop: _Loop, frame: int, seconds: float) -> _Look | None:
    """Wait until all that are expected have delivered, for so long at most; the last look, None where an end came."""
    until = time.monotonic() + seconds
    shown, rest = -1, 0.25
    with loop.report.working(f"frame {frame}: waiting for streams") as progress:
        while True:
            look = loop.look(lambda: loop.now)
            if look is None or look.frame != frame:
                return look
            missing = [name for name in look.streams if name not in look.arrived]
            came = len(look.streams) - len(missing)
            left = until - time.monotonic()
            if came != shown:
                loop.report.note(f"frame {frame}: {came} of {number(len(look.streams), 'stream')} delivered")
                shown, rest = came, 0.25
            if not missing or left <= 0 or loop.now:
                return look
            progress(f"frame {frame}: {came} of {number(len(look.streams), 'stream')} delivered; {left:.0f} s left")
            loop.pause(min(rest, left), lambda: loop.now)
            rest = min(rest * 2, SLOWEST)


def _merged(loop: _Loop, repo: Repo, frame: int) -> dict[str, Any]:
    merge.run(repo, merge.Options(frame=frame, unless_closed=True), loop.merging)
    return loop.merging.value


def _say(report: Report, row: dict[str, Any]) -> None:
    said = f"frame {row['frame']}: "
    if row["by_another"]:
        said += "closed by another primary"
    else:
        said += f"closed by {str(row['commit'])[:12]}, {number(row['deltas'], 'delta')}"
    if row["late"]:
        said += f"; late ones of frame {', '.join(map(str, row['late']))} are in their own pages"
    if row["rejected"]:
        said += f"; {len(row['rejected'])} rejected"
    if row["missing"]:
        more = f" and {len(row['missing']) - 5} more" if len(row["missing"]) > 5 else ""
        said += f"; without {', '.join(row['missing'][:5])}{more}"
    report.say(f"{said}; {row['seconds']:.1f} s")


# --- a worker --------------------------------------------------------------------------------------------------------


def _worker(loop: _Loop) -> None:
    """Play our streams of every frame that somebody opens."""
    played: dict[str, None] = {}
    frame, rest, shown = None, 0.25, ""
    while True:
        loop.deliver()
        if loop.enough or loop.asked:
            return
        look = loop.look(lambda: loop.asked)
        if look is None:
            return
        loop.resume(look)
        if look.frame != frame:
            frame, played, rest = look.frame, {}, 0.25
        mine = loop.mine(look)
        todo = [name for name in mine if name not in look.arrived and name not in played]
        if todo and look.frame is not None:
            began = time.monotonic()
            loop.report.note(f"frame {look.frame}: open; {number(len(todo), 'stream')} to play")
            streams = loop.play(look, todo)
            row: dict[str, Any] = {"frame": frame, "expected": len(look.streams), "streams": streams}
            row["seconds"] = round(time.monotonic() - began, 3)
            loop.rows.append(row)
            own = sum(1 for state in streams.values() if state == "ok")
            loop.report.say(f"frame {frame}: played {number(len(streams), 'stream')}, {number(own, 'delta')} written")
            loop.done += not played
            played |= dict.fromkeys(todo)
            continue
        said = _waiting(loop, look, bool(mine))
        if said != shown:
            loop.report.note(said)
            shown = said
        with loop.report.working(said):
            loop.pause(rest, lambda: loop.asked)
        rest = min(rest * 2, SLOWEST)


def _waiting(loop: _Loop, look: _Look, any_of_mine: bool) -> str:
    """What a worker waits for."""
    if look.frame is None:
        return f"waiting for frame {look.counter + 1} to be opened"
    if any_of_mine:
        return f"frame {look.frame}: our streams have delivered; waiting for the next one"
    own = f"machine {loop.options.machine}" if loop.options.machine else "a machine without --machine"
    return f"frame {look.frame}: no stream of {own} is expected; waiting for the next one"


# --- the end ---------------------------------------------------------------------------------------------------------


def _told(loop: _Loop) -> int:
    """The summary; returns the exit code."""
    waiting = [str(path) for path in outbox.waiting(loop.repo)]
    code = 128 + loop.signals.number if loop.now else 2 if waiting else 0
    primary = loop.options.role == "primary"
    what = "closed" if primary else "played"
    loop.report.say(f"{number(loop.done, 'frame')} {what}; ended by {loop.ended()}")
    if not loop.now and not loop.signals.number and not loop.enough:
        loop.report.say(f"  as long as it is there, no run begins a frame: rm {loop.stop_file}")
    for path in waiting:
        loop.report.say(f"  not delivered, kept as {path}; the next guard frame run or guard launch sends it")
    loop.report.result(
        {
            "role": loop.options.role,
            "done": loop.done,
            "frames": list(loop.rows),
            "ended": loop.ended(),
            "waiting": waiting,
            "exit": code,
        }
    )
    return code
