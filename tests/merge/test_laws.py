"""The laws of CONTRACT section 5, clause by clause, on deltas of a few lines."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from builders import (
    AGENTS,
    CHANNELS,
    COMMENTS,
    CONFORMS,
    COUNTER,
    ERRORS,
    NOON,
    POSTS,
    REACTIONS,
    STATS,
    STYLES,
    TIMES,
    Spelled,
    Style,
    changed_lines,
    delta,
    edit,
    encode,
    entry,
    merge,
    merge_one,
    page,
    read,
    sent,
    small_state,
    state,
)
from merge import values
from merge.delta import Delta, Entry, Invalid, digest_of
from merge.delta import read as judge
from merge.fold import BadState, fold, page_path, rejected_path
from merge.laws import DEFAULT

DAWN, DUSK = "2026-03-02T06:00:00Z", "2026-03-02T18:00:00Z"
NOTES = "state/notes.json"
POST = {"number": 811, "author": "wren-4", "channel": "harbour"}
SAID = {"discussion": 811, "author": "moth-2", "type": "comment"}


def digest(each: Entry) -> str:
    """A delta's identity."""
    return digest_of(each.data)


def agent(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """An agent's record."""
    record: dict[str, Any] = read(files, AGENTS)["agents"][name]
    return record


# ---- the page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "path"),
    [
        (0, "state/frames/000/frame-0.json"),
        (489, "state/frames/000/frame-489.json"),
        (999, "state/frames/000/frame-999.json"),
        (1000, "state/frames/001/frame-1000.json"),
        (1_234_567, "state/frames/1234/frame-1234567.json"),
        (10**9, "state/frames/1000000/frame-1000000000.json"),
    ],
)
def test_a_page_lies_in_the_folder_of_its_thousand(frame: int, path: str) -> None:
    """The folder is frame // 1000 in three or more digits."""
    files = merge({}, [sent(frame)])
    assert page_path(frame, DEFAULT) == path
    assert read(files, path)["frame"] == frame


def test_a_page_has_the_keys_of_the_contract() -> None:
    """Frame, streams, one key a list, extra, filtered, variants and provenance, in that order."""
    lists = ["agents_activated", "discussions_engaged", "soul_files_updated"]
    lists += ["posts_created", "comments_added", "reactions_added", "observations"]
    assert list(page(merge({}, [sent()]))) == [
        "frame",
        "streams",
        *lists,
        "extra",
        "filtered",
        "variants",
        "provenance",
    ]


FALLBACK = {"_meta": {"status": "fallback"}}


@pytest.mark.parametrize(
    ("entries", "status", "completed_at"),
    [
        pytest.param([sent()], "ok", NOON, id="ok"),
        pytest.param([sent(**FALLBACK)], "fallback", NOON, id="fallback"),
        pytest.param([entry(b"{")], "rejected", None, id="rejected"),
        pytest.param([entry(b"{"), sent(at=DAWN, **FALLBACK)], "fallback", DAWN, id="rejected < fallback"),
        pytest.param([sent(at=DUSK, **FALLBACK), sent(at=DAWN), entry(b"{")], "ok", DUSK, id="fallback < ok"),
        pytest.param(
            [sent(at="2026-03-02T12:00:00+00:00"), sent(at=NOON)], "ok", NOON, id="equal instants by their spelling"
        ),
        pytest.param(
            [sent(at="2026-03-02T14:30:00+02:00"), sent(at=NOON)], "ok", "2026-03-02T14:30:00+02:00", id="instants"
        ),
        pytest.param(
            [sent(at="2026-03-02T12:00:00.09Z"), sent(at=NOON)], "ok", "2026-03-02T12:00:00.09Z", id="fraction"
        ),
    ],
)
def test_a_stream_has_the_best_status_and_the_latest_time(
    entries: list[Entry], status: str, completed_at: str | None
) -> None:
    """The status is the max of rejected < fallback < ok, completed_at the latest instant as it was spelled."""
    stream = page(merge({}, entries))["streams"]["solo"]
    assert (stream["status"], stream["completed_at"]) == (status, completed_at)


def test_a_stream_lists_its_deltas_in_their_order_then_the_rejected_ones() -> None:
    """All digests stand under `deltas`, the reasons of rejected ones beside them."""
    late, early, bad = sent(at=DUSK), sent(at=DAWN), entry(b"[]")
    stream = page(merge({}, [late, bad, early]))["streams"]["solo"]
    assert stream["deltas"] == [digest(early), digest(late), digest(bad)]
    assert stream["rejected"] == {digest(bad): "not an object"}


def test_streams_stand_sorted_and_each_by_itself() -> None:
    """Stream ids are keys by code point; `S1` and `s1` are two."""
    files = merge({}, [sent(stream="s1"), sent(stream="m1-stream-2"), sent(stream="S1"), sent(stream="s10")])
    assert list(page(files)["streams"]) == ["S1", "m1-stream-2", "s1", "s10"]


def test_lists_are_ordered_by_time_stream_digest_position() -> None:
    """Instants decide, then their spelling, then the stream, then the digest, then the place in the delta's list."""
    twins = sorted((sent(stream="b", observations=[f"twin {n}", "then"]) for n in range(9)), key=digest)
    entries = [
        sent(stream="z", at=DAWN, observations=["first", "second"]),
        sent(stream="z", at="2026-03-02T12:00:00+00:00", observations=["before Z by spelling"]),
        sent(stream="a", observations=["a"]),
        *twins,
        sent(stream="c", observations=["c"]),
        sent(stream="a", at="2026-03-02T12:00:00.04Z", observations=["0.04"]),
        sent(stream="a", at="2026-03-02T12:00:00.1Z", observations=["0.1"]),
    ]
    wanted = [item for each in entries for item in json.loads(each.data)["observations"]]
    assert page(merge({}, reversed(entries)))["observations"] == wanted


def test_an_entry_is_the_deltas_own_item() -> None:
    """Items leave as they came: order of keys, spelling of numbers, characters."""
    item = b'{"z":1e-07,"author":"x","a":[1.50,-0,123456789012345678901234567890],"number":5,"\\u00e9":"\xe2\x80\xa8"}'
    data = b'{"frame":7,"stream_id":"solo","timestamp":"2026-03-02T12:00:00Z","posts_created":[%s]}' % item
    files = merge({}, [entry(data)])
    assert item.replace(b"\\u00e9", "é".encode()) in files[page_path(7, DEFAULT)]


def test_extra_holds_every_key_that_has_no_place_of_its_own() -> None:
    """Known or not, at whatever depth: only frame, stream_id and the lists are taken out; soul files stand in both."""
    more = {
        "errors": ERRORS["mixed"],
        "_meta": {"status": "ok", "by": {"x": [1]}},
        "set": {f"{NOTES}#/a": 1},
        "soul_files_updated": ["b", "a", "b"],
        "streams": "not the page's",
        "filtered": None,
        "engine": "own",
        "": [],
    }
    one = sent(**more, observations=["seen"], posts_created=[], agents_activated=["x"])
    assert page(merge({}, [one]))["extra"] == {digest(one): {"completed_at": NOON, **more}}


def test_a_page_lists_what_its_own_frame_reports() -> None:
    """The same post and the same comment in two frames stand in both pages; only index and counters are global."""
    said = {"posts_created": [POST], "comments_added": [{"id": "NC_1", "by": "moth-2"}]}
    files = merge({}, [sent(7, **said), sent(8, **said)])
    for frame in (7, 8):
        assert page(files, frame)["posts_created"] == [POST]
        assert len(page(files, frame)["comments_added"]) == 1
    assert (read(files, STATS)["total_posts"], read(files, STATS)["total_comments"]) == (1, 2)


