"""`guard claim`, `renew` and `release`: who works on what."""

from collections.abc import Sequence
from typing import Any

from guard import identity
from guard.errors import GuardError
from guard.git import Repo
from guard.hub.hub import Snapshot
from guard.leases import keeping, lease
from guard.leases.claims import Claimed, Desk, Ended, Held
from guard.leases.lease import MAX_GLOBS, MAX_INTENT, MAX_NAME, Lane, wrong_glob
from guard.leases.recording import Recorder, author_of, publish_rest
from guard.leases.refs import KINDS, Found, found, now, origin
from guard.neighbours import remember
from guard.plan import policy_at
from guard.policy import Policy
from guard.publish import hub, last_seen
from guard.report import Report


def desk(repo: Repo, session: str, report: Report, *, prune: bool = False) -> Desk:
    """Where a session makes its claims."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    recorder = Recorder(repo, policy, session, author_of(repo), prune)
    return Desk(repo, hub(repo, policy, KINDS), policy, recorder, report.note)


def known(repo: Repo, report: Report, kinds: Sequence[str] = KINDS) -> tuple[Policy, Snapshot, Found, bool]:
    """The policy, what the hub holds, what its refs say, and whether it was asked: else it is as last fetched."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    place = hub(repo, policy, kinds)
    asked = True
    try:
        snapshot = place.read()
    except GuardError as error:
        if error.kind != "network":
            raise
        report.warn(f"{error.what}\n  why: what follows is as it was last fetched\n  fix: {error.fix}")
        asked, snapshot = False, last_seen(repo, policy)
    held = found(repo, snapshot.refs)
    if asked:
        remember(repo, policy, held)
    return policy, snapshot, held, asked


def claim(repo: Repo, name: str, scope: Sequence[str], intent: str, report: Report) -> int:
    """Claim a lane; returns 0, or 3 where somebody else holds it."""
    session = identity.needed(repo)
    _fit(name)
    intent = " ".join(intent.split())
    if len(intent) > MAX_INTENT:
        why = "it is a cell of the board, which everybody reads"
        raise GuardError("usage", f"--intent has at most {MAX_INTENT} characters", why, "--intent 'what is to be done'")
    paths = scope_of(repo, scope)
    at = desk(repo, session, report)
    wish = Lane(*origin(repo, session, at.policy, now()), lane=name, scope=paths, intent=intent)
    try:
        claimed = at.claim(wish)
    except Held as held:
        return _held(report, held)
    note_all(repo, session, at)
    told = _tell_claimed(report, at, claimed)
    recorded = record(at, report)
    report.result({**told, "recorded": recorded, "exit": 0})
    return 0


def _tell_claimed(report: Report, at: Desk, claimed: Claimed) -> dict[str, Any]:
    lane = claimed.lane
    how = "renewed" if claimed.again else "claimed"
    report.say(
        f"{how} {lane.lane} ({', '.join(lane.scope)}) for {lane.session} until {lane.expires} on {at.place.name}"
    )
    for other in claimed.over:
        report.say(f"  taken over: {other.lane} of {other.session}, whose lease ended {other.expires}")
    return {**said(lane), "renewed": claimed.again, "taken_over": [said(other) for other in claimed.over]}


def renew(repo: Repo, report: Report) -> int:
    """Renew everything that the session holds; returns 0, or 3 where a lane that ended has gone to somebody else."""
    session = identity.needed(repo)
    at = desk(repo, session, report)
    try:
        lanes = at.renew(session)
    except Held as held:
        return _held(report, held)
    keeping.note(repo, at.policy, session, lanes)
    for lane in lanes:
        report.say(f"renewed {lane.lane} for {session} until {lane.expires}")
    if not lanes:
        report.say(f"{session} holds no lane")
    report.result({"session": session, "lanes": [said(lane) for lane in lanes], "exit": 0})
    return 0


