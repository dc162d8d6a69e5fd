"""What a primary and a worker have in common: the hub, which may be away for a while, playing, and when to end."""

import random
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from guard.commands import launch, merge
from guard.delivery import outbox
from guard.delivery.deliver import deliver
from guard.errors import GuardError
from guard.frames import partition
from guard.frames.roster import Opening, read
from guard.git import Repo
from guard.hub.hub import Snapshot
from guard.plan import Tree, frame_counter, policy_at
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report
from guard.streams import Job, Signals, Stream

Role = Literal["primary", "worker"]
T = TypeVar("T")

INTERVAL = 300.0
"""Seconds from the start of a frame to the start of the next one, where nobody says otherwise."""

TICK = 0.1
"""Seconds between two looks at whether an end is wished for."""

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
class Look:
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
class Loop:
    """One run, from its first frame to its end: what it is to do, and what has become of it."""

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

    def look(self, until: Callable[[], bool]) -> Look | None:
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

    def mine(self, look: Look) -> list[str]:
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

    def job(self, look: Look) -> Job:
        """What all streams of a frame have in common."""
        options = self.options
        counter = look.counter if look.counter >= 0 else None
        return Job(look.policy, look.counter + 1, counter, options.words, options.timeout)

    def resume(self, look: Look) -> None:
        """Once: bring to safety what a run that was killed has left here, also where nothing is to be played now."""
        if not self.resumed and self.options.words:
            launch.earlier(self.repo, look.policy, self.job(look), self.report)
            self.deliver()
        self.resumed = True

    def play(self, look: Look, names: Sequence[str]) -> dict[str, str]:
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


def _look(repo: Repo) -> Look:
    return seen(repo, hub(repo, policy_at(repo, repo.resolve("HEAD"))).read())


def seen(repo: Repo, snapshot: Snapshot) -> Look:
    """What a snapshot of the hub says."""
    if snapshot.tip is None:
        why = "frames are closed by commits on the state branch"
        raise GuardError("usage", "there is no commit yet to work on", why, "git commit, then git push")
    policy = policy_at(repo, snapshot.tip)
    tree = Tree(repo, snapshot.tip)
    counter = frame_counter(tree, policy.laws)
    frame, streams = read(tree, policy)
    if frame != counter + 1:
        return Look(snapshot.tip, policy, counter, None, {}, set())
    return Look(snapshot.tip, policy, counter, frame, streams, merge.arrived(repo, snapshot, tree, policy, frame))
