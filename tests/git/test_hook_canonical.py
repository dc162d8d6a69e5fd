"""The hooks around canonical state: no commit that changes it by hand comes in, and every merge of guard's does."""

import json
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE, UNHOOKED, git, guarded, refused, unhooked, whole
from walks.lab import INBOX, STATE, Lab, delta, inbox_file, post

from guard.policy import Policy

VERIFY = [pytest.param((), id="verify"), pytest.param(("--no-verify",), id="no-verify")]


@pytest.mark.parametrize("more", VERIFY)
@pytest.mark.parametrize("way", ["index", "all", "path", "amend", "only", "include"])
def test_a_commit_of_canonical_state(lab: Lab, way: str, more: tuple[str, ...]) -> None:
    """However it is committed, also with --no-verify: G101, and index, files and refs are as they were."""
    here = guarded(lab)
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.write(here, {STATE_FILE: EDITED, "README.md": "more\n"})
    if way in ("index", "amend"):
        lab.git(here, "add", "--", STATE_FILE)
    words = {
        "index": (),
        "all": ("-a",),
        "path": ("--", STATE_FILE),
        "amend": ("--amend",),
        "only": ("-o", STATE_FILE, "README.md"),
        "include": ("-i", STATE_FILE),
    }[way]
    refused(lab, here, "commit", *more, "-m", "[S1] agents: by hand", *words, code="G101")


def test_a_first_commit_of_state_needs_no_merge(lab: Lab) -> None:
    """A repository without baseline has adopted nothing: state may be committed, and what shrinks it may not."""
    here = guarded(lab, adopt=False)
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "commit", "-q", "-m", "[S1] agents: by hand", "--", STATE_FILE)
    lab.write(here, {STATE_FILE: json.dumps({"agents": {}})})
    for more in ((), ("-n",)):
        refused(lab, here, "commit", *more, "-m", "[S1] agents: fewer", "--", STATE_FILE, code="G107")


@pytest.mark.parametrize("new", ["{", '{"agents": {}, "_meta": {"count": 0}}', ""])
def test_state_that_lost_records(lab: Lab, new: str) -> None:
    """State that no longer parses or lost records is refused, also with --no-verify."""
    here = guarded(lab)
    lab.write(here, {STATE_FILE: new})
    lab.git(here, "add", "--", STATE_FILE)
    for more in ((), ("--no-verify",)):
        refused(lab, here, "commit", *more, "-m", "[S1] agents: fewer", code="G107")


def _bad_branch(lab: Lab, here: Path) -> str:
    lab.git(here, "branch", "bad")
    lab.git(here, "checkout", "-q", "bad")
    commit = unhooked(lab, here, {STATE_FILE: EDITED, "more.txt": "more\n"}, "[S1] agents: by hand")
    lab.git(here, "checkout", "-q", "main")
    return commit


@pytest.mark.parametrize(
    ("words", "undo"),
    [
        (["cherry-pick", "bad"], ["cherry-pick", "--abort"]),
        (["merge", "--no-ff", "-m", "Merge bad", "bad"], []),
        (["merge", "--ff-only", "bad"], []),
        (["merge", "bad"], []),
        (["reset", "-q", "--keep", "bad"], []),
        (["checkout", "-q", "-B", "main", "bad"], []),
        (["rebase", "-q", "bad"], ["rebase", "--abort"]),
        (["update-ref", "refs/heads/main", "bad"], []),
        (["branch", "-f", "side", "bad"], []),
        (["fetch", "-q", ".", "bad:side"], []),
    ],
    ids=lambda words: "-".join(words[:2]).replace("--", ""),
)
@pytest.mark.parametrize("ahead", [False, True], ids=["ff", "diverged"])
def test_state_that_comes_another_way(lab: Lab, words: list[str], undo: list[str], *, ahead: bool) -> None:
    """What somebody committed past the hooks enters no branch: the branch stays, and git's own way back is exact."""
    here = guarded(lab)
    _bad_branch(lab, here)
    lab.git(here, "branch", "side")
    if ahead:
        lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.write(here, {"README.md": "not committed\n", "untracked.txt": "mine\n"})
    if undo:
        lab.git(here, "checkout", "-q", "--", "README.md")  # these commands ask for a clean tree
    before = whole(lab, here)
    said = git(lab, here, *words)
    if said.code == 0:  # diverged: not even git would do it, or it was a rebase that had nothing to do
        assert whole(lab, here)["refs"]["refs/heads/main"] == before["refs"]["refs/heads/main"], said
    else:
        if "G101" not in said.err:
            assert ahead, said
            assert words[0] in ("merge", "fetch"), said  # not a fast-forward
        assert whole(lab, here)["refs"] == before["refs"]
        if undo:
            lab.git(here, *undo)
        assert whole(lab, here) == before


