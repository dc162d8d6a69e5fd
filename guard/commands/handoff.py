"""`guard handoff` and `guard lesson`: what a session leaves to those who come after it."""

import shlex
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from guard import identity
from guard.backoff import backoff
from guard.commands.claim import desk, record, said, tell_ended
from guard.errors import GuardError
from guard.git import Repo
from guard.git.transfer import transfer
from guard.leases import keeping, lease
from guard.leases.claims import Desk
from guard.leases.lease import MAX_BODY, MAX_NAME, Lane, Lesson, Session
from guard.leases.recording import section
from guard.leases.refs import found, now, origin
from guard.leases.scopes import covers
from guard.records import lessons, notes
from guard.report import Report, number

TRIES = 4
"""To push a session's own commits: a run that was cut off may be pushing them at this moment, or a hub say no once."""


def handoff(
    repo: Repo, text: str, next_text: str, passing: Sequence[str], report: Report, *, leave: bool, learned: str
) -> int:
    """Push the session's commits, let its lanes go, and leave a section in the notes and a row in the index."""
    session = identity.needed(repo)
    if not text.strip():
        raise GuardError(
            "usage",
            "a hand-off without a word",
            "who comes next knows only what stands in the notes",
            "guard handoff -m 'what was done'",
        )
    _limited(text + next_text, "what a session leaves")
    at = desk(repo, session, report, prune=True)
    snapshot = at.place.read()
    own = found(repo, snapshot.refs).of(session)
    _known(passing, own)
    left = uncommitted(repo, own)
    if left and not leave:
        paths = " ".join(map(shlex.quote, left))
        raise GuardError(
            "state",
            f"{number(len(left), 'path')} of {session}'s lanes not committed: {', '.join(left[:10])}",
            "whoever claims them next would not see that work; nothing was released",
            f"guard commit -m 'what: why' {paths}, or guard handoff --leave -m ... to say in the notes where it lies",
        )
    pushed = push(repo, at, session)
    ending = Session(
        *origin(repo, session, at.policy, now()), status="ENDED", text=text, next=next_text, left=tuple(left),
        worktree="" if repo.bare else str(repo.top()),
    )  # fmt: skip
    if learned:
        _lesson(repo, at, session, learned, "", report)
    ended = at.hand_off(session, ending, passing, lambda tip: _told(repo, at, ending, tip))
    recorded = record(at, report)
    keeping.note(repo, at.policy, session, [])
    identity.forget(repo, session)
    tell_ended(report, ended)
    report.say(
        f"{session} handed off: {at.policy.notes} and {at.policy.sessions} say so"
        if recorded
        else f"{session} handed off"
    )
    for path in left:
        report.say(f"  left uncommitted: {path}")
    ahead = _ahead(repo, at, snapshot.tip)
    if ahead:
        report.say(
            f"  {number(ahead, 'commit')} not on {at.policy.branch} yet: guard sync && git push {at.place.name}"
            f" HEAD:{at.policy.branch}"
        )
    report.result(
        {
            "session": session,
            "lanes": [said(lane) for lane in (*ended.lanes, *ended.before)],
            "left": left,
            "pushed": pushed,
            "ahead": ahead,
            "recorded": recorded,
            "exit": 0,
        }
    )
    return 0


def _told(repo: Repo, at: Desk, ending: Session, tip: str | None) -> bool:
    """Whether the notes of a commit have a section that says all of it, whatever lanes that one was about."""
    heading, body = section(replace(ending, lanes=(), left=()))
    [mine] = notes.sections(notes.add(None, heading, body, ""))
    words = set(mine.body.removesuffix("<!--  -->").split("\n"))
    there = notes.sections(repo.reader.read(f"{tip}:{at.policy.notes}"))
    return any(each.heading == mine.heading and words <= {"", *each.body.split("\n")} for each in there)


def _known(passing: Sequence[str], own: Sequence[Lane]) -> None:
    for name in passing:
        if name not in {lane.lane for lane in own}:
            raise GuardError("usage", f"--pass {name}: that lane is not yours to pass on", "", "guard board")


def uncommitted(repo: Repo, own: Collection[Lane]) -> list[str]:
    """The paths of lanes that differ from HEAD in this work tree, new files included."""
    if repo.bare:
        return []
    out = repo.run("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--", ":/")
    paths = [entry[3:] for entry in out.split("\0") if entry]
    scope = [glob for lane in own for glob in lane.scope]
    return [path for path in paths if scope and covers(scope, path)]


