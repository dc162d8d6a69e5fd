"""pre-commit and pre-merge-commit: the index is judged before it becomes a commit."""

import os
from collections.abc import Sequence

from guard.change import Bulk
from guard.commandline import verdict
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import framework, surroundings
from guard.hooks.watch import current_policy
from guard.judge import judge, rules
from guard.observe import index as staging


def bulk(repo: Repo, command: Sequence[str]) -> Bulk | None:
    """How what is committed was written, where that was in bulk: named paths are taken by themselves."""
    asked = verdict(command)
    if asked == "commit-all":
        return Bulk("git commit -a")
    return None if asked == "commit-paths" or _named(repo) else staging.bulk(repo)


def _named(repo: Repo) -> bool:
    """Whether the index is the private one of a `guard commit`, which holds named paths alone."""
    index = os.environ.get("GIT_INDEX_FILE", "")
    return os.path.realpath(index).startswith(os.path.realpath(repo.git_dir / "guard" / "commits") + os.sep)


def before_merge(repo: Repo, arguments: Sequence[str], as_json: bool) -> int:
    """pre-merge-commit: git merge has not yet written down what it merges, but says so in the environment."""
    return before_commit(repo, arguments, as_json, [name[8:] for name in os.environ if name.startswith("GITHEAD_")])


def before_commit(repo: Repo, arguments: Sequence[str], as_json: bool, others: Sequence[str] = ()) -> int:
    """Judge what is staged, by the rules that `--rule CODE,CODE` names, or by all.

    `others` are the commits that are merged, where nothing else says so.
    """
    codes = _codes(arguments)
    folder = surroundings.folder(repo)
    policy = current_policy(repo, folder)
    framework.warn_of_parking(repo, policy, folder)
    allowed = surroundings.allowance(policy)
    command = surroundings.command()
    change = staging.staged(repo, policy, index=os.environ.get("GIT_INDEX_FILE"), command=command, others=others)
    change.bulk = bulk(repo, command)
    if _named(repo):  # it was made from HEAD just now
        change.undoes = lambda _file: ""
    findings = judge(change, policy, codes=codes, parts=("content",), allowed=allowed)
    for finding in findings if others else ():  # git waits in the midst of it
        finding.fix = finding.fix if finding.unread else "git merge --abort"
    if not findings and not codes:
        from guard.neighbours import moved  # loaded by the rules already

        moved(repo).unlink(missing_ok=True)  # nothing in this index takes anything back
    return surroundings.tell(findings, len(change.files), as_json=as_json)


def _codes(arguments: Sequence[str]) -> list[str]:
    """The codes after `--rule`; a code that no rule has is an error, because nothing would be judged."""
    if not arguments:
        return []
    codes = arguments[1].upper().split(",") if arguments[0] == "--rule" and len(arguments) == 2 else []
    known = {rule.code for rule in rules() if rule.part == "content"} if codes else set()
    if not codes or not known.issuperset(codes):
        said = " ".join(arguments)
        raise GuardError("usage", f"guard-hook pre-commit cannot do {said}", "", "guard-hook pre-commit --rule G101")
    return codes
