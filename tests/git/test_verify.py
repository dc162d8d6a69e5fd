"""`guard verify`: what history may hold, and what it may not."""

import itertools
import json
import shutil
from pathlib import Path

import pytest
from walks.lab import INBOX, Lab, delta, digest, inbox_file, name_of, post


def _started(lab: Lab, frames: int = 2) -> Path:
    """A lone repository with a few merges; copied, because most tests begin with one."""
    model = lab.root.parent / f"model-{frames}"
    if not model.is_dir():
        other = lab.root / "model"
        other.mkdir()
        maker = Lab(other)
        made = maker.lone()
        for frame in range(1, frames + 1):
            maker.commit(made, inbox_file(frame, "s1", posts_created=[post(frame)]))
            maker.guard(made, "merge")
        shutil.copytree(made, model, symlinks=True)
    here = lab.root / "lone"
    shutil.copytree(model, here, symlinks=True)
    lab.git(here, "status")
    lab.clock = itertools.count(1767601000)
    return here


def _problems(lab: Lab, here: Path, *words: str) -> list[tuple[str, str, str]]:
    """(commit, path, code) of what verify finds."""
    value = lab.guard(here, "verify", "--json", *words, code=1).json
    assert value["exit"] == 1
    return [(problem["commit"], problem["path"], problem["code"]) for problem in value["problems"]]


def _clean(lab: Lab, here: Path, *words: str) -> None:
    """Verify passes, by itself and from the adoption on."""
    base = lab.git(here, "log", "--format=%H", "--diff-filter=A", "main", "--", "guard.toml").split()[-1]
    lab.guard(here, "verify", f"{base}^..HEAD")
    lab.guard(here, "verify", *words)


def _edit(lab: Lab, here: Path, path: str = "state/stats.json", old: str = ": ", new: str = ":  ") -> str:
    """A hand edit of a canonical file."""
    return lab.commit(here, {path: (here / path).read_text().replace(old, new, 1)}, "a hand edit")


def test_a_clean_history_passes_and_is_remembered(lab: Lab) -> None:
    """Merges and ordinary work verify; the next run starts where this one ended; a range judges what it names."""
    here = _started(lab)
    lab.commit(here, {"docs/x.md": "x\n"})
    assert "2 merges" in lab.guard(here, "verify").out
    assert lab.guard(here, "verify").out.startswith("0 commits")
    assert lab.guard(here, "verify", "HEAD~1..HEAD", "--json").json["commits"] == 1
    assert lab.guard(here, "verify", "--json", "HEAD~2..").json["commits"] == 2
    lab.guard(here, "verify", "nowhere..HEAD", code=2)
    lab.guard(here, "verify", "--all..HEAD", code=2)


def test_a_hand_edit_is_named_by_commit_and_path(lab: Lab) -> None:
    """A canonical file that a person edited is exit 1 with that commit and file, also after later merges."""
    here = _started(lab)
    edit = _edit(lab, here)
    assert _problems(lab, here) == [(edit, "state/stats.json", "G101")]
    said = lab.guard(here, "verify", code=1).out
    assert f"{edit[:12]}:state/stats.json: G101" in said
    assert "guard restore state/stats.json" in said
    lab.commit(here, inbox_file(3, "s1"))
    lab.guard(here, "merge")
    assert (edit, "state/stats.json", "G101") in _problems(lab, here)


@pytest.mark.parametrize(
    "path", ["state/new.json", "state/frames/000/frame-9.json", "state/posts/000/00099.json", "state/registers/aa.json"]
)
def test_a_new_canonical_file_by_hand_is_refused(lab: Lab, path: str) -> None:
    """Creating canonical files is the merge's, too."""
    here = _started(lab)
    commit = lab.commit(here, {path: "{}\n"})
    assert _problems(lab, here) == [(commit, path, "G101")]


@pytest.mark.parametrize("path", ["state/stats.json", "state/frames/000/frame-3.json", "state/agents.json"])
def test_one_changed_byte_in_a_merge_commit_is_found(lab: Lab, path: str) -> None:
    """A merge commit with the true message and one byte changed does not verify, and is no boundary for the next
    merge."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "s1", posts_created=[post(3)]))
    lab.guard(here, "merge")
    text = (here / path).read_text()
    lab.write(here, {path: text.replace("0", "9", 1) if "0" in text else text + " "})
    lab.git(here, "commit", "-qa", "--amend", "--no-edit")
    found = _problems(lab, here)
    assert (lab.rev(here), path, "G101") in found


def test_a_merge_commit_that_smuggles_another_file_is_still_judged(lab: Lab) -> None:
    """A true merge's bytes beside an edited roster of canonical files: what is beyond the merge is named."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "s1"))
    lab.guard(here, "merge")
    lab.write(here, {"state/extra.json": "{}\n"})
    lab.git(here, "add", "state/extra.json")
    lab.git(here, "commit", "-q", "--amend", "--no-edit")
    assert (lab.rev(here), "state/extra.json", "G101") in _problems(lab, here)


