"""`guard merge` killed at any moment: the branch is at the old or the new commit, and the next run completes it."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from walks.killed import descendants
from walks.lab import Lab, Said, delta, inbox_file, post

ALLOWED = (
    "refs/heads/",
    "refs/remotes/",
    "refs/guard/audited",
    "refs/guard/merged/",
    "refs/guard/checked/",
    "refs/guard/verified",
    "refs/guard/remotes/",
)
ROUNDS = 10


def _kill(process: subprocess.Popen, how: str) -> None:
    """SIGKILL the process alone, or its group, or all that it started."""
    targets = descendants(process.pid) if how == "all" else []
    if how == "group":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    for pid in targets:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _living(folder: Path) -> list[int]:
    """The processes that work in a folder: whoever outlives its parent is found too."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _settle(process: subprocess.Popen, folder: Path, *, kill: bool = False) -> None:
    """Wait until nothing of it runs, or end what still does: its checkout has a session of its own."""
    process.communicate(timeout=60)
    until = time.monotonic() + 60
    while living := _living(folder):
        assert time.monotonic() < until, living
        for pid in living if kill else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def _inputs(lab: Lab, repo: Path, push: bool) -> None:
    files: dict[str, bytes] = {}
    for frame in range(1, 4):
        for number in range(4):
            files |= inbox_file(
                frame, f"s{number}", posts_created=[post(frame * 10 + number, f"a{number}")], reactions_added=[1]
            )
    if push:
        lab.commit_push(repo, files)
    else:
        lab.commit(repo, files)
    for number in range(3):
        lab.deliver(repo, delta(2, f"ref{number}", posts_created=[post(90 + number)]))


@pytest.mark.parametrize("how", ["process", "group"])
@pytest.mark.parametrize("place", ["hub", "lone"])
def test_killed_at_random_moments(lab: Lab, place: str, how: str) -> None:
    """Ten kills each: old or new commit, rerun completes with the bytes of an undisturbed run, fsck clean, no
    stray refs."""
    draw = random.Random(f"{place}-{how}")
    model = lab.root / "model"
    model.mkdir()
    if place == "hub":
        (worker,) = lab.fleet("worker")
        _inputs(lab, worker, push=True)
        clone = lab.clone("clone")
        shutil.move(lab.hub, model / "hub.git")
        shutil.move(clone, model / "clone")
        lab.git(model / "clone", "config", "remote.origin.url", "../hub.git")
        work, truth = "clone", "hub.git"
    else:
        here = lab.lone()
        _inputs(lab, here, push=False)
        shutil.move(here, model / "lone")
        lab.git(model / "lone", "status")
        work = truth = "lone"
    old = lab.rev(model / truth, "main")
    calm = lab.root / "calm"
    shutil.copytree(model, calm, symlinks=True)
    begun = time.monotonic()
    lab.guard(calm / work, "merge")
    length = time.monotonic() - begun
    new, canonical, inbox = lab.rev(calm / truth, "main"), lab.canonical(calm / truth), lab.inbox(calm / truth)
    early, late = 0.3 * length, 1.1 * length
    for turn in range(ROUNDS):
        place_ = lab.root / f"turn-{turn}"
        shutil.copytree(model, place_, symlinks=True)
        process = lab.start(place_ / work, "merge", start_new_session=True)
        # anywhere, and every other time near the moment at which the branch moves
        moment = draw.uniform(0.3 * length, 1.1 * length) if turn % 2 else draw.uniform(early, late)
        time.sleep(moment)
        _kill(process, how)
        _settle(process, place_)
        tip = lab.rev(place_ / truth, "main")
        assert tip in (old, new)
        early, late = (early, max(early, moment)) if tip == new else (min(moment, late), late)
        if place == "lone":
            assert lab.rev(place_ / work) == tip
        lab.guard(place_ / work, "merge")
        assert lab.rev(place_ / truth, "main") == new
        assert lab.canonical(place_ / truth) == canonical
        assert lab.inbox(place_ / truth) == inbox
        assert lab.refs(place_ / truth, "refs/guard/deltas") == {}
        for repo in {place_ / work, place_ / truth}:
            assert lab.run(repo, "git", "fsck", "--strict").code == 0
            stray = [ref for ref in lab.refs(repo) if not ref.startswith(ALLOWED)]
            assert stray == []
        if place == "lone":
            assert lab.git(place_ / work, "status", "--porcelain") == ""
        shutil.rmtree(place_)