def test_provenance_says_who_reported_how_many() -> None:
    """One line a delta, in their order, with the number of items of each list that is no set."""
    one = sent(at=DUSK, posts_created=[1, 2], agents_activated=["a"], reactions_added=20, comments_added=[])
    two = sent(stream="other", at=DAWN, observations={"one": "thing"}, **FALLBACK)
    assert page(merge({}, [one, two]))["provenance"] == [
        {"delta": digest(two), "stream": "other", "time": DAWN, "status": "fallback", "items": {"observations": 1}},
        {
            "delta": digest(one),
            "stream": "solo",
            "time": DUSK,
            "status": "ok",
            "items": {"posts_created": 2, "reactions_added": 1},
        },
    ]


def test_a_late_delta_shows_as_the_lines_that_it_adds() -> None:
    """Folding one more delta into a page adds lines and touches those of its stream and of the sets alone."""
    first = merge({}, [sent(comments_added=["a", "b"], observations=["x"])])
    second = merge(first, [sent(stream="late", at=DAWN, comments_added=["c"], reactions_added=["r"])])
    path = page_path(7, DEFAULT)
    old, new = (files[path].decode().splitlines() for files in (first, second))
    gone = [line for line in difflib.ndiff(old, new) if line.startswith("- ")]
    assert [line.strip(" -,:") for line in gone] == ['"reactions_added": []']


# ---- posts -------------------------------------------------------------------------------------------------------

OTHER = {**POST, "title": "Another report"}


@pytest.mark.parametrize(
    ("reports", "kept", "variants", "filtered"),
    [
        pytest.param([[POST]], [POST], [], [], id="one"),
        pytest.param([[POST], [POST]], [POST], [], [POST], id="the same again"),
        pytest.param([[POST, POST]], [POST], [], [POST], id="the same again in one delta"),
        pytest.param([[POST], [dict(reversed(POST.items()))]], [POST], [], [POST], id="keys in another order"),
        pytest.param([[POST], [OTHER]], [POST], [OTHER], [], id="a differing report"),
        pytest.param([[POST, OTHER], [OTHER, 811]], [POST], [OTHER, 811], [OTHER], id="a bare number too"),
        pytest.param([[811], [POST]], [811], [POST], [], id="the first in order stays, not the fullest"),
        pytest.param([[{**POST, "score": Spelled("1e-07")}], [{**POST, "score": Spelled("0.0000001")}]],
                     [{**POST, "score": 1e-07}], [], [{**POST, "score": 1e-07}], id="a number in another spelling"),
        pytest.param([[{**POST, "score": 1}], [{**POST, "score": Spelled("1.0")}]],
                     [{**POST, "score": 1}], [{**POST, "score": 1.0}], [], id="1 and 1.0 are two values"),
        pytest.param([[{"title": "t"}], [{"title": "t"}, {"title": "t"}]],
                     [{"title": "t"}, {"title": "t"}], [], [{"title": "t"}], id="without number: like comments"),
        pytest.param([["811", "811"], ["811"]], ["811", "811"], [], ["811"], id="a number in quotes is none"),
    ],
)  # fmt: skip
def test_posts_are_one_per_number(
    reports: list[Any], kept: list[Any], variants: list[Any], filtered: list[Any]
) -> None:
    """Within a page one entry a number; differing reports are variants, repeated ones are filtered and counted."""
    entries = [sent(stream=f"s{place}", posts_created=items) for place, items in enumerate(reports)]
    sheet = page(merge({}, entries))
    assert sheet["posts_created"] == kept
    found = sheet["variants"].get("posts_created", {})
    assert [place["item"] for place in found.get("811", [])] == variants
    assert found.keys() <= {"811"}
    assert [place["item"] for place in sheet["filtered"].get("posts_created", [])] == filtered
    assert sheet["filtered"]["count"] == len(filtered)


def test_a_variant_says_where_it_comes_from() -> None:
    """Digest and position find the item in its delta."""
    one, two = sent(stream="a", posts_created=[POST]), sent(stream="b", posts_created=[5, OTHER])
    places = page(merge({}, [one, two]))["variants"]["posts_created"]["811"]
    assert places == [{"delta": digest(two), "position": 1, "item": OTHER}]


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (0, "state/posts/000/00000.json"),
        (99, "state/posts/000/00000.json"),
        (100, "state/posts/000/00001.json"),
        (7177, "state/posts/000/00071.json"),
        (14551, "state/posts/001/00145.json"),
        (12_345_678, "state/posts/1234/123456.json"),
    ],
)
def test_the_index_of_posts_is_sharded_on_two_levels(number: int, path: str) -> None:
    """Hundreds within ten thousands, so that what a merge touches does not grow with history."""
    files = merge({}, [sent(posts_created=[number])])
    assert [name for name in files if name.startswith("state/posts/")] == [path]
    assert list(read(files, path)) == [str(number)]


def test_odd_numbers_are_indexed_too() -> None:
    """Numbers below zero and beyond any shard have a place, and no two shards share a file."""
    files = merge({}, [sent(posts_created=[-1, 10**12, 10**30])])
    index = [key for name in files if name.startswith("state/posts/") for key in read(files, name)]
    assert sorted(index) == sorted(["-1", str(10**12), str(10**30)])
    assert all(name.count("/") == 3 for name in files if name.startswith("state/posts/"))
    assert read(files, STATS)["total_posts"] == 3


def test_the_index_gathers_all_reports_of_all_frames() -> None:
    """Frames, actors and channels as sorted sets, and every differing report once."""
    entries = [
        sent(9, posts_created=[POST, 811]),
        sent(7, posts_created=[dict(reversed(POST.items()))]),
        sent(8, posts_created=[{"number": 811, "by": "ada", "channel": "attic"}, {"number": 811}]),
    ]
    files = merge({}, entries)
    entry_of = read(files, "state/posts/000/00008.json")["811"]
    variants = entry_of.pop("variants")
    assert entry_of == {"frames": [7, 8, 9], "actor": ["ada", "wren-4"], "channel": ["attic", "harbour"]}
    wanted = [POST, 811, {"number": 811, "by": "ada", "channel": "attic"}, {"number": 811}]
    assert sorted(variants, key=str) == sorted(wanted, key=str)
    assert read(files, STATS)["total_posts"] == 1


# ---- comments ----------------------------------------------------------------------------------------------------

TURNED = dict(reversed(SAID.items()))
NODE = {"id": "NC_1", "author": "moth-2"}