@pytest.mark.parametrize("frames", ["2", "3", "999999999"])
def test_a_forged_trailer_on_an_empty_commit_changes_nothing(lab: Lab, frames: str) -> None:
    """An empty commit that claims a merge is refused, and the deltas before it are still merged."""
    here = _started(lab)
    data = delta(3, "victim", posts_created=[post(33)])
    lab.commit(here, {name_of(3, "victim"): data})
    lab.commit(here, {name_of(3, "victim"): delta(3, "victim")})
    message = (
        f"[F3] merge: 1 streams\n\nGuard-Merge: frames={frames} close={frames} deltas=1 digest={'0' * 64} engine=1"
    )
    lab.git(here, "commit", "-q", "--allow-empty", "-m", message)
    forged = lab.rev(here)
    assert forged in {commit for commit, _, _ in _problems(lab, here)}
    lab.guard(here, "merge")
    assert digest(data) in lab.merged(here)
    assert digest(delta(3, "victim")) in lab.merged(here)


def test_a_forged_close_that_is_true_by_itself_does_not_hide_deltas(lab: Lab) -> None:
    """A copy of an older merge's whole message on an empty commit hides no delta."""
    here = _started(lab)
    message = lab.git(here, "log", "-1", "--format=%B")
    lab.commit(here, inbox_file(3, "s1", posts_created=[post(3)]))
    lab.git(here, "commit", "-q", "--allow-empty", "-m", message)
    lab.guard(here, "merge")
    assert lab.stats(here) == (3, 0, 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [("digest=", "digest=0"), ("deltas=1", "deltas=2"), ("frames=3", "frames=4"), ("engine=1", "engine=0")],
)
def test_a_trailer_that_says_something_else_is_forged(lab: Lab, old: str, new: str) -> None:
    """A merge's right bytes under a trailer that is wrong in any word do not verify."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "s1"))
    lab.guard(here, "merge")
    message = lab.git(here, "log", "-1", "--format=%B")
    changed = message.replace(old, new, 1)
    if old == "digest=":
        before = message.split("digest=")[1][:64]
        changed = message.replace(before, "0" * 64)
    lab.git(here, "commit", "-q", "--amend", "-m", changed)
    assert lab.rev(here) in {commit for commit, _, _ in _problems(lab, here)}


def test_a_rewritten_delta_is_named_until_both_versions_are_merged(lab: Lab) -> None:
    """Overwriting a committed delta is G103; once a merge has recovered the old version, it is made good."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "s1", posts_created=[post(3)]))
    rewrite = lab.commit(here, inbox_file(3, "s1", posts_created=[post(4)]))
    assert _problems(lab, here) == [(rewrite, name_of(3, "s1"), "G103")]
    said = lab.guard(here, "merge")
    assert "recovered: frame-3-s1.json" in said.out
    assert lab.stats(here) == (4, 0, 0)
    value = lab.guard(here, "verify", "--json").json
    assert [problem["code"] for problem in value["repaired"]] == ["G103"]


def test_deleting_deltas(lab: Lab) -> None:
    """An unmerged delta may not be deleted; one that a page records may."""
    here = _started(lab)
    lab.git(here, "rm", "-q", name_of(1, "s1"))
    lab.git(here, "commit", "-q", "-m", "merged long ago")
    _clean(lab, here)
    lab.commit(here, inbox_file(3, "s1"))
    lab.git(here, "rm", "-q", name_of(3, "s1"))
    lab.git(here, "commit", "-q", "-m", "gone")
    assert _problems(lab, here) == [(lab.rev(here), name_of(3, "s1"), "G103")]


