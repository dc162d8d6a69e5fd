"""One item given back beside what there is: as a new branch, or as files in a new folder. Nothing else moves.

What is no commit becomes one first, made through an index of its own, and the same one at every run: its author, its
time and its parent come from the item.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guard.bring_in import AS_GUARD
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import EMPTY_TREE
from guard.index.shared import NO_HOOKS
from guard.stranded import indexes, patches
from guard.stranded.commits import untracked_of
from guard.stranded.item import Item

_LINK, _SUBMODULE = "120000", "160000"


@dataclass
class Given:
    """What was made of an item: its commit, the commit that it is work on, and what could not be had, in words."""

    commit: str
    base: str | None
    lacking: list[str] = field(default_factory=list)


def made(repo: Repo, item: Item) -> Given:
    """The commit that holds an item's work; for what is none yet, objects are written, and no ref.

    Raises `GuardError` where nothing of it can be had.
    """
    if item.commit:
        return Given(item.commit, item.base)
    if item.file is None:
        raise _nothing(item)
    if item.kind == "index":
        return _of_index(repo, item)
    if item.kind == "patch":
        return _of_patch(repo, item)
    return _of_delta(repo, item)


def _nothing(item: Item) -> GuardError:
    why = item.problem or "it holds no file"
    return GuardError("state", f"nothing of {item.name} can be recovered", why, f"see {item.where[0]}")


def _of_index(repo: Repo, item: Item) -> Given:
    assert item.index is not None
    entries = indexes.chosen(item.index)
    there = indexes.present(repo, entries)
    kept = [entry for entry in entries if entry.oid in there and not entry.intent_to_add]
    if not any(each.oid in there for each in item.contents):
        raise _nothing(item)
    with _private(repo) as env:
        if item.base and item.index.problems:  # where nothing can be read, HEAD's version is the best there is
            repo.call(*NO_HOOKS, "read-tree", item.base, env=env)
        lines = [b"%o %s\t%s\0" % (entry.mode, entry.oid.encode(), entry.path) for entry in kept if _safe(entry.path)]
        _put(repo, env, lines)
        given = Given(_commit(repo, item, _tree(repo, env), item.base), item.base)
    given.lacking = [os.fsdecode(entry.path) for entry in entries if entry.oid not in there]
    return given


def _of_patch(repo: Repo, item: Item) -> Given:
    """The patch on the very contents that it was taken of; where HEAD has others by now, a commit of those is between.

    Part by part where git does not take the whole.
    """
    assert item.file is not None
    parts, _ = patches.read(repo, item.file.read_bytes())
    if not parts:
        raise _nothing(item)
    with _private(repo) as env:
        if item.base:
            repo.call(*NO_HOOKS, "read-tree", item.base, env=env)
        lines = []
        for part in parts:
            oid = (
                repo.call("rev-parse", "--verify", "--quiet", f"{part.old}^{{blob}}", check=False) if part.old else None
            )
            path = os.fsencode(part.content.path)
            if oid is not None and oid.returncode == 0 and _safe(path):
                lines.append(b"%s %s\t%s\0" % (part.mode.encode(), oid.stdout.strip(), path))
        _put(repo, env, lines)
        base, tree = item.base, _tree(repo, env)
        if base is None or repo.commit(base).tree != tree:
            base = _commit(repo, item, tree, item.base, "what it changes, as it was then")
        lacking = _applied(repo, env, parts)
        given = Given(_commit(repo, item, _tree(repo, env), base), base, lacking)
    if len(lacking) == len(parts):
        raise _nothing(item)
    return given


def _applied(repo: Repo, env: Mapping[str, str], parts: list[patches.Part]) -> list[str]:
    """Put a patch into an index; returns the paths of the parts that do not go in."""
    words = (*NO_HOOKS, "apply", "--cached", "--whitespace=nowarn", "-")
    if repo.call(*words, input=b"".join(part.data for part in parts), env=env, check=False).returncode == 0:
        return []
    return [
        part.content.path for part in parts if repo.call(*words, input=part.data, env=env, check=False).returncode != 0
    ]


def _of_delta(repo: Repo, item: Item) -> Given:
    assert item.file is not None
    if item.problem:
        raise _nothing(item)
    oid = repo.run("hash-object", "-w", "--stdin", "--no-filters", input=item.file.read_bytes()).strip()
    with _private(repo) as env:
        if item.base:
            repo.call(*NO_HOOKS, "read-tree", item.base, env=env)
        _put(repo, env, [b"100644 %s\t%s\0" % (oid.encode(), os.fsencode(item.contents[0].path))])
        return Given(_commit(repo, item, _tree(repo, env), item.base), item.base)


@contextmanager
def _private(repo: Repo) -> Iterator[dict[str, str]]:
    """The environment of an index of our own."""
    folder = repo.common_dir / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="recover-", dir=folder) as where:
        yield {"GIT_INDEX_FILE": str(Path(where, "index").absolute())}


def _put(repo: Repo, env: Mapping[str, str], lines: list[bytes]) -> None:
    words = (*NO_HOOKS, "update-index", "--add", "--replace", "-z", "--index-info")
    repo.call(*words, input=b"".join(lines), env=env)


def _tree(repo: Repo, env: Mapping[str, str]) -> str:
    return repo.run(*NO_HOOKS, "write-tree", env=env).strip()


def _commit(repo: Repo, item: Item, tree: str, parent: str | None, said: str = "") -> str:
    when = {f"GIT_{who}_DATE": f"@{item.when} +0000" for who in ("AUTHOR", "COMMITTER")}
    subject = f"guard recover: {said or f'what {item.name} held'}"
    body = item.where[0].encode(errors="replace").decode()
    words = ["commit-tree", *(["-p", parent] if parent else []), "-m", subject, "-m", body, tree]
    return repo.run(*words, env={**AS_GUARD, **when}).strip()


# --- a branch --------------------------------------------------------------------------------------------------


def branch(repo: Repo, given: Given, item: Item, name: str) -> bool:
    """Make a branch at the work; False where it is there already. Raises `GuardError` where that is another's.

    No hook is asked: the commit is not new, and whatever takes it from there is judged as always.
    """
    ref = f"refs/heads/{name}"
    words = (*NO_HOOKS, "update-ref", "--create-reflog", "-m", f"guard recover {item.name}")
    done = repo.call(*words, ref, given.commit, repo.null, check=False)
    if done.returncode == 0:
        return True
    now = repo.resolve(ref)
    if now == given.commit:
        return False
    if now is not None:
        why = "a branch is never moved to give something back"
        fix = f"guard recover {item.name} --branch ANOTHER"
        raise GuardError("usage", f"there is a branch {name} already, at {now[:12]}", why, fix)
    said = done.stderr.decode(errors="replace").strip().splitlines()
    fix = f"guard recover {item.name} --branch ANOTHER"
    raise GuardError("git", f"the branch {name} cannot be made", said[-1] if said else "", fix)


# --- files -----------------------------------------------------------------------------------------------------


def files(repo: Repo, given: Given, item: Item, folder: Path) -> tuple[int, list[str]]:
    """Write the files that differ into a new folder, whole or not at all, with their bytes as git has them.

    Returns how many, and what was left out. Raises `GuardError` where the folder is there.
    """
    if os.path.lexists(folder):
        raise _taken(folder, item)
    wanted, left = _wanted(repo, given, item)
    if not wanted:
        raise _nothing(item)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}.", dir=folder.parent))
    try:
        count = 0
        links = [each for each in wanted if each[0] == _LINK]
        for mode, oid, path in [*(each for each in wanted if each[0] != _LINK), *links]:
            data = repo.reader.read(oid)
            if data is None:
                left.append(f"{path}: its content is not here")
                continue
            try:
                _write(part / path, mode, data)
                count += 1
            except OSError as error:
                if error.filename is None:
                    raise
                left.append(f"{path}: {error.strerror}")
        part.chmod(0o777 & ~_umask())
        try:
            part.rename(folder)
        except OSError:
            raise _taken(folder, item) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return count, left


def _taken(folder: Path, item: Item) -> GuardError:
    why = "nothing is written over, or among, what is there"
    return GuardError("usage", f"{folder} is there already", why, f"guard recover {item.name} --to ANOTHER")


def _wanted(repo: Repo, given: Given, item: Item) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The (mode, object, path) of every file to write, and what cannot be one."""
    changes = repo.changes(given.base or EMPTY_TREE[repo.hash], given.commit)
    if item.stashlike and (untracked := untracked_of(repo, given.commit)):
        changes += repo.changes(EMPTY_TREE[repo.hash], untracked)
    left = [f"{each.path}: it was deleted" for each in changes if not each.new.strip("0")]
    left += [f"{each.path}: a submodule, at {each.new[:12]}" for each in changes if each.new_mode == _SUBMODULE]
    left += [f"{each.path}: such a name is not written" for each in changes if not _safe(os.fsencode(each.path))]
    wanted = [
        (each.new_mode, each.new, each.path)
        for each in changes
        if each.new.strip("0") and each.new_mode != _SUBMODULE and _safe(os.fsencode(each.path))
    ]
    return wanted, left


def _safe(path: bytes) -> bool:
    """Whether a name stays below the folder, and out of what git keeps for itself."""
    parts = path.split(b"/")
    return all(part not in (b"", b".", b"..") and part.lower() != b".git" for part in parts)


def _write(path: Path, mode: str, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        path.symlink_to(os.fsdecode(data))
        return
    with path.open("xb") as file:
        file.write(data)
    if mode == "100755":
        path.chmod(0o777 & ~_umask())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
