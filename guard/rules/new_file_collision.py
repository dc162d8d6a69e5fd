"""A commit adds a file that already exists elsewhere with other content: upstream, in another work tree, on a branch.

Two sessions that each write `docs/plan.md` find out when the second one merges, and one of the two plans is lost in a
conflict that somebody resolves in a hurry.

Refused:
    $ git worktree add -q ../neighbour HEAD
    $ echo theirs > ../neighbour/plan.md
    $ echo mine > plan.md
    $ git add -- plan.md
    $ git commit -m "[S1] plan: mine"

Instead:
    $ git mv -- plan.md plan-river.md
    $ git commit -m "[S1] plan: of the river"

Looked at are the state branch as last fetched, where it holds commits that are not here, the other work trees of this
clone (what they committed and what lies on their disks) and the branches of live sessions. The same content is no
collision. Where it is meant, say why with GUARD_ALLOW.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every new file that stands elsewhere with other content."""
    if change.parents > 1 or change.commit:
        return
    for file in change.files:
        if file.added and file.plain and not policy.in_inbox(file.path):
            where = change.elsewhere(file)
            if where:
                import shlex

                stem, dot, suffix = file.path.rpartition(".")
                other = f"{stem}-2.{suffix}" if dot and "/" not in suffix else f"{file.path}-2"
                fix = f"git mv -- {shlex.quote(file.path)} {shlex.quote(other)}  # or make both one: guard sync"
                yield Finding(file.path, f"it exists {where}, with other content", fix)


RULE = Rule(
    "G204",
    "new-file-collision",
    "the second of two new files of one name meets the first in a merge, where one of them is easily lost",
    check,
)
