"""`guard commit` by many in one tree, beside plain git, and killed at any moment: nothing foreign, nothing lost."""

import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from walks.hooked import guarded
from walks.lab import Lab
from walks.test_kills import _kill, _settle

WARNED = re.compile(r"guard: warning: S[0-9]+ commits to main from the primary work tree again\n  why: .*\n  fix: .*\n")
"""All that somebody who commits here may be told."""
WRITERS = 6
ROUNDS = 4


def _changes(lab: Lab, here: Path, span: str) -> dict[str, tuple[str, set[str]]]:
    """Commit -> its subject and the paths that it changes."""
    found = {}
    for commit in lab.git(here, "rev-list", "--reverse", span).split():
        paths = lab.git(here, "diff-tree", "-r", "--no-commit-id", "--name-only", "--no-renames", commit).split()
        found[commit] = (lab.git(here, "log", "-1", "--format=%s", commit), set(paths))
    return found


def _quiet(lab: Lab, here: Path) -> None:
    """Nothing is left behind, and nothing is staged or changed that nobody staged or changed."""
    own = Path(lab.git(here, "rev-parse", "--absolute-git-dir"))
    assert not list((own / "guard/commits").glob("*"))
    assert not list(own.rglob("*.lock"))
    assert lab.git(here, "fsck", "--no-dangling") == ""


