"""What it costs when many writers deliver at once: `guard delta push`, by ref and by branch, beside a loop of git.

Each writer is a clone with one new delta; all begin together. The loop is what people write: add, commit, then fetch,
rebase and push, up to five times. Seconds are from the first start to the last end; the ratio is to the loop at the
same number of writers, in this run. `lost` is how many deltas never arrived.
    python benchmarks/delivery.py [--writers 1,8,24,64]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from walks.lab import INBOX, Lab, delta, name_of  # a hub and clones, cut off from the machine's configuration

LOOP = """git add -- state/stream_deltas && git commit -q -m "[S1] deltas: mine" || exit 1
for try in 1 2 3 4 5; do
  git fetch -q origin && git rebase -q origin/main && git push -q origin HEAD:main && exit 0
done
exit 1
"""
GUARD = str(Path(sys.executable).with_name("guard"))


def measured(lab: Lab, clones: Sequence[Path], words: Sequence[str], arrived: Callable[[], int]) -> tuple[float, int]:
    """Seconds until all are done, and how many deltas did not arrive."""
    env = {key: value for key, value in lab.env.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = arrived()
    began = time.perf_counter()
    running = [
        subprocess.Popen(words, cwd=clone, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for clone in clones
    ]
    for process in running:
        process.wait()
    return time.perf_counter() - began, len(clones) - (arrived() - before)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", default="1,8,24,64")
    numbers = [int(text) for text in parser.parse_args().writers.split(",")]
    ways: dict[str, Sequence[str]] = {
        "loop of git": ("sh", "-c", LOOP),
        "by ref": (GUARD, "delta", "push", "--by", "refs"),
        "by branch": (GUARD, "delta", "push", "--by", "branch"),
    }
    print(f"{'writers':>7}  {'way':12} {'seconds':>8} {'ratio':>6} {'lost':>5}")
    for number in numbers:
        base = 0.0
        for way, words in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                lab = Lab(Path(folder))
                clones = lab.fleet(*(f"c{each}" for each in range(number)))
                for each, clone in enumerate(clones):
                    lab.write(clone, {name_of(1, f"m{each}"): delta(1, f"m{each}")})

                def arrived(lab: Lab = lab) -> int:
                    files = sum(path.startswith(f"{INBOX}/frame") for path in lab.paths(lab.hub))
                    return files + len(lab.refs(lab.hub, "refs/guard/deltas"))

                seconds, lost = measured(lab, clones, words, arrived)
            base = base or seconds
            print(f"{number:7}  {way:12} {seconds:8.1f} {seconds / base:5.2f}x {lost:5}", flush=True)


if __name__ == "__main__":
    main()
