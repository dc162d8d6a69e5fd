"""`guard recover`: every kind of work that tools leave behind, left behind by these very tools, and given back."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from walks.killed import killed, slow_hook
from walks.lab import INBOX, Lab, delta, name_of

BIN = Path(sys.executable).parent
HOSTILE = "a b\n'\"$(touch pwned)`;\\|\u00e9.txt"


def found(lab: Lab, here: Path, *words: str) -> list[dict[str, Any]]:
    """What is listed; the look itself changes nothing."""
    before = state(here)
    value = lab.guard(here, "recover", "--json", *words).json
    assert state(here) == before
    assert value["exit"] == 0
    return value["items"]


def one(lab: Lab, here: Path, kind: str) -> dict[str, Any]:
    """The only thing of a kind that is listed."""
    items = [item for item in found(lab, here) if item["kind"] == kind]
    assert len(items) == 1, items
    return items[0]


def state(here: Path) -> dict[str, bytes]:
    """Every byte of the work tree, and of git's own folder but for guard's marks of time."""
    return {
        str(path.relative_to(here)): bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(here.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def without(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """The files that are other ones now, objects left out: those are only added."""
    assert before.keys() <= after.keys()
    return {
        path
        for path in after
        if before.get(path) != after[path] and not path.startswith((".git/objects/", ".git/logs/"))
    }


def give_back(lab: Lab, here: Path, name: str) -> dict[str, Any]:
    """Give one back as a branch: nothing but that branch is new, and the index and every file is what it was."""
    before = state(here)
    value = lab.guard(here, "recover", name, "--json").json
    assert without(before, state(here)) <= {f".git/refs/heads/{value['branch']}"}
    assert lab.rev(here, value["branch"]) == value["commit"]
    again = lab.guard(here, "recover", name, "--json").json
    assert again == {**value, "new": False, "item": again["item"]}
    assert again["item"]["name"] == value["item"]["name"]
    return value


def changed(lab: Lab, here: Path, value: dict[str, Any]) -> dict[str, str]:
    """The files that were given back, with what is in them."""
    out = lab.git(here, "diff", "--name-only", "-z", "--no-renames", value["base"] or "--root", value["commit"])
    return {path: lab.git(here, "show", f"{value['commit']}:{path}") for path in out.split("\0") if path}


def begin(lab: Lab) -> Path:
    """A repository with two files, nothing of guard in it."""
    here = lab.root / "here"
    here.mkdir()
    lab.git(here, "init", "-q")
    lab.commit(here, {"a.txt": "one\n", "b.txt": "two\n"}, "begin")
    return here


# --- nothing ---------------------------------------------------------------------------------------------------


def test_where_nothing_is_stranded_it_says_where_it_looked(lab: Lab) -> None:
    """Exit 0, no item, and the places by name; uncommitted work that is in the work tree is no stranded work."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edited\n", "new.txt": "new\n"})
    said = lab.guard(here, "recover").out
    assert said.startswith("nothing is stranded; looked at stash entries")
    assert str(lab.root / "home/.cache/pre-commit") in said
    assert found(lab, here) == []
    bare = lab.root / "bare.git"
    lab.git(lab.root, "init", "-q", "--bare", str(bare))
    assert found(lab, bare) == []


@pytest.mark.parametrize(
    "name", ["", "nothing", "stash-0123456789ab", "stash@{0}", "--all^{", HOSTILE, "../a", "index-"]
)
def test_an_unknown_name_is_said_and_nothing_is_done(lab: Lab, name: str) -> None:
    """Exit 2, the command that lists, and every byte as it was."""
    here = begin(lab)
    before = state(here)
    said = lab.guard(here, "recover", "--", name, code=2)
    assert "fix: guard recover --all" in said.err
    assert state(here) == before


def test_what_a_branch_has_is_not_lost(lab: Lab) -> None:
    """A commit that is reachable is not given back, whatever names it; exit 2 and who has it."""
    here = begin(lab)
    said = lab.guard(here, "recover", "HEAD", code=2)
    assert "main has it" in said.err


# --- git's own -------------------------------------------------------------------------------------------------


