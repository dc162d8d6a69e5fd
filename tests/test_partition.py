"""Properties of guard.frames.partition: every agent is played once, and what is added moves only its own share."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.frames.partition import How, machine, names_in, parted, share, streams

NAMES = st.sets(st.text("abcxyz-_0189é", min_size=1, max_size=12), max_size=60).map(sorted)
FLEET = [f"agent-{number:03d}" for number in range(1000)]
HOWS: list[How] = ["rendezvous", "offset"]


@pytest.mark.parametrize("how", HOWS)
@given(names=NAMES, number=st.integers(1, 9), draw=st.randoms())
def test_every_name_is_somebodys_once_whatever_the_order(how: How, names: list[str], number: int, draw) -> None:
    """The machines' shares are disjoint and together all names, however the roster is ordered or repeated."""
    mixed = names * 2
    draw.shuffle(mixed)
    shares = [share(mixed, (place, number), how) for place in range(1, number + 1)]
    assert sorted(name for each in shares for name in each) == names
    assert shares == [share(names, (place, number), how) for place in range(1, number + 1)]


@given(NAMES, st.text("abcxyz", min_size=13, max_size=14), st.integers(1, 9))
def test_a_new_name_moves_nobody_else(names: list[str], new: str, number: int) -> None:
    """By rendezvous, an agent that is added joins one machine, and every other agent stays where it was."""
    before = [share(names, (place, number), "rendezvous") for place in range(1, number + 1)]
    after = [share([*names, new], (place, number), "rendezvous") for place in range(1, number + 1)]
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert [[name for name in each if name != new] for each in after] == before


@given(NAMES, st.integers(1, 8))
def test_a_machine_that_is_added_takes_its_share_and_nothing_else_moves(names: list[str], number: int) -> None:
    """By rendezvous, whoever changes machine when one is added goes to the new one."""
    for place in range(1, number + 1):
        before = share(names, (place, number), "rendezvous")
        after = share(names, (place, number + 1), "rendezvous")
        assert set(after) <= set(before)


def test_a_third_machine_takes_about_a_third() -> None:
    """Of 1000 agents on two machines, 280 to 390 move to a third one."""
    stay = [len(share(FLEET, (place, 3), "rendezvous")) for place in (1, 2)]
    assert 280 <= 1000 - sum(stay) <= 390
    assert all(280 <= each <= 390 for each in stay)


def test_offset_is_even() -> None:
    """By offset, no machine has more than one agent more than another."""
    for number in range(1, 20):
        sizes = [len(share(FLEET, (place, number), "offset")) for place in range(1, number + 1)]
        assert max(sizes) - min(sizes) <= 1


def test_the_shares_stay_what_they_are_in_every_version() -> None:
    """Machines with different versions of guard must agree: these shares are fixed by SHA-256, not by Python."""
    names = ["ada", "bob", "cyd", "dan", "eve", "fay"]
    wanted = {"m1": ["cyd"], "m2": ["ada", "fay"], "m3": ["bob", "dan", "eve"]}
    parts = ["m1", "m2", "m3"]
    assert parted(names, parts, "rendezvous") == parted(names[::-1], parts[::-1], "rendezvous") == wanted


def test_stream_ids() -> None:
    """stream-1 to stream-N; with machines, each machine's own."""
    assert streams(3, None) == ["stream-1", "stream-2", "stream-3"]
    assert streams(2, (4, 5)) == ["m4-stream-1", "m4-stream-2"]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "a/b", "1/2/3", "-1/2", "1/0", "1/99999", "١/٢", " 1/2"])
def test_what_is_no_machine_is_refused(text: str) -> None:
    """A machine is I/M with 1 <= I <= M; everything else is an error that says how it is written."""
    with pytest.raises(GuardError) as caught:
        machine(text)
    assert "--machine 1/2" in caught.value.fix


@pytest.mark.parametrize(
    "value",
    [
        {"agents": {"bob": {}, "ada": {}, "_meta": 1}, "_meta": {"count": 2}},
        {"agents": ["bob", "ada"]},
        {"bob": {}, "ada": {}, "_meta": {}},
        ["ada", "bob", "ada"],
        [{"id": "ada"}, {"name": "bob", "x": 1}],
    ],
)
def test_rosters_in_json(value: object) -> None:
    """agents.json, a list or a map of agents give their names."""
    assert names_in(json.dumps(value).encode(), "x.json") == ["ada", "bob"]


def test_a_roster_as_text() -> None:
    """One name a line; blank lines and comments are none."""
    assert names_in(b"\xef\xbb\xbfbob\r\n\n# old: cyd\n  ada  \n", "roster.txt") == ["ada", "bob"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"\xff", "a"),
        (b"{", "a.json"),
        (b"3", "a.json"),
        (b"[3]", "a.json"),
        (b"[{}]", "a"),
        (b'["a b"]', "a"),
        (b'["a,b"]', "a"),
        (b'[""]', "a"),
        (b"[" * 100_000, "a"),
        (b"a\0b", "a"),
    ],
)
def test_a_roster_that_cannot_be_read_is_an_error(data: bytes, where: str) -> None:
    """What is no roster is refused by name, and never read as one of nobody."""
    with pytest.raises(GuardError) as caught:
        names_in(data, where)
    assert where in caught.value.what
