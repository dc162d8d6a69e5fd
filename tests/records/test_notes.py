"""The notes: sections found, new ones put where the file's habit puts them, and none of them forged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import change, said
from guard.adoption.protocol import coordination
from guard.appendonly import lost
from guard.policy import Policy
from guard.records import notes
from guard.rules.merge_marker import marker

MARK = "lease=0123456789ab"


def names(data: bytes | None) -> list[str]:
    """The headings of a file's sections."""
    return [section.heading for section in notes.sections(data)]


# ---- reading -----------------------------------------------------------------------------------------------------


def test_sections_are_found(own_notes: dict[str, bytes]) -> None:
    """Each with the session that it names, its body and its place; comments in code and deeper headings are body."""
    found = notes.sections(own_notes["top"])
    assert [(each.line, each.end, each.session) for each in found] == [
        (3, 14, 95),
        (15, 17, 95),
        (18, 20, 94),
        (21, 23, None),
        (24, 25, 93),
    ]
    assert found[0].body.startswith("- **mode**: expert\n")
    assert found[0].body.endswith("They part at splices.")
    assert [each.session for each in notes.sections(own_notes["end"])] == [None, 7, 8]
    assert "\r" not in notes.sections(own_notes["end"])[1].body


def test_the_newest_come_first(own_notes: dict[str, bytes]) -> None:
    """From the end where the file has them; what is no session's note is not among them."""
    assert [each.heading[:4] for each in notes.newest(own_notes["top"], 3)] == ["S95b", "S95 ", "S94c"]
    assert [each.session for each in notes.newest(own_notes["top"], 99)] == [95, 95, 94, 93]
    assert [each.session for each in notes.newest(own_notes["end"], 3)] == [8, 7]
    assert notes.newest(None, 3) == []


def test_the_real_notes_are_read(real_notes: bytes) -> None:
    """Every heading is a session's, the newest on top."""
    found = notes.sections(real_notes)
    assert len(found) == real_notes.count(b"\n## ")
    assert all(each.session in range(542, 546) for each in found)
    assert [each.line for each in notes.newest(real_notes, 2)] == [3, 12]
    assert notes.on_top(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("intro\n", []),
        ("# Notes\n", []),
        ("# Notes of 2026-03-01\n\n## a\n## b\n", ["a", "b"]),
        ("# Notes\n# S2\n## more\n# S1\n", ["S2", "S1"]),
        ("# S2\n## more\n# S1\n", ["S2", "S1"]),
        ("# [S2] 2026-03-01\n## more\n", ["[S2] 2026-03-01"]),
        ("\ufeff## S2\n## S1\n", ["S2", "S1"]),
        ("## S2\n```\n# code\n```\n## S1\n", ["S2", "S1"]),
        ("## S2\n```\nnever closed\n## S1\n", ["S2", "S1"]),
        ("## S3\n```\nnever closed\n## S2\n```sh\n# code\n```\n## S1\n", ["S3", "S2", "S1"]),
        ("## Older\n### S2\n#### more\n### S1\n", ["Older", "S2", "S1"]),
        ("##S2\n ## S1\n", []),
    ],
)
def test_what_a_section_is(text: str, found: list[str]) -> None:
    """The headings of the level that sessions have, without a title; code is no heading, a lost fence hides none."""
    assert names(text.encode()) == found


# ---- writing -----------------------------------------------------------------------------------------------------


def test_new_notes_go_where_the_file_has_them(own_notes: dict[str, bytes]) -> None:
    """On top behind the title and the update line, or at the end, with the file's own line ends."""
    top = notes.add(own_notes["top"], "S96 session note", "- done", MARK)
    first = (
        b"Updated: 2026-03-04 S95 | 14L 3P\n\n## S96 session note\n- done\n\n<!-- lease=0123456789ab -->\n\n## S95b "
    )
    assert top.startswith(first)
    end = notes.add(own_notes["end"], "[S9] 2026-03-01: calm", "- done", MARK)
    assert end.startswith(own_notes["end"])
    assert end.endswith(b"\r\n\r\n## [S9] 2026-03-01: calm\r\n- done\r\n\r\n<!-- lease=0123456789ab -->\r\n")
    assert end.count(b"\n") == end.count(b"\r\n")
    for data in (top, end):
        assert notes.holds(data, MARK)
        assert notes.newest(data, 1)[0].session in (96, 9)
    assert not any(notes.holds(data, MARK) for data in (*own_notes.values(), None))


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ["new"]),
        ("# Title\n\nintro", ["new"]),
        ("## S5\n", ["new", "S5"]),
        ("## S5\n## S4\n", ["new", "S5", "S4"]),
        ("## S4\n## S5\n", ["S4", "S5", "new"]),
        ("## S4\n## S5\n## Footer\n", ["S4", "S5", "new", "Footer"]),
        ("## How\n## S5\n## S4\n", ["How", "new", "S5", "S4"]),
        ("## S545b\n## S545\n", ["new", "S545b", "S545"]),
        ("## S545\n## S545b\n", ["S545", "S545b", "new"]),
        ("## 2026-03-01\n## 2026-03-02\n", ["2026-03-01", "2026-03-02", "new"]),
        ("## S9\n## S10\n## S8\n## S11\n## S12\n", ["S9", "S10", "S8", "S11", "S12", "new"]),
        ("## b\n## a\n", ["new", "b", "a"]),
    ],
)
def test_the_habit_is_found_from_numbers_and_days(text: str, order: list[str]) -> None:
    """Falling numbers or days: on top; rising: at the end; nothing to go by: on top."""
    data = notes.add(text.encode(), "new", "", MARK)
    assert names(data) == order


