"""A session from its start to its hand-off, and what those who come next find."""

from pathlib import Path

import pytest
from walks.lab import INBOX, Lab, delta, post

from guard.policy import archive_of

BOARD, NOTES, INDEX = "tasks/SWARM-LANES.md", "tasks/NEXT.md", "memory/INDEX.md"
S5 = {"GUARD_SESSION": "S5"}


@pytest.fixture(params=["hub", "lone"])
def place(request: pytest.FixtureRequest, lab: Lab) -> tuple[Path, Path]:
    """The repository that holds the truth, and where a session works."""
    if request.param == "hub":
        [here] = lab.fleet("here")
        return lab.hub, here
    lone = lab.lone()
    return lone, lone


def test_a_hand_off_leaves_notes_and_frees_the_lanes(lab: Lab, place: tuple[Path, Path]) -> None:
    """Commits are pushed, lanes end, notes and index say what was done; the refs are gone once that is visible."""
    hub, here = place
    for lane in ("RIVER", "SEA"):
        lab.guard(here, "claim", lane, "--scope", lane.lower(), env=S5)
    if hub != here:
        lab.git(here, "pull", "-q", "--ff-only", "origin", "main")
    made = lab.commit(here, {"river/a.txt": "a\n"}, "[S5] river: dredged")
    words = ("handoff", "-m", "the river is dredged\n\nit took a while", "--next", "the sea", "--pass", "SEA")
    said = lab.guard(here, *words, "--lesson", "dredge before the flood", "--json", env=S5).json
    assert [(each["lane"], each["status"]) for each in said["lanes"]] == [("RIVER", "MERGED"), ("SEA", "READY")]
    assert said["recorded"] is True
    assert lab.git(hub, "merge-base", made, "main") == made
    notes = lab.show(hub, NOTES).decode()
    assert "the river is dredged" in notes.split("\n")[0]
    assert "the sea" in notes
    assert "it took a while" in notes
    assert "S5" in lab.show(hub, INDEX).decode()
    lesson = lab.show(hub, "memory/lessons/L-001-dredge-before-the-flood.md").decode()
    assert lesson.startswith("# L-001: dredge before the flood")
    states = [line.split("|")[11].strip() for line in lab.show(hub, BOARD).decode().splitlines() if "lease=" in line]
    assert states == ["CLAIMED", "CLAIMED", "MERGED", "READY"]
    assert list(lab.refs(hub, "refs/guard/lanes", "refs/guard/lessons")) == []
    assert list(lab.refs(hub, "refs/guard/sessions")) == ["refs/guard/sessions/5"], "the newest number stays"
    again = lab.guard(here, *words[:3], env=S5)
    assert again.code == 0
    assert lab.show(hub, NOTES).decode() == notes, "said once is enough"
    assert lab.guard(here, "start", "--json").json["session"] == "S6"
    assert lab.guard(here, "verify", code=None).code == 0


def test_a_hand_off_waits_for_what_is_not_committed(lab: Lab, place: tuple[Path, Path]) -> None:
    """Uncommitted work in a claimed lane stops it with everything as it was; told to leave it, the notes say where."""
    hub, here = place
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=S5)
    lab.write(here, {"river/new file.txt": "mine\n", "elsewhere.txt": "not claimed\n"})
    before = lab.picture(here), lab.refs(hub)
    said = lab.guard(here, "handoff", "-m", "done", env=S5, code=2)
    assert "river/new file.txt" in said.err
    assert "elsewhere" not in said.err
    assert (lab.picture(here), lab.refs(hub)) == before
    left = lab.guard(here, "handoff", "-m", "done", "--leave", "--json", env=S5).json["left"]
    assert left == ["river/new file.txt"]
    assert f"left uncommitted** in {here}" in lab.show(hub, NOTES).decode()
    assert (here / "river/new file.txt").read_text() == "mine\n"


def test_work_that_cannot_be_pushed_keeps_its_lane(lab: Lab) -> None:
    """Where the session's commits do not get to the hub, nothing is released, and the way out is named."""
    here, other = lab.fleet("here", "other")
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=S5)
    lab.commit_push(other, {"x.txt": "x\n"})
    lab.commit(here, {"river/a.txt": "a\n"})
    said = lab.guard(here, "handoff", "-m", "done", env=S5, code=2)
    assert "guard sync" in said.err
    assert lab.guard(other, "claim", "RIVER", "--scope", "river", env={"GUARD_SESSION": "S6"}, code=3).code == 3


