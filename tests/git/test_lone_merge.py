"""`guard merge` in a repository without remote: its own branch is the hub."""

from pathlib import Path

import pytest
from walks.lab import Lab, delta, digest, inbox_file, name_of, post


def test_a_checked_out_branch_goes_forward_with_index_and_files(lab: Lab) -> None:
    """After a merge of the checked-out branch, index and work tree are the new commit's."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.deliver(here, delta(1, "s2"))
    assert "not merged" not in lab.guard(here, "merge").err
    assert lab.git(here, "status", "--porcelain") == ""
    assert lab.merged(here) == {digest(delta(1, "s1", posts_created=[post(1)])), digest(delta(1, "s2"))}
    assert lab.refs(here, "refs/guard/deltas") == {}
    assert lab.guard(here, "merge").out == "nothing to merge\n"
    assert "1 merge and" in lab.guard(here, "verify").out


def test_a_bare_repository_merges(lab: Lab) -> None:
    """A bare repository without remote merges what was pushed to it."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.deliver(one, delta(1, "s2"))
    lab.guard(lab.hub, "merge")
    assert lab.merged(lab.hub) == {digest(delta(1, "s1")), digest(delta(1, "s2"))}
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    assert "1 merge and" in lab.guard(lab.hub, "verify").out
    assert "frame 2" in lab.guard(lab.hub, "frame").out


def test_a_branch_checked_out_in_a_linked_worktree_goes_forward_there(lab: Lab) -> None:
    """Started elsewhere, the merge leaves the tree that has main checked out clean and current."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lab.git(here, "checkout", "-q", "-b", "other")
    linked = lab.root / "linked tree"
    lab.git(here, "worktree", "add", "-q", str(linked), "main")
    lab.guard(here, "merge")
    for tree in (here, linked):
        assert lab.git(tree, "status", "--porcelain") == ""
    assert lab.rev(linked) == lab.rev(here, "main")
    assert (linked / "state/frames/000/frame-1.json").is_file()
    assert lab.git(here, "symbolic-ref", "HEAD") == "refs/heads/other"


def test_a_branch_that_nobody_has_checked_out_only_moves(lab: Lab) -> None:
    """With HEAD detached or on another branch, no index or file changes."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lab.git(here, "checkout", "-q", "--detach")
    lab.write(here, {"README.md": "edited", "state/agents.json": "edited"})
    files = lab.picture(here)[2:]
    lab.guard(here, "merge")
    assert lab.picture(here)[2:] == files
    assert lab.merged(here) == {digest(delta(1, "s1"))}


def test_disjoint_uncommitted_work_stays(lab: Lab) -> None:
    """Staged, unstaged and untracked files that the merge does not write stay as they are."""
    here = lab.lone()
    lab.commit(here, {"a.txt": "a\n", "b.txt": "b\n", **inbox_file(1, "s1")})
    lab.write(here, {"a.txt": "unstaged\n", "b.txt": "staged\n", "new.txt": "new\n", "added.txt": "added\n"})
    lab.git(here, "add", "b.txt", "added.txt")
    (here / "README.md").unlink()
    before = lab.git(here, "status", "--porcelain")
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == before
    assert (here / "a.txt").read_text() == "unstaged\n"
    assert lab.git(here, "diff", "--cached", "--name-only").split() == ["added.txt", "b.txt"]
    assert lab.merged(here) == {digest(delta(1, "s1"))}