@pytest.mark.parametrize("how", ["rename", "symlink", "mode", "folder", "submodule"])
def test_other_ways_to_rewrite_a_delta(lab: Lab, how: str) -> None:
    """Renaming an unmerged delta away, or making something else of it, is a rewrite as well."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "s1"))
    path = name_of(3, "s1")
    if how == "rename":
        lab.git(here, "mv", path, "archive.json")
    elif how == "mode":
        lab.git(here, "update-index", "--chmod=+x", path)
    elif how == "submodule":
        lab.git(here, "update-index", "--cacheinfo", f"160000,{lab.rev(here)},{path}")
    else:
        lab.git(here, "rm", "-q", path)
        if how == "symlink":
            (here / INBOX).mkdir(exist_ok=True)
            (here / path).symlink_to("x")
        else:
            lab.write(here, {f"{path}/x": "x"})
        lab.git(here, "add", INBOX)
    lab.git(here, "commit", "-q", "-m", "otherwise")
    found = lab.guard(here, "verify", "--json", code=None).json
    if how != "mode":
        assert (lab.rev(here), path, "G103") in _problems(lab, here)
    assert found["exit"] in (0, 1)
    lab.git(here, "checkout", "-q", "--detach")
    lab.guard(here, "merge")
    assert digest(delta(3, "s1")) in lab.merged(here)


BOARD = "| lane | state |\n|---|---|\n| a | OPEN |\n| b | OPEN |\n"
NEXT = "top text\n\n## one\ntext\n\n## two\ntext\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("tasks/SWARM-LANES.md", BOARD, BOARD.replace("| a | OPEN |", "| a | DONE |")),
        ("tasks/SWARM-LANES.md", BOARD, BOARD.replace("| a | OPEN |\n", "")),
        ("tasks/SWARM-LANES.md", BOARD, None),
        ("memory/INDEX.md", BOARD, "| lane | state |\n|---|---|\n| b | OPEN |\n| a | OPEN |\n"),
        ("tasks/NEXT.md", NEXT, NEXT.replace("## two\ntext", "## two\nother")),
        ("tasks/NEXT.md", NEXT, NEXT.replace("## one\ntext\n", "")),
        ("memory/lessons/a.md", "lesson\n", "other\n"),
        ("memory/lessons/a.md", "lesson\n", None),
    ],
)
def test_an_edited_append_only_file_is_refused(lab: Lab, path: str, before: str, after: str | None) -> None:
    """Rows, sections and lessons may not be changed, moved or deleted."""
    here = _started(lab, 1)
    lab.commit(here, {path: before})
    commit = lab.commit(here, {path: after})
    assert _problems(lab, here) == [(commit, path, "G104")]


def test_an_appended_append_only_file_passes(lab: Lab) -> None:
    """Rows at the end or between, sections on top or at the end, text above the first section and longer lessons
    are fine."""
    here = _started(lab, 1)
    lab.commit(here, {"tasks/SWARM-LANES.md": BOARD, "tasks/NEXT.md": NEXT, "memory/lessons/a.md": "lesson\n"})
    lab.commit(
        here,
        {
            "tasks/SWARM-LANES.md": BOARD + "| c | OPEN |\n",
            "tasks/NEXT.md": NEXT.replace("top", "new top") + "\n## three\n",
        },
    )
    lab.commit(
        here,
        {
            "tasks/NEXT.md": NEXT.replace("## one", "## zero\n\n## one") + "\n## three\n",
            "memory/lessons/a.md": "lesson\nmore\n",
        },
    )
    _clean(lab, here)


@pytest.mark.parametrize("path", ["tasks/NEXT.md", "data.json", "state/anything.txt"])
def test_conflict_markers_are_named(lab: Lab, path: str) -> None:
    """The markers of a failed autostash in state, JSON or append-only files are G106 until they are gone."""
    here = _started(lab, 1)
    commit = lab.commit(here, {path: "<<<<<<< Updated upstream\na\n=======\nb\n>>>>>>> Stashed changes\n"})
    assert (commit, path, "G106") in _problems(lab, here)


# --- several parents -------------------------------------------------------------------------------------------


def test_a_side_branch_with_older_deltas_is_fine(lab: Lab) -> None:
    """Deltas from a branch that left before the newest merges come in by `git merge` and are merged late."""
    here = _started(lab, 1)
    lab.git(here, "checkout", "-q", "-b", "side")
    data = delta(1, "side", posts_created=[post(50)])
    lab.commit(here, {name_of(1, "side"): data})
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    lab.guard(here, "merge")
    lab.git(here, "merge", "-q", "--no-ff", "-m", "side", "side")
    lab.guard(here, "merge")
    assert digest(data) in lab.merged(here)
    assert lab.stats(here) == (3, 0, 0)
    _clean(lab, here)


@pytest.mark.parametrize("forked", ["after-adoption", "before-adoption"])
def test_a_side_branch_from_before_the_last_verified_commit_is_fine(lab: Lab, forked: str) -> None:
    """A branch that left before what was verified last, even before adoption, may be merged: verify passes by
    default range."""
    here = _started(lab, 2)
    lab.guard(here, "verify")
    start = "HEAD~3" if forked == "after-adoption" else "HEAD~5"
    lab.git(here, "checkout", "-q", "-b", "side", start)
    lab.commit(here, inbox_file(1, "side", posts_created=[post(50)]))
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "--no-ff", "-m", "side", "side")
    lab.guard(here, "verify")
    lab.guard(here, "merge")
    assert lab.stats(here) == (3, 0, 0)
    _clean(lab, here)


def test_pull_merges_of_ordinary_work_pass(lab: Lab) -> None:
    """A clone that pulls (no rebase) over the hub's merges makes merge commits that verify, on either side of
    first parent."""
    one, two = lab.fleet("one", "two")
    for frame in range(1, 4):
        lab.commit(two, {f"work-{frame}.txt": "w\n", **inbox_file(frame, "two")})
        lab.commit_push(one, inbox_file(frame, "one"))
        lab.guard(one, "merge")
        lab.git(two, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
        lab.git(two, "push", "-q", "origin", "HEAD:main")
    lab.guard(two, "merge")
    lab.git(two, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    lab.guard(two, "verify")
    assert lab.merged(lab.hub) == {digest(delta(frame, name)) for frame in (1, 2, 3) for name in ("one", "two")}
    fresh = lab.clone("fresh")
    assert "4 merges" in lab.guard(fresh, "verify").out


def _forked(lab: Lab) -> Path:
    """main has a newer merge; side left before it and has ordinary work."""
    here = _started(lab, 1)
    lab.git(here, "branch", "side")
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    lab.guard(here, "merge")
    lab.git(here, "checkout", "-q", "side")
    lab.commit(here, {"side.txt": "s\n"})
    return here


def _behind(lab: Lab, *more: str) -> Path:
    """A clone whose branch `side` took in main between two merges of frames, with more words for git's merge."""
    [here] = lab.fleet("here")
    lab.git(here, "switch", "-q", "-c", "side")
    lab.commit(here, {"docs/x.md": "x\n"})
    for frame in (1, 2):
        lab.git(here, "switch", "-q", "main")
        lab.commit_push(here, inbox_file(frame, "s1", posts_created=[post(frame)]))
        lab.guard(here, "merge")
        lab.git(here, "pull", "-q", "origin", "main")
        lab.git(here, "switch", "-q", "side")
        if frame == 1:
            lab.git(here, "merge", "-q", "--no-edit", *more, "main")
            lab.commit(here, {"docs/y.md": "y\n"})
    return here


