"""Index files that a commit, a stash or a repair left behind: what they hold that was never committed."""

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from guard.git import Repo
from guard.index import split, stale_lock
from guard.index.file import Entry, Index
from guard.index.file import read as read_index
from guard.stranded.commits import HERE_ALONE
from guard.stranded.item import Content, Item, Place, committed, key_of

_NAMES = (
    "next-index-*.lock",
    "index.stash.*",
    "index.lock.stale-*",
    "index.corrupt-*",
    "index.guard-*",
    "guard/commits/*/before",
    "guard/commits/*/after",
    "guard/index",
    "index.lock",
)
"""Where git, and guard, put an index beside the one that counts, what stays longest first: of several that hold the
same, that one counts. `guard/index` is what was judged last."""

_LOCKS = ("index.lock", "next-index-")

_GITLINK = 0o160000

_COMPARED = 1000
"""So many files of an index, at most, are looked for in the history."""


def stranded(repo: Repo, found: Sequence[Place]) -> Iterator[Item]:
    """Every index that is not the one of a work tree that is there, and holds what neither that one nor HEAD has."""
    for place in found:
        names = [path for name in _NAMES for path in sorted(place.git_dir.glob(name))]
        if not place.there and place.path is not None:
            names.insert(0, place.git_dir / "index")
        if not names:
            continue
        own = _read(repo, place, place.git_dir / "index")
        have = {(entry.path, entry.oid) for entry in own.entries} if own is not None and place.there else set()
        have |= {(os.fsencode(path), oid) for path, oid in committed(repo, place).items()}
        once: dict[frozenset[tuple[str, str]], Item] = {}
        for path in names:
            item = _item(repo, place, path, have)
            if item is not None and not item.problem:
                same = once.setdefault(frozenset((each.path, each.oid) for each in item.contents), item)
                if same is not item:
                    same.where += item.where
                    continue
            if item is not None:
                if not item.problem and _was_committed(repo, place, item.contents):
                    item.settled = "every file of it was committed as it is there, and was changed since"
                yield item


def _was_committed(repo: Repo, place: Place, contents: Sequence[Content]) -> bool:
    """Whether the history of HEAD has every file as an index holds it: so it is with what was judged, then committed
    and changed by a merge that was pulled."""
    if place.head is None or not 0 < len(contents) <= _COMPARED:
        return False
    words = ("--literal-pathspecs", "log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--full-history", "-z")
    paths = [content.path for content in contents]
    said = repo.call(*words, place.head, "--", *paths, env=HERE_ALONE, check=False).stdout
    parts = [part.lstrip(b"\n") for part in said.split(b"\0")]
    had = {
        (os.fsdecode(path), facts.split(b" ")[3].decode())
        for facts, path in pairwise(parts)
        if facts.startswith(b":") and facts.count(b" ") == 4
    }
    return all((content.path, content.oid) in had for content in contents)


def _item(repo: Repo, place: Place, path: Path, have: set[tuple[bytes, str]]) -> Item | None:
    index = _read(repo, place, path)
    if index is None:
        return None
    try:
        data, when = path.read_bytes(), int(path.stat().st_mtime)
    except OSError:  # who made it has ended meanwhile
        return None
    lock = path.name.startswith(_LOCKS)
    if lock and not data:
        return None  # so every git begins, and one that dies then has written nothing
    held = [entry for entry in chosen(index) if (entry.path, entry.oid) not in have and not entry.intent_to_add]
    if not held and not index.problems:
        return None
    where = f"{path.relative_to(place.git_dir)} of {place.words}" if place.git_dir in path.parents else str(path)
    state = stale_lock.look(path) if lock else None
    item = Item(
        "index",
        key_of(path, data),
        when,
        [where, *([state.said.replace(str(path), "it")] if state else [])],
        place.session,
    )
    item.file, item.place, item.index, item.base = path, place, index, place.head
    item.contents = [Content(os.fsdecode(entry.path), oid=entry.oid) for entry in held]
    there = present(repo, held)
    wrong = [*index.problems, *index.unknown]
    if missing := [os.fsdecode(entry.path) for entry in held if entry.oid not in there]:
        wrong.append(f"the content of {', '.join(missing[:3])} is not here")
    item.problem = "; ".join(wrong)
    return item


def _read(repo: Repo, place: Place, path: Path) -> Index | None:
    """An index file, with all its entries; None where there is none."""

    def shared() -> dict[str, bytes]:
        files = sorted(place.git_dir.glob("sharedindex.*"))
        return {each.name.removeprefix("sharedindex."): each.read_bytes() for each in files}

    try:
        data = path.read_bytes()
        found = split.whole(data, repo.hash, shared)
    except OSError:
        return None
    if not found.entries and not found.problems:  # a sound one, of which the entries were not asked for
        return read_index(data, repo.hash, entries=True)
    return found


def chosen(index: Index) -> list[Entry]:
    """One entry a path: of what is unmerged, our side, else theirs, else what both came from."""
    best: dict[bytes, Entry] = {}
    rank = {0: 0, 2: 1, 3: 2, 1: 3}
    for entry in index.entries:
        other = best.get(entry.path)
        if other is None or rank[entry.stage] < rank[other.stage]:
            best[entry.path] = entry
    return list(best.values())


def present(repo: Repo, entries: Sequence[Entry]) -> set[str]:
    """The objects of entries that are in this clone; what a submodule points to need not be."""
    names = sorted({entry.oid for entry in entries if entry.mode != _GITLINK})
    words = ("cat-file", "--batch-check=%(objectname) %(objecttype)")
    asked = "".join(f"{name}\n" for name in names).encode()
    said = repo.call(*words, input=asked, env=HERE_ALONE).stdout if names else b""
    there = {line.split(" ")[0] for line in said.decode().splitlines() if not line.endswith(" missing")}
    return there | {entry.oid for entry in entries if entry.mode == _GITLINK}