@pytest.mark.parametrize(
    ("reports", "kept", "variants", "filtered"),
    [
        pytest.param([["NC_1"], ["NC_1"]], ["NC_1"], [], ["NC_1"], id="bare node ids"),
        pytest.param([[NODE], [NODE]], [NODE], [], [NODE], id="objects with an id"),
        pytest.param([["NC_1"], [NODE]], ["NC_1"], [NODE], [], id="a bare id and an object of that id"),
        pytest.param([[{"comment_id": "NC_1"}], ["NC_1"]], [{"comment_id": "NC_1"}], ["NC_1"], [], id="comment_id"),
        pytest.param([[{"id": None, "comment_id": "NC_1"}], [NODE]], [{"id": None, "comment_id": "NC_1"}], [NODE], [],
                     id="id is null, comment_id is not"),
        pytest.param([[SAID, SAID]], [SAID, SAID], [], [], id="two equal ones in one delta are two"),
        pytest.param([[SAID], [SAID]], [SAID], [], [SAID], id="the same one in two deltas is one"),
        pytest.param([[SAID], [SAID, TURNED, SAID]], [SAID, TURNED, SAID], [], [SAID], id="as often as one says it"),
        pytest.param([[SAID, SAID], [TURNED, SAID]], [SAID, SAID], [], [TURNED, SAID], id="keys in another order"),
        pytest.param([[SAID], [{**SAID, "type": "reply"}]], [SAID, {**SAID, "type": "reply"}], [], [], id="unequal"),
        pytest.param([[42, 42], [42]], [42, 42], [], [42], id="bare numbers"),
        pytest.param([[""], ["", ""]], ["", ""], [], [""], id="empty text is no id"),
    ],
)  # fmt: skip
def test_comments_are_one_per_node_id_or_as_many_as_one_delta_says(
    reports: list[Any], kept: list[Any], variants: list[Any], filtered: list[Any]
) -> None:
    """With a node id one entry each; without one, equality counted by multiplicity."""
    entries = [sent(stream=f"s{place}", comments_added=items) for place, items in enumerate(reports)]
    files = merge({}, entries)
    sheet = page(files)
    assert [*map(str, sheet["comments_added"])] == [*map(str, kept)]  # as text: the order of keys counts here
    assert [place["item"] for place in sheet["variants"].get("comments_added", {}).get("NC_1", [])] == variants
    assert [place["item"] for place in sheet["filtered"].get("comments_added", [])] == filtered
    assert read(files, STATS)["total_comments"] == len(kept)


# ---- reactions ---------------------------------------------------------------------------------------------------

WEIGHTS = {
    "target": 1,
    "node": 1,
    "comment_id": 1,
    "text": 2,
    "node ids": 2,
    "counts": 20,
    "count as text": 1,
    "count below zero": 1,
    "mixed": 1 + 2 + 3 + 1 + 1 + 1,
    "a bare count": 20,
    "nothing": 0,
}


@pytest.mark.parametrize("form", REACTIONS)
def test_a_reaction_counts_as_many_as_it_says(form: str) -> None:
    """An integer count >= 0 or a bare integer counts that many, any other item one; all of them stay in the page."""
    files = merge({}, [sent(reactions_added=REACTIONS[form])])
    found = REACTIONS[form]
    assert read(files, STATS)["total_reactions"] == WEIGHTS[form]
    assert page(files)["reactions_added"] == (found if isinstance(found, list) else [found])


@pytest.mark.parametrize(("count", "weight"), [(2**63 - 1, 2**63 - 1), (2**63, 1), (10**30, 1), (-1, 1), (True, 1)])
def test_a_count_beyond_reason_counts_one(count: int, weight: int) -> None:
    """An integer from 2^63 on is taken for a slip, so that sums stay numbers that can be written."""
    files = merge({}, [sent(reactions_added=[{"count": count}])])
    assert read(files, STATS)["total_reactions"] == weight
    assert page(files)["reactions_added"] == [{"count": count}]


def test_reactions_add_up_even_where_they_repeat() -> None:
    """Two deltas that repeat each other's reactions count twice, and nothing of them is filtered."""
    files = merge({}, [sent(stream=stream, reactions_added=["NC_1:HEART"] * 2) for stream in "ab"])
    assert page(files)["reactions_added"] == ["NC_1:HEART"] * 4
    assert page(files)["filtered"] == {"count": 0}
    assert read(files, STATS)["total_reactions"] == 4


# ---- sets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["agents_activated", "discussions_engaged", "soul_files_updated"])
def test_sets_are_unions_numbers_then_strings_then_the_rest(name: str) -> None:
    """Numbers by value, strings by code point, other values by canonical JSON; equal values once."""
    said = [
        ["b", 10, Spelled("2.5"), None, {"y": 2, "x": 1}, "\U0001f980"],
        [2, "a", 10, {"x": 1, "y": 2}, True, "\uffff", 10**30, [1], -1, "10", False],
    ]
    entries = [sent(stream=f"s{place}", **{name: items}) for place, items in enumerate(said)]
    union = page(merge({}, entries))[name]
    assert union[:5] == [-1, 2, 2.5, 10, 10**30]
    assert union[5:10] == ["10", "a", "b", "\uffff", "\U0001f980"]
    assert [str(item) for item in union[10:]] == ["[1]", "False", "None", "True", "{'x': 1, 'y': 2}"]


# ---- agents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"agents_activated": ["ada"]},
        {"posts_created": [{"number": 1, "author": "ada"}]},
        {"posts_created": [{"number": 1, "author": None, "agent": "ada"}]},
        {"posts_created": [{"title": "none", "by": "ada"}]},
        {"comments_added": [{"id": "NC_1", "agent": "ada"}]},
        {"comments_added": [{"author": "", "by": "ada"}]},
        {"reactions_added": [{"target": "NC_1", "by": "ada"}]},
    ],
    ids=str,
)
def test_who_is_activated_or_acts_is_added(said: dict[str, Any]) -> None:
    """An unknown agent gets a record with both counts and its last heartbeat."""
    files = merge(small_state(), [sent(**said)])
    record = agent(files, "ada")
    assert list(record) == ["comment_count", "heartbeat_last", "post_count"]
    assert record["heartbeat_last"] == NOON
    assert read(files, AGENTS)["_meta"]["count"] == 4
    assert read(files, STATS)["total_agents"] == 4


@pytest.mark.parametrize("name", ["", None, 5, True, ["ada"], {"id": "ada"}], ids=str)
def test_what_is_no_name_names_nobody(name: Any) -> None:
    """Empty, null, numbers and structures add no agent, wherever they stand."""
    said = {"agents_activated": [name], "posts_created": [{"number": 1, "author": name, "channel": name}]}
    files = merge({}, [sent(**said, comments_added=[{"author": name}])])
    assert read(files, AGENTS)["agents"] == {}
    assert read(files, CHANNELS)["channels"] == {}


@pytest.mark.parametrize(
    ("deltas", "count"),
    [
        pytest.param([(7, [POST])], 1, id="one"),
        pytest.param([(7, [POST, POST]), (7, [POST]), (8, [POST])], 1, id="a post counts once in all frames"),
        pytest.param([(7, [POST]), (8, [{**POST, "title": "other"}])], 1, id="a variant is the same post"),
        pytest.param([(7, [POST, {**POST, "number": 812}])], 2, id="two numbers"),
        pytest.param([(7, [811, {"number": 811, "author": "ada"}, POST])], 1, id="each actor of a number"),
        pytest.param([(7, [{"title": "no number", "author": "wren-4"}])], 0, id="without a number none"),
        pytest.param([(7, [{**POST, "number": "811"}])], 0, id="a number in quotes is none"),
    ],
)
def test_post_count_is_the_distinct_numbers_of_an_actor(deltas: list[Any], count: int) -> None:
    """`post_count` grows by new pairs of number and actor, also where frames report one number twice."""
    entries = [sent(frame, f"s{place}", posts_created=posts) for place, (frame, posts) in enumerate(deltas)]
    files = merge(small_state(), *[[each] for each in entries])
    assert agent(files, "wren-4")["post_count"] == 5 + count


@pytest.mark.parametrize(
    ("deltas", "count"),
    [
        pytest.param([(7, [SAID])], 1, id="one"),
        pytest.param([(7, [SAID, SAID]), (7, [SAID])], 2, id="as often as one delta says"),
        pytest.param([(7, [SAID]), (8, [SAID])], 2, id="within a frame"),
        pytest.param([(7, [NODE, NODE]), (7, [{**NODE, "type": "reply"}])], 1, id="a node id once"),
        pytest.param([(7, [{"id": "NC_1", "by": "ada"}]), (7, [NODE])], 1, id="each actor of a node id"),
        pytest.param([(7, ["NC_1"]), (7, [NODE])], 1, id="an actor who is named later"),
    ],
)
def test_comment_count_is_the_comments_of_an_actor(deltas: list[Any], count: int) -> None:
    """`comment_count` grows by new pairs of comment and actor within each frame."""
    entries = [sent(frame, f"s{place}", comments_added=said) for place, (frame, said) in enumerate(deltas)]
    files = merge(small_state(), *[[each] for each in entries])
    assert agent(files, "moth-2")["comment_count"] == 9 + count


