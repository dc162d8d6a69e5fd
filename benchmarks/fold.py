"""The fold alone, bytes in to bytes out, beside json.loads of the same bytes; and its memory."""

import gc
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.made import deltas
from benchmarks.measure import ENV, ROOT, Figure, Part, Row, Scale, alternate, compare, inside, peak, run, say
from guard.schema import conforms
from merge.delta import Entry
from merge.fold import fold
from merge.laws import DEFAULT

TITLE = "The fold alone"
HOW = """\
`merge.fold.fold({}, deltas, laws, validator)` in one process, beside `json.loads(delta)` for each of the same deltas
(8 KB each in the real shape: 6 posts, 22 comments, 18 reactions, observations). Memory is the peak of a Python process
that reads the deltas one by one, folds them and holds the resulting files, beside the bytes of those files."""

FOLDED = """\
import gc, os, sys
from guard.schema import conforms
from merge.delta import Entry
from merge.fold import fold
from merge.laws import DEFAULT
gc.disable()
folder = sys.argv[1]
names = sorted(os.listdir(folder), key=lambda name: (int(name.split("-")[1]), name))
entries = (Entry(name, open(os.path.join(folder, name), "rb").read()) for name in names)
print(sum(map(len, fold({}, entries, DEFAULT, conforms("delta")).files.values())))
"""


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """Time for each number of deltas, memory for the largest."""
    judge = conforms("delta")
    part = Part()
    gc.collect()
    gc.disable()  # as `guard merge` does
    try:
        for size in scale.deltas:
            say(f"fold: {size:,} deltas")
            entries = deltas(size)

            def mine(entries: Sequence[Entry] = entries) -> None:
                fold({}, entries, DEFAULT, judge)

            def parse(entries: Sequence[Entry] = entries) -> None:
                for entry in entries:
                    json.loads(entry.data)

            jobs = {"mine": lambda _, job=mine: inside(job), "parse": lambda _, job=parse: inside(job)}
            took = alternate(scale.rounds if size < 5000 else scale.few, jobs)
            name = f"fold of {size:,} deltas, for each"
            part.rows.append(compare(name, "json.loads", took["mine"], took["parse"], 3.0, each=size, unit="us"))
    finally:
        gc.enable()
    size = scale.deltas[-1]
    for streams, label in ((22, "22 to a frame"), (size, "all in one frame")):
        say(f"fold: memory, {label}")
        part.rows.append(memory(size, streams, label))
    return part


def memory(size: int, streams: int, label: str) -> Row:
    """The peak of a fold beside the files that it makes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "deltas")
        folder.mkdir()
        for entry in deltas(size, streams):
            (folder / entry.name).write_bytes(entry.data)
        env = {**ENV, "PYTHONPATH": str(ROOT)}
        words = (sys.executable, "-c", FOLDED, str(folder))
        state = int(run(folder, *words, env=env)) / 2**20
        most = peak(folder, *words, env=env)
    ours, base, ratio = (Figure.of([value]) for value in (most, state, most / state))
    return Row(
        f"fold of {size:,} deltas, {label}: peak", "the resulting files", "memory", "MiB", ours, base, ratio, goal=3.0
    )
