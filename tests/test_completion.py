"""Completion in shells: the scripts are valid, and a command's name is completed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(sys.executable).with_name("guard")


def ask(*words: str, **env: str) -> str:
    """What guard prints with these words in its environment."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("COMP_", "_"))}
    done = subprocess.run([*words], capture_output=True, text=True, env={**clean, **env}, check=True)
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_one_that_the_shell_can_read(shell: str, tmp_path: Path) -> None:
    """Each shell's own script names guard, and the shell, where it is here, finds no fault in it."""
    script = ask(str(GUARD), _GUARD_COMPLETE=f"source_{shell}")
    assert "guard" in script
    assert f"complete_{shell}" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        ask(shell, "-n", str(tmp_path / "script"))


@pytest.mark.parametrize(
    ("shell", "env"),
    [
        ("bash", {"COMP_WORDS": "guard mer", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "guard mer"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "guard mer", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_a_command_is_completed(shell: str, env: dict[str, str]) -> None:
    """What a shell's script asks for `guard mer`: merge, and no other command."""
    said = ask(str(GUARD), _GUARD_COMPLETE=f"complete_{shell}", **env)
    assert "merge" in said
    assert "recover" not in said


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_itself_completes(tmp_path: Path) -> None:
    """bash with the script that `--show-completion` prints calls guard and gets the word, options too."""
    script = tmp_path / "script"
    script.write_text(ask("bash", "-c", f"{GUARD} --show-completion bash; true"))
    for words, expected in (("guard ver", "verify"), ("guard delta ch", "check"), ("guard verify --fu", "--full")):
        typed = words.split()
        ready = f"COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; _guard_completion {GUARD}"
        said = ask("bash", "-c", f'. {script}; complete -p guard; {ready}; echo "${{COMPREPLY[@]}}"')
        assert said.splitlines()[-1] == expected
