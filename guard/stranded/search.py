"""The search itself: everything that holds work and is not given back, each once, the newest first."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from guard.delivery import outbox
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import blob_id
from guard.plan import policy_at
from guard.policy import Policy
from guard.report import Progress, number
from guard.stranded import commits, indexes, patches
from guard.stranded.commits import Clock, OutOfTime
from guard.stranded.item import Content, Item, Place, committed, key_of, places, sessions

BRANCHES = "recovered/"
"""Where the branch of what was given back is, followed by the item's name."""

MOST_EXAMINED = 200
"""So many items, the newest ones, are looked into without `--all`."""

ALWAYS = 20
"""So many are looked into even where there is no time."""

MOST_COMPARED = 64 << 20
"""Bytes of a file that is compared with what an item holds of it."""

_NAME = re.compile(r"(?:(?:stash|autostash|rescue|commit|index|patch|delta)-)?([0-9a-f]{4,64})")


@dataclass
class Search:
    """What was found, and where it was looked for."""

    items: list[Item] = field(default_factory=list)
    """What nobody has given back, the newest first."""
    settled: list[Item] = field(default_factory=list)
    """What holds work too, but with which nothing is lost."""
    looked: list[str] = field(default_factory=list)
    unfinished: str = ""
    """Why not everything was looked through."""


class Finder:
    """One look around a repository."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.places = places(repo)
        self.have = commits.having(self.places)
        self.have_before = commits.having(self.places, f"refs/heads/{BRANCHES}*")
        """Without what was given back."""
        self._committed: dict[Path, dict[str, str]] = {}
        self.policy = _policy(repo)
        self._sessions = sessions(repo, self.policy, self.places)

    def search(self, seconds: float | None, most: int | None, progress: Progress) -> Search:
        """Find everything; looking for commits that nothing names ends after some seconds, and `most` items are
        looked into."""
        done, clock = Search(), Clock(seconds)
        items = self.cheap()
        known = {item.commit for item in items if item.commit}
        try:
            items += commits.lost(self.repo, self.have, known, clock, progress)
        except OutOfTime:
            done.unfinished = f"commits that no branch has were looked for during {seconds:g} s only"
        except GuardError as error:
            done.unfinished = f"commits that no branch has could not be looked for: {error.why or error.what}"
        items.sort(key=lambda item: (-item.when, item.name))
        looked = 0
        for item in items[:most]:
            if looked >= ALWAYS and clock.over:
                break
            progress(f"looking into what was found: {looked} of {len(items)}")
            looked += 1
            if self.examine(item):
                (done.settled if item.settled else done.items).append(item)
        if looked < len(items):
            older = f"{number(len(items) - looked, 'older thing')} not looked into"
            done.unfinished = "; ".join(filter(None, (done.unfinished, older)))
        trees = number(sum(place.path is not None for place in self.places), "work tree")
        done.looked = [
            "stash entries and rescue refs",
            f"autostashes and index files of {trees}",
            f"patches in {' and '.join(map(str, patches.folders()))}",
            "deltas not delivered",
            "commits that no branch, tag or remote has",
        ]
        return done

    def cheap(self) -> list[Item]:
        """What something names, each thing once."""
        found: dict[str, Item] = {}
        for item in (
            *commits.named(self.repo, self.places),
            *indexes.stranded(self.repo, self.places),
            *patches.stranded(self.repo),
            *self._deltas(),
        ):
            same = found.get(item.key)
            if same is None:
                found[item.key] = item
            else:
                same.where += item.where
                same.place = same.place or item.place
                same.kind = "autostash" if "autostash" in (same.kind, item.kind) else same.kind
        return list(found.values())

    def _deltas(self) -> list[Item]:
        found = []
        for path in outbox.waiting(self.repo):
            with suppress(OSError):
                data = path.read_bytes()
                item = Item("delta", key_of(path, data), int(path.stat().st_mtime), [str(path)])
                item.file, item.base = path, self.repo.resolve("HEAD")
                oid = blob_id(data, self.repo.hash)
                item.contents = [Content(f"{self.policy.inbox}{path.name}", data.count(b"\n"), 0, oid)]
                item.problem = "" if data else "it is empty"
                found.append(item)
        return found

    def examine(self, item: Item) -> bool:
        """Look into an item; False for what a branch, a tag or a remote has."""
        if item.commit and not commits.examine(self.repo, item, self.have_before):
            return False
        if item.kind == "patch":
            patches.examine(self.repo, item)
        if not item.session:
            item.session = (item.place.session if item.place else "") or self._sessions.get(commits.branch_of(item), "")
        if not item.settled and not item.problem:
            if branch := self._given_back(item):
                item.settled = f"the branch {branch} has it"
            elif item.kind != "delta" and item.contents:
                item.settled = self._same(item.contents)
        return True

    def _given_back(self, item: Item) -> str:
        """The branch that an item was given back as; empty for none."""
        for ref, oid in self.repo.refs(f"refs/heads/{BRANCHES}").items():
            branch = ref.removeprefix("refs/heads/")
            if oid == item.commit or branch == f"{BRANCHES}{item.name}":
                return branch
        return ""

    def _same(self, contents: Sequence[Content]) -> str:
        """Where all of it is already, with these very bytes; empty where it is not."""
        for place in self.places:
            there = place.there or place.path is None
            if there and all(self._stands(place, content) for content in contents):
                return f"all of it is in {place.words}, or committed there"
        return ""

    def _stands(self, place: Place, content: Content) -> bool:
        """Whether a path is as an item has it: in HEAD, or in the folder."""

        def same(oid: str) -> bool:
            return bool(content.oid) and oid.startswith(content.oid)

        if place.git_dir not in self._committed:
            self._committed[place.git_dir] = committed(self.repo, place)
        tree = self._committed[place.git_dir]
        if same(tree[content.path]) if content.path in tree else tree and not content.oid:
            return True
        if place.path is None:
            return False
        path = place.path / content.path
        if not content.oid:
            return not os.path.lexists(path)
        try:
            if path.is_symlink():
                return same(blob_id(os.fsencode(path.readlink()), self.repo.hash))
            if path.stat().st_size > MOST_COMPARED:
                return False
            return same(blob_id(path.read_bytes(), self.repo.hash))
        except (OSError, ValueError):
            return False

    def find(self, name: str) -> Item | None:
        """The item of a name, or whatever else names one of its commits to git; None where there is none.

        The letters before the dash do not count: an autostash that git has given up by now is a stash.
        """
        cheap = self.cheap()
        match = _NAME.fullmatch(name)
        found = [item for item in cheap if match and item.key.startswith(match[1])]
        found += [item for item in cheap if name in item.where and item not in found]
        if not found and (oid := self.repo.resolve(match[1] if match else name or "?")) is not None:
            found = [item for item in cheap if item.commit == oid]
            found = found or [commits.described(self.repo, oid, "commit", commits.NOWHERE)]
        return found[0] if len(found) == 1 else None


def _policy(repo: Repo) -> Policy:
    """The policy here; the defaults where there is none that can be used, since it is only asked for hints."""
    try:
        return policy_at(repo, repo.resolve("HEAD"))
    except GuardError:
        return Policy()
