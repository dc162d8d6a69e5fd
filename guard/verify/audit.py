"""The merge job's own look back: what came since the last boundary, verified, and what slipped through, named.

Hooks persuade, and only a server or a required check refuses. Where neither stands, a canonical file that somebody
edited by hand is found here, at the next boundary at the latest.
"""

from collections.abc import Iterable

from guard.git import Repo
from guard.plan import policy_at
from guard.verify.range import verify
from guard.verify.recompute import Problem, newest_merge
from guard.verify.verdict import Verdict
from guard.verify.verified import VERIFIED, note, reached

AUDITED = "refs/guard/audited"
"""Where the next look back of this clone begins: behind it all is well, or known to nobody as wrong."""


def audit(repo: Repo, tip: str) -> Verdict:
    """Verify what came since the last look back, else since the last `guard verify`, else since the newest merge.

    What is wrong is found again at every boundary until it is made good. Raises `Unseen` where this clone's history
    does not tell where to begin.
    """
    old = reached(repo, AUDITED, tip) or reached(repo, VERIFIED, tip)
    if old is None:
        old = newest_merge(repo, policy_at(repo, tip), tip)
    verdict = verify(repo, old, tip)
    if not (verdict.problems or verdict.unseen):
        note(repo, AUDITED, tip)
    elif old is not None:
        note(repo, AUDITED, old)
    return verdict


def healable(problems: Iterable[Problem]) -> list[str]:
    """The canonical files that can be rebuilt from the last good commit and the deltas."""
    return sorted({problem.path for problem in problems if problem.code == "G101" and problem.path})
