"""What a new user of sessions ran into: every remedy can be pasted as it stands, and what is printed is true."""

import re
import shlex
from pathlib import Path

import pytest
from walks.hooked import guarded
from walks.lab import GUARD, ROOT, Lab

GROUPS = ["set up", "sessions", "frames", "repair"]


def fix(said: str) -> str:
    """The first remedy that was printed."""
    return next(line.removeprefix("  fix: ") for line in said.splitlines() if line.startswith("  fix: "))


def pasted(lab: Lab, here: Path, command: str) -> tuple[int, str]:
    """Run a line as it was printed, by a shell that knows `guard`."""
    binary = lab.root / "bin" / "guard"
    if not binary.exists():
        binary.parent.mkdir()
        binary.write_text(f'#!/bin/sh\nexec {shlex.join(GUARD)} "$@"\n')
        binary.chmod(0o755)
    said = lab.run(here, "sh", "-c", command, env={"PATH": f"{binary.parent}:{lab.env['PATH']}"})
    return said.code, said.all


def test_help_shows_groups_in_the_order_of_work(lab: Lab) -> None:
    """Setting up comes first, repair last; every command that the README lists is there, and no other."""
    said = lab.guard(lab.root, "--help", env={"COLUMNS": "80"}).out
    places = [said.index(f"─ {group} ─") for group in GROUPS]
    assert places == sorted(places)
    shown = {line.split()[1] for line in said[places[0] :].splitlines() if line[:3] == "│ " + line[2:3].strip()}
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| `guard ")]
    listed = {part.split("`")[0].split()[0] for row in rows for part in row.split("|")[1].split("`guard ")[1:]}
    assert shown == listed
    assert len(shown) > 20


@pytest.mark.parametrize("how", ["recorded", "variable"])
def test_status_says_which_session_is_at_work(lab: Lab, how: str) -> None:
    """`guard start` gave it to this work tree, or the environment says so; nobody's tree says that it is nobody's."""
    here = lab.lone()
    if how == "recorded":
        lab.guard(here, "start")
    env = {"GUARD_SESSION": "S1"} if how == "variable" else {}
    told = lab.guard(here, "status", "--json", env=env).json
    assert told["session"] == "S1"
    assert {"layer": "session", "state": "S1"}.items() <= next(
        each.items() for each in told["layers"] if each["layer"] == "session"
    )
    assert lab.guard(here, "status", "--json", env={"GUARD_SESSION": "primary"}).json["session"] is None


def test_what_init_says_to_run_passes_where_a_session_is_at_work(lab: Lab) -> None:
    """The commit is made under the recorded session's number, and a branch that was never pushed gets its upstream."""
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    here = lab.clone("here")
    lab.git(here, "checkout", "-q", "-B", "main")
    lab.git(here, "config", "--remove-section", "branch.main", code=None)
    lab.commit(here, {"a.txt": "a\n"})
    session = lab.guard(here, "start", "--json").json["session"]
    command = lab.guard(here, "init", "--json").json["next"]
    assert command == fix(lab.guard(here, "status").out), "status names the same command"
    code, said = pasted(lab, here, command)
    assert code == 0, said
    assert lab.git(lab.hub, "log", "-1", "--format=%s", "main") == f"[{session}] guard: adopt"
    assert lab.guard(here, "status", "--json").json["protected"] is True


@pytest.mark.parametrize("subject", ["a file", "mine: a file", "[S7] mine: a file", "[S7] a file", "it's late"])
def test_the_remedy_for_a_subject_passes_in_a_session(lab: Lab, subject: str) -> None:
    """git's and guard's own: both carry the number of the session at work, the words and the files."""
    here = guarded(lab)
    env = {"GUARD_SESSION": "S3"}
    lab.write(here, {"mine.txt": "mine\n", "other file.txt": "other\n"})
    lab.git(here, "add", "--", "mine.txt")
    refused = lab.run(here, "git", "commit", "-m", subject, env=env)
    assert refused.code != 0
    assert pasted(lab, here, f"export GUARD_SESSION=S3; {fix(refused.err)}")[0] == 0
    again = lab.guard(here, "commit", "-m", subject, "-m", "a body", "other file.txt", env=env, code=None)
    if again.code:
        assert pasted(lab, here, f"export GUARD_SESSION=S3; {fix(again.all)}")[0] == 0
    *subjects, body = lab.git(here, "log", "-2", "--format=%s"), lab.git(here, "log", "-1", "--format=%b")
    assert all(each.startswith("[S3] ") for each in subjects[0].splitlines())
    assert body == "a body"
    assert lab.git(here, "show", "--name-only", "--format=") == "other file.txt"


def test_a_refused_commit_is_not_the_first_one(lab: Lab) -> None:
    """The hint at a work tree of one's own comes with a session's second commit, not with the second try."""
    here = guarded(lab)
    lab.guard(here, "start")
    for number, subject in enumerate(("late", "[S1] a: one", "[S1] b: two")):
        lab.write(here, {f"{number}.txt": "x\n"})
        lab.git(here, "add", "--", f"{number}.txt")
        said = lab.run(here, "git", "commit", "-m", subject)
        assert ("primary work tree again" in said.err) is (number == 2), said.err


def test_a_hand_off_from_a_branch_says_how_its_work_gets_to_everybody(lab: Lab) -> None:
    """Commits that the state branch lacks are counted, with a command that brings them there."""
    [here] = lab.fleet("here")
    tree = Path(lab.guard(here, "start", "--worktree", "--json").json["worktree"])
    lab.guard(tree, "claim", "RIVER", "--scope", "river")
    lab.write(tree, {"river/a.txt": "a\n"})
    lab.guard(tree, "commit", "-m", "river: dredged", "river/a.txt")
    said = lab.guard(tree, "handoff", "-m", "dredged", "--next", "the sea")
    assert "1 commit not on main yet: " in said.out
    command = said.out.partition("not on main yet: ")[2].splitlines()[0]
    assert pasted(lab, tree, command)[0] == 0
    assert lab.show(lab.hub, "river/a.txt") == b"a\n"
    said = lab.guard(here, "orient")
    assert "    next: the sea\n" in said.out
    assert lab.guard(here, "orient", "--json").json["notes"][0]["next"] == "the sea"


def test_the_index_names_every_lane_of_a_session(lab: Lab) -> None:
    """Also those that it released before it handed off, in the order in which it claimed them."""
    [here] = lab.fleet("here")
    env = {"GUARD_SESSION": "S1"}
    for lane in ("RIVER", "SEA"):
        lab.guard(here, "claim", lane, "--scope", lane.lower(), env=env)
    lab.guard(here, "release", "RIVER", env=env)
    lab.guard(here, "claim", "LAKE", "--scope", "lake", env={"GUARD_SESSION": "S11"})
    lab.guard(here, "handoff", "-m", "done", env=env)
    assert "| RIVER, SEA |" in lab.show(lab.hub, "memory/INDEX.md").decode()
    assert "- **lanes**: RIVER, SEA\n" in lab.show(lab.hub, "tasks/NEXT.md").decode()


def test_a_lane_that_was_just_released_is_of_today(lab: Lab) -> None:
    """A row knows the day alone, so no hours are made up."""
    [here] = lab.fleet("here")
    env = {"GUARD_SESSION": "S1"}
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=env)
    assert " min |" in lab.guard(here, "board", "--markdown").out
    lab.guard(here, "release", "RIVER", env=env)
    assert re.search(r"\| (today|1 d) \|", lab.guard(here, "board", "--markdown").out), "1 d: it was midnight"


def test_what_the_hooks_noted_of_sessions_goes_with_them(lab: Lab) -> None:
    """`guard uninstall` leaves the number of a session at work, and nothing of the hooks."""
    here = guarded(lab)
    lab.guard(here, "start")
    lab.guard(here, "claim", "RIVER", "--scope", "river")
    lab.commit(here, {"river/a.txt": "x\n"}, "[S1] river: a")
    assert (here / ".git/guard/here-S1").exists()
    assert (here / ".git/guard/lanes.json").exists()
    lab.guard(here, "uninstall")
    assert {path.name for path in (here / ".git/guard").iterdir()} <= {"session", "renew-S1"}


@pytest.mark.parametrize("width", [60, 80, 200])
def test_explain_fits_the_screen(lab: Lab, width: int) -> None:
    """Prose is filled anew where it is too wide; commands stay as they are, and no word is lost."""
    said = lab.guard(lab.root, "explain", "G203", env={"COLUMNS": str(width)}).out
    wide = lab.guard(lab.root, "explain", "G203", env={"COLUMNS": "200"}).out
    assert said.split() == wide.split()
    assert all(len(line) <= width for line in said.splitlines() if not line.startswith(" "))
    assert [line for line in said.splitlines() if line.startswith(" ")] == [
        line for line in wide.splitlines() if line.startswith(" ")
    ]
