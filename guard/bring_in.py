"""Upstream brought into the current branch, with no uncommitted byte at risk and no stash of any kind.

What comes is made first, as objects alone; conflicts are known before anything has moved. Then git takes it as a
fast-forward, which leaves every file that it does not have to write as it is, and refuses where it would have to write
over uncommitted work. Until all of that is seen to have gone well, a rescue ref holds what was not committed.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from guard.backoff import backoff
from guard.errors import GuardError
from guard.git import Repo, failure
from guard.git.objects import Change, parse_raw
from guard.hub.fast_forward import fast_forward
from guard.index.shared import NO_HOOKS, Entry, Work, entries, work
from guard.private_commit import write

RESCUE = "refs/guard/rescue/"

TRIES = 12
"""For a branch or an index that others write at the same moment."""

AS_GUARD = {
    "GIT_AUTHOR_NAME": "guard",
    "GIT_AUTHOR_EMAIL": "guard@localhost",
    "GIT_COMMITTER_NAME": "guard",
    "GIT_COMMITTER_EMAIL": "guard@localhost",
}
"""Whoever has told git no name can have work rescued too."""


@dataclass
class Brought:
    """What came of it: `how` is nothing, fast-forward, merge, conflict or refused; `files` are those that changed.

    `rescue` is the ref that still holds uncommitted work, where that changed meanwhile, as `changed` lists;
    `unmerged` are paths that are so though git reported success.
    """

    old: str
    new: str
    how: str = "nothing"
    commits: int = 0
    files: list[Change] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    rescue: str | None = None
    changed: list[str] = field(default_factory=list)
    unmerged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Saved:
    """Uncommitted work as it was: where it is kept, and each path's bytes, mode and staged entries."""

    ref: str | None
    state: dict[str, object]


def bring_in(repo: Repo, tip: str, message: str, refused: Callable[[str], bool]) -> Brought:
    """Bring the commit `tip` into the current branch; `refused` judges a merge that was made for it.

    Raises `GuardError` where uncommitted work is in the way, with nothing changed, and where others are always faster.
    """
    with work(repo) as mine:
        _complete(repo)
        for wait in backoff(TRIES):
            old = repo.resolve("HEAD")
            assert old is not None
            made = _made(repo, mine, old, tip, message)
            if made.how == "merge" and refused(made.new):
                made.how = "refused"
            if made.how not in ("fast-forward", "merge"):
                return made
            if _taken(repo, mine, made):
                return made
            time.sleep(wait)
    raise GuardError(
        "contention", "others write the branch or its index all the time", "nothing was changed", "run it again"
    )


# --- what comes ------------------------------------------------------------------------------------------------


def _made(repo: Repo, mine: Work, old: str, tip: str, message: str) -> Brought:
    """The commit to move to, as an object; nothing has moved."""
    if repo.is_ancestor(tip, old):
        return Brought(old, old)
    if repo.is_ancestor(old, tip):
        made = Brought(old, tip, "fast-forward")
    else:
        if not repo.call("merge-base", old, tip, check=False).stdout.strip():
            shallow = bool(repo.edge())
            raise GuardError(
                "git",
                "the branch and upstream have no commit in common" + (" in this shallow clone" if shallow else ""),
                "there is nothing that could tell what either has changed",
                "git fetch --unshallow" if shallow else "git merge --allow-unrelated-histories, if that is meant",
            )
        tree, conflicts = merged(repo, mine, old, tip)
        if tree is None:
            return Brought(old, old, "conflict", conflicts=conflicts)
        made = Brought(old, write(repo, tree, [old, tip], f"{message}\n".encode(errors="surrogateescape"), {}), "merge")
    made.files = repo.changes(old, made.new)
    made.commits = int(repo.run("rev-list", "--count", tip, f"^{old}"))
    return made


def merged(repo: Repo, mine: Work, ours: str, theirs: str) -> tuple[str | None, list[str]]:
    """The tree that joins two commits, or None and the paths in which they conflict.

    A path is joined with itself alone: renames are not followed, so that no late edit lands in an archive. Where the
    two have several bases, every one has to give the same.
    """
    bases = repo.run("merge-base", "--all", ours, theirs).split()
    found = [_joined(repo, mine, base, ours, theirs) for base in bases]
    conflicts = {path for _, paths in found for path in paths}
    trees = sorted({tree for tree, _ in found if tree is not None})
    if not conflicts and len(trees) > 1:
        conflicts = {change.path for tree in trees[1:] for change in repo.changes(trees[0], tree)}
    return (None, sorted(conflicts)) if conflicts else (trees[0], [])


def _joined(repo: Repo, mine: Work, base: str, ours: str, theirs: str) -> tuple[str | None, set[str]]:
    """The same, from one base: what one side alone has changed is its own, and contents that both have are merged."""
    mine.index.unlink(missing_ok=True)
    repo.call(*NO_HOOKS, "read-tree", "-i", "-m", "--aggressive", base, ours, theirs, env=mine.env)
    found: dict[str, list[str]] = {}
    for line in repo.run("ls-files", "--unmerged", "-z", env=mine.env).split("\0")[:-1]:
        head, _, path = line.partition("\t")
        found.setdefault(path, []).append(head[:3])
    both = {path for path, kinds in found.items() if kinds == ["100"] * 3}
    if both:
        merged_ones, failed = _contents(repo, ours, theirs, both)
        mine.write(merged_ones)
        both -= failed
    if conflicts := found.keys() - both:
        return None, conflicts
    return repo.run(*NO_HOOKS, "write-tree", env=mine.env).strip(), set()


