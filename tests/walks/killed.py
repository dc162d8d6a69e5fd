"""Commands that are killed on their way."""

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


def slow_hook(here: Path) -> Path:
    """A pre-commit hook that says that it runs, and goes on."""
    hook = here / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ../running\nexec sleep 600\n")
    hook.chmod(0o755)
    return here.parent / "running"
