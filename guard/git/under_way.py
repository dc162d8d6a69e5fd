"""What was begun in a work tree and not ended: a merge, a rebase and the like."""

from guard.errors import GuardError
from guard.git import Repo

_KEPT = (
    *(("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")),
    *(("rebase-merge", "rebase"), ("rebase-apply/applying", "am"), ("rebase-apply", "rebase")),
)
"""What git keeps in a work tree's folder meanwhile."""


def under_way(repo: Repo) -> str | None:
    """What is under way here: `merge`, `cherry-pick`, `revert`, `rebase` or `am`."""
    return next((what for name, what in _KEPT if (repo.git_dir / name).exists()), None)


def refuse_under_way(repo: Repo, why: str) -> None:
    """Raise `GuardError` where something is under way."""
    what = under_way(repo)
    if what is not None:
        fix = f"git {what} --continue, or git {what} --abort"
        raise GuardError("state", f"a {what} is under way here", why, fix)
