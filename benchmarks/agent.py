"""Measures what an agent's tool waits for before each call, as a ratio to a bare Python; nothing here fails by time.

    python benchmarks/agent.py [RUNS]

The command is the one that stands in the tool's configuration, run by `sh` with the call on standard input, in a
repository with guard installed; beside it, in turn, `python -I -S -c pass`. Each ratio is the median of the run.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guard.agents.entry import command

COMMON = (
    *("ls -la src", "cat README.md", "npm test 2>&1 | tail -20", 'grep -rn "needle" src', "cd src && make"),
    *("git status", "git diff --stat HEAD~1", "git log --oneline -5", "git add src/a.py", "echo $HOME"),
    *("git add src/a.py && git commit -m '[S1] a: fix' src/a.py", "git push origin HEAD:main", "git stash list"),
)
"""Calls as most are: they have to pass within twice a bare Python."""

SELDOM = (
    "git commit -m \"$(cat <<'EOF'\n[S1] a: fix\n\nwhy\nEOF\n)\"",
    'for f in *.py; do git log -1 -- "$f"; done',
    "git stash",
    "cd src && git add -A",
)
"""Calls that are parsed: expansions next to git, and what is refused."""


def repository(folder: Path) -> None:
    """A repository that has adopted guard, with its hooks."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*words: str) -> None:
        subprocess.run(words, cwd=folder, check=True, capture_output=True, env=env)

    run("git", "init", "-q", "-b", "main")
    (folder / "src").mkdir()
    (folder / "guard.toml").write_text(f'[merge]\nbaseline = "{"0" * 40}"\n')
    run("git", "add", "guard.toml")
    run("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "commit", "-q", "-m", "[S1] a: b")
    run(sys.executable, "-c", "from guard.cli import main; main()", "install")


def told(line: str, folder: Path) -> bytes:
    """What Claude Code says of a command."""
    call = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": line}, "cwd": str(folder)}
    return json.dumps({"session_id": "0" * 36, "transcript_path": "/nowhere/x.jsonl", **call}).encode()


def seconds(words: list[str], data: bytes, folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(words, input=data, cwd=folder, capture_output=True, check=False)
    return time.perf_counter() - begun


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    hook = ["sh", "-c", command("claude")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repository(folder)
        times: dict[str, list[float]] = {line: [] for line in ("", *COMMON, *SELDOM)}
        for _ in range(runs):
            for line, found in times.items():
                found.append(seconds(hook, told(line, folder), folder) if line else seconds(bare, b"", folder))
    base = statistics.median(times.pop(""))
    print(f"python -I -S -c pass: {base * 1e3:.1f} ms, median of {runs}")
    for line, found in times.items():
        goal = "2x" if line in COMMON else "-"
        print(f"{statistics.median(found) / base:5.2f}x  (goal {goal:>2})  {line.splitlines()[0][:70]}")
    ratios = [statistics.median(times[line]) / base for line in COMMON]
    print(f"common calls: {min(ratios):.2f}x to {max(ratios):.2f}x, median {statistics.median(ratios):.2f}x")


if __name__ == "__main__":
    main()
