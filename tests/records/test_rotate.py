"""Rotation: what is old is moved to an archive; not a byte of it is lost, and G104 says so."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import change, said
from guard.records import board, notes
from guard.records.rotate import rotate_rows, rotate_sections
from guard.records.text import decode, lines_of

BOARD, OLD_BOARD = "tasks/SWARM-LANES.md", "tasks/archive/SWARM-LANES.md"
NOTES, OLD_NOTES = "tasks/NEXT.md", "tasks/archive/NEXT.md"


def moved(path: str, before: bytes, archive: bytes | None, after: tuple[bytes, bytes | None]) -> list[str]:
    """What G104 and G106 say to a commit of a rotation."""
    there = path.replace("tasks/", "tasks/archive/")
    was = {path: before} if archive is None else {path: before, there: archive}
    now = {path: after[0]} if after[1] is None else {path: after[0], there: after[1]}
    made = change(was, now)
    return said("G104", made) + said("G106", made)


def content(*files: bytes | None) -> Counter[str]:
    """Every line of some files that is not blank, without its end, as often as it is there."""
    return Counter(line.rstrip("\r\n") for data in files for line in lines_of(decode(data)) if line.strip())


# ---- boards ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 1, 2, 50])
def test_closed_lanes_move_as_a_whole(board_file: bytes, keep: int) -> None:
    """All rows of the lanes that closed first, in their order; open lanes and whatever is no row stay."""
    state = board.latest(board.rows(board_file))
    closed = [lane for lane, row in sorted(state.items(), key=lambda each: each[1].line) if row.closed]
    old = closed[: max(len(closed) - keep, 0)]
    kept, archive = rotate_rows(board_file, None, keep)
    assert [row.lane for row in board.rows(archive or b"")] == [
        row.lane for row in board.rows(board_file) if row.lane in old
    ]
    assert [row.cells for row in board.rows(kept)] == [
        row.cells for row in board.rows(board_file) if row.lane not in old
    ]
    assert not content(board_file) - content(kept, archive)
    assert moved(BOARD, board_file, None, (kept, archive)) == []
    assert rotate_rows(kept, archive, keep) == (kept, archive)


def test_later_rotations_go_behind_earlier_ones(board_file: bytes) -> None:
    """Step by step the archive only grows at its end, under one header, and comes out as in one go."""
    kept, archive = board_file, None
    for keep in (90, 40, 2, 1, 0):
        before = kept, archive
        kept, archive = rotate_rows(kept, archive, keep)
        assert moved(BOARD, before[0], before[1], (kept, archive)) == []
        assert (archive or b"").startswith(before[1] or b"")
    at_once = rotate_rows(board_file, None, 0)
    assert kept == at_once[0]
    assert content(archive) == content(at_once[1])
    assert (archive or b"").count(b"| Lane |") == 1


def test_a_lane_that_is_taken_up_again_stays() -> None:
    """Its newest row counts, not that it was closed once."""
    data = b"| Lane | Status |\n|---|---|\n| a | MERGED |\n| b | MERGED |\n| a | CLAIMED |"
    kept, archive = rotate_rows(data, None, 0)
    assert kept == b"| Lane | Status |\n|---|---|\n| a | MERGED |\n| a | CLAIMED |"
    assert archive == b"# Archive\n\n| Lane | Status |\n|---|---|\n| b | MERGED |\n"


def test_rows_of_several_tables_stand_below_their_own_header() -> None:
    """Also where the archive has another one last; line ends stay those of the rows."""
    one, two = (
        b"| Lane | Status |\r\n|---|---|\r\n| a | MERGED |\r\n",
        b"| Status | Lane |\n|---|---|\n| MERGED | b |\n",
    )
    kept, archive = rotate_rows(one + b"\n" + two, None, 0)
    assert archive == b"# Archive\r\n\r\n" + one + b"\r\n" + two
    again, more = rotate_rows(kept.replace(b"\n\n", b"\n| c | MERGED |\n\n"), archive, 0)
    assert again == kept
    assert more == archive + b"\r\n" + one.replace(b"| a |", b"| c |").replace(b"MERGED |\r\n", b"MERGED |\n")


LANES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["MERGED", "READY", "x|y"])), max_size=8)


@given(
    LANES,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\ntail |"]),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_no_row_is_ever_lost(rows: list[tuple[str, str]], end: str, final: str, first: int, second: int) -> None:
    """Any board, rotated twice with a row in between: every line is in one of both files, G104 passes each step."""
    data = (
        end.join(["| Lane | Status |", "|---|---|", *(f"| {lane} | {status} |" for lane, status in rows)]) + final
    ).encode()
    once = rotate_rows(data, None, first)
    assert moved(BOARD, data, None, once) == []
    grown = board.append(once[0], [{"lane": "a", "status": "ABANDONED"}])
    twice = rotate_rows(grown, once[1], second)
    assert moved(BOARD, grown, once[1], twice) == []
    assert not content(data) - content(*twice)
    assert rotate_rows(*twice, second) == twice


# ---- notes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 2, 5, 99])
def test_the_newest_sections_stay(notes_file: bytes, keep: int) -> None:
    """From a file that has them on top the ones at the bottom go, in their order; what is no session's note stays."""
    kept, archive = rotate_sections(notes_file, None, keep)
    series = notes.series(notes.sections(notes_file))
    assert [each.heading for each in notes.series(notes.sections(kept))] == [each.heading for each in series[:keep]]
    assert [each.body for each in notes.sections(archive)] == [each.body for each in series[keep:]]
    assert not content(notes_file) - content(kept, archive)
    assert moved(NOTES, notes_file, None, (kept, archive)) == []
    assert rotate_sections(kept, archive, keep) == (kept, archive)


