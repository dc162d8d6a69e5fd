"""What the pre-commit framework (or prek, which does as it does) keeps from the hooks it runs, found out all the same.

It takes unstaged edits out of the tree while hooks run, hands on one ref of a push and none of git's own words.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from guard.commandline import split
from guard.errors import GuardError
from guard.git import Repo
from guard.policy import Policy

_WHOLE = ("--all", "--branches", "--mirror", "--prune", "--tags", "--follow-tags")
"""Options of `git push` with which it may move more than one ref."""

_VALUED = ("-o", "--push-option", "--receive-pack", "--exec", "--repo")
"""Options of `git push` that are followed by a value."""


def running() -> bool:
    """Whether the framework called this hook."""
    return bool(os.environ.get("PRE_COMMIT"))


@cache
def ancestors() -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The processes above this one, nearest first: number and words. Empty where nobody can tell."""
    return tuple(_above(os.getppid()))


def _above(pid: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    for _ in range(16):  # between git and a hook there are three or four
        if pid <= 1:
            return
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
            parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
            yield pid, tuple(map(os.fsdecode, words))
        except (OSError, ValueError, IndexError):
            said = subprocess.run(
                ["ps", "-ww", "-o", "ppid=,command=", "-p", str(pid)], capture_output=True, check=False
            )
            number, *rest = said.stdout.decode(errors="surrogateescape").split() or [""]
            if not number.isdigit():
                return
            parent = int(number)
            yield pid, tuple(rest)
        pid = parent


def command() -> list[str]:
    """The words of the git command behind the framework; empty where there is none."""
    found = next((words for _, words in ancestors() if split(words)[0]), ()) if running() else ()
    return list(found)


# --- a push ----------------------------------------------------------------------------------------------------


def pushed(repo: Repo) -> str:
    """What a push moves, as lines of what git tells its pre-push hook; the framework hands on the first ref alone."""
    name, rest = split(command())
    if name == "push" and _several(repo, rest):
        return _asked_again(repo, rest)
    new = os.environ.get("PRE_COMMIT_TO_REF") or ""
    local = os.environ.get("PRE_COMMIT_LOCAL_BRANCH", "")
    if not new and local:  # a history that is new from its first commit on
        new = repo.resolve(local) or ""
    old = os.environ.get("PRE_COMMIT_FROM_REF", "")
    return f"x {new} {os.environ.get('PRE_COMMIT_REMOTE_BRANCH', '')} {old}" if new else ""


def _several(repo: Repo, rest: list[str]) -> bool:
    names = []
    words = iter(rest)
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif word.startswith(_WHOLE):
            return True
        elif not word.startswith("-"):
            names.append(word)
    if len(names) > 1:
        return len(names) > 2 or "*" in names[1] or names[1] in (":", "+:")
    said = repo.run("config", "--get-regexp", r"^(push\.default|remote\..*\.(push|mirror))$", check=False)
    return any(line != "push.default" and not line.startswith("push.default ") for line in said.splitlines()) or (
        "push.default matching" in said
    )


def _asked_again(repo: Repo, rest: list[str]) -> str:
    """Ask git what its push would move; nothing moves by that."""
    kept = [word for word in rest if word not in ("-q", "--quiet")]
    done = repo.call("push", "--dry-run", "--porcelain", "--no-verify", *kept, check=False)
    if done.returncode not in (0, 1):
        said = done.stderr.decode(errors="replace").strip()
        raise GuardError(
            "network",
            f"git does not say which refs this push moves: {said}",
            "the framework hands on the first of them alone, and the others would go unjudged",
            "push them one by one, or guard install, which hears of all",
        )
    lines = []
    for line in done.stdout.decode(errors="surrogateescape").splitlines():
        flag, _, fields = line.partition("\t")
        what, _, summary = fields.partition("\t")
        source, _, target = what.rpartition(":")
        if flag in (" ", "+", "*") and source:
            old = repo.resolve(summary.split(".")[0]) if ".." in summary else ""
            lines.append(f"x {repo.resolve(source) or ''} {target} {old or repo.null}")
    return "\n".join(lines)


# --- edits that are not staged ---------------------------------------------------------------------------------


def warn_of_parking(repo: Repo, policy: Policy, folder: Path) -> None:
    """Say once per commit that shared files are out of the tree while hooks run, and what that costs."""
    patch = _patch() if running() else None
    if patch is None:
        return
    said = repo.call("apply", "--numstat", "-z", str(patch), check=False).stdout.decode(errors="surrogateescape")
    paths = [line.split("\t", 2)[2] for line in said.split("\0") if line.count("\t") >= 2]
    shared = [path for path in paths if policy.is_canonical(path) or policy.append_only(path) or policy.in_inbox(path)]
    note = folder / "parked"
    commit = next(
        (str(pid) for pid, words in ancestors() if split(words)[0]), patch.name
    )  # it parks for every hook type
    try:
        if not shared or note.read_text(encoding="utf-8") == commit:
            return
    except (OSError, UnicodeDecodeError):
        pass
    names = ", ".join(shared[:3]) + (f" and {len(shared) - 3} more" if len(shared) > 3 else "")
    print(
        f"guard: warning: the framework has taken unstaged edits out of the tree: {ascii(names)[1:-1]}", file=sys.stderr
    )
    print(
        "  why: what others write into these files while hooks run is lost when it puts the edits back", file=sys.stderr
    )
    print("  fix: pre-commit uninstall && guard install, or one worktree for each session", file=sys.stderr)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(commit, encoding="utf-8")
    except OSError:
        pass  # it is said once more, then


def _patch() -> Path | None:
    """Where the framework that runs now keeps what it took out of the tree: it names the file for its process."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    pre_commit = Path(os.environ.get("PRE_COMMIT_HOME") or cache_home / "pre-commit")
    prek = Path(os.environ.get("PREK_HOME") or cache_home / "prek")
    for pid, _ in ancestors():
        for found in (*pre_commit.glob(f"patch*-{pid}"), *(prek / "patches").glob(f"*-{pid}.patch")):
            return found
    return None
