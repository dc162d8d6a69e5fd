"""What a hub is: something that can be read, and whose refs move only from where they were read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from guard.errors import GuardError
from guard.git import Repo

REFS = "refs/guard/"
"""Below this stands everything that guard shares beside the branch; policy may give it another name on the remote."""
DELTA_REFS = f"{REFS}deltas/"

Verdict = Literal["won", "lost", "refused"]


Move = tuple[str | None, str | None]
"""The commit that a ref was read at and the one it goes to; None for a ref that is not there."""


@dataclass
class Snapshot:
    """What the hub held when it was asked: the tip of the state branch, and guard's own refs of the kinds asked for."""

    tip: str | None
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def deltas(self) -> dict[str, str]:
        """The refs that deliver deltas."""
        return self.below("deltas")

    def below(self, kind: str) -> dict[str, str]:
        """The refs of one kind."""
        return {ref: oid for ref, oid in self.refs.items() if ref.startswith(f"{REFS}{kind}/")}


class Hub(Protocol):
    """Where the state branch lives."""

    name: str
    atomic: bool
    """Whether a branch and refs move in one step here, or the branch by itself."""

    def read(self) -> Snapshot:
        """What it holds now; its objects are in this clone afterwards."""

    def move(self, old: str | None, new: str | None, refs: Mapping[str, Move]) -> tuple[Verdict, str]:
        """Move the branch from `old` to `new` (None: leave it) and guard's own `refs`, all or nothing.

        Returns the verdict and, unless it was won, what was said.
        """


def must_have(repo: Repo, tip: str | None, ref: str, name: str) -> None:
    """Raise `GuardError` where there are commits, but none on the state branch: policy means another branch."""
    if tip is None and repo.resolve("HEAD") is not None:
        branch = ref.removeprefix("refs/heads/")
        here = repo.run("rev-parse", "--abbrev-ref", "HEAD").strip()
        raise GuardError(
            "policy",
            f"{name} has no branch {branch}, where state would be",
            "nothing can be merged, and a wrong name must not look like nothing to do",
            f'[repository] branch = "{here}" in guard.toml, or git branch -m {here} {branch}',
        )
