"""Measures what the hooks cost beside the same git without them, and prints ratios; nothing here fails by time.

Each figure is the median of alternating runs, by processor time of git and all that it starts. The `floor` is the same
git with as many hooks that only say `exit 0`: what git and sh take for starting them, whoever wrote them.
    python benchmarks/hooks.py [--files 5000] [--rounds 15]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from guard.hooks import HOOKS

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


def run(where: Path, *words: str, text: str | None = None) -> None:
    """Run a command that has to succeed."""
    done = subprocess.run(words, cwd=where, env=ENV, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{words}: {done.stderr}")


def cost(where: Path, *words: str) -> float:
    """Milliseconds of processor time of a command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(where, *words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def make(here: Path, files: int) -> None:
    """A repository of so many files that has adopted guard."""
    here.mkdir()
    run(here, "git", "init", "-q", "-b", "main")
    run(here, "git", "config", "gc.auto", "0")  # or it packs in between, in the background
    for number in range(files):
        path = here / f"src/{number // 100}/{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number}\n" * 20)
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-m", "begin")
    run(here, *GUARD, "init", "--yes")
    run(here, *GUARD, "uninstall")
    run(here, "git", "add", ".")
    run(here, "git", "commit", "-q", "-n", "-m", "[S1] guard: adopt")
    run(here, "git", "gc", "-q")


def plain(here: Path, number: int) -> list[str]:
    """One file changed."""
    with (here / "src/1/100.txt").open("a") as file:
        file.write(f"{number}\n")
    return ["src/1/100.txt"]


def full(here: Path, number: int) -> list[str]:
    """Twenty files, one delta and one script."""
    names = []
    for place in range(200, 220):
        with (here / f"src/2/{place}.txt").open("a") as file:
            file.write(f"{number}\n")
        names.append(f"src/2/{place}.txt")
    name = f"state/stream_deltas/frame-1-s{number}.json"
    (here / name).write_text(
        f'{{"frame": 1, "stream_id": "s{number}", "completed_at": "2026-04-01T00:00:00Z", "comments_added": [],'
        f' "posts_created": [{{"number": {number}, "author": "ada"}}]}}\n'
    )
    (here / f"run{number}.sh").write_text("#!/bin/sh\necho hi\n")
    return [*names, name, f"run{number}.sh"]


def compare(what: str, bare: list[float], hooked: list[float], floor: list[float] | None = None) -> None:
    """Print the medians, and the medians of the ratios to the first column and to the floor."""
    line = (
        f"{what:34} {statistics.median(bare):8.1f} ms {statistics.median(hooked):8.1f} ms   {ratio(bare, hooked):5.2f}x"
    )
    if floor:
        line += f"   floor {statistics.median(floor):7.1f} ms {ratio(bare, floor):5.2f}x"
        line += f", above it {ratio(floor, hooked):4.2f}x"
    print(line)


def ratio(before: list[float], after: list[float]) -> float:
    """The median of the ratios of runs that took turns."""
    return statistics.median(late / early for early, late in zip(before, after, strict=True))


TRUE = """\
repos:
  - repo: local
    hooks:
      - {id: "true", name: "true", entry: "true", language: system, always_run: true, pass_filenames: false}
"""

PARSE = "import json, sys\nfor name in sys.argv[1:]:\n    json.loads(open(name, 'rb').read())"


def peers(root: Path, files: int) -> dict[str, Path]:
    """Repositories whose commits run `true` by other tools, as far as those are installed beside this Python."""
    found = {}
    for tool in ("prek", "pre-commit"):
        program = Path(sys.executable).parent / tool
        if program.exists():
            here = found[tool] = root / tool
            make(here, files)
            (here / ".pre-commit-config.yaml").write_text(TRUE)
            run(here, "git", "add", "--", ".pre-commit-config.yaml")
            run(here, "git", "commit", "-q", "-m", "[S1] hooks: true")
            run(here, str(program), "install")
        else:
            print(f"{tool} is not installed beside {sys.executable}: not compared")
    return found


def deltas(here: Path, rounds: int) -> tuple[list[float], list[float]]:
    """The cost of a commit of 200 deltas of 9 KB without hooks plus merely parsing them, and of one with hooks."""
    parsed, judged = [], []
    text = " ".join(f"word{each}" for each in range(1100))
    for number in range(rounds):
        names = []
        for place in range(200):
            name = f"state/stream_deltas/frame-1-r{number}-{place}.json"
            value = {"frame": 1, "stream_id": f"r{number}-{place}", "completed_at": "2026-04-01T00:00:00Z", "x": [text]}
            (here / name).write_text(json.dumps(value))
            names.append(name)
        run(here, "git", "add", "--", *names)
        parsed.append(cost(here, sys.executable, "-I", "-S", "-c", PARSE, *names))
        judged.append(cost(here, str(here / ".git/hooks/pre-commit")))
        run(here, "git", "commit", "-q", "-m", f"[S1] deltas: {number}")
    return parsed, judged


def empty_hooks(here: Path) -> None:
    """Hooks that do nothing, where `guard install` puts its own."""
    for name in HOOKS:
        hook = here / ".git/hooks" / name
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)


def main() -> None:
    """Make the repositories and print what their commits and fetches cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        bare, hooked, floor = sides = Path(root, "bare"), Path(root, "hooked"), Path(root, "floor")
        for here in sides:
            make(here, asked.files)
        run(hooked, *GUARD, "install")
        empty_hooks(floor)
        print(f"{asked.files} files {'':21} {'bare git':>11} {'with hooks':>11}")
        for what, change in (("commit, nothing relevant staged", plain), ("commit of 20 files, delta, script", full)):
            costs: tuple[list[float], ...] = ([], [], [])
            for number in range(asked.rounds):
                for here, taken in zip(sides, costs, strict=True):
                    run(here, "git", "add", "--", *change(here, number))
                    taken.append(cost(here, "git", "commit", "-q", "-m", f"[S1] src: {number}"))
            compare(what, *costs)
        others = peers(Path(root), asked.files)
        added: dict[str, list[float]] = {name: [] for name in ("guard", *others)}
        for number in range(asked.rounds):
            spent = {}
            for name, here in {"bare": bare, "guard": hooked, **others}.items():
                run(here, "git", "add", "--", *full(here, 1000 + number))
                spent[name] = cost(here, "git", "commit", "-q", "-m", f"[S1] src: {number}")
            for name, taken in added.items():
                taken.append(spent[name] - spent["bare"])
        for name, taken in added.items():
            label = "full judgement" if name == "guard" else "running true"
            print(f"{name + ', ' + label:34} {'':11} {statistics.median(taken):+8.1f} ms")
        costs = ([], [], [])
        for number in range(max(3, asked.rounds // 3)):
            for here, taken in zip(sides, costs, strict=True):
                hub = Path(root, f"hub-{here.name}-{number}")
                run(here, "git", "clone", "-q", "--bare", "--no-hardlinks", str(here), str(hub))
                refs = "".join(f"create refs/heads/b{each} HEAD\n" for each in range(200))
                run(hub, "git", "update-ref", "--stdin", text=refs)
                taken.append(cost(here, "git", "fetch", "-q", str(hub), f"+refs/heads/*:refs/remotes/hub{number}/*"))
        compare("fetch of 200 branches", *costs)
        compare("200 deltas: parse / judge", *deltas(hooked, 7))  # last: from here on the repositories differ


if __name__ == "__main__":
    main()
