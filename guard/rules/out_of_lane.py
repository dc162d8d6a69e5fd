"""A commit changes paths that another session holds, or paths outside the lanes that its own session claimed.

Eleven of fourteen commits in one shared tree carried a neighbour's file. A lane says who works where; it protects
nobody when its neighbours do not look.

Refused:
    $ GUARD_SESSION=S2 guard claim RIVER --scope river
    $ mkdir river && echo deep > river/bed.txt
    $ git add -- river/bed.txt
    $ git commit -m "[S1] river: the bed"

Instead:
    $ git restore --staged -- river/bed.txt
    $ mkdir sea && mv river/bed.txt sea/bed.txt
    $ git add -- sea/bed.txt
    $ git commit -m "[S1] sea: the bed"

A session that holds no lane may change whatever nobody else holds. Deltas, and the files that everybody appends to
(`[append_only]`), are in nobody's lane. Leases that ended hold nothing. Where it is meant, say why with GUARD_ALLOW.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change, Held
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every file in another's live lane, and for every one outside those of the own session."""
    if change.parents > 1 or change.commit or not change.files:
        return  # a merge brings what others did; what is committed was judged when it was
    lanes = change.lanes()
    if not lanes:
        return
    from guard.leases.scopes import covers

    mine = [lane for lane in lanes if lane.session == change.session]
    for file in change.files:
        path = file.path
        if policy.in_inbox(path) or policy.append_only(path) or policy.is_canonical(path):
            continue
        if any(covers(lane.scope, path) for lane in mine):
            continue
        holder = next((lane for lane in lanes if lane not in mine and covers(lane.scope, path)), None)
        if holder is not None:
            what = f"in lane {holder.name} of {holder.session} until {holder.ends}"
            yield Finding(path, what, _unstage(path))
        elif mine:
            names = ", ".join(lane.name for lane in mine)
            yield Finding(path, f"outside the lanes of {change.session}: {names}", _claim(mine[0], path))


def _unstage(path: str) -> str:
    import shlex

    return f"git restore --staged -- {shlex.quote(path)}  # then ask for it, or wait: guard board"


def _claim(lane: "Held", path: str) -> str:
    import shlex

    scopes = " ".join(f"--scope {shlex.quote(each)}" for each in (*lane.scope, path))
    return f"guard claim {shlex.quote(lane.name)} {scopes}"


RULE = Rule(
    "G203",
    "out-of-lane",
    "two sessions at the same paths undo each other's work, and neither notices",
    check,
)