def test_a_stash_with_all_that_was_in_it(lab: Lab) -> None:
    """Tracked, staged and untracked files under any name: listed, given back as a branch, and taken over from there."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edited\n", "b.txt": "staged\n", HOSTILE: "new\n"})
    lab.git(here, "add", "b.txt")
    lab.git(here, "stash", "push", "-q", "-u", "-m", "S7 stops here")
    item = one(lab, here, "stash")
    assert (item["files"], item["added"], item["removed"], item["where"]) == (3, 3, 2, ["stash@{0}"])
    assert set(item["paths"]) == {"a.txt", "b.txt", HOSTILE}
    assert "\n'" not in lab.guard(here, "recover").out
    lab.write(here, {"c.txt": "of now\n"})
    value = give_back(lab, here, item["name"])
    assert found(lab, here) == []  # a branch has it
    assert [each["settled"] for each in found(lab, here, "--all")] == [f"the branch {value['branch']} has it"]
    lab.git(here, "stash", "drop", "-q")
    assert lab.run(here, "git", "stash", "apply", "--index", value["branch"]).code == 0
    assert (here / "a.txt").read_text() == "edited\n"
    assert (here / HOSTILE).read_text() == "new\n"
    assert lab.git(here, "diff", "--cached", "--name-only") == "b.txt"
    assert (here / "c.txt").read_text() == "of now\n"
    assert not (here / "pwned").exists()


def test_stash_entries_that_were_dropped(lab: Lab) -> None:
    """What `git stash drop` and `clear` take away is found as long as git has it; each by itself, the newest first."""
    here = begin(lab)
    for number in range(3):
        lab.write(here, {"a.txt": f"edit {number}\n"})
        lab.git(here, "stash")
    names = [item["name"] for item in found(lab, here)]
    lab.git(here, "stash", "drop", "-q", "stash@{1}")
    lab.git(here, "stash", "clear")
    assert [item["name"] for item in found(lab, here)] == names
    value = give_back(lab, here, names[1])
    assert changed(lab, here, value) == {"a.txt": "edit 1"}


def conflicting(lab: Lab, *words: str) -> Path:
    """A repository in which `git rebase WORDS other` stops half-way, with an edit that was not committed."""
    here = begin(lab)
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"b.txt": "other\n"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"b.txt": "main\n"})
    lab.write(here, {"a.txt": "not committed\n"})
    lab.git(here, "rebase", *words, "other", code=1)
    assert (here / "a.txt").read_text() == "one\n"
    return here


@pytest.mark.parametrize("kind", ["merge", "apply"])
def test_the_autostash_of_a_rebase(lab: Lab, kind: str) -> None:
    """It is found while the rebase is under way, and when its state is thrown away by hand; it stays one thing."""
    here = conflicting(lab, f"--{kind}", "--autostash")
    item = one(lab, here, "autostash")
    assert item["where"] == [f"rebase-{kind}/autostash of {here}"]
    assert item["paths"] == ["a.txt"]
    for path in sorted((here / f".git/rebase-{kind}").iterdir()):
        path.unlink()
    (here / f".git/rebase-{kind}").rmdir()
    again = one(lab, here, "autostash")
    assert (again["name"], again["where"]) == (item["name"], ["no ref"])
    assert changed(lab, here, give_back(lab, here, item["name"])) == {"a.txt": "not committed"}


def test_the_autostash_of_a_merge_in_a_linked_work_tree(lab: Lab) -> None:
    """MERGE_AUTOSTASH of another work tree, with the session that is at work there."""
    here = begin(lab)
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"b.txt": "other\n"})
    lab.git(here, "switch", "-q", "main")
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(lab.root / "side"))
    side = lab.root / "side"
    lab.commit(side, {"b.txt": "side\n"})
    lab.write(side, {"a.txt": "not committed\n"})
    own = Path(lab.git(side, "rev-parse", "--absolute-git-dir"))
    (own / "guard").mkdir()
    (own / "guard" / "session").write_text("S31\n")
    lab.git(side, "merge", "--autostash", "other", code=1)
    item = one(lab, here, "autostash")
    assert (item["session"], item["where"]) == ("S31", [f"MERGE_AUTOSTASH of {side}"])
    assert changed(lab, here, give_back(lab, here, item["name"])) == {"a.txt": "not committed"}


def test_an_autostash_that_could_not_be_given_back(lab: Lab) -> None:
    """The edit is a stash entry and a file with markers: it is found once, under one name."""
    here = begin(lab)
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"a.txt": "other\n"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"b.txt": "main\n"})
    lab.write(here, {"a.txt": "mine\n"})
    lab.git(here, "rebase", "-q", "--autostash", "other")
    assert "<<<<<<<" in (here / "a.txt").read_text()
    item = one(lab, here, "autostash")
    assert item["where"] == ["stash@{0}"]
    assert changed(lab, here, give_back(lab, here, item["name"])) == {"a.txt": "mine"}


# --- branches that were swept ----------------------------------------------------------------------------------


def swept(lab: Lab, here: Path) -> str:
    """A session's work tree, removed with force, and its branch deleted: the last of its two commits."""
    lab.git(here, "worktree", "add", "-q", "-b", "s12", str(lab.root / "s12"))
    lab.commit(lab.root / "s12", {"src/new.txt": "first\n"}, "[S12] new: begin")
    last = lab.commit(lab.root / "s12", {"src/new.txt": "second\n", HOSTILE: "x\n"}, "[S12] new: go on")
    lab.git(here, "worktree", "remove", "--force", str(lab.root / "s12"))
    lab.git(here, "branch", "-q", "-D", "s12")
    return last


