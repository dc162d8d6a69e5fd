"""pre-commit and pre-merge-commit: the index is judged before it becomes a commit."""

import os
from collections.abc import Sequence

from guard import observe
from guard.change import Bulk
from guard.commandline import verdict
from guard.git import Repo
from guard.hooks import surroundings
from guard.hooks.watch import current_policy
from guard.judge import judge


def before_commit(_arguments: Sequence[str], as_json: bool) -> int:
    """Judge what is staged."""
    repo = Repo()
    if not surroundings.installed(repo):
        return 0
    folder = surroundings.folder(repo)
    policy = current_policy(repo, folder)
    allowed = surroundings.allowance(policy)
    command = surroundings.command()
    change = observe.staged(repo, policy, index=os.environ.get("GIT_INDEX_FILE"), command=command)
    if verdict(command) == "commit-all":
        change.bulk = Bulk("git commit -a")
    findings = judge(change, policy, parts=("content",), allowed=allowed)
    if not findings and "G201" in allowed:
        (folder / "bulk").unlink(missing_ok=True)  # let pass, once
    repo.close()
    return surroundings.tell(findings, len(change.files), as_json=as_json)
