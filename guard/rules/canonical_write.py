"""A commit changes canonical state, and not to the bytes that the merge or a restore makes.

Canonical files are what `guard merge` computes from the deltas. An edit beside it is lost at the next repair, or, if
two sessions edit, one of them wipes the other's: in frame 407 (March 2026) a tool rewrote agents.json from a copy
that it had read minutes before, and 136 agents were gone.

Refused:
    $ echo '{}' > state/agents.json
    $ git add -- state/agents.json
    $ git commit -m "[S1] agents: tidy up"

Instead:
    $ git restore --staged -- state/agents.json
    $ git restore -- state/agents.json
    $ guard delta new --stream mine

Write what happened into a delta; to change a field of a record, use the delta's `set`. Which paths are canonical is
said by `[canonical]` in guard.toml. Without a `[merge] baseline` this rule is off: nothing was adopted yet.
"""

from guard.errors import way_on
from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every canonical path whose bytes nobody can compute."""
    if not policy.baseline or (not any(policy.is_canonical(file.path) for file in change.files) and change.parents < 2):
        return
    for path, what in sorted(change.foreign().items()):
        if change.commit:
            fix = f"guard restore {quoted(path)}" if path else "guard merge"
        else:
            fix = f"git restore --staged -- {quoted(path)}" if change.parents < 2 else "git merge --abort"
        yield Finding(path, what, fix)
    for path, what in sorted(change.unseen().items()):
        why = "a clone without all of history, or with an older guard, cannot recompute it"
        finding = Finding(path, what, way_on(what, "git fetch --unshallow"), why=why)
        finding.unread = True
        yield finding


def quoted(path: str) -> str:
    """A path as a word of a shell command."""
    import shlex

    return shlex.quote(path)


RULE = Rule(
    "G101",
    "canonical-write",
    "an edit beside the merge wiped 136 agents in frame 407; write a delta (guard delta new --stream NAME) instead",
    check,
)
