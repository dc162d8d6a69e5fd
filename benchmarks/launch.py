"""What `guard launch` adds to a stream, beside `git worktree add` and the same command."""

import tempfile
from pathlib import Path

from walks.lab import Lab

from benchmarks.measure import GUARD, Part, Scale, Spent, alternate, compare, say, spend

TITLE = "Launching streams"
REST = 0.5
HOW = """\
`guard launch --streams N --stagger 0 --frame 1 -- COMMAND` in a clone of a hub, beside `git worktree add -b NAME PATH`
and the same command; a stream's part of both. The command sleeps half a second and writes a delta. guard's part also
delivers the delta to the hub and removes the work tree; *with push and removal* adds `git push`, `git worktree remove`
and `git branch -D` to the bare commands."""

WORK = (
    'sleep {rest}; printf \'{{"frame": %s, "stream_id": "%s", "completed_at": "2026-01-02T03:04:05Z"}}\' '
    '"$GUARD_FRAME" "$GUARD_STREAM" > "$GUARD_DELTA"'
)


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """A small tree and a large one."""
    part = Part()
    for files in (scale.files[0] // 25, scale.files[0]):
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(Path(folder))
            lab.fleet("here")
            lab.commit_push(lab.root / "here", {f"src/{n % 97}/file-{n}.txt": f"{n}\n" * 20 for n in range(files)})
            say(f"launch: {scale.streams} streams in {files:,} files")
            took = streams(lab, scale)
        name = f"a launched stream ({files:,} files), one after the other"
        whole = [one.plus(two) for one, two in zip(took["bare"], took["rest"], strict=True)]
        each = scale.streams
        bare = "`git worktree add` and the command"
        part.rows.append(compare(name, bare, took["one by one"], took["bare"], 1.5, by="clock", each=each))
        part.rows.append(
            compare(name, f"{bare}, with push and removal", took["one by one"], whole, by="clock", each=each)
        )
        name = f"a launched stream ({files:,} files), {scale.streams} at once"
        part.rows.append(
            compare(name, f"{bare}, one after the other", took["at once"], took["bare"], by="clock", each=each)
        )
    return part


def streams(lab: Lab, scale: Scale) -> dict[str, list[Spent]]:
    """Each way to run so many streams, by turns."""
    here = lab.root / "here"
    command = ["sh", "-c", WORK.format(rest=REST)]
    told = {"GUARD_FRAME": "1", "GUARD_STREAM": "stream-1", "GUARD_DELTA": str(lab.root / "delta.json")}
    env = {key: value for key, value in {**lab.env, **told}.items() if key != "PYTHONDONTWRITEBYTECODE"}
    launch = [GUARD, "launch", "--quiet", "--stagger", "0", "--frame", "1", "--streams"]
    count = range(scale.streams)

    def one_by_one(_: int) -> Spent:
        total = Spent(0, 0)
        for _each in count:
            total = total.plus(spend(here, *launch, "1", "--", *command, env=env))
        return total

    def at_once(_: int) -> Spent:
        return spend(here, *launch, str(scale.streams), "--", *command, env=env)

    rest: list[Spent] = []

    def bare(turn: int) -> Spent:
        made = gone = Spent(0, 0)
        for n in count:
            tree, branch = f"{lab.root}/bare-{turn}-{n}", f"b{turn}-{n}"
            made = made.plus(spend(here, "git", "worktree", "add", "-q", "-b", branch, tree, env=env))
            made = made.plus(spend(here, *command, env=env))
            gone = gone.plus(spend(here, "git", "push", "-q", "origin", f"HEAD:refs/try/{branch}", env=env))
            gone = gone.plus(spend(here, "git", "worktree", "remove", tree, env=env))
            gone = gone.plus(spend(here, "git", "branch", "-q", "-D", branch, env=env))
        rest.append(gone)
        return made

    jobs = {"bare": bare, "one by one": one_by_one, "at once": at_once}
    return {**alternate(scale.thrice, jobs, warm=False), "rest": rest}