def test_the_commits_of_a_swept_branch(lab: Lab) -> None:
    """One thing for the whole line, with its session; given back, the branch is what it was."""
    here = begin(lab)
    last = swept(lab, here)
    item = one(lab, here, "commit")
    assert (item["session"], item["commits"], item["commit"]) == ("S12", 2, last)
    assert set(item["paths"]) == {"src/new.txt", HOSTILE}
    value = give_back(lab, here, item["name"])
    assert (value["commit"], value["base"]) == (last, lab.rev(here))
    assert value["branch"] == f"recovered/{item['name']}"
    lab.git(here, "merge", "-q", "--ff-only", value["branch"])
    lab.git(here, "branch", "-q", "-d", value["branch"])
    assert found(lab, here, "--all") == []


def test_earlier_versions_are_not_listed_as_lost(lab: Lab) -> None:
    """What `commit --amend` and `rebase` replaced is shown by `--all` alone; a different commit is listed."""
    here = begin(lab)
    old = lab.commit(here, {"a.txt": "first try\n"}, "[S3] a: try")
    lab.write(here, {"a.txt": "second try\n"})
    lab.git(here, "commit", "-q", "--amend", "--no-edit", "a.txt")
    assert found(lab, here) == []
    items = found(lab, here, "--all")
    assert [item["commit"] for item in items] == [old]
    assert "later version" in items[0]["settled"]
    assert lab.guard(here, "recover", "--json").json["settled"] == 1
    assert changed(lab, here, give_back(lab, here, items[0]["name"])) == {"a.txt": "first try"}


