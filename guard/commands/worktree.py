"""`guard worktree`: work trees of one's own, whose each is, and their end."""

import os
import shlex
import time
from dataclasses import replace
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.owner import process
from guard.plan import policy_at
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report, number
from guard.worktrees import inputs, salvage
from guard.worktrees.add import add as make
from guard.worktrees.notes import Note, write
from guard.worktrees.remove import Kept, Removed, remove
from guard.worktrees.remove import sweep as swept
from guard.worktrees.trees import Tree, find, life, trees

_COLUMNS = ("work tree", "branch", "whose", "quiet", "holds")


def add(repo: Repo, path: Path, branch: str, at: str, owner: int | None, report: Report) -> int:
    """Make a work tree of the hub's newest commit, or of `at`, with the inputs that guard.toml declares."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    held = process(owner) if owner is not None else None
    if owner is not None and held is None:
        why = "the work tree would be swept as soon as it is made"
        raise GuardError("usage", f"there is no process {owner}", why, "--owner $$ in a script, or none")
    path = Path(os.path.abspath(path))  # noqa: PTH100 - a symlink is where people put it
    branch = branch or path.name
    if repo.call("check-ref-format", "--branch", branch, check=False).returncode != 0:
        raise GuardError("usage", f"{branch} cannot name a branch", "", "--branch NAME")
    with report.working(f"making {path}"):
        tip = named(repo, policy, at)
        note = prepared(repo, policy, path, branch, tip, Note("", "", "", owner=held))
    report.say(f"{path} is at {tip[:12]}, branch {branch}")
    if note.copied:
        report.say(f"  copied and compared: {', '.join(note.copied)}")
    report.say(f"  when it is done: guard worktree remove {shlex.quote(str(path))}")
    value = {"path": str(path), "branch": branch, "commit": tip, "copied": dict(note.copied), "exit": 0}
    report.result(value)
    return 0


def named(repo: Repo, policy: Policy, at: str) -> str:
    """The commit that a work tree is to be at; by default the hub's newest."""
    tip = repo.resolve(at) if at else hub(repo, policy, ()).read().tip
    if tip is None:
        what = f"there is no commit {at}" if at else "there is no commit yet to work on"
        raise GuardError("usage", what, "a work tree is one of a commit", "git log, or git commit")
    return tip


def prepared(repo: Repo, policy: Policy, path: Path, branch: str, tip: str, note: Note) -> Note:
    """Make a work tree with its declared inputs; where one of these is missing, there is no work tree either."""
    top = repo.top() if policy.copy else path  # a bare repository has nothing to copy from, and that is an error
    wanted = inputs.found(top, policy.copy)
    made = make(repo, path, branch, tip, note)
    if not wanted:
        return made
    try:
        made = replace(made, copied=inputs.copy(top, path, wanted))
    except GuardError:
        remove(repo, policy, find(repo, path), {each: inputs.digest(path / each) or "" for each in wanted})
        raise
    write(repo, made)
    return made


def show(repo: Repo, report: Report) -> int:
    """List the linked work trees: whose, how long nothing was heard of it, and what it holds that is nowhere else."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    found = [(tree, *life(repo, policy, tree), _holds(repo, policy, tree)) for tree in trees(repo)]
    rows = [(str(tree.path), tree.branch, f"{state}: {why}", _quiet(tree), holds) for tree, state, why, holds in found]
    report.table(_COLUMNS, rows)
    if not rows:
        report.say("there is no linked work tree")
    value = [
        {
            "path": str(tree.path),
            "branch": tree.branch,
            "state": state,
            "why": why,
            "seen": int(tree.seen),
            "holds": holds,
        }
        for tree, state, why, holds in found
    ]
    report.result({"worktrees": value, "exit": 0})
    return 0


def _holds(repo: Repo, policy: Policy, tree: Tree) -> str:
    if tree.git_dir is None:
        return "its folder is gone"
    try:
        return salvage.look(repo, policy, tree.place()).words() or "nothing that is not elsewhere"
    except GuardError as error:
        return error.what


def _quiet(tree: Tree) -> str:
    return f"{max(0, int(time.time() - tree.seen) // 60)} min"


def take_away(repo: Repo, paths: list[Path], report: Report) -> int:
    """Remove work trees; what they hold and nobody else has goes under rescue refs first, which are named."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    found = [find(repo, path) for path in paths]
    own = os.path.realpath(repo.git_dir)
    for tree in found:
        if tree.git_dir is not None and os.path.realpath(tree.git_dir) == own:
            main = repo.common_dir.parent if repo.common_dir.name == ".git" else repo.common_dir
            fix = f"cd {shlex.quote(str(main))} && guard worktree remove {shlex.quote(str(tree.path))}"
            raise GuardError("usage", f"{tree.path} is where this command runs", "it would stand on nothing", fix)
    done = [remove(repo, policy, tree) for tree in found]
    removed = [each for each in done if isinstance(each, Removed)]
    return _told([each for each in done if isinstance(each, Kept)], removed, report, refused=2)


def sweep(repo: Repo, report: Report, *, rescue: bool) -> int:
    """Remove what nobody has any more and what holds nothing of its own; list the rest with the reason."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    with report.working("sweeping work trees"):
        removed, kept = swept(repo, policy, rescue=rescue)
    if not removed and not kept:
        report.say("nothing to sweep")
    return _told(kept, removed, report, refused=0)


def _told(kept: list[Kept], removed: list[Removed], report: Report, *, refused: int) -> int:
    """Say what is gone and what stays; returns 0, or `refused` where something stays."""
    tell(removed, kept, report)
    if len(removed) > 1:
        report.say(f"{number(len(removed), 'work tree')} removed, {len(kept)} left")
    code = refused if kept else 0
    value = {"removed": [each.__dict__ for each in removed], "kept": [each.__dict__ for each in kept], "exit": code}
    report.result(value)
    return code


def tell(removed: list[Removed], kept: list[Kept], report: Report) -> None:
    """A line for each work tree, with the refs that keep what it held."""
    for each in removed:
        branch = f" and branch {each.branch}" if each.branch else ""
        report.say(f"removed: {each.path}{branch}")
        for ref in each.rescue:
            report.say(f"  kept as {ref}: git log -p --first-parent -1 {ref}")
    for left in kept:
        report.say(f"left: {left.path}: {left.reason}")
        if left.fix:
            report.say(f"  fix: {left.fix}")
