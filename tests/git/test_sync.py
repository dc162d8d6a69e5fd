"""`guard sync`: upstream comes in, uncommitted work stays byte for byte, and where that cannot be, nothing changes."""

import json
from pathlib import Path

import pytest
from walks.hooked import whole
from walks.lab import Lab, inbox_file


def two(lab: Lab, *, hooks: bool = True) -> tuple[Path, Path]:
    """A clone to sync in, and one of somebody who publishes."""
    mine, other = lab.fleet("mine", "other")
    files = {f"f{number}.txt": f"{number}\n" for number in range(4)}
    lab.commit_push(other, {**files, "shared.txt": "one\ntwo\nthree\nfour\nfive\n"})
    lab.git(mine, "pull", "-q", "--ff-only")
    if hooks:
        lab.guard(mine, "install")
    return mine, other


def dirty(lab: Lab, here: Path) -> dict[str, str]:
    """Edit, stage, delete, add and leave files in every way; returns what git says of them."""
    lab.write(here, {"f0.txt": "edited\n", "f1.txt": "staged\n", "staged-new.txt": "new\n", "loose.txt": "loose\n"})
    lab.git(here, "add", "f1.txt", "staged-new.txt")
    lab.write(here, {"f1.txt": "edited again\n"})
    lab.git(here, "rm", "-q", "--cached", "f2.txt")
    return look(lab, here)


def look(lab: Lab, here: Path) -> dict[str, str]:
    """Everything uncommitted, in words."""
    said = lab.git(here, "status", "--porcelain", "-z")
    staged = lab.git(here, "diff-index", "--cached", "--raw", "--no-abbrev", "HEAD", "--", ":!shared.txt")
    files = {path.name: path.read_text() for path in sorted(here.glob("*.txt")) if path.name != "shared.txt"}
    return {"status": said, "staged": staged, "files": json.dumps(files)}


def test_up_to_date_and_a_fast_forward_beside_uncommitted_work(lab: Lab) -> None:
    """What upstream has comes in; edited, staged, half staged, unstaged-deleted and loose files stay what they were."""
    mine, other = two(lab)
    assert "up to date" in lab.guard(mine, "sync").out
    commit = lab.commit_push(other, {"shared.txt": "theirs\n", "deep/new.txt": "n\n"})
    before = dirty(lab, mine)
    said = lab.guard(mine, "sync", "--json").json
    assert (said["how"], said["commits"], said["new"], said["exit"]) == ("fast-forward", 1, commit, 0)
    assert sorted(said["files"]) == ["deep/new.txt", "shared.txt"]
    assert lab.rev(mine) == commit
    assert (mine / "shared.txt").read_text() == "theirs\n"
    assert look(lab, mine) == before
    assert lab.refs(mine, "refs/guard/rescue", "refs/stash") == {}
    assert "guard sync" in lab.git(mine, "log", "-1", "--walk-reflogs", "--format=%gs")
    assert lab.guard(mine, "sync", "--json").json["how"] == "nothing"


@pytest.mark.parametrize("hooks", [True, False])
def test_a_merge_that_passes_hooks_and_verify(lab: Lab, hooks: bool) -> None:
    """Both sides have commits, deltas and state among them: one commit with two parents, which verify and push take."""
    mine, other = two(lab, hooks=hooks)
    lab.commit_push(other, inbox_file(1, "s1"))
    lab.guard(other, "merge")
    lab.git(other, "pull", "-q", "--ff-only")
    tip = lab.commit_push(other, {"shared.txt": "ONE\ntwo\nthree\nfour\nfive\n"})
    ours = lab.commit(mine, {"shared.txt": "one\ntwo\nthree\nfour\nFIVE\n", **inbox_file(1, "s2")})
    before = dirty(lab, mine)
    said = lab.guard(mine, "sync")
    assert "merge" in said.out
    assert lab.git(mine, "log", "-1", "--format=%P").split() == [ours, tip]
    assert lab.show(mine, "shared.txt") == b"ONE\ntwo\nthree\nfour\nFIVE\n"
    assert (mine / "shared.txt").read_text() == "ONE\ntwo\nthree\nfour\nFIVE\n"
    assert look(lab, mine) == before
    assert lab.refs(mine, "refs/guard/rescue") == {}
    assert lab.canonical(mine, "HEAD") == lab.canonical(mine, tip)
    lab.guard(mine, "verify")
    lab.guard(mine, "check", "--range", "origin/main..HEAD")
    lab.git(mine, "push", "-q", "origin", "HEAD:main")