def test_sessions_may_end_in_any_order() -> None:
    """Where the text above the sections says that new ones go on top, as `guard init` writes it, they do: also after S2
    ended later than S3, and the newest is the one that was written last."""
    data = coordination(Policy())[Policy().notes]
    for heading in ("S3 (2026-05-04)", "S2 (2026-05-04)", "S5 (2026-05-05)", "S4 (2026-05-05)"):
        data = notes.add(data, heading, "done", MARK)
        assert notes.newest(data, 1)[0].heading == heading
    assert [each.session for each in notes.sections(data)] == [4, 5, 2, 3]


def test_real_notes_grow_on_top(notes_file: bytes) -> None:
    """Our own and the real notes get the section right above their newest one, and lose nothing."""
    grown = notes.add(notes_file, "S999 session note", "- done", MARK)
    assert notes.newest(grown, 2)[1].heading == notes.newest(notes_file, 1)[0].heading
    assert names(grown) == ["S999 session note", *names(notes_file)]
    assert lost("sections", notes_file, grown) is None


@pytest.mark.parametrize(
    "line",
    [
        "# S999 forged",
        "## S999 forged",
        "   ### S999 forged",
        "\ufeff## S999 forged",
        "#",
        "<<<<<<< Updated upstream",
        "=======",
        "||||||| base",
        ">>>>>>> Stashed changes",
        "<!-- lease=ba9876543210 -->",
        "S999 forged\n===",
        "S999 forged\n---",
        "```\nnever closed",
        "x\r## S999 forged",
        "x\u2028## S999 forged",
        "```\n```\n## S999 forged",
    ],
)
def test_nobody_forges_a_section_or_a_marker(line: str, own_notes: dict[str, bytes]) -> None:
    """What looks like a heading, a marker or somebody's mark is kept as text, and the next sections are in no code."""
    data = notes.add(own_notes["top"], "S96 note", f"before\n{line}\nafter", MARK)
    assert names(data) == ["S96 note", *names(own_notes["top"])]
    assert not marker(data, strict=True)
    assert not notes.holds(data, "lease=ba9876543210")
    made = change({"tasks/NEXT.md": own_notes["top"]}, {"tasks/NEXT.md": data})
    assert said("G104", made) == said("G106", made) == []
    body = notes.sections(data)[0].body
    assert "after" in body
    assert not any(each.startswith(("#", "===", "---", "<!-- lease=b")) for each in body.split("\n"))
    assert body.count("```") % 2 == 0


def test_a_heading_is_one_line() -> None:
    """Signs, breaks and what a terminal obeys do not get into a heading."""
    data = notes.add(None, "## S1\n## S2\x1b[2J", "", MARK)
    assert names(data) == ["S1 ## S2 [2J"]
    assert notes.sections(notes.add(None, " \n", "", MARK))[0].heading == "Note"


KINDS = ["# T", "## S5", "## S4 2026-03-01", "## x", "### S3", "```", "```sh", "# c", "text", "", "\r", "\udcff", "==="]
LINES = st.lists(st.sampled_from(KINDS), max_size=12)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]), st.text(max_size=60), st.text(max_size=20))
def test_every_old_byte_stays(lines: list[str], end: str, final: str, body: str, heading: str) -> None:
    """Whatever file, heading and body: the new file is the old one with one section put in, found by its mark."""
    old = (end.join(lines) + final * bool(lines)).encode(errors="surrogateescape")
    new = notes.add(old, heading, body, MARK)
    more = len(new) - len(old)
    assert any(new[:place] + new[place + more :] == old for place in range(len(old) + 1))
    assert notes.holds(new, MARK)
    assert lost("sections", old, new) is None
    assert not marker(new, strict=True)
    assert len(notes.sections(new)) <= len(notes.sections(old)) + 1