@pytest.mark.parametrize(
    ("old", "times", "new"),
    [
        ("2026-02-01T00:00:00Z", [NOON], NOON),
        ("2026-02-01T00:00:00Z", [DUSK, NOON], DUSK),
        ("2027-01-01T00:00:00Z", [NOON], "2027-01-01T00:00:00Z"),
        ("2026-03-02T12:00:00+00:00", [NOON], NOON),
        ("2026-03-02T13:30:00+01:00", [NOON], "2026-03-02T13:30:00+01:00"),
        (None, [NOON], NOON),
        ("never", [NOON], NOON),
    ],
)
def test_heartbeat_is_the_latest_instant(old: Any, times: list[str], new: str) -> None:
    """`heartbeat_last` is the max of instants; what is none counts as never."""
    base = state(agents={"agents": {"ada": {"heartbeat_last": old}}})
    files = merge(base, [sent(at=time, agents_activated=["ada"]) for time in times])
    assert agent(files, "ada")["heartbeat_last"] == new


@pytest.mark.parametrize(
    ("old", "new"),
    [(5, 6), (0, 1), (-3, -2), (None, 1), (10**30, 10**30 + 1), ("62", "62"), (62.5, 62.5), (True, True), ([1], [1])],
    ids=str,
)
def test_a_count_that_is_none_is_left_alone(old: Any, new: Any) -> None:
    """Integers and null are counted on from; a text, a fraction or a list in their place is kept as it is."""
    base = state(agents={"agents": {"ada": {"post_count": old}}}, stats={"total_posts": old})
    files = merge(base, [sent(posts_created=[{"number": 1, "author": "ada"}])])
    assert json.dumps([agent(files, "ada")["post_count"], read(files, STATS)["total_posts"]]) == json.dumps([new, new])


def test_a_record_that_lacks_a_count_gets_it() -> None:
    """A known agent is completed, at the places that the order of keys gives, and keeps what it has."""
    base = state(agents={"agents": {"ada": {"bio": "—", "name": "Ada"}}})
    files = merge(base, [sent(agents_activated=["ada"])])
    wanted = {"bio": "—", "comment_count": 0, "heartbeat_last": NOON, "name": "Ada", "post_count": 0}
    assert list(agent(files, "ada").items()) == list(wanted.items())


# ---- channels, stats, counter ------------------------------------------------------------------------------------


def test_unknown_channels_are_added() -> None:
    """A new channel has its slug and the posts in it; channels of posts without number are added with none."""
    posts = [{"number": 1, "channel": "new"}, {"number": 2, "channel": "new"}, {"channel": "empty"}]
    channels = read(merge(small_state(), [sent(posts_created=posts)]), CHANNELS)
    assert channels["channels"]["new"] == {"post_count": 2, "slug": "new"}
    assert channels["channels"]["empty"] == {"post_count": 0, "slug": "empty"}
    assert channels["_meta"] == {"count": 4, "last_updated": NOON, "note": "kept"}


def test_a_channel_counts_each_number_once() -> None:
    """`post_count` grows by new pairs of number and channel, over all frames."""
    moved = {**POST, "channel": "attic"}
    files = merge(small_state(), [sent(7, posts_created=[POST])], [sent(8, posts_created=[POST, moved])])
    channels = read(files, CHANNELS)["channels"]
    assert (channels["harbour"]["post_count"], channels["attic"]["post_count"]) == (4, 4)


def test_only_the_keys_that_stats_has_are_kept_up() -> None:
    """A total that the file does not declare is not added, and one that it does not know is not touched."""
    said = {"posts_created": [1], "comments_added": ["NC_1"], "reactions_added": 3}
    files = merge(state(stats={"total_posts": 10, "total_pokes": 7}), [sent(**said)])
    assert read(files, STATS) == {"total_posts": 11, "total_pokes": 7}


def test_totals_grow_by_what_is_new_and_are_recounted_where_they_are_counts_of_records() -> None:
    """Posts, comments and reactions are added to what is there, agents and channels are counted anew."""
    totals = dict.fromkeys(("total_posts", "total_comments", "total_reactions", "total_agents", "total_channels"), 100)
    base = {**small_state(), **state(stats={**totals, "last_updated": "2026-01-01T00:00:00Z"})}
    said = {"posts_created": [1, 2], "comments_added": ["NC_1", SAID, SAID], "agents_activated": ["ada"]}
    files = merge(base, [sent(**said, reactions_added=[{"count": 4}, "x"])])
    assert read(files, STATS) == {
        "total_posts": 102,
        "total_comments": 103,
        "total_reactions": 105,
        "total_agents": 4,
        "total_channels": 2,
        "last_updated": NOON,
    }


@pytest.mark.parametrize(("old", "frames", "new"), [(6, [7, 9, 8], 9), (12, [7], 12), (0, [0], 0)])
def test_the_frame_counter_is_the_newest_frame(old: int, frames: list[int], new: int) -> None:
    """It never goes back, and its other keys stay."""
    base = state(frame_counter={"started_at": "2026-01-01T00:00:00Z", "frame": old, "total_frames_run": 3})
    outcome = merge_one(base, [sent(frame) for frame in frames])
    assert outcome.counter == new
    content = {"started_at": "2026-01-01T00:00:00Z", "frame": new, "total_frames_run": 3}
    assert {**base, **outcome.files}[COUNTER] == encode(content)


def test_a_rejected_file_does_not_advance_the_counter() -> None:
    """Only merged deltas and a closed frame do: a name says nothing of a frame that has begun."""
    assert read(merge(small_state(), [entry(b"{", "frame-900-solo.json")]), COUNTER)["frame"] == 6


@pytest.mark.parametrize("meta", [None, [], "text", {}, {"note": 1}], ids=str)
def test_meta_is_kept_up_only_where_it_declares(meta: Any) -> None:
    """A `_meta` that declares no count and no time, or is no object, stays as it is."""
    files = merge(state(agents={"agents": {}, "_meta": meta}), [sent(agents_activated=["ada"])])
    assert read(files, AGENTS)["_meta"] == meta


@pytest.mark.parametrize("old", [None, 99, "99", 1.5, {"x": 1}], ids=str)
def test_a_declared_count_is_recounted_whatever_it_was(old: Any) -> None:
    """`_meta.count` and the totals that count records are what the file holds."""
    base = state(agents={"agents": {"a": 1, "b": None}, "_meta": {"count": old}}, stats={"total_agents": old})
    files = merge(base, [sent(agents_activated=["ada"])])
    assert (read(files, AGENTS)["_meta"]["count"], read(files, STATS)["total_agents"]) == (3, 3)


# ---- set ---------------------------------------------------------------------------------------------------------


def edited(base: Any, *edits: tuple[str, Any, str]) -> Any:
    """What a file holds after edits of (pointer, value, time)."""
    files = merge(state(notes=base), [edit(pointer, value, at, file=NOTES) for pointer, value, at in edits])
    return read(files, NOTES)