def test_state_under_literal_pathspecs(lab: Lab) -> None:
    """`git --literal-pathspecs`, which hooks inherit: protected files are found by their patterns all the same."""
    here = guarded(lab)
    bad = _bad_branch(lab, here)
    for words in (("merge", "--ff-only", "bad"), ("reset", "-q", "--hard", "bad")):
        refused(lab, here, "--literal-pathspecs", *words, code="G101")
    for how in ("LITERAL", "GLOB", "NOGLOB", "ICASE"):
        env = {f"GIT_{how}_PATHSPECS": "1"}
        refused(lab, here, "update-ref", "refs/heads/main", "bad", code="G101", env=env)
        assert "G101" in lab.guard(here, "check", "--range", f"main..{bad}", code=1, env=env).all


def test_a_glob_whose_mark_stands_for_several_bytes(lab: Lab) -> None:
    """`?` is one letter, also one that git reads as two bytes: an edit in a merge's own content is seen by all."""
    here = lab.lone(adopt=False, files={**STATE, "data/\u00e9.json": "{}\n"})
    globs = [*Policy().canonical, "data/?.json"]
    lab.adopt(here, f"[canonical]\npaths = {json.dumps(globs)}\n")
    good = lab.rev(here)
    lab.git(here, "checkout", "-q", "-b", "side")
    lab.commit(here, {"side.txt": "side\n"}, "[S1] side: a file")
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.git(here, "merge", "-q", "--no-commit", "--no-ff", "side")
    lab.write(here, {"data/\u00e9.json": '{"by hand": 1}\n'})
    lab.git(here, "add", "--", "data")
    lab.git(here, "commit", "-q", "-m", "Merge side")
    assert "G101" in lab.guard(here, "check", "--range", f"{good}..HEAD", code=1).all
    lab.guard(here, "verify", code=1)
    bad = lab.rev(here)
    lab.git(here, "reset", "-q", "--hard", good)
    lab.git(here, "update-ref", "refs/heads/side", good)
    lab.guard(here, "install")
    refused(lab, here, "merge", "-q", "--ff-only", bad, code="G101")


def test_a_mailed_patch_of_state(lab: Lab) -> None:
    """git am stops, and --abort brings everything back."""
    here = guarded(lab)
    bad = _bad_branch(lab, here)
    patch = lab.git(here, "format-patch", "-1", "--stdout", bad).encode() + b"\n"
    before = whole(lab, here)
    said = git(lab, here, "am", "-q", input=patch)
    assert said.code != 0
    assert "G101" in said.err
    lab.git(here, "am", "--abort")
    assert whole(lab, here) == before


def test_the_revert_of_a_merge_of_guards(lab: Lab) -> None:
    """Reverting the merge job's commit takes records back: refused, and `git reset --merge` brings everything back."""
    here = guarded(lab)
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]), "[S1] delta: one")
    lab.guard(here, "merge")
    before = whole(lab, here)
    for more in ((), ("--no-commit",)):
        said = git(lab, here, "revert", "--no-edit", *more, "HEAD")
        if more:
            said = git(lab, here, "commit", "-n", "-m", 'Revert "x"')
        assert said.code != 0
        assert "G101" in said.err or "G107" in said.err
        lab.git(here, "reset", "-q", "--merge")
        for name in ("REVERT_HEAD",):
            (here / ".git" / name).unlink(missing_ok=True)
        assert whole(lab, here) == before


