"""G104: append-only files only grow, each in its own way."""

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import LINK, MODULE, Content, Node, absent, change, found, said
from guard.appendonly import lost

BOARD, NOTES, LESSON = "tasks/SWARM-LANES.md", "tasks/NEXT.md", "memory/lessons/2026-03-02-x.md"
OLD_BOARD, OLD_NOTES = "tasks/archive/SWARM-LANES.md", "tasks/archive/NEXT.md"
ROWS = "| lane | who |\n|---|---|\n| a | S1 |\n| b | S2 |\n"
SECTIONS = "# Notes\n\nfree text\n\n## one\n\n1\n\n## two\n\n2\n"
TEXT = "# A lesson\n\nIt was so.\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        (BOARD, ROWS, ROWS + "| c | S3 |\n"),
        (BOARD, ROWS, ROWS.replace("| b", "| c | S3 |\n| b")),
        (BOARD, ROWS, "\n" + ROWS.replace("\n", "\r\n") + "\r\n"),
        (BOARD, ROWS.rstrip(), ROWS + "| c | S3 |"),
        (BOARD, b"| \xff |\n", b"| \xff |\n| more |\n"),
        (BOARD, "", ROWS),
        (NOTES, SECTIONS, SECTIONS + "\n## three\n"),
        (NOTES, SECTIONS, SECTIONS.replace("## one", "## zero\n\n0\n\n## one")),
        (NOTES, SECTIONS, SECTIONS.replace("free text", "another text")),
        (NOTES, "no heading\n", "nor here\n"),
        (NOTES, "", SECTIONS),
        (NOTES, SECTIONS, SECTIONS.replace("\n", "\r\n")),
        (NOTES, SECTIONS, SECTIONS.replace("# Notes", "# Other notes")),
        (NOTES, "intro\n\n# one\n\n## two\n", "# one\n\n## two\n"),
        (LESSON, TEXT, TEXT.replace("\n", "\r\n") + "more\r\n"),
        (LESSON, TEXT, TEXT + "And then so.\n"),
        (LESSON, TEXT.rstrip(), TEXT + "And then so.\n"),
        (os.fsdecode(b"memory/lessons/\xff.md"), TEXT, TEXT + "more\n"),
        ("README.md", ROWS, ""),
        ("memory/lessons/deep/x.md", TEXT, ""),
        (LESSON, LINK, TEXT),
        (LESSON, MODULE, TEXT),
    ],
)
def test_what_grows_passes(path: str, before: Content, after: Content) -> None:
    """Additions anywhere between rows and sections pass, and so do line ends, blank lines and other files."""
    assert said("G104", change({path: before}, {path: after})) == []


@pytest.mark.parametrize(
    ("path", "before", "after", "says"),
    [
        (BOARD, ROWS, ROWS.replace("| b | S2 |\n", ""), "a row is gone, changed or moved: | b | S2 |"),
        (BOARD, ROWS, ROWS.replace("S1", "S9"), "a row is gone, changed or moved: | a | S1 |"),
        (BOARD, ROWS, ROWS.replace("| a | S1 |\n", "") + "| a | S1 |\n", "a row is gone, changed or moved: | b"),
        (BOARD, ROWS + "| b | S2 |\n", ROWS, "a row is gone, changed or moved: | b | S2 |"),
        (BOARD, ROWS, "", "a row is gone"),
        (BOARD, ROWS, LINK, "the file is gone"),
        (BOARD, ROWS, MODULE, "the file is gone"),
        (NOTES, SECTIONS, SECTIONS.replace("\n2\n", "\n3\n"), "a section is gone, changed or moved: ## two"),
        (NOTES, SECTIONS, "", "a section is gone, changed or moved: ## one"),
        (NOTES, "intro\n\n# one\n\n## two\n", "intro\n\n## two\n", "a section is gone, changed or moved: # one"),
        (NOTES, SECTIONS, SECTIONS.partition("## two")[0], "a section is gone, changed or moved: ## two"),
        (LESSON, TEXT, "A preface.\n" + TEXT, "text that was there is gone or changed"),
        (LESSON, TEXT, TEXT[:-4], "text that was there is gone or changed"),
    ],
)
def test_what_takes_something_away_is_refused(path: str, before: Content, after: Content, says: str) -> None:
    """Edits, deletions and moves of what stood there are refused, and the remedy puts the file back."""
    [finding] = found("G104", change({path: before}, {path: after}))
    assert finding.message.startswith(says)
    assert finding.fix == f"git restore --staged --worktree -- {path}"


