"""The index was written in bulk: `git add -A`, `git add .`, `git add -u`, `git commit -a`.

In a tree that many share, "everything that differs" is other people's half-finished work, and what a worktree happens
to lack is staged as deleted: 729 files once. Name the files that are yours.

Refused:
    $ echo mine > mine.txt
    $ echo theirs > theirs.txt
    $ git add -A
    $ git commit -m "[S1] mine: a file"

Instead:
    $ git reset -q
    $ git add -- mine.txt
    $ git commit -m "[S1] mine: a file"

Nothing is done to the index when it happens: the commit is refused, and `git reset` forgets it. `git add FOLDER`
passes unless the folder is the top, or it stages deletions. If everything is meant: GUARD_ALLOW='G201 why' git commit.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", _policy: "Policy") -> "Iterator[Finding]":
    """One finding for an index that was written in bulk and still differs from HEAD."""
    bulk = change.bulk
    if bulk is None or not change.files:
        return
    gone = [
        file.path
        for file in change.files
        if file.deleted and any(file.path.startswith(folder) for folder in bulk.folders)
    ]
    if bulk.folders and not gone:
        return
    commits = " commit " in f" {bulk.command} "
    what = (
        f"{bulk.command} took in {len(change.files)} files"
        if not gone
        else f"{bulk.command} staged {len(gone)} deletions"
    )
    fix = "git add -- FILE..., then git commit without -a" if commits else "git reset -q, then git add -- FILE..."
    yield Finding("", what, fix)


RULE = Rule(
    "G201",
    "bulk-add",
    "it stages whatever differs, neighbours' half-finished work and all; 729 deletions were staged that way",
    check,
)
