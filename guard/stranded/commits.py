"""Commits that hold work and that no branch, tag or remote has: stash entries, autostashes, rescue refs, lost lines."""

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from guard.bring_in import RESCUE
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import EMPTY_TREE, Commit, parse_commit
from guard.report import Progress
from guard.stranded.item import Content, Item, Place

HERE_ALONE = {"GIT_NO_LAZY_FETCH": "1"}
"""A look at what this clone has asks no remote for more."""

NOWHERE = "no ref"
"""What a commit was found as that nothing names."""

_STASH = re.compile(r"(?:WIP on|On) (.+?): |guard (?:sync|worktree): ")
_AUTOSTASH = re.compile(r"On .+: autostash$")
_PREFIX = re.compile(r"\[(S[1-9][0-9]{0,8})\] ", re.ASCII)
_OWN = re.compile(r"guard <guard@(localhost|guard\.invalid)>$")
"""Who makes commits that are sent to the hub and forgotten here, or made again by whoever was faster."""

_STEP = 2000
"""So many records are read between two looks at the clock."""


class OutOfTime(Exception):
    """There was more to look through than there was time for."""


class Clock:
    """How long may be looked: None for as long as it takes."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end

    def check(self) -> None:
        """Raise `OutOfTime` at the end."""
        if self.over:
            raise OutOfTime


def having(found: Iterable[Place], *but: str) -> list[str]:
    """Words for `git rev-list`: everything that a ref of somebody's has, and every work tree that is there.

    A repository that this one borrows objects from has refs too. `but` are patterns of more refs that do not count.
    """
    heads = [place.head for place in found if place.head and place.there]
    excluded = [f"--exclude={pattern}" for pattern in ("refs/stash", f"{RESCUE}*", *but)]
    return ["--ignore-missing", "--single-worktree", *excluded, "--all", "--alternate-refs", *dict.fromkeys(heads)]


# --- what something still names --------------------------------------------------------------------------------


def named(repo: Repo, found: Sequence[Place]) -> Iterator[Item]:
    """Stash entries, autostashes and rescue refs; one commit may come several times."""
    for place, entry in enumerate(_stack(repo)):
        yield described(repo, entry, "stash", f"stash@{{{place}}}")
    for where in found:
        for name in ("rebase-merge/autostash", "rebase-apply/autostash", "MERGE_AUTOSTASH"):
            oid = _noted(where.git_dir / name)
            if oid is None and name == "MERGE_AUTOSTASH" and where.there:  # refs may be kept otherwise than as files
                oid = repo.resolve(f"{'main-worktree' if where.main else f'worktrees/{where.git_dir.name}'}/{name}")
            if oid is not None:
                item = described(repo, oid, "autostash", f"{name} of {where.words}")
                item.place = where
                yield item
        if where.head and not where.there and where.path is not None:
            item = described(repo, where.head, "commit", f"HEAD of the work tree {where.words}")
            item.place = where
            yield item
    for ref, oid in repo.refs(RESCUE).items():
        yield described(repo, oid, "rescue", ref)


def _stack(repo: Repo) -> list[str]:
    """The stash entries, the newest first; read where git writes them, so that a broken one hides no other."""
    try:
        lines = (repo.common_dir / "logs" / "refs" / "stash").read_bytes().splitlines()
        return [line.split(b" ", 2)[1].decode() for line in reversed(lines) if line.count(b" ") > 1]
    except (OSError, UnicodeDecodeError):
        said = repo.run("log", "-g", "--format=%H", "refs/stash", "--", check=False).split()
        return said or list(repo.refs("refs/stash").values())


def _noted(path: Path) -> str | None:
    """The commit that a file of git's own names."""
    with suppress(OSError):
        return path.read_text(errors="replace").strip() or None
    return None


def described(repo: Repo, oid: str, kind: str, where: str) -> Item:
    """An item for a commit; one that cannot be read says so."""
    read = None
    if len(oid) == len(repo.null) and not oid.strip("0123456789abcdef"):
        with suppress(GuardError):
            read = repo.reader.find(oid)
    if read is None or read.kind != "commit":
        key = oid if re.fullmatch(r"[0-9a-f]{40,64}", oid) else "".join(f"{ord(c):x}" for c in oid)[:40] or "0"
        shown = repr(oid)[1:-1][:40]
        return Item(kind, key, 0, [where], problem=f"the commit {shown} that it names is not here: git fsck")
    return of_commit(parse_commit(oid, read.data), kind, where)


def of_commit(commit: Commit, kind: str, where: str) -> Item:
    """An item for a commit that was read."""
    subject = _subject(commit)
    match = _STASH.match(subject)
    stashlike = match is not None and (len(commit.parents) > 1 or match[1] is None)
    if kind in ("commit", "stash") and stashlike:
        kind = "autostash" if _AUTOSTASH.match(subject) else "stash"
    prefix = _PREFIX.match(subject)
    item = Item(kind, commit.id, commit.time, [where], prefix[1] if prefix else "", commit.author, commit.id)
    item.stashlike, item.subject = stashlike, subject
    item.base = commit.parents[0] if stashlike and commit.parents else None
    return item


def branch_of(item: Item) -> str:
    """The branch that was checked out when a stash was made; empty where it does not say."""
    match = _STASH.match(item.subject)
    return match[1] or "" if item.stashlike and match else ""


def _subject(commit: Commit) -> str:
    return " ".join(commit.message.lstrip("\n").partition("\n\n")[0].split("\n")).strip()


# --- what nothing names ----------------------------------------------------------------------------------------