def test_deleting_or_moving_the_file_is_refused() -> None:
    """The file stays where it is; elsewhere it is not found."""
    assert said("G104", change({BOARD: ROWS}, {})) == [f"{BOARD}:0 the file is gone"]
    assert said("G104", change({LESSON: TEXT}, {"memory/old/x.md": TEXT})) == [f"{LESSON}:0 the file is gone"]
    assert said("G104", change({}, {BOARD: ROWS, LESSON: TEXT})) == []


def test_the_policy_says_which_files_grow_how() -> None:
    """`[append_only]` replaces the defaults, key by key."""
    made = change({"LOG": "a\nb\n", BOARD: ROWS}, {"LOG": "b\n", BOARD: ""})
    assert said("G104", made, 'append_only.rows = ["LOG"]') == ["LOG:0 a row is gone, changed or moved: a"]


def test_both_contents_are_needed() -> None:
    """Where either side is not in this clone, the file is unread, not good."""
    for before, after in ((absent(ROWS), "x"), (ROWS, absent("x"))):
        [finding] = found("G104", change({BOARD: before}, {BOARD: after}))
        assert finding.unread


def test_a_join_keeps_the_rows_of_both_sides() -> None:
    """A join that took one side of a conflict lost the other's rows; one with all of them passes."""
    ours, theirs, both = ROWS + "| c | S3 |\n", ROWS + "| d | S4 |\n", ROWS + "| c | S3 |\n| d | S4 |\n"
    assert said("G104", change({BOARD: ours}, {BOARD: both}, {BOARD: theirs})) == []
    [finding] = found("G104", change({BOARD: ours}, {BOARD: ours + "| e |\n"}, {BOARD: theirs}))
    assert finding.message == "a row is gone, changed or moved: | d | S4 |"


def test_a_board_of_many_rows_is_judged_in_one_pass() -> None:
    """Hundreds of thousands of rows are compared once each, not with one another."""
    rows = "".join(f"| {number} |\n" for number in range(200_000))
    assert said("G104", change({BOARD: rows}, {BOARD: rows + "| last |\n"})) == []
    assert len(said("G104", change({BOARD: rows}, {BOARD: rows[:-20]}))) == 1


# ---- moves to the archive ------------------------------------------------------------------------------------------

HEAD, A, B = "| lane | who |\n|---|---|\n", "| a | S1 |\n", "| b | S2 |\n"
TITLE, ONE, TWO = "# Notes\n\nfree text\n\n", "## one\n\n1\n", "## two\n\n2\n"


