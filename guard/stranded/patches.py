"""Patches in which the pre-commit framework, and prek, park what is not staged while hooks run.

Killed meanwhile, they leave the tree without it. Both keep the patches of all repositories in one folder of the user's,
and keep them for good: a patch is one of this repository where the contents that it changes are here.
"""

import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

from guard.git import Repo
from guard.stranded.commits import HERE_ALONE
from guard.stranded.item import Content, Item, key_of

_INDEX = re.compile(rb"^index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?\r?$", re.MULTILINE)
_MODE = re.compile(rb"^(?:old mode|deleted file mode) ([0-7]{6})\r?$", re.MULTILINE)
_BEGIN = re.compile(rb"^(?=diff --git )", re.MULTILINE)

_ASKED = 8
"""So many files of a patch say whose it is."""

MOST_BROKEN = 200
"""So many files of a broken patch are looked at one by one."""


def folders() -> list[Path]:
    """Where the two tools park patches, as they themselves look it up."""
    env = os.environ
    cache = Path(env.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return [Path(env.get("PRE_COMMIT_HOME") or cache / "pre-commit"), Path(env.get("PREK_HOME") or cache / "prek")]


def stranded(repo: Repo) -> Iterator[Item]:
    """Every patch that may be this repository's, unread but for that; an empty one may be anybody's."""
    own, prek = folders()
    read = []
    for path in [*_files(own, "patch*"), *_files(prek / "patches", "*")]:
        try:
            data, status = path.read_bytes(), path.stat()
        except OSError:
            continue
        olds = [match[1].decode() for match in _INDEX.finditer(data) if match[1].strip(b"0")]
        read.append((path, data, status, olds[:_ASKED]))
    here = _here(repo, sorted({oid for *_, olds in read for oid in olds}))
    for path, data, status, olds in read:
        if data.strip() and here.isdisjoint(olds):
            continue
        item = Item("patch", key_of(path, data), int(status.st_mtime), [str(path)], author=_user(status.st_uid))
        item.file, item.base = path, repo.resolve("HEAD")
        if not data.strip():
            item.problem = "it is empty: what it was to hold was never written, or the disk was full"
        yield item


def _files(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(pattern) if path.is_file())
    except OSError:
        return []


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _here(repo: Repo, oids: list[str]) -> set[str]:
    """Those contents, shortened as a patch has them, that this clone has."""
    asked = "".join(f"{oid}^{{blob}}\n" for oid in oids).encode()
    said = repo.run("cat-file", "--batch-check", input=asked, env=HERE_ALONE, check=False) if oids else ""
    return {oid for oid, line in zip(oids, said.splitlines(), strict=False) if " blob " in line}


def examine(repo: Repo, item: Item) -> None:
    """Say what a patch holds; of a broken one, what can be made out."""
    if item.file is None or item.problem or item.contents:
        return
    parts, item.problem = read(repo, item.file.read_bytes())
    item.contents = [part.content for part in parts]


class Part:
    """What a patch says of one file."""

    def __init__(self, data: bytes, content: Content) -> None:
        self.data = data
        self.content = content
        match, mode = _INDEX.search(data), _MODE.search(data)
        self.old = match[1].decode() if match and match[1].strip(b"0") else ""
        self.mode = ((match and match[3]) or (mode and mode[1]) or b"100644").decode()
        content.oid = match[2].decode() if match and match[2].strip(b"0") else ""


def read(repo: Repo, data: bytes) -> tuple[list[Part], str]:
    """The parts of a patch, and what is wrong with it; then these are the parts that git can read."""
    parts = [part for part in _BEGIN.split(data) if part.startswith(b"diff --git ")]
    found, problem = _counted(repo, data)
    if not problem and len(found) == len(parts):
        return [Part(part, content) for part, content in zip(parts, found, strict=True)], ""
    good = []
    for part in parts[:MOST_BROKEN]:
        found, wrong = _counted(repo, part)
        if not wrong and len(found) == 1:
            good.append(Part(part, found[0]))
    return good, f"git reads {len(good)} of the {len(parts)} files in it: {problem or 'it is no patch'}"


def _counted(repo: Repo, data: bytes) -> tuple[list[Content], str]:
    """The files of a patch with their lines, by git's own reading; or what git says against it."""
    done = repo.call("apply", "--numstat", "-z", "-", input=data, check=False)
    if done.returncode != 0:
        return [], (done.stderr.decode(errors="replace").strip().splitlines() or ["git does not say why"])[-1]
    found = []
    for line in done.stdout.decode(errors="surrogateescape").split("\0")[:-1]:
        added, removed, path = line.split("\t", 2)
        binary = added == "-"
        found.append(Content(path, None if binary else int(added), None if binary else int(removed)))
    return found, ""
