"""Files that a new work tree is to have though its commit has them not, or not as they are: copied, and compared.

A work tree has what is committed. In frame 406 the inputs were not, and `cp ... || true` hid it: here a glob that names
nothing is an error, and so is a copy that is not what was read.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from guard.errors import GuardError
from guard.policy import is_plain, matcher

TRIES = 5
"""For a file that somebody writes while it is read."""

KEY = "[worktree] copy in guard.toml"


def found(top: Path, globs: Sequence[str]) -> list[str]:
    """The files of a work tree that globs name, committed or not; a plain path may be a folder.

    Raises `GuardError` for a glob that names none.
    """
    paths: set[str] = set()
    for glob in globs:
        mine = set(_named(top, glob))
        if not mine:
            raise GuardError(
                "state",
                f"{glob} is not there, and a work tree needs it",
                f"{KEY} declares it; without it a work tree works on less than it is meant to, as in frame 406",
                f"make {glob}, or take it out of {KEY}",
            )
        paths |= mine
    return sorted(paths)


def _named(top: Path, glob: str) -> Iterator[str]:
    if is_plain(glob) and (top / glob).is_symlink() | (top / glob).is_file():
        yield glob
        return
    wanted = matcher([f"{glob}/**"] if is_plain(glob) else [glob])
    fixed = glob if is_plain(glob) else "/".join(_until_star(glob.split("/")[:-1]))
    for folder, folders, names in os.walk(top / fixed):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not os.path.lexists(here / name / ".git")]
        folders[:] = [name for name in folders if name != ".git"]
        for name in (*names, *links):
            path = (here / name).relative_to(top).as_posix()
            if name != ".git" and wanted.match(path):
                yield path


def _until_star(parts: Sequence[str]) -> Iterable[str]:
    for part in parts:
        if not is_plain(part):
            return
        yield part


def copy(top: Path, into: Path, paths: Sequence[str]) -> dict[str, str]:
    """Copy files from one work tree to another; returns each path with the SHA-256 of what is there now.

    Raises `GuardError` where one cannot be copied, or is not there as it was read.
    """
    copied = {}
    for path in paths:
        try:
            data, mode = _read(top / path)
            _write(into, path, data, mode)
        except OSError as error:
            raise _failed(path, error.strerror or str(error)) from None
        copied[path] = hashlib.sha256(data).hexdigest()
        if digest(into / path) != copied[path]:
            raise _failed(path, "the copy is not what was read")
    return copied


def digest(path: Path) -> str | None:
    """The SHA-256 of a file's bytes, of a symbolic link's target; None for what is neither."""
    try:
        if path.is_symlink():
            return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    except OSError:
        return None


def _read(path: Path) -> tuple[bytes, int]:
    """A file as it is at one moment, and its mode; raises `OSError` where it changes all the time."""
    for _ in range(TRIES):
        before = path.lstat()
        if stat.S_ISLNK(before.st_mode):
            return os.fsencode(path.readlink()), before.st_mode
        if not stat.S_ISREG(before.st_mode):
            raise OSError(0, "it is neither a file nor a symbolic link")
        data = path.read_bytes()
        after = path.lstat()
        same = (before.st_mtime_ns, before.st_size, before.st_ino) == (after.st_mtime_ns, after.st_size, after.st_ino)
        if same and len(data) == after.st_size:
            return data, after.st_mode
    raise OSError(0, "somebody writes it all the time")


def _write(into: Path, path: str, data: bytes, mode: int) -> None:
    """Write a file of a work tree, whole or not at all, and nowhere outside of it."""
    target = into / path
    for folder in target.parents:
        if folder == into:
            break
        if folder.is_symlink():  # what is written behind it would be somebody else's
            raise OSError(0, f"{folder.relative_to(into)} is a symbolic link in the work tree")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        if stat.S_ISLNK(mode):
            part.symlink_to(os.fsdecode(data))
        else:
            part.write_bytes(data)
            part.chmod(stat.S_IMODE(mode))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _failed(path: str, why: str) -> GuardError:
    return GuardError(
        "state", f"{path} cannot be copied into the work tree: {why}", f"{KEY} declares it", "guard config"
    )