def test_a_push_that_fails_once_is_tried_again(lab: Lab) -> None:
    """A hub that says no once, or that has the commits already, does not stop a hand-off."""
    [here] = lab.fleet("here")
    lab.commit(here, {"river/a.txt": "a\n"}, "[S5] river: a")
    hook = lab.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nmkdir once 2>/dev/null && exit 1; exit 0\n")
    hook.chmod(0o755)
    assert lab.guard(here, "handoff", "-m", "done", "--json", env=S5).json["pushed"] == "main"
    made = lab.commit(here, {"river/b.txt": "b\n"}, "[S5] river: b")
    hook.write_text("#!/bin/sh\nexit 1\n")
    said = lab.guard(here, "handoff", "-m", "more", env=S5, code=2)
    assert "guard sync" in said.err
    hook.unlink()
    lab.guard(here, "sync")
    lab.guard(here, "handoff", "-m", "more", env=S5)
    assert lab.git(lab.hub, "merge-base", made, "main") == made


def test_work_on_no_branch_keeps_its_lane(lab: Lab) -> None:
    """Commits of a detached HEAD would be found by nobody: they get a branch first."""
    [here] = lab.fleet("here")
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=S5)
    lab.git(here, "switch", "-q", "--detach")
    made = lab.commit(here, {"river/a.txt": "a\n"}, "[S5] river: a")
    said = lab.guard(here, "handoff", "-m", "done", env=S5, code=2)
    assert "on no branch" in said.err
    lab.git(here, "switch", "-q", "-c", "s5")
    assert lab.guard(here, "handoff", "-m", "done", "--json", env=S5).json["pushed"] == "s5"
    assert lab.rev(lab.hub, "s5") == made


def test_everything_that_is_handed_off_is_noted_once(lab: Lab, place: tuple[Path, Path]) -> None:
    """Other words of one session are another section, also where the branch was closed; the same words are not."""
    hub, here = place
    other = {"GUARD_SESSION": "S6"}
    words = ("one\n\nand more", "two", "two", "one\n\nbut else")
    for text in words:
        lab.guard(here, "handoff", "-m", text, env=S5)
    lab.guard(here, "claim", "SEA", "--scope", "sea", env=other)
    lab.guard(here, "handoff", "-m", "bye", env=other)  # which takes the ref of S5 away
    assert "refs/guard/sessions/5" not in lab.refs(hub)
    lab.guard(here, "handoff", "-m", "two", env=S5)
    lab.guard(here, "handoff", "-m", "bye", env=other)
    notes = lab.show(hub, NOTES).decode()
    assert [notes.count(text) for text in ("and more", ": two", "but else", ": bye")] == [1, 1, 1, 1]
    assert lab.show(hub, INDEX).decode().count("lease=") == 4


def test_hand_offs_that_have_to_wait_are_all_noted(lab: Lab) -> None:
    """While the hub takes no branch, each hand-off of a session waits in its ref, behind the newer ones."""
    [here] = lab.fleet("here")
    hook = lab.hub / "hooks" / "update"
    hook.write_text("#!/bin/sh\ncase $1 in refs/heads/*) exit 1;; esac\n")
    hook.chmod(0o755)
    for text in ("first", "second"):
        lab.guard(here, "claim", text.upper(), "--scope", text, env=S5)
        lab.guard(here, "handoff", "-m", text, env=S5)
    hook.unlink()
    lab.guard(here, "claim", "SEA", "--scope", "sea", env={"GUARD_SESSION": "S6"})
    notes = lab.show(lab.hub, NOTES).decode()
    assert "first" in notes
    assert "second" in notes
    assert "FIRST" in notes