def test_a_branch_that_took_in_what_main_was_some_time_ago_is_fine(lab: Lab) -> None:
    """Judged against main as it is now, by verify and by check: both parents of that join are from before the range."""
    here = _behind(lab)
    lab.guard(here, "verify", "main..side", code=0)
    lab.guard(here, "check", "--range", "main..side", code=0)
    lab.guard(lab.root, "server", "install", str(lab.hub))
    lab.git(here, "merge", "-q", "--no-edit", "main")
    lab.git(here, "push", "-q", "origin", "HEAD:main")


def test_a_branch_that_dropped_what_main_was_some_time_ago_is_refused(lab: Lab) -> None:
    """`-s ours` against an older main keeps still older state: that is found before the range as well as in it."""
    here = _behind(lab, "-s", "ours")
    assert "differs from" in lab.guard(here, "verify", "main..side", code=1).out
    lab.guard(here, "check", "--range", "main..side", code=1)


def test_a_merge_ours_that_drops_newer_state_is_refused(lab: Lab) -> None:
    """`git merge -s ours` on an old branch takes the state back: exit 1 with the merge and each file."""
    here = _forked(lab)
    lab.git(here, "merge", "-q", "-s", "ours", "-m", "ours", "main")
    found = _problems(lab, here, "main~2..HEAD")
    assert {commit for commit, _, _ in found} == {lab.rev(here)}
    assert "state/stats.json" in {path for _, path, _ in found}


def test_taking_the_other_side_of_a_merge_is_refused(lab: Lab) -> None:
    """A merge on main that takes the older side's state, as a whole or in one file, is refused."""
    here = _forked(lab)
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "--no-ff", "--no-commit", "side")
    lab.git(here, "checkout", "-q", "side", "--", "state/agents.json")
    lab.git(here, "commit", "-q", "-m", "theirs")
    found = _problems(lab, here)
    assert found == [(lab.rev(here), "state/agents.json", "G101")]


