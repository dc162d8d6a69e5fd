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
    folders = tuple(f"{folder.removeprefix('./').rstrip('/')}/" for folder in bulk.folders)
    gone = [file for file in change.files if file.deleted and file.path.startswith(folders)] if folders else []
    if folders and not gone:
        return
    number = len(gone or change.files)
    noun = "deletion" if gone else "file"
    what = f"{bulk.command} {'staged' if gone else 'took in'} {number} {noun}{'s' if number != 1 else ''}"
    yield Finding("", what, "git reset -q && git add -- FILE...")


RULE = Rule(
    "G201",
    "bulk-add",
    "it stages whatever differs, neighbours' half-finished work and all; 729 deletions were staged that way",
    check,
)
