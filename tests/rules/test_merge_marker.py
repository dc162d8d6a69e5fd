"""G106: the lines that git writes where it could not merge."""

import pytest

from builders import LINK, PROGRAM, Content, Node, absent, change, found, said

UNMERGED = "one\n<<<<<<< Updated upstream\ntwo\n=======\nthree\n>>>>>>> Stashed changes\n"


def test_frame_407_what_a_failed_autostash_leaves_is_refused() -> None:
    """The markers of an autostash, with no merge going on, are refused in any file, at their first line."""
    [finding] = found("G106", change({"notes.txt": "one\n"}, {"notes.txt": UNMERGED}))
    assert (finding.path, finding.line) == ("notes.txt", 2)
    assert finding.fix == "resolve them, then git add -- notes.txt"


@pytest.mark.parametrize(
    "content",
    [
        UNMERGED,
        UNMERGED.replace("\n", "\r\n"),
        UNMERGED.replace("=======", "||||||| base\nzero\n======="),
        "<<<<<<<\n=======\n>>>>>>>",
        Node(UNMERGED.encode(), "100755"),
        UNMERGED.encode() + b"\xff",
    ],
)
def test_what_looks_unmerged(content: Content) -> None:
    """All three markers in their order, with any line ends, with a base, without labels, in any encoding."""
    assert len(said("G106", change({}, {"deep/x y.py": content}))) == 1


@pytest.mark.parametrize(
    "content",
    [
        "Title\n=======\n",
        "<<<<<<< a\n=======\n",
        ">>>>>>> a\n=======\n<<<<<<< b\n",
        " <<<<<<< a\n =======\n >>>>>>> b\n",
        "<<<<<<<< a\n========\n>>>>>>>> b\n",
        "<<<<<<<a\n=======\n>>>>>>> b\n",
        "<<<<<<< a\n======= x\n>>>>>>> b\n",
        b"\0" + UNMERGED.encode(),
        LINK,
        PROGRAM,
        "",
    ],
)
def test_what_only_resembles_it(content: Content) -> None:
    """Headings, quotations, longer lines and binary files pass where a file is nobody's record."""
    assert said("G106", change({}, {"docs/x.md": content})) == []


@pytest.mark.parametrize(
    "path",
    ["state/agents.json", "state/stream_deltas/frame-1-a.json", "package.json", "tasks/NEXT.md", "memory/INDEX.md"],
)
@pytest.mark.parametrize("text", ["{}\n<<<<<<< HEAD\n", ">>>>>>> theirs\n{}\n"])
def test_where_any_marker_is_too_many(path: str, text: str) -> None:
    """In state, JSON and append-only files one marker of the two kinds that say whose lines follow is enough."""
    assert len(said("G106", change({}, {path: text}))) == 1


@pytest.mark.parametrize("text", ["Title\n=======\n", "|||||||\n", "||||||| a |\n", "{}\r\n"])
def test_a_board_may_hold_headings_and_empty_cells(text: str) -> None:
    """A line of = underlines a heading and a line of | is an empty row, in append-only files too."""
    assert said("G106", change({}, {"tasks/SWARM-LANES.md": text})) == []


def test_markers_that_stood_there_are_not_this_changes() -> None:
    """A file that has markers already may be edited, and mended; a renamed one counts as new."""
    before = {"a.txt": UNMERGED, "state/x.json": "<<<<<<< a\n", "tasks/NEXT.md": "<<<<<<< a\n"}
    assert said("G106", change(before, {path: f"{text}more\n" for path, text in before.items()})) == []
    assert said("G106", change(before, {})) == []
    assert len(said("G106", change({"a.txt": UNMERGED}, {"b.txt": UNMERGED}))) == 1


def test_a_join_that_was_not_resolved() -> None:
    """A file with markers that neither side had is refused; what one side had already is not."""
    assert len(said("G106", change({"a": "1"}, {"a": UNMERGED}, {"a": "2"}))) == 2
    assert said("G106", change({"a": "1"}, {"a": UNMERGED}, {"a": UNMERGED})) == []


def test_a_missing_content_stops_only_what_is_protected() -> None:
    """Not to know is a refusal in state and append-only files, and stops nobody elsewhere."""
    made = change({}, {"x.json": absent("{}"), "src/x.py": absent("x"), "state/agents.json": absent("{}")})
    [finding] = found("G106", made)
    assert (finding.path, finding.unread) == ("state/agents.json", True)


def test_a_huge_file_without_markers_is_read_once() -> None:
    """A file of many megabytes, of short lines of =, costs one look."""
    assert said("G106", change({}, {"big.log": b"=======\n" * 4_000_000})) == []
