"""Command lines as agents write them: what must be refused is, in whatever surroundings, and nothing else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.agents import lines, payload, plain
from guard.agents.git_commands import COMMANDS
from guard.agents.offence import BUILTIN, WATCHED
from guard.agents.place import somewhere
from guard.commandline import verdict
from guard.hooks import agent
from guard.shell import calls

DATA = Path(__file__).parent / "data" / "agents"

ALIASES = {
    "st": "stash", "park": "!git stash push", "shelve": "!f() { git stash; }; f", "aa": "add --all",
    "everything": "aa", "ci-all": "commit -a", "nv": "commit --no-verify", "undo": "reset --hard HEAD~1",
    "co": "checkout", "s": "status", "lg": "log --oneline",
}  # fmt: skip


def _lines(name: str) -> list[str]:
    text = (DATA / name).read_text()
    return [line for line in text.split("\n") if line and not line.startswith("# One")]


def _line(text: str) -> str:
    """A command line as it is: `\\n` in the table is a new line, where it is not printf's."""
    return text if "printf" in text else text.replace("\\n", "\n")


DENIED = [tuple(line.split(" | ", 1)) for line in _lines("deny.txt")]
ALLOWED = _lines("allow.txt")


def _git(where: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=where, check=True, capture_output=True)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository that has adopted guard, and beside it one that has not."""
    root = tmp_path_factory.mktemp("agents")
    for name in ("lone", "elsewhere"):
        (root / name / "sub").mkdir(parents=True)
        _git(root / name, "init", "-q", "-b", "main")
    lone = root / "lone"
    (lone / "src").mkdir()
    (lone / "state").mkdir()
    (lone / "guard.toml").write_text(f'[merge]\nbaseline = "{"0" * 40}"\n')
    _git(lone, "add", "guard.toml")
    _git(lone, "-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-q", "-m", "x")
    for name, said in ALIASES.items():
        _git(lone, "config", f"alias.{name}", said)
    yield lone
    agent._policies.clear()


def _said(here: Path, command: str) -> str:
    """What a command is refused with; empty where it passes."""
    told = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}, "cwd": str(here)}
    found = agent._refused(payload.call(told, agent._json))
    passes = agent._fine(command, somewhere(str(here), agent._QUICK))
    assert not (passes and found), f"the quick look lets pass what the parser refuses: {command}"
    return found.text() if found is not None else ""


@pytest.mark.parametrize(("what", "line"), DENIED, ids=lambda text: text[:60])
def test_denied(here: Path, what: str, line: str) -> None:
    """A command that must be refused is, for the reason that it must, with a command to run instead."""
    said = _said(here, _line(line))
    assert what in said
    assert "  fix: " in said
    assert "  why: " in said


@pytest.mark.parametrize("line", ALLOWED, ids=lambda text: text[:60])
def test_allowed(here: Path, line: str) -> None:
    """A command that harms nobody passes."""
    assert not _said(here, _line(line))


def test_the_quick_look_leaves_every_starter_to_the_parser() -> None:
    """Whatever the parser knows to start another command is plain to nobody."""
    assert lines._STARTERS | lines._SCRIPTED | lines._SHELLS | set(calls._VALUES) <= plain._COMPOUND | plain.STARTERS


@pytest.mark.parametrize("key", ["workdir", "cwd", "dir_path", "directory"])
def test_the_folder_that_a_call_names(here: Path, key: str) -> None:
    """A command runs in the folder that the tool's input names, below the one that the tool is in."""
    given = {"command": "git stash", key: "../lone"}
    told = {"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": given}
    assert agent._refused(payload.call({**told, "cwd": str(here.parent / "elsewhere")}, agent._json)) is not None
    given[key] = "../elsewhere"
    assert agent._refused(payload.call({**told, "cwd": str(here)}, agent._json)) is None


AROUND = [_line(line) for line in (DATA / "around.txt").read_text().split("\n")[1:] if line]

PLAIN = [
    ("stages", "git add -A"), ("stages", "git commit -am x"), ("past the hooks", "git commit -m x --no-verify"),
    ("stash", "git stash"), ("stash", "git -C . st"), ("autostash", "git pull --rebase --autostash"),
    ("throws away", "git reset --hard HEAD"), ("deletes files", "git clean -fd"), ("throws away", "git checkout -- ."),
    ("throws away", "git restore ."), ("worktree remove", "git worktree remove --force ../x"),
    ("branch -D", "git branch -D topic"), ("forces, deletes", "git push -f origin main"),
    ("core.hooksPath", "git config core.hooksPath x"), ("core.hooksPath", "git -c core.hooksPath=x commit -m y"),
]  # fmt: skip
"""One command of each kind that is refused, without quotes of its own."""

HARMLESS = (
    "git status", "git add README.md", "git stash list", "git stash pop", "git commit -m never-git-add-A", "git push",
    "echo git stash", "git reset --soft HEAD", "git checkout -b topic", "git branch -d topic", "git worktree remove x",
    "git config core.hooksPath", "git clean -n", "git log -- src", "git push -f origin topic",
)  # fmt: skip


@pytest.mark.parametrize("around", AROUND, ids=lambda text: text[:60])
def test_in_every_surrounding(here: Path, around: str) -> None:
    """Each kind of command is judged the same whatever stands around it: refused or passed."""
    for what, line in PLAIN:
        said = _said(here, around.replace("{}", line))
        assert what in said, (around, line, said)
    for line in HARMLESS:
        assert not _said(here, around.replace("{}", line)), (around, line)


def test_the_commands_that_are_looked_into_are_all_that_can_offend() -> None:
    """What is not among them is let pass unread: none of it is judged by itself, or has a word in the hooks' reader."""
    words = [[], ["."], ["-a"], ["-A"], ["-u"], ["--all"], ["--autostash"], ["--hard"], ["--staged"], ["push"], ["x/"]]
    assert {*COMMANDS, "stash"} == WATCHED
    assert not [(name, *rest) for name in BUILTIN - WATCHED for rest in words if verdict(["git", name, *rest])]
    assert {name for name in WATCHED for rest in words if verdict(["git", name, *rest])} > {"stash", "add", "pull"}
