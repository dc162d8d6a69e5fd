"""`guard merge` looks back at each boundary, and `--heal` rebuilds in the open what slipped through."""

import json
import threading
from pathlib import Path

import pytest
from walks.lab import Lab, comment, inbox_file, post

AGENTS = [f"agent-{number:02d}" for number in range(30)]


def _fleet(lab: Lab) -> tuple[Path, Path]:
    """A hub with thirty agents and two merged frames, and two clones of it; no hooks stand in the way."""
    here, other = lab.fleet("here", "other")
    for frame in (1, 2):
        _delta(lab, other, frame, agents_activated=AGENTS)
        lab.guard(here, "merge")
    return here, other


def _delta(lab: Lab, clone: Path, frame: int, **more: object) -> None:
    lab.git(clone, "pull", "-q", "--ff-only", "origin", "main")
    lab.commit_push(
        clone,
        inbox_file(
            frame,
            "s",
            posts_created=[post(frame, f"agent-{frame:02d}")],
            comments_added=[comment(f"c{frame}")],
            **more,
        ),
    )


def _wipe(lab: Lab, clone: Path) -> str:
    """Somebody cuts the agents to five by hand and pushes that past every hook."""
    lab.git(clone, "pull", "-q", "--ff-only", "origin", "main")
    state = json.loads((clone / "state/agents.json").read_text())
    state["agents"] = dict(list(state["agents"].items())[:5])
    return lab.commit_push(clone, {"state/agents.json": json.dumps(state, indent=2) + "\n"})


def _hub(lab: Lab, clone: Path, path: str) -> str:
    lab.git(clone, "fetch", "-q", "origin")
    return lab.git(clone, "show", f"origin/main:{path}")


def test_what_slipped_through_is_named_at_every_boundary_until_it_is_healed(lab: Lab) -> None:
    """A hand edit is merged over and named, also at the next boundary; --strict exits 1, and --heal ends it."""
    here, other = _fleet(lab)
    known = len(json.loads(_hub(lab, here, "state/agents.json"))["agents"])
    wipe = _wipe(lab, other)
    for frame in (3, 4):
        _delta(lab, other, frame)
        said = lab.guard(here, "merge", "--json").json
        assert said["merged"]
        assert {(each["commit"], each["path"], each["code"]) for each in said["slipped"]} >= {
            (wipe, "state/agents.json", "G101")
        }
        assert any("fix: guard merge --heal" in each for each in said["warnings"])
    assert lab.guard(here, "merge", "--strict", "--json", code=1).json["slipped"]
    healed = lab.guard(here, "merge", "--heal", "--json").json
    assert healed["slipped"] == []
    counted = healed["healed"]["files"]["state/agents.json"]
    assert counted["before"]["agents"] < 10
    assert known >= 30
    assert counted["after"]["agents"] == known
    assert "Guard-Restore: " in lab.git(lab.hub, "log", "-1", "--format=%b", "main")
    assert len(json.loads(_hub(lab, here, "state/agents.json"))["agents"]) == known
    lab.git(other, "pull", "-q", "--ff-only", "origin", "main")
    lab.guard(other, "verify")
    assert lab.guard(here, "merge", "--json").json["slipped"] == []


@pytest.mark.parametrize("claim", ["merge", "restore"])
def test_an_edit_that_says_it_is_a_merge_or_a_restore_is_healed_too(lab: Lab, claim: str) -> None:
    """A message that is copied or made up names the edit by itself, and the files that it wrote are rebuilt."""
    here, other = _fleet(lab)
    good = _hub(lab, here, "state/agents.json")
    copied = lab.git(here, "log", "-1", "--format=%B", "origin/main")
    _wipe(lab, other)
    said = copied if claim == "merge" else f"guard: restore\n\nGuard-Restore: {'a' * 40}\n"
    lab.git(other, "commit", "-q", "--amend", "-m", said)
    lab.git(other, "push", "-q", "--force", "origin", "main")
    _delta(lab, other, 3)
    assert lab.guard(here, "merge", "--json").json["slipped"]
    lab.guard(here, "merge", "--heal")
    healed = json.loads(_hub(lab, here, "state/agents.json"))["agents"]
    assert healed.keys() >= json.loads(good)["agents"].keys()
    lab.guard(here, "verify")


