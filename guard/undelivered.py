"""What is here and in no history that others see: deltas not committed or not pushed, hand edits not committed."""

import shlex
from pathlib import Path

from guard.git import Repo
from guard.policy import Policy
from merge.names import is_candidate


def undelivered(repo: Repo, policy: Policy, tip: str | None, merge: str | None = None) -> list[str]:
    """A sentence for each kind that there is, with the command that delivers it; `merge` was just made on `tip`."""
    found = []
    uncommitted = [] if repo.bare else _uncommitted(repo, policy)
    if uncommitted:
        files = " ".join(map(shlex.quote, uncommitted))
        commit = f"{_to_top(repo)}git add -- {files} && git commit -m '[S1] inbox: deltas' -- {files}"
        fix = " && ".join(filter(None, (commit, _deliver(repo, policy, tip))))
        found.append(f"not merged, because not committed: {_some(uncommitted)}\n  fix: {fix}")
    unpushed = _unpushed(repo, policy, tip, merge)
    if unpushed:
        found.append(
            f"not merged, because committed here and not on {policy.branch}: {_some(unpushed)}\n"
            f"  fix: {_deliver(repo, policy, tip)}"
        )
    return found


def edited(repo: Repo, policy: Policy) -> list[str]:
    """A sentence about the canonical files of the work tree that differ from HEAD; none before adoption."""
    if repo.bare or policy.baseline is None:
        return []
    paths = [path for _, path in _status(repo, "no", "") if policy.is_canonical(path)]
    if not paths:
        return []
    files = " ".join(map(shlex.quote, paths))
    what = f"not judged, because not committed: canonical files that differ from HEAD: {_some(paths)}"
    why = "only a merge may change them; once committed, this would be a finding"
    show, undo = (
        f"{_to_top(repo)}git {command} -- {files}"
        for command in ("diff HEAD", "restore --source=HEAD --staged --worktree")
    )
    return [f"{what}\n  why: {why}\n  fix: {undo} (undoes it; {show} shows it)"]


def _to_top(repo: Repo) -> str:
    """What goes before a command with paths as git spells them, where we are not at the top."""
    return "" if Path.cwd() == repo.top() else f"cd {shlex.quote(str(repo.top()))} && "


def _deliver(repo: Repo, policy: Policy, tip: str | None) -> str:
    """The command that takes commits of this clone to the state branch."""
    branch = repo.branch()
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
    changed = [path for state, path in _status(repo, "all", policy.inbox) if "D" not in state]
    return [path for path in changed if is_candidate(path[len(policy.inbox) :])]


def _status(repo: Repo, untracked: str, folder: str) -> list[tuple[str, str]]:
    """The (state, path) of what is not committed below a folder."""
    words = ("status", "--porcelain", "-z", f"--untracked-files={untracked}", "--no-renames", "--ignore-submodules=all")
    lines = repo.run(*words, "--", f":(top){folder}", check=False).split("\0")
    return [(line[:2], line[3:]) for line in lines if line]


def _unpushed(repo: Repo, policy: Policy, tip: str | None, merge: str | None) -> list[str]:
    head = repo.resolve("HEAD")
    if head is None or tip is None or head in (tip, merge):  # what a merge takes into the inbox is merged
        return []
    words = ("log", "-z", "--format=", "--name-only", "--no-renames", "--diff-filter=AM", f"{tip}..{head}")
    changes = repo.run(*words, "--", policy.inbox)
    paths = sorted({path.strip("\n") for path in changes.split("\0")} - {""})
    return [path for path in paths if is_candidate(path[len(policy.inbox) :])]
