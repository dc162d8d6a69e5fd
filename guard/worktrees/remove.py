"""Removing work trees: what is nowhere else is kept first, or the work tree stays."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from guard.errors import GuardError
from guard.git import Repo
from guard.owner import at_work_in, this
from guard.policy import Policy
from guard.worktrees import salvage
from guard.worktrees.notes import alone, forget, write
from guard.worktrees.salvage import Held, Place
from guard.worktrees.trees import Tree, life, trees


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
    forget(repo, tree.path)
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
    forget(repo, tree.path)
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
