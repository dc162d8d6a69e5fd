"""The linked work trees there are: what git and guard know of each, and whether somebody is at work in it."""

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.leases.refs import found as said_by
from guard.owner import at_work_in, this
from guard.policy import Policy
from guard.publish import last_seen
from guard.worktrees.notes import Note, alone, notes, write
from guard.worktrees.salvage import Place


@dataclass
class Tree:
    """A linked work tree: what git knows of it and what guard noted, either of which may be missing."""

    path: Path
    git_dir: Path | None
    branch: str = ""
    locked: str | None = None
    note: Note | None = None
    seen: float = 0.0
    """The last sign of life, in seconds since 1970."""

    def place(self, saved: Mapping[str, str] | None = None, *, ignored: bool | None = None) -> Place:
        """It, as `salvage` takes it; `saved` are files that are elsewhere, beside those that were copied there."""
        note = self.note
        return Place(
            self.path,
            self.git_dir or Path(os.devnull),
            (note.branch,) if note is not None and note.branch else (),
            note.tip if note is not None else "",
            note is not None and note.state != "made",
            {**(note.copied if note is not None else {}), **(saved or {})},
            (note is None or note.kind != "stream") if ignored is None else ignored,
        )


def trees(repo: Repo) -> list[Tree]:
    """Every linked work tree, and every note of one that is not there; no process is started for it."""
    known = {os.path.realpath(note.path): (note, when) for note, when in notes(repo)}
    listed = []
    for told in sorted((repo.common_dir / "worktrees").glob("*/gitdir")):
        try:
            path = Path(os.path.normpath(told.parent / told.read_text(errors="surrogateescape").removesuffix("\n")))
        except OSError:  # somebody removes it
            continue
        listed.append(_tree(path.parent, told.parent, known.pop(os.path.realpath(path.parent), None)))
    return listed + [_tree(Path(note.path), None, (note, when)) for note, when in known.values()]


def _tree(path: Path, git_dir: Path | None, known: tuple[Note, float] | None) -> Tree:
    tree = Tree(path, git_dir, note=known[0] if known else None, seen=known[1] if known else 0.0)
    if git_dir is not None:
        for name in ("index", "HEAD", "logs/HEAD"):
            with contextlib.suppress(OSError):
                tree.seen = max(tree.seen, (git_dir / name).stat().st_mtime)
        with contextlib.suppress(OSError):
            tree.branch = (git_dir / "HEAD").read_text().strip().partition("ref: refs/heads/")[2]
        with contextlib.suppress(OSError):
            tree.locked = (git_dir / "locked").read_text(errors="replace").strip()
    return tree


def find(repo: Repo, path: Path) -> Tree:
    """The work tree at a path; raises `GuardError` where there is none."""
    real = os.path.realpath(path)
    for tree in trees(repo):
        if os.path.realpath(tree.path) == real:
            return tree
    raise GuardError(
        "usage", f"{path} is no linked work tree of this repository", "nothing was changed", "guard worktree list"
    )


def life(repo: Repo, policy: Policy, tree: Tree) -> tuple[str, str]:
    """Whether somebody still is at work in a work tree, and how that is known.

    It is `live`, `orphan` (whoever had it is gone), or `unknown` where that cannot be told.
    """
    note = tree.note
    if tree.locked is not None and (note is None or note.state == "made"):
        return "live", f"it is locked{f' ({tree.locked})' if tree.locked else ''}"
    workers = at_work_in(tree.path)
    if workers:
        return "live", f"process {workers[0]} works in it"
    if note is None:
        return "unknown", "guard did not make it"
    for process in filter(None, (note.owner, note.child)):
        lives = process.lives()
        if lives is None:
            return "unknown", f"only {process.host.partition('/')[0]} can tell whether {process.words()} lives"
        if lives:
            return "live", f"{process.words()} has it"
    if note.owner is not None:
        return "orphan", f"{note.owner.words()} is gone"
    session = _session(repo, policy, tree)
    if session:
        return "live", session
    quiet = int(time.time() - tree.seen) // 60
    if quiet < policy.lease_minutes:
        return "live", f"its last sign of life is {quiet} min old"
    return "orphan", f"no sign of life for {quiet} min"


def take(repo: Repo, policy: Policy, tree: Tree) -> Note | None:
    """Become the owner of a work tree that nobody has, so that one of all who find it ends it; None for the others."""
    with alone(repo):
        found = next((each for each in trees(repo) if each.path == tree.path), None)
        if found is None or found.note is None or life(repo, policy, found)[0] != "orphan":
            return None
        note = replace(found.note, owner=this(), child=None)
        write(repo, note)
        return note


def give_back(repo: Repo, path: Path, note: Note) -> None:
    """Leave a work tree that was taken and has to stay to whoever comes next: its owner is who it was before."""
    with alone(repo):
        left = next((each.note for each in trees(repo) if each.path == path), None)
        if left is not None and left.owner == this():
            write(repo, replace(left, owner=note.owner, child=note.child))


def _session(repo: Repo, policy: Policy, tree: Tree) -> str:
    """The session that is at work in a work tree and has neither handed off nor run out; empty for none."""
    if tree.git_dir is None:
        return ""
    try:
        name = (tree.git_dir / "guard" / "session").read_text(errors="replace").strip()
    except OSError:
        return ""
    sessions = said_by(repo, last_seen(repo, policy).below("sessions")).sessions.values()
    now = datetime.now(UTC)
    for _, said in sessions:
        if said.session == name and not said.ended and not said.expired(now, policy.lease_tolerance):
            return f"{name} is at work until {said.expires}"
    return ""
