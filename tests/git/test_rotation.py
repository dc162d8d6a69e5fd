"""Old rows and sections moved to their archive, in real commits and joins: by the hook, by check and by verify."""

from pathlib import Path

import pytest
from walks.hooked import git, guarded, refused, unhooked
from walks.lab import Lab

from guard.records import board, notes
from guard.records.rotate import rotate_rows, rotate_sections

BOARD, OLD_BOARD = "tasks/SWARM-LANES.md", "tasks/archive/SWARM-LANES.md"
NOTES, OLD_NOTES = "tasks/NEXT.md", "tasks/archive/NEXT.md"


def rows(*lanes: str, status: str = "MERGED", to: bytes | None = None) -> bytes:
    """A board with a row for each lane."""
    return board.append(to, [{"lane": lane, "status": status} for lane in lanes])


def begun(lab: Lab) -> Path:
    """A guarded repository with a board of four closed lanes and an open one, and notes of three sessions."""
    here = guarded(lab)
    texts = b""
    for number in (1, 2, 3):
        texts = notes.add(texts, f"S{number} note", f"line {number}", f"lease={number:012x}")
    open_too = rows("e", status="CLAIMED", to=rows("a", "b", "c", "d"))
    lab.commit(here, {BOARD: open_too, NOTES: texts}, "[S1] tasks: the board")
    return here


def rotated(here: Path, keep: int) -> dict[str, str | bytes | None]:
    """What a rotation writes."""
    old = here / OLD_BOARD
    kept, archive = rotate_rows((here / BOARD).read_bytes(), old.read_bytes() if old.exists() else None, keep)
    assert archive is not None
    return {BOARD: kept, OLD_BOARD: archive}


def clean(lab: Lab, here: Path) -> None:
    """Check and verify find nothing in all of history."""
    lab.guard(here, "check", "--range", f"{lab.git(here, 'rev-list', '--max-parents=0', 'HEAD')}..HEAD")
    base = lab.git(here, "log", "--format=%H", "--diff-filter=A", "--", "guard.toml").split()[-1]
    lab.guard(here, "verify", f"{base}^..HEAD")


def test_a_rotation_is_an_ordinary_commit(lab: Lab) -> None:
    """Rows and sections that went to their archives are not lost: hook, check and verify let the commit pass."""
    here = begun(lab)
    lab.commit(here, rotated(here, 2), "[S1] tasks: old rows to the archive")
    lab.commit(here, rotated(here, 1), "[S1] tasks: more of them")
    kept, archive = rotate_sections((here / NOTES).read_bytes(), None, 1)
    assert archive is not None
    lab.commit(here, {NOTES: kept, OLD_NOTES: archive}, "[S1] tasks: old notes to the archive")
    assert [row.lane for row in board.rows(lab.show(here, OLD_BOARD))] == ["a", "b", "c"]
    clean(lab, here)


def test_what_loses_a_row_on_the_way_is_refused(lab: Lab) -> None:
    """Dropped, edited, reordered, in two commits, or taken out of the archive again: refused, nothing touched."""
    here = begun(lab)
    good = rotated(here, 2)
    kept, archive = good[BOARD], good[OLD_BOARD]
    assert isinstance(kept, bytes)
    assert isinstance(archive, bytes)
    lines = archive.splitlines(keepends=True)
    for spoilt in (
        b"".join(lines[:-1]),
        archive.replace(b"| b |", b"| B |"),
        b"".join([*lines[:-2], lines[-1], lines[-2]]),
        None,
    ):
        lab.write(here, {BOARD: kept, **({} if spoilt is None else {OLD_BOARD: spoilt})})
        lab.git(here, "add", "--", BOARD, *([] if spoilt is None else [OLD_BOARD]))
        refused(lab, here, "commit", "-qm", "[S1] tasks: tidy", code="G104")
        lab.git(here, "rm", "-q", "-f", "--ignore-unmatch", "--", OLD_BOARD)
    lab.git(here, "checkout", "-q", "HEAD", "--", BOARD)
    lab.commit(here, good, "[S1] tasks: old rows to the archive")
    lab.write(here, {OLD_BOARD: b"".join(lines[:-1])})
    refused(lab, here, "commit", "-qm", "[S1] tasks: tidy", "--", OLD_BOARD, code="G104")
    unhooked(lab, here, {OLD_BOARD: b"".join(lines[:-1]).decode()})
    assert "G104" in lab.guard(here, "check", "--range", "HEAD~1..HEAD", code=1).out
    assert "G104" in lab.guard(here, "verify", "HEAD~1..HEAD", code=1).out


@pytest.mark.parametrize("into", ["main", "side"])
def test_a_rotation_joins_with_a_row_that_came_meanwhile(lab: Lab, into: str) -> None:
    """Whichever side the archive comes from, the join holds every row and passes; one that drops some does not."""
    here = begun(lab)
    lab.git(here, "branch", "side")
    lab.commit(here, rotated(here, 2), "[S1] tasks: old rows to the archive")
    lab.git(here, "checkout", "-q", "side")
    lab.commit(here, {BOARD: rows("f", to=(here / BOARD).read_bytes())}, "[S2] tasks: a row")
    lab.git(here, "checkout", "-q", into)
    other = "side" if into == "main" else "main"
    lab.git(here, "merge", "-q", "--no-commit", other)
    archive = (here / OLD_BOARD).read_bytes()
    lab.write(here, {OLD_BOARD: archive.replace(b"| a |", b"| A |")})
    lab.git(here, "add", "--", OLD_BOARD)
    assert "G104" in git(lab, here, "commit", "-qm", "Merge").err
    lab.write(here, {OLD_BOARD: archive})
    lab.git(here, "add", "--", OLD_BOARD)
    lab.git(here, "commit", "-qm", "Merge")
    assert [row.lane for row in board.rows(lab.show(here, BOARD, "HEAD"))] == ["c", "d", "e", "f"]
    assert [row.lane for row in board.rows(lab.show(here, OLD_BOARD, "HEAD"))] == ["a", "b"]
    clean(lab, here)
