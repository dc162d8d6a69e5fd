"""What a claim costs beside `git fetch` and `git push` on the same hub, and `orient` on a board of 500 rows.

Each figure is a ratio of medians taken in one run, the commands by turns: with the hub on this disk, and behind an ssh
that takes `LATENCY` seconds to connect, as the ssh of a hosting service does (0.4 to 1 s is usual).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from walks.lab import Lab  # the laboratory of the tests: a hub and clones, cut off from the machine's configuration

ROW = "| 2026-01-{day:02d} | LANE-{n} | S{n} | ada | main | - | - | linux | src/{n} | lease=- | {state} | row {n} |\n"
LATENCY = 0.4
GUARD = Path(sys.executable).with_name("guard")


def timed(lab: Lab, here: Path, *words: str) -> float:
    """Seconds of a command."""
    env = {**lab.env, "GUARD_SESSION": "S900"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # who measures may have set it; who uses guard has compiled modules
    began = time.perf_counter()
    done = subprocess.run(words, cwd=here, env=env, capture_output=True, check=False)
    assert done.returncode == 0, (words, done.stderr)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        rows = "".join(ROW.format(n=n, day=n % 28 + 1, state="READY" if n % 9 == 0 else "MERGED") for n in range(500))
        head = "| Date | Lane | Session | Agent | Branch | PR | Model | Platform | Scope | Etc | Status | Notes |\n"
        lab.fleet("one", "other")
        one, other = lab.root / "one", lab.root / "other"
        lab.commit_push(one, {"tasks/SWARM-LANES.md": f"# Lanes\n\n{head}|{'---|' * 12}\n{rows}"})
        lab.git(other, "pull", "-q", "--ff-only", "origin", "main")
        ssh = Path(folder, "ssh")
        ssh.write_text(f'#!/bin/sh\nsleep {LATENCY}\nshift\nexec sh -c "$*"\n')
        ssh.chmod(0o755)
        lab.env |= {"GIT_SSH": str(ssh), "GIT_SSH_VARIANT": "simple"}
        for where in ("on this disk", f"behind {LATENCY:.1f} s"):
            if where != "on this disk":
                for clone in (one, other):
                    lab.git(clone, "remote", "set-url", "origin", f"ssh://hub{lab.hub}")
            print(where)
            measure(lab, one, other, rounds, where.replace(" ", "-"))


def measure(lab: Lab, one: Path, other: Path, rounds: int, where: str) -> None:
    """Measure with the hub where it is."""
    figures: dict[str, list[float]] = {"fetch + push": [], "claim": [], "orient": [], "bare `guard --version`": []}
    for turn in range(rounds):
        lab.commit(other, {f"work-{where}-{turn}": "x"})
        lab.git(other, "fetch", "-q", "origin")
        lab.git(other, "rebase", "-q", "origin/main")
        begun = time.perf_counter()
        timed(lab, other, "git", "fetch", "-q", "origin")
        timed(lab, other, "git", "push", "-q", "origin", "HEAD:main")
        figures["fetch + push"].append(time.perf_counter() - begun)
        figures["claim"].append(
            timed(lab, one, str(GUARD), "claim", f"NEW-{where}-{turn}", "--scope", f"new-{where}/{turn}")
        )
        figures["orient"].append(timed(lab, one, str(GUARD), "orient"))
        figures["bare `guard --version`"].append(timed(lab, one, str(GUARD), "--version"))
    base = statistics.median(figures["fetch + push"])
    for name, times in figures.items():
        middle = statistics.median(times)
        spread = f"({min(times) * 1000:.0f} to {max(times) * 1000:.0f})"
        print(f"{name:24} {middle * 1000:7.0f} ms  {spread:14} {middle / base:5.2f}x")


if __name__ == "__main__":
    main()
