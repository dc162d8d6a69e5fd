"""Whose something is: a process of this machine, told from every later one with its number by when it began."""

import hashlib
import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process: on which machine, its number there, and when it began, as that machine says it."""

    host: str
    pid: int
    began: str

    def lives(self) -> bool | None:
        """Whether it is running; None where that cannot be told from here: on another machine, in another container."""
        if self.host != host():
            return None
        return _began(self.pid) == self.began

    def words(self) -> str:
        """It, for people."""
        return f"process {self.pid} on {self.host.partition('/')[0]}"


def host() -> str:
    """This machine, and in it the space in which process numbers mean something."""
    try:
        return f"{os.uname().nodename}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # another system than Linux, where there is one such space
        return os.uname().nodename


def process(pid: int) -> Owner | None:
    """A process that is running; None for any other number."""
    began = _began(pid)
    return Owner(host(), pid, began) if began else None


def this() -> Owner:
    """This very process."""
    mine = process(os.getpid())
    return mine if mine is not None else Owner(host(), os.getpid(), "")


def at_work_in(folder: Path) -> list[int]:
    """The processes whose current folder is there or below, as far as this machine shows it; this one left out."""
    real = os.path.realpath(folder)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            where = str((entry / "cwd").readlink())
        except OSError:  # it has ended, or is somebody else's
            continue
        if (where == real or where.startswith(f"{real}/")) and entry.name != str(os.getpid()):
            found.append(int(entry.name))
    return sorted(found)


def note_of(common_dir: Path, folder: Path) -> Path:
    """Where it is written down whose a work tree is; the file's time is its last sign of life."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
    return common_dir / "guard" / "worktrees" / f"{name}.json"


def beat(git_dir: Path, common_dir: Path) -> None:
    """Give a sign of life for the linked work tree that a git directory belongs to, where guard made that."""
    if git_dir == common_dir or not (common_dir / "guard" / "worktrees").is_dir():
        return
    with suppress(OSError):
        told = (git_dir / "gitdir").read_text(errors="surrogateescape").removesuffix("\n")
        os.utime(note_of(common_dir, Path(git_dir, told).parent))


def _began(pid: int) -> str:
    """When a running process began; empty for one that is not there, or dead and not yet waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _asked(pid)
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _asked(pid: int) -> str:
    """The same, where there is no /proc."""
    words = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"}, check=False)
    state, _, began = done.stdout.decode(errors="replace").strip().partition(" ")
    return "" if done.returncode != 0 or state.startswith("Z") else began.strip()
