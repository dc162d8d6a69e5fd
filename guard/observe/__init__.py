"""git -> `Change`: what an index, a commit, a range of commits or files on disk would alter.

Here is what they share. The commit hook loads this at every judgement: what only some changes need is imported where
they need it.
"""

from collections.abc import Callable, Sequence
from functools import cache, cached_property

from guard.certain import FAILURES as UNCERTAIN
from guard.certain import frame_of
from guard.change import File
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import Change as Difference
from guard.policy import Policy


def file_of(difference: Difference, side: int = 0) -> File:
    """A line of git's raw output, of a comparison with one of the parents, as rules see it."""
    return File(difference.path, difference.old_mode, difference.new_mode, difference.old, difference.new, side)


def reading(repo: Repo) -> Callable[[str], bytes | None]:
    """How blobs are read: None for one that is not there."""
    return lambda oid: repo.reader.read(oid) if oid.strip("0") else None


def listing_of(repo: Repo, commit: str | None) -> Callable[[str], list[str]]:
    """Every path below a folder of a commit, asked for once."""
    return cache(lambda folder: [path for _, _, path in repo.tree(commit, folder)] if commit else [])


def listing_after(before: Callable[[str], list[str]], files: Sequence[File]) -> Callable[[str], list[str]]:
    """The listing after a change, from the one before it."""

    def listed(folder: str) -> list[str]:
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        paths = dict.fromkeys(before(folder))
        for file in files:
            if file.path.startswith(prefix):
                paths.pop(file.path, None)
                if not file.deleted:
                    paths[file.path] = None
        return list(paths)

    return listed


class Recorded:
    """Whether a page at a commit records a delta, or whatever merged before guard was adopted did."""

    def __init__(self, repo: Repo, policy: Policy, commit: str) -> None:
        self._repo = repo
        self._policy = policy
        self._commit = commit

    def __call__(self, file: File) -> bool:
        """Whether a delta that goes was merged."""
        from guard.restore import is_recorded

        if file.old in self._adopted:
            return True
        data = self._repo.reader.read(file.old)
        name = file.path[len(self._policy.inbox) :]
        return data is not None and is_recorded(self._repo, self._commit, name, data, self._policy.laws)

    @cached_property
    def _adopted(self) -> set[str]:
        from guard.plan import adopted

        return adopted(self._repo, self._policy)


def counter(repo: Repo, policy: Policy, commit: str) -> int | None:
    """The newest closed frame, here or at the hub as far as it was fetched; None where nothing readable says it."""
    names = (commit, f"refs/remotes/{policy.remote}/{policy.branch}")
    try:
        newest = max(frame_of(repo.reader.read(f"{name}:{policy.laws.counter}")) for name in names)
    except UNCERTAIN:
        from guard.plan import Tree, frame_counter

        try:
            newest = max(frame_counter(Tree(repo, name), policy.laws) for name in names)
        except GuardError:  # that file is another rule's; who adds a delta cannot mend it
            return None
    return newest if newest >= 0 else None