@pytest.mark.parametrize(
    ("path", "before", "after", "old", "new"),
    [
        (BOARD, HEAD + A + B, HEAD + B, None, "# Archive\n\n" + HEAD + A),
        (BOARD, HEAD + A + B, HEAD + A, None, HEAD + B),
        (BOARD, HEAD + A + B, HEAD, HEAD, HEAD + A + B),
        (BOARD, HEAD + A + B, HEAD, HEAD + "| z |\n", HEAD + A + "| z |\n" + B),
        (BOARD, HEAD + A + B, HEAD + B + "| new |\n", HEAD + A, HEAD + A + A),
        (BOARD, HEAD + A + B + A, HEAD + B + A, HEAD, HEAD + A),
        (BOARD, HEAD + A + B + A, HEAD + A + B, HEAD, HEAD + A),
        (BOARD, HEAD + A + B, (HEAD + B).replace("\n", "\r\n"), HEAD, HEAD + A),
        (NOTES, TITLE + ONE + "\n" + TWO, TITLE + ONE, None, "# Archive\n\n" + TWO),
        (NOTES, TITLE + ONE + "\n" + TWO, TITLE + TWO, "# Old\n\n## zero\n", "# Old\n\n## zero\n\n" + ONE),
        (NOTES, TITLE + ONE + "\n" + TWO, TITLE + ONE, "# Old\n\n## zero\n", "# Old\n\n" + TWO + "\n## zero\n"),
    ],
)
def test_what_is_moved_to_the_archive_is_not_lost(
    path: str, before: str, after: str, old: str | None, new: str
) -> None:
    """Rows and sections that the same commit adds to the file's archive, in their order, pass."""
    there = path.replace("tasks/", "tasks/archive/")
    was = {path: before} if old is None else {path: before, there: old}
    assert said("G104", change(was, {path: after, there: new})) == []


@pytest.mark.parametrize(
    ("path", "before", "after", "old", "new"),
    [
        (BOARD, HEAD + A + B, HEAD, HEAD, HEAD + A),  # one is lost
        (BOARD, HEAD + A + B, HEAD, HEAD, HEAD + B + A),  # reordered
        (BOARD, HEAD + A + B, HEAD + B, HEAD, HEAD + A.replace("S1", "S9")),  # edited
        (BOARD, HEAD + A + B, HEAD + B, HEAD + A, HEAD + A),  # it was there before: that is another row
        (BOARD, HEAD + A + B, HEAD + B, HEAD + A, HEAD + A + "| x |\n"),  # likewise
        (BOARD, HEAD + A + A, HEAD, HEAD, HEAD + A),  # of two equal rows one is lost
        (BOARD, HEAD + A + B + "| c |\n", HEAD + "| c |\n" + B, HEAD, HEAD + A),  # what stays is reordered
        (BOARD, HEAD + A + B, HEAD + B, HEAD + "| z |\n", HEAD + A),  # the archive lost a row for it
        (BOARD, HEAD + A + B, HEAD + B, HEAD, absent(HEAD + A)),
        (BOARD, HEAD + A + B, HEAD + B, None, Node((HEAD + A).encode(), "120000")),  # a symlink is no archive
        (BOARD, HEAD + A + B, None, HEAD, HEAD + A + B),  # the file itself stays
        (NOTES, TITLE + ONE + "\n" + TWO, TITLE + ONE, None, "# Archive\n\n## two\n\n3\n"),
        (NOTES, TITLE + ONE + "\n" + TWO, TITLE, None, "# Archive\n\n" + TWO + "\n" + ONE),
        (LESSON, TEXT, "# A lesson\n", None, TEXT),  # lessons have no archive
    ],
)
def test_a_move_that_loses_something_is_refused(
    path: str, before: str, after: str | None, old: str | None, new: Content
) -> None:
    """Whatever is lost, edited or put in another order on the way to the archive is refused."""
    folder, _, name = path.rpartition("/")
    there = f"{folder}/archive/{name}"
    was = {path: before} if old is None else {path: before, there: old}
    now = {there: new} if after is None else {path: after, there: new}
    assert path in {finding.path for finding in found("G104", change(was, now))}


def test_elsewhere_is_no_archive() -> None:
    """Only a file's own archive counts, and only in the commit that takes the rows away."""
    was = {BOARD: HEAD + A + B, OLD_BOARD: HEAD + A, OLD_NOTES: HEAD}
    now = {BOARD: HEAD + B, OLD_BOARD: HEAD + A, OLD_NOTES: HEAD + A, "tasks/archive/x.md": A}
    assert said("G104", change(was, now)) == [f"{BOARD}:0 a row is gone, changed or moved: | a | S1 |"]


