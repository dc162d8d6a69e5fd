"""Making a work tree: one at a time, since `git worktree add` races with itself on every version of git."""

import os
import time
from dataclasses import replace
from pathlib import Path

from guard.backoff import backoff
from guard.errors import GuardError
from guard.git import Repo
from guard.owner import this
from guard.worktrees.notes import Note, alone, forget, write

TRIES = 8


def add(repo: Repo, path: Path, branch: str, commit: str, note: Note | None = None) -> Note:
    """Make a work tree at `path`, with the new branch at `commit` checked out; returns its note.

    `note` says more of it (kind, owner, frame, stream). Raises `GuardError` where the folder or the branch is there
    already, and where git cannot do it: nothing is left of it then.
    """
    wanted = replace(note or Note("", "", ""), path=str(path), branch=branch, tip=commit)
    said = ""
    words = ("worktree", "add", "--quiet", "--no-track", "-b", branch, "--", str(path), commit)
    for wait in backoff(TRIES):
        with alone(repo):
            _free(repo, path, branch)
            write(repo, replace(wanted, state="making", owner=this()))
            done = repo.call(*words, check=False)
            if done.returncode == 0:
                made = replace(wanted, state="made")
                write(repo, made)
                return made
            said = done.stderr.decode(errors="replace").strip()
            if path.exists():
                break
            repo.call("worktree", "prune", check=False)  # what is left of it would make the next try fail
            if repo.resolve(f"refs/heads/{branch}") == commit:
                repo.call("update-ref", "-d", f"refs/heads/{branch}", commit, check=False)
            forget(repo, path)
        time.sleep(wait)
    raise GuardError("git", f"the work tree {path} could not be made: {said}", "", "guard worktree list")


def _free(repo: Repo, path: Path, branch: str) -> None:
    """Raise `GuardError` where the folder or the branch is there: its note is not to be written over either."""
    if os.path.lexists(path):
        raise GuardError("usage", f"{path} is there already", "a work tree needs a folder of its own", f"ls {path}")
    if repo.resolve(f"refs/heads/{branch}") is not None:
        raise GuardError(
            "usage", f"there is a branch {branch} already", "its commits are somebody's", f"git log {branch}"
        )
