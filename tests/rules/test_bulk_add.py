"""G201: an index that was written in bulk."""

import pytest

from builders import change, found, said
from guard.change import Bulk

BEFORE = {"src/a": "1", "src/b": "2", "srcs/c": "3"}


def test_729_deletions_that_an_add_all_staged_are_refused() -> None:
    """Whatever `git add -A` took in is refused, and the remedy names files."""
    gone = {f"f{number}": str(number) for number in range(729)}
    [finding] = found("G201", change(gone, {}, bulk=Bulk("git add -A")))
    assert finding.message == "git add -A took in 729 files"
    assert finding.fix == "git reset -q && git add -- FILE..."
    assert "729" in finding.why


@pytest.mark.parametrize(
    ("bulk", "after", "says"),
    [
        (Bulk("git add ."), BEFORE | {"new": "x"}, ["git add . took in 1 file"]),
        (Bulk("git commit -a"), BEFORE | {"new": "x", "src/a": "x"}, ["git commit -a took in 2 files"]),
        (Bulk("git add -A"), BEFORE, []),
        (None, BEFORE | {"new": "x"}, []),
        (Bulk("git add src", ["src/"]), BEFORE | {"src/new": "x"}, []),
        (Bulk("git add src", ["src/"]), {"src/a": "1", "srcs/c": "3"}, ["git add src staged 1 deletion"]),
        (Bulk("git add src", ["src"]), {"srcs/c": "3"}, ["git add src staged 2 deletions"]),
        (Bulk("git add src", ["./src/"]), {"srcs/c": "3"}, ["git add src staged 2 deletions"]),
        (Bulk("git add src", ["src"]), {"src/a": "1", "src/b": "2"}, []),
    ],
)
def test_how_the_index_was_written(bulk: Bulk | None, after: dict[str, str], says: list[str]) -> None:
    """The whole tree is refused with anything in it; a folder only where it staged deletions, of its own."""
    assert said("G201", change(BEFORE, after, bulk=bulk)) == [f":0 {line}" for line in says]