def test_the_archive_only_grows() -> None:
    """What was moved stays as it is: archives are append-only, each as the file that it is of."""
    assert said("G104", change({OLD_BOARD: HEAD + A}, {OLD_BOARD: HEAD})) == [
        f"{OLD_BOARD}:0 a row is gone, changed or moved: | a | S1 |"
    ]
    assert said("G104", change({OLD_NOTES: TITLE + ONE}, {OLD_NOTES: TITLE})) == [
        f"{OLD_NOTES}:0 a section is gone, changed or moved: ## one"
    ]


def test_a_join_of_a_rotation_and_a_new_row_passes() -> None:
    """One side moved a row, the other added one: both ways round the join holds everything."""
    base = {BOARD: HEAD + A + B, OLD_BOARD: HEAD}
    rotated = {BOARD: HEAD + B, OLD_BOARD: HEAD + A}
    grown = {BOARD: HEAD + A + B + "| c |\n", OLD_BOARD: HEAD}
    joined = {BOARD: HEAD + B + "| c |\n", OLD_BOARD: HEAD + A}
    assert said("G104", change(base, rotated)) == []
    assert said("G104", change(rotated, joined, grown)) == []
    assert said("G104", change(grown, joined, rotated)) == []
    lossy = {BOARD: HEAD + B + "| c |\n", OLD_BOARD: HEAD}
    assert said("G104", change(rotated, lossy, grown)) != []


def test_a_big_rotation_is_judged_in_one_pass() -> None:
    """Hundreds of thousands of rows are parted at once, also where all are equal."""
    rows = [f"| {number} |\n" for number in range(100_000)]
    half = len(rows) // 2
    was, now = {BOARD: "".join(rows)}, {BOARD: "".join(rows[half:]), OLD_BOARD: "".join(rows[:half])}
    assert said("G104", change(was, now)) == []
    assert said("G104", change({BOARD: A * 2000}, {BOARD: A * 1000, OLD_BOARD: A * 1000})) == []
    assert said("G104", change({BOARD: A * 2000}, {BOARD: A * 1000, OLD_BOARD: A * 999})) != []


ROWS_OF = st.lists(st.sampled_from("abc"), max_size=6)


@given(ROWS_OF, ROWS_OF, ROWS_OF, ROWS_OF)
def test_what_passes_is_all_there_in_order(old: list[str], new: list[str], before: list[str], after: list[str]) -> None:
    """Against every way to part the old rows, and every way in which the archive may have come to be."""
    files = ["\n".join(rows).encode() for rows in (old, new, before, after)]
    if lost("rows", files[0], files[1], (files[2], files[3])) is None:
        added = [rows for kept, rows in _partings(after) if kept == before] or [[]]
        assert any(_within(kept, new) and _within(moved, rows) for kept, moved in _partings(old) for rows in added)


@given(ROWS_OF, ROWS_OF, ROWS_OF, ROWS_OF, st.booleans())
def test_what_is_all_there_in_order_passes(
    old: list[str], new: list[str], before: list[str], added: list[str], top: bool
) -> None:
    """Against every way to part the old rows, where the archive grew at its top or at its end."""
    files = ["\n".join(rows).encode() for rows in (old, new, before, added + before if top else before + added)]
    if any(_within(kept, new) and _within(moved, added) for kept, moved in _partings(old)):
        assert lost("rows", files[0], files[1], (files[2], files[3])) is None


def _within(some: list[str], items: list[str]) -> bool:
    rest = iter(items)
    return all(item in rest for item in some)


def _partings(items: list[str]) -> list[tuple[list[str], list[str]]]:
    return [
        ([item for item, side in zip(items, sides, strict=True) if not side],
         [item for item, side in zip(items, sides, strict=True) if side])
        for sides in itertools.product((0, 1), repeat=len(items))
    ]  # fmt: skip