def test_healed_state_is_as_if_nothing_had_happened(lab: Lab) -> None:
    """Two files wiped, one of them beyond reading: the merge stops, --heal goes on, and a fleet without it agrees."""
    here, other = _fleet(lab)
    (lab.root / "twin").mkdir()
    twin = Lab(lab.root / "twin")
    there, fellow = _fleet(twin)
    _wipe(lab, other)
    lab.commit_push(other, {"state/stats.json": "{ half a fi"})
    _delta(lab, other, 3)
    _delta(twin, fellow, 3)
    refused = lab.guard(here, "merge", code=2)
    assert "state/stats.json" in refused.err
    lab.guard(here, "merge", "--heal")
    twin.guard(there, "merge")
    for name in ("agents", "stats", "channels", "frame_counter"):
        path = f"state/{name}.json"
        assert _hub(lab, here, path) == _hub(twin, there, path), path
    lab.guard(here, "verify")


def test_two_primaries_heal_at_once(lab: Lab) -> None:
    """Both are asked to heal: one restoring commit is made, and the branch verifies."""
    here, other = _fleet(lab)
    _wipe(lab, other)
    codes: list[int] = []
    barrier = threading.Barrier(2)

    def heal(clone: Path) -> None:
        barrier.wait()
        codes.append(lab.guard(clone, "merge", "--heal", code=None).code)

    threads = [threading.Thread(target=heal, args=(clone,)) for clone in (here, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]
    bodies = lab.git(lab.hub, "log", "--format=%b", "main")
    assert bodies.count("Guard-Restore: ") == 1
    lab.git(here, "fetch", "-q", "origin")
    lab.guard(here, "verify")


def test_an_edit_that_comes_between_the_look_and_the_merge_is_healed_by_the_same_run(lab: Lab) -> None:
    """The merge folds on the edit that won the race; a fresh clone, as CI makes one, would look back no further."""
    here, other = _fleet(lab)
    _delta(lab, other, 3)
    known = json.loads(_hub(lab, here, "state/agents.json"))["agents"]
    tip = lab.rev(other)
    edit = _wipe(lab, other)
    lab.git(other, "push", "-q", "--force", "origin", f"{edit}:refs/heads/side", f"{tip}:refs/heads/main")
    hook = lab.hub / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\nrm -f "$0"\nunset GIT_QUARANTINE_PATH\n' + f"git update-ref refs/heads/main {edit} {tip}\n"
    )
    hook.chmod(0o755)
    fresh = lab.clone("fresh")
    said = lab.guard(fresh, "merge", "--heal", "--json").json
    assert said["merged"]
    assert said["parent"] == edit
    assert said["slipped"] == []
    assert json.loads(_hub(lab, here, "state/agents.json"))["agents"].keys() >= known.keys()
    lab.guard(here, "verify")


def test_heal_changes_nothing_where_nothing_is_wrong(lab: Lab) -> None:
    """Without a finding --heal is a plain merge; it publishes, so it goes with neither --no-push nor --dry-run."""
    here, other = _fleet(lab)
    _delta(lab, other, 3)
    said = lab.guard(here, "merge", "--heal", "--json").json
    assert (said["healed"], said["slipped"], said["merged"]) == (None, [], True)
    before = lab.refs(here)
    for option in ("--no-push", "--dry-run"):
        assert "--heal" in lab.guard(here, "merge", "--heal", option, code=2).err
    assert lab.refs(here) == before


def test_ordinary_commits_and_merges_by_git_are_no_finding(lab: Lab) -> None:
    """Work that touches no state, a branch merged by git, a restore and a recount: nothing slipped through."""
    here, other = _fleet(lab)
    lab.git(other, "pull", "-q", "--ff-only", "origin", "main")
    lab.git(other, "switch", "-q", "-c", "work", "HEAD~1")
    lab.commit(other, {"src/a.py": "a\n"})
    lab.git(other, "switch", "-q", "main")
    lab.git(other, "merge", "-q", "--no-ff", "-m", "bring work in", "work")
    lab.git(other, "push", "-q", "origin", "main")
    _delta(lab, other, 3)
    assert lab.guard(here, "merge", "--json").json["slipped"] == []
