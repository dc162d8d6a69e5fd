"""`guard restore`: canonical files back, with every delta that was merged since."""

import json
from pathlib import Path

import pytest
from walks.lab import Lab, comment, delta, digest, inbox_file, post

AGENTS = {f"agent-{number:02d}": {"post_count": 0, "comment_count": 0, "bio": f"bio {number}"} for number in range(30)}


def _peopled(lab: Lab) -> Path:
    """A lone repository with thirty agents and two merges."""
    here = lab.lone(adopt=False)
    state = {"agents": AGENTS, "_meta": {"count": 30, "last_updated": None}}
    lab.commit(here, {"state/agents.json": json.dumps(state, indent=2) + "\n"})
    lab.adopt(here)
    for frame in (1, 2):
        lab.commit(
            here,
            inbox_file(
                frame, "s", posts_created=[post(frame, f"agent-{frame:02d}")], comments_added=[comment(f"c{frame}")]
            ),
        )
        lab.guard(here, "merge")
    return here


def _wiped(lab: Lab, here: Path) -> str:
    """Cut the agents from 31 (bob came) to 5."""
    state = json.loads((here / "state/agents.json").read_text())
    few = dict(list(state["agents"].items())[:5])
    return lab.commit(here, {"state/agents.json": json.dumps({"agents": few, "_meta": {"count": 5}}, indent=2)}, "oops")


@pytest.mark.parametrize("verified", [False, True])
def test_after_a_wipe_and_two_merges_on_top_everybody_is_back(lab: Lab, verified: bool) -> None:
    """Agents cut to 5, two merges on top: restore names before and after, counts as if never wiped, and verify
    passes."""
    here = _peopled(lab)
    twin = lab.root / "twin"
    lab.run(lab.root, "cp", "-r", str(here), str(twin))
    if verified:
        lab.guard(here, "verify")
    wipe = _wiped(lab, here)
    for repo in (here, twin):
        for frame in (3, 4):
            lab.commit(repo, inbox_file(frame, "s", posts_created=[post(frame, "agent-20"), post(frame + 90, "new")]))
            lab.guard(repo, "merge")
    problems = lab.guard(here, "verify", "--json", code=1).json["problems"]
    assert wipe in {problem["commit"] for problem in problems}
    value = lab.guard(here, "restore", "state/agents.json", "--json").json
    before, after = value["files"]["state/agents.json"]["before"], value["files"]["state/agents.json"]["after"]
    assert before["agents"] < 10
    assert after["agents"] == 32
    assert lab.show(here, "state/agents.json") == lab.show(twin, "state/agents.json")
    assert "Guard-Restore: " in lab.git(here, "log", "-1", "--format=%b")
    assert lab.git(here, "status", "--porcelain") == ""
    lab.guard(here, "verify")
    for repo in (here, twin):
        lab.commit(repo, inbox_file(5, "s", posts_created=[post(5, "agent-29")]))
        lab.guard(repo, "merge")
    assert lab.canonical(here) == lab.canonical(twin)
    lab.guard(here, "verify")
    assert lab.load(here, "state/agents.json")["agents"]["agent-29"]["post_count"] == 1
    assert lab.guard(here, "restore", "state/agents.json").out.startswith("nothing to restore")


