"""What stands around a merge: the environment, hooks, settings and odd commits of a real repository."""

import pytest
from walks.lab import GUARD, Lab, delta, digest, inbox_file, name_of, post


@pytest.mark.parametrize("option", ["--squash", "--no-ff", "--no-commit"])
def test_merge_options_of_the_branch_leave_no_half_state(lab: Lab, option: str) -> None:
    """branch.main.mergeOptions is for people's merges: guard's fast-forward moves branch, index and files, or
    nothing."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lab.git(here, "config", "branch.main.mergeOptions", option)
    lab.write(here, {"README.md": "dirty\n"})
    said = lab.guard(here, "merge", code=None)
    assert lab.git(here, "status", "--porcelain").strip() == "M README.md"
    assert len(lab.merges(here)) == (1 if said.code == 0 else 0)
    assert lab.git(here, "stash", "list") == ""


def test_a_hook_that_refuses_the_branch_leaves_index_and_files(lab: Lab) -> None:
    """A reference-transaction hook that keeps main where it is: exit 2, and index and work tree are as before."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    hook = here / ".git/hooks/reference-transaction"
    hook.write_text('#!/bin/sh\n[ "$1" = prepared ] && grep -q refs/heads/main && exit 1\nexit 0\n')
    hook.chmod(0o755)
    before = lab.picture(here)
    lab.guard(here, "merge", code=2)
    assert lab.picture(here) == before
    hook.unlink()
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == ""


def test_dash_c_means_that_repository_also_inside_a_hook(lab: Lab) -> None:
    """git sets GIT_DIR and GIT_INDEX_FILE for its hooks; `guard -C DIR` there still means the repository at DIR."""
    here, other = lab.lone("here"), lab.lone("other")
    lab.commit(here, inbox_file(1, "s1"))
    env = {"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / ".git/index"), "GIT_WORK_TREE": str(other)}
    before = lab.picture(other)
    lab.guard(other, "merge", "-C", str(here), env=env)
    assert lab.picture(other) == before
    assert lab.merged(here) == {digest(delta(1, "s1"))}
    assert lab.git(here, "status", "--porcelain") == ""


def test_a_merge_from_the_hubs_own_hook(lab: Lab) -> None:
    """A post-receive hook of a bare hub may run the merge: the environment that git gives hooks does no harm."""
    one, two = lab.fleet("one", "two")
    hook = lab.hub / "hooks/post-receive"
    words = " ".join(f"'{word}'" for word in GUARD)
    hook.write_text(f"#!/bin/sh\n{words} merge >>'{lab.root}/log' 2>&1\n")
    hook.chmod(0o755)
    lab.commit_push(one, inbox_file(1, "s1"))
    assert lab.merged(lab.hub) == {digest(delta(1, "s1"))}, (lab.root / "log").read_text()
    lab.git(two, "pull", "-q")
    lab.guard(two, "verify")


def test_a_merge_from_a_hook_of_a_linked_worktree(lab: Lab) -> None:
    """A post-commit hook in a linked worktree, where git sets absolute paths, may run the merge of main."""
    here = lab.lone()
    lab.git(here, "worktree", "add", "-q", "-b", "other", str(lab.root / "linked"))
    lab.commit(here, inbox_file(1, "s1"))
    hook = here / ".git/hooks/post-commit"
    words = " ".join(f"'{word}'" for word in GUARD)
    hook.write_text(f"#!/bin/sh\n{words} merge >>'{lab.root}/log' 2>&1\n")
    hook.chmod(0o755)
    lab.commit(lab.root / "linked", {"x.txt": "x\n"})
    assert lab.merged(here) == {digest(delta(1, "s1"))}, (lab.root / "log").read_text()
    assert lab.git(here, "status", "--porcelain") == ""
    assert lab.git(lab.root / "linked", "status", "--porcelain") == ""


@pytest.mark.parametrize("committer", ["nobody <> xx", "a <b> 99999999999999999999 +0000", "a <b> -5 +0000"])
def test_a_commit_with_an_odd_committer_line(lab: Lab, committer: str) -> None:
    """Commits that other tools wrote badly are merged on, or refused in words."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    raw = lab.git(here, "cat-file", "commit", "HEAD").splitlines()
    raw = [f"committer {committer}" if line.startswith("committer ") else line for line in raw]
    oid = lab.git(
        here, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", input="\n".join([*raw, ""]).encode()
    )
    lab.git(here, "update-ref", "refs/heads/main", oid)
    for command in ("merge", "verify"):
        assert lab.guard(here, command, code=None).code in (0, 2)


def test_a_clone_whose_remote_has_another_name_does_not_merge_alone(lab: Lab) -> None:
    """A clone of a hub under a remote that policy does not name: no merge commit that only this clone has, said in
    words."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.git(one, "remote", "rename", "origin", "upstream")
    tip = lab.rev(one, "main")
    said = lab.guard(one, "merge", code=2)
    assert "origin" in said.err
    assert lab.rev(one, "main") == tip


def test_output_that_nobody_reads(lab: Lab) -> None:
    """A closed pipe or a full device at stdout leaves no traceback, and the merge is made all the same."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    for number, words in enumerate(("merge", "merge --json", "--help", "verify --json")):
        lab.commit(here, inbox_file(2 + number, "s1"))
        for where in (">/dev/full", "| :", ">&-"):
            said = lab.run(here, "bash", "-c", '"$@" ' + where, "guard", *GUARD, *words.split())
            assert "Traceback" not in said.all, (words, where, said.all[-300:])
            assert "Exception ignored" not in said.all, (words, where, said.all[-300:])
    assert lab.load(here, "state/frame_counter.json") == {"frame": 3}


def test_errors_that_nobody_reads(lab: Lab) -> None:
    """A full device at stderr makes no success of what went wrong, and stops nothing that only warns."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lab.commit(here, {name_of(1, "s2"): "{"})
    for words, code in (("verify nosuch", 2), ("nosuch", 2), ("merge", 0), ("verify", 0)):
        for where in ("2>/dev/full", "2>&-"):
            said = lab.run(here, "bash", "-c", '"$@" ' + where, "guard", *GUARD, *words.split())
            assert said.code == code, (words, where, said)
    assert lab.load(here, "state/frame_counter.json") == {"frame": 1}


def test_questions_that_nobody_asks(lab: Lab) -> None:
    """Without a stdin at all, an agent's hook passes and init asks nobody: neither shows a traceback."""
    here = lab.lone(adopt=False)
    for words in ("agent hook claude", "init"):
        said = lab.run(here, "bash", "-c", '"$@" <&-', "guard", *GUARD, *words.split())
        assert said.code == 0, said
        assert "Traceback" not in said.all, said


def test_a_locale_without_unicode(lab: Lab) -> None:
    """In the C locale with ASCII output, names and values beyond ASCII are merged and printed somehow."""
    here = lab.lone()
    lab.commit(
        here,
        {
            name_of(1, "s1"): delta(1, "s1", posts_created=[post(1, "\u00e9mile")]),
            "state/stream_deltas/\u00e9.json": "{",
        },
    )
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    for words in (["frame"], ["frame", "--json"], ["merge", "--json"], ["verify"], ["merge"]):
        lab.guard(here, *words, env=env)
    assert "\u00e9mile" in lab.load(here, "state/agents.json")["agents"]
