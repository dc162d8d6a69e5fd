"""A commit takes back, without saying so, what a neighbour or upstream has just committed.

When a branch that is checked out moves by other means than a commit in that tree, the index stays as it was: the next
ordinary `git commit` there silently reverts the neighbour's work. So does a merge that keeps the old side of a file
that only the other side changed.

Refused:
    $ echo theirs > README.md && git add -- README.md && git commit -m "[S2] readme: theirs"
    $ theirs=$(git rev-parse HEAD) && git reset -q --hard HEAD~1 && git update-ref refs/heads/main $theirs
    $ echo mine > mine.txt && git add -- mine.txt
    $ GUARD_SESSION=S1 git commit -m "[S1] mine: a file"

Instead:
    $ git restore --source=HEAD --staged --worktree -- README.md
    $ GUARD_SESSION=S1 git commit -m "[S1] mine: a file"

A file is taken back where the commit gives it the very content that it had before one of the newest fifty commits,
which another session made. The hooks look for that when the branch was moved by something else than a commit, a
checkout or a merge in this work tree. `git revert` says what it does, and passes, and so does `guard commit`, which
takes each named file on top of HEAD. Where it is meant, say why with GUARD_ALLOW.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every file that goes back to what it was before a neighbour's commit."""
    if change.commit or change.computed:
        return
    for file in change.files:
        if policy.is_canonical(file.path) or policy.in_inbox(file.path) or policy.append_only(file.path):
            continue  # they have rules of their own
        whose = change.undoes(file)
        if whose:
            import shlex

            path = shlex.quote(file.path)
            fix = f"git restore --source=HEAD --staged -- {path}  # and look at git diff -- {path}"
            yield Finding(file.path, f"it goes back to what it was before {whose}", fix)


RULE = Rule(
    "G205",
    "stale-overwrite",
    "an index that was not moved along with its branch reverts what others committed, and git says nothing",
    check,
)
