"""Leases as refs: numbers that nobody else gets, lanes that exactly one of all racing sessions holds."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from walks.lab import Lab, Said

from guard.leases.lease import Lane, Session, lane_ref, spell

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
    assert claim(lab, one, "S1", "RIVER", "src/river", "docs/*.md").json["renewed"] is True
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


# --- many at once ------------------------------------------------------------------------------------------------


def test_of_many_claimants_one_wins(lab: Lab) -> None:
    """32 clones claim one lane, several times: one exit 0, all others exit 3 and know the winner."""
    clones = lab.fleet(*(f"clone-{n}" for n in range(32)))
    for turn in range(3):
        words = ("claim", f"LANE {turn}", "--scope", f"area-{turn}", "--json")
        said = lab.together([(here, words, as_session(f"S{n + 1}")) for n, here in enumerate(clones)])
        assert sorted(each.code for each in said) == [0] + [3] * 31, [
            each.err for each in said if each.code not in (0, 3)
        ]
        [winner] = [each.json["session"] for each in said if each.code == 0]
        assert {each.json["holder"] for each in said if each.code == 3} == {winner}
        assert lanes(lab, lab.hub)[f"LANE {turn}"]["session"] == winner


def test_of_overlapping_claims_of_different_lanes_one_wins(lab: Lab) -> None:
    """Eight lanes with scopes that meet are claimed at once: one is held in the end, the others know by whom."""
    clones = lab.fleet(*(f"clone-{n}" for n in range(8)))
    calls = [
        (
            here,
            ("claim", f"LANE-{n}", "--scope", f"src/part-{n}", "--scope", "src/*.md", "--json"),
            as_session(f"S{n + 1}"),
        )
        for n, here in enumerate(clones)
    ]
    said = lab.together(calls)
    assert sorted(each.code for each in said) == [0] + [3] * 7, [each.err for each in said if each.code not in (0, 3)]
    assert len(lanes(lab, lab.hub)) == 1


def test_simultaneous_starts_get_different_numbers(lab: Lab) -> None:
    """16 clones start in the same second: 16 numbers, none left out."""
    clones = lab.fleet(*(f"clone-{n}" for n in range(16)))
    said = lab.together([(here, ("start", "--json"), {}) for here in clones])
    assert [each.code for each in said] == [0] * 16, [each.err for each in said]
    assert sorted(int(each.json["session"][1:]) for each in said) == list(range(1, 17))


def test_every_record_of_many_writers_gets_on_the_board(lab: Lab) -> None:
    """24 clones claim lanes of their own at once, while others push to the branch: nobody gives up, no row is lost."""
    clones = lab.fleet(*(f"clone-{n}" for n in range(24)))
    calls = [
        (here, ("claim", f"LANE-{n}", "--scope", f"area-{n}", "--json"), as_session(f"S{n + 1}"))
        for n, here in enumerate(clones)
    ]
    said = lab.together(calls)
    assert [each.code for each in said] == [0] * 24, [each.err for each in said if each.code]
    assert [each.json["recorded"] for each in said] == [True] * 24, [each.err for each in said]
    board = lab.show(lab.hub, BOARD).decode()
    rows = [line.split("|")[2].strip() for line in board.splitlines() if "lease=" in line]
    assert sorted(rows) == sorted(f"LANE-{n}" for n in range(24))


# --- ends, clocks, lost answers ----------------------------------------------------------------------------------


def put_lane(lab: Lab, here: Path, session: str, lane: str, scope: str, ends: timedelta) -> str:
    """Put a lane on the hub whose lease ends at another time than a claim of now would."""
    when = datetime.now(UTC).replace(microsecond=0)
    said = Lane(
        *(session, f"{next(lab.clock):012x}", spell(when + ends - timedelta(hours=2)), spell(when + ends)),
        *("ada", "tower", "linux", "main"),
        lane=lane,
        scope=(scope,),
    )
    tree = lab.git(here, "hash-object", "-w", "-t", "tree", "--stdin", input=b"")
    commit = lab.git(here, "commit-tree", tree, input=said.message().encode())
    lab.put_ref(here, said.ref, commit)
    return commit


def test_a_lease_that_ended_is_taken_over(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """Its name and its paths are free once it ended, tolerance included; who had it learns of that, and the board."""
    hub, one, other = place
    put_lane(lab, one, "S1", "RIVER", "src/river", timedelta(minutes=-1))
    assert claim(lab, other, "S2", "RIVER", "src/river", code=3).json["holder"] == "S1", "clocks may differ so much"
    lab.git(hub, "update-ref", "-d", lane_ref("RIVER"))
    put_lane(lab, one, "S1", "RIVER", "src/river", timedelta(minutes=-3))
    put_lane(lab, one, "S1", "DELTA", "src/delta", timedelta(minutes=-3))
    got = claim(lab, other, "S2", "RIVER", "src")
    assert sorted(each["lane"] for each in got.json["taken_over"]) == ["DELTA", "RIVER"]
    rows = [line for line in lab.show(hub, BOARD).decode().splitlines() if "lease=" in line]
    assert len(rows) == 4, "two old claims, the new one, and the end of DELTA"
    assert "taken over from S1" in rows[-1] + rows[-2]
    lost = lab.guard(one, "renew", env=as_session("S1"))
    assert "holds no lane" in lost.out
    assert lab.guard(one, "release", "RIVER", env=as_session("S1"), code=3).code == 3


def test_sessions_that_never_came_back_leave_no_ref_for_ever(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """A week after its end the next start takes its ref away, unless it holds a lane; its number is not given again."""
    hub, one, other = place
    when = datetime.now(UTC).replace(microsecond=0)
    tree = lab.git(one, "hash-object", "-w", "-t", "tree", "--stdin", input=b"")
    for number, days in ((3, 8), (4, 8), (5, 6), (6, 8)):
        ends = spell(when - timedelta(days=days))
        said = Session(f"S{number}", f"{number:012x}", ends, ends)
        lab.put_ref(one, said.ref, lab.git(one, "commit-tree", tree, input=said.message().encode()))
    put_lane(lab, one, "S4", "RIVER", "src/river", timedelta(days=-8))
    assert lab.guard(other, "start", "--json").json["session"] == "S7"
    assert sorted(lab.refs(hub, "refs/guard/sessions")) == [f"refs/guard/sessions/{n}" for n in (4, 5, 7)]
    assert lab.guard(one, "handoff", "-m", "late", "--json", env=as_session("S3")).json["recorded"] is True


def test_a_late_renewal_gets_its_paths_back_only_if_nobody_took_them(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """A session that comes back after its end goes on, unless another one is at its paths now."""
    hub, one, other = place
    put_lane(lab, one, "S1", "RIVER", "src/river", timedelta(minutes=-3))
    assert lab.guard(one, "renew", "--json", env=as_session("S1")).json["lanes"][0]["lane"] == "RIVER"
    assert claim(lab, other, "S2", "SEA", "src", code=3).json["holder"] == "S1"
    lab.git(hub, "update-ref", "-d", lane_ref("RIVER"))
    claim(lab, other, "S2", "SEA", "src")
    put_lane(lab, one, "S1", "RIVER", "src/river", timedelta(minutes=-3))
    assert lab.guard(one, "renew", "--json", env=as_session("S1"), code=3).json["holder"] == "S2"


def test_a_lost_answer_is_a_win(lab: Lab) -> None:
    """The hub took the push and the connection broke before it said so: the claim is known to be in."""
    [here] = lab.fleet("one")
    claim(lab, here, "S9", "WARM-UP", "warm")
    hook = lab.hub / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    got = claim(lab, here, "S1", "RIVER", "src").json
    hook.unlink()
    assert (got["session"], got["renewed"]) == ("S1", False)
    assert lanes(lab, lab.hub)["RIVER"]["session"] == "S1"
    assert lab.guard(here, "start", "--json").json["session"] == "S10"


def test_offline_nothing_is_claimed(lab: Lab) -> None:
    """Without the hub every command says so with exit 2, and nothing looks like a claim afterwards."""
    [here] = lab.fleet("one")
    lab.guard(here, "start")
    lab.hub.rename(lab.root / "away")
    before = lab.refs(here)
    for words in (("start",), ("claim", "RIVER", "--scope", "src"), ("renew",), ("release", "RIVER")):
        said = lab.guard(here, *words, "--json", code=2)
        assert said.json["error"]["kind"] == "network", words
        assert "cannot be read" in said.err
    assert lab.refs(here) == before


def test_garbage_among_the_refs_stops_nobody(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """A ref that says nothing can be claimed over; one that says another lane's name is not believed."""
    hub, one, other = place
    head = lab.rev(one)
    lab.put_ref(one, lane_ref("RIVER"), head)
    lab.put_ref(one, "refs/guard/lanes/nonsense", head)
    lab.put_ref(one, "refs/guard/sessions/7", head)
    lab.put_ref(one, "refs/guard/sessions/none", head)
    assert claim(lab, other, "S2", "RIVER", "src").json["session"] == "S2"
    assert lab.guard(one, "start", "--json").json["session"] == "S8"
    assert lab.git(hub, "rev-parse", "refs/guard/lanes/nonsense") == head


