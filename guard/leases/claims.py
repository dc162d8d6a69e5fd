"""Who holds what, decided on the hub by compare-and-swap: start, claim, renew, take over, release.

Every claim also moves `refs/guard/claims/latest` from what was read: two lanes of different names may be about the
same paths, and of two claims made at the same moment only one gets in, so that whoever claims has seen every claim
before. A renewal does without, as it takes no path that was not taken already, unless it comes after the end.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from guard.errors import GuardError
from guard.git import Repo
from guard.hub.hub import Hub, Move, Snapshot
from guard.leases import lease
from guard.leases.lease import Lane, Lesson, Said, Session
from guard.leases.recording import Recorder
from guard.leases.refs import LATEST, Found, found, nonce, now, origin, renewal, write
from guard.leases.scopes import meeting
from guard.leases.seen import of_sessions
from guard.neighbours import remember
from guard.policy import Policy
from guard.publish import Offer, last_seen, publish
from guard.records import board

Note = Callable[[str], None]

MOST = 999_999
"""The greatest number of a session or a lesson."""
_NUMBER = re.compile(r"[1-9][0-9]{0,5}\Z", re.ASCII)


class Held(GuardError):
    """Somebody else holds it; exit 3."""

    def __init__(self, lane: Lane, wanted: str, meets: tuple[str, str] | None = None) -> None:
        paths = f"; {meets[0]} and {meets[1]} meet" if meets else ""
        intent = f"; it says: {lane.intent}" if lane.intent else ""
        super().__init__(
            "contention",
            f"{wanted}: {lane.held()}{paths}",
            f"two sessions at the same paths undo each other's work{intent}",
            "guard board, then claim another lane or narrower paths, or wait for its release",
            exit_code=3,
        )
        self.lane = lane


@dataclass
class Claimed:
    """What came of a claim: the lane, the leases that had ended and were taken over, and whether it was held before."""

    lane: Lane
    over: list[Lane] = field(default_factory=list)
    again: bool = False


@dataclass
class Ended:
    """What came of letting go: the lanes that were let go now, and those that had been before."""

    lanes: list[Lane] = field(default_factory=list)
    before: list[Lane] = field(default_factory=list)


@dataclass
class Desk:
    """Where claims are made: a repository, its hub, the policy there, and who makes the records visible."""

    repo: Repo
    place: Hub
    policy: Policy
    recorder: Recorder | None = None
    note: Note = lambda _: None
    held: Found = field(default_factory=Found)
    """What the hub's refs said after the last move."""
    shown: bool = False
    """Whether the last move brought along every record that the branch lacked."""

    def move(self, moves: Callable[[Snapshot, Found, datetime], Mapping[str, Move]]) -> None:
        """Move refs on the hub to what `moves` makes of what was read, until that is in.

        Where the hub takes a branch and refs in one push, the first try brings the records along; on a busy branch
        the refs go by themselves, and the records when they can.
        """
        tries = 0

        def make(snapshot: Snapshot) -> Offer | None:
            nonlocal tries
            tries += 1
            self.shown = False
            refs = dict(moves(snapshot, found(self.repo, snapshot.refs), now()))
            if not refs:
                return None
            if self.recorder is None or not self.place.atomic or tries > 1:
                return Offer(None, refs)
            then = {ref: oid for ref, (_, oid) in refs.items() if oid is not None}
            try:
                offer = self.recorder.offer(Snapshot(snapshot.tip, {**snapshot.refs, **then}))
            except GuardError:
                return Offer(None, refs)  # the records' own publisher says what is the matter
            if offer is None or offer.commit is None:
                self.shown = offer is None
                return Offer(None, refs)
            self.shown = True
            done = {ref: (refs.get(ref, move)[0], move[1]) for ref, move in offer.refs.items()}
            return Offer(offer.commit, {**refs, **done})

        publish(self.place, make, self.note)
        self.held = found(self.repo, last_seen(self.repo, self.policy).refs)
        remember(self.repo, self.policy, self.held)

    # --- lanes -------------------------------------------------------------------------------------------------

    def claim(self, wish: Lane) -> Claimed:
        """Claim the lane that `wish` describes, or renew it where its session holds it already.

        Raises `Held` where another session holds the lane, or paths that its scope meets, and `GuardError` where the
        hub cannot be asked: nothing is claimed then.
        """
        claimed = Claimed(wish)

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            nonlocal claimed
            mine = held.lanes.get(wish.ref, ("", None))[1]
            if mine is not None and mine.nonce == wish.nonce:
                return {}  # it was in already, and the answer was lost
            claimed = self._wanted(held, wish, when)
            return self._claiming(snapshot, held, claimed, when)

        self.move(moves)
        return claimed

    def _wanted(self, held: Found, wish: Lane, when: datetime) -> Claimed:
        """What a claim comes to on what is held; raises `Held`."""
        over = []
        for _, other in held.lanes.values():
            if not other.open or other.session == wish.session:
                continue
            same = other.lane == wish.lane
            meets = None if same else meeting(wish.scope, other.scope)
            if not same and meets is None:
                continue
            if not other.expired(when, self.policy.lease_tolerance):
                raise Held(other, f"lane {wish.lane} was not claimed", meets)
            over.append(other)
        mine = held.lanes.get(wish.ref, ("", None))[1]
        if mine is not None and mine.open and mine.session == wish.session:
            lane = replace(mine, scope=wish.scope, intent=wish.intent or mine.intent)
            if lane != mine:  # a row of its own, so that the board says it too
                lane = replace(wish, intent=lane.intent, expires=max(mine.expires, wish.expires))
            return Claimed(lane.renewed(when, self.policy.lease_minutes), over, again=True)
        notes = [f"taken over from {other.session}, whose lease ended {other.expires}" for other in over]
        return Claimed(replace(wish, note="; ".join(notes)), over)

    def _claiming(self, snapshot: Snapshot, held: Found, claimed: Claimed, when: datetime) -> Mapping[str, Move]:
        """The moves of a claim: its own ref, those that it takes over, and the one that every claim moves."""
        lane = claimed.lane
        before = snapshot.refs.get(lane.ref)
        was = held.lanes.get(lane.ref, ("", None))[1]
        if before is not None and was is not None and was.nonce == lane.nonce:
            own = renewal(self.repo, before, lane, when)
        else:  # what nobody can read is nobody's past
            own = write(self.repo, lane, before if was is not None else None, when)
        refs: dict[str, Move] = {lane.ref: (before, own)}
        for other in claimed.over:
            if other.ref != lane.ref:
                note = f"its lease ended {other.expires}; {lane.session} took over its paths as {lane.lane}"
                gone = self._ended(other, "ABANDONED", note, when)
                refs[other.ref] = snapshot.refs[other.ref], write(self.repo, gone, snapshot.refs[other.ref], when)
        # The same commit twice would be two winners, so every claim moves the common ref to one of its own.
        latest = write(self.repo, replace(lane, nonce=nonce()), None, when)
        return {**refs, LATEST: (snapshot.refs.get(LATEST), latest)}

    @staticmethod
    def _ended(lane: Lane, status: str, note: str, when: datetime) -> Lane:
        return replace(lane, status=status, note=note, nonce=nonce(), since=lease.spell(when))

    def renew(self, session: str, *, least: int | None = None) -> list[Lane]:
        """Renew everything that a session holds; those with more than `least` minutes left stay, where that is given.

        Returns its lanes as they are now. Raises `Held` where one ended and somebody else took its paths since.
        """
        lanes: list[Lane] = []

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            lanes.clear()
            refs: dict[str, Move] = {}
            ended = False
            for ref, oid, said in held.all():
                if said.session != session or not _alive(said):
                    continue
                if isinstance(said, Lane) and said.expired(when):
                    self._wanted(held, said, when)  # somebody may have taken its paths
                    ended = True
                fresh = said.renewed(when, self.policy.lease_minutes)
                if least is not None and not said.expired(when + timedelta(minutes=least)):
                    fresh = said
                if fresh != said:
                    refs[ref] = oid, renewal(self.repo, oid, fresh, when)
                if isinstance(fresh, Lane):
                    lanes.append(fresh)
            if ended and refs:
                refs[LATEST] = snapshot.refs.get(LATEST), write(self.repo, replace(lanes[0], nonce=nonce()), None, when)
            return refs

        self.move(moves)
        return lanes

    def release(self, session: str, names: Collection[str] | None, status: str, note: str = "") -> Ended:
        """Let lanes of a session go; None for all that it holds.

        Raises `Held` for a lane that another session holds, and `GuardError` for one that nobody does.
        """
        ended = Ended()

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            return self._releasing(snapshot, held, session, names, status, note, when, ended)

        self.move(moves)
        return ended

    def _releasing(
        self,
        snapshot: Snapshot,
        held: Found,
        session: str,
        names: Collection[str] | None,
        status: str,
        note: str,
        when: datetime,
        ended: Ended,
    ) -> dict[str, Move]:
        ended.lanes.clear()
        ended.before.clear()
        wanted = [lane.lane for lane in held.of(session)] if names is None else list(names)
        refs: dict[str, Move] = {}
        for name in wanted:
            ref = lease.lane_ref(name)
            lane = held.lanes.get(ref, ("", None))[1] or self._closed(snapshot.tip, name)
            if lane is None or (not lane.open and lane.session != session):
                raise nobody(name)
            if lane.session != session:
                raise Held(lane, f"lane {name} is not yours to release")
            if not lane.open:
                ended.before.append(lane)
                continue
            gone = self._ended(lane, status, note, when)
            refs[ref] = snapshot.refs[ref], write(self.repo, gone, snapshot.refs[ref], when)
            ended.lanes.append(gone)
        return refs

    def _closed(self, tip: str | None, name: str) -> Lane | None:
        """A lane that ended and needs no ref any more, as its newest row has it; None where there is no such row."""
        data = self.repo.reader.read(f"{tip}:{self.policy.board}") if tip else None
        row = board.latest(board.rows(data or b"")).get(name)
        status = row.status.upper() if row is not None else ""
        if row is None or status not in lease.CLOSED:
            return None
        scope = tuple(filter(None, (each.strip() for each in row.scope.split(","))))
        said = (row.session, "", row.date, "", row.agent, "", "", row.branch)
        return Lane(*said, lane=name, scope=scope, status=status, note=row.notes)

    # --- sessions ----------------------------------------------------------------------------------------------

    def start(self, floor: Callable[[str | None], int], place: Callable[[str], tuple[str, str]]) -> Session:
        """Allocate the next number: above every session that the hub knows, and above `floor` of the tip's commit.

        `place` says on which branch and in which folder a session of that name will work.
        """
        begun: list[Session] = []

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            begun.clear()
            at_work = {said.session[1:] for _, _, said in held.all()}  # their rows may still have to come
            number = _next(snapshot, "sessions", at_work, floor(snapshot.tip))
            branch, folder = place(f"S{number}")
            said = Session(*origin(self.repo, f"S{number}", self.policy, when), worktree=folder)
            session = replace(said, branch=branch or said.branch)
            begun.append(session)
            return {session.ref: (None, write(self.repo, session, None, when))}

        self.move(moves)
        return begun[0]

    def hand_off(
        self, session: str, ending: Session, passing: Collection[str], told: Callable[[str | None], bool]
    ) -> Ended:
        """End a session: its lanes are done, those in `passing` go to whoever claims them, and `ending` is left.

        Where it holds no lane any more and has said the same before, or the tip's records say so (`told`), nothing is
        left again.
        """
        ended = Ended()

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            own = [lane.lane for lane in held.of(session)]
            parts = [name for name in own if name not in passing], [name for name in own if name in passing]
            refs: dict[str, Move] = {}
            lanes: list[Lane] = []
            for names, how in zip(parts, ("MERGED", "READY"), strict=True):
                note = ending.next if how == "READY" else ""
                refs |= self._releasing(snapshot, held, session, names, how, note, when, ended)
                lanes += ended.lanes
            ended.lanes[:] = lanes
            before = snapshot.refs.get(ending.ref)
            said = held.sessions.get(ending.ref, ("", None))[1]
            again = said is not None and said.ended and said.text == ending.text and ending.next in ("", said.next)
            if not lanes and (again or told(snapshot.tip)):
                return {}
            left = replace(ending, lanes=self._worked_on(session, snapshot, held), since=lease.spell(when))
            return {**refs, ending.ref: (before, write(self.repo, left, before if said is not None else None, when))}

        self.move(moves)
        return ended

    def _worked_on(self, session: str, snapshot: Snapshot, held: Found) -> tuple[str, ...]:
        """Every lane that a session had, also those that it let go before its end."""
        number = int(session[1:])
        board = self.repo.reader.read(f"{snapshot.tip}:{self.policy.board}") if snapshot.tip else None
        shown = of_sessions(board, range(number, number + 1)).get(session, [])
        return tuple(
            dict.fromkeys(
                [lane for lane, _ in shown] + [lane.lane for _, lane in held.lanes.values() if lane.session == session]
            )
        )

    def lesson(
        self, wish: Lesson, floor: Callable[[str | None], int], told: Callable[[str | None], int | None]
    ) -> Lesson:
        """Give a lesson its number: above every one that the hub knows, and above `floor` of the tip's commit.

        One that its session has told the hub already, word for word, has its number, and so has one of the tip's
        files, which `told` finds.
        """
        given: list[Lesson] = []

        def moves(snapshot: Snapshot, held: Found, when: datetime) -> Mapping[str, Move]:
            given[:] = [each for _, each in held.lessons.values() if _words(each) == _words(wish)][:1]
            if not given and (number := told(snapshot.tip)) is not None:
                given.append(replace(wish, number=number))
            if given:
                return {}
            numbered = replace(wish, number=_next(snapshot, "lessons", (), floor(snapshot.tip)))
            given.append(numbered)
            return {numbered.ref: (None, write(self.repo, numbered, None, when))}

        self.move(moves)
        return given[0]


