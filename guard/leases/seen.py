"""What everybody sees of the lanes: the refs where they speak, the board's newest rows for all others."""

from dataclasses import dataclass
from datetime import UTC, datetime

from guard.leases.lease import Lane, instant
from guard.leases.refs import Found
from guard.policy import Policy
from guard.records import board
from guard.records.numbers import session_numbers

EXPIRED = "EXPIRED"

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A lane as it stands. `since` is None where a row has no date that can be read; `expires` is empty for rows."""

    lane: str
    session: str
    state: str
    since: datetime | None
    scope: tuple[str, ...]
    expires: str
    note: str
    held: bool
    """Whether a lease that has not ended holds it."""

    @property
    def open(self) -> bool:
        """Whether somebody works on it, or should."""
        return self.state not in board.CLOSED

    def age(self, now: datetime) -> str:
        """How long ago its state began, in the largest unit that fits; of a row only the day is known."""
        if self.since is None:
            return ""
        if not self.expires:
            days = (now.date() - self.since.date()).days
            return f"{days} d" if days > 0 else "today"
        minutes = max(int((now - self.since).total_seconds() // 60), 0)
        if minutes < 120:
            return f"{minutes} min"
        return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def seen(held: Found, data: bytes | None, policy: Policy, now: datetime) -> list[Seen]:
    """Every lane: those that are held, then open ones, then closed ones; of each the newest first."""
    by_ref = [_from_ref(lane, policy, now) for _, lane in held.lanes.values()]
    known = {each.lane for each in by_ref}
    rows = board.latest(board.rows(data or b""))
    by_row = [_from_row(row) for name, row in rows.items() if name not in known]
    newest = sorted([*by_ref, *reversed(by_row)], key=lambda each: each.since or _LONG_AGO, reverse=True)
    return sorted(newest, key=lambda each: (not each.held, not each.open))


def _from_ref(lane: Lane, policy: Policy, now: datetime) -> Seen:
    ended = lane.open and lane.expired(now, policy.lease_tolerance)
    state = EXPIRED if ended else lane.status
    note = lane.intent if lane.open else lane.note
    return Seen(
        lane.lane, lane.session, state, instant(lane.since), lane.scope, lane.expires, note, lane.open and not ended
    )


def _from_row(row: board.Row) -> Seen:
    scope = tuple(filter(None, (each.strip() for each in row.scope.split(","))))
    state = row.status.strip("*` ").upper()
    return Seen(row.lane, row.session, state, _day(row.date), scope, "", row.notes, held=False)


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip()[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def of_sessions(data: bytes | None, numbers: range) -> dict[str, list[tuple[str, str]]]:
    """Session -> its lanes with their newest state, from the rows of a board."""
    found: dict[str, list[tuple[str, str]]] = {}
    every = board.rows(data or b"")
    newest = board.latest(every)
    for row in every:
        for number in session_numbers(row.session):
            if number in numbers and row.lane in newest:
                lanes = found.setdefault(f"S{number}", [])
                if row.lane not in {lane for lane, _ in lanes}:
                    lanes.append((row.lane, newest[row.lane].status))
    return found