@pytest.mark.parametrize(
    ("base", "pointer", "value", "wanted"),
    [
        ({"a": 1}, "/a", 2, {"a": 2}),
        ({"a": 1}, "/b", {"x": [None]}, {"a": 1, "b": {"x": [None]}}),
        ({"a": {"b": 1, "c": 2}}, "/a/b", None, {"a": {"b": None, "c": 2}}),
        ({"a": 1}, "/a/b/c", 2, {"a": {"b": {"c": 2}}}),
        ({}, "/a/b", 2, {"a": {"b": 2}}),
        ({"a/b": 1, "m~n": 2}, "/a~1b", 3, {"a/b": 3, "m~n": 2}),
        ({"a/b": 1, "m~n": 2}, "/m~0n", 3, {"a/b": 1, "m~n": 3}),
        ({"~1": 1}, "/~01", 2, {"~1": 2}),
        ({"": 1}, "/", 2, {"": 2}),
        ({"é": 1}, "/é", "—", {"é": "—"}),
        ({"a": [1, 2, 3]}, "/a/1", {"x": 1}, {"a": [1, {"x": 1}, 3]}),
        ({"a": [[1], {"k": 2}]}, "/a/0/0", 9, {"a": [[9], {"k": 2}]}),
        ({"a": [[1], {"k": 2}]}, "/a/1/new/deep", 9, {"a": [[1], {"k": 2, "new": {"deep": 9}}]}),
        ({"a": [1]}, "/a/0/x", 9, {"a": [{"x": 9}]}),
        ({"a": [1]}, "/a", [2], {"a": [2]}),
    ],
    ids=str,
)
def test_an_edit_writes_one_field(base: Any, pointer: str, value: Any, wanted: Any) -> None:
    """A JSON pointer names the field; parents that are missing or hold no structure become objects."""
    assert edited(base, (pointer, value, NOON)) == wanted


@pytest.mark.parametrize("pointer", ["/a/3", "/a/-", "/a/x", "/a/01", "/a/-1", "/a/0/0", "/a/1/k/0", "/a/1/k/x/y"])
def test_an_edit_without_a_place_is_kept_and_said(pointer: str) -> None:
    """An index that a list does not have changes nothing; the register remembers the edit and the outcome names it."""
    outcome = merge_one({NOTES: b'{"a":[[], {"k":[]},5]}'}, [edit(pointer, 1, file=NOTES)])
    assert outcome.unplaced == [f"{NOTES}#{pointer}"]
    assert NOTES not in outcome.files


def test_the_last_writer_wins_by_instant() -> None:
    """The newest instant wins, wherever it comes in and however it is spelled."""
    newest = ("/a", "newest", "2026-03-02T14:30:00.5+02:00")
    edits = [("/a", "noon", NOON), newest, ("/a", "also 12:30", "2026-03-02T12:30:00Z")]
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        assert edited({"a": 0}, *(edits[place] for place in order)) == {"a": "newest"}


def test_equal_instants_are_decided_by_the_digest() -> None:
    """The spelling of the time does not decide between two writers, the digest of the delta does."""
    for number in range(8):
        one, two = (
            edit("/a", 1, NOON, file=NOTES, stream=f"s{number}"),
            edit("/a", 2, "2026-03-02T12:00:00+00:00", file=NOTES),
        )
        winner = max(one, two, key=digest)
        files = merge(state(notes={"a": 0}), [one, two])
        assert read(files, NOTES)["a"] == (1 if winner is one else 2)


def test_a_late_older_edit_falls_behind() -> None:
    """An edit that is older than what was merged before it changes no canonical file but its page."""
    files = merge(state(notes={"a": 0}), [edit("/a", "new", DUSK, file=NOTES)])
    outcome = merge_one(files, [edit("/a", "old", DAWN, file=NOTES)])
    assert list(outcome.files) == [page_path(7, DEFAULT)]
    assert len(outcome.applied) == 1


def test_a_register_keeps_the_newest_writer_of_each_pointer() -> None:
    """Registers lie in state/registers/, one of 256 files each, with time, digest and value."""
    new, old = edit("/a", {"x": Spelled("1e-07")}, DUSK, file=NOTES), edit("/a", 1, DAWN, file=NOTES)
    files = merge(state(notes={}), [new], [old])
    [path] = [path for path in files if path.startswith("state/registers/")]
    assert len(path) == len("state/registers/ab.json")
    assert read(files, path) == {f"{NOTES}#/a": {"at": DUSK, "delta": digest(new), "value": {"x": 1e-07}}}
    assert b"1e-07" in files[path]


def test_a_late_record_goes_under_the_fields_that_were_edited_after_it() -> None:
    """An older edit of a whole is replayed below newer edits of its parts."""
    edits = [edit("/a/x", "newer", DUSK, file=NOTES), edit("/a", {"x": "older", "y": 1}, DAWN, file=NOTES)]
    assert read(merge(state(notes={}), *[[each] for each in edits]), NOTES) == {"a": {"x": "newer", "y": 1}}


def test_one_delta_writes_a_record_before_its_fields() -> None:
    """Of one delta's overlapping pointers the longer one has the last word, whatever their order in the file."""
    pointers: dict[str, Any] = {f"{NOTES}#/a/b": 1, f"{NOTES}#/a": {"b": 0, "c": 0}, f"{NOTES}#/a/b/c": 2}
    assert read(merge(state(notes={}), [sent(set=pointers)]), NOTES) == {"a": {"b": {"c": 2}, "c": 0}}


ALLOWED = [
    f"{AGENTS}#/agents/ada/bio",
    f"{AGENTS}#/agents/ada/traits/wit",
    f"{AGENTS}#/agents/post_count/bio",
    f"{AGENTS}#/_meta/note",
    f"{AGENTS}#/post_count",
    f"{CHANNELS}#/channels/harbour/rules",
    f"{CHANNELS}#/channels/harbour/heartbeat_last",
    f"{STATS}#/total_pokes",
    f"{STATS}#/more/total_posts",
    f"{COUNTER}#/started_at",
    f"{NOTES}#/a",
    f"{NOTES}#/",
    "state/nowhere.json#/a",
]
FORBIDDEN = [
    f"{AGENTS}#/agents",
    f"{AGENTS}#/agents/ada",
    f"{AGENTS}#/agents/ada/post_count",
    f"{AGENTS}#/agents/ada/post_count/x",
    f"{AGENTS}#/agents/ada/comment_count",
    f"{AGENTS}#/agents/ada/heartbeat_last",
    f"{AGENTS}#/agents/a~1b/heartbeat_last",
    f"{AGENTS}#/_meta",
    f"{AGENTS}#/_meta/count",
    f"{AGENTS}#/_meta/last_updated",
    f"{CHANNELS}#/channels",
    f"{CHANNELS}#/channels/harbour",
    f"{CHANNELS}#/channels/harbour/post_count",
    f"{CHANNELS}#/channels/harbour/slug",
    f"{CHANNELS}#/_meta",
    f"{STATS}#/total_posts",
    f"{STATS}#/total_comments",
    f"{STATS}#/total_reactions",
    f"{STATS}#/total_agents",
    f"{STATS}#/total_channels",
    f"{STATS}#/last_updated",
    f"{COUNTER}#/frame",
    f"{COUNTER}#/frame/x",
    "state/stream_assignments.json#/streams",
    "state/frames/000/frame-7.json#/posts_created",
    "state/frames/rejected/ab.json#/x",
    "state/posts/000/00000.json#/1",
    "state/registers/00.json#/x",
    "state/registers/layout.json#/x",
    "state/stream_deltas/frame-7-solo.json#/x",
    "guard.toml#/merge",
    "tasks/NEXT.md#/x",
    "state/../guard.json#/x",
    "./state/agents.json#/x",
    "/state/agents.json#/x",
    f"{AGENTS}#/bad~escape",
    f"{AGENTS}#/bad~2",
    f"{AGENTS}#/bad~",
]


