"""The visible records: what refs say and the state branch does not show yet, in one commit on its tip.

Rows and sections are derived from the refs, each with the mark of what it is derived from. So board and truth cannot
disagree for long: whoever publishes next adds everything that is missing, and a busy branch makes nobody wait for
more than one of all writers to get through.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import NewCommit, write_commit
from guard.hub.hub import Hub, Move, Snapshot
from guard.leases.lease import Lane, Lesson, Said, Session
from guard.leases.refs import Found, found, history, now
from guard.policy import Policy, archive_of
from guard.publish import Offer, publish
from guard.records import board, index, lessons, notes

CANDIDATE = "refs/guard/records/candidate"
"""Where a commit of records stands in this clone until it is on the branch."""

GONE = 7 * 24 * 60
"""Minutes after its end a session that never handed off, and holds nothing, needs no ref any more."""
WITH_REFS = 2
"""After so many tries the refs that have served stay: some hubs let none go, and the next publisher tries again."""
REFUSED_TRIES = 4
"""Against a hub that says no: whoever publishes next adds what is missing, so nobody waits long for it."""
STILL_TRIES = 8
"""Against a branch that nobody moves: somebody has an editor open under a lock, or left one."""

_PLAIN = ("000000", "100644", "100755")


NEXT = "- **next**: "
"""How a section of the notes says what is to be done next."""


@dataclass
class Recording:
    """What one publisher adds: the files as they will be, what they gained, and the refs that have served."""

    files: dict[str, bytes] = field(default_factory=dict)
    added: list[Said] = field(default_factory=list)
    served: dict[str, Move] = field(default_factory=dict)


@dataclass
class Recorder:
    """Makes records visible, in the name of a session."""

    repo: Repo
    policy: Policy
    session: str
    author: str
    prune: bool = False
    """Whether refs whose records are on the branch are taken away even if there is nothing to add."""

    def offer(self, snapshot: Snapshot) -> Offer | None:
        """The commit that adds what the tip lacks, and the refs that it makes needless; None where nothing is to do."""
        if snapshot.tip is None:
            return None
        made = self.work_out(snapshot)
        if not made.files:
            return Offer(None, made.served) if made.served and self.prune else None
        parent = self.repo.commit(snapshot.tip)
        message = f"[{self.session}] {_subject(made.added)}\n"
        new = NewCommit(snapshot.tip, self.author, max(int(now().timestamp()), parent.time), message, made.files)
        return Offer(written(self.repo, new), made.served)

    def work_out(self, snapshot: Snapshot) -> Recording:
        """What the tip lacks of what the refs say."""
        held = found(self.repo, snapshot.refs)
        made = Recording()
        tip = snapshot.tip
        self._board(tip, held, made)
        self._sessions(tip, held, made)
        self._lessons(tip, held, made)
        return made

    def _read(self, tip: str | None, path: str) -> tuple[bytes | None, bytes | None]:
        """A file of the tip, and its archive."""
        return self.repo.reader.read(f"{tip}:{path}"), self.repo.reader.read(f"{tip}:{archive_of(path)}")

    def _board(self, tip: str | None, held: Found, made: Recording) -> None:
        data, old = self._read(tip, self.policy.board)
        entries: list[tuple[str, Lane]] = []

        there = board.marks(data) | board.marks(old)
        for ref, (oid, lane) in held.lanes.items():
            when = ""
            for each in history(self.repo, oid, lambda said: said.mark in there):
                when = max(when, each.since)  # what follows stands below, whatever the clock of its machine said
                entries += [(when, each)] if isinstance(each, Lane) else []
            if not lane.open:
                made.served[ref] = oid, None
        missing = [lane for _, lane in sorted(entries, key=lambda entry: (entry[0], entry[1].lane))]
        if missing:
            made.files[self.policy.board] = board.append(data, [row(each) for each in missing])
            made.added += missing

    def _sessions(self, tip: str | None, held: Found, made: Recording) -> None:
        rows, old_rows = self._read(tip, self.policy.sessions)
        data, old = self._read(tip, self.policy.notes)
        listed = index.marks(rows) | index.marks(old_rows)
        noted = notes.marks(data) | notes.marks(old)
        last = max((int(ref.rpartition("/")[2]) for ref in held.sessions), default=0)
        at_work = {lane.session for _, lane in held.lanes.values() if lane.open}
        when = now()
        ended: list[Session] = []
        for ref, (oid, session) in held.sessions.items():
            if session.ended:
                events = history(self.repo, oid, lambda said: said.mark in listed and said.mark in noted)
                ended += [each for each in events if isinstance(each, Session) and each.ended]
            elif session.session in at_work or not session.expired(when, GONE):
                continue
            if int(session.session[1:]) != last:  # the newest number stays, so that none is given twice
                made.served[ref] = oid, None
        ended.sort(key=lambda each: each.since)
        missing = [each for each in ended if each.mark not in listed]
        if missing:
            made.files[self.policy.sessions] = index.append(rows, [row_of_session(each) for each in missing])
            made.added += missing
        new = data
        for each in ended:
            if each.mark not in noted:
                new = notes.add(new, *section(each), each.mark)
        if new is not None and new != data:
            made.files[self.policy.notes] = new

    def _lessons(self, tip: str | None, held: Found, made: Recording) -> None:
        if not held.lessons or tip is None:
            return
        there = {lessons.number_of(path) for _, _, path in self.repo.tree(tip, self.policy.lessons)}
        for ref, (oid, each) in held.lessons.items():
            made.served[ref] = oid, None
            if each.number not in there:
                path = lessons.path_of(self.policy.lessons, each.number, each.title)
                made.files[path] = lessons.render(each.number, each.title, each.body, each.session, each.since[:10])
                made.added.append(each)


def written(repo: Repo, new: NewCommit) -> str:
    """Write a commit of records and return its name.

    Raises `GuardError` where it would take the place of anything but plain files of the same names: of a folder, a
    symbolic link, a submodule, or a file where a folder is needed.
    """
    commit = write_commit(repo, new, CANDIDATE)
    for change in repo.changes(str(new.parent), commit):
        if change.path not in new.files or change.old_mode not in _PLAIN:
            raise GuardError(
                "state",
                f"{change.path} is no plain file"
                if change.path in new.files
                else f"{change.path} is in the way of {', '.join(sorted(new.files))}",
                "records are plain files; it stays as it is, and nothing was recorded",
                f"git mv -- {shlex.quote(change.path)} ELSEWHERE, or name other files under [records] in guard.toml",
            )
    return commit


def publish_rest(place: Hub, recorder: Recorder) -> None:
    """Publish what is still missing; others may do it first. Raises `GuardError` where the branch stays too busy."""
    tries = 0

    def make(snapshot: Snapshot) -> Offer | None:
        nonlocal tries
        tries += 1
        offer = recorder.offer(snapshot)
        if offer is None or tries <= WITH_REFS:
            return offer
        return Offer(offer.commit) if offer.commit else None

    publish(place, make, refusals=REFUSED_TRIES, still=STILL_TRIES)


def author_of(repo: Repo) -> str:
    """Who commits here, as `Name <mail>`; raises `GuardError` where git does not know."""
    done = repo.call("var", "GIT_COMMITTER_IDENT", check=False)
    if done.returncode != 0:
        raise GuardError(
            "git",
            "git does not know who you are",
            "a commit says who made it",
            "git config user.name 'Your Name' && git config user.email you@example.com",
        )
    return done.stdout.decode(errors="surrogateescape").rpartition(">")[0] + ">"


# --- words -----------------------------------------------------------------------------------------------------


def row(lane: Lane) -> Mapping[str, str]:
    """The row of a lane."""
    etc = [lane.mark, f"expires={lane.expires}" if lane.open else "", f"host={lane.host}" if lane.host else ""]
    return {
        "date": lane.since[:10],
        "lane": lane.lane,
        "session": lane.session,
        "agent": lane.agent,
        "branch": lane.branch,
        "platform": lane.platform,
        "scope": ", ".join(lane.scope),
        "etc": ", ".join(filter(None, etc)),
        "status": lane.status,
        "notes": "; ".join(filter(None, (lane.intent if lane.open else "", lane.note))),
    }


def row_of_session(session: Session) -> Mapping[str, str]:
    """The row of a session that ended."""
    return {
        "date": session.since[:10],
        "session": session.session,
        "agent": session.agent,
        "branch": session.branch,
        "lanes": ", ".join(session.lanes),
        "etc": session.mark,
        "notes": session.text.strip().split("\n", 1)[0][:200],
    }


def section(session: Session) -> tuple[str, str]:
    """Heading and body of what a session leaves behind."""
    first, _, rest = session.text.strip().partition("\n")
    lines = [rest.strip()] if rest.strip() else []
    if len(first) > 100:
        lines.insert(0, first)
        first = first[:97] + "..."
    if session.lanes:
        lines.append(f"- **lanes**: {', '.join(session.lanes)}")
    if session.next.strip():
        lines.append(f"{NEXT}{session.next.strip()}")
    if session.left:
        where = f" in {session.worktree} on {session.host}" if session.worktree else ""
        lines.append(f"- **left uncommitted**{where}: {', '.join(map(shlex.quote, session.left))}")
    return f"{session.session} ({session.since[:10]}): {first}", "\n".join(lines)


def _subject(added: list[Said]) -> str:
    """What a commit of records adds, in a line."""
    if not added:
        return "records: what was missing"
    first = added[-1]
    if isinstance(first, Lane):
        text = f"lanes: {first.session} {first.status.lower()} {first.lane}"
    elif isinstance(first, Lesson):
        text = f"lesson: {first.title}"
    else:
        text = f"sessions: {first.session} handed off"
    return text + (f" and {len(added) - 1} more" if len(added) > 1 else "")
