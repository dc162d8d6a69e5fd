"""What the hooks cost, beside the same git without them, hooks that only say `exit 0`, and other hook tools."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.charts import bars
from benchmarks.made import delta
from benchmarks.measure import (
    ENV,
    GUARD,
    Failed,
    Figure,
    Part,
    Row,
    Scale,
    Spent,
    absent,
    adopted,
    alternate,
    compare,
    run,
    say,
    spend,
)

TITLE = "Hooks"
HOW = """\
The same commit in copies of one repository, in turn: without hooks, with as many hooks as guard has that only say
`exit 0`, with guard's (`guard install`), and with prek, lefthook and pre-commit each running `true` and nothing else.
Timed is `git commit -q -m '[S1] src: N'` with everything that it starts; `git add -- FILE...` before it is not.

- *one file*: a line is added to one text file; nothing that guard looks after is touched.
- *one delta*: one new delta of 8 KB, as a stream delivers it.
- *20 files, delta, script*: a line added to 20 files, one new delta, one new `#!/bin/sh` script.
- *200 deltas*: new deltas of 8 KB each, staged; guard's pre-commit hook by itself, beside
  `python -I -S -c 'for each: json.loads(open(name, "rb").read())'` over the same files.
- *fetch*: `git fetch -q HUB '+refs/heads/*:refs/remotes/hubN/*'` of new branches; git before 2.48 or so starts the
  hook twice for each of them, whoever wrote it."""

PARSE = "import json, sys\nfor name in sys.argv[1:]:\n    json.loads(open(name, 'rb').read())"
TRUE = """\
repos:
  - repo: local
    hooks:
      - {id: "true", name: "true", entry: "true", language: system, always_run: true, pass_filenames: false}