@pytest.mark.parametrize("hooks", [True, False], ids=["hooks", "no hooks"])
def test_six_writers_in_one_tree(lab: Lab, hooks: bool) -> None:
    """24 commits at once, each with a file of its own and a shared folder: none is foreign, lost, or seen to fail."""
    here = guarded(lab) if hooks else lab.lone()
    old = lab.commit(here, {f"w{number}/log.txt": "0\n" for number in range(WRITERS)})
    failed: list[str] = []

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            files = {f"w{number}/log.txt": f"{turn + 1}\n", f"all/{number}-{turn}.txt": f"{number} {turn}\n"}
            lab.write(here, files)
            process = lab.start(
                here, "commit", "-m", f"w{number}: {turn}", *files, env={"GUARD_SESSION": f"S{number + 1}"}
            )
            said = lab.finish(process)
            if said.code != 0 or WARNED.sub("", said.err):
                failed.append(f"{number} {turn}: {said}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    made = _changes(lab, here, f"{old}..HEAD")
    wanted = {
        f"[S{number + 1}] w{number}: {turn}": {f"w{number}/log.txt", f"all/{number}-{turn}.txt"}
        for number in range(WRITERS)
        for turn in range(ROUNDS)
    }
    assert dict(made.values()) == wanted
    assert len(made) == len(wanted)
    assert all(lab.show(here, f"w{number}/log.txt") == b"%d\n" % ROUNDS for number in range(WRITERS))
    assert lab.git(here, "status", "--porcelain") == ""
    _quiet(lab, here)


def test_neighbours_with_plain_git(lab: Lab) -> None:
    """While others use git add and git commit in the same tree, no commit of guard's is foreign or taken back, and
    what a neighbour has staged is still staged or in a commit of theirs."""
    here = guarded(lab)
    old = lab.commit(here, {f"w{number}.txt": "0\n" for number in range(4)})
    stop = threading.Event()
    failed: list[str] = []
    theirs: list[int] = []

    def neighbour() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            path = f"theirs/{turn}.txt"
            lab.write(here, {path: f"{turn}\n"})
            while lab.run(here, "git", "add", "--", path).code != 0:
                time.sleep(0.01)
            theirs.append(turn)
            if turn % 3 == 0:
                lab.run(here, "git", "commit", "-q", "-m", f"[S99] theirs: {turn}")

    def work(number: int) -> None:
        for turn in range(ROUNDS):
            files = {f"w{number}.txt": f"{turn + 1}\n", f"mine/{number}-{turn}.txt": "x\n"}
            lab.write(here, files)
            words = ("commit", "-m", f"w{number}: {turn}", *files)
            said = lab.finish(lab.start(here, *words, env={"GUARD_SESSION": f"S{number + 1}"}))
            if said.code != 0 or WARNED.sub("", said.err):
                failed.append(f"{number} {turn}: {said}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    beside = threading.Thread(target=neighbour)
    for thread in (*threads, beside):
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    beside.join()
    assert not failed
    made = _changes(lab, here, f"{old}..HEAD")
    mine = {subject: paths for subject, paths in made.values() if not subject.startswith("[S99]")}
    assert mine == {
        f"[S{number + 1}] w{number}: {turn}": {f"w{number}.txt", f"mine/{number}-{turn}.txt"}
        for number in range(4)
        for turn in range(ROUNDS)
    }
    for subject, paths in made.values():
        if subject.startswith("[S99]"):
            assert all(path.startswith("theirs/") for path in paths), (subject, paths)
    assert all(lab.show(here, f"w{number}.txt") == b"%d\n" % ROUNDS for number in range(4))
    staged = lab.git(here, "ls-files", "theirs").split()
    assert set(staged) == {f"theirs/{turn}.txt" for turn in theirs}
    assert all(line.startswith("A  theirs/") for line in lab.git(here, "status", "--porcelain").splitlines())
    _quiet(lab, here)


def test_a_commit_that_lands_meanwhile_is_kept(lab: Lab) -> None:
    """HEAD moves while a hook runs, in other paths and in the same one: the commit comes on top, with both in it."""
    here = lab.lone()
    lab.commit(here, {"f.txt": "1\n", "g.txt": "1\n", "both.txt": "1\n"})
    hook = here / ".git/hooks/pre-commit"
    hook.write_text(
        '#!/bin/sh\nif mkdir "$ONCE" 2>/dev/null; then\n'
        'unset GIT_INDEX_FILE; echo 2 >"$THEIRS"; git add "$THEIRS"; git commit -q --no-verify -m theirs\nfi\n'
        'echo run >>"$ONCE/runs"\n'
    )
    hook.chmod(0o755)
    for number, theirs in enumerate(("g.txt", "both.txt")):
        lab.write(here, {"f.txt": f"mine {number}\n", "both.txt": f"mine {number}\n"})
        env = {"GUARD_SESSION": "S1", "ONCE": str(lab.root / f"once-{number}"), "THEIRS": theirs}
        lab.guard(here, "commit", "-m", "f: mine", "f.txt", *(["both.txt"] if number == 0 else []), env=env)
        runs = (lab.root / f"once-{number}/runs").read_text().split()
        assert len(runs) == 1, "the hook saw these very files already"
        assert lab.git(here, "log", "-2", "--format=%s").split("\n") == ["[S1] f: mine", "theirs"]
        assert lab.show(here, "f.txt") == b"mine %d\n" % number
        assert lab.show(here, theirs) == b"2\n"
        assert lab.git(here, "diff-index", "--cached", "--name-only", "HEAD") == ""


def test_the_same_file_by_two_is_taken_from_the_tree_anew(lab: Lab) -> None:
    """HEAD moves in the named file itself: hooks run again, on what the work tree holds now."""
    here = lab.lone()
    lab.commit(here, {"f.txt": "1\n"})
    hook = here / ".git/hooks/pre-commit"
    hook.write_text(
        '#!/bin/sh\nif mkdir "$ONCE" 2>/dev/null; then\n'
        "unset GIT_INDEX_FILE; echo 2 >f.txt; git add f.txt; git commit -q --no-verify -m theirs; echo 3 >f.txt\nfi\n"
        'echo run >>"$ONCE/runs"\n'
    )
    hook.chmod(0o755)
    lab.write(here, {"f.txt": "mine\n"})
    env = {"GUARD_SESSION": "S1", "ONCE": str(lab.root / "once")}
    lab.guard(here, "commit", "-m", "f: mine", "f.txt", env=env)
    assert (lab.root / "once/runs").read_text().split() == ["run", "run"]
    assert lab.show(here, "f.txt") == b"3\n"
    assert lab.show(here, "f.txt", "HEAD~") == b"2\n"
    assert lab.git(here, "status", "--porcelain") == ""


def test_a_lock_that_is_let_go_of_is_waited_for(lab: Lab) -> None:
    """Somebody's index.lock that goes away after a while is not even mentioned."""
    here = guarded(lab)
    lab.write(here, {"f.txt": "1\n"})
    lock = here / ".git/index.lock"
    lock.write_text("")
    process = lab.start(here, "commit", "-m", "f: one", "f.txt", env={"GUARD_SESSION": "S1"})
    while not list((here / ".git/guard/commits").glob("*/after")):
        time.sleep(0.01)
    assert process.poll() is None
    lock.unlink()
    said = lab.finish(process)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("how", ["process", "group"])
def test_killed_at_random_moments(lab: Lab, how: str) -> None:
    """Whenever it dies, the branch is at the old or the new commit, what neighbours staged stays, and the next run
    completes it: no foreign file, nothing lost, no lock left, nothing taken back by the next plain commit."""
    draw = random.Random(how)
    model = guarded(lab, "model")
    old = lab.commit(model, {"f.txt": "1\n", "theirs.txt": "1\n"})
    lab.write(model, {"f.txt": "2\n", "new.txt": "new\n", "theirs.txt": "staged\n"})
    lab.git(model, "add", "theirs.txt")
    words = ("commit", "-m", "f: two", "f.txt", "new.txt")
    env = {"GUARD_SESSION": "S1"}
    calm = lab.root / "calm"
    shutil.copytree(model, calm, symlinks=True)
    begun = time.monotonic()
    lab.guard(calm, *words, env=env)
    length = time.monotonic() - begun
    early, late = 0.3 * length, 1.1 * length
    for turn in range(12):
        here = lab.root / f"turn-{turn}"
        shutil.copytree(model, here, symlinks=True)
        lab.git(here, "update-index", "-q", "--refresh", code=None)
        process = lab.start(here, *words, env=env, start_new_session=True)
        moment = draw.uniform(early, late) if turn % 2 else draw.uniform(0.3, 1.1) * length
        time.sleep(moment)
        _kill(process, how)
        _settle(process, here)
        landed = lab.rev(here) != old
        early, late = (early, max(early, moment)) if landed else (min(moment, late), late)
        if turn % 3 == 0:  # somebody without guard comes first: they are refused, or harm nothing
            lab.run(here, "git", "commit", "-q", "-m", "[S2] theirs: one")
        said = lab.guard(here, *words, env=env)
        assert ("nothing to commit" in said.out) == landed, said
        made = _changes(lab, here, f"{old}..HEAD")
        mine = [paths for subject, paths in made.values() if subject == "[S1] f: two"]
        assert mine == [{"f.txt", "new.txt"}]
        assert all(paths == {"theirs.txt"} for subject, paths in made.values() if subject != "[S1] f: two")
        assert lab.show(here, "f.txt") == b"2\n"
        assert lab.git(here, "show", ":theirs.txt") == "staged"
        assert lab.git(here, "status", "--porcelain") in ("M  theirs.txt", "")
        _quiet(lab, here)


STEPS = ("os.replace", "Path.replace", "subprocess.run", "os.link", "os.fsync", "shutil.rmtree", "Path.unlink")


def test_killed_before_every_step(lab: Lab) -> None:
    """Dead before each link, rename, removal and git of it: the same holds."""
    model = guarded(lab, "model")
    old = lab.commit(model, {"f.txt": "1\n", "theirs.txt": "1\n"})
    lab.write(model, {"f.txt": "2\n", "theirs.txt": "staged\n"})
    lab.git(model, "add", "theirs.txt")
    words = ["commit", "-m", "f: two", "f.txt"]
    env = {"GUARD_SESSION": "S1"}
    killer = lab.root / "killer.py"
    killer.write_text(
        "import os, pathlib, shutil, signal, subprocess, sys\n"
        "left = int(os.environ['STEPS'])\n"
        "def watched(module, name):\n"
        "    real = getattr(module, name)\n"
        "    def step(*words, **more):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left < 0:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(*words, **more)\n"
        "    setattr(module, name, step)\n"
        "from guard import cli\n"
        "for step in os.environ['NAMES'].split():\n"
        "    module, name = step.split('.')\n"
        "    watched({'os': os, 'Path': pathlib.Path, 'subprocess': subprocess, 'shutil': shutil}[module], name)\n"
        "sys.argv[0] = 'guard'\n"
        "cli.main()\n"
    )
    steps = 0
    landed_at = []
    while True:
        here = lab.root / f"step-{steps}"
        shutil.copytree(model, here, symlinks=True)
        more = {**env, "STEPS": str(steps), "NAMES": " ".join(STEPS)}
        done = subprocess.run(
            [sys.executable, str(killer), *words], cwd=here, env={**lab.env, **more}, capture_output=True, check=False
        )
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0
            break
        landed = lab.rev(here) != old
        landed_at.append(landed)
        if steps % 2:
            theirs = lab.run(here, "git", "commit", "-q", "-m", "[S2] theirs: one")
            if theirs.code == 0:
                assert _changes(lab, here, "HEAD~..HEAD").popitem()[1] == ("[S2] theirs: one", {"theirs.txt"})
        said = lab.guard(here, *words, env=env)
        assert ("nothing to commit" in said.out) == landed, (steps, said)
        assert lab.show(here, "f.txt") == b"2\n"
        assert lab.git(here, "show", ":theirs.txt") == "staged"
        assert lab.git(here, "show", ":f.txt") == "2"
        _quiet(lab, here)
        shutil.rmtree(here)
        steps += 1
    assert steps > 15
    assert True in landed_at
    assert False in landed_at
