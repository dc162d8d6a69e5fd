"""commit-msg judges the message; prepare-commit-msg records in it what was let pass."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from guard.change import Change
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import surroundings
from guard.hooks.watch import current_policy
from guard.identity import session
from guard.judge import judge

SCISSORS = " ------------------------ >8 ------------------------"
"""Below this line of a message, git shows what is committed and takes nothing."""


def judge_message(repo: Repo, arguments: Sequence[str], as_json: bool) -> int:
    """Judge the message in the file that git names."""
    policy = current_policy(repo, surroundings.folder(repo))
    allowed = surroundings.allowance(policy)
    author = f"{os.environ.get('GIT_AUTHOR_NAME', '')} <{os.environ.get('GIT_AUTHOR_EMAIL', '')}>"
    merging = (repo.git_dir / "MERGE_HEAD").exists()
    change = Change(session=_session(repo), message=_message(arguments), author=author, parents=2 if merging else 1)
    findings = judge(change, policy, parts=("message",), allowed=allowed)
    return surroundings.tell(findings, 1, as_json=as_json)


def _session(repo: Repo) -> str:
    """Whose number the subject must have; nobody's while git takes over commits that others may have made."""
    taking = ("CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
    return "" if any((repo.git_dir / name).exists() for name in taking) else session(repo) or ""


def prepare(repo: Repo, arguments: Sequence[str], _as_json: bool) -> int:
    """Add a trailer for every code that GUARD_ALLOW lets pass."""
    allowed = surroundings.allowance(current_policy(repo, surroundings.folder(repo)))
    if allowed and arguments:
        path = os.path.abspath(arguments[0])  # noqa: PTH100 - git runs elsewhere
        repo.call(*recording(allowed), "--in-place", path)
    return 0


def recording(allowed: Mapping[str, str]) -> list[str]:
    """The words of git that put what is let pass into a message, once."""
    trailers = [f"--trailer=Guard-Allow: {code} {reason}" for code, reason in allowed.items()]
    return ["interpret-trailers", "--if-exists=addIfDifferent", *trailers]


def _message(arguments: Sequence[str]) -> str:
    try:
        text = Path(arguments[0]).read_text(encoding="utf-8", errors="surrogateescape")
    except (IndexError, OSError) as error:
        raise GuardError("usage", f"the commit message cannot be read: {error}") from None
    return text.partition(SCISSORS)[0]