@pytest.mark.parametrize("target", ALLOWED)
def test_fields_that_nothing_counts_can_be_edited(target: str) -> None:
    """A delta may edit any other field of a canonical file, whether it is there or not."""
    assert isinstance(judge(sent(set={target: 1}), CONFORMS, DEFAULT), Delta)


@pytest.mark.parametrize("target", FORBIDDEN)
def test_counters_pages_roster_and_whole_records_cannot_be_edited(target: str) -> None:
    """A delta with one such target is rejected whole, and leaves its reason alone behind."""
    one = sent(set={f"{NOTES}#/fine": 1, target: 1}, posts_created=[POST])
    judged = judge(one, CONFORMS, DEFAULT)
    assert isinstance(judged, Invalid)
    assert judged.reason == "forbidden edit"
    assert target in judged.detail
    base = merge({**small_state(), **state(notes={}, stream_assignments={"streams": {}})}, [entry(b"{", "x.json")])
    files = merge(base, [one])
    assert page(files)["streams"]["solo"]["rejected"] == {digest(one): "forbidden edit"}
    assert {path: files[path] for path in base} == base


@pytest.mark.parametrize("target", ["no-fragment", "state/agents.json", "#/a", f"{AGENTS}#", f"{AGENTS}#a", ""])
def test_a_target_that_is_no_pointer_is_refused_by_the_schema(target: str) -> None:
    """`set` maps FILE#/POINTER to values."""
    judged = judge(sent(set={target: 1}), CONFORMS, DEFAULT)
    assert isinstance(judged, Invalid)
    assert judged.reason == "schema"


def test_an_edit_of_a_missing_file_is_kept_in_its_register_and_said() -> None:
    """The merge creates no file for it, and names the target."""
    outcome = merge_one(small_state(), [edit("/a", 1, file="state/nowhere.json")])
    assert outcome.unplaced == ["state/nowhere.json#/a"]
    assert "state/nowhere.json" not in outcome.files
    assert any(path.startswith("state/registers/") for path in outcome.files)


def test_an_edited_agent_is_counted_as_one() -> None:
    """A record that exists through an edit alone is a record, and is completed when its agent acts."""
    files = merge(small_state(), [edit("/agents/ada/bio", "—")])
    assert agent(files, "ada") == {"bio": "—"}
    assert read(files, STATS)["total_agents"] == read(files, AGENTS)["_meta"]["count"] == 4
    files = merge(files, [sent(at=DUSK, posts_created=[{"number": 1, "by": "ada"}])])
    assert agent(files, "ada") == {"bio": "—", "comment_count": 0, "heartbeat_last": DUSK, "post_count": 1}


def test_edits_leave_lists_that_they_do_not_touch_alone() -> None:
    """The bytes around an edited field stay, numbers in their spelling too."""
    text = b'{\n  "a": [1, 2.50,  3],\n  "b": {"c": 1e-07, "d": 1}\n}'
    files = merge({NOTES: text}, [edit("/b/d", 2, file=NOTES)])
    assert files[NOTES] == text.replace(b'"d": 1', b'"d": 2')


# ---- keys, formatting, missing and broken files ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("existing", "new", "wanted"),
    [
        (["b", "d"], ["a", "c", "e"], ["a", "b", "c", "d", "e"]),
        (["d", "b"], ["c", "e", "a"], ["a", "d", "e", "b", "c"]),
        (["z", "m", "a"], ["n", "b"], ["z", "m", "n", "a", "b"]),
        ([], ["b", "a"], ["a", "b"]),
        (["b"], ["B", "é", "\U0001f980", "\uffff"], ["B", "b", "é", "\uffff", "\U0001f980"]),
        (["a-10", "a-9"], ["a-11", "a-1"], ["a-1", "a-10", "a-11", "a-9"]),
    ],
    ids=str,
)
def test_a_new_key_goes_after_the_greatest_smaller_one(existing: list[str], new: list[str], wanted: list[str]) -> None:
    """By code point, first where none is smaller; the existing order stays, in one merge and in several."""
    base = state(agents={"agents": {name: {} for name in existing}})
    entries = [sent(stream=f"s{place}", agents_activated=[name]) for place, name in enumerate(new)]
    for groups in ([entries], [[each] for each in entries], [[each] for each in reversed(entries)]):
        assert list(read(merge(base, *groups), AGENTS)["agents"]) == wanted


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_merge_changes_only_what_it_counts_in_a_file_of_any_layout(style: Style) -> None:
    """Written back in the same layout by hand, the file that was counted up is the same bytes."""
    base = small_state(style)
    files = merge(base, [sent(posts_created=[POST], comments_added=[{"by": "ada"}, {"by": "zoë"}])])
    agents = json.loads(base[AGENTS])
    wren = {**agents["agents"]["wren-4"], "post_count": 6, "heartbeat_last": NOON}
    fresh = {"comment_count": 1, "heartbeat_last": NOON, "post_count": 0}
    traits = {"wit": Spelled("0.50")}
    known = {
        "newt-9": {**agents["agents"]["newt-9"], "traits": traits},
        "moth-2": agents["agents"]["moth-2"],
        "wren-4": wren,
    }
    meta = {"count": 5, "last_updated": NOON, "note": "kept"}
    wanted = {"agents": {"ada": fresh, **known, "zoë": fresh}, "_meta": meta}
    if style.one_line_from > 0 and style.one_line_from != 2:  # a new record is written over several lines
        assert files[AGENTS] == encode(wanted, style)
    assert read(files, AGENTS) == json.loads(encode(wanted))
    assert b"0.50" in files[AGENTS]
    assert files[AGENTS].isascii() == style.ascii_only
    assert files[AGENTS].endswith(b"\n") == bool(style.final)
    counter = {"frame": 7, "started_at": "2026-02-01T00:00:00.250000+00:00", "total_frames_run": 6}
    assert files[COUNTER] == encode(counter, style)


def test_a_diff_shows_only_what_changed() -> None:
    """Counting one post up changes the lines of its counts and times and no other."""
    base = small_state()
    files = merge(base, [sent(posts_created=[POST])])
    gone, came = changed_lines(base[AGENTS], files[AGENTS])
    assert [line.split('"')[1] for line in gone] == ["heartbeat_last", "post_count", "count", "last_updated"]
    assert [line.split('"')[1] for line in came] == ["heartbeat_last", "post_count", "count", "last_updated"]
    gone, came = changed_lines(base[CHANNELS], files[CHANNELS])
    assert [line.split('"')[1] for line in gone] == ["post_count", "count", "last_updated"]


def test_missing_canonical_files_are_created() -> None:
    """Where nothing was adopted, the first merge makes the four files with what it counts."""
    files = merge({}, [sent(posts_created=[POST])])
    assert list(read(files, AGENTS)) == ["agents", "_meta"]
    assert read(files, CHANNELS)["_meta"] == {"count": 1, "last_updated": NOON}
    assert read(files, STATS)["total_posts"] == 1
    assert files[COUNTER] == b'{\n  "frame": 7\n}\n'
    paths = {AGENTS, CHANNELS, STATS, COUNTER, page_path(7, DEFAULT), "state/posts/000/00008.json"}
    assert files.keys() == paths


COUNTED = (AGENTS, CHANNELS, STATS, COUNTER)
MARKERS = b'{\n<<<<<<< HEAD\n  "frame": 1\n=======\n  "frame": 2\n>>>>>>> other\n}\n'


