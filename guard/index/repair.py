"""A broken index rebuilt: every staged entry whose blob is there, over what HEAD has where nothing can be read.

Removing the file and reading HEAD, as is often advised, forgets all that was staged; of what exists nowhere else, only
blobs without a name remain.
"""

import os
import shutil
import time
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.index import split
from guard.index.file import FOLDER, Entry, Index

_GITLINK = 0o160000
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")


@dataclass
class Rebuilt:
    """What came of it."""

    aside: Path
    """Where the broken file is now."""
    kept: int = 0
    """Entries that were read."""
    staged: list[str] = field(default_factory=list)
    """Paths that are staged otherwise than HEAD has them, deletions among them."""
    unknown: list[str] = field(default_factory=list)
    """What could not be read, in words."""


def examine(repo: Repo) -> Index | None:
    """What is wrong with this work tree's index; None where nothing is, or where there is none."""
    try:
        found = _read(repo)
    except OSError:
        return None
    return found if found.problems else None


def _read(repo: Repo) -> Index:
    def shared() -> dict[str, bytes]:
        files = sorted(repo.git_dir.glob("sharedindex.*"), key=lambda path: path.stat().st_mtime, reverse=True)
        return {path.name.removeprefix("sharedindex."): path.read_bytes() for path in files}

    return split.whole((repo.git_dir / "index").read_bytes(), repo.hash, shared)


def rebuild(repo: Repo) -> Rebuilt:
    """Put a new index in the place of a broken one, under git's own lock; the broken one is kept beside it."""
    index, lock = repo.git_dir / "index", repo.git_dir / "index.lock"
    made = repo.git_dir / f"index.guard-{os.getpid()}"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise GuardError("contention", f"{lock} is there", "a git command may be writing the index", "") from None
    try:
        found = _read(repo)
        if not found.problems:
            raise GuardError("state", f"{index} is sound by now", "", "git status")
        done = Rebuilt(_aside(index))
        _fill(repo, found, made, done)
        made.replace(index)
    finally:
        made.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    repo.call(*_NO_HOOKS, "update-index", "-q", "--refresh", check=False)
    said = repo.run("diff-index", "--cached", "--name-only", "-z", "--no-renames", "HEAD", "--", check=False)
    done.staged = [path for path in said.split("\0") if path]
    return done


