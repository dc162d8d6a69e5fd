"""CONTRACT section 4: what is a delta, what is none, and by which word it is refused."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from builders import CONFORMS, NOON, STYLES, TIMES, Spelled, delta, encode, entry, sent, write
from guard import schema
from merge import values
from merge.delta import (
    Delta,
    Entry,
    Invalid,
    digest_of,
    file_name,
    frame_in_name,
    read,
    split_name,
    valid_stream,
)
from merge.laws import DEFAULT, Laws, ListLaw
from merge.names import is_candidate
from merge.order import NEVER, moment

REASONS = {
    "conflict markers",
    "duplicate key",
    "forbidden edit",
    "in a folder",
    "NaN or Infinity",
    "no time",
    "not JSON",
    "not Unicode",
    "not UTF-8",
    "not a regular file",
    "not an object",
    "number too long",
    "schema",
    "too deep",
    "too large",
    "wrong name",
}
"""The closed list: these words are recorded in canonical files."""


def judge(each: Entry, laws: Laws = DEFAULT) -> Delta | Invalid:
    """The verdict on a file of the inbox."""
    return read(each, CONFORMS, laws)


def reason(each: Entry, laws: Laws = DEFAULT) -> str:
    """The word by which a file is refused, empty where it is accepted."""
    judged = judge(each, laws)
    if isinstance(judged, Delta):
        return ""
    assert judged.reason in REASONS
    return judged.reason


def with_members(text: bytes | str) -> Entry:
    """A delta with members written out by hand."""
    members = text.encode() if isinstance(text, str) else text
    return entry(b'{"frame":7,"stream_id":"solo","completed_at":"%s",%s}' % (NOON.encode(), members))


def nested(levels: int, opening: str = "[", closing: str = "]", inside: str = "") -> Entry:
    """A delta whose deepest bracket lies `levels` deep, the outermost included."""
    return with_members(f'"x":{opening * (levels - 1)}{inside}{closing * (levels - 1)}')


MARKERS = '<<<<<<< HEAD\n  "a": 1,\n=======\n  "a": 2,\n>>>>>>> theirs\n'
FULL = write(delta(posts_created=[{"number": number, "title": "[x] {y}"} for number in range(100)]))

HEX = digest_of(encode(delta()))
REFUSED: dict[str, tuple[Entry, str]] = {
    # kinds and places
    "a symlink": (entry(encode(delta()), kind="symlink"), "not a regular file"),
    "a submodule": (entry(b"0" * 40, kind="submodule"), "not a regular file"),
    "in a folder": (entry(encode(delta()), "old/frame-7-solo.json"), "in a folder"),
    "a folder of the name": (entry(encode(delta()), "frame-7-solo.json/frame-7-solo.json"), "in a folder"),
    # bytes
    "empty": (entry(b""), "not JSON"),
    "white space": (entry(b" \n"), "not JSON"),
    "truncated at the end": (entry(encode(delta())[:-3]), "not JSON"),
    "truncated in the middle of a long list": (entry(FULL[: len(FULL) // 2].encode()), "not JSON"),
    "an unclosed string": (with_members('"x":"'), "not JSON"),
    "a second value": (entry(encode(delta()) * 2), "not JSON"),
    "a trailing comma": (with_members('"x":[1,],"y":2'), "not JSON"),
    "a comment": (with_members('"x":1 // why'), "not JSON"),
    "single quotes": (with_members("'x':1"), "not JSON"),
    "a NUL byte": (entry(encode(delta()) + b"\0"), "not JSON"),
    "a NUL byte in a string": (with_members(b'"x":"\0"'), "not JSON"),
    "nothing but NUL bytes": (entry(b"\0" * 100), "not JSON"),
    "a tab in a string": (with_members('"x":"\t"'), "not JSON"),
    "a BOM": (entry(b"\xef\xbb\xbf" + encode(delta())), "not JSON"),
    "UTF-16": (entry(write(delta()).encode("utf-16")), "not UTF-8"),
    "Latin-1": (with_members(b'"x":"\xe9"'), "not UTF-8"),
    "a surrogate in UTF-8": (with_members(b'"x":"\xed\xa0\x80"'), "not UTF-8"),
    "an overlong character": (with_members(b'"x":"\xc0\xaf"'), "not UTF-8"),
    "half an escaped surrogate pair": (with_members(r'"x":"\ud83d"'), "not Unicode"),
    "the other half": (with_members(r'"x":"\uDE00"'), "not Unicode"),
    "half a pair as a key": (with_members(r'"\ud83d":1'), "not Unicode"),
    "half a pair before a character": (with_members(r'"x":["\uD83Dx"]'), "not Unicode"),
    "a duplicate key": (with_members('"x":1,"x":1'), "duplicate key"),
    "a duplicate key, spelled otherwise": (with_members(r'"x":1,"\u0078":2'), "duplicate key"),
    "a duplicate key, nested": (with_members('"x":[{"y":{"z":1,"a":2,"z":3}}]'), "duplicate key"),
    "a duplicate frame": (with_members('"frame":7'), "duplicate key"),
    "NaN": (with_members('"x":NaN'), "NaN or Infinity"),
    "Infinity": (with_members('"x":[Infinity]'), "NaN or Infinity"),
    "-Infinity": (with_members('"x":{"y":-Infinity}'), "NaN or Infinity"),
    "conflict markers": (entry(f"{{\n{MARKERS}}}".encode()), "conflict markers"),
    "conflict markers, CRLF": (entry(f"{{\n{MARKERS}}}".replace("\n", "\r\n").encode()), "conflict markers"),
    "conflict markers around a long list": (
        entry(FULL.replace("{", "{\n<<<<<<< HEAD\n", 1).replace("[", "[\n=======\n[{\n>>>>>>> x\n", 1).encode()),
        "conflict markers",
    ),
    # numbers
    "an integer of 4301 digits": (with_members(f'"x":{"9" * 4301}'), "number too long"),
    "a negative one": (with_members(f'"x":[-{"9" * 4301}]'), "number too long"),
    "a leading zero": (with_members('"x":01'), "not JSON"),
    "a plus sign": (with_members('"x":+1'), "not JSON"),
    "no digit after the point": (with_members('"x":1.'), "not JSON"),
    "hexadecimal": (with_members('"x":0x1'), "not JSON"),
    # nesting and size
    "65 levels of arrays": (nested(65), "too deep"),
    "65 levels of objects": (nested(65, '{"":', "}", "0"), "too deep"),
    "65 levels, the last one empty": (nested(64, inside="{}"), "too deep"),
    "65 levels beside a string with brackets": (
        entry(nested(65).data.replace(b'"x"', rb'"[\"\\":"]]]}}}","x"')),
        "too deep",
    ),
    "16 MiB of brackets": (entry(b"[" * 16 * 1024 * 1024), "too deep"),
    "one byte more than 16 MiB": (entry(encode(delta()).ljust(16 * 1024 * 1024 + 1)), "too large"),
    # the value
    "a list": (entry(b"[]"), "not an object"),
    "null": (entry(b"null"), "not an object"),
    "a number": (entry(b"489"), "not an object"),
    "a string": (entry(b'"frame"'), "not an object"),
    "true": (entry(b"true"), "not an object"),
    "an empty object": (entry(b"{}"), "schema"),
    "no frame": (entry(b'{"stream_id":"solo","completed_at":"%s"}' % NOON.encode()), "schema"),
    "no stream_id": (entry(b'{"frame":7,"completed_at":"%s"}' % NOON.encode()), "schema"),
    # time
    "no time": (entry(delta(at=None)), "no time"),
    "a time without offset": (entry(delta(at="2026-03-02T12:00:00")), "no time"),
    "a date": (entry(delta(at="2026-03-02")), "no time"),
    "a time as a number": (entry(delta(at=None, completed_at=1772452800)), "no time"),
    "a time in words": (entry(delta(at="noon")), "no time"),
    "a day that is not": (entry(delta(at="2026-02-30T12:00:00Z")), "no time"),
    "an hour that is not": (entry(delta(at="2026-03-02T24:00:00Z")), "no time"),
    "a time and more": (entry(delta(at=f"{NOON} ")), "no time"),
    "a time and a line": (entry(delta(at=f"{NOON}\n")), "no time"),
    "year 0": (entry(delta(at="0000-03-02T12:00:00Z")), "no time"),
    "Arabic digits": (entry(delta(at="٢٠٢٦-03-02T12:00:00Z")), "no time"),
    "a time under another name": (entry(delta(at=None, finished_at=NOON)), "no time"),
    # names
    "another frame's name": (entry(delta(), "frame-8-solo.json"), "wrong name"),
    "another stream's name": (entry(delta(), "frame-7-other.json"), "wrong name"),
    "another case": (entry(delta(), "frame-7-Solo.json"), "wrong name"),
    "upper case": (entry(delta(), "FRAME-7-SOLO.JSON"), "wrong name"),
    "a leading zero in the name": (entry(delta(), "frame-07-solo.json"), "wrong name"),
    "another suffix": (entry(delta(), "frame-7-solo--0123456789abcdef.json"), "wrong name"),
    "a suffix that is too short": (entry(delta(), f"frame-7-solo--{HEX[:15]}.json"), "wrong name"),
    "a suffix that is too long": (entry(delta(), f"frame-7-solo--{HEX[:17]}.json"), "wrong name"),
    "a suffix in capitals": (
        entry(delta(), f"frame-7-solo--{HEX[:16].upper()}.json"),
        "wrong name",
    ),
    "the suffix twice": (
        entry(delta(), f"frame-7-solo--{HEX[:16]}--{HEX[:16]}.json"),
        "wrong name",
    ),
    "a name of anything else": (entry(delta(), "delta.json"), "wrong name"),
    "a copy's name": (entry(delta(), "frame-7-solo (1).json"), "wrong name"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """Every file that section 4 refuses is an outcome with its word, never an exception."""
    one, word = REFUSED[case]
    judged = judge(one)
    assert isinstance(judged, Invalid), judged
    assert judged.reason == word, judged.detail
    assert judged.reason in REASONS
    assert (judged.digest, judged.name) == (hashlib.sha256(one.data).hexdigest(), one.name)


FRAMES: dict[str, str] = {
    "489.0": "schema",
    "489.5": "schema",
    "4.89e2": "schema",
    "489E0": "schema",
    "1e400": "schema",
    "-0": "schema",
    "-0.0": "schema",
    "-1": "schema",
    "1000000001": "schema",
    str(10**30): "schema",
    "9" * 4300: "schema",
    "true": "schema",
    "false": "schema",
    "null": "schema",
    '"489"': "schema",
    "[489]": "schema",
    '{"n":489}': "schema",
    "0": "",
    "489": "",
    "1000000000": "",
}


@pytest.mark.parametrize("written", FRAMES, ids=lambda text: text[:40])
def test_a_frame_is_an_integer_from_0_to_a_thousand_million(written: str) -> None:
    """And written as one: 489.0 and 4.89e2 are none, and neither is true."""
    data = b'{"frame":%s,"stream_id":"solo","completed_at":"%s"}' % (written.encode(), NOON.encode())
    assert reason(entry(data, f"frame-{written}-solo.json")) == FRAMES[written]


STREAMS = {
    "a": True,
    "0": True,
    "stream-1": True,
    "m1-stream-3": True,
    "solo_2.b": True,
    "A": True,
    "x" * 128: True,
    "a--b": True,
    "a.json": True,
    "a--0123456789abcdef": True,
    "": False,
    "x" * 129: False,
    "-a": False,
    ".a": False,
    "_a": False,
    "a.": False,
    "a..b": False,
    "a.lock": False,
    "a.lock.": False,
    "../../x": False,
    "a/b": False,
    "a\\b": False,
    "a b": False,
    "a\n": False,
    "a\0": False,
    "é": False,
    "aé": False,
    "٣": False,
    "a~b": False,
    "a^": False,
    "a:b": False,
    "a*": False,
    "a@{0}": False,
    "HEAD\r": False,
}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda text: ascii(text[:20]))
def test_a_stream_id_can_name_a_file_and_a_ref(stream: str) -> None:
    """The schema, the reading and `valid_stream` say the same of every id."""
    wanted = STREAMS[stream]
    assert valid_stream(stream) is wanted
    assert CONFORMS(delta(stream=stream)) is wanted
    one = entry(delta(stream=stream), "" if wanted else "frame-7-x.json")
    assert reason(one) == ("" if wanted else "schema")


@pytest.mark.parametrize("stream", [None, 5, True, ["a"], {"id": "a"}], ids=str)
def test_a_stream_id_is_text(stream: Any) -> None:
    """Anything else is refused."""
    assert reason(entry(encode({**delta(), "stream_id": stream}))) == "schema"


TYPES: dict[str, list[Any]] = {
    "agents_activated": [{}, {"a": 1}, None, "ada", 5, True],
    "posts_created": [{}, {"number": 5}, None, "5", 5, [None], [True], [[5]], [1.5], [Spelled("1e-07")], [5, None]],
    "comments_added": [{}, {"id": "x"}, None, "x", 5, [None], [False], [["x"]], [1.5]],
    "reactions_added": [{}, {"count": 5}, None, "x", -1, True, 1.5, Spelled("2.0"), Spelled("-0"), Spelled("1e400")],
    "discussions_engaged": [{}, {"a": 1}, None, "x", 5],
    "soul_files_updated": [{}, {"ada": "text"}, None, "x", 5],
    "errors": [{}, {"code": 5}, None, "x", 5],
    "_meta": [None, [], "x", 5, True],
    "set": [None, [], ["state/agents.json#/agents/a/bio"], "x", {"": 1}, {"x": 1}, {"#/a": 1}, {"a#b": 1}],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values_of in TYPES.items() for value in values_of])
def test_a_known_collection_has_its_own_type(key: str, value: Any) -> None:
    """A map where a list belongs, and the like, is refused."""
    assert reason(entry(encode({**delta(), key: value}))) == "schema"


FINE: dict[str, dict[str, Any]] = {
    "nothing more": {},
    "the fallback": {"posts_created": [], "comments_added": [], "_meta": {"status": "fallback", "timestamp": NOON}},
    "observations of any form": {"observations": 5},
    "observations that are null": {"observations": None},
    "unknown keys": {"": None, "engine": {"deep": [[]]}, "Frame": "x", "posts": {"a": 1}, "__proto__": {}},
    "names that are no text": {"agents_activated": [1, None, {}], "discussions_engaged": [[], "x", 1.5]},
    "bare numbers and node ids": {"posts_created": [1, "2", -3, 10**30], "comments_added": ["x", 5, {}]},
    "no reactions": {"reactions_added": 0},
    "conflict markers in a string": {"note": "<<<<<<< HEAD\n=======\n>>>>>>> x"},
    "brackets in strings": {"note": "[" * 500 + '"\\' * 9, "{" * 99: "}"},
    "every kind of escape": {"note": '"\\/\b\f\n\r\t\x7f\x00\u2028—\U0001f980'},
    "an integer of 4300 digits": {"x": Spelled("9" * 4300), "y": Spelled("-" + "9" * 4300)},
    "numbers that no float holds": {
        "x": [Spelled(raw) for raw in ("1e400", "-1E-400", "0.1000000000000000055511151231257827")]
    },
    "a status of any kind": {"_meta": {"status": ["odd"]}},
    "an edit": {"set": {"state/agents.json#/agents/ada/bio": None, "state/x.json#/": 1}},
    "no edit": {"set": {}},
}


@pytest.mark.parametrize("case", FINE)
@pytest.mark.parametrize("style", ["two spaces", "compact", "CRLF", "ASCII", "no final newline"])
def test_accepted(case: str, style: str) -> None:
    """Whatever else a delta holds, however it is laid out, it is read, and every value is as it was written."""
    one = entry(delta(**FINE[case]), style=STYLES[style])
    judged = judge(one)
    assert isinstance(judged, Delta), judged
    assert (judged.frame, judged.stream, judged.digest) == (7, "solo", hashlib.sha256(one.data).hexdigest())
    assert values.dump(judged.value).decode() == write(delta(**FINE[case]), STYLES["compact"])


@pytest.mark.parametrize(("meta", "status"), [
    ({"status": "fallback"}, "fallback"), ({"status": "ok"}, "ok"), ({"status": "rejected"}, "ok"),
    ({"status": ["fallback"]}, "ok"), ({}, "ok"), ({"Status": "fallback"}, "ok"),
])  # fmt: skip
def test_only_a_fallback_delta_says_so(meta: dict[str, Any], status: str) -> None:
    """The status is `fallback` where `_meta.status` is exactly that, else `ok`."""
    judged = judge(sent(_meta=meta))
    assert isinstance(judged, Delta)
    assert judged.status == status


@pytest.mark.parametrize("form", TIMES)
def test_a_time_is_the_first_that_parses(form: str) -> None:
    """Of completed_at, timestamp and _meta.timestamp, in every spelling of RFC 3339."""
    judged = judge(entry(delta(at=None, **TIMES[form])))
    assert isinstance(judged, Delta), judged
    assert judged.moment[0] == 1772452800


@pytest.mark.parametrize(("one", "other"), [
    ("2026-03-02T12:00:00Z", "2026-03-02T12:00:01Z"),
    ("2026-03-02T13:00:00+02:00", "2026-03-02T12:00:00Z"),
    ("2026-03-02T12:00:00Z", "2026-03-02T11:30:00-01:00"),
    ("2026-03-02T12:00:00.4Z", "2026-03-02T12:00:00.45Z"),
    ("2026-03-02T12:00:00.45Z", "2026-03-02T12:00:00.5Z"),
    ("2026-03-02T12:00:00.999999999999999999999Z", "2026-03-02T12:00:01Z"),
    ("2026-03-02T12:00:00.000Z", "2026-03-02T12:00:00.0001Z"),
    ("2026-12-31T23:59:59.9Z", "2026-12-31T23:59:60Z"),
    ("2026-03-02T12:00:00+00:00", "2026-03-02T12:00:00Z"),
    ("2026-03-02T12:00:00.500Z", "2026-03-02T12:00:00.5Z"),
    ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"),
])  # fmt: skip
def test_times_compare_as_instants_then_by_spelling(one: str, other: str) -> None:
    """However they are spelled; a fraction may have any number of digits."""
    first, second = moment(one), moment(other)
    assert first is not None
    assert second is not None
    assert NEVER < first < second


# ---- limits ------------------------------------------------------------------------------------------------------


def test_size_is_refused_from_the_first_byte_beyond_the_limit() -> None:
    """A file of exactly `max_bytes` is read, one byte more is too large."""
    one = sent()
    assert reason(one, replace(DEFAULT, max_bytes=len(one.data))) == ""
    assert reason(one, replace(DEFAULT, max_bytes=len(one.data) - 1)) == "too large"


def test_sixteen_mebibytes_are_read() -> None:
    """The default limit itself is within it."""
    assert reason(entry(encode(delta()).ljust(16 * 1024 * 1024), "frame-7-solo.json")) == ""


BRACKETS = [("[", "]", ""), ("[", "]", "1"), ('{"a":', "}", "1"), ("[[],", "]", '"[[["'), ('{"é":', "}", '"\\""')]


@pytest.mark.parametrize("levels", [2, 3, 5, 64])
@pytest.mark.parametrize(("opening", "closing", "inside"), BRACKETS)
def test_nesting_is_refused_from_the_first_level_beyond_the_limit(
    levels: int, opening: str, closing: str, inside: str
) -> None:
    """Exactly `max_levels` levels are read, one more is too deep, by the quick path and by the careful one."""
    laws = replace(DEFAULT, max_levels=levels)
    extra = 1 if opening == "[[]," and levels > 1 else 0
    assert reason(nested(levels - extra, opening, closing, inside), laws) == ""
    assert reason(nested(levels + 1, opening, closing, inside), laws) == "too deep"


def test_a_list_of_another_law_is_a_list_too() -> None:
    """A map where a list belongs is refused for the lists of guard.toml as for the known ones."""
    more = (
        ListLaw("polls", "one-per-key", key=("id",)),
        ListLaw("tags", "set"),
        ListLaw("waves", "additive", count="times"),
        ListLaw("claps", "additive"),
        ListLaw("memos", "keep"),
    )
    laws = replace(DEFAULT, lists=(*DEFAULT.lists, *more))
    for name, wrong in {"polls": [{}, None, 5], "tags": [{}, "x", 5], "waves": [{}, -1, 1.5], "claps": [{}, 5]}.items():
        for value in wrong:
            assert reason(sent(**{name: value}), laws) == "schema", (name, value)
            assert reason(sent(**{name: value})) == ""
    assert reason(sent(polls=[1], tags=[{}], waves=5, claps=[5], memos={"any": "thing"}), laws) == ""


# ---- names -------------------------------------------------------------------------------------------------------


def test_a_delta_has_two_names() -> None:
    """The plain one, and that of a further run with the first 16 hex of its digest."""
    data = encode(delta())
    for name in ("frame-7-solo.json", f"frame-7-solo--{hashlib.sha256(data).hexdigest()[:16]}.json"):
        assert reason(entry(data, name)) == ""


DIGEST = "0123456789abcdef" + "0" * 48


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("frame-7-solo.json", (7, "solo")),
        ("frame-0-a.json", (0, "a")),
        ("frame-1000000000-a.json", (10**9, "a")),
        ("frame-7-solo--0123456789abcdef.json", (7, "solo")),
        ("frame-7-solo--0123456789abcdee.json", (7, "solo--0123456789abcdee")),
        ("frame-7-a--b--0123456789abcdef.json", (7, "a--b")),
        ("frame-7-8-9.json", (7, "8-9")),
        ("frame-7-a.json.json", (7, "a.json")),
        ("frame-7---0123456789abcdef.json", None),
        ("frame-1000000001-a.json", None),
        ("frame-10000000000-a.json", None),
        ("frame-07-a.json", None),
        ("frame--1-a.json", None),
        ("frame-٧-a.json", None),
        ("frame-7-.json", None),
        ("frame-7.json", None),
        ("frame-7-a..json", None),
        ("frame-7-a.lock.json", None),
        ("frame-7-a\n.json", None),
        ("frame-7-a.json\n", None),
        ("frame-7-a.JSON", None),
        ("x/frame-7-a.json", None),
        ("frame-7-x/a.json", None),
    ],
)
def test_a_name_says_frame_and_stream(name: str, said: tuple[int, str] | None) -> None:
    """Only the content's own suffix is taken off, because a stream id may end like one."""
    assert split_name(name, DIGEST) == said
    if said is not None:
        assert frame_in_name(name) == said[0]
    judged = judge(entry(b"{", name))
    assert isinstance(judged, Invalid)
    said = split_name(name, judged.digest)
    assert (judged.frame, judged.stream) == (said or (None, None))