def test_ours_over_newer_state(lab: Lab) -> None:
    """`git merge -s ours` that drops what upstream merged is refused, and aborts cleanly."""
    one, two = lab.fleet("one", "two")
    lab.guard(two, "install")
    lab.commit(two, {"mine.txt": "mine\n"}, "[S2] mine: a file")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(one, "merge")
    lab.git(two, "fetch", "-q")
    before = whole(lab, two)
    said = git(lab, two, "merge", "-s", "ours", "-m", "Merge upstream", "origin/main")
    assert said.code != 0
    assert "G101" in said.err
    git(lab, two, "merge", "--abort")
    assert whole(lab, two) == before
    lab.git(two, "merge", "-q", "-m", "Merge upstream", "origin/main")
    lab.guard(two, "verify")


def test_whatever_upstream_merged_comes_in(lab: Lab) -> None:
    """Fetching, pulling, fast-forwarding, merging and rebasing onto guard's merges, and pushing them: all pass."""
    one, two = lab.fleet("one", "two")
    lab.guard(one, "install")
    lab.guard(two, "install")
    ways = (
        ["pull", "-q", "--ff-only"],
        ["pull", "-q", "--no-rebase", "--no-edit"],
        ["pull", "-q", "--rebase"],
        ["merge", "-q", "-m", "Merge upstream", "origin/main"],
        ["rebase", "-q", "origin/main"],
        ["reset", "-q", "--hard", "origin/main"],
    )
    for frame, words in enumerate(ways, 1):
        lab.commit_push(one, inbox_file(frame, "s1", posts_created=[post(frame)]), f"[S1] delta: {frame}")
        lab.guard(one, "merge")
        lab.git(one, "pull", "-q", "--ff-only")
        if "--ff-only" not in words:
            lab.commit(two, {f"mine-{frame}.txt": "mine\n"}, f"[S2] mine: {frame}")
        if words[0] != "pull":
            lab.git(two, "fetch", "-q")
        lab.git(two, *words)
        assert lab.canonical(two, "HEAD") == lab.canonical(lab.hub), words
    lab.git(two, "commit", "-q", "--allow-empty", "-m", "[S2] nothing: at all")
    lab.git(two, "push", "-q", "origin", "HEAD:main")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_a_lone_repository_merges_under_its_own_hooks(lab: Lab) -> None:
    """Without a remote, `guard merge` moves the branch through the hooks; branches, worktrees and tags of it pass."""
    here = guarded(lab)
    for frame in (1, 2):
        lab.commit(here, inbox_file(frame, "s1", posts_created=[post(frame)]), f"[S1] delta: {frame}")
        lab.guard(here, "merge")
    lab.git(here, "branch", "old", "HEAD~2")
    lab.git(here, "checkout", "-q", "old")
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.git(here, "rebase", "-q", "main")
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "--ff-only", "old")
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(lab.root / "side"))
    lab.git(here, "checkout", "-q", "--detach", "HEAD~1")
    lab.git(here, "checkout", "-q", "main")
    lab.guard(here, "verify")


def test_a_clone_with_foreign_state_is_not_wedged(lab: Lab) -> None:
    """Where something came past the hooks, branches, tags, packing, ordinary commits and going back still work."""
    here = guarded(lab)
    good = lab.rev(here)
    unhooked(lab, here, {STATE_FILE: EDITED})
    lab.git(here, "pack-refs", "--all")
    lab.git(here, "gc", "-q")
    lab.git(here, "tag", "odd")
    lab.git(here, "branch", "odd")
    lab.git(here, "branch", "-m", "odd", "odder")
    lab.git(here, "checkout", "-q", "--detach")
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(lab.root / "side"))
    lab.git(here, "worktree", "remove", str(lab.root / "side"))
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.git(here, "branch", "-D", "-q", "side")
    lab.git(here, "reset", "-q", "--hard", good)


