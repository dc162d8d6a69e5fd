"""What refs say: written and read back, and nothing that is not so is believed."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard import schema
from guard.leases import lease
from guard.leases.lease import Lane, Lesson, Session

SAID = ("S153", "0123456789ab", "2026-01-05T10:00:00Z", "2026-01-05T12:00:00Z", "ada", "tower", "linux", "main")
LANE = Lane(*SAID, lane="RIVER — north", scope=("src/**", "docs/a b.md"), intent="dredge it")
SESSION = Session(*SAID, status="ENDED", text="it is done\n\nall of it", lanes=("RIVER",), left=("a\nb",))
LESSON = Lesson(*SAID, number=12, title="tides | and ferries", body="wait\n")


@pytest.mark.parametrize("said", [LANE, SESSION, LESSON], ids=lambda said: said.kind)
def test_what_is_written_is_read(said: lease.Said) -> None:
    """The message of a lease says all that it says, and satisfies the schema."""
    assert lease.read(said.message()) == said
    assert schema.conforms("claim")(json.loads(json.dumps(said.value())))
    assert "\n" not in said.subject()


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_are_kept(intent: str, text: str) -> None:
    """Whatever people say comes back as they said it."""
    lane, session = replace(LANE, intent=intent), replace(SESSION, text=text)
    assert lease.read(lane.message()) == lane
    assert lease.read(session.message()) == session


BAD: list[tuple[str, Any]] = [
    ("kind", "boat"),
    ("session", "S0"),
    ("session", "153"),
    ("session", 153),
    ("nonce", "xyz"),
    ("since", "yesterday"),
    ("expires", ""),
    ("expires", None),
    ("lane", ""),
    ("lane", "x" * 129),
    ("scope", []),
    ("scope", [1]),
    ("scope", "src"),
    ("scope", ["x" * 257]),
    ("scope", ["../up"]),
    ("scope", ["a\nb"]),
    ("scope", ["x"] * 1001),
    ("since", "0001-01-01T00:00:00Z"),
    ("expires", "9999-12-31T23:59:59Z"),
    ("status", "BUSY"),
    ("intent", None),
    ("more", "x"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_what_is_no_lease_is_not_read(key: str, value: Any) -> None:
    """A value that the schema refuses is none that is read."""
    said = {**copy.deepcopy(LANE.value()), key: value}
    assert not schema.conforms("claim")(json.loads(json.dumps(said)))
    assert lease.read(f"lane\n\n{json.dumps(said)}\n") is None
    assert lease.read(f"lane\n\n{json.dumps({k: v for k, v in LANE.value().items() if k != 'host'})}") is None


@pytest.mark.parametrize(
    "text", ["", "lane", "lane\n\n", "lane\n\n[]", "a\n\n" + "[" * 10**5, 'a\n\n{"kind": []}', "a\n\n1"]
)
def test_garbage_is_not_read(text: str) -> None:
    """Whatever somebody pushed there, it is no lease and no crash."""
    assert lease.read(text) is None
    assert lease.read(text.replace("[]", json.dumps({**LANE.value(), "since": "2026-02-31T10:00:00Z"}))) is None


def test_names_have_refs_of_their_own() -> None:
    """Lanes whose names look alike in a ref have different refs, each of which git takes."""
    names = ["a", "A", "a b", "a-b", "ä", "é", "x" * 128, "../..", ".lock", "L|IS", "-", "a.lock", "refs/heads/main"]
    refs = [lease.lane_ref(name) for name in names]
    assert len({ref.lower() for ref in refs}) == len(names)
    assert all(set(ref) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/") for ref in refs)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\x00", "a\x85b", "x" * 129, "\ud800", "a\u2028b"])
def test_a_name_is_one_printable_line(name: str) -> None:
    """What would break a table or a terminal cannot be a name."""
    assert not lease.fit(name)
    assert lease.fit("L-IS3 | calibrate — spawn")


def test_a_scope_names_paths_of_any_bytes() -> None:
    """A path need not be UTF-8; what stands for no byte at all is no path."""
    assert lease.read(replace(LANE, scope=("src/\udcff",)).message()) is not None
    assert lease.wrong_glob("src/\udcff") == ""
    assert lease.wrong_glob("src/\udc7f")
    assert lease.read(replace(LANE, scope=("src/\ud800",)).message()) is None


def test_an_end_has_a_tolerance() -> None:
    """A lease has ended for others only when their clock is surely past its end; a renewal never shortens it."""
    end = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    assert not LANE.expired(end)
    assert LANE.expired(end + timedelta(seconds=1))
    assert not LANE.expired(end + timedelta(minutes=2), 2)
    assert LANE.expired(end + timedelta(minutes=2, seconds=1), 2)
    assert LANE.renewed(end, 120).expires == "2026-01-05T14:00:00Z"
    assert LANE.renewed(end - timedelta(hours=5), 120).expires == LANE.expires
