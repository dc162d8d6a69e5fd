"""What an agent's tool waits for before each call, beside a bare Python."""

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.charts import bars
from benchmarks.measure import BARE, GUARD, Figure, Part, Row, Scale, Spent, alternate, compare, run, say, spend
from guard.agents.entry import command

TITLE = "Agents' hook"
HOW = """\
The command that stands in the tool's configuration, `sh -c 'guard-hook ...'` as `guard agent install claude` writes it,
with the call as JSON on standard input, in a repository with guard's hooks; beside it `python -I -S -c pass`."""

COMMON = (
    *("ls -la src", "cat README.md", "npm test 2>&1 | tail -20", 'grep -rn "needle" src', "cd src && make"),
    *("git status", "git diff --stat HEAD~1", "git log --oneline -5", "git add src/a.py", "echo $HOME"),
    *("git add src/a.py && git commit -m '[S1] a: fix' src/a.py", "git push origin HEAD:main", "git stash list"),
)
"""Calls as most are: 95% of them have to pass within twice a bare Python."""

SELDOM = (
    "git commit -m \"$(cat <<'EOF'\n[S1] a: fix\n\nwhy\nEOF\n)\"",
    'for f in *.py; do git log -1 -- "$f"; done',
    "git stash",
    "cd src && git add -A",
)
"""Calls that are parsed: expansions next to git, and what is refused."""


def told(line: str, folder: Path) -> bytes:
    """What Claude Code says of a command."""
    call = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": line}, "cwd": str(folder)}
    return json.dumps({"session_id": "0" * 36, "transcript_path": "/nowhere/x.jsonl", **call}).encode()


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """Each call, and the slowest of the common ones."""
    say(f"agent: {len(COMMON) + len(SELDOM)} calls")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "guard.toml").write_text(f'[merge]\nbaseline = "{"0" * 40}"\n')
        run(folder, "git", "init", "-q", "-b", "main")
        run(folder, "git", "add", "guard.toml")
        run(folder, "git", "commit", "-q", "-m", "[S1] a: b")
        run(folder, GUARD, "install")

        def ask(turn: int, line: str) -> Spent:  # noqa: ARG001 - as all jobs
            return spend(folder, "sh", "-c", command("claude"), data=told(line, folder), codes=(0, 2))

        jobs = {line: partial(ask, line=line) for line in (*COMMON, *SELDOM)}
        took = alternate(scale.rounds, {"": lambda _: spend(folder, sys.executable, *BARE[1:]), **jobs})
    floor = took.pop("")
    rows = {line: compare(f"`{line.splitlines()[0]}`", "a bare Python", runs, floor) for line, runs in took.items()}
    ordered = sorted(COMMON, key=lambda line: ratio(rows[line]))
    worst = ordered[-1]
    part = Part(
        [compare(f"slowest of {len(COMMON)} common calls: `{worst}`", "a bare Python", took[worst], floor, 2.0)]
    )
    middle = ordered[len(ordered) // 2]
    part.rows.append(compare(f"middle of {len(COMMON)} common calls: `{middle}`", "a bare Python", took[middle], floor))
    part.rows += [rows[line] for line in SELDOM]
    entries = [("python -I -S -c pass", floor, 1), *((line, took[line], 0) for line in ordered)]
    entries += [(line.splitlines()[0], took[line], 3) for line in SELDOM]
    part.pictures["agent.svg"] = bars(
        "Before each call of an agent's tool",
        "milliseconds of processors; violet: calls that have to be parsed",
        [(cut(label), Figure.of([one.cpu for one in runs]), colour) for label, runs, colour in entries],
    )
    return part


def ratio(row: Row) -> float:
    """The ratio of a row that has one."""
    assert row.ratio
    return row.ratio.median


def cut(label: str) -> str:
    """A label that fits beside its bar."""
    return label if len(label) <= 34 else label[:33] + "\u2026"
