"""A committed delta is changed, or one is deleted that no page records yet.

A delta is what a stream says happened, once. In frame 109 a second run wrote its delta under the name of the first:
post 6489 and 24 comments were gone for good, because the merge had not seen them yet.

Refused:
    $ guard delta new --frame 1 --stream mine
    $ git add -- state/stream_deltas/frame-1-mine.json
    $ git commit -m "[S1] frame 1: mine"
    $ guard delta new --frame 1 --stream other
    $ mv state/stream_deltas/frame-1-other.json state/stream_deltas/frame-1-mine.json
    $ git add -- state/stream_deltas/frame-1-mine.json
    $ git commit -m "[S1] frame 1: mine, once more"

Instead:
    $ git restore --staged --worktree -- state/stream_deltas/frame-1-mine.json
    $ guard delta new --frame 1 --stream mine-2
    $ git add -- state/stream_deltas/frame-1-mine-2.json
    $ git commit -m "[S1] frame 1: a correction"

A correction is a new delta. Merged deltas of old frames leave the inbox by the merge itself.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every delta that is rewritten, or goes before it was merged."""
    files = [file for file in change.files if policy.in_inbox(file.path) and not file.added]
    if not files or change.computed:
        return
    import shlex

    from merge.names import is_candidate

    for file in files:
        if not is_candidate(file.path[len(policy.inbox) :]):
            continue
        fix = f"git restore --staged --worktree -- {shlex.quote(file.path)}"
        if change.commit:
            fix = "guard merge  # it takes in every version that history has"
        if not file.deleted:
            yield Finding(file.path, "a committed delta was rewritten", fix, 1)
        elif not change.recorded(file):
            yield Finding(file.path, "a delta was deleted that no page records yet", fix, 1)


RULE = Rule(
    "G103",
    "delta-rewrite",
    "overwriting a delta lost post 6489 and 24 comments of frame 109; a correction is a new delta",
    check,
)