def test_a_git_merge_may_not_write_state_of_its_own(lab: Lab) -> None:
    """An evil merge that edits canonical state, or drops or rewrites unmerged deltas, is refused."""
    here = _forked(lab)
    lab.git(here, "checkout", "-q", "main")
    lab.commit(here, inbox_file(3, "s1") | inbox_file(3, "s2"))
    lab.git(here, "merge", "-q", "--no-ff", "--no-commit", "side")
    lab.write(here, {"state/stats.json": "{}\n", name_of(3, "s1"): delta(3, "s1", other=1)})
    lab.git(here, "rm", "-q", "--cached", name_of(3, "s2"))
    lab.git(here, "add", "state/stats.json", name_of(3, "s1"))
    lab.git(here, "commit", "-q", "-m", "evil")
    found = _problems(lab, here)
    assert (lab.rev(here), "state/stats.json", "G101") in found
    assert (lab.rev(here), name_of(3, "s1"), "G103") in found
    assert (lab.rev(here), name_of(3, "s2"), "G103") in found


def test_a_git_merge_may_not_rewrite_rows_or_leave_markers(lab: Lab) -> None:
    """An evil merge that drops rows of a board, or commits conflict markers, is refused as an ordinary commit
    would be."""
    here = _started(lab, 1)
    lab.commit(here, {"tasks/SWARM-LANES.md": BOARD, "data.json": "{}\n"})
    lab.git(here, "checkout", "-q", "-b", "side")
    lab.commit(here, {"side.txt": "s\n"})
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "--no-ff", "--no-commit", "side")
    lab.write(here, {"tasks/SWARM-LANES.md": "| lane | state |\n", "data.json": "<<<<<<< HEAD\n=======\n>>>>>>> x\n"})
    lab.git(here, "add", "tasks", "data.json")
    lab.git(here, "commit", "-q", "-m", "evil")
    found = _problems(lab, here)
    assert (lab.rev(here), "tasks/SWARM-LANES.md", "G104") in found
    assert (lab.rev(here), "data.json", "G106") in found


@pytest.mark.parametrize("strategy", ["ours", "theirs"])
@pytest.mark.parametrize("newer", ["main", "side"])
def test_joining_a_split_brain_is_refused_and_loses_no_delta(lab: Lab, strategy: str, newer: str) -> None:
    """Two lines that both merged cannot be joined silently; every delta of both is still brought into the pages or
    refused aloud."""
    here = _started(lab, 1)
    lab.git(here, "branch", "side")
    ours = delta(2, "main", posts_created=[post(20)])
    theirs = delta(2, "side", posts_created=[post(21)])

    def on_main() -> None:
        lab.git(here, "checkout", "-q", "main")
        lab.commit(here, {name_of(2, "main"): ours})
        lab.guard(here, "merge")

    def on_side() -> None:
        other = lab.root / "other"
        lab.git(lab.root, "clone", "-q", "-b", "side", str(here), str(other))
        lab.git(other, "remote", "remove", "origin")
        lab.git(other, "checkout", "-q", "-B", "main", "--no-track")
        lab.commit(other, {name_of(2, "side"): theirs})
        lab.guard(other, "merge")
        lab.git(here, "fetch", "-q", str(other), "+main:side")

    for step in (on_main, on_side) if newer == "side" else (on_side, on_main):
        step()
    lab.git(here, "checkout", "-q", "main")
    options = ["-s", "ours"] if strategy == "ours" else ["-X", "theirs"]
    lab.git(here, "merge", "-q", *options, "-m", "joined", "side")
    joined = lab.rev(here)
    assert joined in {commit for commit, _, _ in _problems(lab, here)}
    said = lab.guard(here, "merge", code=None)
    complete = lab.merged(here) >= {digest(ours), digest(theirs)}
    assert said.code == 2 or complete, said.out
    assert lab.guard(here, "verify", code=None).code == 1 or complete


def test_a_split_brain_that_was_joined_can_be_mended(lab: Lab) -> None:
    """After `merge -s ours` of a line that merged by itself, restore brings the other line's deltas in, once, and
    verify passes."""
    here = _started(lab, 1)
    other = lab.root / "other"
    lab.git(lab.root, "clone", "-q", str(here), str(other))
    lab.git(other, "remote", "remove", "origin")
    for repo, name in ((other, "side"), (here, "main")):
        lab.commit(repo, inbox_file(2, name, posts_created=[post(20 + len(name)), post(99)], reactions_added=[1]))
        lab.guard(repo, "merge")
    lab.git(here, "fetch", "-q", str(other), "main:side")
    lab.git(here, "merge", "-q", "-s", "ours", "-m", "joined", "side")
    _problems(lab, here)
    lab.guard(here, "restore", "state", "--to", "HEAD^", code=None)
    lab.guard(here, "merge")
    assert len(lab.merged(here)) == 3
    assert lab.stats(here) == (3, 0, 2) or lab.stats(here) == (4, 0, 2)
    lab.guard(here, "verify")


