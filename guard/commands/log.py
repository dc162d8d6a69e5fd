"""`guard log`: what sessions did, by the exact number in the subjects of their commits."""

import re
from typing import Any

from guard import identity
from guard.commands.claim import known
from guard.errors import GuardError
from guard.git import Repo
from guard.leases.seen import of_sessions
from guard.report import Report, number

_SPAN = re.compile(r"[Ss]?([1-9][0-9]{0,8})(?:(?:-|\.\.)[Ss]?([1-9][0-9]{0,8}))?\Z", re.ASCII)
_SUBJECT = re.compile(r"\[S([1-9][0-9]{0,8})\] ", re.ASCII)
_AT_ONCE = 500


def run(repo: Repo, span: str | None, report: Report) -> int:
    """Show the commits, files and lanes of some sessions; by default of the one at work here."""
    numbers = _numbers(span or identity.needed(repo))
    policy, snapshot, _, _ = known(repo, report)
    commits = _commits(repo, snapshot.tip, numbers)
    files = _files(repo, [commit for _, commit, _, _ in commits])
    lanes = of_sessions(repo.reader.read(f"{snapshot.tip}:{policy.board}"), numbers)
    names = sorted({session for session, *_ in commits} | lanes.keys(), key=lambda name: int(name[1:]))
    value: list[dict[str, Any]] = []
    for name in names:
        mine = [
            {"commit": commit, "date": date, "subject": subject, "files": files.get(commit, [])}
            for session, commit, date, subject in commits
            if session == name
        ]
        own = [{"lane": lane, "state": state} for lane, state in lanes.get(name, [])]
        value.append({"session": name, "lanes": own, "commits": mine})
        _tell(report, value[-1])
    if not names:
        report.say(f"no commit and no lane of {_spelled(numbers)}")
    report.result({"sessions": value, "exit": 0})
    return 0


def _numbers(span: str) -> range:
    match = _SPAN.match(span.strip())
    if match is None:
        raise GuardError("usage", f"{span!r} is neither a session nor a range of them", "", "guard log S150-S159")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise GuardError("usage", f"{span} ends before it begins", "", f"guard log S{last}-S{first}")
    return range(first, last + 1)


def _spelled(numbers: range) -> str:
    return f"S{numbers[0]}" if len(numbers) == 1 else f"S{numbers[0]} to S{numbers[-1]}"


def _commits(repo: Repo, tip: str | None, numbers: range) -> list[tuple[str, str, str, str]]:
    """(session, commit, date, subject) of every commit on a branch here or as last fetched, oldest first."""
    found = []
    starts = [tip] if tip else []
    words = ("--reverse", "--topo-order", "--grep=^\\[S[0-9]", "--format=%H%x01%cI%x01%s", "--branches", "--remotes")
    for record in repo.log(*words, *starts):
        commit, date, subject = record.decode(errors="replace").strip("\n").split("\x01", 2)
        match = _SUBJECT.match(subject)
        if match and int(match[1]) in numbers:
            found.append((f"S{match[1]}", commit, date, subject))
    return found


def _files(repo: Repo, commits: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start in range(0, len(commits), _AT_ONCE):
        for commit, _, changes in repo.history("--no-walk=unsorted", *commits[start : start + _AT_ONCE]):
            found[commit] = sorted({change.path for change in changes})
    return found


def _tell(report: Report, session: dict[str, Any]) -> None:
    lanes = ", ".join(f"{each['lane']} ({each['state']})" for each in session["lanes"])
    report.say(
        f"{session['session']}: {number(len(session['commits']), 'commit')}" + (f"; lanes {lanes}" if lanes else "")
    )
    for each in session["commits"]:
        report.say(f"  {each['commit'][:12]} {each['date'][:10]} {each['subject']}")
        for path in each["files"]:
            report.say(f"      {path}")