def test_no_name_of_a_ref_spoils_the_numbers(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """Names that are no numbers, and numbers as long as dates, count for nothing; the last number is an error."""
    _, one, other = place
    head = lab.rev(one)
    for name in ("x7", "\u00b2", "999999999", "20260105", "07"):
        lab.put_ref(one, f"refs/guard/sessions/{name}", head)
        lab.put_ref(one, f"refs/guard/lessons/{name}", head)
    assert lab.guard(other, "start", "--json").json["session"] == "S1"
    said = lab.guard(other, "lesson", "one", "--json", env=as_session("S1"))
    assert said.json["number"] == 1
    lab.put_ref(one, "refs/guard/sessions/999999", head)
    assert "999999 is taken" in lab.guard(other, "start", "--json", code=2).err


@pytest.mark.parametrize("scope", [["\ud800"], ["a\x00b"], ["a/**/b"] * 50_000], ids=["no byte", "nul", "many"])
def test_a_hostile_scope_stops_nobody(lab: Lab, place: tuple[Path, Path, Path], scope: list[str]) -> None:
    """A lane that nobody could have claimed so is not believed."""
    _, one, other = place
    put_lane(lab, one, "S1", "RIVER", "src", timedelta(hours=1))
    said = Lane("S1", "0" * 12, *2 * ("2026-01-05T10:00:00Z",), lane="SEA", scope=tuple(scope))
    tree = lab.git(one, "hash-object", "-w", "-t", "tree", "--stdin", input=b"")
    lab.put_ref(one, said.ref, lab.git(one, "commit-tree", tree, input=said.message().encode()))
    assert claim(lab, other, "S2", "LAKE", "a/x/b").json["session"] == "S2"
    assert [each["lane"] for each in lab.guard(other, "orient", "--json").json["lanes"]] == ["LAKE", "RIVER"]


def test_a_path_of_any_bytes_can_be_claimed(lab: Lab) -> None:
    """A name that is no UTF-8 is a name: its lane keeps others out of it, in hooks too."""
    [here] = lab.fleet("one")
    lab.guard(here, "install")
    claim(lab, here, "S1", "ODD", "src/\udcff")
    assert claim(lab, here, "S2", "TOO", "src/\udcff/deep", code=3).json["holder"] == "S1"
    path = here / "src" / "\udcff"
    path.parent.mkdir()
    path.write_text("x\n")
    lab.git(here, "add", "--", "src/\udcff")
    said = lab.run(here, "git", "commit", "-m", "[S2] odd: mine", env=as_session("S2"))
    assert (said.code, "G203" in said.err) == (1, True)


def test_a_lock_that_somebody_left_stops_no_claim(lab: Lab) -> None:
    """Where the index of a lone repository is locked, or the board is being edited, the row comes with the next one."""
    here = lab.lone()
    claim(lab, here, "S1", "RIVER", "src")
    lock = here / ".git" / "index.lock"
    lock.touch()
    said = claim(lab, here, "S1", "SEA", "sea")
    assert (said.json["recorded"], "index.lock" in said.err) == (False, True)
    lock.unlink()
    edited = (here / BOARD).read_bytes() + b"my own words\n"
    (here / BOARD).write_bytes(edited)
    said = claim(lab, here, "S1", "LAKE", "lake")
    assert (said.json["recorded"], f"guard commit -m 'what: why' {BOARD}" in said.err) == (False, True)
    assert (here / BOARD).read_bytes() == edited
    lab.guard(here, "commit", "-m", "board: words", BOARD, env=as_session("S1"))
    claim(lab, here, "S1", "POND", "pond")
    board = lab.show(here, BOARD).decode()
    assert [board.count(f"| {lane} |") for lane in ("RIVER", "SEA", "LAKE", "POND")] == [1, 1, 1, 1]
    assert "my own words" in board


def test_a_release_run_again_says_so(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """Who was cut off runs it again: the board says that it is done, also when its ref is gone; others are told no."""
    hub, one, _ = place
    claim(lab, one, "S1", "RIVER", "src", "docs")
    for _ in range(2):
        said = lab.guard(one, "release", "RIVER", "--json", env=as_session("S1")).json
        assert (said["status"], said["scope"]) == ("MERGED", ["src", "docs"])
    assert "refs/guard/lanes" not in " ".join(lab.refs(hub))
    assert "nobody holds" in lab.guard(one, "release", "RIVER", env=as_session("S2"), code=2).err
    assert lab.show(hub, BOARD).decode().count("lease=") == 2


def test_a_scope_that_changes_is_a_row_of_its_own(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """Claiming again with other paths says so on the board; claiming the same again adds nothing."""
    hub, one, _ = place
    for scope in ("src", "docs", "docs"):
        claim(lab, one, "S1", "RIVER", scope)
    rows = [line.split("|")[9].strip() for line in lab.show(hub, BOARD).decode().splitlines() if "lease=" in line]
    assert rows == ["src", "docs"]
    assert lanes(lab, hub)["RIVER"]["scope"] == ["docs"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("claim", "RIVER"), "without a scope"),
        (("claim", "", "--scope", "src"), "cannot be the name"),
        (("claim", "a\nb", "--scope", "src"), "cannot be the name"),
        (("claim", "RIVER", "--scope", "../up"), "--scope"),
        (("claim", "RIVER", "--scope", "/etc"), "outside"),
        (("claim", "RIVER", "--scope", ""), "--scope"),
        (("release", "RIVER", "--status", "GONE"), "not a way"),
        (("release", "RIVER"), "nobody holds"),
    ],
)
def test_what_cannot_be_claimed_is_said(lab: Lab, words: tuple[str, ...], says: str) -> None:
    """Mistakes on the command line exit with 2, say what helps, and leave no ref."""
    here = lab.lone()
    said = lab.guard(here, *words, env=as_session("S1"), code=2)
    assert says in said.err
    assert not lab.refs(here, "refs/guard")
    assert "no session" in lab.guard(here, "claim", "RIVER", "--scope", "src", code=2).err


def test_a_scope_is_seen_from_where_the_command_is_given(lab: Lab) -> None:
    """A path is relative to the folder, as git takes it; a dot at the top is everything."""
    here = lab.lone()
    (here / "src").mkdir()
    deep = lab.guard(here / "src", "claim", "A", "--scope", "river/", "--json", env=as_session("S1")).json
    assert deep["scope"] == ["src/river"]
    top = lab.guard(
        here, "claim", "A", "--scope", ".", "--scope", str(here / "docs"), "--json", env=as_session("S1")
    ).json
    assert top["scope"] == ["**", "docs"]


def test_a_branch_that_cannot_be_pushed_leaves_the_claim(lab: Lab) -> None:
    """Where the hub takes refs and no branch, the claim stands and says that its row is still to come."""
    [here, other] = lab.fleet("one", "other")
    refuse(lab, "case $ref in refs/heads/*) echo protected >&2; exit 1;; esac")
    got = claim(lab, here, "S1", "RIVER", "src")
    assert got.json["recorded"] is False
    assert "not visible" in got.err
    (lab.hub / "hooks" / "pre-receive").unlink()
    claim(lab, other, "S2", "SEA", "tests")
    rows = [line.split("|")[2].strip() for line in lab.show(lab.hub, BOARD).decode().splitlines() if "lease=" in line]
    assert sorted(rows) == ["RIVER", "SEA"], "whoever publishes next adds what is missing"


def test_a_number_that_works_already_is_not_given_again(lab: Lab) -> None:
    """Who works under a number that nobody allocated has it, also while the board cannot say so."""
    here, other = lab.fleet("one", "other")
    refuse(lab, "case $ref in refs/heads/*) exit 1;; esac")
    claim(lab, here, "S9", "RIVER", "src")
    assert lab.guard(other, "start", "--json").json["session"] == "S10"


def test_a_hub_that_lets_no_ref_go_gets_the_records_all_the_same(lab: Lab) -> None:
    """Where refs cannot be deleted they stay, and the board still shows everything."""
    [here] = lab.fleet("one")
    refuse(lab, "case $new in *[!0]*) ;; *) exit 1;; esac")
    claim(lab, here, "S1", "RIVER", "src")
    said = lab.guard(here, "release", "RIVER", "--json", env=as_session("S1"))
    assert (said.json["recorded"], "not visible" in said.err) == (True, False)
    claim(lab, here, "S1", "SEA", "sea")
    rows = [line.split("|")[11].strip() for line in lab.show(lab.hub, BOARD).decode().splitlines() if "lease=" in line]
    assert rows == ["CLAIMED", "MERGED", "CLAIMED"]


def refuse(lab: Lab, case: str) -> None:
    """Let the hub refuse pushes."""
    hook = lab.hub / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\nwhile read old new ref; do {case}; done\n")
    hook.chmod(0o755)


@pytest.mark.parametrize(
    "there", [{f"{BOARD}/x.txt": "x\n"}, {"tasks": "a file\n"}, {BOARD: None}], ids=["folder", "file", "link"]
)
def test_records_take_the_place_of_nothing_else(
    lab: Lab, place: tuple[Path, Path, Path], there: dict[str, str | None]
) -> None:
    """A folder, a link or a file in the way of the board stays; the claim stands, and what is in the way is named."""
    hub, one, _ = place
    for path, data in there.items():
        if data is None:
            (one / path).parent.mkdir()
            (one / path).symlink_to("../README.md")
        else:
            lab.write(one, {path: data})
        lab.git(one, "add", "--", path)
    lab.git(one, "commit", "-q", "-m", "[S1] lab: in the way")
    if hub != one:
        lab.git(one, "push", "-q", "origin", "HEAD:main")
    before = lab.paths(hub)
    said = claim(lab, one, "S1", "RIVER", "src")
    assert said.json["recorded"] is False
    assert next(iter(there)) in said.err
    lab.guard(one, "handoff", "-m", "done", env=as_session("S1"))
    now = lab.paths(hub)
    assert {path: now.get(path) for path in before} == before


def test_a_lone_repository_that_takes_no_ref_says_why_at_once(lab: Lab) -> None:
    """A refusal is no lost race: it is told, and not tried forty times."""
    here = lab.lone()
    hook = here / ".git" / "hooks" / "reference-transaction"
    hook.write_text(
        "#!/bin/sh\ncase $1 in prepared) echo not today >&2; grep -q refs/guard/ && exit 1;; esac; exit 0\n"
    )
    hook.chmod(0o755)
    said = claim(lab, here, "S1", "RIVER", "src", code=2)
    assert "not today" in said.err
    assert said.err.count("try ") <= 8


@pytest.mark.parametrize(
    "words", [("start",), ("start", "--worktree"), ("sync",), ("commit", "-m", "a: b", "README.md")]
)
def test_what_the_system_refuses_is_told(lab: Lab, words: tuple[str, ...]) -> None:
    """A folder that cannot be made and a full disk are exit 2 with one object, and no traceback."""
    here, other = lab.fleet("one", "other")
    lab.commit_push(other, {"new.txt": "new\n"})
    lab.write(here, {"README.md": "changed\n"})
    (here / ".git" / "guard").write_text("in the way")
    assert lab.guard(here, *words, "--json", env=as_session("S1"), code=2).json["error"]["kind"] == "state"
    (here / ".git" / "guard").unlink()
    limited = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-c", "from guard.cli import main; main()")
    said = lab.run(here, *limited, *words, "--json", env=as_session("S1"))
    assert "Traceback" not in said.all
    assert (said.code, said.json["exit"]) == (2, 2)


def test_the_prefix_is_the_policys(lab: Lab) -> None:
    """For hosts that take branches alone, claims and sessions are branches there; everything works the same."""
    [seed] = lab.fleet("seed-clone")
    lab.commit_push(
        seed, {"guard.toml": (seed / "guard.toml").read_text() + '[repository]\nrefs = "refs/heads/guard/"\n'}
    )
    one, other = lab.clone("one"), lab.clone("other")
    assert lab.guard(one, "start", "--json").json["session"] == "S2"
    claim(lab, one, "S2", "RIVER", "src")
    assert claim(lab, other, "S3", "RIVER", "src", code=3).json["holder"] == "S2"
    names = [ref for ref in lab.refs(lab.hub) if ref != "refs/heads/main"]
    assert names
    assert all(ref.startswith("refs/heads/guard/") for ref in names)


def test_every_command_of_a_session_renews_its_leases(lab: Lab, place: tuple[Path, Path, Path]) -> None:
    """A lease with less than half of its time left is renewed by the way, without a word; a fresh one is left alone."""
    hub, one, other = place
    first = claim(lab, one, "S1", "RIVER", "src").json
    oid = lab.refs(hub, "refs/guard/lanes")[lane_ref("RIVER")]
    lab.guard(one, "config", env=as_session("S1"))
    assert lab.refs(hub, "refs/guard/lanes")[lane_ref("RIVER")] == oid
    put = lanes(lab, hub)["RIVER"]
    late = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=20)
    old = Lane(
        **{**{key: put[key] for key in put if key != "kind"}, "scope": tuple(put["scope"]), "expires": spell(late)}
    )
    commit = lab.git(one, "commit-tree", f"{oid}^{{tree}}", input=old.message().encode())
    if hub == one:
        lab.git(one, "update-ref", lane_ref("RIVER"), commit)
    else:
        lab.git(one, "push", "-q", "--force", "origin", f"{commit}:{lane_ref('RIVER')}")
    [note] = Path(lab.git(one, "rev-parse", "--absolute-git-dir")).glob("guard/renew-S1")
    note.write_text(f"{spell(late - timedelta(hours=1))}\n")
    lab.guard(other, "config", env=as_session("S1"))
    assert lanes(lab, hub)["RIVER"]["expires"] == spell(late), "this work tree made no claim"
    said = lab.guard(one, "config", env=as_session("S1"))
    assert lanes(lab, hub)["RIVER"]["expires"] >= first["expires"]
    assert said.err == ""
    lab.guard(one, "release", "RIVER", env=as_session("S1"))
    assert not note.exists()