def test_an_octopus_and_unrelated_histories(lab: Lab) -> None:
    """Octopus merges and merges of unrelated histories with deltas in them verify and lose nothing."""
    here = _started(lab, 1)
    for name in ("a", "b"):
        lab.git(here, "checkout", "-q", "-b", name, "main")
        lab.commit(here, inbox_file(2, name))
    lab.git(here, "checkout", "-q", "--orphan", "strange")
    lab.git(here, "rm", "-rfq", "--cached", ".")
    lab.git(here, "clean", "-fdxq")
    lab.commit(here, inbox_file(2, "strange"))
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "merge", "-q", "-m", "octopus", "a", "b")
    lab.git(here, "merge", "-q", "--allow-unrelated-histories", "-m", "unrelated", "strange")
    lab.guard(here, "merge")
    assert lab.merged(here) >= {digest(delta(2, name)) for name in ("a", "b", "strange")}
    _clean(lab, here)


# --- mending ---------------------------------------------------------------------------------------------------


def test_reverting_a_hand_edit_verifies(lab: Lab) -> None:
    """An edit that is taken back to the last good bytes is made good, and said to have been."""
    here = _started(lab)
    _edit(lab, here)
    lab.git(here, "revert", "--no-edit", "HEAD")
    value = lab.guard(here, "verify", "--json").json
    assert value["problems"] == []
    assert [problem["path"] for problem in value["repaired"]] == ["state/stats.json"]
    lab.commit(here, inbox_file(3, "s1"))
    lab.guard(here, "merge")
    lab.guard(here, "verify")


def test_an_edit_cannot_be_laundered_by_a_revert_of_another(lab: Lab) -> None:
    """Going back to what a merge made on top of a hand edit does not make the edit good."""
    here = _started(lab)

    def edit(number: int) -> str:
        value = json.loads((here / "state/agents.json").read_text())
        value["agents"]["ada"]["post_count"] = number
        return lab.commit(here, {"state/agents.json": json.dumps(value, indent=2, ensure_ascii=False) + "\n"})

    first = edit(999)
    lab.commit(here, inbox_file(3, "s1", posts_created=[post(3)]))
    lab.guard(here, "merge")
    edit(5)
    lab.git(here, "revert", "--no-edit", "HEAD")
    assert lab.load(here, "state/agents.json")["agents"]["ada"]["post_count"] > 900
    assert (first, "state/agents.json", "G101") in _problems(lab, here)


def test_a_restore_commit_may_not_carry_the_deletion_of_a_delta(lab: Lab) -> None:
    """A true restore's bytes excuse nothing else: a delta deleted or rewritten in that commit is G103."""
    here = _started(lab)
    lab.commit(here, inbox_file(3, "victim") | inbox_file(3, "other"))
    lab.commit(here, {"state/stats.json": "{}\n"})
    lab.guard(here, "restore", "state/stats.json")
    lab.git(here, "rm", "-q", name_of(3, "victim"))
    lab.write(here, {name_of(3, "other"): delta(3, "other", x=1)})
    lab.git(here, "commit", "-qa", "--amend", "--no-edit")
    found = _problems(lab, here)
    assert (lab.rev(here), name_of(3, "victim"), "G103") in found
    assert (lab.rev(here), name_of(3, "other"), "G103") in found


def test_reverting_a_merge_is_refused_and_can_be_restored(lab: Lab) -> None:
    """`git revert` of a merge commit loses its records: exit 1; restore brings them back, counted once."""
    here = _started(lab)
    good = lab.canonical(here)
    lab.git(here, "revert", "--no-edit", "HEAD")
    assert {code for _, _, code in _problems(lab, here)} == {"G101"}
    lab.guard(here, "restore", "state")
    assert lab.canonical(here) == good
    lab.guard(here, "verify")