def lost(repo: Repo, have: Sequence[str], known: set[str], clock: Clock, progress: Progress) -> list[Item]:
    """The newest commits of lines that nothing names, without what is in `known`; raises `OutOfTime`.

    Every commit of the object database that no ref has is one; of a line only its end is an item.
    """
    alone = _alone(repo, have, clock, progress)
    read = []
    for start in range(0, len(alone), _STEP):
        clock.check()
        progress(f"looking at commits that no branch has: {start} of {len(alone)}")
        names = [oid.hex() for oid in alone[start : start + _STEP]]
        with suppress(GuardError):
            read += [
                parse_commit(one.id, one.data)
                for one in repo.reader.find_many(names)
                if one is not None and one.kind == "commit"
            ]
    covered = set(known)
    empty = EMPTY_TREE[repo.hash]
    items = [(commit, of_commit(commit, "commit", NOWHERE)) for commit in read]
    for commit, item in items:
        covered.update(commit.parents[1:] if item.stashlike else commit.parents)
    found = [
        (commit, item)
        for commit, item in items
        if commit.id not in covered and commit.tree != empty and not (_OWN.match(item.author) and not item.stashlike)
    ]
    _earlier(repo, have, found, clock, progress)
    return [item for _, item in found]


def _alone(repo: Repo, have: Sequence[str], clock: Clock, progress: Progress) -> list[bytes]:
    """The commits of the object database that no ref has."""
    words = ("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectname)")
    there = set()
    for number, line in enumerate(repo.records(b"\n", *words, env=HERE_ALONE)):
        if number % _STEP == 0:
            clock.check()
            progress(f"looking for commits that no branch has: {number} objects")
        kind, _, oid = line.partition(b" ")
        if kind == b"commit":
            there.add(bytes.fromhex(oid.decode()))
    for number, line in enumerate(repo.records(b"\n", "rev-list", *have, env=HERE_ALONE)):
        if number % _STEP == 0:
            clock.check()
            progress(f"leaving out what branches have: {number} commits")
        there.discard(bytes.fromhex(line.decode()))
    return sorted(there)


def _earlier(
    repo: Repo, have: Sequence[str], found: Sequence[tuple[Commit, Item]], clock: Clock, progress: Progress
) -> None:
    """Mark the earlier versions of what was amended or rebased: author, time and subject are what git keeps."""
    keys: dict[str, list[Item]] = {}
    for commit, item in found:
        if not item.stashlike:
            keys.setdefault(f"{_author_line(repo, commit)} {item.subject}", []).append(item)
    if not keys:
        return
    since = min(item.when for items in keys.values() for item in items)
    words = ("--format=%an <%ae> %at %s", f"--max-age={since}", *have)
    for number, line in enumerate(repo.log(*words)):
        if number % _STEP == 0:
            clock.check()
            progress(f"looking for later versions of them: {number} commits")
        for item in keys.get(line.decode(errors="surrogateescape").strip(), ()):
            item.settled = "a branch has a later version of it (same author, time and subject)"


def _author_line(repo: Repo, commit: Commit) -> str:
    """The author and their time, as `%an <%ae> %at` says them."""
    data = repo.reader.read(commit.id) or b""
    match = re.search(rb"^author (.*) [+-]\d+$", data, re.MULTILINE)
    return match[1].decode(errors="surrogateescape") if match else ""


# --- what they hold --------------------------------------------------------------------------------------------


def examine(repo: Repo, item: Item, have: Sequence[str]) -> bool:
    """Say what a commit holds; False where a branch, a tag or a remote has it."""
    if not item.commit:
        return True
    try:
        out = repo.run("rev-list", "--parents", item.commit, "--not", *have, env=HERE_ALONE)
    except GuardError as error:
        item.problem = error.why or error.what
        out = item.commit
    alone = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    if item.commit not in alone:
        return False
    if not item.stashlike:
        item.commits = len(alone)
        item.base = item.commit
        while item.base in alone:
            parents = alone[item.base]
            item.base = parents[0] if parents else None
    try:
        item.contents = _differences(repo, item.base or EMPTY_TREE[repo.hash], item.commit)
        if item.stashlike and (untracked := untracked_of(repo, item.commit)):
            item.contents += _differences(repo, EMPTY_TREE[repo.hash], untracked)
    except GuardError as error:
        item.problem = item.problem or error.why or error.what
    else:
        if not item.contents:
            item.settled = item.settled or "it changes no file"
    return True


def untracked_of(repo: Repo, commit: str) -> str | None:
    """The third parent of a stash: what was not tracked."""
    parents = repo.commit(commit).parents
    return parents[2] if len(parents) == 3 else None


def _differences(repo: Repo, old: str, new: str) -> list[Content]:
    """What differs between two trees, with its lines where both sides' contents are here."""
    words = ("diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--raw")
    done = repo.call(*words, "--numstat", old, new, "--", env=HERE_ALONE, check=False)
    if done.returncode != 0:
        done = repo.call(*words, old, new, "--", env=HERE_ALONE)
    found: dict[str, Content] = {}
    fields = iter(done.stdout.decode(errors="surrogateescape").split("\0")[:-1])
    for field in fields:
        if field.startswith(":"):
            path = next(fields)
            oid = field.split(" ")[3]
            found[path] = Content(path, oid=oid if oid.strip("0") else "")
        else:
            added, removed, path = field.split("\t", 2)
            found[path].added, found[path].removed = _number(added), _number(removed)
    return list(found.values())


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None