@pytest.mark.parametrize(
    ("path", "data"),
    [
        *((path, data) for path in COUNTED for data in (b"", b"{", b"[]", MARKERS, b'{"a":1,"a":2}')),
        (COUNTER, b'{"frame": "6"}'),
        (COUNTER, b'{"frame": null}'),
        (COUNTER, b'{"frame": 6.0}'),
        (COUNTER, b'{"frame": true}'),
        (AGENTS, b'\xef\xbb\xbf{"agents": {}}'),
        (STATS, b'{"x": NaN}'),
        (page_path(7, DEFAULT), b"{}"),
        (page_path(7, DEFAULT), MARKERS),
        (page_path(7, DEFAULT), b'{"frame": 8}'),
        (page_path(7, DEFAULT), b"[]"),
    ],
)  # fmt: skip
def test_a_canonical_file_that_cannot_be_read_stops_the_merge(path: str, data: bytes) -> None:
    """It is never treated as empty: the error names the file."""
    with pytest.raises(BadState) as caught:
        merge({**small_state(), path: data}, [sent(posts_created=[POST], agents_activated=["ada"])])
    assert caught.value.path == path


def test_an_edited_file_that_cannot_be_read_stops_the_merge() -> None:
    """Also where only an edit asks for it."""
    with pytest.raises(BadState) as caught:
        merge({NOTES: MARKERS}, [edit("/a", 1, file=NOTES)])
    assert caught.value.path == NOTES


def test_an_index_or_register_that_cannot_be_read_stops_the_merge() -> None:
    """Also in the merge's own files."""
    for path in ("state/posts/000/00008.json", "state/registers/layout.json"):
        with pytest.raises(BadState) as caught:
            merge({path: MARKERS}, [sent(posts_created=[POST], set={f"{AGENTS}#/x": 1})])
        assert path.startswith(caught.value.path)


# ---- rejected files ----------------------------------------------------------------------------------------------


def test_a_rejected_file_never_aborts_the_rest() -> None:
    """Valid deltas beside it are merged as if it were not there."""
    good = [sent(posts_created=[POST]), sent(8, comments_added=["NC_1"])]
    bad = [entry(b"{"), entry(b"\xff", "frame-8-solo.json"), entry(b"", "x.json")]
    alone, beside = merge(small_state(), good), merge(small_state(), [*bad, *good, *bad])
    for path in (AGENTS, CHANNELS, STATS, COUNTER, "state/posts/000/00008.json"):
        assert alone[path] == beside[path]


@pytest.mark.parametrize(
    "name",
    [
        "notes.json",
        "frame-7.json",
        "frame--solo.json",
        "frame-07-solo.json",
        "frame-x-solo.json",
        "frame-1000000001-solo.json",
        "frame-99999999999-solo.json",
        "frame-7-a..b.json",
        "frame-7-a.lock.json",
        "frame-7-.json",
        "frame-7-é.json",
        "frame-7-a b.json",
        "frame-7-../../x.json",
        "old/frame-7-solo.json",
        "frame-7-solo.JSON",
        "frame-7-solo\n.json",
    ],
)
def test_a_rejected_file_without_a_usable_name_is_recorded_by_its_digest(name: str) -> None:
    """It stands in state/frames/rejected/<2 hex>.json with its reason and its names, and in no page."""
    one = entry(b"{", name)
    files = merge({}, [one])
    path = rejected_path(digest(one), DEFAULT)
    assert path == f"state/frames/rejected/{digest(one)[:2]}.json"
    [record] = read(files, path).items()
    assert record[0] == digest(one)
    assert record[1]["files"] == [name]
    assert not [path for path in files if "/frame-" in path]


def test_the_names_of_one_rejected_file_are_gathered() -> None:
    """The same bytes under several useless names are one record."""
    files = merge({}, [entry(b"{", "b.json")], [entry(b"{", "a.json"), entry(b"{", "b.json")])
    one = digest_of(b"{")
    assert read(files, rejected_path(one, DEFAULT)) == {one: {"reason": "not JSON", "files": ["a.json", "b.json"]}}


# ---- what a merge looks at ---------------------------------------------------------------------------------------


class Watched(Mapping[str, bytes]):
    """Files that note which of them were asked for, and cannot be listed."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.asked: set[str] = set()

    def __getitem__(self, path: str) -> bytes:
        self.asked.add(path)
        return self.files[path]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the merge lists all files")

    def __len__(self) -> int:
        raise AssertionError("the merge counts all files")


def test_nothing_that_grows_with_history_is_read() -> None:
    """A merge asks for its own frames' pages, its own numbers' shards and the files it counts, and never for a list."""
    history = [sent(frame, posts_created=[frame * 100], set={f"{NOTES}#/k{frame}": 1}) for frame in range(40)]
    files = Watched(merge({**small_state(), NOTES: b"{}"}, history))
    merge_one(files, [sent(41, posts_created=[4100, "x"], comments_added=["NC_1"], agents_activated=["ada"])])
    asked = {page_path(41, DEFAULT), "state/posts/000/00041.json", AGENTS, CHANNELS, STATS, COUNTER}
    assert files.asked - {"state/registers/layout.json"} == asked


def test_files_are_handed_over_as_they_are_made() -> None:
    """Entries may come one by one from anywhere, and `into` holds in the end what an outcome holds."""
    entries = [sent(7, posts_created=[POST]), sent(8, agents_activated=["ada"]), entry(b"{"), sent(7, stream="b")]
    handed: dict[str, bytes] = {}
    outcome = fold(small_state(), (each for each in entries), DEFAULT, CONFORMS, into=handed)
    assert outcome.files is handed
    assert handed == merge_one(small_state(), entries).files


# ---- the shapes of real deltas -----------------------------------------------------------------------------------

SHAPES = [
    *(pytest.param({"posts_created": [item]}, id=f"post: {name}") for name, item in POSTS.items()),
    *(pytest.param({"comments_added": [item]}, id=f"comment: {name}") for name, item in COMMENTS.items()),
    *(pytest.param({"reactions_added": form}, id=f"reactions: {name}") for name, form in REACTIONS.items()),
    *(pytest.param({"errors": form}, id=f"errors: {name}") for name, form in ERRORS.items()),
    *(pytest.param({"completed_at": None, **form}, id=f"time: {name}") for name, form in TIMES.items()),
]


@pytest.mark.parametrize("said", SHAPES)
def test_every_real_shape_is_merged_and_found_unchanged(said: dict[str, Any]) -> None:
    """Whatever a list's items look like, the page holds them as they were written."""
    one = entry({**delta(), **said})
    judged = judge(one, CONFORMS, DEFAULT)
    assert isinstance(judged, Delta), judged
    sheet = values.parse(merge(small_state(), [one])[page_path(7, DEFAULT)])
    for name in ("posts_created", "comments_added", "reactions_added"):
        if name in said:
            form = judged.value[name]
            assert values.dump(sheet[name]) == values.dump(form if isinstance(form, list) else [form])
    assert sheet["provenance"][0]["time"].startswith("2026-03-02")


# ---- what a single delta must not be able to do ------------------------------------------------------------------


def survives(base: Mapping[str, bytes], *entries: Entry) -> dict[str, bytes]:
    """Merge one by one; whatever a delta holds, the next merge must still be able to read all of it."""
    files = dict(base)
    for each in (*entries, sent(99, "after", posts_created=[99], set={f"{NOTES}#/after": 1})):
        files = merge(files, [each])
    assert read(files, COUNTER)["frame"] == 99
    return files


def raw(text: bytes, name: str = "solo") -> Entry:
    """A delta of frame 7 with members written out by hand."""
    return entry(
        b'{"frame":7,"stream_id":"%s","timestamp":"%s",%s}' % (name.encode(), NOON.encode(), text),
        f"frame-7-{name}.json",
    )


