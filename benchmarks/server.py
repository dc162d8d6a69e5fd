"""What the server's hook costs, beside `git log --raw` of what is pushed."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import GUARD, Part, Scale, Spent, adopted, alternate, compare, run, say, spend

TITLE = "The server's hook"
HOW = """\
The hook that `guard server install` puts into a bare repository, run with `OLD NEW refs/heads/main` on standard input;
beside it `git log --raw --no-renames --no-abbrev -z OLD..NEW` there. Merges are made again by the hook as by
`guard verify --quiet OLD..NEW`: for a push of merged frames the bar is that, and twice the log. The tree has 2,000
files; an ordinary commit changes two of them and adds one."""


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
        run(here, GUARD, "merge")
    return run(here, "git", "rev-parse", "main")


def jobs(hub: Path, old: str, new: str) -> dict[str, Callable[[int], Spent]]:
    """git's own log, the hook, guard verify of the same range, and the hook for no commit at all."""
    hook = str(hub / "hooks/pre-receive")
    log = ("git", "log", "--raw", "--no-renames", "--no-abbrev", "-z", f"{old}..{new}")
    return {
        "log": lambda _: spend(hub, *log),
        "hook": lambda _: spend(hub, hook, data=f"{old} {new} refs/heads/main\n".encode()),
        "start": lambda _: spend(hub, hook, data=f"{old} {old} refs/heads/main\n".encode()),
        "verify": lambda _: spend(hub, GUARD, "verify", "--quiet", f"{old}..{new}"),
    }


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """A push of ordinary commits, and one of frames that are merged."""
    files, number = min(2000, scale.files[0]), max(2, scale.commits // 100)
    with tempfile.TemporaryDirectory() as folder:
        here, hub = Path(folder, "here"), Path(folder, "hub.git")
        say(f"server: {scale.commits:,} commits in {files:,} files, and {number} frames")
        begun = adopted(here, files)
        ordinary = work(here, scale.commits, files, begun)
        merged = frames(here, number)
        run(here, "git", "gc", "-q")
        run(Path(folder), "git", "clone", "-q", "--bare", str(here), str(hub))
        run(Path(folder), GUARD, "server", "install", str(hub))
        run(hub, "git", "config", "guard.seconds", "600")
        took = alternate(scale.few, jobs(hub, begun, ordinary))
        made = alternate(scale.few, jobs(hub, ordinary, merged))
    name = f"a push of {scale.commits:,} ordinary commits"
    part = Part([compare(name, "`git log --raw` of them", took["hook"], took["log"], 2.0)])
    alone = [one.less(two) for one, two in zip(took["hook"], took["start"], strict=True)]
    part.rows.append(compare(f"{name}, without the hook's start", "`git log --raw` of them", alone, took["log"]))
    bar = [log.plus(log).plus(verify) for log, verify in zip(made["log"], made["verify"], strict=True)]
    name = f"a push of {number} merged frames of 10 deltas"
    part.rows.append(compare(name, "`git log --raw` twice and making the merges again", made["hook"], bar, 1.0))
    return part
