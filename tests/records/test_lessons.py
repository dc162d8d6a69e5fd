"""Lessons: numbers, names, and whether a new one says what an older one said."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.records import lessons
from guard.rules.merge_marker import marker

PAIRS = json.loads((Path(__file__).resolve().parents[1] / "data" / "records" / "lessons.json").read_bytes())
TWICE, APART = (tuple((tuple(one), tuple(other)) for one, other in PAIRS[kind]) for kind in ("twice", "apart"))
"""TWICE: the same lesson by two hands. APART: two lessons on one subject."""


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("memory/lessons/L-153.md", 153),
        ("memory/lessons/L-007.md", 7),
        ("L-1668.md", 1668),
        ("memory/lessons/L-153-the-ferry.md", 153),
        ("memory/lessons/L-153", None),
        ("memory/lessons/XL-153.md", None),
        ("memory/lessons/L-x.md", None),
        ("memory/lessons/L-1/x.md", None),
        ("memory/lessons/2026-03-02-x.md", None),
    ],
)
def test_numbers_stand_in_names(path: str, number: int | None) -> None:
    """With a slug or without; other files have none."""
    assert lessons.number_of(path) == number


def test_the_next_number_is_one_more_than_the_greatest() -> None:
    """Gaps are not filled: what is gone may be cited."""
    assert lessons.next_number(["a/L-001.md", "a/L-1000.md", "a/L-7-x.md", "a/notes.md"]) == 1001
    assert lessons.next_number([]) == 1


@given(st.integers(1, 10**6), st.text(max_size=200))
def test_a_path_is_a_plain_name_that_says_the_number(number: int, title: str) -> None:
    """Whatever the title: one folder, ASCII, not too long, and the number comes back."""
    path = lessons.path_of("memory/lessons/", number, title)
    assert path.startswith("memory/lessons/L-")
    assert path.isascii()
    assert len(path) < 90
    assert path.count("/") == 2
    assert lessons.number_of(path) == number
    assert lessons.number_of(lessons.path_of("memory/lessons", number)) == number


def test_names_are_made_of_the_title() -> None:
    """Words, as many as fit; none at all without a title."""
    assert lessons.path_of("m", 7, "The Ferry: waits, for no -- delta!") == "m/L-007-the-ferry-waits-for-no-delta.md"
    assert lessons.path_of("m", 7) == "m/L-007.md"
    assert lessons.path_of("m", 7, "word " * 30) == "m/L-007-" + "-".join(["word"] * 9) + ".md"


def test_a_lesson_is_headed_by_its_title() -> None:
    """Number, title, session and day, then the body; only markers of a merge are set in."""
    data = lessons.render(7, "The ferry\nwaits", "## Why\nIt does.\n<<<<<<< x\n", "S96", "2026-03-04")
    assert data == b"# L-007: The ferry waits\n\nSession: S96 | Date: 2026-03-04\n\n## Why\nIt does.\n    <<<<<<< x\n"
    assert not marker(data, strict=True)
    assert lessons.render(7, "x", "", "S96", "d") == b"# L-007: x\n\nSession: S96 | Date: d\n"


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"# L-093: U-shaped curve\nDate: x\n", "U-shaped curve"),
        (b"\xef\xbb\xbf# L-1 \xe2\x80\x94 Tides\r\n", "Tides"),
        (b"---\nkey: x\n---\n\n## Tides: L-3\n", "Tides: L-3"),
        (b"\nTides\n", "Tides"),
        (b"", ""),
        (b"\xff", "\udcff"),
    ],
)
def test_titles_are_found(data: bytes, title: str) -> None:
    """The first heading without its number, else the first line."""
    assert lessons.title_of(data) == title


@given(st.text(max_size=40), st.text(max_size=80))
def test_what_is_rendered_is_read(title: str, body: str) -> None:
    """A title comes back on one line, whatever stands in it, and no lesson has a marker."""
    data = lessons.render(12, f"x {title}", body, "S1", "2026-03-04")
    assert lessons.title_of(data).startswith("x")
    assert not marker(data, strict=True)
    data.decode()


# ---- near-duplicates -----------------------------------------------------------------------------------------------


def all_apart() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Pairs of lessons that say different things: of each subject one, and the second of each of APART."""
    yield from APART
    yield from itertools.combinations([one for one, _ in TWICE], 2)
    yield from itertools.combinations([other for _, other in APART], 2)


@pytest.mark.parametrize(("one", "other"), [*TWICE, *(pair[::-1] for pair in TWICE)])
def test_a_lesson_written_twice_is_found(one: tuple[str, str], other: tuple[str, str]) -> None:
    """In other words, by another session, among lessons on the same subjects, with margin."""
    others = [(f"L-{place}.md", lessons.render(place, *each, "S1", "d")) for place, (_, each) in enumerate(APART, 1)]
    found = lessons.near(*one, [*others, ("L-99.md", lessons.render(99, *other, "S2", "d"))])
    assert [path for path, _, _ in found] == ["L-99.md"]
    assert found[0][1] == other[0]
    assert found[0][2] > lessons.LIKE + 0.02


@pytest.mark.parametrize(("one", "other"), list(all_apart()))
def test_another_lesson_on_the_same_subject_is_not(one: tuple[str, str], other: tuple[str, str]) -> None:
    """A warning that is often wrong is not read."""
    assert lessons.near(*one, [("L-1.md", lessons.render(1, *other, "S1", "d"))]) == []


def test_the_likest_comes_first() -> None:
    """The same title is as like as can be, also where the body says nothing yet; short titles say too little."""
    (one, body), other = TWICE[0]
    existing = [("b.md", lessons.render(1, *other, "S1", "d")), ("a.md", lessons.render(2, one, "", "S1", "d"))]
    found = lessons.near(one, body, existing)
    assert [path for path, _, _ in found] == ["a.md", "b.md"]
    assert found[0][2] == 1
    assert (
        lessons.near("Tides", "They turn at noon, at neap.", [("a", b"# Tides\n\nA ferry sank; nobody swam.\n")]) == []
    )
    assert lessons.near("", "", [("a", b""), ("b", b"# L-1:\n")]) == []