def test_policy_that_cannot_be_read_is_exit_two_with_key_paths(lab: Lab) -> None:
    """A broken guard.toml stops merge, verify, frame and restore with every wrong key named, and nothing changes."""
    here = _started(lab, 1)
    lab.commit(here, inbox_file(2, "s1"))
    text = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": text + 'keep_frames = "seven"\nbogus = 1\n'})
    before = lab.picture(here), lab.refs(here)
    for command in (["merge"], ["verify"], ["frame"], ["restore", "state"], ["delta", "new", "--stream", "x"]):
        said = lab.guard(here, *command, code=2)
        assert "merge.keep_frames" in said.err
        assert "merge.bogus" in said.err
    assert (lab.picture(here), lab.refs(here)) == before
    lab.commit(here, {"guard.toml": text + "[["})
    lab.guard(here, "merge", code=2)
    lab.commit(here, {"guard.toml": text})
    lab.guard(here, "merge")
    lab.guard(here, "verify", code=None)


def test_a_shallow_clone_says_what_it_lacks(lab: Lab) -> None:
    """Merge in a clone without the history since adoption is exit 2; both it and verify name the remedy."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(2)]))
    shallow = lab.clone("shallow", "--depth", "1")
    tip = lab.rev(lab.hub, "main")
    for command, code in ((["merge"], 2), (["verify"], 0)):
        assert "unshallow" in lab.guard(shallow, *command, code=code).err
    assert lab.rev(lab.hub, "main") == tip
    lab.git(shallow, "fetch", "-q", "--unshallow")
    lab.guard(shallow, "merge")
    assert lab.stats(lab.hub) == (2, 0, 0)


@pytest.mark.parametrize("adopted", ["zeros", "never", "from-beginning"])
def test_a_shallow_clone_never_merges_less(lab: Lab, adopted: str) -> None:
    """Where every delta of history counts, a clone without that history refuses instead of missing overwritten ones."""
    (one,) = lab.fleet("one", adopt=False)
    if adopted == "zeros":
        lab.commit_push(one, {"guard.toml": f'[merge]\nbaseline = "{"0" * 40}"\n'})
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(2)]))
    if adopted == "from-beginning":
        lab.guard(one, "init", "--yes", "--from-beginning")
        lab.git(one, "add", "guard.toml", ".gitattributes")
        lab.git(one, "commit", "-q", "-m", "[S0] guard: adopt")
        lab.git(one, "push", "-q", "origin", "main")
    shallow = lab.clone("shallow", "--depth", "1")
    said = lab.guard(shallow, "merge", code=None)
    if said.code == 0:
        assert lab.stats(lab.hub) == (2, 0, 0), "a shallow clone merged and lost the overwritten delta"
    else:
        assert said.code == 2
    lab.guard(one, "merge")
    assert lab.stats(lab.hub) == (2, 0, 0)


def test_a_shallow_clone_that_holds_a_merge_but_not_its_past(lab: Lab) -> None:
    """Depth 1 at a merge commit, and depth 2: never a wrong answer, exit 0 with all of it or exit 2."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(one, "merge")
    for depth in ("1", "2"):
        shallow = lab.clone(f"depth{depth}", "--depth", depth)
        lab.commit_push(one, inbox_file(int(depth) + 1, "s1", posts_created=[post(int(depth) + 1)]))
        said = lab.guard(shallow, "merge", code=None)
        assert said.code in (0, 2), said
        if said.code == 0:
            lab.git(one, "pull", "-q")
        lab.guard(one, "merge")
        lab.git(one, "pull", "-q")
        assert lab.stats(lab.hub)[0] == int(depth) + 1
    lab.guard(one, "verify")


@pytest.mark.parametrize("what", ["tree", "commit"])
def test_history_that_cannot_be_read_stops_the_merge(lab: Lab, what: str) -> None:
    """With an object of history missing, an overwritten delta could be there: exit 2, not a merge of the rest."""
    here = lab.lone()
    first = lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(2)]))
    victim = first if what == "commit" else lab.git(here, "rev-parse", f"{first}:{INBOX}")
    path = here / ".git/objects" / victim[:2] / victim[2:]
    saved = path.read_bytes()
    path.unlink()
    said = lab.guard(here, "merge", code=None)
    path.write_bytes(saved)
    assert said.code == 2, said
    lab.guard(here, "merge")
    assert lab.stats(here) == (2, 0, 0)


def test_a_partial_clone_merges_and_verifies(lab: Lab) -> None:
    """A clone without blobs fetches what it needs and makes the same commit."""
    (one,) = lab.fleet("one")
    lab.git(lab.hub, "config", "uploadpack.allowFilter", "true")
    lab.git(lab.hub, "config", "uploadpack.allowAnySHA1InWant", "true")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(2)]))
    partial = lab.clone("partial", "--filter=blob:none", "--no-checkout")
    lab.guard(one, "merge", "--no-push")
    lab.guard(partial, "merge")
    assert lab.rev(lab.hub, "main") == lab.rev(one, "refs/guard/merged/candidate")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")
    lab.guard(partial, "verify")


