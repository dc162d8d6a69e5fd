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


def bulk(repo: Repo, command: Sequence[str]) -> Bulk | None:
    """How what is committed was written, where that was in bulk: paths on the command line are taken by themselves."""
    asked = verdict(command)
    if asked == "commit-all":
        return Bulk("git commit -a")
    return None if asked == "commit-paths" else observe.bulk(repo)


def before_merge(arguments: Sequence[str], as_json: bool) -> int:
    """pre-merge-commit: git merge has not yet written down what it merges, but says so in the environment."""
    return before_commit(arguments, as_json, [name[8:] for name in os.environ if name.startswith("GITHEAD_")])


def before_commit(_arguments: Sequence[str], as_json: bool, others: Sequence[str] = ()) -> int:
    """Judge what is staged; `others` are the commits that are merged, where nothing else says so."""
    repo = Repo()
    if not surroundings.installed(repo):
        return 0
    folder = surroundings.folder(repo)
    policy = current_policy(repo, folder)
    allowed = surroundings.allowance(policy)
    command = surroundings.command()
    change = observe.staged(repo, policy, index=os.environ.get("GIT_INDEX_FILE"), command=command, others=others)
    change.bulk = bulk(repo, command)
    findings = judge(change, policy, parts=("content",), allowed=allowed)
    repo.close()
    return surroundings.tell(findings, len(change.files), as_json=as_json)
