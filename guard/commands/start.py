"""`guard start`: a number of one's own, and on request a work tree of one's own."""

import os
import re
import shlex
from pathlib import Path

from guard import identity
from guard.commands.claim import desk, record
from guard.commands.worktree import prepared, tell
from guard.errors import GuardError
from guard.git import Repo
from guard.policy import Policy
from guard.records import board, index, notes, numbers
from guard.report import Report
from guard.worktrees.notes import Note
from guard.worktrees.remove import sweep

_SUBJECT = re.compile(r"\[S([0-9]{1,9})\] ", re.ASCII)
RECENT = 500
"""So many of the newest commits are asked for session numbers, where a fleet numbered its sessions before guard."""


def run(repo: Repo, report: Report, *, worktree: bool) -> int:
    """Allocate the session's number, record it for this work tree or for a new one, and say what comes next."""
    if repo.bare:
        raise GuardError("usage", "a session works in a clone with a work tree", "this repository is bare", "git clone")
    top = repo.top()

    def place(name: str) -> tuple[str, str]:
        return (name.lower(), str(top.with_name(f"{top.name}-{name}"))) if worktree else ("", str(top))

    at = desk(repo, "S0", report)
    tell(sweep(repo, at.policy)[0], [], report)  # what cannot go is `guard worktree sweep` to list
    recorder, at.recorder = at.recorder, None
    session = at.start(lambda tip: highest(repo, at.policy, tip), place)
    name, folder = session.session, Path(session.worktree)
    if worktree:
        tip = repo.resolve(f"refs/remotes/{at.policy.remote}/{at.policy.branch}") if at.place.atomic else None
        tip = tip or repo.resolve(f"refs/heads/{at.policy.branch}") or repo.resolve("HEAD")
        if tip is None:
            raise GuardError("git", "there is no commit yet to work on", f"{name} is yours all the same", "git commit")
        prepared(repo, at.policy, folder, session.branch, tip, Note("", "", ""))
    earlier = identity.recorded(Repo(folder))
    identity.record(Repo(folder), name)
    if recorder is not None:
        recorder.session, recorder.prune, at.recorder = name, True, recorder
        record(at, report)
    _tell(report, name, session.expires, folder, earlier, worktree=worktree)
    value = {"session": name, "worktree": str(folder), "branch": session.branch, "expires": session.expires, "exit": 0}
    report.result(value)
    return 0


def _tell(report: Report, name: str, expires: str, folder: Path, earlier: str | None, *, worktree: bool) -> None:
    report.say(f"{name} is yours until {expires}; every guard command of {name} renews it")
    given = os.environ.get(identity.VARIABLE, "").strip()
    if given and identity.normal(given) != name:
        report.say(
            f"  {identity.VARIABLE}={given} is set in this shell and comes first: export {identity.VARIABLE}={name}"
        )
    elif earlier is not None and not worktree:
        report.say(f"  {earlier} was at work in this tree: who shares it says export {identity.VARIABLE}={name}")
    if worktree:
        report.say(f"  next: cd {shlex.quote(str(folder))} && guard orient")
    else:
        report.say("  next: guard orient")


def highest(repo: Repo, policy: Policy, tip: str | None) -> int:
    """The highest session number that the state branch knows of: in its records and its newest subjects."""
    if tip is None:
        return 0
    found = {0}
    for row in board.rows(repo.reader.read(f"{tip}:{policy.board}") or b""):
        found |= numbers.session_numbers(row.session)
    found |= index.numbers(repo.reader.read(f"{tip}:{policy.sessions}"))
    found |= {each.session or 0 for each in notes.sections(repo.reader.read(f"{tip}:{policy.notes}"))}
    for line in repo.log(f"--max-count={RECENT}", "--format=%s", tip):
        match = _SUBJECT.match(line.decode(errors="replace"))
        if match:
            found.add(int(match[1]))
    return max(found)