def test_a_lesson_said_again_is_one(lab: Lab, place: tuple[Path, Path]) -> None:
    """Run again, whether its file is there yet or not, a lesson keeps its number; another session's is another one."""
    hub, here = place
    lab.write(here, {"body.md": "Wait for the tide.\n"})
    words = ("lesson", "the tide comes twice a day", "--body-file", "body.md", "--json")
    first = lab.guard(here, *words, env=S5).json
    again = lab.guard(here, *words, env=S5)
    assert (again.json["number"], again.json["path"]) == (first["number"], first["path"])
    assert "says much the same" not in again.err
    assert lab.guard(here, *words, env={"GUARD_SESSION": "S6"}).json["number"] == first["number"] + 1
    assert len([path for path in lab.paths(hub) if path.startswith("memory/lessons/")]) == 2


def test_a_lesson_gets_a_number_and_a_warning_where_it_was_learned_before(lab: Lab, place: tuple[Path, Path]) -> None:
    """Numbers go on where the files are; the body comes from a file or from standard input."""
    hub, here = place
    lab.commit(here, {"memory/lessons/L-041.md": "# L-041: copy the inputs and check that they came\n\nSession: S1\n"})
    if hub != here:
        lab.git(here, "push", "-q", "origin", "HEAD:main")
    lab.write(here, {"body.md": "A copy that may fail is no copy.\n"})
    words = ("lesson", "copy all inputs and check that they came", "--body-file", "body.md", "--json")
    said = lab.guard(here, *words, env=S5)
    assert said.json["number"] == 42
    assert "L-041.md says much the same" in said.err
    assert "no copy" in lab.show(hub, said.json["path"]).decode()
    assert lab.guard(here, "lesson", "x\ny", env=S5, code=0).code == 0
    assert "cannot be read" in lab.guard(here, "lesson", "z", "--body-file", "no", env=S5, code=2).err


def test_orient_shows_what_is_there_and_what_is_due(lab: Lab, place: tuple[Path, Path]) -> None:
    """Lanes, newest notes, unmerged deltas, drifted counts, old stashes; and which command comes next."""
    hub, here = place
    empty = lab.guard(here, "orient", "--json").json
    assert (empty["session"], empty["lanes"], empty["due"]) == (None, [], [])
    assert empty["next"].startswith("guard start")
    lab.commit(here, {f"{INBOX}/frame-1-a.json": delta(1, "a", posts_created=[post(1)])})
    lab.commit(here, {NOTES: "# Next\n\n## S4 session note\n- four\n\n## S3 session note\n- three\n"})
    if hub != here:
        lab.git(here, "push", "-q", "origin", "HEAD:main")
    lab.write(here, {"README.md": "changed\n"})
    lab.git(here, "stash")
    lab.guard(here, "claim", "RIVER", "--scope", "river", "--intent", "dredge it", env=S5)
    said = lab.guard(here, "orient", env=S5)
    told = lab.guard(here, "orient", "--json", env=S5).json
    assert [each["lane"] for each in told["lanes"]] == ["RIVER"]
    assert [each["session"] for each in told["notes"]] == [4, 3]
    fixes = [each["fix"] for each in told["due"]]
    assert "guard merge" in fixes
    assert any("stash" in each["what"] for each in told["due"])
    for part in ("S5 on main", "RIVER", "dredge it", "S4 session note", "guard merge", "guard commit"):
        assert part in said.out


def test_orient_works_offline_and_in_bare_repositories(lab: Lab) -> None:
    """Without the hub it shows what was fetched last, and says so."""
    [here] = lab.fleet("here")
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=S5)
    assert lab.guard(lab.hub, "orient", "--json").json["lanes"][0]["lane"] == "RIVER"
    lab.hub.rename(lab.root / "away")
    said = lab.guard(here, "orient", "--json", env=S5)
    assert (said.json["asked"], said.json["lanes"][0]["lane"]) == (False, "RIVER")
    assert "last fetched" in said.err
    assert lab.guard(here, "board", "--json").json["lanes"][0]["session"] == "S5"