@given(
    st.integers(0, 10**9),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(valid_stream),
    st.booleans(),
)
def test_names_are_found_back(frame: int, stream: str, run: bool) -> None:
    """What `file_name` makes is taken apart again, and the delta of that name is accepted."""
    one = entry(delta(frame, stream), run=run)
    assert one.name == file_name(frame, stream, digest_of(one.data) if run else "")
    assert split_name(one.name, digest_of(one.data)) == (frame, stream)
    assert frame_in_name(one.name) == frame
    judged = judge(one)
    assert isinstance(judged, Delta)
    assert (judged.frame, judged.stream) == (frame, stream)


@pytest.mark.parametrize(("name", "candidate"), [
    ("frame-7-solo.json", True), ("anything.json", True), ("FRAME.JSON", True), ("a/b.json", True),
    ("frame-7-solo.json/x", True), (".gitkeep", False), ("README.md", False), ("a/b", False), ("json", False),
])  # fmt: skip
def test_only_json_is_meant_as_a_delta(name: str, candidate: bool) -> None:
    """A README or a .gitkeep in the inbox is not judged at all."""
    assert is_candidate(name) is candidate


# ---- the schema, by both judges ----------------------------------------------------------------------------------

REFERENCE = jsonschema.Draft202012Validator(schema.load("delta"))
QUICK = jsonschema_rs.validator_for(schema.load("delta"))