def _next(snapshot: Snapshot, kind: str, more: Iterable[str], floor: int) -> int:
    """The number above all that the refs of a kind have in their names, readable or not, above `more` and `floor`.

    Raises `GuardError` where there is none: longer numbers than records can tell from dates are nobody's.
    """
    names = [*(ref.rpartition("/")[2] for ref in snapshot.below(kind)), *more]
    number = max([floor, *(int(name) for name in names if _NUMBER.match(name))]) + 1
    if number > MOST:
        raise GuardError(
            "state",
            f"the number {MOST} is taken, and there is no greater one",
            f"somebody took a number that was not theirs; refs/guard/{kind}/{MOST} may say who",
            f"git ls-remote origin 'refs/guard/{kind}/{MOST}', then see what else on the branch names it",
        )
    return number


def _words(lesson: Lesson) -> tuple[str, str, str]:
    return lesson.session, lesson.title, lesson.body


def _alive(said: Said) -> bool:
    """Whether it is one that holds as long as it is renewed."""
    return said.open if isinstance(said, Lane) else isinstance(said, Session) and not said.ended


def nobody(name: str) -> GuardError:
    """The error for a lane that is not held."""
    return GuardError(
        "usage", f"nobody holds lane {name}", "there is nothing to release; it may have been released", "guard board"
    )