@pytest.mark.parametrize("theirs", ["edited", "staged", "loose", "ignored", "unseen"])
def test_work_in_the_way_is_named_and_nothing_changes(lab: Lab, theirs: str) -> None:
    """Upstream writes a file that is edited, staged, not tracked, ignored or hidden here: exit 2, all is as it was."""
    mine, other = two(lab)
    if theirs == "ignored":
        lab.commit_push(other, {".gitignore": "*.log\n"})
        lab.guard(mine, "sync")
    path = {"loose": "loose.txt", "ignored": "x.log"}.get(theirs, "f0.txt")
    lab.commit_push(other, {path: "from upstream\n", "f3.txt": "comes too\n"})
    lab.write(mine, {path: "precious\n"})
    if theirs == "staged":
        lab.git(mine, "add", path)
    if theirs == "unseen":
        lab.git(mine, "update-index", "--assume-unchanged", path)
    lab.git(mine, "fetch", "-q")
    before = whole(lab, mine)
    said = lab.guard(mine, "sync", code=2)
    assert path in said.err
    assert "fix:" in said.err
    assert whole(lab, mine) == before
    assert lab.refs(mine, "refs/guard/rescue", "refs/stash") == {}


def test_conflicts_are_known_before_anything_moves(lab: Lab) -> None:
    """Both changed the same lines: exit 1, the file named, everything as it was; the way that is told works."""
    mine, other = two(lab)
    lab.commit_push(other, {"shared.txt": "theirs\n", "f3.txt": "comes\n"})
    lab.commit(mine, {"shared.txt": "ours\n"})
    dirty(lab, mine)
    lab.git(mine, "fetch", "-q")
    before = whole(lab, mine)
    said = lab.guard(mine, "sync", code=1)
    assert "shared.txt: changed here and in origin/main" in said.out
    assert whole(lab, mine) == before
    assert lab.guard(mine, "sync", "--json", code=1).json["conflicts"] == ["shared.txt"]
    fix = next(line for line in said.out.splitlines() if "fix:" in line).partition("fix: ")[2]
    first, _, rest = fix.partition("; resolve")
    lab.run(mine, "sh", "-c", first)
    there = lab.root / "join-main"
    lab.write(there, {"shared.txt": "both\n"})
    lab.git(there, "add", "shared.txt")
    lab.git(there, "commit", "-q", "-m", "Merge: both")
    lab.git(mine, *rest.partition("then here: git ")[2].split())
    assert lab.guard(mine, "sync", "--json").json["how"] == "nothing"


def test_a_late_edit_does_not_follow_a_file_into_an_archive(lab: Lab) -> None:
    """Upstream moved a file that was edited here: a conflict that is told, never an edit in the archive."""
    mine, other = two(lab)
    lab.git(other, "pull", "-q", "--ff-only")
    lab.commit_push(other, {"shared.txt": None, "archive/shared.txt": "one\ntwo\nthree\nfour\nfive\n"})
    lab.commit(mine, {"shared.txt": "one\ntwo\nthree\nfour\nfive\nlate\n"})
    assert lab.guard(mine, "sync", "--json", code=1).json["conflicts"] == ["shared.txt"]


def test_a_merge_that_rules_refuse_is_not_made(lab: Lab) -> None:
    """State that both sides changed apart cannot be joined by git: told, exit 1, and nothing has moved."""
    mine, other = two(lab, hooks=False)
    lab.commit_push(other, inbox_file(1, "s1"))
    lab.guard(other, "merge")
    lab.commit(mine, inbox_file(2, "s2"))
    edited = (mine / "state/notes.json").read_text().replace("1, 2.50", "1, 2.75")
    lab.commit(mine, {"state/notes.json": edited})
    lab.git(mine, "fetch", "-q")
    before = whole(lab, mine)
    said = lab.guard(mine, "sync", "--json", code=1)
    assert said.json["how"] == "refused"
    assert {each["code"] for each in said.json["findings"]} == {"G101"}
    assert whole(lab, mine) == before


def test_markers_that_came_in_are_told(lab: Lab) -> None:
    """Somebody published conflict markers: they come in, as upstream has them, and the exit code is 1."""
    mine, other = two(lab)
    lab.commit_push(other, {"f0.txt": "<<<<<<< Updated upstream\na\n=======\nb\n>>>>>>> Stashed changes\n"})
    said = lab.guard(mine, "sync", "--json", code=1).json
    assert [(each["code"], each["path"]) for each in said["findings"]] == [("G106", "f0.txt")]
    assert lab.rev(mine) == lab.rev(lab.hub, "main")


