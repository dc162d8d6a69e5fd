"""Work trees of one's own: made one at a time, since `git worktree add` races with itself on every version of git."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.publish import backoff

TRIES = 8


@contextlib.contextmanager
def alone(repo: Repo) -> Iterator[None]:
    """While inside, nobody else in this repository makes or removes a work tree; a process that dies lets go."""
    folder = repo.common_dir / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worktrees.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def add(repo: Repo, path: Path, branch: str, commit: str) -> None:
    """Make a work tree at `path`, with the new branch at `commit` checked out.

    Raises `GuardError` where the folder or the branch is there already, and where git cannot do it: nothing is left
    of it then.
    """
    if path.exists():
        raise GuardError("usage", f"{path} is there already", "a work tree needs a folder of its own", f"ls {path}")
    if repo.resolve(f"refs/heads/{branch}") is not None:
        raise GuardError(
            "usage", f"there is a branch {branch} already", "its commits are somebody's", f"git log {branch}"
        )
    said = ""
    for wait in backoff(TRIES):
        with alone(repo):
            done = repo.call(
                "worktree", "add", "--quiet", "--no-track", "-b", branch, "--", str(path), commit, check=False
            )
            if done.returncode == 0:
                return
            said = done.stderr.decode(errors="replace").strip()
            if not path.exists():  # what is left of it would make the next try fail
                repo.call("worktree", "prune", check=False)
                if repo.resolve(f"refs/heads/{branch}") == commit:
                    repo.call("update-ref", "-d", f"refs/heads/{branch}", commit, check=False)
        time.sleep(wait)
    raise GuardError("git", f"the work tree {path} could not be made: {said}", "", "git worktree list")
