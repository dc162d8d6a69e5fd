"""Fetching and pushing: a transfer is waited for as long as it says anything."""

import contextlib
import os
import re
import signal
import subprocess

from guard.errors import GuardError
from guard.git import Repo


def transfer(repo: Repo, *words: str, patience: float) -> "subprocess.CompletedProcess[bytes]":
    """Run `git fetch` or `git push`, and end it when it has said nothing for `patience` seconds.

    It is made to tell its progress, so that a long transfer is not taken for one that hangs; that is left out of
    what is returned. It is given up at the latest after twice as long without a word. Raises `GuardError` of kind
    `network` then: whether the other side took what was sent nobody knows.
    """
    process = repo.start(
        words[0],
        "--progress",
        *words[1:],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        apart=not _asked(),
    )
    with process:
        heard = 0
        while True:
            try:
                out, said = process.communicate(timeout=patience)
                break
            except subprocess.TimeoutExpired as late:
                before, heard = heard, len(late.output or b"") + len(late.stderr or b"")
                if heard == before:
                    raise _silent(process, words[0], patience) from None
    return subprocess.CompletedProcess(words, process.returncode, out, _without_progress(said))


def _asked() -> bool:
    """Whether there is a terminal on which somebody may be asked for a password; a session of its own has none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _silent(process: "subprocess.Popen[bytes]", word: str, patience: float) -> GuardError:
    """End a git whose other side says nothing, and with it what it had started (ssh and the like), where that is in a
    session of its own; elsewhere such a one may outlive it for a while, and holds up nobody.
    """
    own = os.getpgid(process.pid) == process.pid
    for kind in (signal.SIGTERM, signal.SIGKILL):  # asked first, git takes its locks away
        with contextlib.suppress(ProcessLookupError):
            if own:
                os.killpg(process.pid, kind)
            else:
                process.send_signal(kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    return GuardError(
        "network",
        f"`git {word}` was given up: the other side has said nothing for {patience:g} s",
        "a machine that hangs must not hold up this one; what was to be sent is still here",
        "run the command again; [repository] timeout in guard.toml says how long to wait",
    )


_PROGRESS = re.compile(rb"(remote: +)?([A-Z][a-z]+[a-z ]*: +\d+(%|,|\Z)|Total \d+ |Delta compression using)")


def _without_progress(said: bytes) -> bytes:
    """What git said, without the lines that tell how far it was."""
    lines = re.split(rb"[\r\n]+", said)
    return b"".join(line.rstrip() + b"\n" for line in lines if line.strip() and not _PROGRESS.match(line))