def test_a_restore_on_a_hub_is_pushed(lab: Lab) -> None:
    """In a clone, restore publishes on the hub and leaves the clone's index, files and branches alone."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(one, inbox_file(1, "s", posts_created=[post(1)]))
    lab.guard(one, "merge")
    good = lab.canonical(lab.hub)
    lab.commit_push(two, {"state/agents.json": '{"agents": {}}\n', "state/frames/000/frame-1.json": "{}\n"})
    lab.git(one, "pull", "-q")
    before = lab.picture(one)
    lab.guard(one, "restore", "state/agents.json", "state/frames")
    assert lab.picture(one) == before
    assert lab.canonical(lab.hub) == good
    lab.git(two, "pull", "-q")
    lab.guard(two, "verify")


@pytest.mark.parametrize("data", ["", "{", "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", None])
def test_a_file_that_does_not_parse_or_is_gone_comes_back(lab: Lab, data: str | None) -> None:
    """What stops the merge is restored by the command that the refusal names, and then the merge goes on."""
    here = _peopled(lab)
    good = lab.canonical(here)
    lab.commit(here, {"state/agents.json": data})
    if data is not None:
        lab.commit(here, inbox_file(3, "s"))
        assert "guard restore state/agents.json" in lab.guard(here, "merge", code=2).err
    lab.guard(here, "restore", "state/agents.json")
    assert lab.canonical(here)["state/agents.json"] == good["state/agents.json"]
    lab.commit(here, inbox_file(3, "t"))
    lab.guard(here, "merge")
    lab.guard(here, "verify")


def test_restoring_from_a_side_commit_is_refused(lab: Lab) -> None:
    """--to takes only what the branch's first-parent line had and what verifies, not a side branch's state, not a
    bad one."""
    here = _peopled(lab)
    lab.git(here, "checkout", "-q", "-b", "side")
    side = lab.commit(here, {"state/agents.json": '{"agents": {"me": {}}}\n'})
    lab.git(here, "checkout", "-q", "main")
    wipe = _wiped(lab, here)
    before = lab.picture(here)
    for rev in (side, wipe, "nonsense", f"{lab.load(here, 'state/stats.json')['total_posts']}", "HEAD~99"):
        lab.guard(here, "restore", "state/agents.json", "--to", rev, code=2)
    adopted = lab.git(here, "log", "--format=%H", "--reverse").split()[0]
    lab.guard(here, "restore", "state/agents.json", "--to", adopted, code=2)
    assert lab.picture(here) == before
    lab.guard(here, "restore", "state/agents.json", "--to", f"{wipe}^")
    lab.guard(here, "verify")


def test_a_forged_restore_is_refused(lab: Lab) -> None:
    """A commit that says Guard-Restore of a side commit, of itself, or with other bytes does not verify."""
    here = _peopled(lab)
    good = lab.rev(here)
    lab.git(here, "checkout", "-q", "-b", "side")
    side = lab.commit(here, {"state/agents.json": '{"agents": {"me": {}}}\n'})
    lab.git(here, "checkout", "-q", "main")
    for rev in (side, good, "0" * 40):
        commit = lab.commit(
            here,
            {"state/agents.json": f'{{"agents": {{"me": {{}}}}, "x": "{rev}"}}\n'},
            f"guard: restore\n\nGuard-Restore: {rev}",
        )
        problems = lab.guard(here, "verify", "--json", code=1).json["problems"]
        assert commit in {problem["commit"] for problem in problems}
    lab.git(here, "reset", "-q", "--hard", good)
    lab.git(here, "commit", "-q", "--allow-empty", "-m", f"x\n\nGuard-Restore: {good}")
    lab.guard(here, "verify", code=1)


def test_a_restore_cannot_roll_back_merged_deltas(lab: Lab) -> None:
    """Restoring an older good commit folds in what was merged since: nothing merged is lost, whatever REV is taken."""
    here = _peopled(lab)
    good = lab.canonical(here)
    for commit in lab.git(here, "log", "--first-parent", "--format=%H", "HEAD~4..HEAD").split():
        lab.guard(here, "restore", "state", "--to", commit)
        assert lab.canonical(here) == good
    lab.guard(here, "verify")


def test_what_was_merged_without_saying_so_is_not_rolled_back(lab: Lab) -> None:
    """A commit with a merge's bytes and another message is a merge: no later one takes its deltas, so restore does."""
    here = _peopled(lab)
    _wiped(lab, here)
    lab.commit(here, inbox_file(3, "s", agents_activated=["zed"]))
    lab.guard(here, "merge")
    lab.git(here, "commit", "-q", "--amend", "-m", "[S1] state: as it comes")
    lab.guard(here, "restore", "state/agents.json")
    agents = json.loads(lab.show(here, "state/agents.json"))["agents"]
    assert "zed" in agents
    assert len(agents) == 32
    lab.guard(here, "verify")


