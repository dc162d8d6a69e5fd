"""The quick yes of the pre-commit hook: it may say yes only where the judge finds nothing."""

import copy
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import delta
from guard import certain
from guard.inbox import faults
from guard.policy import Policy

NOW = 1776250000.0  # 2026-04-15
NAME = "frame-7-solo.json"


def says_yes(name: str, data: bytes, newest: int = 6) -> bool:
    """Whether a delta is certainly good."""
    try:
        certain.check(name, data, newest=newest, levels=64, now=time.time())
    except certain.FAILURES:
        return False
    return True


def judged_good(name: str, data: bytes, newest: int = 6) -> bool:
    """Whether the judge finds nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certain, "check", unsure)  # or the judge would believe the quick look
        return not list(faults(name, name, data, "file", Policy(), newest, NOW + 10**9))


def unsure(*_: object, **__: object) -> None:
    """A quick look that knows nothing."""
    raise certain.Unsure


def test_ordinary_deltas_are_certain() -> None:
    """The deltas that streams write every day need no more than a quick look."""
    value = delta(posts_created=[{"number": 5}, 6], comments_added=["x", {"id": "y"}], reactions_added=[{"count": 2}])
    assert says_yes(NAME, json.dumps(value, indent=2).encode())
    assert says_yes(NAME, json.dumps({**value, "_meta": {"status": "fallback"}, "mood": [[1.50]]}).encode())
    dotted = {**value, "stream_id": "m1.night-2_b", "reactions_added": 20}
    assert says_yes("frame-7-m1.night-2_b.json", json.dumps(dotted).encode())


@pytest.mark.parametrize("key", ["completed_at", "timestamp", "_meta"])
@pytest.mark.parametrize(
    "text",
    ["2026-03-02T12:00:00Z", "2026-03-30T23:59:59.25Z", "2026-03-20T15:53:29.656690+00:00", "2024-02-28T00:00:00Z"],
)
def test_the_times_that_programs_write_are_certain(key: str, text: str) -> None:
    """As isoformat() and `date -u` spell them, in each place where a time may stand."""
    value = {**delta(), key: {"timestamp": text} if key == "_meta" else text}
    if key != "completed_at":
        del value["completed_at"]
    assert says_yes(NAME, json.dumps(value).encode())


ODD = st.sampled_from(
    [0, 1, -1, 7, 8, 7.0, True, None, "", "x", "solo", [], {}, [1], ["x"], [None], [1.5], [[]], [{}], {"a": 1}, 10**30]
).map(copy.deepcopy)
KEYS = st.sampled_from(
    [*certain._LISTS, "frame", "stream_id", "completed_at", "timestamp", "_meta", "set", "reactions_added", "else"]
)
TIMES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["2026", "1999", "2O26", "20٢6", "02026", "2999", ""]),
        st.sampled_from(
            ["-03-02", "-02-28", "-02-29", "-02-30", "-04-30", "-04-31", "-00-01", "-13-01", "-3-02", "-03-00"]
        ),
        st.sampled_from(["T", "t", " ", ""]),
        st.sampled_from(["12:00:00", "24:00:00", "23:59:60", "23:60:00", "12:00", "-1:00:00", "12:00:0a"]),
        st.sampled_from(["", ".5", ".", ".x", "." + "1" * 60]),
        st.sampled_from(["Z", "z", "+00:00", "-00:00", "+01:00", "", "ZZ", "Z+00:00"]),
    ),
)


@settings(max_examples=1500)
@given(
    st.dictionaries(KEYS, ODD, max_size=3), st.sampled_from([NAME, "frame-8-solo.json", "frame-07-solo.json", "x.json"])
)
def test_a_yes_is_never_wrong(odd: dict[str, Any], name: str) -> None:
    """Whatever values stand where, a quick yes is the judge's too."""
    data = json.dumps({**delta(), **odd}).encode()
    if says_yes(name, data):
        assert judged_good(name, data)


