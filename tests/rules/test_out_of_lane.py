"""G203: paths that another session holds, and paths outside one's own lanes."""

import pytest

from builders import change, found, said
from guard.change import Change, Held

RIVER = Held("RIVER", "S2", ("river", "docs/*.md"), "2026-01-05T12:00:00Z")
SEA = Held("SEA", "S1", ("sea/**",), "2026-01-05T12:00:00Z")


def of(session: str, *lanes: Held, paths: tuple[str, ...] = ("river/bed.txt",), **more: object) -> Change:
    """A change of some paths, made by a session where lanes are held."""
    made = change({}, dict.fromkeys(paths, "x\n"))
    made.session, made.lanes = session, lambda: lanes
    for key, value in more.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize(
    ("session", "lanes", "path", "says"),
    [
        ("S1", (RIVER,), "river/bed.txt", "in lane RIVER of S2 until 2026-01-05T12:00:00Z"),
        ("", (RIVER,), "river/bed.txt", "in lane RIVER of S2 until"),
        ("S1", (RIVER,), "docs/a.md", "in lane RIVER of S2"),
        ("S1", (RIVER,), "docs/deep/a.md", None),
        ("S2", (RIVER,), "river/bed.txt", None),
        ("S1", (RIVER,), "rivers/bed.txt", None),
        ("S1", (SEA,), "sea/a.txt", None),
        ("S1", (SEA,), "land/a.txt", "outside the lanes of S1: SEA"),
        ("S3", (SEA, RIVER), "land/a.txt", None),
        ("S1", (SEA, RIVER), "river/a.txt", "in lane RIVER of S2"),
        ("S1", (), "river/a.txt", None),
        ("S1", (SEA,), "tasks/NEXT.md", None),
        ("S1", (SEA,), "state/stream_deltas/frame-1-a.json", None),
        ("S1", (Held("ALL", "S2", ("**",), "soon"),), "tasks/NEXT.md", None),
    ],
)
def test_who_may_change_what(session: str, lanes: tuple[Held, ...], path: str, says: str | None) -> None:
    """Another's live lane is closed to everybody; one's own lanes bind only who holds some; shared files are free."""
    lines = said("G203", of(session, *lanes, paths=(path,)))
    assert len(lines) == (says is not None)
    assert says is None or says in lines[0]


def test_the_remedies_of_a_lane_can_be_pasted() -> None:
    """Another's file is unstaged by name; an own lane is widened by a claim of what it had and the path."""
    [theirs] = found("G203", of("S1", RIVER))
    assert theirs.fix.startswith("git restore --staged -- river/bed.txt")
    [own] = found("G203", of("S1", SEA, paths=("land/a b.txt",)))
    assert own.fix == "guard claim SEA --scope 'sea/**' --scope 'land/a b.txt'"


def test_merges_and_commits_that_were_made_are_not_judged_by_lanes() -> None:
    """A merge brings what others did; what is committed was judged when leases were as they were."""
    assert not found("G203", of("S1", RIVER, parents=2))
    assert not found("G203", of("S1", RIVER, commit="c" * 40))
