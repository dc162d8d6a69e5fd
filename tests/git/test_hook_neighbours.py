"""What hooks know of neighbours: lanes that are held, files that stand elsewhere, branches moved past their index."""

import shlex
from pathlib import Path
from unittest.mock import ANY

import pytest
from walks.hooked import git, guarded, refused
from walks.lab import Lab, Said

S1, S2 = {"GUARD_SESSION": "S1"}, {"GUARD_SESSION": "S2"}


@pytest.fixture
def here(lab: Lab) -> Path:
    """A guarded repository in which S2 holds a lane."""
    here = guarded(lab)
    lab.guard(here, "claim", "RIVER", "--scope", "river", "--scope", "docs/*.md", "--intent", "dredge", env=S2)
    return here


def staged(lab: Lab, here: Path, *paths: str) -> None:
    """Write files and stage them by name."""
    lab.write(here, {path: f"{path} {next(lab.clock)}\n" for path in paths})
    lab.git(here, "add", "--", *paths)


@pytest.mark.parametrize("env", [S1, {}], ids=["another session", "nobody"])
def test_anothers_lane_is_closed(lab: Lab, here: Path, env: dict[str, str]) -> None:
    """Whoever commits there is refused, with everything as it was; elsewhere it passes, and the holder passes."""
    staged(lab, here, "river/bed.txt")
    said = refused(lab, here, "commit", "-m", "[S1] river: bed", code="G203", env=env)
    assert "lane RIVER of S2" in said.err
    assert git(lab, here, "commit", "-m", "[S2] river: bed", env=S2).code == 0
    staged(lab, here, "land.txt")
    assert git(lab, here, "commit", "-m", "[S1] land: more", env=env).code == 0


def test_a_session_with_a_lane_stays_in_it(lab: Lab, here: Path) -> None:
    """Paths outside one's own lanes are refused, until one claims them; what all append to is in nobody's lane."""
    lab.guard(here, "claim", "SEA", "--scope", "sea", env=S1)
    staged(lab, here, "land.txt")
    said = refused(lab, here, "commit", "-m", "[S1] land: one", code="G203", env=S1)
    lab.guard(here, "claim", "SEA", "--scope", "sea", "--scope", "land.txt", env=S1)
    assert "guard claim SEA --scope sea --scope land.txt" in said.err
    staged(lab, here, "tasks/NEXT.md")
    assert git(lab, here, "commit", "-m", "[S1] land: one", env=S1).code == 0


@pytest.mark.parametrize("said", ["S1", "s1", "1", "S01", " S1", "S1 "])
def test_a_session_is_known_however_its_number_is_spelled(lab: Lab, here: Path, said: str) -> None:
    """It stays in its lane, and is at home there."""
    lab.guard(here, "claim", "SEA", "--scope", "sea", env=S1)
    staged(lab, here, "land.txt")
    refused(lab, here, "commit", "-m", "[S1] land: one", code="G203", env={"GUARD_SESSION": said})
    lab.git(here, "reset", "-q")
    staged(lab, here, "sea/salt.txt")
    assert git(lab, here, "commit", "-m", "[S1] sea: one", env={"GUARD_SESSION": said}).code == 0


def test_a_released_lane_is_open(lab: Lab, here: Path) -> None:
    """After a release, or in a clone that never heard of it, nobody is refused."""
    lab.guard(here, "release", "RIVER", env=S2)
    staged(lab, here, "river/bed.txt")
    assert git(lab, here, "commit", "-m", "[S1] river: bed", env=S1).code == 0


def test_one_reason_lets_it_pass(lab: Lab, here: Path) -> None:
    """GUARD_ALLOW, with a trailer in the commit."""
    staged(lab, here, "river/bed.txt")
    done = git(lab, here, "commit", "-m", "[S1] river: bed", env={**S1, "GUARD_ALLOW": "G203 S2 asked me to"})
    assert done.code == 0
    assert "Guard-Allow: G203 S2 asked me to" in lab.git(here, "log", "-1", "--format=%B")