@pytest.mark.parametrize("how", ["unstaged", "staged", "untracked", "deleted-staged"])
def test_uncommitted_work_in_the_way_is_named_and_nothing_changes(lab: Lab, how: str) -> None:
    """A file that the merge would write over is named, exit 2, and refs, index and files are as before."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    path = "state/frames/000/frame-1.json" if how == "untracked" else "state/agents.json"
    if how == "deleted-staged":
        lab.git(here, "rm", "-q", path)
        lab.write(here, {path: "mine\n"})
    else:
        lab.write(here, {path: "mine\n"})
    if how == "staged":
        lab.git(here, "add", path)
    lab.write(here, {"other.txt": "stays\n"})
    before = lab.picture(here)
    said = lab.guard(here, "merge", code=2)
    assert path in said.err
    assert lab.picture(here) == before
    lab.write(here, {path: "still mine\n"})
    lab.guard(here, "merge", code=2)
    assert (here / path).read_text() == "still mine\n"
    (here / path).unlink()
    lab.git(here, "checkout", "-q", "HEAD", "--", "state")
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == "?? other.txt"


def test_an_unborn_branch_is_not_left_behind_its_index(lab: Lab) -> None:
    """A first merge into a branch that is checked out and has no commit leaves nothing that the next commit reverts."""
    here = lab.root / "young"
    here.mkdir()
    lab.git(here, "init", "-q")
    lab.write(here, {"mine.txt": "mine\n"})
    lab.deliver(here, delta(0, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    assert lab.stats(here) == (1, 0, 0)
    assert lab.git(here, "status", "--porcelain") == "?? mine.txt"
    lab.git(here, "add", "mine.txt")
    lab.git(here, "commit", "-q", "-m", "mine")
    assert lab.stats(here) == (1, 0, 0)


def test_no_push_of_a_lone_repository_leaves_its_branch(lab: Lab) -> None:
    """--no-push writes the candidate; branch, index and files stay, and the next merge makes that very commit."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    before = lab.picture(here)
    lab.guard(here, "merge", "--no-push")
    assert lab.picture(here) == before
    candidate = lab.rev(here, "refs/guard/merged/candidate")
    lab.guard(here, "merge")
    assert lab.rev(here) == candidate


@pytest.mark.parametrize("state", ["merge", "rebase", "bisect", "cherry-pick"])
def test_an_operation_in_progress_is_not_spoiled(lab: Lab, state: str) -> None:
    """In the middle of a merge, rebase, bisect or cherry-pick: merged or refused, and the operation can be ended
    as it could."""
    here = lab.lone()
    lab.commit(here, {"a.txt": "base\n"})
    lab.git(here, "checkout", "-q", "-b", "side")
    side = lab.commit(here, {"a.txt": "side\n"})
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, {"a.txt": "main\n"} | inbox_file(1, "s1"))
    start = {
        "merge": ["merge", "-q", "side"],
        "rebase": ["rebase", "-q", "side"],
        "cherry-pick": ["cherry-pick", side],
        "bisect": ["bisect", "start", "HEAD", "HEAD~2"],
    }[state]
    lab.git(here, *start, code=None)
    files = lab.picture(here)[2:]
    said = lab.guard(here, "merge", code=None)
    assert said.code in (0, 2)
    if said.code == 2:
        assert lab.picture(here)[2:] == files
    end = {"bisect": ["bisect", "reset"]}.get(state, [state, "--abort"])
    lab.git(here, *end)
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == ""
    assert lab.rev(here) == lab.rev(here, "main")
    assert lab.merged(here) == {digest(delta(1, "s1"))}
    assert len(lab.merges(here)) == 1


