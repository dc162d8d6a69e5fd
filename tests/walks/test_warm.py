"""The warm guard of the tests: whatever can be seen of it is what a real start shows."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from walks import warm
from walks.lab import Lab, inbox_file

pytestmark = pytest.mark.skipif(warm.COLD, reason="TESTS_COLD: there is no warm guard")

PROBE = """#!/bin/sh
# In the place of git: writes down how it and guard were started, and ends guard with the signal that it is told.
{
  env | grep -v '^_=' | sort
  pwd
  ls /proc/$$/fd
  ls /proc/$PPID/fd
  grep -E '^(Sig|Umask|NSpgid)' /proc/$PPID/status
  wc -c <&0
  ps -o sid= -p $$
} >"$GUARD_SAID" 2>/dev/null
[ -z "$GUARD_DIES" ] || kill -"$GUARD_DIES" $PPID
exit 128
"""


def _both(lab: Lab, here: Path, *words: str, **env: str) -> Iterator[tuple[int, bytes, bytes]]:
    """A command's end and output: as its users start it, then warm."""
    whole = {**lab.env, **env}
    command = [*lab.program, *words]
    done = subprocess.run(command, cwd=here, env=whole, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    yield done.returncode, done.stdout, done.stderr
    found = warm.run(words, here, whole, lab.plain, timeout=60)
    assert found is not None, env
    yield found.returncode, found.stdout, found.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        [],
        ["merge", "--no-such-option"],
        ["status", "--json"],
        ["config", "--json"],
        ["check", "-C", "nowhere"],
        ["-C", "state", "check", "agents.json"],
        ["explain", "G101"],
        ["frame", "status"],
        ["check", "--rule", "caf\u00e9", "x\udcff"],
    ],
    ids=" ".join,
)
def test_what_is_said_and_answered_is_the_same(lab: Lab, words: list[str]) -> None:
    """Exit code, stdout and stderr, byte for byte."""
    here = lab.lone()
    cold, found = _both(lab, here, *words)
    assert found == cold


def test_a_merge_is_the_same_commit(lab: Lab) -> None:
    """What a warm guard writes is what a real one writes."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.git(two, "pull", "-q")
    assert warm.run(["merge", "--no-push"], one, lab.env, lab.plain, timeout=60).returncode == 0
    assert lab.run(two, *lab.program, "merge", "--no-push").code == 0
    assert lab.rev(one, "refs/guard/merged/candidate") == lab.rev(two, "refs/guard/merged/candidate")


@pytest.mark.parametrize(
    "env",
    [{}, {"GIT_DIR": ".git", "GUARD_X": "a\nb"}, {"HOME": "/nowhere"}, {"GUARD_DIES": "KILL"}, {"GUARD_DIES": "TERM"}],
    ids=" ".join,
)
def test_guard_and_its_git_are_started_alike(lab: Lab, env: dict[str, str]) -> None:
    """Environment, folder, open files, signals and input of guard and of what it starts, and how signals end it."""
    here = lab.lone()
    probe = lab.root / "bin/git"
    lab.write(lab.root, {"bin/git": PROBE})
    probe.chmod(0o755)
    said = lab.root / "said"
    env = {**env, "PATH": f"{probe.parent}:{os.environ['PATH']}", "GUARD_SAID": str(said)}
    known = []
    for done in _both(lab, here, "status", **env):
        known.append((done, said.read_bytes()))
        said.unlink()
    assert known[0] == known[1]
    ends = {"KILL": -9, "TERM": -15}
    assert known[0][0][0] == ends.get(env.get("GUARD_DIES", ""), 2)
    assert b"GUARD_SAID=" in known[0][1]