@pytest.mark.parametrize("path", ["river/bed.txt", "docs/a b.md"])
def test_git_add_into_a_held_lane_is_warned_of_at_once(lab: Lab, here: Path, path: str) -> None:
    """The holder is named; the holder himself, and files elsewhere, hear nothing."""
    lab.write(here, {path: "x\n", "land.txt": "y\n"})
    said = git(lab, here, "add", "--", "land.txt", path, env=S1)
    assert said.code == 0
    assert f"{path} is in lane RIVER of S2" in said.err
    assert "land.txt" not in said.err
    lab.write(here, {path: "z\n"})
    assert git(lab, here, "add", "--", path, env=S2).err == ""


def test_a_commit_message_with_anothers_number_is_refused(lab: Lab, here: Path) -> None:
    """Where a session is at work, the number must be its own."""
    staged(lab, here, "land.txt")
    said = refused(lab, here, "commit", "-m", "[S2] land: one", code="G401", env=S1)
    assert "[S1] land: one" in said.err
    assert git(lab, here, "commit", "-m", "[S1] land: one", env=S1).code == 0


def test_a_file_that_stands_upstream_is_not_added_again(lab: Lab) -> None:
    """After a fetch, a new file that upstream has with other content is refused; the same content is not."""
    one, other = lab.fleet("one", "other")
    lab.guard(one, "install")
    lab.commit_push(other, {"docs/plan.md": "theirs\n", "docs/same.md": "same\n"})
    lab.git(one, "fetch", "-q")
    lab.write(one, {"docs/plan.md": "mine\n", "docs/same.md": "same\n"})
    lab.git(one, "add", "--", "docs/plan.md", "docs/same.md")
    said = refused(lab, one, "commit", "-m", "[S1] plan: mine", code="G204")
    assert "docs/plan.md" in said.err
    assert "docs/same.md" not in said.err
    lab.git(one, "mv", "docs/plan.md", "docs/plan-2.md")
    assert git(lab, one, "commit", "-m", "[S1] plan: mine").code == 0


def test_a_file_that_lies_in_another_work_tree_is_not_added_again(lab: Lab) -> None:
    """Also one that nobody has committed there yet, and seen from either side."""
    here = guarded(lab)
    there = here.with_name("there")
    lab.git(here, "worktree", "add", "-q", str(there))
    lab.write(there, {"plan.md": "theirs\n"})
    staged(lab, here, "plan.md")
    assert str(there) in refused(lab, here, "commit", "-m", "[S1] plan: mine", code="G204").err
    lab.git(here, "reset", "-q")
    lab.git(there, "add", "--", "plan.md")
    assert str(here) in refused(lab, there, "commit", "-m", "[S1] plan: theirs", code="G204").err
    (here / "plan.md").unlink()
    assert git(lab, there, "commit", "-m", "[S1] plan: theirs").code == 0


def move_past(lab: Lab, here: Path, path: str, data: str, message: str) -> str:
    """Commit on the branch that is checked out, past the index, as a neighbour's tool may."""
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=data.encode())
    index = {"GIT_INDEX_FILE": str(here / ".git/theirs")}
    lab.git(here, "read-tree", "HEAD", env=index)
    lab.git(here, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=index)
    tree = lab.git(here, "write-tree", env=index)
    commit = lab.git(here, "commit-tree", "-p", "HEAD", "-m", message, tree)
    lab.git(here, "update-ref", "refs/heads/main", commit)
    return commit


@pytest.mark.parametrize("path", ["README.md", "theirs.txt"], ids=["changed", "new"])
def test_an_index_that_was_left_behind_reverts_nobody(lab: Lab, path: str) -> None:
    """A neighbour's commit that the index does not have is not taken back; once it has it, all pass."""
    here = guarded(lab)
    lab.commit(here, {"src/a.txt": "1\n"}, "[S1] src: one")
    theirs = move_past(lab, here, path, "theirs\n", "[S2] theirs: more")
    staged(lab, here, "mine.txt")
    said = refused(lab, here, "commit", "-m", "[S1] mine: one", code="G205", env=S1)
    assert path in said.err
    assert theirs[:12] in said.err
    refused(lab, here, "commit", "-m", "[S1] mine: one", code="G205", env=S1)
    lab.git(here, "restore", "--source=HEAD", "--staged", "--worktree", "--", path)
    assert git(lab, here, "commit", "-m", "[S1] mine: one", env=S1).code == 0
    assert lab.show(here, path) == b"theirs\n"