def _contents(repo: Repo, ours: str, theirs: str, paths: set[str]) -> tuple[dict[str, Entry], set[str]]:
    """Files that both sides have changed, merged line by line as their attributes say; and those that conflict.

    Before git 2.38 nobody can do that without touching files, so there all of them conflict.
    """
    words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    done = repo.call(*words, check=False)
    if done.returncode not in (0, 1, 129):
        raise failure(words, done.returncode, done.stderr.decode(errors="replace"))
    if done.returncode == 129:
        return {}, paths
    tree, *failed = done.stdout.decode(errors="surrogateescape").split("\0")
    clean = paths.difference(failed)
    return {path: (mode, oid) for mode, oid, path in repo.tree(tree, "") if path in clean}, paths - clean


# --- taking it -------------------------------------------------------------------------------------------------


def _taken(repo: Repo, mine: Work, made: Brought) -> bool:
    """Move branch, index and files, and look whether all that was not committed is what it was; False: try again."""
    paths = {change.path for change in made.files}
    _seen(repo, paths)
    saved = _save(repo, mine, made.old)
    note = _note(repo)
    try:
        note.write_text(json.dumps({"old": made.old, "new": made.new}), encoding="utf-8")
        action = f"guard sync ({made.how})"
        verdict, said = fast_forward(repo, made.old, made.new, action=action, cut_off=False, in_the_way=_in_the_way)
        if verdict == "refused":
            raise GuardError("git", f"git did not move the branch: {said}", "nothing was changed", "git status")
    finally:
        note.unlink(missing_ok=True)
        made.changed = sorted(path for path, was in saved.state.items() if _state(repo, [path])[path] != was)
        if saved.ref is not None and not made.changed:
            repo.call("update-ref", "-d", saved.ref, check=False)
        elif saved.ref is not None:
            made.rescue = saved.ref
    out = repo.run("ls-files", "--unmerged", "-z")
    made.unmerged = sorted({line.partition("\t")[2] for line in out.split("\0") if line})
    return verdict == "won"


def _seen(repo: Repo, paths: set[str]) -> None:
    """Raise `GuardError` for a file that comes anew and that git was told not to look at: it would be overwritten."""
    out = repo.run("ls-files", "-v", "-z")
    hidden = [line[2:] for line in out.split("\0") if line[:1].islower() and line[2:] in paths]
    if hidden:
        raise GuardError(
            "state",
            f"git was told not to look at {', '.join(hidden[:5])}, and upstream changes it",
            "what was changed in it would be gone; nothing was changed",
            f"git update-index --no-assume-unchanged -- {hidden[0]}",
        )


def _in_the_way(names: list[str]) -> GuardError:
    shown = ", ".join(names[:10]) + (" and more" if len(names) > 10 else "")
    return GuardError(
        "state",
        f"uncommitted work is in the way: {shown}",
        "upstream changes these too, and what is not committed would be gone; nothing was changed",
        f"guard commit -m 'what: why' {names[0]}, then guard sync",
    )


def _save(repo: Repo, mine: Work, old: str) -> _Saved:
    """Keep the uncommitted work of tracked files under a ref of its own, as a stash would hold it, touching nothing.

    Files that are not tracked need none: git writes over none of them, ignored ones included.
    """
    mine.fill_as_shared()
    repo.call(*NO_HOOKS, "update-index", "-q", "--refresh", env=mine.env, check=False)
    words = ("diff-index", "--raw", "-z", "--no-renames", "--no-abbrev")
    differing = [
        change.path
        for cached in ([], ["--cached"])
        for change in parse_raw(repo.run(*words, *cached, old, "--", env=mine.env))
    ]
    if not differing:
        return _Saved(None, {})
    state = _state(repo, sorted(set(differing)))
    index = repo.run(*NO_HOOKS, "write-tree", env=mine.env).strip()
    repo.call(*NO_HOOKS, "add", "--update", "--", ":/", env=mine.env)
    files = repo.run(*NO_HOOKS, "write-tree", env=mine.env).strip()
    staged = repo.run("commit-tree", "-p", old, "-m", f"index on {old[:12]}", index, env=AS_GUARD).strip()
    said = f"guard sync: uncommitted work on {old[:12]}"
    kept = repo.run("commit-tree", "-p", old, "-p", staged, "-m", said, files, env=AS_GUARD).strip()
    repo.run("update-ref", f"{RESCUE}{kept}", kept)
    return _Saved(f"{RESCUE}{kept}", state)


def _state(repo: Repo, paths: Iterable[str]) -> dict[str, object]:
    """What each path is on disk and in the index."""
    wanted = list(paths)
    staged = entries(repo, repo.git_dir / "index", set(wanted))
    return {path: (_bytes(repo.directory / path), staged.get(path)) for path in wanted}


def _bytes(path: Path) -> tuple[int, str] | None:
    """The mode and the digest of what lies at a path; None where nothing does."""
    try:
        mode = path.lstat().st_mode
        data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
    except OSError:
        return None
    return mode, hashlib.sha256(data).hexdigest()


# --- a run that was cut off ------------------------------------------------------------------------------------


def _note(repo: Repo) -> Path:
    return repo.git_dir / "guard" / "sync"


def _complete(repo: Repo) -> None:
    """Go on where a run was cut off between two files: what it wrote is not somebody's work."""
    try:
        said = json.loads(_note(repo).read_text(encoding="utf-8"))
        old, new = str(said["old"]), str(said["new"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if repo.resolve("HEAD") == old and repo.resolve(new) is not None:
        fast_forward(repo, old, new, action="guard sync (completed)", in_the_way=_in_the_way)
    _note(repo).unlink(missing_ok=True)
