"""G202: commits that delete very much."""

import pytest

from builders import MODULE, PROGRAM, change, found, said


def files(number: int, folder: str = "pages", first: int = 0) -> dict[str, str]:
    """So many different files in a folder."""
    return {f"{folder}/{name}.txt": f"{folder} {name}" for name in range(first, first + number)}


def test_729_staged_deletions_are_refused() -> None:
    """Also as an empty tree; the remedy unstages them."""
    [finding] = found("G202", change(files(729), {}))
    assert finding.message == "729 files are deleted, of which the first is pages/0.txt"
    assert finding.fix.startswith("git reset -q ")
    [committed] = found("G202", change(files(729), {}, commit="c" * 40))
    assert committed.fix == f"git revert --no-edit {'c' * 40}"


@pytest.mark.parametrize(
    ("there", "left", "says"),
    [
        (files(100), files(80), None),
        (files(100), files(79), ":0 21 files are deleted, of which the first is pages/"),
        (files(10), files(5), None),
        (files(10), files(4), ":0 6 of the 10 files below the top are deleted"),
        (files(9), {}, None),
        (files(10) | files(90, "other"), files(4) | files(90, "other"), "pages:0 6 of the 10 files below pages"),
        (files(12, "a/b/c") | files(90, "o"), files(90, "o"), "a:0 12 of the 12 files below a are deleted"),
        (files(6, "a/b") | files(6, "a/c") | files(90, "o"), files(90, "o"), "a:0 12 of the 12 files below a are"),
        (files(5, "a") | files(5, "b") | files(90, "o"), files(90, "o"), None),
        ({f"m{number}": MODULE for number in range(30)}, {}, ":0 30 files are deleted"),
    ],
)
def test_how_much_is_very_much(there: dict[str, str], left: dict[str, str], says: str | None) -> None:
    """More than twenty files, or more than half of a folder of ten or more, subfolders and all."""
    lines = said("G202", change(there, left))
    assert len(lines) == (says is not None)
    assert says is None or lines[0].startswith(says)


def test_what_is_moved_is_not_deleted() -> None:
    """A deletion whose content appears elsewhere in the same commit is a move, also into a file that was there."""
    moved = {path.replace("pages/", "wiki/"): content for path, content in files(30).items()}
    assert said("G202", change(files(30), moved)) == []
    into_one = {"all.txt": "x"}
    copies = {f"copies/{number}": "same" for number in range(30)}
    assert said("G202", change(copies | into_one, {"all.txt": "same"})) == []
    assert said("G202", change(copies, {"one": PROGRAM})) != []
    edited = {path: f"{content}!" for path, content in moved.items()}
    assert len(said("G202", change(files(30), edited))) == 1


def test_the_limits_are_the_policys() -> None:
    """`[deletions]` sets both."""
    made = change(files(8), {})
    assert said("G202", made) == []
    assert len(said("G202", made, "deletions.files = 7")) == 1
    assert len(said("G202", made, "deletions.folder = 8")) == 1
    assert said("G202", change(files(100), {}), "deletions.files = 100\ndeletions.folder = 101") == []


def test_a_recomputed_merge_may_drop_what_it_likes() -> None:
    """Old deltas leave the inbox by the merge itself; what else goes in its commit is no merge's."""
    assert said("G202", change(files(100, "state/stream_deltas"), {}, computed=True)) == []
    assert said("G202", change(files(100, "state/frames/000"), {}, computed=True)) == []
    assert len(said("G202", change(files(100), {}, computed=True))) == 1


def test_a_join_is_judged_by_what_neither_side_deleted() -> None:
    """What one side deleted was judged there; what both had and the join lacks is its own doing, counted once."""
    assert said("G202", change(files(100), {}, {})) == []
    [line] = said("G202", change(files(30), {}, files(30)))
    assert line.startswith(":0 30 files are deleted")


def test_a_root_commit_deletes_nothing() -> None:
    """Nor does one that only adds, however much."""
    assert said("G202", change({}, files(1000))) == []