def test_work_that_is_here_already_is_not_listed(lab: Lab) -> None:
    """A stash that was popped, and whose files are as it had them, loses nothing; once they differ, it may."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edit\n"})
    lab.git(here, "stash")
    lab.git(here, "stash", "pop", "-q")
    assert found(lab, here) == []
    lab.write(here, {"a.txt": "another\n"})
    assert [item["paths"] for item in found(lab, here)] == [["a.txt"]]


def test_work_tree_whose_folder_is_gone(lab: Lab) -> None:
    """What was staged there, and what its detached HEAD has, is found until git prunes it."""
    here = begin(lab)
    lab.git(here, "worktree", "add", "-q", "--detach", str(lab.root / "side"))
    last = lab.commit(lab.root / "side", {"c.txt": "committed\n"}, "[S5] c: new")
    lab.write(lab.root / "side", {"d.txt": "staged\n"})
    lab.git(lab.root / "side", "add", "d.txt")
    (lab.root / "side").rename(lab.root / "elsewhere")
    items = {item["kind"]: item for item in found(lab, here)}
    assert items.keys() == {"commit", "index"}
    assert items["commit"]["commit"] == last
    assert changed(lab, here, give_back(lab, here, items["index"]["name"])) == {"d.txt": "staged"}


def test_rescue_refs_are_listed_until_a_branch_has_them(lab: Lab) -> None:
    """What guard itself has put under refs/guard/rescue/ is one of them."""
    here = begin(lab)
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(lab.root / "side"))
    lab.write(lab.root / "side", {"c.txt": "never committed\n"})
    lab.guard(here, "worktree", "remove", str(lab.root / "side"))
    item = one(lab, here, "rescue")
    assert item["paths"] == ["c.txt"]
    assert item["where"] == [f"refs/guard/rescue/{item['commit']}"]
    assert changed(lab, here, give_back(lab, here, item["name"])) == {"c.txt": "never committed"}


def test_what_guard_itself_leaves_on_its_way_is_no_work(lab: Lab) -> None:
    """Claims, renewals and hand-offs leave commits that no ref has: none of them is listed."""
    (here,) = lab.fleet("here")
    lab.guard(here, "start")
    for _ in range(2):
        lab.guard(here, "claim", "parser", "--scope", "src/**")
        lab.guard(here, "release", "parser")
    lab.guard(here, "handoff", "-m", "done")
    lost = re.findall("commit", lab.git(here, "fsck", "--unreachable", "--no-reflogs"))
    assert lost
    assert found(lab, here) == []


# --- killed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["a.txt"], ["-a"]], ids=["named", "all"])
def test_an_index_of_a_commit_that_was_killed(lab: Lab, words: list[str]) -> None:
    """next-index-*.lock and index.lock hold what was to be committed; once the file is lost, it is found there."""
    here = begin(lab)
    running = slow_hook(here)
    lab.write(here, {"a.txt": "to be committed\n"})
    killed(lab, here, running.exists, "git", "commit", "-m", "never", *words)
    (here / ".git/hooks/pre-commit").unlink()
    assert found(lab, here) == []  # the file itself is there
    lab.write(here, {"a.txt": "something else\n"})
    item = one(lab, here, "index")
    assert item["paths"] == ["a.txt"]
    assert item["where"][0].startswith("next-index-" if words == ["a.txt"] else "index.lock of ")
    value = give_back(lab, here, item["name"])
    assert changed(lab, here, value) == {"a.txt": "to be committed"}
    assert value["base"] == lab.rev(here)


def test_what_was_committed_and_then_merged_is_no_work(lab: Lab) -> None:
    """The index that was judged last holds state as it was before the merge that was pulled: no work of anybody's."""
    [here] = lab.fleet("here")
    lab.guard(here, "install")
    lab.write(here, {name_of(1, "east"): delta(1, "east", posts_created=[7])})
    lab.git(here, "add", "--", INBOX)
    lab.git(here, "commit", "-q", "-m", "[S1] deltas: east")
    lab.git(here, "push", "-q")
    lab.guard(here, "merge")
    lab.git(here, "pull", "-q")
    assert (here / ".git/guard/index").exists()
    assert found(lab, here) == []
    [item] = [each for each in found(lab, here, "--all") if each["kind"] == "index"]
    assert "was committed" in item["settled"]
    lab.write(here, {"new.txt": "to be kept\n"})
    lab.git(here, "add", "--", "new.txt")
    assert lab.run(here, "git", "commit", "-m", "no prefix").code == 1
    lab.git(here, "rm", "-q", "-f", "--", "new.txt")
    assert "new.txt" in one(lab, here, "index")["paths"]


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(name, marks=pytest.mark.skipif(not (BIN / name).exists(), reason=f"{name} is not installed here"))
        for name in ("pre-commit", "prek")
    ],
)
def test_a_patch_of_the_framework_that_was_killed(lab: Lab, tool: str) -> None:
    """SIGKILL while hooks run: the edit is in no work tree, and in a patch that is known to be this repository's."""
    here = begin(lab)
    lab.env |= {"PATH": f"{BIN}{os.pathsep}{lab.env['PATH']}", "PREK_HOME": str(lab.root / "prek-home")}
    lab.env["PRE_COMMIT_HOME"] = str(lab.root / "pre-commit-home")
    slow = {"id": "slow", "name": "slow", "entry": "sh -c 'touch ../running; exec sleep 600'", "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [{**slow, "always_run": True}]}]}
    lab.commit(here, {".pre-commit-config.yaml": json.dumps(config)}, "hooks")
    assert lab.run(here, tool, "install").code == 0
    lab.write(here, {"a.txt": "parked\n", "b.txt": "to be committed\n", HOSTILE: "one\n"})
    lab.git(here, "add", "b.txt", "--", HOSTILE)
    lab.write(here, {HOSTILE: "one\nparked too\n"})
    killed(lab, here, (lab.root / "running").exists, "git", "commit", "-q", "-m", "never")
    assert (here / "a.txt").read_text() == "one\n"
    item = one(lab, here, "patch")
    assert (set(item["paths"]), item["added"], item["removed"]) == ({"a.txt", HOSTILE}, 2, 1)
    value = give_back(lab, here, item["name"])
    assert changed(lab, here, value) == {"a.txt": "parked", HOSTILE: "one\nparked too"}
    other = lab.lone("other", adopt=False)
    assert found(lab, other) == []  # whose it is not


def test_patches_that_are_broken(lab: Lab) -> None:
    """An empty one and one that was cut off are listed with the reason; of the latter whole files are given back."""
    here = begin(lab)
    cache = lab.root / "home/.cache/pre-commit"
    cache.mkdir(parents=True)
    lab.write(here, {"a.txt": "parked\n", "b.txt": "lost\n"})
    patch = lab.run(here, "git", "diff-index", "--binary", "HEAD", "--").out.encode()
    lab.git(here, "checkout", "-q", "--", "a.txt", "b.txt")
    (cache / "patch1700000000-1").write_bytes(b"")
    (cache / "patch1700000000-2").write_bytes(patch[:-8])
    items = {Path(item["where"][0]).name[-1]: item for item in found(lab, here)}
    assert "it is empty" in items["1"]["problem"]
    assert "git reads 1 of the 2 files in it" in items["2"]["problem"]
    said = lab.guard(here, "recover").out
    assert said.count("broken: ") == 2
    before = state(here)
    assert "it is empty" in lab.guard(here, "recover", items["1"]["name"], code=2).err
    assert state(here) == before
    assert changed(lab, here, give_back(lab, here, items["2"]["name"])) == {"a.txt": "parked"}


def test_a_patch_of_files_that_went_on(lab: Lab) -> None:
    """Where HEAD has other contents by now, the patch stands on those that it was taken of, and can be picked."""
    here = begin(lab)
    lab.commit(here, {"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\n9\n"}, "numbers")
    cache = lab.root / "cache/pre-commit"
    cache.mkdir(parents=True)
    lab.env["XDG_CACHE_HOME"] = str(lab.root / "cache")
    lab.write(here, {"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\nparked\n"})
    (cache / "patch1700000000-9").write_text(lab.git(here, "diff-index", "--binary", "-p", "HEAD", "--") + "\n")
    lab.commit(here, {"a.txt": "gone on\n2\n3\n4\n5\n6\n7\n8\n9\n"}, "numbers: go on")
    value = give_back(lab, here, one(lab, here, "patch")["name"])
    assert changed(lab, here, value) == {"a.txt": "1\n2\n3\n4\n5\n6\n7\n8\nparked"}
    lab.git(here, "cherry-pick", "--no-commit", value["branch"])
    assert (here / "a.txt").read_text() == "gone on\n2\n3\n4\n5\n6\n7\n8\nparked\n"


# --- broken ----------------------------------------------------------------------------------------------------


def test_what_is_broken_is_listed_with_the_reason_and_hides_nothing(lab: Lab) -> None:
    """A stash whose objects are gone, an autostash that names nothing, a broken index: the sound ones are there too."""
    here = begin(lab)
    for text in ("kept\n", "gone\n"):
        lab.write(here, {"a.txt": text})
        lab.git(here, "stash")
    gone = lab.rev(here, "stash@{0}")
    (here / f".git/objects/{gone[:2]}/{gone[2:]}").unlink()
    (here / ".git/rebase-merge").mkdir()
    (here / ".git/rebase-merge/autostash").write_text("no commit\x1b[31m\n")
    whole = (here / ".git/index").read_bytes()
    (here / ".git/index.corrupt-20260101T000000Z").write_bytes(whole[:-30])
    items = found(lab, here)
    problems = {item["where"][0].partition(" of ")[0]: item["problem"] for item in items}
    assert problems.pop("stash@{1}") is None
    assert "git fsck" in problems.pop("stash@{0}")
    assert "is not here" in problems.pop("rebase-merge/autostash")
    assert problems.pop("index.corrupt-20260101T000000Z")
    assert problems == {}
    assert "\x1b" not in lab.guard(here, "recover").all
    for item in items:
        if item["problem"]:
            before = state(here)
            lab.guard(here, "recover", item["name"], code=2)
            assert state(here) == before
    sound = next(item for item in items if not item["problem"])
    assert changed(lab, here, give_back(lab, here, sound["name"])) == {"a.txt": "kept"}


def test_a_broken_index_that_still_has_something(lab: Lab) -> None:
    """What can be read of it stands over HEAD, and what cannot is said."""
    here = begin(lab)
    lab.write(here, {"0.txt": "staged and lost\n"})
    lab.git(here, "add", "0.txt")
    whole = (here / ".git/index").read_bytes()
    lab.git(here, "rm", "-q", "-f", "0.txt")
    (here / ".git/index.corrupt-20260101T000000Z").write_bytes(whole[:-50])
    item = one(lab, here, "index")
    assert "checksum" in item["problem"]
    value = give_back(lab, here, item["name"])
    assert changed(lab, here, value) == {"0.txt": "staged and lost"}


# --- giving back -----------------------------------------------------------------------------------------------


def test_files_in_a_new_folder_and_never_in_one_that_is_there(lab: Lab) -> None:
    """`--to` writes exactly the files that differ, whole, with mode and link; an existing folder, file or link is
    refused and stays."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edit\n", "run.sh": "#!/bin/sh\n", HOSTILE: "x\n"})
    (here / "run.sh").chmod(0o755)
    (here / "link").symlink_to("/nowhere/at all")
    lab.git(here, "add", "run.sh", "link")
    lab.git(here, "rm", "-q", "b.txt")
    lab.git(here, "stash", "push", "-q", "-u")
    name = one(lab, here, "stash")["name"]
    target = lab.root / "given"
    before = state(here)
    value = lab.guard(here, "recover", name, "--to", "../given", "--json").json
    assert without(before, state(here)) == set()
    assert (value["files"], value["branch"]) == (4, None)
    assert value["left_out"] == ["b.txt: it was deleted"]
    assert sorted(path.name for path in target.iterdir()) == sorted(["a.txt", "run.sh", "link", HOSTILE])
    assert (target / "a.txt").read_text() == "edit\n"
    assert os.access(target / "run.sh", os.X_OK)
    assert (target / "link").readlink() == Path("/nowhere/at all")
    (lab.root / "dangling").symlink_to("nowhere")
    (lab.root / "file").write_text("mine\n")
    (lab.root / "folder").mkdir()
    for taken in ("given", "dangling", "file", "folder"):
        said = lab.guard(here, "recover", name, "--to", f"../{taken}", code=2)
        assert "is there already" in said.err
    assert (lab.root / "file").read_text() == "mine\n"
    assert list((lab.root / "folder").iterdir()) == []
    assert not list(lab.root.glob(".*"))  # nothing half made is left


def test_a_tree_that_would_write_elsewhere(lab: Lab) -> None:
    """Names that lead out of the folder, into .git or through a link are left out and said."""
    here = begin(lab)
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=b"evil\n")
    inner = lab.git(here, "mktree", input=f"100644 blob {blob}\tconfig\n".encode())
    link = lab.git(here, "hash-object", "-w", "--stdin", input=str(lab.root).encode())
    entries = [(b"40000", b".GIT", inner), (b"40000", b"..", inner), (b"120000", b"d", link), (b"40000", b"d", inner)]
    entries += [(b"100644", b"good", blob)]
    raw = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    tree = lab.git(here, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", input=raw)
    lab.git(here, "commit-tree", "-m", "by hand", tree)
    item = one(lab, here, "commit")
    value = lab.guard(here, "recover", item["name"], "--to", "../given", "--json").json
    assert (lab.root / "given/good").read_text() == "evil\n"
    assert not (lab.root / "config").exists()
    assert not (lab.root / "given/.GIT").exists()
    assert len(value["left_out"]) >= 3


def test_a_branch_that_is_there_stays_where_it_is(lab: Lab) -> None:
    """Another's branch of that name, one in its way, and the state branch are refused; a free name is taken."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edit\n"})
    lab.git(here, "stash")
    name = one(lab, here, "stash")["name"]
    lab.git(here, "branch", "mine")
    before = state(here)
    for branch in ("mine", "main", "mine/too", "-x", "a..b", "refs/heads/../x"):
        said = lab.guard(here, "recover", name, f"--branch={branch}", code=2)
        assert "fix: " in said.err
        assert state(here) == before
    value = lab.guard(here, "recover", name, "--branch", "again", "--json").json
    assert (value["branch"], lab.rev(here, "again")) == ("again", value["commit"])
    assert lab.guard(here, "recover", name, "--branch", "again", "--json").json["new"] is False


@pytest.mark.parametrize("words", [[], ["--to", "../given"]], ids=["branch", "folder"])
def test_two_at_once(lab: Lab, words: list[str]) -> None:
    """Both of two at the same moment end well or say why, and what is there is whole."""
    here = begin(lab)
    lab.write(here, {f"f{number}.txt": f"{number}\n" for number in range(300)})
    lab.git(here, "stash", "push", "-q", "-u")
    name = one(lab, here, "stash")["name"]
    done = lab.together([(here, ["recover", name, "--json", *words], {})] * 4)
    if words:
        assert sorted(said.code for said in done) == [0, 2, 2, 2]
        assert len(list((lab.root / "given").iterdir())) == 300
        assert not list(lab.root.glob(".*"))
    else:
        assert [said.code for said in done] == [0, 0, 0, 0]
        assert [said.json["new"] for said in done].count(True) == 1
    lab.git(here, "fsck", "--no-dangling")


def test_a_delta_that_was_never_delivered(lab: Lab) -> None:
    """What lies in the outbox is listed, and given back as a file of the inbox."""
    here = lab.lone()
    data = delta(3, "s1")
    folder = here / ".git/guard/outbox"
    folder.mkdir(parents=True)
    (folder / Path(name_of(3, "s1", data)).name).write_bytes(data)
    item = one(lab, here, "delta")
    assert item["paths"] == [name_of(3, "s1", data)]
    value = give_back(lab, here, item["name"])
    assert lab.show(here, name_of(3, "s1", data), value["branch"]) == data
    assert lab.guard(here, "recover", item["name"], "--to", "../given").code == 0
    assert (lab.root / "given" / name_of(3, "s1", data)).read_bytes() == data
    assert INBOX in item["paths"][0]


def test_canonical_state_in_a_stash_where_hooks_judge(lab: Lab) -> None:
    """The branch is made although it holds state that only a merge may write; taking it over is judged as always."""
    here = lab.lone()
    lab.write(here, {"state/agents.json": '{"agents": {}}\n'})
    lab.git(here, "stash")
    lab.guard(here, "install")
    value = give_back(lab, here, one(lab, here, "stash")["name"])
    assert lab.run(here, "git", "merge", "--no-edit", value["branch"]).code != 0
    assert lab.git(here, "status", "--porcelain", "--untracked-files=no") == ""


# --- bounds ----------------------------------------------------------------------------------------------------


def test_no_more_is_shown_than_can_be_read(lab: Lab) -> None:
    """Twenty, the newest first, and how many more there are; `--all` shows them all."""
    here = begin(lab)
    for number in range(23):
        lab.write(here, {"a.txt": f"{number}\n"})
        lab.git(here, "stash")
    value = lab.guard(here, "recover", "--json").json
    assert [item["where"] for item in value["items"]] == [[f"stash@{{{number}}}"] for number in range(20)]
    assert value["more"] == 3
    assert "and 3 older: guard recover --all" in lab.guard(here, "recover").out
    assert len(found(lab, here, "--all")) == 23


def test_a_look_that_has_no_time(lab: Lab) -> None:
    """What something names is listed all the same, and it is said that the rest was not looked for."""
    here = begin(lab)
    lab.write(here, {"a.txt": "edit\n"})
    lab.git(here, "stash")
    swept(lab, here)
    said = lab.guard(here, "recover", "--seconds", "0", "--json")
    assert [item["kind"] for item in said.json["items"]] == ["stash"]
    assert said.json["unfinished"]
    assert "guard recover --all" in said.err
    assert {item["kind"] for item in found(lab, here, "--all")} == {"stash", "commit"}


# --- other repositories ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_whatever_git_hashes_with(lab: Lab, kind: str) -> None:
    """A stash and a swept branch, in a repository of either kind; the stash has the session of its branch."""
    here = lab.lone(adopt=False, kind=kind)
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(lab.root / "side"))
    own = Path(lab.git(lab.root / "side", "rev-parse", "--absolute-git-dir"))
    (own / "guard").mkdir()
    (own / "guard" / "session").write_text("S31\n")
    lab.write(lab.root / "side", {"README.md": "edited\n"})
    lab.git(lab.root / "side", "stash")
    swept(lab, here)
    items = {item["kind"]: item for item in found(lab, here)}
    assert {kind: item["session"] for kind, item in items.items()} == {"stash": "S31", "commit": "S12"}
    assert found(lab, lab.root / "side") == list(items.values())  # from any work tree
    for item in items.values():
        give_back(lab, here, item["name"])
    assert found(lab, here) == []


