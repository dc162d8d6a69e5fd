"""Commands that are killed on their way."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from walks.lab import Lab


def until(done: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait for what a process does on its way."""
    for _ in range(3000):
        if done() or process.poll() is not None:
            break
        time.sleep(0.02)
    assert done(), process.communicate()


def killed(lab: Lab, here: Path, done: Callable[[], bool], *words: str) -> None:
    """Run a command, and kill it with all that it started once something is so."""
    process = subprocess.Popen(
        words,
        cwd=here,
        env=lab.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    until(done, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def descendants(pid: int) -> list[int]:
    """A process and all below it, by /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _stat(int(entry.name))):
            parents.setdefault(int(stat[1]), []).append(int(entry.name))
    found, rest = [], [pid]
    while rest:
        mine = rest.pop()
        found.append(mine)
        rest += parents.get(mine, [])
    return found


def _stat(pid: int) -> list[str]:
    """What /proc says of a process: its state, its parent, and so on; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def machine_ends(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL a process and all that it started, but for the hub's side of a push: that is another machine.

    All are stopped before the first of them is killed, so that none starts another, or hears of another's death. D is
    as good as stopped: it is in the middle of a call, or waits until a child that is stopped has begun its program.
    """
    while running := [each for each in _ours(process.pid) if (_stat(each) or "Z")[0] not in "TZXD"]:
        for each in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
    for each in _ours(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    process.communicate()


def _ours(pid: int) -> set[int]:
    """A process and what it started on its own machine."""
    below = descendants(pid)
    serving: set[int] = set()
    for each in below:
        with contextlib.suppress(OSError):
            if b"receive-pack" in Path(f"/proc/{each}/cmdline").read_bytes():
                serving |= set(descendants(each))
    return set(below) - serving


def slow_hook(here: Path) -> Path:
    """A pre-commit hook that says that it runs, and goes on."""
    hook = here / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../running\nexec sleep 600\n")
    hook.chmod(0o755)
    return here.parent / "running"
