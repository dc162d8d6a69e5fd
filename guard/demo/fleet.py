"""An invented fleet: the state of 136 agents, and deltas of three frames in every shape that real streams write.

Everything here is made by rules, so that every run of the demo makes the same commits.
"""

import json
from typing import Any

FIRST = 412
"""The frame that is open when the story begins."""

_TRADES = (
    *("lamplighter", "cartographer", "ferrier", "glazier", "herbalist", "joiner", "luthier", "mason", "miller"),
    *("printer", "ropemaker", "saddler", "scribe", "shipwright", "tinker", "weaver", "wright"),
)
_CHANNELS = ("harbour", "market", "workshop", "almanac", "letters", "weather", "recipes", "repairs", "maps", "songs")
NEWCOMER = "stargazer-01"
"""An agent that no state file knows."""

Value = dict[str, Any]


def agent(place: int) -> str:
    """The name of the `place`th of the 136 agents, counted from 0."""
    return f"{_TRADES[place % len(_TRADES)]}-{place // len(_TRADES) + 1:02d}"


def state(agents: int = 136) -> dict[str, bytes]:
    """The canonical files and the roster, each formatted as real fleets have them: not two are alike."""
    names = sorted(agent(place) for place in range(agents))
    people = {name: _person(place, name) for place, name in enumerate(names)}
    channels = {slug: _channel(place, slug) for place, slug in enumerate(_CHANNELS)}
    totals = {
        "last_updated": _time(FIRST - 1, 0),
        "total_channels": len(channels),
        "total_posts": 5100,
        "dormant_agents": 13,
        "total_agents": len(people),
        "total_comments": 20417,
        "total_reactions": 61030,
        "total_topics": 21,
    }
    counter = {"frame": FIRST - 1, "started_at": "2026-05-03T06:00:00.106371+00:00", "total_frames_run": FIRST - 1}
    streams = {name: {"agents": _crew(place)} for place, name in enumerate(STREAMS)}
    roster = {"frame": FIRST, "stream_count": len(streams), "total_agents": len(people), "streams": streams}
    meta = {"count": len(people), "last_updated": _time(FIRST - 1, 0)}
    places = {"channels": channels, "_meta": {"count": len(channels)}}
    return {
        "state/agents.json": _pretty({"agents": people, "_meta": meta}).encode(),  # escapes, no final newline
        "state/channels.json": _pretty(places, raw=True).encode() + b"\n",
        "state/stats.json": _pretty(totals).encode() + b"\n\n",
        "state/frame_counter.json": _pretty(counter).encode(),
        "state/stream_assignments.json": _pretty(roster).encode(),
    }


def wiped(agents_json: bytes) -> bytes:
    """What a script wrote that took nine agents for all of them, as in frames 404 to 407."""
    value = json.loads(agents_json)
    kept = dict(list(value["agents"].items())[:9])
    return _pretty({"agents": kept, "_meta": {**value["_meta"], "count": len(kept)}}).encode()


STREAMS = ("east-1", "east-2", "west-1", "west-2", "west-3")
"""The streams of the roster; the last one is late."""

# --- deltas ----------------------------------------------------------------------------------------------------


def east_1() -> Value:
    """Frame 412: posts as objects, comments without ids of which two are equal and meant to be two."""
    twice = {"discussion": 5099, "author": agent(3), "type": "reply"}
    return _delta(
        FIRST, "east-1", 10,
        agents_activated=_crew(0),
        posts_created=[
            {"number": 5101, "title": "[MAP] The quay \u2014 first survey", "channel": "maps", "author": agent(0)},
            {"number": 5102, "title": "[REPAIR] Pump two", "channel": "repairs", "author": agent(1)},
        ],
        comments_added=[
            twice,
            {"discussion": 5099, "author": agent(1), "type": "top-level", "summary": "asks who holds the key"},
            twice,
            *({"discussion": 5090 + n, "author": agent(n), "type": "comment"} for n in range(4, 10)),
        ],
        reactions_added=[{"target": f"D_demo{n:04d}", "type": "THUMBS_UP"} for n in range(12)],
        discussions_engaged=[5099, 5090, 5092],
        observations={"mood": "busy", "note": "the tide table is off by 1e-07 days"},
    )  # fmt: skip


def east_1_again() -> Value:
    """Frame 412, the same stream on another machine: bare post numbers, node ids, reactions as `ID:TYPE`."""
    return _delta(
        FIRST, "east-1", 12, stream_type="copilot",
        agents_activated=_crew(1),
        posts_created=[5103],
        comments_added=[f"DC_demo1{n:03d}" for n in range(7)],
        reactions_added=[f"DC_demo1{n:03d}:ROCKET" for n in range(5)],
        soul_files_updated=[f"memory/{agent(4)}.md"],
        errors=["rate limit: waited 30 s"],
    )  # fmt: skip


def east_2(stream: str = "east-2") -> Value:
    """Frame 412: comments with ids, as `east-2` reports them, and once more as a second run does, with a bare count."""
    again = stream != "east-2"
    comments = [
        {"id": f"DC_demo2{n:03d}", "discussion": 5080 + n, "agent": agent(20 + n), "type": "reply"} for n in range(12)
    ]
    reactions = 8 if again else [{"node": f"DC_demo2{n:03d}", "type": "HEART"} for n in range(8)]
    crew = [agent(20 + n) for n in range(12)]
    return _delta(FIRST, stream, 15, stream_type="solo", agents_activated=crew, posts_created=[],
                  comments_added=comments, reactions_added=reactions)  # fmt: skip


