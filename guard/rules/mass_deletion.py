"""A commit deletes very many files.

`git add -A` in a worktree that lacked files staged 729 deletions, and one commit message later they were gone for all.
Nobody means to delete that much without saying so.

Refused:
    $ mkdir pages && for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $n > pages/$n.txt; done
    $ git add -- pages/1.txt pages/2.txt pages/3.txt pages/4.txt pages/5.txt pages/6.txt pages/7.txt pages/8.txt
    $ git add -- pages/9.txt pages/10.txt pages/11.txt pages/12.txt
    $ git commit -m "[S1] pages: twelve"
    $ git rm -q -r pages
    $ git commit -m "[S1] pages: none"

Instead:
    $ GUARD_ALLOW='G202 the pages moved to the wiki' git commit -m "[S1] pages: moved"

Too many is more than `[deletions] files` (20), or more than half of a folder of `[deletions] folder` (10) files or
more. A file whose content appears elsewhere in the same commit was moved. If it is meant, say why with GUARD_ALLOW.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """One finding for the whole commit, or one for each folder that loses most of its files."""
    there_still = {file.new for file in change.files if not file.deleted}
    gone = list(dict.fromkeys(file.path for file in change.files if file.deleted and file.old not in there_still))
    if change.computed:  # what a merge drops is computed; whatever else its commit deletes is somebody's own doing
        gone = [path for path in gone if not (policy.in_inbox(path) or policy.is_canonical(path))]
    if len(gone) > policy.most_deletions:
        yield Finding("", f"{len(gone)} files are deleted, of which the first is {gone[0]}", _fix(change))
        return
    lost: dict[str, int] = {}
    for path in gone:
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            lost[folder] = lost.get(folder, 0) + 1
    for folder, number in sorted(lost.items()):
        if number * 2 <= policy.deletion_folder:
            continue
        there = len(change.listing(folder))
        if there >= policy.deletion_folder and number * 2 > there:
            what = f"{number} of the {there} files below {folder or 'the top'} are deleted"
            yield Finding(folder, what, _fix(change))
            return


def _fix(change: "Change") -> str:
    if change.commit:
        return f"git revert --no-edit {change.commit}"
    return "git reset -q  # or, where it is meant: GUARD_ALLOW='G202 why' git commit ..."


RULE = Rule(
    "G202",
    "mass-deletion",
    "git add -A once staged 729 deletions that nobody meant",
    check,
)
