"""Completion in shells: the script is that of the shell that is named, and the shell completes with it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(sys.executable).with_name("guard")

LINES = {"guard ver": "verify", "guard delta ch": "check", "guard verify --fu": "--full"}
"""What is typed before the tabulator, and what stands there after it."""

ASK = {
    "bash": "COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _guard_completion guard; "
    "echo ${{COMPREPLY[@]}}",
    "zsh": "words=({line}); CURRENT=$#words; _guard_completion",
    "fish": "complete -C '{line}'",
}
"""How each shell is asked, without a terminal, what it would complete."""

FIRST = {"bash": "", "zsh": 'compdef() { : }; _arguments() { print -r -- "$@" }; ', "fish": ""}
"""What zsh has of its own where it has a terminal."""


def said(*words: str | Path, **env: str) -> str:
    """What a command prints: the guard of these tests is the one that shells find."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("COMP_", "_"))}
    env = {**clean, "PATH": f"{GUARD.parent}:{clean['PATH']}", **env}
    return subprocess.run(words, capture_output=True, text=True, env=env, check=True).stdout


@pytest.mark.parametrize("shell", ASK)
def test_the_script_is_that_of_the_shell_that_is_named(shell: str, tmp_path: Path) -> None:
    """Whichever shell asks; and the one that is named, where it is here, finds no fault in it."""
    script = said("sh", "-c", f"guard --show-completion {shell}")
    assert f"complete_{shell}" in script
    assert not any(f"complete_{other}" in script for other in ASK if other != shell)
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        said(shell, "-n", tmp_path / "script")


@pytest.mark.parametrize("shell", ASK)
@pytest.mark.parametrize("line", LINES)
def test_a_shell_completes(shell: str, line: str, tmp_path: Path) -> None:
    """With the script, the shell itself gets the word: a command, one of a group, an option."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    script = tmp_path / "script"
    script.write_text(said(GUARD, "--show-completion", shell))
    typed = f"{FIRST[shell]}. {script}; {ASK[shell].format(line=line)}"
    assert LINES[line] in said(shell, "-c", typed)


@pytest.mark.parametrize(
    ("shell", "env"),
    [
        ("bash", {"COMP_WORDS": "guard mer", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "guard mer"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "guard mer", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_guard_answers_each_shell(shell: str, env: dict[str, str]) -> None:
    """What the script of each shell asks for `guard mer`, also of those that are not here: merge, and no other."""
    answer = said(GUARD, _GUARD_COMPLETE=f"complete_{shell}", **env)
    assert "merge" in answer
    assert "recover" not in answer