def test_a_forged_close_is_not_restored(lab: Lab) -> None:
    """A hand edit that says it closed a frame of the far future: restoring what it wrote does not close that frame."""
    here = _peopled(lab)
    good = lab.canonical(here)
    said = f"Guard-Merge: frames=9 close=999999999 deltas=1 digest={'0' * 64} engine=1"
    edits = {"state/frame_counter.json": '{"frame": 7}\n', "state/agents.json": '{"agents": {}}\n'}
    lab.commit(here, edits, f"[F9] merge: 1 streams\n\n{said}\n")
    lab.guard(here, "restore", "state", "--to", "HEAD~1")
    assert lab.canonical(here) == good


@pytest.mark.parametrize(
    "path", ["README.md", "guard.toml", "state/stream_deltas/frame-1-s.json", "../x", "/etc/passwd"]
)
def test_only_canonical_files_are_restored(lab: Lab, path: str) -> None:
    """Anything else is a usage error that says what to use instead."""
    here = lab.lone()
    tip = lab.rev(here)
    lab.guard(here, "restore", path, code=2)
    assert lab.rev(here) == tip


def test_deltas_that_were_deleted_since_are_in_what_is_restored(lab: Lab) -> None:
    """A wiped page comes back whole though its deltas have left the inbox by retention."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s", posts_created=[post(1)]))
    lab.guard(here, "merge")
    lab.commit(here, {"state/frames/000/frame-1.json": None, "state/stats.json": "{}\n"})
    lab.commit(here, inbox_file(30, "s", posts_created=[post(2)]))
    lab.guard(here, "merge")
    lab.commit(here, inbox_file(31, "s", posts_created=[post(3)]))
    lab.guard(here, "merge")
    lab.guard(here, "restore", "state")
    assert lab.merged(here) == {
        digest(delta(frame, "s", posts_created=[post(number)])) for frame, number in ((1, 1), (30, 2), (31, 3))
    }
    assert lab.stats(here) == (3, 0, 0)
    lab.guard(here, "verify")


def test_two_paths_wiped_in_two_commits(lab: Lab) -> None:
    """Files that went wrong at different times, with a merge between, all come back in one restore."""
    here = _peopled(lab)
    twin = lab.root / "twin"
    lab.run(lab.root, "cp", "-r", str(here), str(twin))
    lab.commit(here, {"state/stats.json": "{}\n"})
    for repo in (here, twin):
        lab.commit(repo, inbox_file(3, "s", posts_created=[post(3, "agent-03")]))
        lab.guard(repo, "merge")
    _wiped(lab, here)
    for repo in (here, twin):
        lab.commit(repo, inbox_file(4, "s", posts_created=[post(4, "agent-04")]))
        lab.guard(repo, "merge")
    lab.guard(here, "restore", "state/agents.json", "state/stats.json")
    assert lab.canonical(here) == lab.canonical(twin)
    lab.guard(here, "verify")


def test_after_a_restore_no_declared_count_is_wrong(lab: Lab) -> None:
    """Merges on a wiped file recount it; restoring the file leaves stats.json saying how many agents there are."""
    here = _peopled(lab)
    _wiped(lab, here)
    lab.commit(here, inbox_file(3, "s", posts_created=[post(3, "agent-20")]))
    lab.guard(here, "merge")
    lab.guard(here, "restore", "state/agents.json")
    agents = lab.load(here, "state/agents.json")
    assert len(agents["agents"]) == agents["_meta"]["count"] == lab.load(here, "state/stats.json")["total_agents"]
