"""The quick yes of the pre-commit hook: it may say yes only where the judge finds nothing."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import delta
from guard.hooks import quick
from guard.inbox import faults
from guard.policy import Policy

NOW = 1776250000.0  # 2026-04-15
NAME = "frame-7-solo.json"


def says_yes(name: str, data: bytes, newest: int = 6) -> bool:
    """Whether a delta is certainly good."""
    try:
        quick._delta(name, data, newest, 64)
    except (quick._Unsure, KeyError, ValueError, RecursionError):
        return False
    return True


def judged_good(name: str, data: bytes, newest: int = 6) -> bool:
    """Whether the judge finds nothing."""
    return not list(faults(name, name, data, "file", Policy(), newest, NOW + 10**9))


def test_ordinary_deltas_are_certain() -> None:
    """The deltas that streams write every day need no more than a quick look."""
    value = delta(posts_created=[{"number": 5}, 6], comments_added=["x", {"id": "y"}], reactions_added=[{"count": 2}])
    assert says_yes(NAME, json.dumps(value, indent=2).encode())
    assert says_yes(NAME, json.dumps({**value, "_meta": {"status": "fallback"}, "mood": [[1.50]]}).encode())


ODD = st.sampled_from(
    [0, 1, -1, 7, 8, 7.0, True, None, "", "x", "solo", [], {}, [1], ["x"], [None], [1.5], [[]], [{}], {"a": 1}, 10**30]
).map(copy.deepcopy)
KEYS = st.sampled_from([*quick._LISTS, "frame", "stream_id", "completed_at", "_meta", "set", "reactions_added", "else"])


@settings(max_examples=1500)
@given(
    st.dictionaries(KEYS, ODD, max_size=3), st.sampled_from([NAME, "frame-8-solo.json", "frame-07-solo.json", "x.json"])
)
def test_a_yes_is_never_wrong(odd: dict[str, Any], name: str) -> None:
    """Whatever values stand where, a quick yes is the judge's too."""
    data = json.dumps({**delta(), **odd}).encode()
    if says_yes(name, data):
        assert judged_good(name, data)


@pytest.mark.parametrize(
    "text",
    [
        '{"frame":7,"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":NaN}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":"\\ud800"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":' + "9" * 5000 + "}",
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":1.' + "9" * 5000 + "}",
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":' + "[" * 64 + "]" * 64 + "}",
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":' + "[" * 9000 + "]" * 9000 + "}",
        '\ufeff{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z"}',
        '{"frame":7e0,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-02-30T12:00:00Z"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2999-03-02T12:00:00Z"}',
        '{"frame":7,"stream_id":"solo"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z"',
        "[]",
        "",
        "<<<<<<< ours",
    ],
)
def test_what_the_judge_refuses_is_left_to_it(text: str) -> None:
    """Everything that a delta may not be is at least unsure."""
    assert not says_yes(NAME, text.encode())


def test_it_starts_with_a_bare_python() -> None:
    """It loads nothing that a bare interpreter has not, but json and re."""
    root = Path(__file__).resolve().parent.parent
    code = f"import sys; sys.path[:0] = [{str(root)!r}]; import guard.hooks.quick; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"typing", "dataclasses", "subprocess", "pathlib", "orjson", "guard.errors", "guard.policy"}
