"""G104: append-only files only grow, each in its own way."""

import os

import pytest

from builders import LINK, MODULE, Content, absent, change, found, said

BOARD, NOTES, LESSON = "tasks/SWARM-LANES.md", "tasks/NEXT.md", "memory/lessons/2026-03-02-x.md"
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