ATOMS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    10**9,
    10**9 + 1,
    2**64,
    10**30,
    0.0,
    7.0,
    1.5,
    1e22,
    "",
    "a",
    "a\n",
    "a.lock",
    "é",
    NOON,
]
ODD = st.sampled_from([*ATOMS, [], {}, [{}], [[]], ["x"], [5], {"a": 1}]).map(copy.deepcopy)  # what is drawn is changed
SPELLED = st.sampled_from(["1e-07", "-0", "7.00", "1e400", "1E2", "-0.0", "7e0"]).map(values.Number)
PROPERTIES = [*schema.load("delta")["properties"], "unknown"]


@st.composite
def nearly_valid(draw: st.DrawFn) -> Any:
    """A delta in which a few things were exchanged, dropped or added."""
    made: dict[str, Any] = copy.deepcopy(
        delta(
            posts_created=[{"number": 5}, 6, "x"],
            comments_added=[{"id": "x"}, "y", 5],
            reactions_added=draw(st.sampled_from([5, [], ["x", 5]]).map(copy.deepcopy)),
            agents_activated=["a"],
            _meta={"status": "fallback"},
            set={"state/agents.json#/agents/a/bio": 1},
        )
    )
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(PROPERTIES))
        act = draw(st.sampled_from(["drop", "exchange", "append", "key"]))
        if act == "drop":
            made.pop(key, None)
        elif act == "append" and isinstance(made.get(key), list):
            made[key].append(draw(ODD | SPELLED))
        elif act == "key" and isinstance(made.get(key), dict):
            made[key][draw(st.sampled_from(["", "a#/b", "#/b", "a#b", "a##/b", "a#/b\n"]))] = draw(ODD)
        else:
            made[key] = draw(ODD | SPELLED)
    return draw(st.sampled_from([made, made, made, made, [made], None]))


