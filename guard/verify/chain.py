"""The chain of canonical states: each commit's is that of the newest merge it has, and of what came to it since."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """A place in the chain of canonical states: the commit that made this state, and the newest merge up to it."""

    commit: str
    depth: int
    merge: str | None
    before: "Link | None" = None

    def then(self, commit: str, merge: str | None) -> "Link":
        """The state after this one."""
        return Link(commit, self.depth + 1, merge, self)

    @property
    def root(self) -> str:
        """The commit whose state is the first that is known."""
        link = self
        while link.before is not None:
            link = link.before
        return link.commit

    def contains(self, other: "Link") -> bool:
        """Whether the other state lies on the way to this one."""
        if other.depth < 0:
            return True
        link: Link | None = self
        while link is not None and link.depth > other.depth:
            link = link.before
        return link is not None and link.commit == other.commit


OLDER = Link("", -1, None)
"""The state before the first commit. Depth -1 is before the range: contained in what the range starts from."""


@dataclass
class State:
    """What is known of a commit's canonical files: their link, and the paths that hold something else."""

    link: Link
    dirty: frozenset[str] = frozenset()
