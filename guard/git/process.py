"""A git process: started, read from, ended."""

import os
import signal
import subprocess
from collections.abc import Iterable
from typing import IO, Any

from guard.errors import GuardError


def spawn(words: list[str], *, apart: bool, shielded: bool, **more: Any) -> "subprocess.Popen[bytes]":
    """Start git, `apart` in a session of its own.

    Where it is to be `shielded` it does not hear of Ctrl-C or of a terminal that is closed from its first moment on:
    what is blocked here stays blocked in what is started.
    """
    if not shielded:
        return subprocess.Popen(words, start_new_session=apart, **more)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        return subprocess.Popen(words, start_new_session=True, **more)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def scratch() -> IO[bytes]:
    """A file for what one process leaves to another: in memory where the system can, which is there much sooner."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("guard"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def pass_over(pipe: IO[bytes], size: int) -> None:
    """Read bytes and keep none."""
    while size > 0 and (chunk := pipe.read(min(size, 1 << 20))):
        size -= len(chunk)


def widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold a mebibyte where the system can: git works ahead in it while we work."""
    try:
        import fcntl

        if pipe is not None:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        pass  # another system, or this user has too many wide pipes already: slower, and no worse


def failure(words: Iterable[str], code: int, said: str) -> GuardError:
    """The error for a git command that failed."""
    command = " ".join(["git", *words][:6])
    lines = [line for line in said.strip().splitlines() if line]
    return GuardError("git", f"`{command}` failed (exit {code})", "; ".join(lines[-3:]), "")
