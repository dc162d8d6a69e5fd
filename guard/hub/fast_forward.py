"""A branch that is checked out goes forward as `git merge --ff-only` takes it, with no uncommitted byte at risk."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable

from guard.errors import GuardError
from guard.git import Repo, failure
from guard.hub.hub import Verdict


def _in_the_way(names: list[str]) -> GuardError:
    return GuardError(
        "state",
        f"uncommitted changes are in the way: {', '.join(names)}",
        "what is published changes these files too, and what is not committed would be gone; nothing was changed",
        f"guard commit -m 'what: why' {names[0]}; or, for state, move your edit into a delta, then git restore --staged"
        f" --worktree -- {names[0]}",
    )


def fast_forward(
    repo: Repo,
    old: str | None,
    new: str,
    *,
    action: str = "guard merge",
    cut_off: bool = True,
    in_the_way: Callable[[list[str]], GuardError] = _in_the_way,
) -> tuple[Verdict, str]:
    """Take a checked-out branch forward; files that somebody changed and the move does not touch stay as they are.

    With `cut_off`, files that hold the beginning of what comes are taken for those of a run that was cut off, and
    completed. `action` is for the reflog. Raises the error that `in_the_way` makes of the names of files that git would
    have to overwrite; nothing was changed then.
    """
    done = _ff_only(repo, new, action)
    if cut_off and done.returncode != 0 and _finish_interrupted(repo, old, new, _overwritten(done.stderr)):
        done = _ff_only(repo, new, action)
    if done.returncode == 0:
        return "won", ""
    said = done.stderr.decode(errors="replace").strip()
    names = _overwritten(done.stderr)
    if names and repo.resolve("HEAD") == old:
        raise in_the_way(names)
    if names:  # somebody else took the branch forward meanwhile, and what is in the way is theirs
        return "lost", said
    if old is not None and _put_back(repo, old, new):
        raise GuardError(
            "git", f"git did not move the branch: {said}", "index and files are as they were", "see what a hook said"
        )
    if "index.lock" in said:
        return "lost", said
    if "fast-forward" in said or "cannot lock ref" in said:
        return "lost", said
    raise failure(("merge", "--no-squash", "--commit", "--ff-only", new), done.returncode, said)


def _put_back(repo: Repo, old: str, new: str) -> bool:
    """Take index and files back where git moved them to `new` and then not the branch, because a hook refused it.

    Returns whether that was so. Uncommitted changes of other files stay as they are.
    """
    paths = [change.path for change in repo.changes(old, new)]
    moved = repo.call("diff-index", "--cached", "--quiet", new, "--", *paths, check=False).returncode == 0
    if not moved or not paths or repo.resolve("HEAD") != old:
        return False
    repo.run("read-tree", "-m", "-u", new, old)
    return True


def _ff_only(repo: Repo, new: str, action: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        repo.command(
            "-c",
            "merge.autoStash=false",
            "-c",
            "merge.verifySignatures=false",
            "merge",
            "--no-squash",
            "--commit",
            "--ff-only",
            "--no-overwrite-ignore",  # what is ignored is somebody's all the same
            "--quiet",
            new,
        ),
        capture_output=True,
        env=repo.environment({"GIT_REFLOG_ACTION": action}),
        start_new_session=True,  # who kills us and our children must not cut a checkout in half
        check=False,
    )


_OVERWRITTEN = re.compile(rb"^\t(.+)$", re.MULTILINE)


def _overwritten(said: bytes) -> list[str]:
    """The files that git names as being in the way."""
    return [name.decode(errors="surrogateescape") for name in _OVERWRITTEN.findall(said)]


def _finish_interrupted(repo: Repo, old: str | None, new: str, names: list[str]) -> bool:
    """Complete files that hold what the merge puts there, or its beginning: a run that was cut off wrote them.

    Returns whether that clears the way. No byte is lost, as all of them are in the merge; a file that holds anything
    else, or that somebody staged, is left alone, and with it all the others.
    """
    top = repo.top()
    completed = []
    for name in names:
        path = top / name
        wanted = repo.run("ls-tree", new, "--", name).split()
        before = repo.run("ls-tree", old, "--", name).split() if old else []
        staged = repo.run("ls-files", "--stage", "--", name).split()
        if len(wanted) < 4 or not path.is_file() or (staged and before and staged[1] != before[2]):
            return False
        data = repo.call("cat-file", "blob", wanted[2]).stdout
        if path.is_symlink() or not data.startswith(path.read_bytes()):
            return False
        completed.append((f"{wanted[0]},{wanted[2]},{name}", path, data))
    for entry, path, data in completed:  # the file first: an index that has it complete would hide that it is not
        whole = path.with_name(f"{path.name}.guard-{os.getpid()}")
        whole.write_bytes(data)
        shutil.copymode(path, whole)
        whole.replace(path)
        repo.run("update-index", "--add", "--cacheinfo", entry)
    return bool(completed)