@settings(max_examples=400)
@given(nearly_valid())
def test_both_judges_of_the_schema_agree(value: Any) -> None:
    """What jsonschema-rs accepts the reference accepts, and `conforms` says what the reference says."""
    reference = REFERENCE.is_valid(value)
    event("valid" if reference else "invalid")
    try:
        quick = QUICK.is_valid(value)
    except ValueError:  # a number that it cannot take: the reference is asked
        quick = False
    assert reference or not quick
    assert CONFORMS(value) is reference


@pytest.mark.parametrize("written", ["1e400", "-0", "1e22", "1.50", "7.0", "7e0", str(10**30), "9" * 4300])
@pytest.mark.parametrize(
    "place", ['"frame":%s', '"posts_created":[%s]', '"reactions_added":%s', '"comments_added":[%s]', '"x":%s']
)
def test_no_number_is_beyond_the_judges(written: str, place: str) -> None:
    """Every number that can be written is judged, wherever the schema asks for a type, and the reference agrees."""
    value = values.parse(b'{"stream_id":"solo",%s}' % (place % written).encode())
    value.setdefault("frame", 7)
    assert CONFORMS(value) is REFERENCE.is_valid(value)


@settings(max_examples=200)
@given(nearly_valid(), st.sampled_from(["frame-7-solo.json", "frame-1-a.json", "x.json"]))
def test_any_value_is_judged(value: Any, name: str) -> None:
    """No JSON value makes reading fail: it is a delta or it has a reason of the closed list."""
    judged = judge(Entry(name, values.dump(value)))
    assert isinstance(judged, Delta) or judged.reason in REASONS