"""
PEERS = {
    "prek": (".pre-commit-config.yaml", TRUE),
    "lefthook": ("lefthook.yml", 'pre-commit:\n  jobs:\n    - run: "true"\n'),
    "pre-commit": (".pre-commit-config.yaml", TRUE),
}
"""Tool -> the file that tells it to run `true`."""


def one_file(here: Path, turn: int) -> list[str]:
    """One file changed."""
    with (here / "src/0/1.txt").open("a") as file:
        file.write(f"{turn}\n")
    return ["src/0/1.txt"]


def one_delta(here: Path, turn: int) -> list[str]:
    """One new delta."""
    name = f"state/stream_deltas/frame-1-stream-{turn}.json"
    (here / name).write_bytes(delta(1, turn, turn, Random(turn)))
    return [name]


def everything(here: Path, turn: int) -> list[str]:
    """Twenty files, one delta and one script."""
    names = [f"src/0/{place}.txt" for place in range(20, 40)]
    for name in names:
        with (here / name).open("a") as file:
            file.write(f"{turn}\n")
    (here / f"run{turn}.sh").write_text("#!/bin/sh\necho hi\n")
    return [*names, *one_delta(here, 1000 + turn), f"run{turn}.sh"]


CHANGES: tuple[tuple[str, Callable[[Path, int], list[str]], float | None], ...] = (
    ("one file", one_file, 1.5),
    ("one delta", one_delta, None),
    ("20 files, delta, script", everything, 2.5),
)


def measure(scale: Scale, tools: dict[str, str]) -> Part:
    """Commits at each size; fetch and 200 deltas at the first one."""
    part = Part()
    for files in scale.files:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            say(f"hooks: repositories of {files:,} files")
            sides, missing = repositories(root, files, tools)
            env = {**ENV, "PRE_COMMIT_HOME": str(root / "home"), "LEFTHOOK_BIN": tools.get("lefthook", "lefthook")}
            commits(part, scale, files, sides, missing, env)
            if files == scale.files[0]:
                part.rows.append(fetches(scale, sides, root))
                part.rows.append(many(scale, sides["guard"]))
    return part


def repositories(root: Path, files: int, tools: dict[str, str]) -> tuple[dict[str, Path], dict[str, str]]:
    """One repository for each way, by name, and why some are not there."""
    sides = {name: root / name for name in ("bare", "empty", "guard", *PEERS)}
    missing = {}
    adopted(sides["bare"], files)
    for name, here in list(sides.items()):
        if here.exists():
            continue
        shutil.copytree(sides["bare"], here, symlinks=True)
        run(here, "git", "update-index", "-q", "--refresh")
        if name in PEERS:
            config, text = PEERS[name]
            (here / config).write_text(text)
            run(here, "git", "add", "--", config)
            run(here, "git", "commit", "-q", "-m", "[S1] hooks: true")
            try:
                run(here, tools[name], "install")
            except (KeyError, Failed) as error:
                missing[name] = "it is not here" if isinstance(error, KeyError) else str(error)
                del sides[name]
                say(f"hooks: not compared with {name}: {missing[name]}")
    run(sides["guard"], GUARD, "install")
    for hook in (sides["guard"] / ".git/hooks").iterdir():
        if hook.suffix != ".sample":
            empty = sides["empty"] / ".git/hooks" / hook.name
            empty.write_text("#!/bin/sh\nexit 0\n")
            empty.chmod(0o755)
    return sides, missing


def commits(
    part: Part, scale: Scale, files: int, sides: dict[str, Path], missing: dict[str, str], env: dict[str, str]
) -> None:
    """Add the rows and the picture of commits in repositories of so many files."""
    size = f"{files:,} files"
    rounds = scale.rounds if files < 20000 else (scale.rounds + 1) // 2
    added: dict[str, dict[str, list[Spent]]] = {}
    for what, change, goal in CHANGES:

        def commit(turn: int, here: Path, change: Callable[[Path, int], list[str]] = change) -> Spent:
            run(here, "git", "add", "--", *change(here, turn), env=env)
            return spend(here, "git", "commit", "-q", "-m", f"[S1] src: {turn}", env=env)

        say(f"hooks: {size}: {what}")
        took = alternate(rounds, {name: partial(commit, here=here) for name, here in sides.items()})
        floor = took["bare"]
        added[what] = {
            name: [one.less(two) for one, two in zip(runs, floor, strict=True)] for name, runs in took.items()
        }
        name = f"commit, {what} ({size})"
        part.rows.append(compare(name, "git without hooks", took["guard"], floor, goal))
        part.rows.append(compare(name, "git with empty hooks", took["guard"], took["empty"]))
    full = added["20 files, delta, script"]
    for tool, goal in (("prek", 1.0), ("lefthook", None), ("pre-commit", 1 / 8)):
        name, beside = f"what a full judgement adds to a commit ({size})", f"what {tool} adds, running `true`"
        if tool in missing:
            part.rows.append(absent(name, beside, missing[tool], goal))
        else:
            part.rows.append(compare(name, beside, full["guard"], full[tool], goal))
    drawn = [("empty hooks (exit 0)", full["empty"], 1)]
    drawn += [(f"guard: {what}", added[what]["guard"], 0) for what, _, _ in CHANGES]
    drawn += [(f"{tool}: true", full[tool], 2) for tool in PEERS if tool in full]
    picture = bars(
        f"What hooks add to a commit in {size}",
        "milliseconds of processors beyond git itself",
        [(label, Figure.of([one.cpu for one in runs]), colour) for label, runs, colour in drawn],
    )
    part.pictures[f"hooks-{files}.svg"] = picture


def fetches(scale: Scale, sides: dict[str, Path], root: Path) -> Row:
    """A fetch of new branches."""
    say(f"hooks: fetch of {scale.branches} branches")
    ways = {name: sides[name] for name in ("bare", "empty", "guard")}
    for name, here in ways.items():
        hub = root / f"hub-{name}"
        run(root, "git", "clone", "-q", "--bare", "--no-hardlinks", str(here), str(hub))
        refs = "".join(f"create refs/heads/b{each} HEAD\n" for each in range(scale.branches))
        run(hub, "git", "update-ref", "--stdin", data=refs.encode())

    def fetch(turn: int, name: str) -> Spent:
        return spend(
            ways[name], "git", "fetch", "-q", str(root / f"hub-{name}"), f"+refs/heads/*:refs/remotes/h{turn}/*"
        )

    took = alternate(scale.few, {name: partial(fetch, name=name) for name in ways})
    floor = compare("", "", took["empty"], took["bare"]).ratio
    note = f"empty hooks alone: {floor.median:.2f}x" if floor else ""
    return compare(
        f"fetch of {scale.branches} new branches", "git without hooks", took["guard"], took["bare"], 1.5, note=note
    )


def many(scale: Scale, here: Path) -> Row:
    """Many staged deltas, judged; last, as from here on the repositories differ."""
    number, judged, parsed = scale.branches, [], []
    say(f"hooks: {number} deltas in one commit")
    for turn in range(1 + scale.few):  # the first does not count
        streams = range(10_000 + turn * number, 10_000 + (turn + 1) * number)
        names = [name for stream in streams for name in one_delta(here, stream)]
        run(here, "git", "add", "--", *names)
        parsed.append(spend(here, sys.executable, "-I", "-S", "-c", PARSE, *names))
        judged.append(spend(here, str(here / ".git/hooks/pre-commit")))
        run(here, "git", "commit", "-q", "-m", f"[S1] deltas: {turn}")
    return compare(f"{number} staged deltas judged", "parsing them", judged[1:], parsed[1:], 2.5)
