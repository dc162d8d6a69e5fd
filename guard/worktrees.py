"""Work trees of one's own: made one at a time, since `git worktree add` races with itself on every version of git.

Whose each is stands in a note below the common git directory, written before the work tree is there and gone after it:
whatever dies on the way leaves something that says what it was about. The note's time is its last sign of life.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from guard import salvage
from guard.errors import GuardError
from guard.git import Repo
from guard.leases.refs import found as said_by
from guard.owner import Owner, at_work_in, note_of, this
from guard.policy import Policy
from guard.publish import backoff, last_seen
from guard.salvage import Held, Place

TRIES = 8


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


@dataclass
class Removed:
    """A work tree that is gone: the refs that keep what was nowhere else, and the branch that went with it."""

    path: str
    rescue: list[str] = field(default_factory=list)
    branch: str = ""


@dataclass
class Kept:
    """A work tree that stays: why, and the command that helps."""

    path: str
    reason: str
    fix: str = ""


@contextlib.contextmanager
def alone(repo: Repo) -> Iterator[None]:
    """While inside, nobody else in this repository makes or removes a work tree; a process that dies lets go."""
    folder = repo.common_dir / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worktrees.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- notes -----------------------------------------------------------------------------------------------------


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


def _forget(repo: Repo, path: Path) -> None:
    note_of(repo.common_dir, path).unlink(missing_ok=True)


def _notes(repo: Repo) -> Iterator[tuple[Note, float]]:
    """Every note that can be read, with its time."""
    for path in sorted((repo.common_dir / "guard" / "worktrees").glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            yield _read(json.loads(path.read_text(encoding="utf-8"))), path.stat().st_mtime


def _read(value: dict[str, Any]) -> Note:
    for key in ("owner", "child"):
        value[key] = Owner(**value[key]) if value[key] is not None else None
    return Note(**value)


# --- what there is ---------------------------------------------------------------------------------------------


def trees(repo: Repo) -> list[Tree]:
    """Every linked work tree, and every note of one that is not there; no process is started for it."""
    known = {os.path.realpath(note.path): (note, when) for note, when in _notes(repo)}
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


# --- making ----------------------------------------------------------------------------------------------------


def add(repo: Repo, path: Path, branch: str, commit: str, note: Note | None = None) -> Note:
    """Make a work tree at `path`, with the new branch at `commit` checked out; returns its note.

    `note` says more of it (kind, owner, frame, stream). Raises `GuardError` where the folder or the branch is there
    already, and where git cannot do it: nothing is left of it then.
    """
    wanted = replace(note or Note("", "", ""), path=str(path), branch=branch, tip=commit)
    said = ""
    words = ("worktree", "add", "--quiet", "--no-track", "-b", branch, "--", str(path), commit)
    for wait in backoff(TRIES):
        with alone(repo):
            _free(repo, path, branch)
            write(repo, replace(wanted, state="making", owner=this()))
            done = repo.call(*words, check=False)
            if done.returncode == 0:
                made = replace(wanted, state="made")
                write(repo, made)
                return made
            said = done.stderr.decode(errors="replace").strip()
            if path.exists():
                break
            repo.call("worktree", "prune", check=False)  # what is left of it would make the next try fail
            if repo.resolve(f"refs/heads/{branch}") == commit:
                repo.call("update-ref", "-d", f"refs/heads/{branch}", commit, check=False)
            _forget(repo, path)
        time.sleep(wait)
    raise GuardError("git", f"the work tree {path} could not be made: {said}", "", "guard worktree list")


def _free(repo: Repo, path: Path, branch: str) -> None:
    """Raise `GuardError` where the folder or the branch is there: its note is not to be written over either."""
    if os.path.lexists(path):
        raise GuardError("usage", f"{path} is there already", "a work tree needs a folder of its own", f"ls {path}")
    if repo.resolve(f"refs/heads/{branch}") is not None:
        raise GuardError(
            "usage", f"there is a branch {branch} already", "its commits are somebody's", f"git log {branch}"
        )


# --- removing --------------------------------------------------------------------------------------------------


def remove(
    repo: Repo,
    policy: Policy,
    tree: Tree,
    saved: Mapping[str, str] | None = None,
    *,
    rescue: bool = True,
    ignored: bool | None = None,
) -> Removed | Kept:
    """Remove a work tree and the branch that guard made for it, once nothing in them is nowhere else.

    With `rescue`, what is nowhere else goes under rescue refs first; without it the work tree stays. `saved` are files
    (path -> SHA-256) that are known to be elsewhere; `ignored` says whether ignored files count as work, by default
    they do except in a stream's.
    """
    with alone(repo):
        name, path = str(tree.path), tree.path
        found = next((each for each in trees(repo) if each.path == path), None)
        if found is None:
            return Removed(name)  # somebody was faster
        tree, place = found, found.place(saved, ignored=ignored)
        if tree.git_dir is None:
            return _leftover(repo, policy, tree, place, rescue=rescue)
        workers = at_work_in(path)
        if workers:
            return Kept(name, f"process {workers[0]} works in it", f"end it, then guard worktree remove {name}")
        if tree.locked is not None and not place.cut_off:
            return Kept(name, "it is locked", f"git worktree unlock {name}")
        branches = _at(repo, place.branches)
        held = salvage.look(repo, policy, place)
        if held.hindrance:
            return Kept(name, held.hindrance, "move it elsewhere")
        done = Removed(name)
        if held.files or held.commits or held.unfinished:
            if not rescue:
                return Kept(name, held.words(), f"guard worktree remove {name} (keeps it under a rescue ref)")
            done.rescue = salvage.keep(repo, place, held)
        return _take_away(repo, tree, place, held, branches, done)


def _at(repo: Repo, branches: Iterable[str]) -> dict[str, str | None]:
    """Where branches are; taken before they are looked into, so that one that moves on meanwhile stays."""
    return {name: repo.resolve(f"refs/heads/{name}") for name in branches}


def _take_away(
    repo: Repo, tree: Tree, place: Place, held: Held, branches: Mapping[str, str | None], done: Removed
) -> Removed | Kept:
    """Remove what was seen to be elsewhere."""
    assert tree.git_dir is not None
    if tree.note is not None:
        # what is elsewhere is noted: whoever goes on after a kill has not seen it
        write(repo, replace(tree.note, state="removing", owner=this(), copied=place.saved))
    if place.cut_off:
        shutil.rmtree(tree.path, ignore_errors=True)
    if tree.path.is_dir() and not os.path.lexists(tree.path / ".git"):  # git would not know its own work tree
        (tree.path / ".git").write_text(f"gitdir: {tree.git_dir}\n", encoding="utf-8", errors="surrogateescape")
    for path in held.copies:  # so that git itself may look whether anything else is there
        asked = ("ls-files", "--error-unmatch", "--", f":(top,literal){path}")
        if repo.call(*asked, env=place.env, check=False).returncode != 0:
            (tree.path / path).unlink(missing_ok=True)
    words = ["worktree", "remove", "--", str(tree.path)]
    gone = repo.call(*words, check=False)
    proved = bool(held.files or held.copies or held.unfinished or place.cut_off)
    if gone.returncode != 0 and proved:
        gone = repo.call(*words[:2], "--force", "--force", *words[2:], check=False)
    if gone.returncode != 0 and place.cut_off:
        shutil.rmtree(tree.git_dir, ignore_errors=True)
    elif gone.returncode != 0:
        if tree.note is not None:
            write(repo, tree.note)
        said = gone.stderr.decode(errors="replace").strip()
        return Kept(str(tree.path), f"git does not remove it: {said}", f"git -C {tree.path} status")
    _without_branches(repo, branches, done)
    _forget(repo, tree.path)
    return done


def _without_branches(repo: Repo, branches: Mapping[str, str | None], done: Removed) -> None:
    """Delete branches that still are where they were when they were looked at, and that no work tree has."""
    used = {tree.branch for tree in trees(repo)} | {_checked_out(repo)}
    for name, commit in branches.items():
        if commit is None or name in used:
            continue
        gone = repo.call("update-ref", "-d", f"refs/heads/{name}", commit, check=False)
        if gone.returncode == 0:
            done.branch = name
            if repo.config(f"branch.{name}.remote") is not None:
                repo.call("config", "--remove-section", f"branch.{name}", check=False)


def _checked_out(repo: Repo) -> str:
    """The branch of the main work tree."""
    try:
        return (repo.common_dir / "HEAD").read_text().strip().partition("ref: refs/heads/")[2]
    except OSError:
        return ""


def _leftover(repo: Repo, policy: Policy, tree: Tree, place: Place, *, rescue: bool) -> Removed | Kept:
    """A note, and perhaps a branch, of a work tree that git does not know, or not any more."""
    name = str(tree.path)
    if os.path.lexists(tree.path):
        try:
            tree.path.rmdir()
        except OSError:
            return Kept(name, "git knows no work tree there, and it is not empty", f"look into {name}")
    branches = {branch: at for branch, at in _at(repo, place.branches).items() if at is not None}
    held = Held(commits=salvage.commits(repo, policy, replace(place, branches=tuple(branches))))
    done = Removed(name)
    if held.commits:
        if not rescue:
            return Kept(name, f"its branch {place.branches[0]} is {held.words()}", f"guard worktree remove {name}")
        done.rescue = salvage.keep(repo, place, held)
    _without_branches(repo, branches, done)
    _forget(repo, tree.path)
    return done


def sweep(repo: Repo, policy: Policy, *, rescue: bool = False) -> tuple[list[Removed], list[Kept]]:
    """Remove the work trees that nobody has any more and that hold nothing that is nowhere else; the rest is listed.

    With `rescue`, what such a one holds goes under rescue refs, and it is removed too.
    """
    removed: list[Removed] = []
    kept: list[Kept] = []
    own = os.path.realpath(repo.git_dir)
    for tree in trees(repo):
        if tree.git_dir is not None and os.path.realpath(tree.git_dir) == own:
            continue
        state, why = life(repo, policy, tree)
        if state == "live":
            continue
        if state == "unknown":
            kept.append(Kept(str(tree.path), why, f"guard worktree remove {tree.path}, if nobody needs it"))
            continue
        try:
            done = remove(repo, policy, tree, rescue=rescue)
        except GuardError as error:
            done = Kept(str(tree.path), error.what, error.fix)
        if isinstance(done, Removed):
            removed.append(done)
        else:
            kept.append(replace(done, reason=f"{why}; {done.reason}"))
    return removed, kept


def mend(repo: Repo, policy: Policy) -> None:
    """Remove the work trees whose making or removing was cut off.

    While `git worktree add` is at it, the HEAD of the new one names no object. Where it was killed just then, git
    fetches nothing into this clone any more: it looks whether it has what every HEAD names.
    """
    for tree in trees(repo):
        if tree.note is None or tree.note.state == "made" or life(repo, policy, tree)[0] != "orphan":
            continue
        with contextlib.suppress(GuardError):
            remove(repo, policy, tree)