def push(repo: Repo, at: Desk, session: str) -> str:
    """Push the commits that only this clone has; returns the branch, empty where there is nothing to push.

    Raises `GuardError` where they cannot be pushed: a lane is not let go while its work is here alone.
    """
    branch = repo.branch()
    if not at.place.atomic or repo.bare or repo.resolve("HEAD") is None:
        return ""
    ahead = repo.run("rev-list", "--count", "HEAD", "--not", f"--remotes={at.place.name}").strip()
    if ahead == "0":
        return ""
    if not branch:
        raise GuardError(
            "state",
            f"HEAD is on no branch, and {number(int(ahead), 'commit')} of it on no branch of {at.place.name}",
            f"{session}'s work would be in this clone alone, where nobody finds it; nothing was released",
            f"git switch -c {session.lower()}, then guard handoff again",
        )
    tracking = f"refs/remotes/{at.place.name}/{branch}"
    said: list[str] = []
    for wait in backoff(TRIES):
        words = ("push", "--quiet", at.place.name, f"HEAD:refs/heads/{branch}")
        done = transfer(repo, *words, patience=at.policy.timeout)
        if done.returncode == 0:
            return branch
        said = [line for line in done.stderr.decode(errors="replace").strip().splitlines() if "hint:" not in line]
        back = ("fetch", "--quiet", "--no-tags", at.place.name, f"+refs/heads/{branch}:{tracking}")
        transfer(repo, *back, patience=at.policy.timeout)
        there = repo.resolve(tracking)
        if there is not None and repo.is_ancestor("HEAD", there):  # a run that was cut off has pushed them
            return branch
        if there is not None and not repo.is_ancestor(there, "HEAD"):
            break
        time.sleep(wait)
    raise GuardError(
        "contention",
        f"the commits of {branch} cannot be pushed: {'; '.join(said[-3:])}",
        f"{session}'s work would be in this clone alone; nothing was released",
        f"guard sync, then guard handoff again (or git push {at.place.name} HEAD:{session.lower()})",
    )


def _ahead(repo: Repo, at: Desk, tip: str | None) -> int:
    """How many commits of this branch the state branch of the hub does not have, and so nobody else sees at work."""
    if tip is None or not at.place.atomic or repo.branch() in ("", at.policy.branch):
        return 0
    return int(repo.run("rev-list", "--count", f"{tip}..HEAD", check=False).strip() or 0)


def lesson(repo: Repo, title: str, body_file: str, report: Report) -> int:
    """Write a lesson under a number that nobody else gets."""
    session = identity.needed(repo)
    at = desk(repo, session, report, prune=True)
    body = _body(body_file)
    given, path = _lesson(repo, at, session, title, body, report)
    recorded = record(at, report)
    report.say(f"L-{given.number:03d}: {path}")
    report.result({"number": given.number, "path": path, "session": session, "recorded": recorded, "exit": 0})
    return 0


def _lesson(repo: Repo, at: Desk, session: str, title: str, body: str, report: Report) -> tuple[Lesson, str]:
    title = " ".join(title.split())
    if not lease.fit(title):
        raise GuardError(
            "usage",
            f"{title!r} cannot be the title of a lesson",
            f"it is one printable line of 1 to {MAX_NAME} characters",
            "guard lesson 'copy the inputs, and check that they came' --body-file FILE",
        )
    _limited(body, "a lesson")
    folder = at.policy.lessons

    def files(tip: str | None) -> list[tuple[str, str]]:
        return [(path, oid) for mode, oid, path in repo.tree(tip, folder) if mode.startswith("100")] if tip else []

    wish = Lesson(*origin(repo, session, at.policy, now()), title=title, body=body)
    known: list[tuple[str, str]] = []

    def floor(tip: str | None) -> int:
        known[:] = [each for each in files(tip) if lessons.number_of(each[0]) is not None]
        return lessons.next_number(path for path, _ in known) - 1

    def contents() -> list[tuple[str, bytes]]:
        objects = repo.reader.find_many([oid for _, oid in known])
        return [(path, each.data) for (path, _), each in zip(known, objects, strict=True) if each is not None]

    def told(tip: str | None) -> int | None:
        floor(tip)
        return lessons.same(title, body, session, contents())

    given = at.lesson(wish, floor, told)
    path = lessons.path_of(folder, given.number, title)
    for other, heading, _ in lessons.near(title, body, contents())[:3]:
        if other != path:
            report.warn(f"{other} says much the same: {heading}")
    return given, path


def _body(name: str) -> str:
    """The text of a file; of standard input for `-`."""
    if not name:
        return ""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise GuardError(
            "usage", f"{name} cannot be read: {error.strerror}", "", "--body-file FILE, or - for stdin"
        ) from None
    return data.decode(errors="replace")


def _limited(text: str, what: str) -> None:
    if len(text.encode(errors="replace")) > MAX_BODY:
        raise GuardError(
            "usage",
            f"{what} has at most {MAX_BODY >> 10} KiB",
            "it travels in a ref",
            "commit the rest as a file of its own",
        )