NINES = b"9" * 4300


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'"comments_added":[{"x":1e%s}]' % (b"9" * 5000), id="an exponent of 5000 digits without an id"),
        pytest.param(b'"comments_added":[{"x":1e-%s}]' % (b"9" * 5000), id="a negative one"),
        pytest.param(b'"agents_activated":[1e%s]' % (b"9" * 5000), id="in a set"),
        pytest.param(b'"comments_added":[{"x":0.%s1}]' % (b"0" * 5000), id="5000 digits behind the point"),
        pytest.param(b'"agents_activated":[%s]' % NINES, id="an integer of 4300 digits in a set"),
        pytest.param(b'"posts_created":[%s,-%s]' % (NINES, NINES), id="post numbers of 4300 digits"),
    ],
)
def test_a_monstrous_number_stops_no_merge(text: bytes) -> None:
    """A number that can be written can be merged, or its delta is rejected; the merge goes on either way."""
    survives({NOTES: b"{}"}, raw(text), raw(text, "again"))


def test_counts_that_add_up_beyond_all_digits_stop_no_merge() -> None:
    """A total that grows past 4300 digits must not make every later merge fail."""
    survives(
        {NOTES: b"{}"},
        raw(b'"reactions_added":%s' % NINES),
        raw(b'"reactions_added":[%s,{"count":%s}]' % (NINES, NINES), "b"),
    )


@pytest.mark.parametrize("bits", [4095, 4096, 4097])
def test_a_counter_beyond_reason_grows_alike_in_one_merge_and_in_two(bits: int) -> None:
    """Where a counter is too long to be counted on, whether it still grows must not hang on how deltas are grouped."""
    for start in (2**bits - 2, 2**bits - 1, 2**bits):
        base = state(agents={"agents": {"ada": {"post_count": start}}}, stats={"total_posts": start})
        entries = [sent(stream=f"s{n}", posts_created=[{"number": n, "author": "ada"}]) for n in range(4)]
        together = merge(base, entries)
        for groups in ([[each] for each in entries], [entries[:1], entries[1:]], [entries[:3], entries[3:]]):
            assert merge(base, *groups)[STATS] == together[STATS]
            assert merge(base, *groups)[AGENTS] == together[AGENTS]
        assert read(together, STATS)["total_posts"] >= start


@pytest.mark.parametrize("levels", [65, 130, 400, 1000, 20_000])
def test_a_pointer_of_many_levels_stops_no_merge(levels: int) -> None:
    """A pointer nests without a bracket: a deep one must be rejected or leave files that can still be read."""
    deep = edit("/deep" + "/a" * levels, 1, file=NOTES)
    files = survives({NOTES: b"{}"}, deep, edit("/deep/b", 2, DUSK, file=NOTES))
    assert not values.depth_exceeds(files[NOTES], 1000)


def test_the_most_levels_that_a_policy_may_allow_can_be_written() -> None:
    """At 200 levels a pointer of 200 keys to a value of 198 levels is merged, also into a list, and read again."""
    laws = replace(DEFAULT, max_levels=200)
    value: Any = 1
    for _ in range(99):
        value = {"a": [value]}
    entries = [
        edit("/deep" + "/a" * 199, value, DAWN, file=NOTES),
        edit("/list/0" + "/b" * 198, value, file=NOTES),
        edit("/deep/c", 2, DUSK, file=NOTES),
        sent(comments_added=[value], observations=value, agents_activated=[value]),
    ]
    files = merge({NOTES: b'{"list":[0]}'}, *[[each] for each in entries], laws=laws)
    assert files == merge({NOTES: b'{"list":[0]}'}, entries, laws=laws)
    assert values.depth_exceeds(files[NOTES], 396)


def test_a_long_time_does_not_multiply() -> None:
    """A time may have any fraction, but what its delta adds to canonical files is in proportion to its size."""
    names = [f"agent-{number}" for number in range(1000)]
    one = sent(at=f"2026-03-02T12:00:00.{'1' * 20_000}Z", agents_activated=names)
    files = merge({}, [one])
    assert sum(map(len, files.values())) < 20 * len(one.data)


def test_an_edit_of_a_file_that_holds_a_list_stops_no_merge() -> None:
    """A canonical file whose root is a list parses well: an edit of it has no place, and is no reason to stop."""
    files = survives({NOTES: b"{}", "state/log.json": b'["one"]\n'}, edit("/0", 1, file="state/log.json"))
    assert files["state/log.json"] == b'["one"]\n'


@pytest.mark.parametrize("held", [["ada", "bob"], [], "ada bob", 5], ids=str)
def test_a_map_that_is_no_object_stops_the_merge(held: Any) -> None:
    """Records that are kept in a list or otherwise are never replaced by an empty object: the file is named."""
    with pytest.raises(BadState) as stopped:
        merge(state(agents={"agents": held}), [sent(agents_activated=["cyd"])])
    assert stopped.value.path == AGENTS


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        (AGENTS, '{\n  "agents": {\n    "m": {\n      "heartbeat_last": "—"\n    }\n  }\n}\n', "agents"),
        (AGENTS, '{\n  "agents": {},\n  "_meta": {\n    "last_updated": "—"\n  }\n}\n', "agents"),
        (CHANNELS, '{\n  "channels": {},\n  "_meta": {\n    "count": "—"\n  }\n}\n', "channels"),
    ],
    ids=["heartbeat_last", "last_updated", "count"],
)
def test_the_last_character_outside_ascii_may_be_counted_away(path: str, text: str, place: str) -> None:
    """A file that is written raw stays so when the merge itself replaces the one value that showed it."""
    one = sent(agents_activated=["m"], posts_created=[{"number": 1, "channel": "m", "by": "m"}])
    two = sent(stream="b", agents_activated=["zoë"], posts_created=[{"number": 2, "channel": "zoë", "by": "m"}])
    base = {path: text.encode()}
    together = merge(base, [one, two])
    assert "zoë" in read(together, path)[place]
    assert merge(base, [one], [two])[path] == together[path]
    assert merge(base, [two], [one])[path] == together[path]


def test_how_records_are_written_may_be_counted_away() -> None:
    """An object that shows a layout and stands where a count belongs is remembered when the merge replaces it."""
    base = {AGENTS: b'{\n  "agents": {},\n  "_meta": {\n    "count": {"x": 1}\n  }\n}\n'}
    one, two = sent(agents_activated=["m"]), edit("/_meta/z", {"y": 1})
    together = merge(base, [one, two])
    assert merge(base, [one], [two])[AGENTS] == together[AGENTS]
    assert merge(base, [two], [one])[AGENTS] == together[AGENTS]


@pytest.mark.parametrize("record", [None, "retired", 5, [], [1]], ids=str)
def test_an_edit_of_a_record_that_is_no_object_commutes_with_naming_it(record: Any) -> None:
    """Whether the agent is named before or after the edit, or in the same merge, the bytes are the same."""
    base = state(agents={"agents": {"m": record}})
    one, two = sent(agents_activated=["m"]), edit("/agents/m/bio", "x")
    together = merge(base, [one, two])
    assert merge(base, [one], [two])[AGENTS] == together[AGENTS]
    assert merge(base, [two], [one])[AGENTS] == together[AGENTS]


def test_a_record_that_is_written_over_forgets_how_it_was_laid_out() -> None:
    """What an edit writes into a record that another edit wrote looks the same in one merge and in two."""
    base = {NOTES: b'{\n  "s": {\n    "a": {"x":1}\n  }\n}\n'}
    one, two = edit("/s", {"a": {"x": 1}}, DAWN, file=NOTES), edit("/s/b", {"y": 1}, DUSK, file=NOTES)
    together = merge(base, [one, two])
    assert merge(base, [one], [two])[NOTES] == together[NOTES]
    assert merge(base, [two], [one])[NOTES] == together[NOTES]
