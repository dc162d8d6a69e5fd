r"""guard.toml is loosened together with something that it refused, or so that nothing is protected any more.

A commit is always judged by the policy that stood before it, so nothing exempts itself; and what a policy lets pass
must be read by people before it is used.

Refused:
    $ printf '[messages]\nprefix = false\n' > guard.toml
    $ git add -- guard.toml
    $ git commit -m "[S1] guard: no prefix"

Instead:
    $ git restore --staged --worktree -- guard.toml
    $ printf '\n[messages]\nprefix = false\n' >> guard.toml
    $ git add -- guard.toml
    $ git commit -m "[S1] guard: no prefix, as agreed"
"""

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for a guard.toml that cannot be used, or that takes the baseline away. The judge finds the rest."""
    from guard.errors import GuardError
    from guard.policy import FILE, parse

    for file in change.files:
        if file.path != FILE:
            continue
        data = None if file.deleted else change.read(file.new)
        if data is None and not file.deleted:
            yield unread(FILE, file.new)
            continue
        try:
            baseline = parse(data).baseline
        except GuardError as error:
            head, *problems = error.what.split("\n")
            for problem in problems:
                yield Finding(FILE, f"{head} {problem.strip()}", way_back(change))
            continue
        if policy.baseline and not baseline:
            what = "it takes the baseline away: canonical state would not be protected from here on"
            yield Finding(FILE, what, way_back(change))
        elif policy.baseline and baseline != policy.baseline:
            what = "it moves the baseline: what was merged would no longer be what is recomputed"
            yield Finding(FILE, what, way_back(change))


def policy_after(change: "Change") -> "Policy | None":
    """The policy that a change states; None where it states none, or one that cannot be used."""
    from guard.errors import GuardError
    from guard.policy import FILE, parse

    file = next((file for file in change.files if file.path == FILE), None)
    data = change.read(file.new) if file is not None and not file.deleted else None
    if file is None or (data is None and not file.deleted):
        return None
    try:
        return parse(data)
    except GuardError:
        return None


def way_back(change: "Change") -> str:
    """The command that takes guard.toml back to what it was."""
    return (
        f"git restore --source {change.commit}^ -- guard.toml" if change.commit else "git restore --staged guard.toml"
    )


RULE = Rule(
    "G108",
    "policy-change",
    "a policy that is loosened by the commit that needs it protects nobody",
    check,
)
