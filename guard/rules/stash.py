"""`git stash` in a guarded clone.

A stash takes the work of everybody in this tree, puts the tree back under their feet, and is one list for all
worktrees: the next `pop` may be somebody else's. Nothing is lost when it is refused: no file was touched.

Refused:
    $ echo more >> README.md
    $ git stash

Instead:
    $ git add -- README.md
    $ git commit -m "[S1] readme: unfinished"

Old entries can always be taken back: `git stash list`, `show`, `apply`, `pop`, `branch` and `drop` pass. To look at
another commit, make a worktree: git worktree add ../elsewhere COMMIT.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", _policy: "Policy") -> "Iterator[Finding]":
    """A finding for a command that takes work into the stash."""
    from guard.commandline import verdict

    if verdict(change.command) == "stash":
        yield Finding("", "git stash is refused here; nothing was changed", "git worktree add ../elsewhere HEAD")


RULE = Rule(
    "G501",
    "stash",
    "a stash takes away what everybody in this tree is working on, and all worktrees share one list",
    check,
    part="command",
)