def test_an_index_lock_that_a_neighbour_holds_for_a_moment_is_waited_for(lab: Lab) -> None:
    """A lock of the index that goes away is no reason to fail; one that stays is named, and nothing is changed."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lock = here / ".git/index.lock"
    lock.touch()
    process = lab.start(here, "merge")
    with pytest.raises(Exception, match="timed out"):
        process.wait(1.5)
    lock.unlink()
    assert lab.finish(process).code == 0
    assert lab.git(here, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ['it\'s "a" caf\u00e9 $(x)', "two\nlines", "-dash"])
def test_odd_characters_in_the_path_of_the_repository(lab: Lab, name: str) -> None:
    """Spaces, quotes, newlines and bytes outside ASCII in the path of the repository make no difference."""
    here = lab.lone(name)
    lab.commit(here, inbox_file(1, "s1"))
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == ""
    assert lab.merged(here) == {digest(delta(1, "s1"))}
    lab.guard(here, "verify")


def test_a_sha256_repository_merges_and_verifies(lab: Lab) -> None:
    """Object names of 64 digits: lone, by ref, and on a hub."""
    here = lab.lone(kind="sha256")
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.deliver(here, delta(1, "s2"))
    lab.guard(here, "merge")
    assert lab.stats(here) == (1, 0, 0)
    lab.guard(here, "verify")
    hub = lab.root / "hub256.git"
    lab.git(lab.root, "init", "-q", "--bare", "--object-format=sha256", str(hub))
    lab.git(here, "remote", "add", "origin", str(hub))
    lab.git(here, "push", "-q", "origin", "main")
    lab.commit(here, inbox_file(2, "s1"))
    lab.git(here, "push", "-q", "origin", "main")
    lab.deliver(here, delta(2, "s3"))
    lab.guard(here, "merge")
    lab.git(here, "pull", "-q", "origin", "main")
    assert "2 merges" in lab.guard(here, "verify", "main~4..main").out
    lab.commit(here, {"state/agents.json": "{}\n"})
    lab.guard(here, "verify", code=1)
    lab.guard(here, "restore", "state/agents.json", code=None)


def _hostile_config(here: Path, lab: Lab) -> None:
    settings = {
        "log.showSignature": "true",
        "log.follow": "true",
        "color.ui": "always",
        "diff.renames": "copies",
        "diff.ignoreSubmodules": "all",
        "diff.external": "/bin/false",
        "diff.noprefix": "true",
        "push.default": "nothing",
        "push.followTags": "true",
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
        "fetch.prune": "true",
        "merge.ff": "false",
        "merge.autoStash": "true",
        "core.quotePath": "true",
        "core.abbrev": "4",
        "log.abbrevCommit": "true",
        "format.pretty": "oneline",
        "log.decorate": "full",
        "diff.orderFile": "README.md",
        "status.showUntrackedFiles": "no",
        "status.short": "true",
        "status.branch": "true",
        "core.autocrlf": "true",
        "i18n.logOutputEncoding": "latin1",
        "submodule.recurse": "true",
        "core.pager": "false",
        "log.mailmap": "true",
        "merge.verifySignatures": "true",
        "core.fsmonitor": "false",
        "diff.mnemonicPrefix": "true",
        "log.date": "human",
        "status.relativePaths": "true",
        "diff.algorithm": "histogram",
        "core.attributesFile": "/dev/null",
        "transfer.fsckObjects": "true",
        "push.gpgSign": "if-asked",
        "user.useConfigOnly": "true",
    }
    for key, value in settings.items():
        lab.git(here, "config", key, value)


@pytest.mark.parametrize("diff_merges", ["off", "first-parent", "cc"])
def test_whatever_git_is_configured_to_do_the_merge_is_the_same(lab: Lab, diff_merges: str) -> None:
    """Settings of a person's git change no byte of what is merged or verified, evil merges included."""
    plain = lab.lone("plain")
    lab.git(plain, "checkout", "-q", "-b", "side")
    lab.commit(plain, inbox_file(1, "side", posts_created=[post(1)]))
    lab.git(plain, "checkout", "-q", "main")
    lab.commit(plain, inbox_file(1, "main", posts_created=[post(2)]))
    lab.git(plain, "merge", "-q", "--no-ff", "--no-commit", "side")
    evil = inbox_file(1, "evil", posts_created=[post(3)])
    lab.write(plain, {**evil, name_of(1, "side"): delta(1, "side", posts_created=[post(4)])})
    lab.git(plain, "add", "state")
    lab.git(plain, "commit", "-q", "-m", "evil")
    lab.commit(plain, {name_of(1, "evil"): None, name_of(1, "side"): None})
    odd = lab.root / "odd"
    lab.run(lab.root, "cp", "-r", str(plain), str(odd))
    _hostile_config(odd, lab)
    lab.git(odd, "config", "log.diffMerges", diff_merges)
    lab.guard(plain, "merge")
    assert lab.stats(plain) == (4, 0, 0)
    lab.guard(odd, "merge")
    assert lab.rev(odd) == lab.rev(plain)
    lab.guard(plain, "verify")
    lab.guard(odd, "verify")
