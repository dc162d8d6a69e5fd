"""A session's leases, kept alive by whatever it does: each `guard` command renews them once half of their time is gone.

When that is stands beside the session's number, in the work tree's own git directory (`identity.due` reads it), so that
a command that has nothing to renew asks nobody.
"""

import contextlib
import os
from datetime import timedelta

from guard import identity
from guard.errors import GuardError
from guard.git import Repo
from guard.leases.claims import Desk
from guard.leases.lease import Lane, instant, spell
from guard.leases.refs import KINDS
from guard.plan import policy_at
from guard.policy import Policy
from guard.publish import hub


def note(repo: Repo, policy: Policy, session: str, lanes: list[Lane]) -> None:
    """Note when a session's leases are to be renewed; nothing is kept where it holds nothing."""
    path = identity.renewal_note(repo, session)
    with contextlib.suppress(OSError):  # without the note nothing is renewed by the way, and nothing else is lost
        if not lanes:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        when = min(instant(lane.expires) for lane in lanes) - timedelta(minutes=policy.lease_minutes) / 2
        part.write_text(f"{spell(when)}\n")
        part.replace(path)


def keep(repo: Repo, session: str) -> None:
    """Renew what a session holds; that it cannot be done stops nothing, and its next claim or renewal says why."""
    with contextlib.suppress(GuardError, OSError):
        policy = policy_at(repo, repo.resolve("HEAD"))
        lanes = Desk(repo, hub(repo, policy, KINDS), policy).renew(session, least=policy.lease_minutes // 2)
        note(repo, policy, session, lanes)