def west_1() -> Value:
    """Frame 412: `comment_id`, reactions in batches and by agent, a time with its offset."""
    return _delta(
        FIRST, "west-1", 11, zone="+00:00", engine="night-shift",
        agents_activated=_crew(2),
        posts_created=[{"number": 5104, "title": "[SONG] Low water", "channel": "songs", "by": agent(41)}],
        comments_added=[
            {"discussion": 5070 + n, "author": agent(40 + n), "comment_id": f"DC_demo3{n:03d}"} for n in range(9)
        ],
        reactions_added=[
            {"batch": 1, "count": 8, "types": ["THUMBS_UP", "ROCKET"]},
            {"agent": agent(42), "count": 6},
        ],
        errors=[{"step": "upload", "retries": 123456789012345678901234567890}],
    )  # fmt: skip


def west_2_cut() -> bytes:
    """Frame 412: a delta that was cut off while it was being written."""
    data = encode(_delta(FIRST, "west-2", 13, agents_activated=_crew(3), comments_added=["DC_demo4000", "DC_demo4001"]))
    return data[: len(data) * 2 // 3]


def west_3_late() -> Value:
    """Frame 412, delivered when frame 413 is merged already; its time is the earliest of its frame."""
    return _delta(
        FIRST, "west-3", 1,
        agents_activated=_crew(4),
        comments_added=[{"discussion": 5060, "author": agent(60), "type": "reply"}] * 2
        + [{"id": f"DC_demo5{n:03d}", "discussion": 5061, "agent": agent(61), "type": "reply"} for n in range(3)],
        reactions_added=[{"type": "THUMBS_UP", "count": 4}],
    )  # fmt: skip


def second() -> list[Value]:
    """Frame 413: a post that frame 412 reported otherwise, a newcomer, an operator's edit, a fallback."""
    frame = FIRST + 1
    bio = "Keeps the lamps of the east quay \u2014 and the night log."
    return [
        _delta(
            frame, "west-1", 10,
            agents_activated=[*_crew(2), NEWCOMER],
            posts_created=[
                {"number": 5101, "title": "[MAP] The quay, surveyed", "channel": "almanac", "author": agent(0)},
                {"number": 5105, "title": "[LETTER] To the office", "channel": "observatory", "author": NEWCOMER},
            ],
            comments_added=[{"discussion": 5101, "author": NEWCOMER, "type": "top-level", "is_reply": False}],
            reactions_added=[{"type": "THUMBS_UP", "count": 14}, {"type": "ROCKET", "count": 5}],
        ),
        _delta(
            frame, "east-1", 11, set={f"state/agents.json#/agents/{agent(0)}/bio": bio},
            agents_activated=_crew(0), comments_added=[f"DC_demo6{n:03d}" for n in range(4)], posts_created=[],
            reactions_added=["DC_demo6000"],
        ),
        {
            "frame": frame, "stream_id": "west-2", "posts_created": [], "comments_added": [],
            "_meta": {"status": "fallback", "timestamp": _time(frame, 20)},
        },
    ]  # fmt: skip


def third() -> list[Value]:
    """Frame 414: two plain deltas."""
    return [
        _delta(
            FIRST + 2, stream, 10 + place,
            agents_activated=_crew(place),
            posts_created=[{"number": 5110 + place, "title": "Log", "channel": "weather", "author": agent(place)}],
            comments_added=[f"DC_demo7{place}{n:02d}" for n in range(6)],
            reactions_added=[],
        )
        for place, stream in enumerate(("east-1", "west-1"))
    ]  # fmt: skip


def name_of(value: Value) -> str:
    """The name of a delta's file in the inbox."""
    return f"frame-{value['frame']}-{value['stream_id']}.json"


def encode(value: Value) -> bytes:
    """A delta's bytes."""
    return _pretty(value, raw=True).encode() + b"\n"


def _delta(frame: int, stream: str, minute: int, zone: str = "Z", **keys: Any) -> Value:
    return {"frame": frame, "stream_id": stream, "completed_at": _time(frame, minute, zone), **keys}


def _time(frame: int, minute: int, zone: str = "Z") -> str:
    hours = frame - FIRST + 8
    return f"2026-05-04T{hours:02d}:{minute:02d}:00{zone}"


def _crew(place: int) -> list[str]:
    return [agent(place * 20 + number) for number in range(10)]


def _person(place: int, name: str) -> Value:
    trade = name.rpartition("-")[0]
    return {
        "name": f"{trade.title()} {name[-2:]}",
        "bio": f"A {trade} of the old harbour \u2014 number {place} of the register.",
        "joined": f"2026-02-{place % 28 + 1:02d}T09:00:00Z",
        "heartbeat_last": _time(FIRST - 1, place % 60),
        "status": "dormant" if place % 10 == 9 else "active",
        "subscribed_channels": [_CHANNELS[(place + step) % len(_CHANNELS)] for step in range(3)],
        "post_count": place * 7 % 60,
        "comment_count": place * 31 % 200,
        "traits": {"patience": (place * 37 % 101) / 128, "doubt": 1e-07},
    }


def _channel(place: int, slug: str) -> Value:
    return {
        "slug": slug,
        "name": slug.title(),
        "description": f"Everything on {slug} \u2014 kept by the harbour office.",
        "post_count": 510 - place * 9,
        "verified": place % 2 == 0,
    }


def _pretty(value: Value, *, raw: bool = False) -> str:
    return json.dumps(value, indent=2, ensure_ascii=not raw)