def test_names_and_words_that_are_no_utf8(lab: Lab) -> None:
    """Files, folders, authors and messages of any bytes are listed and given back."""
    here = begin(lab)
    tree = lab.root / os.fsdecode(b"s\xefde\n")
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(tree))
    name = os.fsdecode(b"caf\xe9.txt")
    lab.write(tree, {name: "staged\n"})
    lab.git(tree, "add", name)
    raw = subprocess.run(["git", "cat-file", "commit", "HEAD"], cwd=here, capture_output=True, check=True).stdout
    blob = lab.git(here, "hash-object", "-w", "--stdin", input=b"x\n")
    made = lab.git(here, "mktree", "-z", input=b"100644 blob %s\tcaf\xe9.txt\0" % blob.encode())
    raw = raw.replace(b"Lab <", b"L\xe4b\x1b <").replace(b"begin", b"b\xe9gin").replace(raw[5:45], made.encode(), 1)
    lab.git(here, "hash-object", "-w", "-t", "commit", "--literally", "--stdin", input=raw)
    tree.rename(lab.root / "elsewhere")
    items = {item["kind"]: item for item in found(lab, here)}
    assert items.keys() == {"commit", "index"}
    said = lab.guard(here, "recover").out
    assert "\x1b" not in said
    assert "caf?.txt" in said
    for number, item in enumerate(items.values()):
        give_back(lab, here, item["name"])
        lab.guard(here, "recover", item["name"], "--to", f"../given-{number}", "--json")
        assert (lab.root / f"given-{number}" / name).exists()


