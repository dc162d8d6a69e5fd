"""What is here and in no history that others see: deltas not committed or not pushed, hand edits not committed."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from guard.delivery import outbox
from guard.delivery.deliver import Held, Packed
from guard.errors import Unseen
from guard.git import Repo
from guard.history import arrivals
from guard.inbox import Kind, kind_of
from guard.policy import Policy
from merge.delta import digest_of, split_name
from merge.names import is_candidate


@dataclass(frozen=True)
class Loose:
    """A delta, or what is meant as one, that lies here: in the work tree, in a commit, or in the outbox."""

    path: str
    """How git or a person names it."""
    name: str
    data: bytes
    kind: Kind
    origin: Literal["file", "commit", "outbox"]

    def packed(self) -> Packed | None:
        """What it delivers, by its name; None where that is none of a delta's."""
        named = split_name(self.name, digest_of(self.data))
        return Packed(*named, self.data) if named is not None and self.kind == "file" else None


def loose(repo: Repo, policy: Policy, tip: str | None) -> list[Loose]:
    """Every delta here that is not committed, or committed and not in the history of `tip`, or in the outbox."""
    found = [] if repo.bare else list(_uncommitted(repo, policy))
    found += _unpushed(repo, policy, tip)
    found += [Loose(str(path), path.name, path.read_bytes(), "file", "outbox") for path in outbox.waiting(repo)]
    return found


_SAID = {"file": "not committed", "commit": "committed here and not on the state branch", "outbox": "still to be sent"}


def undelivered(
    repo: Repo, policy: Policy, tip: str | None, refs: Mapping[str, str], merge: str | None = None
) -> list[str]:
    """A sentence for each kind that there is, with the command that delivers it.

    `tip` and `refs` are what the hub holds; `merge` was just made on `tip`.
    """
    head = repo.resolve("HEAD")
    found = loose(repo, policy, merge if merge is not None and head == merge else tip)
    if not found:
        return []
    held = Held(repo, policy, merge or tip, refs)
    left: dict[str, list[str]] = {}
    for each in found:
        packed = each.packed()
        if packed is None or not held.where(packed):
            left.setdefault(each.origin, []).append(each.path)
    said = {kind: f"not merged, because {_SAID[kind]}: {_some(paths)}" for kind, paths in left.items()}
    return [f"{what}\n  fix: guard delta push" for what in said.values()]


def edited(repo: Repo, policy: Policy) -> list[str]:
    """A sentence about the canonical files of the work tree that differ from HEAD; none before adoption."""
    if repo.bare or policy.baseline is None:
        return []
    paths = [path for _, path in _status(repo, "no", "") if policy.is_canonical(path)]
    if not paths:
        return []
    files = " ".join(map(shlex.quote, paths))
    what = f"not judged, because not committed: canonical files that differ from HEAD: {_some(paths)}"
    why = "only a merge may change them; once committed, this would be a finding"
    show, undo = (
        f"{_to_top(repo)}git {command} -- {files}"
        for command in ("diff HEAD", "restore --source=HEAD --staged --worktree")
    )
    return [f"{what}\n  why: {why}\n  fix: {undo} (undoes it; {show} shows it)"]


def _to_top(repo: Repo) -> str:
    """What goes before a command with paths as git spells them, where we are not at the top."""
    return "" if Path.cwd() == repo.top() else f"cd {shlex.quote(str(repo.top()))} && "


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _uncommitted(repo: Repo, policy: Policy) -> Iterator[Loose]:
    top = repo.top()
    for state, path in _status(repo, "all", policy.inbox):
        name = path[len(policy.inbox) :]
        here = top / path
        if "D" in state or not is_candidate(name):
            continue
        if here.is_symlink():
            yield Loose(path, name, os.fsencode(here.readlink()), "symlink", "file")
        elif here.is_file():
            yield Loose(path, name, here.read_bytes(), "file", "file")


def _status(repo: Repo, untracked: str, folder: str) -> list[tuple[str, str]]:
    """The (state, path) of what is not committed below a folder."""
    words = ("status", "--porcelain", "-z", f"--untracked-files={untracked}", "--no-renames", "--ignore-submodules=all")
    lines = repo.run(*words, "--", f":(top){folder}", check=False).split("\0")
    return [(line[:2], line[3:]) for line in lines if line]


def _unpushed(repo: Repo, policy: Policy, tip: str | None) -> Iterator[Loose]:
    """Every version that a commit here put into the inbox: a merge would take them all."""
    head = repo.resolve("HEAD")
    if head is None or tip is None or head == tip:
        return
    for each in arrivals(repo, policy, head, tip):
        data = repo.reader.read(each.oid) if each.mode != "160000" else each.oid.encode()
        if data is None:
            raise Unseen(f"the content of {each.name} ({each.oid}) is not in this clone", "it cannot be delivered")
        yield Loose(policy.inbox + each.name, each.name, data, kind_of(each.mode), "commit")
