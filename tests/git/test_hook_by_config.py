"""The hooks that git 2.54 and newer find in the configuration: they judge wherever core.hooksPath leads, and once."""

import json
from pathlib import Path

import pytest
from walks.hooked import BY_CONFIG, EDITED, GIT, STATE_FILE, UNHOOKED, git, guarded, refused
from walks.lab import Lab, inbox_file

from guard.hooks import HOOKS
from guard.hooks.registered import NAMES, SINCE

HERE, THERE = (".".join(map(str, version)) for version in (GIT, SINCE))

newer = pytest.mark.skipif(not BY_CONFIG, reason=f"git {HERE} runs no hooks of its configuration; {THERE} and newer do")
older = pytest.mark.skipif(BY_CONFIG, reason=f"git {HERE} runs hooks of its configuration, as {THERE} and newer do")

AWAY = ("-c", "core.hooksPath=/dev/null")


def _elsewhere(lab: Lab, here: Path) -> None:
    """Another tool sets core.hooksPath for everything."""
    lab.env["GIT_CONFIG_GLOBAL"] = str(lab.root / "gitconfig")
    lab.git(here, "config", "--global", "core.hooksPath", str(lab.root / "nowhere"))


@newer
@pytest.mark.parametrize("how", ["option", "empty", "global", "gone", "not executable"])
def test_hooks_that_git_does_not_find_judge_all_the_same(lab: Lab, how: str) -> None:
    """With core.hooksPath elsewhere, or the hooks deleted, commits, ref moves, stashes, messages and pushes are judged,
    also in a linked worktree, and an ordinary commit passes."""
    here = guarded(lab)
    lab.commit(here, {"mine.txt": "one\n"}, "[S1] mine: one")
    linked = lab.root / "linked tree"
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(linked))
    options = {"option": AWAY, "empty": ("-c", "core.hooksPath=")}.get(how, ())
    if how == "global":
        _elsewhere(lab, here)
    for name in HOOKS if how in ("gone", "not executable") else ():
        (here / ".git/hooks" / name).chmod(0o644) if how != "gone" else (here / ".git/hooks" / name).unlink()
    for tree in (here, linked):
        lab.write(tree, {STATE_FILE: EDITED, "mine.txt": "two\n"})
        lab.git(tree, *options, "add", STATE_FILE)
        for more in ((), ("-n",)):
            refused(lab, tree, *options, "commit", "-m", "[S1] agents: by hand", *more, code="G101")
        refused(lab, tree, *options, "stash", code="G501")
        lab.git(tree, *options, "reset", "-q")
        lab.git(tree, *options, "add", "-A")
        refused(lab, tree, *options, "commit", "-m", "[S1] all: of it", code="G201")
        lab.git(tree, *options, "reset", "-q")
        lab.git(tree, *options, "checkout", "-q", "--", STATE_FILE)
        lab.git(tree, *options, "add", "mine.txt")
        refused(lab, tree, *options, "commit", "-m", "no prefix", code="G401")
        lab.git(tree, *options, "commit", "-q", "-m", "[S1] mine: two")
    hub = lab.root / "hub.git"
    lab.git(lab.root, "init", "-q", "--bare", str(hub))
    lab.git(here, *options, "commit", "-q", "-n", "--allow-empty", "-m", "no prefix")
    refused(lab, here, *options, "push", str(hub), "main", code="G401")


@newer
def test_switched_off_in_so_many_words(lab: Lab) -> None:
    """`-c hook.NAME.enabled=false` beside core.hooksPath switches them off, and doctor names hooks that are off."""
    here = guarded(lab)
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, *UNHOOKED, "add", STATE_FILE)
    lab.git(here, *UNHOOKED, "commit", "-q", "-m", "past the hooks")
    lab.git(here, "config", "hook.guard-pre-commit.enabled", "false")
    checks = {each["what"]: each for each in lab.guard(here, "doctor", "--json").json["checks"]}
    assert checks["hooks by configuration"]["state"] == "warning"
    assert "pre-commit" in checks["hooks by configuration"]["said"]


@newer
def test_nothing_is_judged_twice(lab: Lab) -> None:
    """Where git runs both, the full judgement runs as often as where it runs the one in the folder alone: each starts
    one `git cat-file`."""
    here = guarded(lab)
    counts = []
    off = UNHOOKED[2:]
    for number, options in enumerate(((), off)):
        lab.write(here, {**inbox_file(1, f"s{number}"), "x.sh": f"echo {number}\n"})
        lab.git(here, "add", "--", "state", "x.sh")
        trace = lab.root / f"trace{number}"
        env = {"GIT_TRACE2_EVENT": str(trace)}
        lab.git(here, *options, "commit", "-q", "-m", "[S1] delta: one", env=env)
        events = [json.loads(line) for line in trace.read_text().split("\n")[:-1]]
        starts = [event["argv"] for event in events if event["event"] == "start"]
        counts.append(sum("cat-file" in argv for argv in starts))
        assert sum("diff-index" in argv for argv in starts) <= 1, starts
    assert counts[0] == counts[1] >= 1


