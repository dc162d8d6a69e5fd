"""What files of the work tree would alter, if they were committed as they are."""

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from guard.change import NONE, Change, File
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import blob_id
from guard.observe import Recorded, counter, listing_after, reading
from guard.policy import Policy


def on_disk(repo: Repo, policy: Policy, paths: Sequence[str]) -> tuple[Change, int]:
    """Files of the work tree as if they were to be committed, and how many were looked at.

    `paths` are files or folders as git spells them, from the top, which is the empty one. What git ignores is looked
    at only where it is named. Raises `GuardError` for a path that is neither on disk nor in HEAD.
    """
    born = repo.resolve("HEAD") is not None
    before = {path: (mode, oid) for mode, oid, path in repo.tree("HEAD", "")} if born else {}
    top = repo.top()
    names = dict.fromkeys(name for path in paths for name in _names(repo, top, path, before))
    contents: dict[str, bytes] = {}
    files: list[File] = []
    named: list[File] = []
    for path in names:
        old_mode, old = before.get(path, (NONE, ""))
        new_mode, data = _look(top / path)
        new = blob_id(data, repo.hash) if new_mode != NONE else ""
        if old_mode == "160000":  # a submodule: what lies in it is its own
            continue
        differs = new != old or new_mode[:3] != old_mode[:3]
        contents[new] = data
        (files if differs else named).append(File(path, old_mode, new_mode, old, new))
    read = reading(repo)
    at = {file.path: file for file in files}

    def find(oid: str) -> bytes | None:
        return contents[oid] if oid in contents else read(oid)

    def old_file(path: str, _side: int = 0, /) -> bytes | None:
        return find(before[path][1]) if path in before else None

    def new_file(path: str) -> bytes | None:
        return (find(at[path].new) if not at[path].deleted else None) if path in at else old_file(path)

    def listing(folder: str) -> list[str]:
        return [path for path in before if path.startswith(f"{folder.rstrip('/')}/")] if folder else list(before)

    what = "canonical state is changed outside the merge"
    change = Change(
        files,
        read=find,
        old=old_file,
        new=new_file,
        listing=listing,
        listed=listing_after(listing, files),
        foreign=lambda: {file.path: what for file in files if policy.is_canonical(file.path)},
        recorded=Recorded(repo, policy, "HEAD"),
        counter=counter(repo, policy, "HEAD"),
        instant=time.time(),
        named=named,
    )
    return change, len(names)


def _look(path: Path) -> tuple[str, bytes]:
    """The mode and the content of what lies at a path."""
    if path.is_symlink():
        return "120000", os.fsencode(path.readlink())
    if not path.is_file():
        return NONE, b""
    return "100755" if path.stat().st_mode & 0o100 else "100644", path.read_bytes()


def _names(repo: Repo, top: Path, path: str, before: Collection[str]) -> list[str]:
    """The files at a path: itself, or those below it, on disk or in HEAD."""
    here = top / path
    if path and (path in before or here.is_symlink() or (here.exists() and not here.is_dir())):
        return [path]
    prefix = f"{path}/" if path else ""
    spec = f":(top,literal){path}" if path else ":/"
    listed = repo.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", spec).split("\0")
    found = [name for name in (*listed, *before) if name.startswith(prefix) and name and not name.endswith("/")]
    if not found and not here.is_dir():
        raise GuardError(
            "usage", f"there is no file {path}, neither here nor in HEAD", "nothing was judged", "guard check PATH..."
        )
    return found
