"""Clones that lack history: what is visible is judged, what is not is said, and only what needs it is refused."""

from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE
from walks.lab import Lab, delta, inbox_file, name_of, post


def _history(lab: Lab) -> Path:
    """A clone whose hub has three merges, each of one delta, with work of others between them."""
    (one,) = lab.fleet("one")
    for frame in (1, 2, 3):
        lab.commit_push(one, inbox_file(frame, "s1", posts_created=[post(frame)]), f"[S1] delta: {frame}")
        lab.guard(one, "merge")
        lab.git(one, "pull", "-q")
        lab.commit_push(one, {f"docs/{frame}.md": "words\n"}, f"[S1] docs: {frame}")
    return one


def _shallow(lab: Lab, depth: int) -> Path:
    here = lab.clone(f"depth{depth}", "--depth", str(depth))
    lab.guard(here, "install")
    return here


@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_merge_of_upstream_is_pushed_from_a_shallow_clone(lab: Lab, depth: int) -> None:
    """Work on a shallow clone, a pull that joins upstream's newer merges, a push: no hook asks for more history."""
    one = _history(lab)
    here = _shallow(lab, depth)
    lab.commit(here, {"mine.txt": "mine\n"}, "[S2] mine: a file")
    lab.commit_push(one, inbox_file(4, "s1", posts_created=[post(4)]), "[S1] delta: 4")
    lab.guard(one, "merge")
    lab.git(here, "pull", "-q", "--no-rebase", "--no-edit")
    lab.git(here, "push", "-q", "origin", "main")
    assert lab.rev(here) == lab.rev(lab.hub, "main")
    lab.guard(here, "check", "--range", "HEAD^2..HEAD")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 7])
def test_verify_judges_what_a_shallow_clone_has(lab: Lab, depth: int) -> None:
    """Every merge that can be made again is; where the clone begins is said; nothing is remembered as verified."""
    _history(lab)
    here = _shallow(lab, depth)
    said = lab.guard(here, "verify", "--json", code=None)
    assert said.code in (0, 2), said
    assert said.json["problems"] == []
    assert said.json["begun"] == [lab.git(here, "rev-list", "--max-parents=0", "HEAD")]
    assert said.json["commits"] == depth
    assert said.json["merges"] + len(said.json["unseen"]) == len(
        [merge for merge in lab.merges(here) if merge not in said.json["begun"]]
    )
    assert any("shallow" in warning and "git fetch --unshallow" in warning for warning in said.json["warnings"])
    assert lab.refs(here, "refs/guard/verified") == {}
    lab.git(here, "fetch", "-q", "--unshallow")
    said = lab.guard(here, "verify", "--json")
    assert (said.json["merges"], said.json["begun"], said.json["warnings"]) == (3, [], [])


@pytest.mark.parametrize("depth", [2, 5])
def test_what_is_wrong_in_what_is_visible_is_found(lab: Lab, depth: int) -> None:
    """A hand edit, a wrong merge and a rewritten delta are exit 1 in a shallow clone too, by commit and path."""
    one = _history(lab)
    lab.git(one, "config", "core.hooksPath", "/dev/null")
    here = _shallow(lab, depth)
    edit = lab.commit_push(one, {STATE_FILE: EDITED}, "[S1] agents: by hand")
    rewritten = lab.commit_push(one, {name_of(3, "s1"): delta(3, "s1", posts_created=[post(9)])}, "[S1] delta: again")
    lab.git(here, "fetch", "-q")
    said = lab.guard(here, "verify", "origin/main", "--json", code=1)
    found = [(each["commit"], each["path"], each["code"]) for each in said.json["problems"]]
    assert found == [(edit, STATE_FILE, "G101"), (rewritten, name_of(3, "s1"), "G103")]
    old = lab.rev(here)
    said = lab.guard(here, "check", "--range", f"{old}..origin/main", "--json", code=1)
    assert {(each["commit"], each["code"]) for each in said.json["findings"]} >= {(edit, "G101"), (rewritten, "G103")}


def test_a_merge_that_hangs_on_unseen_history_is_not_called_wrong(lab: Lab) -> None:
    """A merge that took in a delta overwritten before the clone begins: exit 2 and the remedy, in verify and check."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]), "[S1] delta: one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(2)]), "[S1] delta: again")
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    here = _shallow(lab, 2)
    merge = lab.rev(here)
    said = lab.guard(here, "verify", "--json", code=2)
    assert [each["commit"] for each in said.json["unseen"]] == [merge]
    assert "git fetch --unshallow" in lab.guard(here, "verify", code=2).out
    said = lab.guard(here, "check", "--range", "HEAD~1..HEAD", "--json", code=2)
    assert [each["code"] for each in said.json["findings"]] == ["G101"]
    assert "git fetch --unshallow" in said.json["findings"][0]["fix"]
    later = lab.commit_push(one, inbox_file(2, "s1", posts_created=[post(3)]), "[S1] delta: two")
    lab.guard(one, "merge")
    lab.git(here, "pull", "-q")
    assert lab.guard(here, "verify", f"{later}..HEAD", "--json").json["merges"] == 1
    lab.git(here, "fetch", "-q", "--unshallow")
    assert lab.guard(here, "verify", "--json").json["merges"] == 2


def test_two_shallow_lines_that_are_joined(lab: Lab) -> None:
    """Where two lines parted is not here: their pages say which holds the other; -s ours over newer state is found."""
    one = _history(lab)
    lab.git(one, "branch", "side", "HEAD~7")
    lab.git(one, "switch", "-q", "side")
    lab.commit(one, {"side.txt": "side\n"}, "[S3] side: one")
    side = lab.commit(one, {"side.txt": "more\n"}, "[S3] side: two")
    lab.git(one, "merge", "-q", "--no-edit", "main")
    good = lab.rev(one)
    lab.git(one, "switch", "-q", "-c", "wrong", side)
    lab.git(one, "merge", "-q", "--no-edit", "-s", "ours", "main")
    wrong = lab.rev(one)
    lab.git(
        one,
        "-c",
        "core.hooksPath=/dev/null",
        "push",
        "-q",
        "origin",
        f"{good}:refs/heads/good",
        f"{wrong}:refs/heads/wrong",
    )
    for name, code in (("good", 0), ("wrong", 1)):
        here = lab.clone(f"shallow-{name}", "--depth", "2", "--branch", name)
        said = lab.guard(here, "verify", name, "--json", code=code)
        assert len(said.json["begun"]) == 2
        wrongs = [(each["commit"], each["code"]) for each in said.json["problems"] if each["code"] == "G101"]
        assert set(wrongs) == ({(wrong, "G101")} if code else set())
        assert said.json["unseen"] == [] or code


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_frame_shows_what_a_shallow_clone_has(lab: Lab, depth: int) -> None:
    """The open frame with who delivered, none of the merged ones, and a word on what cannot be seen."""
    one = _history(lab)
    lab.commit_push(one, inbox_file(4, "s1", posts_created=[post(4)]), "[S1] delta: 4")
    here = _shallow(lab, depth)
    said = lab.guard(here, "frame", "--json")
    assert [(each["stream"], each["state"]) for each in said.json["streams"]] == [("s1", "delivered")]
    assert said.json["unmerged"] == 1
    assert "--unshallow" in said.err
