"""`guard --help` and the help of each command, in a terminal of 80 columns."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pages.test_pages import unknown

from guard.cli import program


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command that there is, and every group, as words."""
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, *words, name)


ALL = list(commands(program()))
GROUPS = [words for words in ALL if any(more[:-1] == words for more in ALL)]


Help = Callable[..., str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Help:
    """What the help of a command looks like."""
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)

    def ask(*words: str) -> str:
        program()([*words, "--help"], prog_name="guard", standalone_mode=False)
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_each_command_has_one_line(printed: Help, words: tuple[str, ...]) -> None:
    """Where commands are listed, each has a line of its own, and it is whole."""
    names = {more[-1] for more in ALL if more[:-1] == words and more}
    text = printed(*words).replace("─ Options ", "─").partition("─╯\n")[2]
    rows = [line.strip("│ ") for line in text.splitlines() if line.startswith("│")]
    assert {row.split()[0] for row in rows} == names
    assert len(rows) == len(names)
    assert all(row.endswith((".", "exit.")) for row in rows)


def test_every_help_fits_and_its_example_is_a_command(printed: Help) -> None:
    """No line is longer than the terminal, nothing is cut off or taken for markup, and what an example names exists."""
    examples = 0
    for words in ALL:
        text = printed(*words)
        assert all(len(line) <= 80 for line in text.splitlines()), words
        assert "…" not in text, words
        for example in re.findall(r"^ Example: (guard .*?)\s*$", text, re.MULTILINE):
            typed = example.split()[1:]
            assert typed[: len(words)] == list(words), example
            assert not unknown(typed), example
            examples += 1
    assert examples > 10
    assert "[delivery] by" in printed("delta", "push")
