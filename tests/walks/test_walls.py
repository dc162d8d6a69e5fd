"""The bypass matrix against the walls: what passes the hooks is refused by the server and named by verify."""

import json
import subprocess
import time
from pathlib import Path

import pytest
from walks.hooked import unhooked
from walks.lab import GUARD, Lab, inbox_file, post

from guard.doctor.arena import Arena, arena
from guard.doctor.walls import Walls
from guard.doctor.ways import WAYS
from guard.doctor.wiring import look
from guard.git import Repo

AROUND = [way for way in WAYS if not way.by_hooks]


@pytest.fixture
def fleet(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with hooks, of a hub with the server's hook, after a merge."""
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    [here] = lab.fleet("here")
    lab.commit_push(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    lab.git(here, "pull", "-q", "origin", "main")
    lab.guard(here, "install")
    lab.guard(lab.root, "server", "install", str(lab.hub))
    return here


def _refused(lab: Lab, made: Arena, where: Path, tip: str) -> str:
    """A push to the real hub that is refused, by guard and with its reasons."""
    before = lab.refs(lab.hub)
    words = ("push", "-q", "--force", "--no-verify", str(lab.hub), f"{tip}:{made.ref}")
    said = lab.run(where, "git", "-c", "core.hooksPath=/dev/null", *words)
    assert said.code != 0
    assert "pre-receive hook declined" in said.err
    assert "why: " in said.err
    assert lab.refs(lab.hub) == before
    return said.err


@pytest.mark.parametrize("way", AROUND, ids=lambda way: way.how)
def test_what_passes_the_hooks_is_refused_by_the_server_and_named_by_verify(lab: Lab, fleet: Path, way) -> None:
    """The whole matrix, way by way: gone for real, pushed to a real hub, verified by the real command."""
    source = Repo(fleet)
    with arena(source, look(source), Walls(None, [], [], False)) as made:
        made.again()
        where = way.attempt(made) or made.top
        tip = made.tip(where)
        assert tip is not None or way.how.startswith(("git -c", "GIT_CONFIG", "core.hooksPath", "hooks", "the hooks"))
        if tip is None:
            return  # a git that runs hooks of its configuration: refused already
        _refused(lab, made, where, tip)
        said = lab.run(where, *GUARD, "verify", f"{made.old}..{tip}")
        if "revert" in way.how:  # what a later commit made good is listed, and is no problem any more
            assert "made good since" in said.out
        else:
            assert said.code != 0, said
    source.close()


def test_what_an_older_state_that_was_forced_hides_is_told_by_the_push(lab: Lab, fleet: Path) -> None:
    """A state that is taken back verifies by itself: only who knows what was there, the hub or a push event, can
    tell. So the hub refuses it, whoever pushes."""
    older = lab.rev(fleet, "HEAD~1")
    said = lab.run(fleet, "git", "push", "--force", "--no-verify", "origin", f"{older}:main")
    assert said.code != 0
    assert "would lose commits" in said.err
    assert lab.rev(lab.hub, "main") == lab.rev(fleet)


def test_the_merge_audit_names_and_heals_what_no_wall_kept_out(lab: Lab, fleet: Path) -> None:
    """Without the server's hook the edit arrives; the next boundary says so, and --heal rebuilds the file."""
    lab.guard(lab.root, "server", "uninstall", str(lab.hub))
    unhooked(lab, fleet, {"state/agents.json": "{}\n"})
    lab.git(fleet, "-c", "core.hooksPath=/dev/null", "push", "-q", "--no-verify", "origin", "main")
    assert "slipped through" in lab.guard(fleet, "merge").err
    lab.guard(fleet, "merge", "--heal")
    assert "ada" in json.loads(lab.show(lab.hub, "state/agents.json"))["agents"]


def test_an_attack_that_is_killed_leaves_the_repository_as_it_was(lab: Lab, fleet: Path) -> None:
    """doctor --attack works in a folder of its own: killed at any moment, nothing of the clone or the hub has moved."""
    before = lab.picture(fleet), lab.refs(lab.hub), sorted((fleet / ".git").rglob("*"))
    for wait in (0.5, 1.5, 3):
        process = lab.start(fleet, "doctor", "--attack", env={"TMPDIR": str(lab.root)})
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        time.sleep(0.2)
        assert (lab.picture(fleet), lab.refs(lab.hub), sorted((fleet / ".git").rglob("*"))) == before