def test_a_session_branch_of_a_lone_repository_takes_the_local_branch(lab: Lab) -> None:
    """Without a remote the state branch is what comes into another branch; into itself nothing does."""
    here = lab.lone()
    lab.git(here, "worktree", "add", "-q", "-b", "s7", "../s7")
    commit = lab.commit(here, {"new.txt": "x\n"})
    side = lab.root / "s7"
    assert lab.guard(side, "sync", "--json").json["new"] == commit
    assert (side / "new.txt").exists()
    said = lab.guard(here, "sync")
    assert "no remote" in said.out
    assert lab.guard(here, "sync", "--json").json["how"] == "nothing"


def test_where_nothing_can_come_in(lab: Lab) -> None:
    """Detached, unborn, bare, in the middle of a merge or a failed autostash, and offline: exit 2 with the way out."""
    mine, other = two(lab)
    lab.commit_push(other, {"shared.txt": "theirs\n"})
    lab.git(mine, "checkout", "-q", "--detach")
    assert "git switch" in lab.guard(mine, "sync", code=2).err
    lab.git(mine, "switch", "-q", "main")
    base = lab.rev(mine)
    lab.git(mine, "switch", "-q", "-c", "side", base)
    lab.commit(mine, {"f0.txt": "side\n"})
    lab.git(mine, "switch", "-q", "main")
    lab.commit(mine, {"f0.txt": "main\n"})
    lab.git(mine, "merge", "side", code=None)
    before = whole(lab, mine)
    assert "git merge --abort" in lab.guard(mine, "sync", code=2).err
    (mine / ".git/MERGE_HEAD").unlink()
    assert "f0.txt" in lab.guard(mine, "sync", code=2).err
    assert whole(lab, mine)["files"] == before["files"]
    lab.git(mine, "reset", "-q", "--hard")
    lab.git(mine, "config", "remote.origin.url", "/nowhere/hub.git")
    assert "origin" in lab.guard(mine, "sync", code=2).err
    lab.git(mine, "switch", "-q", "--orphan", "fresh")
    assert "no commit" in lab.guard(mine, "sync", code=2).err
    assert "bare" in lab.guard(lab.hub, "sync", code=2).err


def test_a_shallow_clone_without_a_common_commit_is_told_to_fetch(lab: Lab) -> None:
    """What a shallow clone cannot join it says, with the command that helps."""
    _, other = two(lab)
    shallow = lab.clone("shallow", "--depth", "1")
    lab.commit(shallow, {"ours.txt": "x\n"})
    for number in range(3):
        lab.commit_push(other, {"shared.txt": f"{number}\n"})
    (shallow / ".git/shallow").write_text(lab.rev(other) + "\n" + (shallow / ".git/shallow").read_text())
    said = lab.guard(shallow, "sync", code=None)
    assert said.code in (0, 2)
    if said.code == 2:
        assert "git fetch --unshallow" in said.err


def test_what_a_cut_off_run_wrote_is_completed(lab: Lab) -> None:
    """A checkout that died between two files, with the note of its run: the next sync goes on, and nothing is lost."""
    mine, other = two(lab)
    tip = lab.commit_push(other, {"shared.txt": "theirs\n", "f0.txt": "theirs\n"})
    lab.git(mine, "fetch", "-q")
    before = dirty(lab, mine)
    lab.write(mine, {"f0.txt": "0\n"})
    lab.write(mine, {"shared.txt": "the"})
    assert "shared.txt" in lab.guard(mine, "sync", code=2).err, "without the note it is somebody's edit"
    (mine / ".git/guard/sync").write_text(json.dumps({"old": lab.rev(mine), "new": tip}))
    lab.guard(mine, "sync")
    assert lab.rev(mine) == tip
    assert (mine / "shared.txt").read_text() == "theirs\n"
    assert look(lab, mine)["staged"] == before["staged"]
    assert not (mine / ".git/guard/sync").exists()


