"""A stream: one command at work in a work tree of its own, ended whole, and its delta brought to safety.

The order in which things happen is what makes it safe: a delta is kept in the outbox before it is sent, and the work
tree goes after that. Whoever dies in between leaves notes from which the next launch goes on.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from guard.delivery import outbox
from guard.delivery.deliver import Sent
from guard.delivery.deliver import deliver as to_the_hub
from guard.errors import GuardError
from guard.git import Repo
from guard.inbox import Kind, faults
from guard.owner import process
from guard.policy import Policy
from guard.worktrees import notes
from guard.worktrees.notes import Note
from guard.worktrees.remove import Kept, Removed, remove
from guard.worktrees.trees import find
from merge.delta import digest_of, file_name

GRACE = 5.0
"""Seconds between asking a process group to end and ending it."""

POLL = 0.05


class Signals:
    """SIGINT, SIGTERM and SIGHUP, turned into events: the first asks everything to end, the next one ends it.

    With `spare`, the first one only says that an end is wished for (`asked`), and everything goes on.
    """

    def __init__(self, *, spare: bool = False) -> None:
        self.spare = spare
        self.asked = threading.Event()
        self.stop = threading.Event()
        self.now = threading.Event()
        self.number = 0

    def __enter__(self) -> "Signals":
        kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        heard = [kind for kind in kinds if signal.getsignal(kind) is not signal.SIG_IGN]  # nohup means it
        self._before = {kind: signal.signal(kind, self._heard) for kind in heard}
        Repo.shielded = True  # git goes on until we say so: a Ctrl-C is ours to answer
        return self

    def __exit__(self, *_: object) -> None:
        Repo.shielded = False
        for kind, handler in self._before.items():
            signal.signal(kind, handler)

    def _heard(self, number: int, _frame: object) -> None:
        if self.stop.is_set():
            self.now.set()
        self.number = self.number or number
        if self.asked.is_set() or not self.spare:
            self.stop.set()
        self.asked.set()

    def words(self) -> str:
        """What came, for people."""
        return signal.Signals(self.number).name


@dataclass
class Exit:
    """How a command ended: its own exit status, or the signal that ended it, or why it could not be started."""

    code: int | None = None
    signal: int = 0
    timed_out: bool = False
    stopped: str = ""
    failed: str = ""

    def words(self, timeout: float | None) -> str:
        """It, for people; empty where all went well."""
        if self.failed:
            return self.failed
        how = f"signal {_named(self.signal)}" if self.signal else f"exit {self.code}"
        if self.timed_out:
            return f"timeout after {timeout:g} s ({how})"
        if self.stopped:
            return f"ended by {self.stopped} ({how})"
        return how if self.signal or self.code else ""


def _named(number: int) -> str:
    """A signal, for people; most real-time signals have no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


@dataclass
class Stream:
    """One stream as it stands: for the table, and for the summary."""

    id: str
    agents: list[str] = field(default_factory=list)
    state: str = "waiting"
    reason: str = ""
    exit: Exit = field(default_factory=Exit)
    began: float = 0.0
    seconds: float = 0.0
    deltas: list[str] = field(default_factory=list)
    """The digests of what was delivered, its own or a fallback."""
    undelivered: list[str] = field(default_factory=list)
    rescue: list[str] = field(default_factory=list)
    worktree: str = ""
    """The work tree that had to stay, and why."""
    log: str = ""

    @property
    def done(self) -> bool:
        """Whether there is a delta of it where the merge finds it."""
        return self.state in ("ok", "fallback")


@dataclass(frozen=True)
class Job:
    """What all streams of a launch have in common."""

    policy: Policy
    frame: int
    counter: int | None
    words: Sequence[str]
    timeout: float | None
    deliver: Callable[[Repo, Policy, Sequence[Path]], Sent] = to_the_hub


def environment(job: Job, stream: Stream, top: Path) -> dict[str, str]:
    """What a stream's command is told."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env |= {key: value for key, value in os.environ.items() if key.startswith(_KEPT)}
    return {
        **env,
        "GUARD_FRAME": str(job.frame),
        "GUARD_STREAM": stream.id,
        "GUARD_AGENTS": ",".join(stream.agents),
        "GUARD_DELTA": str(top / job.policy.inbox / file_name(job.frame, stream.id)),
    }


_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_SSH", "GIT_ASKPASS", "GIT_TERMINAL_PROMPT", "GIT_SSL")
"""Of git's variables, those that say who and how, and not where."""


# --- the command -----------------------------------------------------------------------------------------------


def execute(
    job: Job,
    env: Mapping[str, str],
    top: Path,
    out: IO[bytes] | None,
    signals: Signals,
    begun: Callable[[int], None] = lambda _: None,
) -> Exit:
    """Run the command in a process group of its own, and end all of that group with it.

    `begun` is told the process's number; the exit status is the command's own, also after a timeout.
    """
    try:
        process = subprocess.Popen(
            list(job.words),
            cwd=top,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a zero byte in what it is told
        said = error.strerror if isinstance(error, OSError) else error
        return Exit(failed=f"{job.words[0]} cannot be started: {said}")
    try:
        begun(process.pid)
    except BaseException:  # nobody would end it
        _end(process, signals)
        process.wait()
        raise
    deadline = None if job.timeout is None else time.monotonic() + job.timeout
    done = Exit()
    while not _ended(process):
        time.sleep(POLL)  # not stop.wait: a signal that comes while its lock is held here would wait for us
        if signals.stop.is_set():
            done.stopped = signals.words()
            break
        if deadline is not None and time.monotonic() >= deadline:
            done.timed_out = True
            break
    _end(process, signals)
    status = process.wait()
    done.code, done.signal = (status, 0) if status >= 0 else (None, -status)
    return done


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether the command is done. It stays waited for, so that nobody else gets the number of its group."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(process: "subprocess.Popen[bytes]", signals: Signals) -> None:
    """End a process group: ask, wait a little, and end what is still there."""
    for kind, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
        if not _members(process):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, kind)
        until = time.monotonic() + patience
        while _members(process) and time.monotonic() < until:
            if kind == signal.SIGTERM and signals.now.is_set():
                break
            time.sleep(POLL / 5)


