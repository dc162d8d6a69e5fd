"""The whole `guard merge`: beside its floors, beside parsing the same deltas, and beside `jq -s`."""

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.charts import bars
from benchmarks.made import deltas
from benchmarks.measure import (
    GUARD,
    Figure,
    Part,
    Row,
    Scale,
    Spent,
    absent,
    bare,
    compare,
    imported,
    inside,
    into,
    peak,
    run,
    say,
    spend,
)
from merge.delta import Entry

TITLE = "The whole merge"
HOW = """\
`guard merge --json` in a bare repository whose inbox holds the deltas, a new repository for every run. Beside it:

- *its floors*: `git cat-file --batch` of the deltas, `json.loads` of each, and `git fast-import` of the files that the
  merge wrote, in a twin repository that has not seen them;
- *parsing*: `python -I -S -c 'for each: json.loads(open(name, "rb").read())'` over the deltas as files;
- *`jq -s`*: `jq -s -f FILTER FILE...`, which makes the union of posts, comments and reactions and nothing else.

All by processor time. Memory is the largest process of a merge."""

PARSE = """\
import json, os, sys
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(sys.argv[1], name), "rb") as file:
        json.loads(file.read())
"""
UNION = """\
{ posts: (map(.posts_created[]) | unique_by(.number)),
  comments: (map(.comments_added[]) | unique_by(.id)),
  reactions: (map(.reactions_added[]) | unique) }
"""


def inbox(here: Path, entries: list[Entry]) -> str:
    """A bare repository that holds deltas and a policy; its commit, which is the same every time."""
    policy = b'[merge]\nbaseline = "%s"\n' % (b"0" * 40)
    files = {"guard.toml": policy, **{f"state/stream_deltas/{entry.name}": entry.data for entry in entries}}
    return into(bare(here), files, None)


def measure(scale: Scale, tools: dict[str, str]) -> Part:
    """Each number of deltas; jq where it is and can take them in a bearable time."""
    part = Part()
    for size in scale.deltas:
        entries = deltas(size)
        took: dict[str, list[Spent]] = {name: [] for name in ("guard merge", "its floors", "parsing", "jq -s")}
        state = 0.0
        for turn in range(scale.few if size < 5000 else scale.thrice):
            say(f"merge: {size:,} deltas, run {turn + 1}")
            with tempfile.TemporaryDirectory() as name:
                state = once(Path(name), entries, took, tools.get("jq") if size < 5000 else None)
        many = f"{size:,} deltas"
        mine = took["guard merge"]
        part.rows.append(compare(f"merge of {many}", "its floors", mine, took["its floors"], 2.0))
        part.rows.append(compare(f"merge of {many}", "parsing them", mine, took["parsing"]))
        if took["jq -s"]:
            part.rows.append(compare(f"merge of {many}", "`jq -s`, the union alone", mine, took["jq -s"]))
        else:
            why = "jq is not here" if "jq" not in tools else "it takes the square of their number"
            part.rows.append(absent(f"merge of {many}", "`jq -s`, the union alone", why))
        with tempfile.TemporaryDirectory() as name:
            inbox(Path(name, "whole"), entries)
            most = peak(Path(name, "whole"), GUARD, "merge", "--json")
        peaks = Figure.of([most]), Figure.of([state]), Figure.of([most / state])
        part.rows.append(Row(f"merge of {many}: peak", "the resulting files", "memory", "MiB", *peaks))
        colours = {"guard merge": 0, "its floors": 1, "parsing": 1, "jq -s": 2}
        labels = {"jq -s": "jq -s, the union alone", "its floors": "its floors: read, parse, write"}
        drawn = [
            (labels.get(name, name), Figure.of([one.cpu / 1e3 for one in runs]), colours[name])
            for name, runs in took.items()
            if runs
        ]
        part.pictures[f"merge-{size}.svg"] = bars(f"A merge of {size:,} deltas of 8 KB", "seconds of processors", drawn)
    return part


def once(root: Path, entries: list[Entry], took: dict[str, list[Spent]], jq: str | None) -> float:
    """One run of each; returns the MiB of the files that the merge wrote."""
    whole, twin, folder = root / "whole", root / "floor", root / "deltas"
    tip = inbox(whole, entries)
    inbox(twin, entries)
    folder.mkdir()
    for entry in entries:
        (folder / entry.name).write_bytes(entry.data)
    took["guard merge"].append(spend(whole, GUARD, "merge", "--json"))
    took["parsing"].append(spend(folder, sys.executable, "-I", "-S", "-c", PARSE, str(folder)))
    names = run(twin, "git", "ls-tree", "-r", "main", "--", "state/stream_deltas").splitlines()
    oids = "".join(line.split()[2] + "\n" for line in names).encode()
    changed = run(whole, "git", "diff-tree", "-r", "--diff-filter=d", "--name-only", tip, "main").splitlines()
    written = {path: run(whole, "git", "cat-file", "blob", f"main:{path}").encode() for path in changed}
    floor = spend(twin, "git", "cat-file", "--batch", data=oids)
    floor = floor.plus(inside(lambda: [json.loads(entry.data) for entry in entries] and None))
    stream = imported(written, tip, "refs/heads/floor")
    took["its floors"].append(floor.plus(spend(twin, "git", "fast-import", "--quiet", "--done", data=stream)))
    if jq:
        (root / "union.jq").write_text(UNION)
        files = [str(folder / entry.name) for entry in entries]
        took["jq -s"].append(spend(folder, jq, "-s", "-f", str(root / "union.jq"), *files))
    return sum(map(len, written.values())) / 2**20