def test_merges_past_an_upstream_stay_free(lab: Lab) -> None:
    """A clone ahead of its upstream by guard's own merge packs, branches, commits and pushes."""
    one, two = lab.fleet("one", "two")
    lab.guard(one, "install")
    lab.commit(one, inbox_file(1, "s1", posts_created=[post(1)]), "[S1] delta: one")
    lab.git(one, "push", "-q", "origin", "main")
    lab.guard(one, "merge", "--no-push")
    lab.git(one, "merge", "-q", "--ff-only", "refs/guard/merged/candidate")
    lab.git(one, "pack-refs", "--all")
    lab.git(one, "gc", "-q")
    lab.commit(one, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.git(one, "checkout", "-q", "-b", "other")
    lab.git(one, "push", "-q", "origin", "other:main")
    lab.git(two, "pull", "-q")
    lab.guard(two, "verify")


def test_a_push_judges_every_ref(lab: Lab) -> None:
    """pre-push refuses a commit of foreign state on any of the branches that are pushed, and sends nothing."""
    one, _ = lab.fleet("one", "two")
    lab.guard(one, "install")
    lab.git(one, "checkout", "-q", "-b", "fine")
    lab.commit(one, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.git(one, "checkout", "-q", "-b", "bad")
    unhooked(lab, one, {STATE_FILE: EDITED}, "[S1] agents: by hand")
    said = git(lab, one, "push", "origin", "fine", "bad")
    assert said.code != 0
    assert "G101" in said.err
    assert set(lab.refs(lab.hub)) == {"refs/heads/main"}
    lab.git(one, "push", "-q", "origin", "fine")
    lab.git(one, "push", "-q", "origin", "--delete", "fine")


def test_deltas_are_judged_at_the_commit(lab: Lab) -> None:
    """An invalid delta, and one that is rewritten, cannot be committed; a valid one can."""
    here = guarded(lab)
    lab.write(here, {f"{INBOX}/frame-1-s1.json": "{"})
    lab.git(here, "add", "--", INBOX)
    refused(lab, here, "commit", "-m", "[S1] delta: broken", code="G102")
    lab.write(here, {f"{INBOX}/frame-1-s1.json": delta(1, "s1")})
    lab.git(here, "add", "--", INBOX)
    lab.git(here, "commit", "-q", "-m", "[S1] delta: one")
    lab.write(here, {f"{INBOX}/frame-1-s1.json": delta(1, "s1", observations={"a": 1})})
    lab.git(here, "add", "--", INBOX)
    for more in ((), ("--no-verify",)):
        refused(lab, here, "commit", *more, "-m", "[S1] delta: again", code="G103")


def test_hooks_that_are_switched_off_are_caught_elsewhere(lab: Lab) -> None:
    """`-c core.hooksPath=/dev/null` passes here, and `guard verify` and `guard check --range` say what came in."""
    here = guarded(lab)
    good = lab.rev(here)
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, *UNHOOKED, "commit", "-q", "-m", "[S1] agents: by hand", "--", STATE_FILE)
    assert "G101" in lab.guard(here, "check", "--range", f"{good}..HEAD", code=1).all
    lab.guard(here, "verify", code=1)


@pytest.mark.parametrize("where", ["hook", "editor"])
def test_a_neighbour_who_stages_meanwhile(lab: Lab, where: str) -> None:
    """What a neighbour stages after pre-commit has looked, and git commits, is refused at the branch all the same."""
    here = guarded(lab)
    lab.write(here, {"mine.txt": "mine\n"})
    lab.git(here, "add", "mine.txt")
    (lab.root / "edited.json").write_text(EDITED)
    text = f"#!/bin/sh\ncp '{lab.root}/edited.json' {STATE_FILE} && git add {STATE_FILE}\n"
    script = here / ".git/hooks/pre-commit.guard-displaced" if where == "hook" else lab.root / "editor"
    script.write_text(text if where == "hook" else text + 'echo "[S1] mine: a file" >"$1"\n')
    script.chmod(0o755)
    before = lab.rev(here)
    said = git(
        lab, here, "commit", *(["-m", "[S1] mine: a file"] if where == "hook" else []), env={"GIT_EDITOR": str(script)}
    )
    assert (said.code != 0) == (where == "hook"), said
    if where == "hook":
        assert "G101" in said.err
        assert lab.rev(here) == before
    assert lab.show(here, STATE_FILE, "HEAD") == lab.show(here, STATE_FILE, before)