def release(repo: Repo, name: str, status: str, report: Report) -> int:
    """Release a lane; returns 0, or 3 where somebody else holds it."""
    session = identity.needed(repo)
    _fit(name)
    if status not in lease.CLOSED:
        raise GuardError(
            "usage",
            f"--status {status} is not a way for a lane to end",
            "others read it on the board",
            f"--status {' or '.join(lease.CLOSED)}",
        )
    at = desk(repo, session, report, prune=True)
    try:
        ended = at.release(session, [name], status)
    except Held as held:
        return _held(report, held)
    recorded = record(at, report)
    note_all(repo, session, at)
    tell_ended(report, ended)
    lane = (ended.lanes or ended.before)[0]
    report.result({**said(lane), "recorded": recorded, "exit": 0})
    return 0


def note_all(repo: Repo, session: str, at: Desk) -> None:
    """Note until when a session holds its lanes, as they were read or moved last."""
    keeping.note(repo, at.policy, session, at.held.of(session))


def tell_ended(report: Report, ended: Ended) -> None:
    """Say which lanes were let go."""
    for lane in ended.lanes:
        report.say(f"released {lane.lane}: {lane.status}")
    for lane in ended.before:
        report.say(f"{lane.lane} was released before: {lane.status}")


def record(at: Desk, report: Report) -> bool:
    """Add to the state branch what it lacks; False, and a warning, where that has to wait for the next publisher."""
    if at.recorder is None or at.shown:
        return True
    try:
        publish_rest(at.place, at.recorder)
    except GuardError as error:
        report.warn(
            f"it stands, but is not visible on {at.policy.board} yet: {error.what}\n"
            "  why: whoever publishes next adds what is missing there\n"
            f"  fix: {error.fix or 'guard renew'}"
        )
        return False
    return True


def said(lane: Lane) -> dict[str, Any]:
    """A lane as JSON has it."""
    value = lane.value()
    return {"lane": lane.lane, "session": lane.session, "scope": list(lane.scope), **value}


def _held(report: Report, held: Held) -> int:
    """Say who holds it; the JSON names lane, holder, scope and end by themselves."""
    lane = held.lane
    more = {"holder": lane.session, "lane": lane.lane, "scope": list(lane.scope), "expires": lane.expires}
    return report.error(held, more)


def _fit(name: str) -> None:
    if not lease.fit(name):
        raise GuardError(
            "usage",
            f"{name!r} cannot be the name of a lane",
            f"it is a row of a table and part of a ref: one printable line of 1 to {MAX_NAME} characters",
            "guard claim fix-the-parser --scope src/parser",
        )


def scope_of(repo: Repo, given: Sequence[str]) -> tuple[str, ...]:
    """The globs of a scope as seen from the top of the repository; raises `GuardError` for what cannot be one."""
    if not given:
        raise GuardError(
            "usage",
            "a claim without a scope",
            "the paths are what keeps two sessions apart",
            "guard claim LANE --scope src/parser --scope 'docs/*.md'",
        )
    if len(given) > MAX_GLOBS:
        why = "others have to find their way between them"
        raise GuardError("usage", f"a scope has at most {MAX_GLOBS} globs", why, "--scope 'src/*/parser' names many")
    found = []
    for each in given:
        path = _from_top(repo, each) if each else ""
        if wrong := wrong_glob(path):
            raise GuardError("usage", f"--scope {each!r} {wrong}", "", "guard claim LANE --scope src/parser")
        found.append(path)
    return tuple(dict.fromkeys(found))


def _from_top(repo: Repo, given: str) -> str:
    """A path or glob as git would spell it, as seen from where the command was given."""
    import posixpath

    if given.startswith("/"):
        top = repo.top().as_posix()
        if given != top and not given.startswith(f"{top}/"):
            raise GuardError(
                "usage", f"--scope {given!r} lies outside this repository", "", "guard claim LANE --scope ."
            )
        given = given[len(top) + 1 :] or "."
    else:
        given = posixpath.join(repo.prefix, given)
    path = posixpath.normpath(given)
    return "**" if path == "." else path
