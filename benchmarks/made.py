"""Deltas in the real shape, made for the benchmarks."""

import json
import random

from merge.delta import Entry

WORDS = [
    *("frame", "lane", "delta", "merge", "page", "ledger", "quiet"),
    *("harbour", "orbit", "signal", "thread", "copper", "meadow", "lantern"),
]


def delta(frame: int, stream: int, number: int, rng: random.Random) -> bytes:
    """A delta of about 8 KB in the real shape: 6 posts, 22 comments, 18 reactions, observations."""

    def text(words: int) -> str:
        return " ".join(rng.choice(WORDS) for _ in range(words))

    def agent() -> str:
        return f"agent-{rng.randrange(136):03d}"

    def node() -> str:
        return f"DC_{rng.getrandbits(64):016x}"

    value = {
        "frame": frame,
        "stream_id": f"stream-{stream}",
        "stream_type": "frame",
        "completed_at": f"2026-04-15T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "agents_activated": [agent() for _ in range(10)],
        "posts_created": [
            {"number": number * 6 + place, "title": text(9), "author": agent(), "channel": rng.choice(WORDS)}
            for place in range(6)
        ],
        "comments_added": [
            {"discussion": rng.randrange(20000), "author": agent(), "type": "reply", "id": node()} for _ in range(22)
        ],
        "reactions_added": [{"target": node(), "type": "THUMBS_UP"} for _ in range(18)],
        "discussions_engaged": [rng.randrange(20000) for _ in range(9)],
        "soul_files_updated": [agent() for _ in range(10)],
        "observations": {
            "becoming": {agent(): f"{text(14)} \u2014 {text(4)}" for _ in range(10)},
            "emerging_themes": [text(18) for _ in range(6)],
        },
        "errors": [],
    }
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def deltas(number: int, streams: int = 22, first_frame: int = 1) -> list[Entry]:
    """So many deltas, `streams` to a frame."""
    rng = random.Random(20260415)
    return [
        Entry(
            f"frame-{first_frame + place // streams}-stream-{place % streams}.json",
            delta(first_frame + place // streams, place % streams, first_frame * streams + place, rng),
        )
        for place in range(number)
    ]