def damages() -> list[Callable[[bytes, int, bytes], bytes]]:
    """What may happen to a file: bytes cut off, cut out, put in or exchanged."""
    return [
        lambda data, at, _: data[:at],
        lambda data, at, more: data[:at] + data[at + len(more) :],
        lambda data, at, more: data[:at] + more + data[at:],
        lambda data, at, more: data[:at] + more + data[at + len(more) :],
    ]


@settings(max_examples=300)
@given(
    st.sampled_from(damages()),
    st.integers(0, 400),
    st.binary(min_size=1, max_size=3) | st.sampled_from([b"{", b'"', b"\\", b"1", b"e9"]),
)
def test_any_bytes_are_judged(damage: Callable[[bytes, int, bytes], bytes], at: int, more: bytes) -> None:
    """A damaged delta is still one or is refused, and where Python's own parser refuses it, it is refused."""
    whole = encode(delta(posts_created=[{"number": 5, "title": "Tides — “log”"}], x=[1.5, {"y": None}]))
    data = damage(whole, min(at, len(whole)), more)
    judged = judge(Entry("frame-7-solo.json", data))
    assert isinstance(judged, Delta) or judged.reason in REASONS
    try:
        json.loads(data)
    except ValueError:
        assert isinstance(judged, Invalid)
