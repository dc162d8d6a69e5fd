"""guard.toml is loosened together with something that it refused, or so that nothing is protected any more.

A commit is always judged by the policy that stood before it, so nothing exempts itself; and what a policy lets pass
must be read by people before it is used.

Refused:
    $ printf '[messages]\nprefix = ' > guard.toml
    $ git add -- guard.toml
    $ git commit -m "[S1] guard: no prefix"

Instead:
    $ git restore --staged --worktree -- guard.toml
    $ printf '\n[messages]\nprefix = false\n' >> guard.toml
    $ git add -- guard.toml
    $ git commit -m "[S1] guard: no prefix, as agreed"
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for a guard.toml that cannot be used, or that takes the baseline away."""
    from guard.policy import FILE

    if all(file.path != FILE for file in change.files):
        return
    from guard.errors import GuardError
    from guard.policy import parse

    fix = f"git restore --staged -- {FILE}"
    try:
        new = parse(change.new(FILE))
    except GuardError as error:
        yield Finding(FILE, error.what.replace("\n", " "), fix)
        return
    if policy.baseline and not new.baseline:
        yield Finding(FILE, "it takes the baseline away: canonical state would not be protected from here on", fix)
    elif policy.baseline and new.baseline != policy.baseline:
        yield Finding(FILE, "it moves the baseline: what was merged would no longer be what is recomputed", fix)


RULE = Rule(
    "G108",
    "policy-change",
    "a policy that is loosened by the commit that needs it protects nobody",
    check,
)