def _aside(index: Path) -> Path:
    """Keep the broken file under another name; the index itself stays until the new one replaces it."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    names = (index.with_name(f"index.corrupt-{stamp}{more}") for more in ("", *(f"-{n}" for n in range(2, 100))))
    aside = next(name for name in names if not name.exists())
    shutil.copy2(index, aside)
    return aside


def _fill(repo: Repo, found: Index, made: Path, done: Rebuilt) -> None:
    env = {"GIT_INDEX_FILE": str(made), "GIT_NO_LAZY_FETCH": "1"}
    whole = ("-c", "index.sparse=false", "-c", "core.splitIndex=false", *_NO_HOOKS)
    head = repo.resolve("HEAD")
    has = {os.fsencode(path): (mode, oid) for mode, oid, path in repo.tree(head, "")} if head else {}
    repo.call(*whole, "read-tree", *([head] if head else ["--empty"]), env=env)
    entries = _unfolded(repo, found, done)
    there = _there(repo, entries, env)
    kept = [entry for entry in entries if entry.oid in there or has.get(entry.path, ("", ""))[1] == entry.oid]
    known = {entry.path for entry in entries}
    gone = [path for path in has if path not in known and not found.lost_near(path)]
    doubtful = misspelt(gone, known - has.keys(), known & has.keys(), gaps=bool(found.gaps))
    gone = [path for path in gone if path not in doubtful]
    conflicted = {entry.path for entry in kept if entry.stage}
    plain = [entry for entry in kept if not entry.intent_to_add]
    lines = [b"0 %s\t%s" % (repo.null.encode(), path) for path in (*gone, *sorted(conflicted))]
    lines += [b"%o %s %d\t%s" % (each.mode, each.oid.encode(), each.stage, each.path) for each in plain]
    repo.call(*whole, "update-index", "-z", "--index-info", input=b"".join(b"%s\0" % x for x in lines), env=env)
    stand_in = [path for path in has if path not in known and found.lost_near(path)]
    if stand_in and repo.config("core.sparseCheckout") == "true":
        stand_in = [path for path in stand_in if not os.path.lexists(os.fsencode(repo.top()) + b"/" + path)]
    else:
        stand_in = []
    marks = {
        "--skip-worktree": [each.path for each in plain if each.skip_worktree] + stand_in,
        "--assume-unchanged": [each.path for each in plain if each.assume_unchanged],
    }
    for mark, paths in marks.items():
        if paths:
            names = b"".join(b"%s\0" % path for path in paths)
            repo.call(*whole, "update-index", "-z", mark, "--stdin", input=names, env=env)
    for entry in kept:
        path = os.fsdecode(entry.path)
        words = (*whole, "add", "--force", "--intent-to-add", "--", path)
        if entry.intent_to_add and repo.call(*words, env=env, check=False).returncode != 0:
            done.unknown.append(f"{path}: it was intent-to-add, and cannot be again")
    done.unknown += [f"whether {os.fsdecode(path)} was deleted: a new name stands in its place" for path in doubtful]
    done.kept = len(kept)
    done.unknown += [_gap(after, before) for after, before in found.gaps] + found.unknown
    if found.gaps:
        done.unknown.append("which of the files there were assume-unchanged, skip-worktree or intent-to-add")
    for entry in entries:
        if entry not in kept:
            done.unknown.append(f"{os.fsdecode(entry.path)}: what was staged, blob {entry.oid[:12]}, is not here")


def misspelt(gone: Iterable[bytes], new: Iterable[bytes], common: Iterable[bytes], *, gaps: bool) -> list[bytes]:
    """Paths that seem gone while a new one stands in their place: perhaps it is its name that broke.

    The place is told by the neighbours that are as they were, `common`; where there are no gaps, a broken name still
    has its length.
    """
    order = sorted(common)
    taken = {(bisect(order, path), 0 if gaps else len(path)) for path in new}
    return [path for path in gone if (bisect(order, path), 0 if gaps else len(path)) in taken]


def _unfolded(repo: Repo, found: Index, done: Rebuilt) -> list[Entry]:
    """The entries, with those of a sparse index that stand for a folder as the files in it."""
    entries: list[Entry] = []
    for entry in found.entries:
        if entry.mode != FOLDER:
            entries.append(entry)
        elif repo.call("cat-file", "-e", f"{entry.oid}^{{tree}}", check=False).returncode == 0:
            files = repo.tree(entry.oid, "")
            names = ((int(mode, 8), oid, entry.path + os.fsencode(path)) for mode, oid, path in files)
            entries += [Entry(path, mode, oid, skip_worktree=True) for mode, oid, path in names]
        else:
            found.gaps.append((entry.path, entry.path[:-1] + b"0"))  # 0 comes right after the slash
            done.unknown.append(f"{os.fsdecode(entry.path)}: the tree {entry.oid[:12]} is not here")
    return entries


def _there(repo: Repo, entries: list[Entry], env: dict[str, str]) -> set[str]:
    """Those objects of entries that this clone has; what a submodule points to need not be here."""
    names = sorted({entry.oid for entry in entries if entry.mode != _GITLINK})
    words = ("cat-file", "--batch-check=%(objectname) %(objecttype)")
    said = repo.run(*words, input="".join(f"{name}\n" for name in names).encode(), env=env)
    there = {line.split(" ")[0] for line in said.splitlines() if line.endswith(" blob")}
    return there | {entry.oid for entry in entries if entry.mode == _GITLINK}


def _gap(after: bytes, before: bytes) -> str:
    if not after and not before:
        return "everything that was staged; git fsck --lost-found lists blobs without a name"
    first, last = os.fsdecode(after), os.fsdecode(before)
    where = f"between {first} and {last}" if first and last else f"after {first}" if first else f"before {last}"
    return f"what was staged {where}: HEAD's version stands there now"
