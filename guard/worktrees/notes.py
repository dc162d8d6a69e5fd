"""Whose each work tree is: a note below the common git directory, written before it is there and gone after it.

Whatever dies on the way leaves something that says what it was about. The note's time is its last sign of life.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from guard.git import Repo
from guard.owner import Owner, note_of


@dataclass(frozen=True)
class Note:
    """What is written down of a work tree that guard made.

    `state` is making, made or removing; while it is making or removing, `owner` is the process that does it. `child`
    is what was started in it. An owner is None where no process stands for it: then signs of life count. `kind` is
    tree or stream; a stream has its frame, its id and its command's start.
    """

    path: str
    branch: str
    tip: str
    state: str = "making"
    kind: str = "tree"
    owner: Owner | None = None
    child: Owner | None = None
    copied: Mapping[str, str] = field(default_factory=dict)
    frame: int = -1
    stream: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    """The stream's deltas that were there before it began: name -> SHA-256."""
    settled: Sequence[str] = ()
    """The digests of what the stream reported, or of its fallback, once that is in the outbox or was."""


@contextlib.contextmanager
def alone(repo: Repo) -> Iterator[None]:
    """While inside, nobody else in this repository makes or removes a work tree; a process that dies lets go."""
    folder = repo.common_dir / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worktrees.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write(repo: Repo, note: Note) -> None:
    """Write a note down, whole or not at all; that is a sign of life too."""
    path = note_of(repo.common_dir, Path(note.path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(asdict(note), indent=1), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def beat(repo: Repo, path: Path) -> None:
    """Give a sign of life for a work tree."""
    with contextlib.suppress(OSError):
        os.utime(note_of(repo.common_dir, path))


def forget(repo: Repo, path: Path) -> None:
    """Take the note of a work tree away."""
    note_of(repo.common_dir, path).unlink(missing_ok=True)


def notes(repo: Repo) -> Iterator[tuple[Note, float]]:
    """Every note that can be read, with its time."""
    for path in sorted((repo.common_dir / "guard" / "worktrees").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            yield _read(json.loads(path.read_text(encoding="utf-8"))), path.stat().st_mtime


def _read(value: dict[str, Any]) -> Note:
    for key in ("owner", "child"):
        value[key] = Owner(**value[key]) if value[key] is not None else None
    return Note(**value)
