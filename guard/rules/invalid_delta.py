"""A delta that the merge could not take, or that says a frame or a time it cannot have.

A delta that cannot be read is a stream's work missing from its frame; one that names a frame or a day far ahead
drives the counters of everybody else. It is much cheaper to mend before it is committed, because afterwards it may
not be changed any more.

Refused:
    $ echo '{"frame": 1, "stream_id": "mine"' > state/stream_deltas/frame-1-mine.json
    $ git add -- state/stream_deltas/frame-1-mine.json
    $ git commit -m "[S1] frame 1: mine"

Instead:
    $ rm state/stream_deltas/frame-1-mine.json
    $ guard delta new --frame 1 --stream mine
    $ guard delta check state/stream_deltas/frame-1-mine.json
    $ git add -- state/stream_deltas/frame-1-mine.json
    $ git commit -m "[S1] frame 1: mine"

What a delta is, says schemas/delta.schema.json; `[delta]` in guard.toml sets its limits.
"""

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """What is wrong with each delta that enters the inbox."""
    files = [file for file in change.files if policy.in_inbox(file.path) and not file.deleted]
    if not files or change.computed:
        return
    from guard.inbox import by_small_letters, faults, kind_of
    from merge.names import is_candidate

    alike = by_small_letters(path[len(policy.inbox) :] for path in change.listed(policy.inbox))
    for file in files:
        name = file.path[len(policy.inbox) :]
        if not is_candidate(name) or not file.added:
            continue
        data = file.new.encode() if file.new_mode == "160000" else change.read(file.new)
        if data is None:
            yield unread(file.path, file.new)
            continue
        for where, message, fix in faults(
            file.path, name, data, kind_of(file.new_mode), policy, change.counter, change.instant, alike
        ):
            yield Finding(file.path, f"{where}: {message}", fix, 1)


RULE = Rule(
    "G102",
    "invalid-delta",
    "one delta that cannot be read, or that says it is another, is a stream's work missing from its frame",
    check,
)
