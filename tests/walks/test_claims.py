"""Leases as refs: numbers that nobody else gets, lanes that exactly one of all racing sessions holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from walks.lab import Lab, Said

BOARD = "tasks/SWARM-LANES.md"


def as_session(name: str) -> dict[str, str]:
    """The environment of a session."""
    return {"GUARD_SESSION": name}


def claim(lab: Lab, here: Path, session: str, lane: str, *scope: str, code: int | None = 0) -> Said:
    """Claim a lane."""
    scopes = [word for each in scope for word in ("--scope", each)]
    return lab.guard(here, "claim", lane, *scopes, "--json", env=as_session(session), code=code)


def lanes(lab: Lab, hub: Path) -> dict[str, dict[str, Any]]:
    """What the lanes' refs of a repository say, by lane."""
    found = {}
    for oid in lab.refs(hub, "refs/guard/lanes").values():
        said = json.loads(lab.git(hub, "log", "-1", "--format=%b", oid))
        found[said["lane"]] = said
    return found


@pytest.fixture(params=["hub", "lone"])
def place(request: pytest.FixtureRequest, lab: Lab) -> tuple[Path, Path, Path]:
    """The repository that holds the truth, and two places from which it is claimed: clones, or two work trees."""
    if request.param == "hub":
        one, other = lab.fleet("one", "other")
        return lab.hub, one, other
    lone = lab.lone()
    other = lone.with_name("other")
    lab.git(lone, "worktree", "add", "-q", "--detach", str(other))
    return lone, lone, other


def test_a_lane_has_one_holder_and_a_row(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """The first gets it, the second learns who has it and exits 3; release makes room; the board shows it all."""
    hub, one, other = place
    got = claim(lab, one, "S1", "RIVER", "src/river", "docs/*.md").json
    assert (got["lane"], got["session"], got["scope"]) == ("RIVER", "S1", ["src/river", "docs/*.md"])
    lost = claim(lab, other, "S2", "RIVER", "elsewhere", code=3)
    assert (lost.json["holder"], lost.json["lane"], lost.json["exit"]) == ("S1", "RIVER", 3)
    assert lost.json["expires"] == got["expires"]
    assert "held by S1" in lost.err
    overlap = claim(lab, other, "S2", "SEA", "src", code=3).json
    assert (overlap["holder"], overlap["lane"]) == ("S1", "RIVER")
    assert claim(lab, other, "S2", "SEA", "tests").json["renewed"] is False
    assert claim(lab, one, "S1", "RIVER", "src/river").json["renewed"] is True
    assert lab.guard(other, "release", "RIVER", env=as_session("S2"), code=3).code == 3
    lab.guard(one, "release", "RIVER", "--status", "ABANDONED", env=as_session("S1"))
    claim(lab, other, "S2", "SEA-2", "src/river/deep")
    board = lab.show(hub, BOARD).decode()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in board.splitlines() if "lease=" in line]
    assert [(row[1], row[2], row[10]) for row in rows] == [
        ("RIVER", "S1", "CLAIMED"),
        ("SEA", "S2", "CLAIMED"),
        ("RIVER", "S1", "ABANDONED"),
        ("SEA-2", "S2", "CLAIMED"),
    ]
    assert set(lanes(lab, hub)) == {"SEA", "SEA-2"}, "what ended and is on the board needs no ref"
    subjects = lab.git(hub, "log", "--format=%s", "main").splitlines()
    assert subjects[0] == "[S2] lanes: S2 claimed SEA-2"


def test_numbers_are_unique_and_go_on_where_the_fleet_was(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """The next number is above all that records, subjects and refs know; it is recorded for the work tree."""
    hub, one, other = place
    lab.commit(one, {"tasks/NEXT.md": "# Next\n\n## S41 session note\n- done\n"}, "[S40] notes: of S41")
    if hub != one:
        lab.git(one, "push", "-q", "origin", "HEAD:main")
    assert lab.guard(one, "start", "--json").json["session"] == "S42"
    assert lab.guard(other, "start", "--json").json["session"] == "S43"
    made = lab.guard(one, "start", "--worktree", "--json").json
    assert (made["session"], made["branch"]) == ("S44", "s44")
    there = Path(made["worktree"])
    assert lab.git(there, "symbolic-ref", "--short", "HEAD") == "s44"
    assert lab.guard(there, "claim", "LAKE", "--scope", "lake", "--json").json["session"] == "S44"
    assert lab.guard(one, "claim", "POND", "--scope", "pond", "--json").json["session"] == "S42"
    assert sorted(lab.refs(hub, "refs/guard/sessions")) == [f"refs/guard/sessions/{n}" for n in (42, 43, 44)]