def _members(process: "subprocess.Popen[bytes]") -> bool:
    """Whether any process of the group lives."""
    if not Path("/proc/self/stat").exists():
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[2] == str(process.pid) and fields[0] not in "ZX":
            return True
    return False


# --- its delta -------------------------------------------------------------------------------------------------


def mine(top: Path, policy: Policy, frame: int, stream: str) -> dict[str, str]:
    """The deltas of a stream that lie in a work tree's inbox: name -> SHA-256."""
    first = file_name(frame, stream)
    found = {}
    for path in sorted((top / policy.inbox).glob("*.json")):
        if path.name == first or path.name.startswith(f"{first.removesuffix('.json')}--"):
            found[path.name] = _sha(path)
    return found


def _bytes(path: Path) -> tuple[bytes, Kind]:
    """What lies there; raises `OSError` for what is no file."""
    if path.is_symlink():
        return os.fsencode(path.readlink()), "symlink"
    if not path.is_file():
        raise OSError(0, "it is not a regular file")
    return path.read_bytes(), "file"


def _sha(path: Path) -> str:
    try:
        return hashlib.sha256(_bytes(path)[0]).hexdigest()
    except OSError:
        return ""


def collect(
    repo: Repo,
    job: Job,
    stream: Stream,
    top: Path,
    before: Mapping[str, str],
    ended: str,
    *,
    settled: Sequence[str] = (),
) -> tuple[dict[Path, str], dict[str, str]]:
    """Bring what a stream reported into the outbox; a fallback where there is nothing that a merge would take.

    Returns what waits in the outbox, with its digests, and the files (path -> SHA-256) that need not be kept anywhere
    else. `ended` says how the command ended, where not well; `settled` are digests that were kept before.
    """
    kept: dict[Path, str] = {}
    saved: dict[str, str] = {}
    wrong = []
    for name, sha in mine(top, job.policy, job.frame, stream.id).items():
        if before.get(name) == sha:
            continue
        try:
            data, kind = _bytes(top / job.policy.inbox / name)
        except OSError as error:
            wrong.append(f"{name}: {error.strerror}")
            continue
        fault = next(faults(name, name, data, kind, job.policy, job.counter, time.time()), None)
        if fault is not None:
            wrong.append(f"invalid delta: {fault[0]}: {fault[1]}"[:400])
            continue
        saved[job.policy.inbox + name] = digest_of(data)
        if digest_of(data) not in settled:
            kept[outbox.put(repo, job.frame, stream.id, data)] = digest_of(data)
    stream.state = "ok" if kept else "fallback"
    stream.reason = "; ".join(filter(None, [ended, *wrong])) or ("" if kept else "no delta was written")
    if not kept and not settled:
        data = outbox.fallback(job.frame, stream.id, _one_line(stream.reason))
        kept[outbox.put(repo, job.frame, stream.id, data)] = digest_of(data)
    return kept, saved


def _one_line(text: str) -> str:
    return " ".join(text.encode(errors="replace").decode().split())


def deliver(repo: Repo, job: Job, stream: Stream, kept: Mapping[Path, str]) -> None:
    """Send what waits; what the hub does not take goes on waiting, and the stream says so."""
    sent = job.deliver(repo, job.policy, list(kept))
    for path, digest in kept.items():
        if path in sent.errors:
            what = sent.errors[path].what
            stream.state, stream.reason = "undelivered", "; ".join(filter(None, [stream.reason, what]))
            stream.undelivered.append(str(path))
        else:
            stream.deltas.append(digest)


def settle(repo: Repo, job: Job, stream: Stream, note: Note, ended: str) -> None:
    """The end of a stream in a work tree that guard made for it: delta, delivery, and then the work tree goes."""
    top = Path(note.path)
    saved: dict[str, str] = {}
    if note.state == "made":
        kept, saved = collect(repo, job, stream, top, note.before, ended, settled=note.settled)
        with contextlib.suppress(OSError):
            notes.write(repo, replace(note, settled=[*note.settled, *kept.values()]))
        state, stream.state = stream.state, "delivering"
        deliver(repo, job, stream, kept)
        stream.state = state if stream.state == "delivering" else stream.state
    try:
        done: Removed | Kept = remove(repo, job.policy, find(repo, top), saved)
    except GuardError as error:
        done = Kept(str(top), error.what, error.fix)
    if isinstance(done, Removed):
        stream.rescue = done.rescue
    else:
        stream.worktree = f"{done.path}: {done.reason}"


def child(pid: int, note: Note) -> Note:
    """The note of a work tree in which a command has been started."""
    return replace(note, child=process(pid))
