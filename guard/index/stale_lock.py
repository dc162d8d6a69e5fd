"""An index.lock that a dead git left behind: its age, and the proof that its owner is dead.

Removing a lock that lives is what corrupts an index: 11 successful commands were enough. So a lock is moved away, and
only where it is proved that no process of this machine can own it.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from guard.report import number

OLD = 600
"""Seconds that a lock must be old: what is no git may hold one too, without keeping it open."""


@dataclass(frozen=True)
class Lock:
    """A lock that is there."""

    path: Path
    said: str
    """Its name and age, and what is known of its owner."""
    proved: bool
    """Whether its owner must be dead."""


def look(path: Path) -> Lock | None:
    """What there is to say of a lock; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    age = max(0, int(time.time() - status.st_mtime))
    said = f"{path} is {_age(age)} old"
    owners = _owners(path, status)
    if owners is None:
        return Lock(path, f"{said}; whether its process lives cannot be told here", proved=False)
    if owners:
        return Lock(path, f"{said}; it may belong to {', '.join(owners)}", proved=False)
    said += "; no git that is older than it lives, and no process is seen to have it open"
    return Lock(path, said if age >= OLD else f"{said}, but it is not old enough", proved=age >= OLD)


def move(lock: Lock) -> Path:
    """Move a lock away; returns where it is."""
    aside = lock.path.with_name(f"{lock.path.name}.stale-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    lock.path.rename(aside)
    return aside


def _age(seconds: int) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return number(seconds // size, unit)
    return number(seconds, "second")


def _owners(lock: Path, status: os.stat_result) -> list[str] | None:
    """Processes that may hold a lock: those of its owner that are older than it and are git, or have it open.

    None where that cannot be told: without /proc, or where the lock is another user's.
    """
    if not Path("/proc/self/stat").exists() or os.getuid() not in (status.st_uid, 0):
        return None
    try:
        ticks = os.sysconf("SC_CLK_TCK")
        booted = next(int(x.split()[1]) for x in Path("/proc/stat").read_text().splitlines() if x.startswith("btime"))
    except (OSError, StopIteration, ValueError):
        return None
    real = os.path.realpath(lock)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid != status.st_uid or process.name == str(os.getpid()):
                continue
            head, _, rest = (process / "stat").read_text(errors="replace").rpartition(")")
            fields = rest.split()
            name = head.partition("(")[2]
            if fields[0] in "ZX" or booted + int(fields[19]) / ticks > status.st_mtime + 2:
                continue  # it is dead, or began after the lock was made
            if name.startswith("git") or real in _open_files(process):
                found.append(f"{name} {process.name}")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        except (OSError, ValueError, IndexError):
            return None
    return found


def _open_files(process: Path) -> list[str]:
    """What a process has open, as far as it may be seen: some hide it, and none of them is called git."""
    found = []
    try:
        for each in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                found.append(str(each.readlink()))
    except PermissionError:
        pass
    return found
