"""Deltas that exist here and that no merge can see yet: uncommitted, or committed and not pushed."""

import shlex
from pathlib import Path

from guard.git import Repo
from guard.policy import Policy
from merge.delta import is_candidate


def undelivered(repo: Repo, policy: Policy, tip: str | None) -> list[str]:
    """A sentence for each kind that there is, with the command that delivers it."""
    found = []
    uncommitted = [] if repo.bare else _uncommitted(repo, policy)
    if uncommitted:
        files = " ".join(map(shlex.quote, uncommitted))
        away = "" if Path.cwd() == repo.top() else f"cd {shlex.quote(str(repo.top()))} && "
        deliver = _deliver(repo, policy, tip)
        found.append(
            f"not merged, because not committed: {_some(uncommitted)}\n"
            f"  fix: {away}git add -- {files} && git commit -m 'deltas' -- {files}{' && ' if deliver else ''}{deliver}"
        )
    unpushed = _unpushed(repo, policy, tip)
    if unpushed:
        found.append(
            f"not merged, because committed here and not on {policy.branch}: {_some(unpushed)}\n"
            f"  fix: {_deliver(repo, policy, tip)}"
        )
    return found


def _deliver(repo: Repo, policy: Policy, tip: str | None) -> str:
    """The command that takes commits of this clone to the state branch."""
    branch = repo.call("symbolic-ref", "--quiet", "--short", "HEAD", check=False).stdout.decode().strip()
    remote = repo.config(f"remote.{policy.remote}.url") is not None
    if branch != policy.branch:
        push = f" && git push {policy.remote} {policy.branch}" if remote else ""
        return f"git switch {policy.branch} && git merge --no-edit {shlex.quote(branch or 'HEAD@{1}')}{push}"
    if not remote:
        return ""
    head = repo.resolve("HEAD")
    behind = head is not None and tip is not None and not repo.is_ancestor(tip, head)
    pull = f"git pull --no-rebase --no-edit {policy.remote} {policy.branch} && " if behind else ""
    return f"{pull}git push {policy.remote} {policy.branch}"


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _uncommitted(repo: Repo, policy: Policy) -> list[str]:
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all")
    done = repo.call(*words, "--", f":(top){policy.inbox}", check=False)
    lines = done.stdout.decode(errors="surrogateescape").split("\0")
    changed = [line[3:] for line in lines if line and "D" not in line[:2]]
    return [path for path in changed if is_candidate(path[len(policy.inbox) :])]


def _unpushed(repo: Repo, policy: Policy, tip: str | None) -> list[str]:
    head = repo.resolve("HEAD")
    if head is None or tip is None or head == tip:
        return []
    words = ("log", "-z", "--format=", "--name-only", "--no-renames", "--diff-filter=AM", f"{tip}..{head}")
    changes = repo.run(*words, "--", policy.inbox)
    paths = sorted({path.strip("\n") for path in changes.split("\0")} - {""})
    return [path for path in paths if is_candidate(path[len(policy.inbox) :])]