def test_newer_sections_go_above_older_ones(notes_file: bytes) -> None:
    """Where new notes go on top, so they do in the archive: in steps it comes out as in one go."""
    kept, archive = notes_file, None
    for keep in (9, 3, 2, 1):
        before = kept, archive
        kept, archive = rotate_sections(kept, archive, keep)
        assert moved(NOTES, before[0], before[1], (kept, archive)) == []
    at_once = rotate_sections(notes_file, None, 1)
    assert kept == at_once[0]
    assert [each.heading for each in notes.sections(archive)] == [each.heading for each in notes.sections(at_once[1])]


def test_the_oldest_go_where_the_file_says_so() -> None:
    """S2 ended after S3, and the text says that new sections go on top: the archive gets S3's."""
    data = b"# Notes\n\nNew sections go on top.\n\n## S2\n\nx\n\n## S3\n\ny\n"
    kept, archive = rotate_sections(data, None, 1)
    assert [each.session for each in notes.sections(kept)] == [2]
    assert [each.session for each in notes.sections(archive)] == [3]


def test_where_new_notes_go_to_the_end_the_first_ones_go(own_notes: dict[str, bytes]) -> None:
    """And stand behind the archive's; the line ends are the file's."""
    data = notes.add(notes.add(own_notes["end"], "[S9] calm", "x", "m"), "[S10] fog", "y", "m")
    kept, archive = rotate_sections(data, None, 3)
    kept, archive = rotate_sections(kept, archive, 2)
    assert [each.session for each in notes.sections(archive)] == [7, 8]
    assert [each.session for each in notes.sections(kept)] == [None, 9, 10]
    assert archive is not None
    assert archive.count(b"\n") == archive.count(b"\r\n")


HEADS = st.lists(st.sampled_from(["## S5", "## S4", "## S6", "## x", "### S3", "# t", "```", "text", ""]), max_size=10)


@given(HEADS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]), st.integers(0, 3), st.integers(0, 3))
def test_no_section_is_ever_lost(lines: list[str], end: str, final: str, first: int, second: int) -> None:
    """Any notes, rotated twice with a note in between: every line is in one of both files, G104 passes each step."""
    data = (end.join(lines) + final * bool(lines)).encode()
    once = rotate_sections(data, None, first)
    assert moved(NOTES, data, None, once) == []
    grown = notes.add(once[0], "S7 more", "text", "lease=0123456789ab")
    twice = rotate_sections(grown, once[1], second)
    assert moved(NOTES, grown, once[1], twice) == []
    assert not content(data) - content(*twice)
    assert rotate_sections(*twice, second) == twice