def test_a_clone_that_borrows_objects(lab: Lab) -> None:
    """What a branch of the repository has that objects are borrowed from is not lost here."""
    here = begin(lab)
    lab.git(here, "switch", "-q", "-c", "theirs")
    lab.commit(here, {"c.txt": "of a branch there\n"})
    lab.git(here, "switch", "-q", "main")
    clone = lab.root / "borrows"
    lab.git(lab.root, "clone", "-q", "--shared", "--single-branch", "--branch", "main", str(here), str(clone))
    assert found(lab, clone) == []
    last = swept(lab, here)
    assert [item["commit"] for item in found(lab, clone)] == [last]


@pytest.mark.parametrize("words", [["--depth", "1"], ["--filter=blob:none"]], ids=["shallow", "partial"])
def test_a_clone_that_lacks_history_or_contents(lab: Lab, words: list[str]) -> None:
    """What is here is found and given back; nothing is fetched for it."""
    (first,) = lab.fleet("first")
    for number in range(3):
        lab.commit_push(first, {"a.txt": f"{number}\n"})
    lab.git(lab.hub, "config", "uploadpack.allowFilter", "true")
    here = lab.clone("here", *words)
    lab.write(here, {"a.txt": "edited\n"})
    lab.git(here, "stash")
    lab.git(here, "branch", "-q", "old", "HEAD~1", code=None)  # which a shallow clone does not have
    lab.git(here, "symbolic-ref", "HEAD", "refs/heads/old")
    lab.hub.rename(lab.root / "away.git")
    item = one(lab, here, "stash")
    assert item["paths"] == ["a.txt"]
    assert changed(lab, here, give_back(lab, here, item["name"])) == {"a.txt": "edited"}