def test_a_soft_reset_reverts_nobody(lab: Lab) -> None:
    """The branch goes to where upstream is, and the index stays: the next commit would take upstream's work back."""
    one, other = lab.fleet("one", "other")
    lab.guard(one, "install")
    for path in ("a.txt", "b.txt"):
        lab.commit(one, {path: "mine\n"}, "[S1] work: more")
    lab.commit_push(other, {"README.md": "theirs\n"}, "[S2] readme: theirs")
    lab.git(one, "fetch", "-q")
    lab.git(one, "reset", "-q", "--soft", "origin/main")
    said = refused(lab, one, "commit", "-m", "[S1] work: all of it", code="G205", env=S1)
    assert "README.md" in said.err
    lab.git(one, "restore", "--source=HEAD", "--staged", "--worktree", "--", "README.md")
    assert git(lab, one, "commit", "-m", "[S1] work: all of it", env=S1).code == 0


def test_a_revert_that_says_so_passes(lab: Lab) -> None:
    """git revert takes back openly; one's own commits may be taken back at will."""
    here = guarded(lab)
    lab.commit(here, {"a.txt": "1\n"}, "[S2] a: one")
    lab.commit(here, {"a.txt": "2\n"}, "[S2] a: two")
    assert git(lab, here, "revert", "--no-edit", "HEAD", env=S1).code == 0
    lab.commit(here, {"b.txt": "1\n"}, "[S1] b: one")
    lab.commit(here, {"b.txt": "2\n"}, "[S1] b: two")
    lab.write(here, {"b.txt": "1\n"})
    lab.git(here, "add", "--", "b.txt")
    assert git(lab, here, "commit", "-m", "[S1] b: one again", env=S1).code == 0


def test_a_merge_that_drops_what_only_the_other_side_changed_is_refused(lab: Lab) -> None:
    """Kept on purpose or by a stale index: it goes back to what it was before the sides parted."""
    here = guarded(lab)
    lab.git(here, "checkout", "-q", "-b", "side")
    lab.commit(here, {"README.md": "better\n"}, "[S2] readme: better")
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, {"mine.txt": "1\n"}, "[S1] mine: one")
    lab.git(here, "merge", "-q", "--no-commit", "--no-ff", "side")
    lab.git(here, "restore", "--source=HEAD", "--staged", "--worktree", "--", "README.md")
    refused(lab, here, "commit", "-m", "Merge branch 'side'", code="G205")


def test_a_second_commit_from_the_primary_work_tree_gets_a_warning(lab: Lab) -> None:
    """A session that commits to the state branch where everybody is hears of its own work tree; in one it does not."""
    here = guarded(lab)
    for turn, warned in ((1, False), (2, True)):
        staged(lab, here, f"{turn}.txt")
        said = git(lab, here, "commit", "-m", "[S1] work: more", env=S1)
        assert said.code == 0
        assert ("guard start --worktree" in said.err) is warned
    there = Path(lab.guard(here, "start", "--worktree", "--json").json["worktree"])
    name = lab.guard(there, "orient", "--json").json["session"]
    for turn in range(3):
        staged(lab, there, f"own-{turn}.txt")
        assert "primary" not in git(lab, there, "commit", "-m", f"[{name}] work: own").err


def test_what_is_printed_to_be_run_is_one_word(lab: Lab) -> None:
    """Names of files and lanes are shown as they are: no shell of the reader runs them, no echo reads them."""
    here = guarded(lab)
    lab.guard(here, "claim", r"RIVER\tX\c", "--scope", "river", env=S2)
    path = "river/it's $(touch x)\\tbed"
    lab.write(here, {path: "x\n"})
    said = git(lab, here, "add", "--", path, env=S1).err
    assert f"{path} is in lane RIVER\\tX\\c of S2" in said
    assert shlex.quote(path).replace("'\"'\"'", "'\\''") in said.split("fix: ")[1]
    assert "(G203)" in said


