"""What the benchmarks share: how much to do, how to run and to measure, and what is made of the figures."""

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
GUARD = str(Path(sys.executable).with_name("guard"))
BARE = (sys.executable, "-I", "-S", "-c", "pass")
ENV = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GUARD_", "PYTHON"))},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
}
"""Nothing of the caller's git, guard or Python: also not PYTHONDONTWRITEBYTECODE, as who uses guard has it compiled."""

_BEGAN = time.perf_counter()


@dataclass(frozen=True)
class Scale:
    """How much is done. Each field is an option of benchmarks/run.py."""

    rounds: int = 11
    """Runs of what is short; what takes seconds runs a third as often, but three times."""
    files: tuple[int, ...] = (5000, 50000)
    """Files in the repositories whose commits are timed."""
    deltas: tuple[int, ...] = (1000, 10000)
    """Deltas in one merge."""
    frames: tuple[int, ...] = (500, 5000, 50000)
    """Frames that are over when one more is merged."""
    writers: tuple[int, ...] = (1, 8, 24, 64)
    """How many deliver at once."""
    streams: int = 8
    """Streams that are launched."""
    commits: int = 1000
    """Commits in one push."""
    branches: int = 200
    """New branches in one fetch, and deltas in one commit."""
    scripts: int = 200
    """Shell scripts that are judged."""
    latency: float = 0.4
    """Seconds that an ssh takes to connect, as that of a hosting service (0.4 to 1 s is usual)."""

    @property
    def few(self) -> int:
        """Runs of what takes seconds."""
        return max(min(3, self.rounds), self.rounds // 3)

    @property
    def thrice(self) -> int:
        """Runs of what takes minutes."""
        return min(3, self.rounds)


QUICK = Scale(1, (60,), (44,), (5, 10), (1, 2), 1, 20, 3, 4, 0.05)
"""Enough to see that everything runs; its figures mean nothing."""


class Failed(Exception):
    """A command that had to succeed did not."""


@dataclass(frozen=True)
class Spent:
    """What a command and all that it started took."""

    cpu: float
    """Milliseconds of processors."""
    wall: float
    """Milliseconds by the clock."""

    def plus(self, other: "Spent") -> "Spent":
        """Both, one after the other."""
        return Spent(self.cpu + other.cpu, self.wall + other.wall)

    def less(self, other: "Spent") -> "Spent":
        """What this took more than the other."""
        return Spent(self.cpu - other.cpu, self.wall - other.wall)


# --- running -------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"{time.perf_counter() - _BEGAN:6.0f} s  {text}", file=sys.stderr, flush=True)


def run(here: Path, *words: str, data: bytes | None = None, env: Mapping[str, str] = ENV) -> str:
    """Run a command that has to succeed, not timed; what it said."""
    done = subprocess.run(words, cwd=here, env=env, input=data, capture_output=True, check=False)
    if done.returncode:
        raise Failed(f"{words[:8]}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace").strip()


def spend(
    here: Path, *words: str, data: bytes = b"", env: Mapping[str, str] = ENV, codes: Sequence[int] = (0,)
) -> Spent:
    """Run a command and everything that it starts; what that took, by the operating system's own account."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(data)
        given.seek(0)
        begun = time.perf_counter()
        process = subprocess.Popen(words, cwd=here, env=env, stdin=given, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        ended = time.perf_counter()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            said.seek(0)
            raise Failed(f"{words[:8]}: exit {process.returncode}: {said.read().decode(errors='replace')[-2000:]}")
    return Spent((used.ru_utime + used.ru_stime) * 1e3, (ended - begun) * 1e3)


_PEAK = """\
import os, resource, sys
code = os.spawnv(os.P_WAIT, sys.argv[2], sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def peak(here: Path, program: str, *words: str, env: Mapping[str, str] = ENV) -> float:
    """The largest memory of a command's process, or of one that it waited for, in MiB.

    A small process starts it: on Linux a process's ru_maxrss begins with the memory of the one that started it.
    """
    with tempfile.NamedTemporaryFile("r") as told:
        spend(here, sys.executable, "-I", "-S", "-c", _PEAK, told.name, program, *words, env=env)
        return int(told.read()) / (2**20 if sys.platform == "darwin" else 2**10)


def inside(job: Callable[[], object]) -> Spent:
    """What a piece of work in this process took."""
    cpu, begun = time.process_time(), time.perf_counter()
    job()
    return Spent((time.process_time() - cpu) * 1e3, (time.perf_counter() - begun) * 1e3)


def alternate(rounds: int, jobs: Mapping[str, Callable[[int], Spent]], *, warm: bool = True) -> dict[str, list[Spent]]:
    """What each job took, round by round, after one round that does not count (if there are several). Each gets the
    number of the round; the order turns around every time, so that none always comes after the same one."""
    taken: dict[str, list[Spent]] = {name: [] for name in jobs}
    warm = warm and rounds > 1
    for turn in range(rounds + warm):
        for name in list(jobs) if turn % 2 else reversed(list(jobs)):
            one = jobs[name](turn)
            if turn >= warm:
                taken[name].append(one)
    return taken


# --- figures -------------------------------------------------------------------------------------------------------

By = Literal["processor", "clock", "memory", "count"]


@dataclass(frozen=True)
class Figure:
    """The median of some samples, and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Figure":
        """Of at least one sample."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0])
        low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(statistics.median(samples), low, high)


@dataclass(frozen=True)
class Row:
    """One line of the table: what guard does, and what stands beside it."""

    name: str
    beside: str
    """What the ratio is to; empty where the goal is a figure and no ratio."""
    by: By
    unit: str
    ours: Figure | None
    base: Figure | None = None
    ratio: Figure | None = None
    other: float | None = None
    """The ratio by the clock where `by` is the processor, and the other way around."""
    goal: float | None = None
    """At most this: of the ratio, or of `ours` where nothing stands beside it."""
    note: str = ""
    """Why there is no figure, or what else was seen."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or no figure."""
        found = self.ratio or self.ours if not self.beside else self.ratio
        return None if self.goal is None or found is None else found.median <= self.goal

    def value(self) -> dict[str, Any]:
        """The row as programs read it."""

        def plain(value: Any) -> Any:
            if not isinstance(value, Figure):
                return value
            return {each.name: round(getattr(value, each.name), 4) for each in fields(value)}

        return {each.name: plain(getattr(self, each.name)) for each in fields(self)} | {"met": self.met}


@dataclass
class Part:
    """What one subject found: rows, and pictures by file name."""

    rows: list[Row] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)


def compare(
    name: str,
    beside: str,
    ours: Sequence[Spent],
    base: Sequence[Spent],
    goal: float | None = None,
    *,
    by: Literal["processor", "clock"] = "processor",
    each: int = 1,
    unit: str = "ms",
    note: str = "",
) -> Row:
    """The row of runs that took turns: the ratio is the median of the ratios round by round. `each`: how many things
    one run did, so that the figures are those of one of them; `unit` may then be `us`."""

    def figures(kind: str) -> tuple[Figure, Figure, Figure]:
        scale = (1e3 if unit == "us" else 1) / each
        mine, floor = ([getattr(one, kind) * scale for one in runs] for runs in (ours, base))
        return Figure.of(mine), Figure.of(floor), Figure.of([a / b for a, b in zip(mine, floor, strict=True) if b])

    kinds = ("cpu", "wall") if by == "processor" else ("wall", "cpu")
    mine, floor, ratio = figures(kinds[0])
    spare = all(getattr(one, kinds[1]) > 0 for one in base)
    other = figures(kinds[1])[2].median if spare else None
    return Row(name, beside, by, unit, mine, floor, ratio, other, goal, note)


def absent(name: str, beside: str, why: str, goal: float | None = None) -> Row:
    """The row of what could not be measured here."""
    return Row(name, beside, "processor", "ms", None, goal=goal, note=f"not measured: {why}")


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


# --- repositories --------------------------------------------------------------------------------------------------


def adopted(here: Path, files: int) -> str:
    """Make a repository of so many small files that has adopted guard, without its hooks; its tip."""
    here.mkdir()
    run(here, "git", "init", "-q", "-b", "main")
    run(here, "git", "config", "gc.auto", "0")  # or it packs in between, in the background
    for place in range(files):
        path = here / f"src/{place // 100}/{place}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {place}\n" * 20)
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-m", "begin")
    run(here, GUARD, "init", "--yes")
    run(here, GUARD, "uninstall")
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-n", "-m", "[S1] guard: adopt")
    run(here, "git", "gc", "-q")
    return run(here, "git", "rev-parse", "HEAD")


def imported(
    files: Mapping[str, bytes], parent: str | None, ref: str = "refs/heads/main", what: bytes = b"bench"
) -> bytes:
    """A fast-import stream for one commit."""
    parts = [b"commit %s\ncommitter bench <bench@example.invalid> 1700000000 +0000\n" % ref.encode()]
    parts.append(b"data %d\n%s\n" % (len(what), what))
    parts += [f"from {parent}\n".encode()] if parent else []
    for path, data in files.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    return b"".join(parts) + b"done\n"


def into(here: Path, files: Mapping[str, bytes], parent: str | None, ref: str = "refs/heads/main") -> str:
    """Commit files to a bare repository; the commit."""
    run(here, "git", "fast-import", "--quiet", "--done", data=imported(files, parent, ref))
    return run(here, "git", "rev-parse", ref)


def bare(here: Path) -> Path:
    """An empty bare repository."""
    here.mkdir()
    run(here, "git", "init", "-q", "--bare", "-b", "main")
    run(here, "git", "config", "gc.auto", "0")
    return here