def test_work_that_changes_meanwhile_is_kept_as_it_was(lab: Lab) -> None:
    """A neighbour edits a dirty file while it runs: their bytes stay, and a rescue ref holds those from before."""
    mine, other = two(lab)
    lab.commit_push(other, {"shared.txt": "theirs\n"})
    lab.write(mine, {"f0.txt": "before\n"})
    lab.git(mine, "add", "f0.txt")
    hook = mine / ".git/hooks/post-merge"
    hook.write_text("#!/bin/sh\necho during >f0.txt\n")
    hook.chmod(0o755)
    said = lab.guard(mine, "sync", "--json")
    assert said.json["changed"] == ["f0.txt"]
    [(ref, oid)] = lab.refs(mine, "refs/guard/rescue").items()
    assert said.json["rescue"] == ref
    assert ref in said.err
    assert (mine / "f0.txt").read_text() == "during\n"
    assert lab.show(mine, "f0.txt", oid) == b"before\n"
    lab.git(mine, "checkout", "-q", "-f", "--", "f0.txt")
    lab.git(mine, "reset", "-q", "--hard")
    lab.git(mine, "stash", "apply", "-q", "--index", ref)
    assert lab.git(mine, "status", "--porcelain") == "M  f0.txt"


def old_git(lab: Lab) -> dict[str, str]:
    """An environment with a git that cannot merge trees, as before 2.38."""
    real = lab.run(lab.root, "sh", "-c", "command -v git").out.strip()
    folder = lab.root / "old"
    folder.mkdir()
    text = f'#!/bin/sh\nfor word; do case $word in merge-tree) exit 129;; esac; done\nexec {real} "$@"\n'
    (folder / "git").write_text(text)
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{lab.env['PATH']}"}


def test_a_git_before_2_38_joins_what_is_disjoint(lab: Lab) -> None:
    """With an older git disjoint changes come in, and a file that both changed is a conflict, whatever the lines."""
    mine, other = two(lab)
    old = old_git(lab)
    lab.commit_push(other, {"f0.txt": None, "f1.txt": "same\n", "f2.txt": "theirs\n"})
    ours = lab.commit(mine, {"f1.txt": "same\n", "f3.txt": "ours\n", "new.txt": "n\n"})
    assert lab.guard(mine, "sync", "--json", env=old).json["how"] == "merge"
    tree = lab.paths(mine, "HEAD")
    assert "f0.txt" not in tree
    assert [lab.show(mine, f"{name}.txt") for name in ("f1", "f2", "f3", "new")] == [
        *(b"same\n", b"theirs\n", b"ours\n", b"n\n")
    ]
    assert lab.rev(mine, "HEAD^1") == ours
    lab.commit_push(other, {"shared.txt": "ONE\ntwo\nthree\nfour\nfive\n"})
    lab.commit(mine, {"shared.txt": "one\ntwo\nthree\nfour\nFIVE\n"})
    assert lab.guard(mine, "sync", "--json", env=old, code=1).json["conflicts"] == ["shared.txt"]
    assert lab.guard(mine, "sync", "--json").json["how"] == "merge"


def test_branches_that_were_merged_crosswise(lab: Lab) -> None:
    """Two bases that give the same are as one; where they give something else, that is a conflict."""
    here = lab.lone()
    base = lab.commit(here, {"a.txt": "1\n", "b.txt": "1\n", "c.txt": "1\n"})
    one = lab.commit(here, {"a.txt": "2\n"})
    lab.git(here, "switch", "-q", "-c", "side", base)
    two_ = lab.commit(here, {"b.txt": "2\n"})
    lab.git(here, "merge", "-q", "--no-ff", "-m", "Merge one", one)
    lab.commit(here, {"c.txt": "2\n"})
    lab.git(here, "switch", "-q", "main")
    lab.git(here, "merge", "-q", "--no-ff", "-m", "Merge two", two_)
    lab.git(here, "switch", "-q", "-c", "session")
    assert lab.git(here, "merge-base", "--all", "session", "side").split() != []
    lab.git(here, "branch", "-f", "main", "side")
    lab.commit(here, {"d.txt": "ours\n"})
    assert lab.guard(here, "sync", "--json").json["how"] == "merge"
    assert [lab.show(here, f"{name}.txt", "HEAD") for name in "abcd"] == [b"2\n", b"2\n", b"2\n", b"ours\n"]
    lab.git(here, "switch", "-q", "--detach", "HEAD~")
    lab.git(here, "switch", "-q", "-C", "session")
    lab.commit(here, {"a.txt": "1\n"})  # taken back here: from the other base it looks untouched
    lab.git(here, "branch", "-f", "main", "side")
    said = lab.guard(here, "sync", "--json", code=None).json
    assert (said["how"], said["conflicts"]) == ("conflict", ["a.txt"])
