"""What `guard launch` adds to a stream, beside `git worktree add` and the same command, at two sizes of the tree.

Each figure is a ratio of medians taken in one run, the two by turns, one stream at a time: processor time of everything
that was started, and the time on the clock. guard's part also delivers the delta to the hub and removes the work tree,
which the bare commands do not; their own price stands beside it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from walks.lab import Lab  # the laboratory of the tests: a hub and clones, cut off from the machine's configuration

GUARD = Path(sys.executable).with_name("guard")
WORK = (
    'sleep {rest}; printf \'{{"frame": %s, "stream_id": "%s", "completed_at": "2026-01-02T03:04:05Z"}}\' '
    '"$GUARD_FRAME" "$GUARD_STREAM" > "$GUARD_DELTA"'
)


def spent() -> float:
    """Processor seconds of all children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def timed(lab: Lab, here: Path, commands: list[list[str]], **more: str) -> tuple[float, float]:
    """Seconds on the clock and of the processor that commands take."""
    env = {**lab.env, **more}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # who measures may have set it; who uses guard has compiled modules
    began, before = time.perf_counter(), spent()
    for words in commands:
        done = subprocess.run(words, cwd=here, env=env, capture_output=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
    return time.perf_counter() - began, spent() - before


def measure(files: int, streams: int, rounds: int, rest: float) -> None:
    """Measure with a tree of so many files."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        lab.fleet("here", "other")
        here = lab.root / "here"
        lab.commit_push(here, {f"src/{n % 97}/file-{n}.txt": f"{n}\n" * 20 for n in range(files)})
        command = ["sh", "-c", WORK.format(rest=rest)]
        figures: dict[str, list[tuple[float, float]]] = {}
        for turn in range(rounds):
            bare = lab.root / f"bare-{turn}"
            told = {"GUARD_FRAME": "1", "GUARD_STREAM": "stream-1", "GUARD_DELTA": str(lab.root / "delta.json")}
            made, gone = [], []
            for n in range(streams):
                made += [["git", "worktree", "add", "-q", "-b", f"b{turn}-{n}", f"{bare}-{n}"], command]
                gone += [["git", "worktree", "remove", f"{bare}-{n}"], ["git", "branch", "-q", "-D", f"b{turn}-{n}"]]
            push = [["git", "push", "-q", "origin", f"HEAD:refs/try/{turn}-{n}"] for n in range(streams)]
            launch = [str(GUARD), "launch", "--quiet", "--stagger", "0", "--frame", "1"]
            for name, commands in {
                "git worktree add + the command": made,
                "git push of a ref": push,
                "git worktree remove + branch -D": gone,
                "guard launch, one by one": [[*launch, "--streams", "1", "--", *command] for _ in range(streams)],
                "guard launch, all at once": [[*launch, "--streams", str(streams), "--", *command]],
                "guard --version": [[str(GUARD), "--version"]],
            }.items():
                clock, processor = timed(lab, here, commands, **told)
                figures.setdefault(name, []).append((clock / streams, processor / streams))
        base = [statistics.median(each) for each in zip(*figures["git worktree add + the command"], strict=True)]
        print(f"{files} files, {streams} streams, a command that takes {rest:g} s; per stream")
        for name, pairs in figures.items():
            clock, processor = (statistics.median(each) for each in zip(*pairs, strict=True))
            print(
                f"  {name:34} clock {clock * 1000:7.1f} ms {clock / base[0]:5.2f}x"
                f"   processor {processor * 1000:7.1f} ms {processor / base[1]:5.2f}x"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--command-seconds", type=float, default=0.5)
    asked = parser.parse_args()
    for files in (200, 5000):
        measure(files, asked.streams, asked.rounds, asked.command_seconds)


if __name__ == "__main__":
    main()
