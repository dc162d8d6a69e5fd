"""Measures what the server's hook costs beside `git log --raw` of what is pushed; nothing here fails by time.

Each figure is the median of alternating runs, by processor time of the process and all that it starts; each ratio is
taken within this run. Ordinary commits, then the same with merges that are made again, beside `guard verify` of them.
    python benchmarks/server.py [--commits 1000] [--files 2000] [--rounds 9]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

GUARD = (sys.executable, "-c", "from guard.cli import main; main()")
ENV = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GUARD_", "PYTHON"))},
    "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.invalid",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.invalid",
}


def run(where: Path, *words: str, data: bytes | None = None) -> str:
    """Run a command that has to succeed; its output."""
    done = subprocess.run(words, cwd=where, env=ENV, input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{words}: {done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout.decode().strip()


def cost(action: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds that an action took: of processors, and of the clock."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    action()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, (ended - begun) * 1e3


def make(here: Path, files: int) -> str:
    """A repository of so many files that has adopted guard; its tip."""
    here.mkdir()
    run(here, "git", "init", "-q", "-b", "main")
    run(here, "git", "config", "gc.auto", "0")
    for number in range(files):
        path = here / f"src/{number // 100}/{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-m", "begin")
    run(here, *GUARD, "init", "--yes")
    run(here, *GUARD, "uninstall")
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-m", "[S1] guard: adopt")
    return run(here, "git", "rev-parse", "HEAD")


def work(here: Path, commits: int, files: int, tip: str) -> str:
    """So many ordinary commits on top of a tip: each changes two files and adds one; the new tip."""
    lines = []
    for number in range(commits):
        what = f"[S{number % 30 + 1}] src: step {number}\n\nWhat it is about.\n"
        lines.append(f"commit refs/heads/main\ncommitter bench <bench@example.invalid> {1767600000 + number} +0000")
        lines.append(f"data {len(what)}\n{what}")
        if number == 0:
            lines.append(f"from {tip}")
        first, second = number % files, (number * 7 + 1) % files
        for path in (f"src/{first // 100}/{first}.txt", f"src/{second // 100}/{second}.txt", f"new/{number}.txt"):
            text = f"{path} in step {number}\n" * 30
            lines.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}")
    run(here, "git", "fast-import", "--quiet", "--force", data="\n".join([*lines, ""]).encode())
    return run(here, "git", "rev-parse", "main")


def frames(here: Path, number: int) -> str:
    """So many frames of ten deltas, each merged; the new tip."""
    run(here, "git", "reset", "-q", "--hard", "main")
    for frame in range(1, number + 1):
        for stream in range(10):
            name = f"state/stream_deltas/frame-{frame}-s{stream}.json"
            posts = [{"number": frame * 1000 + stream * 10 + post, "author": "ada"} for post in range(10)]
            value = {"frame": frame, "stream_id": f"s{stream}", "completed_at": "2026-01-01T00:00:00Z"}
            (here / name).write_text(json.dumps({**value, "posts_created": posts}))
            run(here, "git", "add", name)
        run(here, "git", "commit", "-q", "-m", f"[S1] frame: {frame}")
        run(here, *GUARD, "merge")
    return run(here, "git", "rev-parse", "main")


def measure(hub: Path, old: str, new: str, rounds: int) -> dict[str, tuple[float, float]]:
    """The medians: git's own log, the hook, guard verify of the same range, and the hook for no commit at all."""
    hook = str(hub / "hooks/pre-receive")
    actions: dict[str, Callable[[], object]] = {
        "log": lambda: run(hub, "git", "log", "--raw", "--no-renames", "--no-abbrev", "-z", f"{old}..{new}"),
        "hook": lambda: run(hub, hook, data=f"{old} {new} refs/heads/main\n".encode()),
        "start": lambda: run(hub, hook, data=f"{old} {old} refs/heads/main\n".encode()),
        "verify": lambda: run(hub, *GUARD, "verify", "--quiet", f"{old}..{new}"),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            taken[name].append(cost(action))
    return {
        name: (statistics.median(cpu for cpu, _ in each), statistics.median(wall for _, wall in each))
        for name, each in taken.items()
    }


def main() -> None:
    """Make the repositories, push without the hook, then let the hook judge what lies between."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here, hub = Path(folder, "here"), Path(folder, "hub.git")
        begun = make(here, asked.files)
        ordinary = work(here, asked.commits, asked.files, begun)
        merged = frames(here, asked.frames)
        run(here, "git", "gc", "-q")
        run(Path(folder), "git", "clone", "-q", "--bare", str(here), str(hub))
        run(Path(folder), *GUARD, "server", "install", str(hub))
        run(hub, "git", "config", "guard.seconds", "600")
        for what, old, new in (
            (f"{asked.commits} ordinary commits", begun, ordinary),
            (f"{asked.frames} frames of 10 deltas, each merged", ordinary, merged),
        ):
            took = measure(hub, old, new, asked.rounds)
            print(f"{what}, in a tree of {asked.files} files:")
            for name, (cpu, wall) in took.items():
                print(f"  {name:7} {cpu:8.0f} ms of processors, {wall:8.0f} ms")
            for place, word in ((0, "of processors"), (1, "by the clock")):
                hook, log, start = (took[name][place] for name in ("hook", "log", "start"))
                print(f"  ratio {word}: hook / log = {hook / log:.2f}, without its start {(hook - start) / log:.2f}")


if __name__ == "__main__":
    main()
