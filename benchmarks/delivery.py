"""Many writers at once: `guard delta push`, by ref and by branch, beside the loop of git that people write."""

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from walks.lab import INBOX, Lab, delta, name_of

from benchmarks.charts import lines
from benchmarks.measure import GUARD, Figure, Part, Row, Scale, Spent, compare, say

TITLE = "Deliveries by many writers at once"
HOW = """\
Each writer is a clone of one hub on the same disk with one new delta; all begin together, and the time is from the
first start to the last end: `guard delta push --by refs`, `guard delta push --by branch`, and beside them the loop that
people write: `git add && git commit`, then up to five times `git fetch && git rebase origin/main && git push`. *Lost*
is what is not on the hub when all have ended. With many more writers than processors, most of them wait for one."""

LOOP = """git add -- state/stream_deltas && git commit -q -m "[S1] deltas: mine" || exit 1
for try in 1 2 3 4 5; do
  git fetch -q origin && git rebase -q origin/main && git push -q origin HEAD:main && exit 0
done
exit 1
"""
WAYS: dict[str, Sequence[str]] = {
    "loop of git": ("sh", "-c", LOOP),
    "by ref": (GUARD, "delta", "push", "--by", "refs"),
    "by branch": (GUARD, "delta", "push", "--by", "branch"),
}


def at_once(lab: Lab, clones: Sequence[Path], words: Callable[[int], Sequence[str]]) -> Spent:
    """What all clones together take for one command each, all begun together."""
    env = {key: value for key, value in lab.env.items() if key != "PYTHONDONTWRITEBYTECODE"}
    quiet = subprocess.DEVNULL
    before, begun = used(), time.perf_counter()
    running = [
        subprocess.Popen(words(place), cwd=clone, env=env, stdin=quiet, stdout=quiet, stderr=quiet)
        for place, clone in enumerate(clones)
    ]
    for process in running:
        process.wait()
    return Spent(used() - before, (time.perf_counter() - begun) * 1e3)


def used() -> float:
    """Milliseconds of processors that all children took which have ended."""
    taken = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (taken.ru_utime + taken.ru_stime) * 1e3


def once(number: int, words: Sequence[str]) -> tuple[Spent, int]:
    """What so many deliveries took, and how many did not arrive."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        clones = lab.fleet(*(f"c{each}" for each in range(number)))
        for each, clone in enumerate(clones):
            lab.write(clone, {name_of(1, f"m{each}"): delta(1, f"m{each}")})
        spent = at_once(lab, clones, lambda _: words)
        arrived = sum(path.startswith(f"{INBOX}/frame") for path in lab.paths(lab.hub))
        return spent, number - arrived - len(lab.refs(lab.hub, "refs/guard/deltas"))


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """Every way with every number of writers."""
    part = Part()
    took: dict[str, list[Figure]] = {way: [] for way in WAYS}
    gone_by_loop = 0
    for number in scale.writers:
        runs: dict[str, list[Spent]] = {way: [] for way in WAYS}
        lost = dict.fromkeys(WAYS, 0)
        rounds = scale.thrice
        for turn in range(rounds):
            say(f"delivery: {number} writers, run {turn + 1}")
            for way, words in WAYS.items():
                spent, missing = once(number, words)
                runs[way].append(spent)
                lost[way] += missing
        writers = f"{number} writer{'s' * (number > 1)}"
        for way in ("by ref", "by branch"):
            note = f"the loop lost {lost['loop of git']} of {number * rounds}" if lost["loop of git"] else ""
            name = f"{writers}, {way}"
            part.rows.append(compare(name, "the loop of git", runs[way], runs["loop of git"], by="clock", note=note))
            gone = Figure.of([lost[way]])
            part.rows.append(Row(f"{name}: lost of {number * rounds}", "", "count", "", gone, goal=0))
        gone_by_loop += lost["loop of git"]
        for way, figures in took.items():
            figures.append(Figure.of([spent.wall / 1e3 for spent in runs[way]]))
    names = {"by ref": "guard, by ref", "loop of git": "loop of git", "by branch": "guard, by branch"}
    if gone_by_loop:
        names["loop of git"] = f"the loop, which lost {gone_by_loop}"
    part.pictures["delivery.svg"] = lines(
        "All deltas delivered",
        "writers that begin at once",
        "seconds by the clock until the last one is done",
        scale.writers,
        [(name, took[way]) for way, name in names.items()],
    )
    return part