@settings(max_examples=3000)
@given(TIMES, st.sampled_from(["completed_at", "timestamp"]))
def test_a_yes_to_a_time_is_never_wrong(text: str, key: str) -> None:
    """However a time is written, a quick yes is the judge's too, and none lies ahead."""
    value = {**delta(), key: text}
    data = json.dumps(value, ensure_ascii=False).encode()
    if says_yes(NAME, data):
        assert judged_good(NAME, data)
        assert value["completed_at"] < "2999"


VALUES = [
    *(
        "1e400",
        "-1e400",
        "1E+999999",
        "1e-999999",
        "-0.0",
        "-0e1",
        "-0",
        "01",
        "1.",
        ".5",
        "+1",
        "0",
        "1e5",
        "Infinity",
    ),
    *("9" * 999, "9" * 1001, "9" * 4300, "9" * 4301, f"-{'9' * 4300}", f"1.{'9' * 999}", f"1.{'9' * 5000}", "tru"),
    *('"\\u0000"', '"\\u0001"', '"\x01"', '"\x7f"', '"\\/"', '"\\x"', '"\u2028"', '"\ufeff"', '"\U000e0001"', '"'),
    *('{"":1}', '{"a":1,"\\u0061":2}', '{"a":1,}', "[1,]", '["<<<<<<< a"]', " \t\r\n1", "\x0c1", '"\\ud83d\\ude00"'),
    *(f"{'[' * levels}{']' * levels}" for levels in (62, 63, 64)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value[:20]))
def test_a_yes_to_a_value_is_never_wrong(value: str) -> None:
    """However JSON is spelled, a quick yes is the judge's too."""
    data = f'{{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":{value}}}'.encode()
    assert judged_good(NAME, data) or not says_yes(NAME, data)


@pytest.mark.parametrize(
    "stream", ["a..b", "a.", "a.lock", ".a", "-a", "", "a b", "ä", "a/b", "a" * 129, "a\n", "aK", "a--0123456789abcdef"]
)
def test_a_yes_to_a_stream_is_never_wrong(stream: str) -> None:
    """A name that no file or ref may bear, or that looks like a further run's, gets no yes that the judge denies."""
    name = f"frame-7-{stream}.json"
    data = json.dumps({**delta(), "stream_id": stream}).encode()
    assert judged_good(name, data) or not says_yes(name, data)


@pytest.mark.parametrize(
    "text",
    [
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","reactions_added":-0}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","reactions_added":-1}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z"} x',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":"\t"}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":{"y":1,"y":1}}',
        '{"frame":7,"stream_id":"solo","completed_at":"2026-03-02T12:00:00Z","x":' + "[" * 65 + "]" * 65 + "}",
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
    """It loads nothing that a bare interpreter has not, neither at its start nor to read deltas."""
    root = Path(__file__).resolve().parent.parent
    code = f"import sys; sys.path[:0] = [{str(root)!r}]; from guard.hooks import quick\n"
    code += "quick.check('frame-7-solo.json', sys.stdin.buffer.read(), newest=6, levels=64, now=None)\n"
    code += "print(*sorted(sys.modules))"
    words = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(words, input=json.dumps(delta()), capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "typing",
        "dataclasses",
        "subprocess",
        "pathlib",
        "orjson",
        "json",
        "re",
        "enum",
        "guard.errors",
    }


def test_a_bare_python_is_unsure_too() -> None:
    """Without `json`, whose error the C scanner would raise, broken texts are still left to the judge, each of them."""
    texts = ["{", '{"a"', '{"a":', '{"a":1,}', "[1", '"x', '"\\x"', "tru", "", "NaN", "-", "{1:2}", '{"a":1}x', "\x01"]
    root = Path(__file__).resolve().parent.parent
    code = (
        f"import sys; sys.path[:0] = [{str(root)!r}]; from guard import certain\n"
        f"for text in {texts!r}:\n"
        "    try: certain.parsed(text)\n"
        "    except certain.FAILURES: print('unsure')\n"
        "print('json' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "unsure\n" * len(texts) + "False\n"