def test_everything_killed_while_files_are_checked_out(lab: Lab) -> None:
    """A machine that stops, git included: in a lone repository the next run completes, or says which lock to
    remove, and loses nothing."""
    here = lab.lone()
    _inputs(lab, here, push=False)
    lab.write(here, {"mine.txt": "mine\n"})
    old = lab.rev(here)
    lab.guard(here, "merge", "--no-push")
    new = lab.rev(here, "refs/guard/merged/candidate")
    for turn in range(6):
        copy = lab.root / f"copy-{turn}"
        shutil.copytree(here, copy, symlinks=True)
        lab.git(copy, "status")
        started = time.monotonic()
        process = lab.start(copy, "merge", start_new_session=True)
        while process.poll() is None and time.monotonic() - started < 20:
            if any("--ff-only" in _words(pid) for pid in descendants(process.pid)):
                time.sleep(0.0015 * turn)
                break
        _kill(process, "all")
        _settle(process, copy, kill=True)
        assert lab.rev(copy) in (old, new)
        for lock in (copy / ".git").rglob("*.lock"):
            lock.unlink()  # as git itself asks for after a crash
        lab.guard(copy, "merge")
        assert lab.rev(copy) == new
        assert lab.git(copy, "status", "--porcelain") == "?? mine.txt"
        assert lab.refs(copy, "refs/guard/deltas") == {}
        shutil.rmtree(copy)


@pytest.mark.parametrize("left", ["missing", "empty", "partial", "complete"])
@pytest.mark.parametrize("path", ["state/agents.json", "state/frames/000/frame-1.json"])
def test_a_checkout_cut_off_at_one_file_is_completed(lab: Lab, path: str, left: str) -> None:
    """git removes a file, opens it, writes it: after whichever a crash came, the next run completes the rest."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge", "--no-push")
    new = lab.rev(here, "refs/guard/merged/candidate")
    data = lab.show(here, path, new)
    if left == "missing":
        (here / path).unlink(missing_ok=True)
    else:
        lab.write(here, {path: {"empty": b"", "partial": data[:40], "complete": data}[left]})
    lab.guard(here, "merge")
    assert lab.rev(here) == new
    assert lab.git(here, "status", "--porcelain") == ""


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def test_interrupted_before_the_command_began(lab: Lab) -> None:
    """Ctrl-C while the commands are still being put together says nothing either."""
    code = "import guard.cli\ndef stopped(): raise KeyboardInterrupt\nguard.cli.program = stopped\nguard.cli.main()\n"
    assert lab.run(lab.root, sys.executable, "-c", code, "status") == Said(130, "", "")


def test_interrupted_by_a_person(lab: Lab) -> None:
    """Ctrl-C leaves no traceback and nothing half done."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    for number, wait in enumerate((0.0, 0.15, 0.6)):
        trace = lab.root / f"trace-{number}"
        words = ("merge", "--wait", "30", "--expect", "never")
        process = lab.start(here, *words, env={"GIT_TRACE2_EVENT": str(trace)}, start_new_session=True)
        while (
            not trace.exists()
        ):  # before that Python imports, for as long as a busy machine takes, and tells what it likes
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        said = lab.finish(process)
        assert said.code == 130 or said.code < 0, said
    lab.guard(here, "merge")
    assert lab.git(here, "status", "--porcelain") == ""
