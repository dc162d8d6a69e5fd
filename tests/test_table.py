"""Tables: no word is cut at any width, nothing is left out, and the lines fit where the words do."""

import re

from hypothesis import given
from hypothesis import strategies as st

from guard.table import lines

WORDS = st.lists(st.text("abc/._-é深", min_size=1, max_size=14), min_size=1, max_size=8).map(" ".join)
CELLS = st.lists(WORDS, max_size=3).map("\n".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5)


def _width(line: str) -> int:
    return sum(2 if each == "深" else 1 for each in line)


@given(ROWS, st.integers(10, 130))
def test_every_word_is_there_whole(rows: list[tuple[str, str, str]], width: int) -> None:
    """Each word of each cell, at any width; and no line is wider than asked unless a paragraph's word makes it so."""
    made = lines(("one", "two", "three"), rows, width)
    words = re.findall(r"\S+", "\n".join(made))
    for row in rows:
        for cell in row:
            for word in cell.split():
                assert any(word in each for each in words), (word, made)
    if any("─" in line for line in made):
        assert max(map(_width, made)) <= width


def test_columns_that_fit_stay_columns() -> None:
    """Numbers stand to the right; a cell of several lines stays together; too narrow becomes paragraphs."""
    rows = [("state/agents.json", "136"), ("a", "9\n10")]
    assert lines(("file", "number"), rows, 80, (1,)) == [
        " file               number",
        " ─────────────────────────",
        " state/agents.json     136",
        " a                       9",
        "                        10",
    ]
    assert lines(("file", "number"), rows, 20) == [
        " state/agents.json",
        "   number: 136",
        " a",
        "   number:",
        "     9",
        "     10",
    ]


def test_no_cell_becomes_a_tower_of_words() -> None:
    """Where a long word of one column leaves another no room, rows become paragraphs, which can be read."""
    rows = [
        ("a lane with a name of many words that goes on", "src/a/very/long/path/of/a/parser/that/has/no/end.py", "-")
    ]
    made = lines(("lane", "scope", "note"), rows, 60)
    assert made[0] == f" {rows[0][0]}"
    assert not any("─" in line for line in made)
    assert any("─" in line for line in lines(("lane", "scope", "note"), rows, 80))