@pytest.mark.parametrize("data", [b"", b"[]", b'{"lanes": [{}]}', b'{"lanes": 1}', b"\xff\0", b'{"lanes": [], "bra'])
def test_foreign_notes_of_lanes_lock_nobody_out(lab: Lab, here: Path, data: bytes) -> None:
    """Half written, of another version, or nobody's: it says nothing, and the next command mends it."""
    for name in ("lanes", "lanes.json"):
        (here / ".git/guard" / name).write_bytes(data)
    lab.write(here, {"land.txt": "1\n"})
    assert git(lab, here, "add", "--", "land.txt") == Said(0, "", "")
    assert git(lab, here, "commit", "-m", "[S1] land: one", env=S1) == Said(0, ANY, "")
    lab.guard(here, "orient", env=S1)
    staged(lab, here, "river/bed.txt")
    refused(lab, here, "commit", "-m", "[S1] river: bed", code="G203", env=S1)


def test_a_mark_that_cannot_be_made_stops_nobody(lab: Lab) -> None:
    """The name of a branch may be longer than that of any file: it moves all the same."""
    here = guarded(lab)
    branch = "/".join(("b" * 100,) * 3)
    lab.git(here, "switch", "-q", "-c", branch)
    lab.commit(here, {"a.txt": "1\n"}, "[S1] a: one")
    assert git(lab, here, "update-ref", f"refs/heads/{branch}", "HEAD~1") == Said(0, "", "")
    lab.git(here, "reset", "-q")
    (here / ".git/guard/here-S1").mkdir()  # and no note can be made here either
    lab.git(here, "switch", "-q", "main")
    staged(lab, here, "b.txt")
    assert git(lab, here, "commit", "-m", "[S1] b: one", env=S1).code == 0


def test_a_commit_that_was_judged_leaves_no_mark(lab: Lab) -> None:
    """The next one need not be looked at more closely because of it."""
    here = guarded(lab)
    for path in ("tasks/NEXT.md", "land.txt"):
        staged(lab, here, path)
        assert git(lab, here, "commit", "-m", "[S1] work: more").code == 0
        assert [*(here / ".git/guard").glob("moved-*")] == []


@pytest.mark.parametrize("words", [["-s", "ours"], ["-s", "ours", "--no-commit"]], ids=["at once", "in two steps"])
def test_a_merge_that_takes_nothing_is_looked_at_whatever_came_before(lab: Lab, words: list[str]) -> None:
    """Nothing is staged then, and no commit before it was judged; GUARD_ALLOW says that it is meant."""
    here = guarded(lab)
    lab.git(here, "checkout", "-q", "-b", "side")
    lab.commit(here, {"README.md": "better\n"}, "[S2] readme: better")
    lab.git(here, "checkout", "-q", "main")
    for path in ("a.txt", "b.txt"):
        staged(lab, here, path)
        lab.git(here, "commit", "-q", "-m", "[S1] work: more")
    said = git(lab, here, "merge", *words, "--no-ff", "-m", "Merge branch 'side'", "side")
    said = said if len(words) == 2 else git(lab, here, "commit", "-m", "Merge branch 'side'")
    assert said.code != 0
    assert "G205" in said.err
    allowed = {"GUARD_ALLOW": "G205 ours is newer"}
    assert git(lab, here, "commit", "-m", "Merge branch 'side'", env=allowed).code == 0


def test_a_folder_that_cannot_be_written_is_said_in_words(lab: Lab) -> None:
    """What was staged in bulk is staged; that nobody will know how is a warning, and nothing else stops."""
    here = guarded(lab)
    own = here / ".git/guard"
    own.rename(here / ".git/kept")
    own.write_text("no folder")
    (own.parent / "hooks/guard-lib").write_text(
        (own.parent / "hooks/guard-lib").read_text().replace("guard_here() {", "guard_here() { return 0;")
    )
    lab.write(here, {"a.txt": "1\n"})
    said = git(lab, here, "add", "-A")
    assert said.code == 0
    assert said.err.startswith("guard: warning: .git/guard cannot be written: ")