def test_the_board_is_shown_by_state_and_age(lab: Lab, place: tuple[Path, Path]) -> None:
    """Held lanes first, then open rows of others, then closed ones; as a table, as Markdown, as JSON."""
    hub, here = place
    rows = "".join(
        f"| 2026-01-{day:02d} | OLD-{day} | S{day} | src/{day} | {state} |\n"
        for day, state in [(1, "MERGED"), (2, "READY"), (3, "ABANDONED")]
    )
    table = f"# Lanes\n\n| Date | Lane | Session | Scope | Status |\n|---|---|---|---|---|\n{rows}"
    lab.commit(here, {BOARD: table})
    if hub != here:
        lab.git(here, "push", "-q", "origin", "HEAD:main")
    lab.guard(here, "claim", "A|B", "--scope", "river", env=S5)
    lanes = lab.guard(here, "board", "--json").json["lanes"]
    assert [(each["lane"], each["state"]) for each in lanes] == [
        ("A|B", "CLAIMED"),
        ("OLD-2", "READY"),
        ("OLD-3", "ABANDONED"),
        ("OLD-1", "MERGED"),
    ]
    said = lab.guard(here, "board")
    assert said.out.index("A|B") < said.out.index("OLD-2") < said.out.index("OLD-1")
    assert "A\\|B" in lab.guard(here, "board", "--markdown").out
    assert lab.show(hub, BOARD).decode().startswith(table), "the table that was found stays as it was"


def test_log_answers_exactly(lab: Lab, place: tuple[Path, Path]) -> None:
    """S15, S1500 and numbers in bodies do not match S150 to S159; files and lanes are there."""
    hub, here = place
    for number in (15, 149, 150, 159, 160, 1500):
        lab.commit(here, {f"f-{number}": f"{number}\n"}, f"[S{number}] work: on {number}")
    lab.commit(here, {"g": "g\n"}, "[S7] other: thing\n\n[S151] is not who did it")
    if hub != here:
        lab.git(here, "push", "-q", "origin", "HEAD:main")
    lab.guard(here, "claim", "RIVER", "--scope", "river", env={"GUARD_SESSION": "S159"})
    told = lab.guard(here, "log", "S150-S159", "--json").json["sessions"]
    assert [each["session"] for each in told] == ["S150", "S159"]
    assert told[0]["commits"][0]["files"] == ["f-150"]
    assert told[1]["lanes"] == [{"lane": "RIVER", "state": "CLAIMED"}]
    assert told[1]["commits"][0]["files"] == ["f-159"]
    assert "ends before" in lab.guard(here, "log", "S15-S14", code=2).err
    assert lab.guard(here, "log", "S152", "--json").json["sessions"] == []
    assert "neither" in lab.guard(here, "log", "S1x", code=2).err


def test_rotation_moves_and_loses_nothing(lab: Lab, place: tuple[Path, Path]) -> None:
    """Rows of closed lanes and old sections go to the archives, in a commit that the rules pass; once is enough."""
    hub, here = place
    rows = "".join(f"| 2026-01-01 | OLD-{n} | S1 | src | MERGED |\n" for n in range(6))
    notes = "".join(f"## S{n} session note\n- of {n}\n\n" for n in range(9, 1, -1))
    table = f"| Date | Lane | Session | Scope | Status |\n|---|---|---|---|---|\n{rows}"
    lab.commit(here, {BOARD: table, NOTES: f"# Next\n\n{notes}"})
    if hub != here:
        lab.git(here, "push", "-q", "origin", "HEAD:main")
    lab.guard(here, "claim", "RIVER", "--scope", "river", env=S5)
    before = lab.rev(hub, "main")
    words = ("rotate", "--keep-lanes", "2", "--keep-sections", "3")
    assert lab.guard(here, *words, "--dry-run", "--json", env=S5).json["moved"]
    assert lab.rev(hub, "main") == before
    lab.guard(here, *words, env=S5)
    for path, word in ((BOARD, "OLD-"), (NOTES, "session note")):
        old = lab.show(hub, path, before).decode()
        new, archive = lab.show(hub, path).decode(), lab.show(hub, archive_of(path)).decode()
        assert old.count(word) == new.count(word) + archive.count(word)
        assert archive.count(word) > 0
    if hub != here:
        lab.git(here, "fetch", "-q")
    main = "origin/main" if hub != here else "main"
    assert lab.guard(here, "check", "--range", f"{before}..{main}").code == 0
    again = lab.rev(hub, "main")
    assert "nothing is old enough" in lab.guard(here, *words, env=S5).out
    assert lab.rev(hub, "main") == again
    lab.guard(here, "claim", "OLD-0", "--scope", "src", env=S5)