def test_a_broken_ref_hides_nothing(lab: Lab) -> None:
    """A branch whose commit is gone: the stash is listed, and so is what another branch had."""
    here = begin(lab)
    last = swept(lab, here)
    lab.write(here, {"a.txt": "edited\n"})
    lab.git(here, "stash")
    (here / ".git/refs/heads/broken").write_text(f"{'1' * 40}\n")
    assert {item["commit"] for item in found(lab, here)} == {last, lab.rev(here, "stash@{0}")}


def test_killed_while_it_gives_back(lab: Lab) -> None:
    """SIGKILL at random moments: the branch is there whole or not at all, no ref is locked, the next one does it."""
    here = begin(lab)
    cache = lab.root / "home/.cache/pre-commit"
    cache.mkdir(parents=True)
    lab.write(here, {"a.txt": "parked\n"})
    (cache / "patch1700000000-1").write_text(lab.git(here, "diff-index", "--binary", "-p", "HEAD", "--") + "\n")
    lab.git(here, "checkout", "-q", "--", "a.txt")
    name = one(lab, here, "patch")["name"]
    draw = random.Random("recover")
    before = state(here)
    for number in range(8):
        process = lab.start(here, "recover", name, "--branch", f"given-{number}", start_new_session=True)
        time.sleep(draw.uniform(0.2, 0.9))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        value = lab.guard(here, "recover", name, "--branch", f"given-{number}", "--json").json
        assert changed(lab, here, value) == {"a.txt": "parked"}
    assert len({lab.rev(here, f"given-{number}") for number in range(8)}) == 1
    made = {path for path in without(before, state(here)) if not path.startswith(".git/guard/recover-")}
    assert made == {f".git/refs/heads/given-{number}" for number in range(8)}
