r"""A row or a section of an append-only file is edited, deleted or moved.

Boards, notes and lessons are written by everybody at once. Whoever rewrites them writes over what came in between,
and a text merge of two such files makes rows twice or brings deleted ones back.

Refused:
    $ mkdir -p memory/lessons
    $ printf '# Tides\n\nThe ferry waits for no delta.\n' > memory/lessons/tides.md
    $ git add -- memory/lessons/tides.md
    $ git commit -m "[S1] lesson: tides"
    $ printf '# Tides\n\nNothing was learned.\n' > memory/lessons/tides.md
    $ git add -- memory/lessons/tides.md
    $ git commit -m "[S1] lesson: tidy up"

Instead:
    $ git restore --staged --worktree -- memory/lessons/tides.md
    $ printf '\nIt waited on Monday.\n' >> memory/lessons/tides.md
    $ git add -- memory/lessons/tides.md
    $ git commit -m "[S1] lesson: Monday"

`[append_only]` in guard.toml says which files grow by rows, by sections or as files; the text above the first section
is free. What is old may be moved: rows and sections that a commit adds to the file's archive, all of them and in their
order, are not lost. The archive of `tasks/NEXT.md` is `tasks/archive/NEXT.md`; it is append-only too.
"""

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change, File
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every append-only file that lost something."""
    for file in change.files:
        kind = policy.append_only(file.path)
        if kind is None or not file.old_mode.startswith("100"):
            continue
        import shlex

        from guard.appendonly import lost

        old = change.read(file.old)
        new = change.read(file.new) if file.plain else None
        if old is None or (new is None and file.plain):
            yield unread(file.path, file.old if old is None else file.new)
            continue
        what = lost(kind, old, new, _archive(change, file))
        if what:
            path = shlex.quote(file.path)
            if change.commit:  # putting the file back would take away what came since
                fix = f"git show {shlex.quote(f'{change.commit}^:{file.path}')}  # has what is gone; add it again"
            elif change.parents > 1:
                fix = f"put in what each side has, then git add -- {path}"
            else:
                fix = f"git restore --staged --worktree -- {path}"
            yield Finding(file.path, what, fix)


def _archive(change: "Change", file: "File") -> "tuple[bytes | None, bytes | None]":
    """The archive of a file before, at the parent whose file is the old one, and after; None where there is none."""
    from guard.policy import archive_of

    path = archive_of(file.path)
    changed = [each for each in change.files if each.path == path]
    if any(not each.plain for each in changed) or (not changed and change.parents < 2):
        return None, None
    return change.old(path, file.side), change.new(path)


RULE = Rule(
    "G104",
    "append-only-rewrite",
    "many write this file at once: what one rewrites, it takes from the others",
    check,
)
