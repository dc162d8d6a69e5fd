"""The shared write: move a branch from the tip that was read to a new commit, or learn that somebody was faster.

Truth is a ref on the hub: the remote, or, without one, this repository's own branch. Every write is a compare-and-swap
on what was read. Nothing here touches an index or a work tree, except that a branch that is checked out here, where
this repository is itself the hub, goes forward the way `git merge --ff-only` takes it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from guard.backoff import backoff
from guard.errors import GuardError
from guard.git import Repo
from guard.hub.hub import REFS, Hub, Move, Snapshot
from guard.hub.local import Local
from guard.hub.remote import Remote, copies
from guard.policy import Policy

CANDIDATE = "refs/guard/merged/candidate"

TRIES = 40
"""Against others. Measured: 24 clones that push three times each to one branch need up to about 30 tries each."""
REFUSED_TRIES = 8
"""Against a hub that answers and says no: a hook may have its bad moment, but it may also mean it."""


def hub(repo: Repo, policy: Policy, kinds: Sequence[str] = ("deltas",)) -> Hub:
    """The hub of a repository: its remote if it has one, else itself. `kinds` are those of the refs that are read."""
    remotes = repo.remotes()
    remote = policy.remote
    if remotes.get(remote):
        return Remote(repo, policy, kinds)
    others = sorted(remotes)
    if others:
        raise GuardError(
            "usage",
            f"there is no remote {remote} here, but {', '.join(others)}",
            "a merge that only this clone has would split the state in two",
            f'git remote rename {others[0]} {remote}, or [repository] remote = "{others[0]}" in guard.toml',
        )
    return Local(repo, policy.branch, kinds)


def last_seen(repo: Repo, policy: Policy) -> Snapshot:
    """What the remote held when it was read last; nobody is asked."""
    tip = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or repo.resolve(f"refs/heads/{policy.branch}")
    prefix = copies(policy) if repo.remotes().get(policy.remote) else REFS
    return Snapshot(tip, {REFS + ref[len(prefix) :]: oid for ref, oid in repo.refs(prefix).items()})


@dataclass
class Offer:
    """What somebody wants to publish: a commit on the tip that was read (None: only refs), and moves of refs."""

    commit: str | None
    refs: Mapping[str, Move] = field(default_factory=dict)


def publish(
    place: Hub,
    make: Callable[[Snapshot], Offer | None],
    note: Callable[[str], None] = lambda _: None,
    *,
    refusals: int = REFUSED_TRIES,
    still: int = TRIES,
    tries: int = TRIES,
) -> tuple[Snapshot, Offer | None]:
    """Make an offer on the hub's tip and move the branch to it; made again on every newer tip until it is in.

    Returns the snapshot that it was made on, and the offer; None where `make` had nothing to offer. Raises
    `GuardError` when the `tries` are used up, when the hub has refused `refusals` times or its tip stayed the same for
    `still` tries, or what `make` raises.
    """
    refused = stuck = 0
    last: Snapshot | None = None
    said = ""
    for attempt, wait in enumerate(backoff(tries), start=1):
        snapshot = place.read()
        offer = make(snapshot)
        if offer is None or (offer.commit is None and not offer.refs):
            return snapshot, offer
        verdict, said = place.move(snapshot.tip, offer.commit, offer.refs)
        if verdict == "won":
            return snapshot, offer
        refused = refused + 1 if verdict == "refused" else 0
        stuck = stuck + 1 if last is None or snapshot.tip == last.tip else 1
        last = snapshot
        if refused >= refusals or stuck >= still:
            break
        note(f"{place.name} moved on or refused (try {attempt}): {said or 'somebody was faster'}")
        time.sleep(wait)
    raise GuardError(
        "contention",
        f"{place.name} did not take the commit: {said}",
        "nothing was published; what was to be published is still there to be made again",
        "run the command again",
    )