def test_taking_the_baseline_away_and_back_is_noticed(lab: Lab) -> None:
    """Switching protection off, editing state and switching it on again in three commits is not a clean history."""
    here = _started(lab, 1)
    text = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": "[merge]\n"})
    lab.commit(here, {"state/agents.json": json.dumps({"agents": {}, "_meta": {"count": 0}})})
    lab.commit(here, {"guard.toml": text})
    lab.guard(here, "verify", code=1)


@pytest.mark.parametrize("how", ["moved", "gone in a join"])
def test_a_baseline_that_moves_or_that_a_join_takes_away_is_noticed(lab: Lab, how: str) -> None:
    """Moved, it would take deltas for merged that are not; and a commit with two parents may do no more than others."""
    here = _started(lab, 1)
    old = lab.rev(here)
    if how == "moved":
        lab.commit(here, {"guard.toml": f'[merge]\nbaseline = "{old}"\n'})
    else:
        lab.git(here, "switch", "-q", "-c", "side")
        lab.commit(here, {"src/a.txt": "a\n"})
        lab.git(here, "switch", "-q", "main")
        lab.git(here, "merge", "-q", "--no-ff", "--no-commit", "side")
        lab.write(here, {"guard.toml": "[merge]\n"})
        lab.git(here, "add", "guard.toml")
        lab.git(here, "commit", "-q", "-m", "join")
    problems = lab.guard(here, "verify", "--json", f"{old}..HEAD", code=1).json["problems"]
    assert [(each["commit"], each["path"], each["code"]) for each in problems] == [
        (lab.rev(here), "guard.toml", "G108")
    ]


def test_problems_say_why_and_fix_to_programs_too(lab: Lab) -> None:
    """--json gives each problem the why and the fix that the text gives for it, before and after a push."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(one, inbox_file(1, "s1"))
    rewritten = lab.commit(one, {name_of(1, "s1"): delta(1, "s1", x=1)})
    edit = _edit(lab, one)
    words = f"git revert --no-edit {edit[:12]}"
    for fix in (words, "guard restore state/stats.json"):
        text = lab.guard(one, "verify", code=1).out
        problems = {each["commit"]: each for each in lab.guard(one, "verify", "--json", code=1).json["problems"]}
        assert problems.keys() == {rewritten, edit}
        assert problems[edit]["fix"] == fix
        assert problems[rewritten]["fix"].startswith("guard merge")
        for problem in problems.values():
            assert f"  fix: {problem['fix']}\n" in text
            assert f"  why ({problem['code']}): {problem['why']}\n" in text
        lab.git(one, "push", "-q", "origin", "main")
    lab.git(two, "pull", "-q")
    lab.guard(two, "merge")
    lab.guard(two, "restore", "state/stats.json")
    lab.git(two, "pull", "-q")
    value = lab.guard(two, "verify", "--json").json
    assert value["problems"] == []
    assert {problem["code"] for problem in value["repaired"]} == {"G101", "G103"}


def test_hand_edits_that_are_not_committed_are_mentioned(lab: Lab) -> None:
    """Canonical files that differ from HEAD are named with the commands that show and undo that; the verdict stays."""
    here = _started(lab)
    lab.write(here, {"README.md": "mine\n", f"{INBOX}/frame-9-x.json": "{}", "state/stream_assignments.json": "{}"})
    said = lab.guard(here, "verify", "--json")
    assert said.err == ""
    assert said.json["warnings"] == []
    text = (here / "state/stats.json").read_text()
    lab.write(here, {"state/stats.json": "{}", "state/agents.json": "{}"})
    lab.git(here, "add", "state/agents.json")
    (here / "state/notes.json").unlink()
    for where in (here, here / "tasks"):
        where.mkdir(exist_ok=True)
        said = lab.guard(where, "verify", "--json", "--quiet")
        [warning] = said.json["warnings"]
        assert warning in said.err
        for word in ("state/agents.json", "state/notes.json", "state/stats.json", "git diff HEAD -- "):
            assert word in warning
        assert "README" not in warning
        assert "stream_" not in warning
    fix = warning.partition("  fix: ")[2].partition(" (")[0]
    assert lab.run(here / "tasks", "sh", "-c", fix).code == 0
    assert lab.guard(here, "verify").err == ""
    assert (here / "state/stats.json").read_text() == text
    bare = lab.root / "bare.git"
    lab.git(lab.root, "clone", "-q", "--bare", str(here), str(bare))
    assert lab.guard(bare, "verify", "--json").json["warnings"] == []