@newer
def test_what_a_person_s_own_hook_says_is_said_once(lab: Lab) -> None:
    """A hook that guard displaced runs once where git finds the folder, and not where core.hooksPath hides it."""
    here = lab.lone()
    hook = here / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\necho ran >>'{lab.root}/log'\n")
    hook.chmod(0o755)
    lab.guard(here, "install")
    lab.commit(here, {"mine.txt": "one\n"}, "[S1] mine: one")
    assert (lab.root / "log").read_text() == "ran\n"
    lab.write(here, {"mine.txt": "two\n"})
    lab.git(here, *AWAY, "commit", "-q", "-m", "[S1] mine: two", "--", "mine.txt")
    assert (lab.root / "log").read_text() == "ran\n"


@newer
def test_a_repository_that_moved_and_one_that_lost_the_folder(lab: Lab) -> None:
    """The command names no absolute path: after a move the hooks judge; without guard's folder nothing is blocked."""
    here = guarded(lab, "first place")
    there = lab.root / "second 'place'"
    here.rename(there)
    lab.write(there, {STATE_FILE: EDITED, "mine.txt": "one\n"})
    lab.git(there, *AWAY, "add", STATE_FILE)
    refused(lab, there, *AWAY, "commit", "-m", "[S1] agents: by hand", code="G101")
    lab.git(there, *AWAY, "reset", "-q")
    lab.git(there, "add", "mine.txt")
    (there / ".git/guard/hooks/by-config").unlink()
    lab.git(there, "commit", "-q", "-m", "[S1] mine: one")
    found = {each["what"]: each for each in lab.guard(there, "doctor", "--json").json["checks"]}
    assert found["hooks by configuration"]["state"] == "warning"
    lab.git(there, "checkout", "-q", "--", STATE_FILE)
    assert lab.guard(there, "doctor", "--fix", "--json", code=0).json["exit"] == 0
    assert lab.guard(there, "doctor", "--json", code=0).json["exit"] == 0


@newer
def test_status_and_doctor_with_a_global_hooks_path(lab: Lab) -> None:
    """A core.hooksPath of another tool leaves the clone protected, and both say by what."""
    here = guarded(lab)
    _elsewhere(lab, here)
    told = lab.guard(here, "status", "--json").json
    assert told["protected"]
    assert {each["layer"]: each["state"] for each in told["layers"]}["hooks"] == "by configuration"
    found = {each["what"]: each for each in lab.guard(here, "doctor", "--json", code=0).json["checks"]}
    assert found["hooks"]["state"] == "warning"
    assert found["hooks at work"]["state"] == "ok"


@newer
def test_attack_tells_what_the_configuration_catches(lab: Lab) -> None:
    """Both spellings of core.hooksPath are refused in doctor's attack, switching hooks off is found afterwards."""
    here = guarded(lab)
    told = lab.guard(here, "doctor", "--attack", "--json").json["attacks"]
    passes = {each["how"]: (each["passes"], each["found_by"]) for each in told}
    assert not passes["git -c core.hooksPath=/dev/null commit"][0]
    assert not passes["GIT_CONFIG_COUNT with core.hooksPath"][0]
    switched = passes["the same with -c hook.guard-NAME.enabled=false"]
    assert switched[0]
    assert "guard verify" in switched[1]


@older
def test_an_older_git_is_told_of(lab: Lab) -> None:
    """The keys are there for the git of tomorrow; status says that this one does not read them."""
    here = guarded(lab)
    told = lab.guard(here, "status", "--json").json["layers"]
    layer = {each["layer"]: each for each in told}["hooks by configuration"]
    assert layer["state"] == "not read"
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "add", STATE_FILE)
    assert git(lab, here, *AWAY, "commit", "-m", "[S1] agents: by hand").code == 0


def test_registered_and_taken_away(lab: Lab) -> None:
    """Every hook is named in this clone's own configuration, what somebody named beside them stays, and after uninstall
    nothing of guard's is left; install completes what was interrupted."""
    here = lab.lone()
    lab.git(here, "config", "hook.mine.command", "true")
    lab.git(here, "config", "hook.mine.event", "pre-commit")
    before = lab.git(here, "config", "--local", "--list")
    lab.guard(here, "install")
    for name in NAMES:
        assert lab.git(here, "config", "--local", f"hook.guard-{name}.event") == name
        assert (here / ".git/guard/hooks" / name).exists()
    lab.git(here, "config", "--unset", "hook.guard-pre-push.event")
    (here / ".git/guard/hooks/pre-push").unlink()
    assert {"pre-push", "hook.guard-pre-push"} == set(lab.guard(here, "install", "--json").json["own"])
    lab.guard(here, "uninstall")
    assert lab.git(here, "config", "--local", "--list") == before
    assert not (here / ".git/guard").exists()
