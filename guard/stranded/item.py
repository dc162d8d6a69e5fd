"""What was found: one thing that holds work, under a name that stays the same from run to run."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from guard import identity
from guard.errors import GuardError
from guard.git import Repo
from guard.index.file import Index
from guard.leases.refs import found as said_by
from guard.policy import Policy
from guard.publish import last_seen
from guard.worktrees.trees import trees

DIGITS = 12
"""Of an object's or a file's digest in a name."""


@dataclass(frozen=True)
class Place:
    """A work tree, or a bare repository: where it is, what belongs to it alone, and whose it is."""

    git_dir: Path
    path: Path | None
    """Its folder; None for a bare repository."""
    there: bool
    """Whether the folder is."""
    branch: str
    session: str
    head: str | None
    main: bool

    @property
    def words(self) -> str:
        """It, for people."""
        if self.path is None:
            return "this repository"
        return f"{self.path}" if self.there else f"{self.path}, which is gone"


@dataclass
class Content:
    """One file of what an item holds: its lines where they are known, its object (perhaps shortened, or empty)."""

    path: str
    added: int | None = None
    removed: int | None = None
    oid: str = ""


@dataclass
class Item:
    """A thing that holds work.

    `kind` is stash, autostash, rescue, commit, index, patch or delta. `key` tells it from every other: a commit's id,
    or a digest of a file's name and bytes. `where` says, for people, what it was found as.
    """

    kind: str
    key: str
    when: int
    where: list[str]
    session: str = ""
    author: str = ""
    commit: str = ""
    """The commit that it is; empty for a file."""
    file: Path | None = None
    place: Place | None = None
    stashlike: bool = False
    """Whether the commit is made as a stash: work on its first parent, what was staged as its second."""
    index: Index | None = None
    subject: str = ""
    problem: str = ""
    """Why not all of it can be read."""
    settled: str = ""
    """Why nothing is lost with it, where that is so."""
    base: str | None = None
    """What it is work on; None for nothing."""
    commits: int = 0
    """How many commits there are that no branch has; 0 for what is no line of commits."""
    contents: list[Content] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What people call it; the letters say what it is, the digits which."""
        return f"{self.kind}-{self.key[:DIGITS]}"

    @property
    def whose(self) -> str:
        """The session where one is known, and the author."""
        return ", ".join(filter(None, (self.session, self.author)))


def key_of(path: Path, data: bytes) -> str:
    """What tells a file from every other, and from itself with other bytes."""
    return hashlib.sha256(os.fsencode(path) + b"\0" + data).hexdigest()


def places(repo: Repo) -> list[Place]:
    """The repository's own work tree, or the bare repository, and every linked one that git knows."""
    common = repo.common_dir
    main = common.parent if common.name == ".git" else None
    if main is None and not repo.bare and repo.git_dir == common:
        main = repo.top()
    found = [Place(common, main, main is not None, _branch(common), session_of(common), _head(repo, None), main=True)]
    for tree in trees(repo):
        own = tree.git_dir
        if own is not None:
            there = tree.path.is_dir()
            found.append(Place(own, tree.path, there, tree.branch, session_of(own), _head(repo, own), main=False))
    return found


def committed(repo: Repo, place: Place) -> dict[str, str]:
    """Path -> object of what a work tree's HEAD has; nothing where that cannot be read."""
    try:
        return {path: oid for _, oid, path in repo.tree(place.head, "")} if place.head else {}
    except GuardError:
        return {}


def session_of(git_dir: Path) -> str:
    """The session that was started in a work tree; empty where none was."""
    try:
        return identity.normal((git_dir / "guard" / "session").read_text(errors="replace").strip()) or ""
    except OSError:
        return ""


def sessions(repo: Repo, policy: Policy, found: list[Place]) -> dict[str, str]:
    """Branch -> the session that is, or was, at work on it, as far as this clone has heard."""
    known = {}
    try:
        for _, said in said_by(repo, last_seen(repo, policy).below("sessions")).sessions.values():
            if said.branch and said.branch != policy.branch:
                known[said.branch] = said.session
    except GuardError:  # what is asked of refs here is a hint, not a judgement
        pass
    known |= {place.branch: place.session for place in found if place.branch and place.session}
    return known


def _branch(git_dir: Path) -> str:
    try:
        return (git_dir / "HEAD").read_text(errors="surrogateescape").strip().partition("ref: refs/heads/")[2]
    except OSError:
        return ""


def _head(repo: Repo, git_dir: Path | None) -> str | None:
    name = "main-worktree/HEAD" if git_dir is None else f"worktrees/{git_dir.name}/HEAD"
    return repo.resolve(name)
