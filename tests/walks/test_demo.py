"""`guard demo` from outside, and the promises of README.md and docs/: their commands exist, their output is real."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from guard.cli import app

ROOT = Path(__file__).resolve().parents[2]
GUARD = [sys.executable, "-P", "-c", "from guard.cli import main; main()"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without any git identity, with hostile git configuration and a temporary folder of its own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home" / ".config" / "git").mkdir(parents=True)
    (tmp_path / "home" / ".config" / "git" / "ignore").write_text("*\n", encoding="utf-8")
    (tmp_path / "home" / ".gitconfig").write_text(
        "[commit]\n\tgpgSign = true\n[user]\n\tuseConfigOnly = true\n[core]\n\tautocrlf = true\n"
        "\thooksPath = /dev/null\n[init]\n\tdefaultBranch = trunk\n[push]\n\tdefault = nothing\n"
        "[pull]\n\trebase = true\n",
        encoding="utf-8",
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GUARD_", "XDG_"))}
    env |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}
    env |= {"GIT_DIR": str(tmp_path / "elsewhere"), "GIT_INDEX_FILE": str(tmp_path / "index"), "COLUMNS": "100"}
    return env


def guard(env: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Run guard to its end."""
    return subprocess.run([*GUARD, *words], env=env, capture_output=True, text=True, check=False, timeout=300)


def without_ids(text: str) -> str:
    """Text in which commit names and seconds do not matter, nor where its lines are broken."""
    text = re.sub(r"\b[0-9a-f]{7,64}\b", "ID", re.sub(r"\d+\.\d s\b", "N s", text))
    return " ".join(text.split())


def test_demo_tells_its_story_and_leaves_nothing_behind(bare: dict[str, str], tmp_path: Path) -> None:
    """Every claim holds under a hostile git configuration, nothing stays, and README.md shows this very output."""
    began = time.monotonic()
    done = guard(bare, "demo")
    print(f"guard demo took {time.monotonic() - began:.1f} s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [block for block in blocks(readme) if block.startswith("$ guard demo\n")]
    assert [without_ids(block.partition("\n")[2]) for block in shown] == [without_ids(done.stdout)]


def test_demo_keeps_what_it_made_where_it_is_told_to(bare: dict[str, str], tmp_path: Path) -> None:
    """`--keep DIR` leaves repositories that `guard verify` passes, and `--json` prints the steps and figures."""
    done = guard(bare, "demo", "--keep", str(tmp_path / "kept"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert 10 <= len(told["steps"]) <= 16
    assert told["steps"][0]["figures"]["agents"] == 136
    assert told["untrue"] is None
    assert list((tmp_path / "tmp").iterdir()) == []
    del bare["GIT_DIR"], bare["GIT_INDEX_FILE"]
    for name in ("primary", "worker-a", "worker-b", "audit"):
        checked = guard(bare, "verify", "-C", str(tmp_path / "kept" / name))
        assert checked.returncode == 0, checked.stdout + checked.stderr
    again = guard(bare, "demo", "--keep", str(tmp_path / "kept"))
    assert again.returncode == 2
    assert "not empty" in again.stderr


def test_demo_says_so_when_a_claim_does_not_hold(bare: dict[str, str], tmp_path: Path) -> None:
    """Where the deltas do not say what guard counted, the demo exits 1 and names the claim."""
    spoil = "import guard.demo.story as story\nstory._comments = lambda values: 0\n"
    (tmp_path / "sitecustomize.py").write_text(spoil, encoding="utf-8")
    bare["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    done = guard(bare, "demo", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads(done.stdout)["untrue"].startswith("total_comments grew by what the deltas say: 0, not ")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_demo_that_is_interrupted_leaves_nothing_behind(bare: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM end what the demo started, and its folder is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        pipe = subprocess.PIPE
        process = subprocess.Popen([*GUARD, "demo"], env=bare, stdout=pipe, stderr=pipe, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert list((tmp_path / "tmp").iterdir()) == []


# --- the documents ---------------------------------------------------------------------------------------------


def blocks(text: str) -> list[str]:
    """The fenced blocks of a page."""
    return [body for _, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]


def commands(text: str) -> Iterator[list[str]]:
    """Every guard command in a page's blocks and code spans, as words."""
    for block in blocks(text):
        for line in (line.removeprefix("$ ") for line in block.splitlines()):
            if line.startswith("guard "):
                yield shlex.split(line, comments=True)[1:]
    for span in re.findall(r"`(guard [^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        yield shlex.split(span)[1:]


def unknown(words: list[str]) -> str:
    """What of a guard command does not exist; empty where all does."""
    command = get_command(app)
    rest = list(words)
    while rest:
        options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
        word = rest.pop(0)
        if word in ("...", "…"):
            continue  # and so on; behind an option it stands for a value
        if word == "--":
            return ""  # what follows is another program's
        children = getattr(command, "commands", {})
        if word in children:
            command = children[word]
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            if name not in options and name not in ("--help", "-h"):
                return f"{command.name} has no option {name}"
            if name in options and not getattr(options[name], "is_flag", False) and not value:
                if not rest:
                    return f"{name} of {command.name} needs a value"
                rest.pop(0)
        elif children and not any(isinstance(option, typer.core.TyperArgument) for option in command.params):
            return f"{command.name} has no command {word}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_name_commands_that_exist(page: Path) -> None:
    """Every `guard ...` line in a code block or code span of the documents is a command that this guard has."""
    found = list(commands(page.read_text(encoding="utf-8")))
    wrong = [f"guard {' '.join(words)}: {said}" for words in found if (said := unknown(words))]
    assert not wrong


def test_documents_are_searched_at_all() -> None:
    """The search above finds the commands of README.md, and sees what does not exist."""
    found = list(commands((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {words[0] for words in found} >= {"init", "merge", "verify", "restore", "frame", "delta", "demo"}
    assert unknown(["merge", "--frobnicate"])
    assert unknown(["frobnicate"])
    assert unknown(["delta", "frobnicate"])
    assert not unknown(["delta", "check", "FILE"])


def test_documents_link_to_files_that_exist() -> None:
    """Every relative link of README.md and docs/ leads to a file of this repository."""
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken
