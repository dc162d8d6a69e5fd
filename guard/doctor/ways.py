"""The ways around the hooks that are known, each as somebody would go it."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from guard.doctor.arena import AWAY, MESSAGE, Arena
from guard.doctor.scratch import NO_HOOKS
from guard.errors import GuardError
from guard.git.importer import write_commit
from guard.hooks import HOOKS, registered
from guard.plan import Tree, frame_counter, work_out
from guard.policy import FILE
from guard.verify.recompute import newest_merge


class NotTriedError(Exception):
    """This repository lacks what a way needs."""


@dataclass(frozen=True)
class Way:
    """A way around: what it is, how it is gone, whether hooks are there to refuse it, what an agent would type.

    `attempt` returns the repository whose state branch it means to move, None for the clone.
    """

    how: str
    attempt: Callable[[Arena], Path | None]
    by_hooks: bool = False
    command: str = ""


def _by(*words: str, message: str = MESSAGE, **env: str) -> Callable[[Arena], Path | None]:
    def attempt(made: Arena) -> None:
        made.commit(*words, env=env, message=message)

    return attempt


def _plumbing(made: Arena) -> None:
    made.git("update-ref", made.ref, made.unseen())


def _imported(made: Arena) -> None:
    who = "guard doctor <doctor@guard.invalid> 1767600000 +0000"
    head = f"commit {made.ref}\nauthor {who}\ncommitter {who}\ndata {len(MESSAGE)}\n{MESSAGE}\nfrom {made.base}\n"
    body = f"M 100644 inline {made.path}\ndata {len(made.wiped)}\n".encode() + made.wiped + b"\n"
    made.git("fast-import", "--quiet", "--force", data=head.encode() + body)


def _renamed(made: Arena) -> None:
    git = shutil.which("git")
    words = ["x", "-C", str(made.top), "commit", "-q", "--no-verify", "-m", MESSAGE]
    subprocess.run(words, executable=git, env={**os.environ, **made.env}, capture_output=True, check=False)


def _trapped(made: Arena) -> None:
    script = "trap '' TERM; git commit -q --no-verify -m \"$0\""
    words = ["sh", "-c", script, MESSAGE]
    subprocess.run(words, cwd=made.top, env={**os.environ, **made.env}, capture_output=True, check=False)


def _dropped(made: Arena) -> None:
    """`merge -s ours` of an upstream that has merged a delta meanwhile; not tried where none can be merged."""
    frame = max(frame_counter(Tree(made.repo, made.base), made.policy.laws), 0) + 1
    name = f"frame-{frame}-doctor.json"
    value = {
        "frame": frame,
        "stream_id": "doctor",
        "completed_at": "2026-01-01T00:00:00Z",
        "agents_activated": ["doctor"],
    }
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    blob = made.git("hash-object", "-w", "--stdin", data=json.dumps(value).encode())
    made.git(*NO_HOOKS, "update-index", "--add", "--cacheinfo", f"100644,{blob},{made.policy.inbox}{name}")
    delivered = made.unseen()
    try:
        plan = work_out(
            made.repo, delivered, made.policy, newest_merge(made.repo, made.policy, delivered), [], None, {}
        )
    except GuardError:
        raise NotTriedError from None
    if plan is None:
        raise NotTriedError
    upstream = write_commit(made.repo, plan.commit(), "refs/guard/merged/candidate")
    made.git(*NO_HOOKS, "update-ref", f"refs/remotes/origin/{made.policy.branch}", upstream)
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    own = made.git("commit-tree", f"{made.base}^{{tree}}", "-p", made.base, "-m", MESSAGE)
    made.git(*NO_HOOKS, "update-ref", made.ref, own)
    made.git("merge", "-q", "--no-verify", "-s", "ours", "-m", "Merge upstream", upstream)
    if made.git("rev-parse", made.ref) == own:
        made.git(*NO_HOOKS, "update-ref", made.ref, made.base)
    else:
        made.old = upstream


def _configured(made: Arena) -> None:
    made.git("config", "core.hooksPath", os.devnull)
    made.commit()
    made.git("config", "--unset-all", "core.hooksPath")


def _by_global(made: Arena) -> None:
    file = made.root / "global"
    file.write_text(f"[core]\n\thooksPath = {os.devnull}\n", encoding="utf-8")
    made.commit(env={"GIT_CONFIG_GLOBAL": str(file)})


def _lame(made: Arena) -> None:
    folder = made.repo.git_dir / "hooks"
    there = [folder / name for name in HOOKS if (folder / name).exists()]
    modes = {path: path.stat().st_mode for path in there}
    for path in there:
        path.chmod(0o644)
    made.commit()
    for path, mode in modes.items():
        path.chmod(mode)


def _moved(made: Arena) -> None:
    folder, away = made.repo.git_dir / "hooks", made.repo.git_dir / "hooks.away"
    folder.rename(away)
    made.commit()
    away.rename(folder)


def _library(made: Arena) -> None:
    import git  # GitPython: only this needs it

    repo = git.Repo(made.top)
    who = git.Actor("guard doctor", "doctor@guard.invalid")
    try:
        repo.index.commit(MESSAGE, author=who, committer=who, skip_hooks=True)
    except (git.exc.GitError, OSError, ValueError):
        pass  # as with a format of refs that it does not know: then this way is closed
    finally:
        repo.close()


def _by_hand(made: Arena) -> None:
    file = made.repo.git_dir / made.ref
    if file.parent.is_dir():  # not where refs are kept in tables
        file.write_text(f"{made.unseen()}\n", encoding="utf-8")


def _copied(made: Arena) -> Path:
    copy = made.root / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made.repo.git_dir, copy / ".git", ignore=shutil.ignore_patterns("hooks"))
    made.run(copy, *NO_HOOKS, "commit", "-q", "-m", MESSAGE)
    return copy


def _cloned(made: Arena) -> Path:
    clone = made.root / "fresh"
    shutil.rmtree(clone, ignore_errors=True)
    made.run(made.root, "clone", "-q", "--no-checkout", "--template=", str(made.hub), str(clone))
    made.run(clone, "read-tree", made.base)
    (clone / made.path).parent.mkdir(parents=True, exist_ok=True)
    (clone / made.path).write_bytes(made.wiped)
    made.run(clone, "add", "-f", "--", made.path)
    made.run(clone, "commit", "-q", "-m", MESSAGE)
    return clone


def _pushed(made: Arena) -> Path:
    made.git("push", "-q", "--no-verify", "origin", f"{made.unseen()}:{made.ref}")
    return made.hub


def _laundered(made: Arena) -> Path:
    bad = made.unseen()
    made.git("push", "-q", "--no-verify", "origin", f"{bad}:refs/heads/doctor/side")
    join = made.git(
        "commit-tree", made.git("rev-parse", f"{bad}^{{tree}}"), "-p", made.base, "-p", bad, "-m", "Merge side"
    )
    made.git("push", "-q", "--no-verify", "origin", f"{join}:{made.ref}")
    return made.hub


def _touched(made: Arena) -> None:
    made.commit(*AWAY, *registered.OFF)
    made.git(*NO_HOOKS, "revert", "--no-edit", "HEAD")


def _taken_back(made: Arena) -> Path:
    parent = made.git("rev-parse", "--verify", "-q", f"{made.base}^")
    if not parent:
        raise NotTriedError
    made.git("push", "-q", "--force", "--no-verify", "origin", f"{parent}:{made.ref}")
    return made.hub


def _emptied(made: Arena) -> None:
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    blob = made.git("rev-parse", "--verify", "-q", f"{made.base}:{FILE}")
    made.git(*NO_HOOKS, "read-tree", "--empty")
    if blob:
        made.git(*NO_HOOKS, "update-index", "--add", "--cacheinfo", f"100644,{blob},{FILE}")
    made.commit(*AWAY, *registered.OFF)


_PATH = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": os.devnull}
_FORGED = f"{MESSAGE}\n\nGuard-Merge: frames=1 close=1 deltas=0 digest={'0' * 64} engine=1"
_OFF = "git -c core.hooksPath=/dev/null commit"

WAYS = (
    Way("git commit", _by(), True),
    Way("git commit --no-verify", _by("--no-verify"), True, "git commit --no-verify -m x"),
    Way("git commit-tree, git update-ref", _plumbing, True),
    Way("git fast-import", _imported, True),
    Way("a git under another name (exec -a)", _renamed, True, "bash -c 'exec -a x git commit -n -m x'"),
    Way("trap '' TERM, then git commit --no-verify", _trapped, True, "trap '' TERM; git commit -n -m x"),
    Way("variables that say it is the merge job", _by(GUARD_MERGE_JOB="1", GUARD_ALLOW="G101 the merge job"), True),
    Way("a message that says it is a merge", _by("--no-verify", message=_FORGED), True, "git commit -n -m x"),
    Way("git merge -s ours, over newer state", _dropped, True, "git merge --no-verify -s ours origin/BRANCH"),
    Way(_OFF, _by(*AWAY), command=f"{_OFF} -m x"),
    Way("git -c core.hooksPath= commit", _by("-c", "core.hooksPath="), command="git -c core.hooksPath= commit -m x"),
    Way("the same with -c hook.guard-NAME.enabled=false", _by(*AWAY, *registered.OFF), command=f"{_OFF} -m x"),
    Way(
        "GIT_CONFIG_COUNT with core.hooksPath",
        _by(**_PATH),
        command="GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null git commit -m x",
    ),
    Way(
        "GIT_CONFIG_PARAMETERS with core.hooksPath",
        _by(GIT_CONFIG_PARAMETERS="'core.hooksPath=/dev/null'"),
        command="GIT_CONFIG_PARAMETERS=\"'core.hooksPath=/dev/null'\" git commit -m x",
    ),
    Way("core.hooksPath in a global configuration", _by_global, command="git config --global core.hooksPath /dev/null"),
    Way("core.hooksPath in .git/config", _configured, command="git config core.hooksPath /dev/null"),
    Way("hooks that are not executable", _lame, command="chmod -x .git/hooks/*"),
    Way("the hooks' folder moved away", _moved, command="mv .git/hooks .git/hooks.away"),
    Way("GitPython, index.commit(skip_hooks=True)", _library),
    Way("a ref written as a file", _by_hand, command="echo 1 >.git/refs/heads/BRANCH"),
    Way("a copy of .git without its hooks", _copied),
    Way("a clone without guard install", _cloned),
    Way("a commit of no branch, pushed by its id", _pushed, command="git push --no-verify origin 1234567:BRANCH"),
    Way("pushed to a side branch first, then joined", _laundered, command="git push --no-verify origin side:BRANCH"),
    Way("an edit and its revert, past the hooks", _touched, command=f"{_OFF} -m x"),
    Way("git push --force of an older state", _taken_back, command="git push --force origin HEAD~1:BRANCH"),
    Way("everything deleted in one commit, past the hooks", _emptied, command=f"{_OFF} -m x"),
)
