"""What a ref of guard's says: a lane that is held, a session that is at work, a lesson that got its number.

Each is a commit with an empty tree, whose message is a sentence for people and one JSON object for guard
(`schemas/claim.schema.json`). Its parent, where it has one, is what the same ref said before: nothing that has to
become a row is forgotten because something newer came. A renewal takes the place of what it renews.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from guard.policy_values import glob

MAX_NAME = 128
"""Characters of a lane's name."""
MAX_GLOB = 256
"""Characters of one glob of a scope."""
MAX_GLOBS = 1000
"""Globs of a scope."""
MAX_INTENT = 1000
"""Characters of what a claim says it is for: it is a cell of a table."""
MAX_BODY = 1 << 18
"""Bytes of a lesson or of what a session leaves; more belongs into a file of its own."""

_SESSION = re.compile(r"S[1-9][0-9]{0,8}\Z", re.ASCII)
_TIME = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z", re.ASCII)
"""Of the years 2000 to 2999: a lease's time is reckoned with, and at the ends of the calendar nothing can be."""
_NONCE = re.compile(r"[0-9a-f]{12}\Z", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NO_BYTES = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""What stands for no byte of a path: only the other surrogates do, for bytes that are no UTF-8."""

OPEN = "CLAIMED"
CLOSED = ("MERGED", "ABANDONED", "READY")
"""How a lane ends: done, given up, or passed on to whoever claims it next."""


@dataclass(frozen=True)
class _Said:
    """What all of them say. `nonce` is drawn anew for everything that becomes a record: the row carries it too."""

    session: str
    nonce: str
    since: str
    """UTC, as `2026-01-05T10:00:00Z`: when it was said first."""
    expires: str
    """UTC: until when it holds without another sign of life; empty for what does not end."""
    agent: str = ""
    host: str = ""
    platform: str = ""
    branch: str = ""

    kind = ""

    @property
    def mark(self) -> str:
        """What its record carries, so that everybody sees whether it is there."""
        return f"lease={self.nonce}"

    def expired(self, now: datetime, tolerance: int = 0) -> bool:
        """Whether it ended, `tolerance` minutes before `now` at the least."""
        return bool(self.expires) and now > instant(self.expires) + timedelta(minutes=tolerance)

    def renewed(self, now: datetime, minutes: int) -> Self:
        """The same, for `minutes` from now on; never shorter than it was."""
        return replace(self, expires=max(self.expires, spell(now + timedelta(minutes=minutes))))

    def value(self) -> dict[str, Any]:
        """It as JSON has it."""
        return {"kind": self.kind, **asdict(self)}

    def subject(self) -> str:
        """A line for people."""
        raise NotImplementedError

    def message(self) -> str:
        """The message of its commit."""
        said = json.dumps(self.value(), ensure_ascii=True, separators=(",", ":"), sort_keys=True)
        return f"{self.subject()}\n\n{said}\n"


@dataclass(frozen=True)
class Lane(_Said):
    """A lane: who holds which paths, or how it ended."""

    lane: str = ""
    scope: tuple[str, ...] = ()
    intent: str = ""
    status: str = OPEN
    note: str = ""

    kind = "lane"

    @property
    def open(self) -> bool:
        """Whether somebody holds it, or held it until it expired."""
        return self.status == OPEN

    @property
    def ref(self) -> str:
        """The ref that it is kept under."""
        return lane_ref(self.lane)

    def held(self) -> str:
        """Who holds what until when, in words."""
        return f"lane {self.lane} is held by {self.session} ({', '.join(self.scope)}) until {self.expires}"

    def subject(self) -> str:
        """A line for people."""
        return f"lane {self.lane}: {self.session} {self.status}" + (f" until {self.expires}" if self.open else "")


@dataclass(frozen=True)
class Session(_Said):
    """A session: at work, or ended with what it leaves behind."""

    status: str = "ACTIVE"
    worktree: str = ""
    text: str = ""
    next: str = ""
    lanes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    kind = "session"

    @property
    def ended(self) -> bool:
        """Whether it handed off."""
        return self.status == "ENDED"

    @property
    def ref(self) -> str:
        """The ref that it is kept under."""
        return f"refs/guard/sessions/{self.session[1:]}"

    def subject(self) -> str:
        """A line for people."""
        return f"session {self.session} {self.status}" + ("" if self.ended else f" until {self.expires}")


@dataclass(frozen=True)
class Lesson(_Said):
    """A lesson that has its number, and is a file on the branch or will be."""

    number: int = 0
    title: str = ""
    body: str = ""

    kind = "lesson"

    @property
    def ref(self) -> str:
        """The ref that it is kept under."""
        return f"refs/guard/lessons/{self.number}"

    def subject(self) -> str:
        """A line for people."""
        return f"lesson {self.number}: {self.title}"


Said = Lane | Session | Lesson
_KINDS: Mapping[str, type[Lane] | type[Session] | type[Lesson]] = {
    "lane": Lane,
    "session": Session,
    "lesson": Lesson,
}


def read(message: str) -> Said | None:
    """What a commit's message says; None for anything that `message` would not have written."""
    try:
        value = json.loads(message.partition("\n\n")[2])
    except (ValueError, RecursionError):
        return None
    form = _KINDS.get(str(value.pop("kind", None))) if isinstance(value, dict) else None
    if form is None or value.keys() != {field.name for field in fields(form)}:
        return None
    for field in fields(form):
        given = value[field.name]
        if isinstance(field.default, tuple):
            if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
                return None
            value[field.name] = tuple(given)
        elif type(given) is not (int if field.name == "number" else str):
            return None
    said = form(**value)
    return said if _sound(said) else None


def _sound(said: Said) -> bool:
    times = _TIME.match(said.since) and (not said.expires or _TIME.match(said.expires))
    if not (times and _SESSION.match(said.session) and _NONCE.match(said.nonce)):
        return False
    try:
        instant(said.since), instant(said.expires or said.since)  # February has no 31st
    except ValueError:
        return False
    if isinstance(said, Lane):
        globs = 0 < len(said.scope) <= MAX_GLOBS and not any(map(wrong_glob, said.scope))
        return globs and fit(said.lane) and said.status in (OPEN, *CLOSED) and bool(said.expires)
    if isinstance(said, Session):
        return said.status in ("ACTIVE", "ENDED")
    return said.number > 0 and fit(said.title)


def fit(name: str) -> bool:
    """Whether a text can be the name of a lane or the title of a lesson: one printable line, not too long."""
    return 0 < len(name) <= MAX_NAME and name == name.strip() and not _UNFIT.search(name)


def wrong_glob(text: str) -> str:
    """What is wrong with a glob of a scope, as the end of a sentence that begins with it; empty for nothing."""
    if len(text) > MAX_GLOB:
        return f"is longer than {MAX_GLOB} characters"
    return "holds what no path can hold" if _NO_BYTES.search(text) else glob(text)


def lane_ref(lane: str) -> str:
    """The ref of a lane: a slug for people, and a hash because two names may have one slug."""
    slug = re.sub(r"[^a-z0-9]+", "-", lane.lower(), flags=re.ASCII).strip("-")[:40].strip("-") or "lane"
    return f"refs/guard/lanes/{slug}-{hashlib.sha256(lane.encode()).hexdigest()[:8]}"


def spell(when: datetime) -> str:
    """A time as it is written here."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(text: str) -> datetime:
    """A time that was written here; raises `ValueError` for a day that there is not."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
