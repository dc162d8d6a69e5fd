"""The promise that everything else rests on: canonical bytes are a function of the SET of deltas.

What is generated here is as unkind as the contract allows: everything collides with everything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

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
    Spelled,
    delta,
    differences,
    edit,
    encode,
    entry,
    meaning,
    merge,
    merge_one,
    merge_or_stop,
    read,
    sent,
    small_state,
    write,
)
from guard import schema
from merge import values
from merge.delta import Delta, Entry, digest_of
from merge.delta import read as judge
from merge.fold import BadState, fold
from merge.laws import ACTOR, DEFAULT, Laws, ListLaw, MapLaw, TotalsLaw

NOTES = "state/notes.json"
Files = dict[str, bytes]


# ---- small cases, exhaustively -----------------------------------------------------------------------------------


def check_every_way(base: Mapping[str, bytes], entries: Sequence[Entry], laws: Laws = DEFAULT) -> Files:
    """Merge `entries` in every order and every split; all ways must end in the same bytes, at every step.

    Every way is a chain of sets, each of them merged on top of the one before. If for every set S and every order of
    every part G of it, G merged on top of what S without G came to gives the same bytes, then so do all chains.
    """
    results: dict[frozenset[int], Files] = {frozenset(): dict(base)}
    everything = range(len(entries))
    for size in range(1, len(entries) + 1):
        for chosen in map(frozenset, combinations(everything, size)):
            for last in range(1, size + 1):
                for group in permutations(sorted(chosen), last):
                    before = results[chosen - set(group)]
                    after = merge(before, [entries[number] for number in group], laws=laws)
                    found = differences(results.setdefault(chosen, after), after)
                    names = [entries[number].name for number in group]
                    assert not found, f"{names} on top of {sorted(chosen - set(group))}: " + "\n".join(found)
    return results[frozenset(everything)]


EARLY, LATE = "2026-03-02T06:00:00Z", "2026-03-02T18:00:00.5+00:00"
POST = {"number": 7177, "author": "wren-4", "channel": "harbour", "title": "Seen twice"}
SAID = {"discussion": 811, "author": "moth-2", "type": "comment"}
TURNED = dict(reversed(SAID.items()))
HELD = {"a": {"x": 1}, "b": {"x": 2}}

NASTY: dict[str, list[Entry]] = {
    "differing reports of one post, also in another frame": [
        sent(7, "s1", NOON, posts_created=[POST]),
        sent(7, "s2", NOON, posts_created=[{**POST, "title": "Seen — once"}, POST]),
        sent(7, "s3", EARLY, posts_created=[7177, {**POST, "author": "ada"}]),
        sent(8, "s1", LATE, posts_created=[dict(reversed(POST.items())), {"number": 7177}]),
        sent(8, "s1", NOON, posts_created=[{**POST, "channel": "ärger"}]),
    ],
    "equal comments, as often as the one who says it most": [
        sent(7, "s1", NOON, comments_added=[SAID, SAID, "NC_1"]),
        sent(7, "s2", NOON, comments_added=[SAID, TURNED, SAID, {"id": "NC_1", "by": "ada"}]),
        sent(7, "s3", EARLY, comments_added=[SAID, {"comment_id": "NC_1", "by": "zoë"}, {"id": "NC_1", "by": "ada"}]),
        sent(7, "s1", LATE, comments_added=[TURNED, {**SAID, "score": Spelled("1e-07")}, "NC_1"]),
        sent(8, "s1", LATE, comments_added=[SAID, {**SAID, "score": Spelled("0.0000001")}]),
    ],
    "one stream, one instant, three spellings": [
        sent(7, "solo", "2026-03-02T12:00:00Z", observations={"n": 1}, agents_activated=["ada"]),
        sent(7, "solo", "2026-03-02T12:00:00+00:00", observations=["n", 2], agents_activated=["ada"]),
        sent(7, "solo", "2026-03-02T14:00:00.000+02:00", observations="n", agents_activated=["ada"]),
        sent(7, "solo", "2026-03-02T12:00:00.5Z", _meta={"status": "fallback"}),
    ],
    "reactions in every form": [
        sent(7, f"s{number}", NOON, reactions_added=form) for number, form in enumerate([*REACTIONS.values()][:4])
    ],
    "reactions by count": [
        sent(7, f"s{number}", NOON, reactions_added=form) for number, form in enumerate([*REACTIONS.values()][5:10])
    ],
    "sets of everything": [
        sent(7, "s1", NOON, agents_activated=["b", 3, Spelled("3.0"), True, None, {"x": 1, "y": 2}]),
        sent(7, "s2", NOON, agents_activated=[{"y": 2, "x": 1}, "a", 10**30, Spelled("1e30"), Spelled("-0")]),
        sent(7, "s3", NOON, agents_activated=[Spelled("3.00"), "\U0001f980", "\uffff", -5, [1], [Spelled("1.0")]]),
        sent(7, "s4", NOON, discussions_engaged=[1, "1", 1], soul_files_updated=["z", "a"], agents_activated=[]),
    ],
    "rejected files beside valid ones": [
        entry(b"{", "frame-7-solo.json"),
        entry(b"[]", "frame-7-solo.json"),
        entry(b"[]", "elsewhere.json"),
        entry(b"[]", "elsewhere2.json"),
        sent(7, "solo", NOON, posts_created=[1]),
    ],
    "one delta under several names": [
        entry(delta(posts_created=[1])),
        entry(delta(posts_created=[1]), run=False),
        entry(delta(posts_created=[1]), "frame-7-other.json"),
        entry(delta(posts_created=[1]), "frame-8-solo.json"),
        entry(delta(posts_created=[1]), "old/frame-7-solo.json"),
    ],
    "the same bytes as a file, a symlink and a submodule": [
        entry(b"frame-7-a.json", "frame-7-solo.json"),
        entry(b"frame-7-a.json", "frame-7-solo.json", kind="symlink"),
        entry(b"frame-7-a.json", "frame-7-solo.json", kind="submodule"),
        entry(delta(), "frame-7-solo.json", kind="symlink"),
        entry(delta(), "frame-7-solo.json"),
    ],
    "the same bytes in a folder as a file and a symlink": [
        entry(b"x", "a/frame-7-solo.json"),
        entry(b"x", "a/frame-7-solo.json", kind="symlink"),
        entry(b"x", "frame-7-solo.json/x", kind="submodule"),
        entry(b"x", "x.json"),
    ],
    "names that sort anywhere": [
        sent(7, "s1", NOON, agents_activated=["newt-1", "newt-99", "wren-5", ""]),
        sent(7, "s2", NOON, agents_activated=["newt-2", "A", "zoë"], posts_created=[{"number": 1, "channel": "b"}]),
        sent(7, "s3", NOON, agents_activated=["newt-10", "moth-1", 'q"\\\n'], comments_added=[{"by": "newt-2"}]),
        sent(7, "s4", NOON, posts_created=[{"number": 2, "author": "a/b~c", "channel": "a"}]),
    ],
    "a record, then a field of it": [
        edit("/agents/ada/traits", {"wit": 1, "a": [1]}, EARLY),
        edit("/agents/ada/traits/wit", Spelled("1e-07"), NOON),
        edit("/agents/ada/traits", {"z": 1, "b": 2}, NOON),
        edit("/agents/ada/traits/wit/deep", "—", LATE),
        sent(7, "s1", NOON, agents_activated=["ada", "newt-9"]),
    ],
    "late older edits": [
        edit("/a", {"k": 1}, "2026-03-02T12:00:03Z", file=NOTES),
        edit("/a/k", {"m": 2}, "2026-03-02T12:00:02Z", file=NOTES),
        edit("/a/k", [3], "2026-03-02T12:00:01Z", file=NOTES),
        edit("/a/k/0", 4, "2026-03-02T12:00:04Z", file=NOTES),
        edit("/a/b", "5", "2026-03-02T12:00:05Z", file=NOTES),
    ],
    "arrays": [
        edit("/list", [[1], {"k": 2}, 3], "2026-03-02T12:00:01Z", file=NOTES),
        edit("/list/1/k/deep", "é", "2026-03-02T12:00:02Z", file=NOTES),
        edit("/list/0/0", 9, "2026-03-02T12:00:03Z", file=NOTES),
        edit("/list/2/x", 9, "2026-03-02T12:00:04Z", file=NOTES),
        edit("/list/7", 9, "2026-03-02T12:00:05Z", file=NOTES),
    ],
    "an array that was short": [
        edit("/list/3", "third", "2026-03-02T12:00:05Z", file=NOTES),
        edit("/list", [0, 1, 2, 3], "2026-03-02T12:00:04Z", file=NOTES),
        edit("/list/x", 1, "2026-03-02T12:00:03Z", file=NOTES),
        edit("/list", {"3": 0}, "2026-03-02T12:00:02Z", file=NOTES),
    ],
    "a record that is written over whole, then another beside it": [
        edit("/held", HELD, "2026-03-02T12:00:01Z", file=NOTES),
        edit("/held/c", {"y": 1}, "2026-03-02T12:00:02Z", file=NOTES),
        edit("/held/a", None, "2026-03-02T12:00:03Z", file=NOTES),
        edit("/held/d", {"y": {}}, "2026-03-02T12:00:04Z", file=NOTES),
    ],
    "the last character outside ASCII": [
        edit("/held", "plain", "2026-03-02T12:00:01Z", file=NOTES),
        edit("/other", "é", "2026-03-02T12:00:02Z", file=NOTES),
        edit("/é", 1, "2026-03-02T12:00:03Z", file=NOTES),
        edit("/agents/newt-9/bio", "plain", "2026-03-02T12:00:03Z"),
        sent(7, "s1", NOON, agents_activated=["zoë"]),
    ],
    "keys with escapes": [
        edit("/a~1b", 1, EARLY, file=NOTES),
        edit("/a/b", 2, EARLY, file=NOTES),
        edit("/m~0n~01", 3, EARLY, file=NOTES),
        edit("/", 4, EARLY, file=NOTES),
        edit("/agents/a~1b~0c/bio", 5),
    ],
    "files that are not there": [
        edit("/a", 1, EARLY, file="state/nowhere.json"),
        edit("/a", 2, LATE, file="state/nowhere.json"),
        edit("/agents/ada/bio", "new", NOON),
        sent(7, "s1", EARLY, agents_activated=["ada"]),
    ],
    "one delta that edits a record and its field": [
        sent(7, "s1", NOON, set={f"{NOTES}#/a/b": 1, f"{NOTES}#/a": {"b": 0, "c": 0}}),
        sent(7, "s2", NOON, set={f"{NOTES}#/a": {"b": 5}, f"{NOTES}#/a/c": {"d": 6}, f"{NOTES}#/a/c/d": 7}),
        sent(7, "s3", EARLY, set={f"{NOTES}#/a/b/c": 8, f"{NOTES}#/a/b": []}),
    ],
    "fields of a record that an edit made": [
        edit("/agents/ada/bio", "—", NOON),
        edit("/agents/ada/traits", {"a": 1}, NOON),
        sent(7, "s1", NOON, agents_activated=["ada"]),
        sent(7, "s2", EARLY, posts_created=[{"number": 1, "author": "ada", "channel": "new"}]),
        edit("/channels/new/rules", {"a": {"b": 1}}, NOON, file=CHANNELS),
    ],
}

NOTE = {"held": {"a": {"x": 1}, "b": {"y": "é"}}, "list": [1, {"k": 1}], "a": "text", "z": {}}

EDITING = [case for case, entries in NASTY.items() if any(b'"set"' in each.data for each in entries)]


@pytest.mark.parametrize("case", NASTY)
def test_every_order_and_every_split_of_nasty_deltas(case: str) -> None:
    """All permutations of all splits of a handful of hand-made deltas end in the same bytes, from nothing."""
    check_every_way({}, NASTY[case])


@pytest.mark.parametrize("style", ["two spaces", "one record a line"])
@pytest.mark.parametrize("case", EDITING)
def test_every_order_and_every_split_of_nasty_edits(case: str, style: str) -> None:
    """And so they do on top of files that have a layout to keep."""
    check_every_way({**small_state(STYLES[style]), NOTES: encode(NOTE, STYLES[style])}, NASTY[case])


# ---- what is generated -------------------------------------------------------------------------------------------

ACTORS = st.sampled_from(["moth-2", "newt-9", "wren-4", "ada", "newt-95", "Zed", "zoë", "\U0001f980", 'a/b~c"\\', "\n"])
ODD_TEXT = st.sampled_from(["", "x", "—", "é\u2028", "\U0001f980", '"\\/', "a b", "<<<<<<< ours", "\x7f\x1f"])
NUMBERS = st.sampled_from(
    [0, 1, -1, 10**30, -(10**19)]
    + [Spelled(raw) for raw in ("1e-07", "0.0000001", "1.0", "1.50", "-0", "1E400", "1e22")]
)
SCALARS = st.sampled_from([None, True, False]) | NUMBERS | ODD_TEXT
KEYS = st.sampled_from(["x", "y", "é", "a/b", ""])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)
TIMES = st.sampled_from(
    [
        NOON,
        "2026-03-02T12:00:00+00:00",
        "2026-03-02T14:00:00+02:00",
        "2026-03-02T12:00:00.000Z",
        "2026-03-02T12:00:00.5Z",
        "2026-03-02T12:00:00.25Z",
        "2026-03-02 12:00:01z",
        "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:60.999999999Z",
    ]
)


@st.composite
def items(draw: st.DrawFn, keys: tuple[str, ...], own: st.SearchStrategy[Any], more: dict[str, Any]) -> dict[str, Any]:
    """An object with or without a key of its own, an actor and other fields, in any order."""
    fields: dict[str, Any] = {}
    for name in keys:
        if draw(st.booleans()):
            fields[name] = draw(own)
    for name in draw(st.lists(st.sampled_from(ACTOR), max_size=2, unique=True)):
        fields[name] = draw(ACTORS | st.sampled_from([None, "", 5]))
    for name, values_of in more.items():
        if draw(st.booleans()):
            fields[name] = draw(values_of)
    order = draw(st.permutations(sorted(fields)))
    return {name: fields[name] for name in order}


POST_NUMBERS = st.sampled_from([811, 812, 811, -3, 10**30, 10**12, "811", None, True, Spelled("811.0"), 99, 100])
NODE_IDS = st.sampled_from(["NC_1", "NC_2", "NC_1", "é", "", None, 5])
CHANNEL_NAMES = st.sampled_from(["harbour", "attic", "ärger", "b", "", None])
POST_ITEMS = st.sampled_from([*POSTS.values(), 811, 812, "811", -3]) | items(
    ("number",), POST_NUMBERS, {"channel": CHANNEL_NAMES, "title": ODD_TEXT, "score": NUMBERS}
)
COMMENT_ITEMS = st.sampled_from([*COMMENTS.values(), "NC_1", "NC_2", SAID, TURNED, 42]) | items(
    ("id", "comment_id"), NODE_IDS, {"discussion": st.just(811), "score": NUMBERS}
)
REACTION_ITEMS = st.sampled_from([item for form in REACTIONS.values() if isinstance(form, list) for item in form])
NAMES = st.sampled_from([3, Spelled("3.0"), Spelled("3.00"), None, True, 10**30]) | ACTORS | JSON

EDITED = {
    AGENTS: {
        **{
            f"agents/{name}": [
                "bio",
                "traits",
                "traits/wit",
                "traits/x",
                "traits/x/y",
                "tags",
                "tags/0",
                "tags/1/k",
                "tags/9",
            ]
            for name in ("moth-2", "ada", "zoë", "odd", "newt-9")
        },
        "_meta": ["note", "note/x"],
        "other": ["", "x"],
    },
    CHANNELS: {"channels/harbour": ["rules", "rules/x"], "channels/b": ["rules", "rules/x"], "é": ["", "x"]},
    STATS: {"total_pokes": ["", "x"], "": ["", "x"], "more": ["", "x", "x/y"]},
    COUNTER: {"started_at": ["", "x"], "a~1b~0c": [""]},
    NOTES: {
        "held": ["", "a", "a/x", "c", "c/d", "d", "b"],
        "list": ["", "0", "1", "1/k", "1/k/x", "3", "x", "0/0"],
        "a": ["", "b", "b/c", "c"],
        "z": ["", "y", "0"],
        "é": [""],
    },
    "state/list.json": {"0": [""]},
    "state/nowhere.json": {"a": ["", "b"]},
}
"""File -> place that edits may meet in -> the rest of their pointers."""


def target(file: str, place: str, rest: str) -> str:
    """A key of a delta's `set`."""
    return f"{file}#/{place}{'/' * bool(rest)}{rest}"


TARGETS = [target(file, place, rest) for file, places in EDITED.items() for place in places for rest in places[place]]
EDIT_VALUES = JSON | st.sampled_from(
    [
        HELD,
        {"x": 1},
        {"a": {"x": 1}, "c": {"d": {"e": 1}}},
        [1, {"k": 2}, [3]],
        {"c": {"d": 1}, "b": 2},
        "é",
        "plain",
        {},
        [],
    ]
)

LISTS: dict[str, st.SearchStrategy[Any]] = {
    "agents_activated": st.lists(NAMES, min_size=1, max_size=4),
    "posts_created": st.lists(POST_ITEMS, min_size=1, max_size=4),
    "comments_added": st.lists(COMMENT_ITEMS, min_size=1, max_size=5),
    "reactions_added": st.lists(REACTION_ITEMS, max_size=3) | st.sampled_from([0, 1, 20, 10**20]),
    "discussions_engaged": st.lists(NAMES, max_size=3),
    "soul_files_updated": st.lists(NAMES, max_size=2),
    "observations": st.lists(JSON, max_size=2) | JSON,
    "errors": st.sampled_from(list(ERRORS.values())),
    "provenance": JSON,
    "mood": JSON,
    "set": st.dictionaries(st.sampled_from(TARGETS), EDIT_VALUES, min_size=1, max_size=3),
}
FRAMES = st.sampled_from([7, 7, 7, 8, 0, 1000])
STREAMS = st.sampled_from(["s1", "s2", "S1", "m1-stream-2"])


@st.composite
def deltas(draw: st.DrawFn, lists: Mapping[str, st.SearchStrategy[Any]] = LISTS, most: int = 4) -> Entry:
    """A valid delta with some of the lists."""
    content = delta(draw(FRAMES), draw(STREAMS), None)
    names = draw(st.lists(st.sampled_from(sorted(lists)), min_size=1, max_size=most, unique=True))
    time = draw(TIMES)
    meta: dict[str, Any] = {"status": "fallback"} if draw(st.integers(0, 4)) == 0 else {}
    where = draw(st.sampled_from(["completed_at", "completed_at", "timestamp", "_meta"]))
    if where == "_meta":
        meta["timestamp"] = time
    else:
        content[where] = time
    content |= {name: draw(lists[name]) for name in names} | ({"_meta": meta} if meta else {})
    return entry(content, run=draw(st.booleans()), style=draw(st.sampled_from([STYLES["compact"], STYLES["ASCII"]])))


BROKEN = [b"", b"{", b"[]", b"null", b'{"frame":7,"stream_id":"s1"}', b'{"a":1,"a":2}', b"\xff", b"x", encode(delta())]
FEW_BAD_FILES = st.builds(
    Entry,
    st.sampled_from(["frame-7-s1.json", "a/frame-7-s1.json", "frame-8-solo.json"]),
    st.sampled_from([b"x", b"{", encode(delta())]),
    st.sampled_from(["file", "file", "symlink", "submodule"]),
)
BAD_NAMES = [
    "frame-7-s1.json",
    "frame-8-s2.json",
    "frame-07-s1.json",
    "notes.json",
    "a/frame-7-s1.json",
    "frame-7-a..json",
]
BAD_FILES = st.builds(
    Entry,
    st.sampled_from(BAD_NAMES),
    st.sampled_from(BROKEN),
    st.sampled_from(["file", "file", "symlink", "submodule"]),
)
FORBIDDEN = st.sampled_from([f"{AGENTS}#/agents", f"{AGENTS}#/agents/ada", f"{STATS}#/total_posts", "x"]).map(
    lambda target: sent(set={target: 1}) if "#" in target else sent(posts_created={"a": 1})
)

COUNTS = st.sampled_from([5, 0, None, "62", 10**30, -4, True, Spelled("62.0"), {"x": 1}, [1]])
STAMPS = st.sampled_from(["2026-02-01T00:00:00Z", None, "—", "never", {"at": {"x": 1}}, "2026-03-02T12:00:00+00:00", 5])


def some(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with most of the fields, in any order."""
    most = st.lists(st.sampled_from(sorted(fields)), max_size=2).map(
        lambda out: [key for key in fields if key not in out]
    )
    return most.flatmap(st.permutations).flatmap(lambda keys: st.fixed_dictionaries({key: fields[key] for key in keys}))


RECORDS = some(
    {
        "bio": st.sampled_from(["plain", "—"]),
        "traits": st.sampled_from([{"wit": Spelled("0.50"), "x": {"y": 1}}, {}, None]),
        "tags": st.sampled_from([[1, {"k": 1}], ["é"], []]),
        "post_count": COUNTS,
        "comment_count": COUNTS,
        "heartbeat_last": STAMPS,
    }
)
METAS = some({"count": COUNTS, "last_updated": STAMPS, "note": JSON}) | st.sampled_from([None, [], "meta", {}])
ODD_RECORDS = st.sampled_from([None, "retired", [], {}, 5])
BASE_FILES: dict[str, st.SearchStrategy[Any]] = {
    AGENTS: some(
        {
            "agents": some(
                {"wren-4": RECORDS, "moth-2": RECORDS, "newt-9": RECORDS, "odd": ODD_RECORDS, "ada": ODD_RECORDS}
            ),
            "_meta": METAS,
            "other": JSON,
        }
    ),
    CHANNELS: some({"channels": some({"harbour": RECORDS, "ärger": RECORDS, "b": ODD_RECORDS}), "_meta": METAS}),
    STATS: some(
        {
            **dict.fromkeys(
                ("total_posts", "total_comments", "total_reactions", "total_agents", "total_channels"), COUNTS
            ),
            "last_updated": STAMPS,
            "total_pokes": JSON,
        }
    ),
    COUNTER: some({"frame": st.sampled_from([0, 6, 7, 10**6]), "started_at": STAMPS}),
    NOTES: some(
        {
            "held": st.sampled_from([HELD, {"a": {"x": {"y": "é"}}}, {"b": {"z": [1]}, "a": {"x": 1}}, {}, 5]),
            "list": st.sampled_from([[1, {"k": 1}], [], [[1], "é"], "list"]),
            "a": JSON,
            "z": st.just({}) | JSON,
        }
    ),
    "state/list.json": st.just([1, 2]),
}


def uneven(value: Any, random: Random, lead: str = "\n") -> str:
    """JSON that was written by several hands: every array and object has a layout of its own."""
    if not isinstance(value, (dict, list)) or not value:
        return write(value, STYLES["compact"])
    inner = lead + random.choice(["  ", "\t", "", " "])
    first, comma, last = random.choice(
        [(inner, inner, lead), (inner, inner, lead), ("", " ", ""), ("", "", ""), (" ", inner, "")]
    )
    colon = random.choice([": ", ":", " : ", ":\n "])
    items = value.items() if isinstance(value, dict) else [("", item) for item in value]
    parts = [(write(key) + colon) * isinstance(value, dict) + uneven(item, random, inner) for key, item in items]
    return (
        write([] if isinstance(value, list) else {})[0]
        + first
        + ("," + comma).join(parts)
        + last
        + "]}"[isinstance(value, dict)]
    )


@st.composite
def bases(draw: st.DrawFn, paths: Sequence[str] = tuple(BASE_FILES)) -> Files:
    """Canonical files of every layout, some missing, some with values of types that they should not have."""
    files = {}
    for path in paths:
        if len(paths) == 1 or draw(st.integers(0, 4)):
            content, style = draw(BASE_FILES[path]), draw(st.sampled_from([*STYLES.values(), None, None, None]))
            files[path] = encode(content, style) if style else uneven(content, draw(st.randoms())).encode()
    return files


@st.composite
def ways(draw: st.DrawFn, entries: Sequence[Entry]) -> list[list[Entry]]:
    """The same deltas in another order, some of them twice, in several merges."""
    again = draw(st.lists(st.sampled_from(entries), max_size=2))
    order = draw(st.permutations([*entries, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), min_size=min(1, len(order) - 1), max_size=4)))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True) if start < end]


def check_some_ways(data: st.DataObject, base: Files, entries: list[Entry]) -> None:
    """All at once, one by one forth and back, and in a way of its own: all must end in the same bytes."""
    expected = merge_or_stop(base, entries)
    event("stopped" if isinstance(expected, str) else "merged")
    for way in ([[each] for each in entries], [[each] for each in reversed(entries)], data.draw(ways(entries))):
        assert not differences(expected, merge_or_stop(base, *way))


@st.composite
def edits_of_one_place(draw: st.DrawFn, file: str, place: str) -> list[Entry]:
    """Edits that overlap, among them some that are older than those before them."""
    pointers = st.sampled_from([target(file, place, rest) for rest in EDITED[file][place]])
    sets = st.dictionaries(pointers, EDIT_VALUES, min_size=1, max_size=2)
    return draw(st.lists(deltas({"set": sets}, 1), min_size=2, max_size=5))


PLACES = [(file, place) for file, places in EDITED.items() for place in places]
WHERE = (
    st.sampled_from(PLACES) | st.sampled_from([(NOTES, place) for place in EDITED[NOTES]]) | st.just((NOTES, "held"))
)


@settings(max_examples=200)
@given(st.data(), WHERE)
def test_edits_of_one_place_converge(data: st.DataObject, where: tuple[str, str]) -> None:
    """Overlapping edits of one record end in the same bytes in any order, in files of any layout."""
    file, place = where
    base = data.draw(bases([file] if file in BASE_FILES else []))
    check_some_ways(data, base, data.draw(edits_of_one_place(file, place)))


@settings(max_examples=100)
@given(st.data(), bases([AGENTS, CHANNELS, STATS]))
def test_records_and_edits_converge(data: st.DataObject, base: Files) -> None:
    """Edits of a record and deltas that name it, count it up or add it end in the same bytes in any order."""
    name = data.draw(st.sampled_from(["moth-2", "odd", "zoë", "newt-9"]))
    places = [(AGENTS, f"agents/{name}"), (AGENTS, "_meta"), (CHANNELS, "channels/b")]
    targets = st.sampled_from([target(file, place, rest) for file, place in places for rest in EDITED[file][place]])
    said = {
        "set": st.dictionaries(targets, EDIT_VALUES, min_size=1, max_size=2),
        "agents_activated": st.lists(st.just(name) | ACTORS, min_size=1, max_size=2),
        "posts_created": st.builds(
            lambda number, by, channel: [{"number": number, "by": by, "channel": channel}],
            st.sampled_from([1, 2]),
            st.just(name) | ACTORS,
            st.sampled_from(["b", "ärger"]),
        ),
    }
    check_some_ways(data, base, data.draw(st.lists(deltas(said, 2), min_size=2, max_size=4)))


LISTED = {name: LISTS[name] for name in ("posts_created", "comments_added", "agents_activated", "reactions_added")}


@settings(max_examples=100)
@given(st.data(), st.lists(deltas(LISTED), min_size=2, max_size=6))
def test_lists_converge(data: st.DataObject, entries: list[Entry]) -> None:
    """Posts, comments, reactions and names that collide in every way end in the same bytes in any order."""
    check_some_ways(data, {}, entries)


@settings(max_examples=60)
@given(st.data(), st.lists(FEW_BAD_FILES | BAD_FILES | FORBIDDEN | deltas(), min_size=3, max_size=7))
def test_rejected_files_converge(data: st.DataObject, entries: list[Entry]) -> None:
    """Files that are no deltas leave the same records in any order, whatever they are called."""
    check_some_ways(data, {}, entries)


@settings(max_examples=100)
@given(st.data(), bases(), st.lists(deltas() | deltas() | deltas() | BAD_FILES | FORBIDDEN, min_size=2, max_size=6))
def test_anything_converges(data: st.DataObject, base: Files, entries: list[Entry]) -> None:
    """Whatever the base and the deltas, every way of merging them ends in the same bytes."""
    check_some_ways(data, base, entries)


# ---- laws of another fleet ---------------------------------------------------------------------------------------

OTHER = Laws(
    lists=(
        ListLaw("tags", "set", attributed=True),
        ListLaw("polls", "one-per-key", key=("id",), roles={"who": ("who",), "room": ("room",)}, index="state/polls"),
        ListLaw("calls", "one-per-key", key=("number", "no"), key_type="integer", roles={"who": ("by", "who")}),
        ListLaw("claps", "additive", roles={"who": ("who",)}),
        ListLaw("waves", "additive", count="times", roles={"room": ("room",)}),
        ListLaw("notes", "keep", roles={"who": ("who",)}),
    ),
    maps=(
        MapLaw("state/people.json", "people", "who", ("tags",), {"polls": "polls", "calls": "calls"}, "seen", "id"),
        MapLaw("state/rooms.json", "rooms", "room", counts={"polls": "polls"}),
    ),
    totals=TotalsLaw("state/sums.json", {"polls": "polls", "waves": "waves"}, {"people": "state/people.json"}),
    counter="state/tick.json",
    pages="state/pages",
    registers="state/edits",
    editable=("state/*.json", "more/*/x.json"),
    not_editable=("state/tick.json",),
)
WHO = st.sampled_from(["ada", "zoë", "", None, "\U0001f980", 5])
POLL_IDS = st.sampled_from(["1", "10", "9", "--5", "٣", "x", "", None, "9" * 5000, 7])
OTHER_LISTS: dict[str, st.SearchStrategy[Any]] = {
    "tags": st.lists(NAMES, min_size=1, max_size=3),
    "polls": st.lists(POLL_IDS | items(("id",), POLL_IDS, {"who": WHO, "room": WHO}), min_size=1, max_size=4),
    "calls": st.lists(NUMBERS | items(("number", "no"), POST_NUMBERS, {"who": WHO}), min_size=1, max_size=4),
    "claps": st.lists(items((), WHO, {"who": WHO, "count": NUMBERS}), min_size=1, max_size=3),
    "waves": st.lists(items((), WHO, {"room": WHO, "times": NUMBERS}), min_size=1, max_size=3)
    | st.sampled_from([0, 4]),
    "notes": JSON | st.lists(JSON, max_size=2),
    "posts_created": st.lists(POST_ITEMS, max_size=2),
    "set": st.dictionaries(
        st.sampled_from(
            ["state/people.json#/people/ada/bio", "state/rooms.json#/x", "more/a/x.json#/y", f"{NOTES}#/a"]
        ),
        EDIT_VALUES,
        min_size=1,
        max_size=2,
    ),
}


@settings(max_examples=80)
@given(st.data(), st.lists(deltas(OTHER_LISTS), min_size=2, max_size=5))
def test_other_laws_converge(data: st.DataObject, entries: list[Entry]) -> None:
    """Lists, maps and files of other names and laws end in the same bytes in any order."""
    base = {NOTES: encode({"a": [1]}), "more/a/x.json": b'{"y":{"z":1}}'}
    expected = merge(base, entries, laws=OTHER)
    for way in ([[each] for each in entries], [[each] for each in reversed(entries)], data.draw(ways(entries))):
        assert not differences(expected, merge(base, *way, laws=OTHER))


def test_closing_a_frame_may_come_at_any_time() -> None:
    """Frames that are closed, with or without deltas of theirs, count no less and no more in another order."""
    entries = [sent(7, agents_activated=["ada"]), sent(9, "s2", agents_activated=["zoë"])]
    steps: list[tuple[list[Entry], int | None]] = [(entries[:1], None), (entries[1:], 9), ([], 8), ([], 3)]
    results = []
    for order in permutations(steps):
        files: Files = small_state()
        for group, close in order:
            files.update(fold(files, group, DEFAULT, CONFORMS, close).files)
        results.append(files)
    assert read(results[0], COUNTER)["frame"] == 9
    for files in results[1:]:
        assert not differences(results[0], files)


# ---- nothing is done twice, nothing is lost, nothing goes back ---------------------------------------------------

ANYTHING = st.lists(deltas() | deltas() | deltas() | BAD_FILES | FORBIDDEN, min_size=1, max_size=6)


@settings(max_examples=60)
@given(bases(), ANYTHING)
def test_merging_again_changes_nothing(base: Files, entries: list[Entry]) -> None:
    """What is merged already is known again: no file changes, nothing is applied or rejected, all of it is named."""
    files = merge_or_stop(base, entries)
    assume(not isinstance(files, str))
    assert isinstance(files, dict)
    again = merge_one(files, [*entries, *entries])
    assert (again.files, again.applied, again.rejected, again.counter) == ({}, [], [], None)
    assert sorted(again.duplicate) == sorted((each.name, digest_of(each.data)) for each in (*entries, *entries))


@settings(max_examples=60)
@given(bases(), ANYTHING)
def test_a_merge_hands_back_only_what_it_changed(base: Files, entries: list[Entry]) -> None:
    """Every file of an outcome differs from the one that was there, and the files given are left alone."""
    before = dict(base)
    try:
        outcome = merge_one(base, entries)
    except BadState:
        return
    assert base == before
    assert not [path for path, data in outcome.files.items() if before.get(path) == data]


def by_delta(sheet: dict[str, Any], laws: Laws) -> dict[str, dict[str, list[bytes]]]:
    """What a page says that each delta's own lists held."""
    gone: dict[tuple[str, str, int], bytes] = {}
    places = [(name, place) for name, keys in sheet["variants"].items() for found in keys.values() for place in found]
    places += [(name, place) for name, found in sheet["filtered"].items() if name != "count" for place in found]
    for name, place in places:
        assert (name, place["delta"], place["position"]) not in gone
        gone[name, place["delta"], place["position"]] = values.dump(place["item"])
    assert sheet["filtered"]["count"] == sum(len(found) for name, found in sheet["filtered"].items() if name != "count")
    kept = {law.name: [values.dump(item) for item in sheet[law.name]][::-1] for law in laws.lists}
    made: dict[str, dict[str, list[bytes]]] = {}
    for said in sheet["provenance"]:
        made[said["delta"]] = {
            name: [gone.pop((name, said["delta"], at), b"") or kept[name].pop() for at in range(number)]
            for name, number in said["items"].items()
        }
    assert not gone, "places of deltas that are not there"
    assert not [law.name for law in laws.lists if law.law != "set" and kept[law.name]], "items of no delta"
    return made


@settings(max_examples=80)
@given(st.data(), ANYTHING)
def test_every_item_is_found_in_the_page(data: st.DataObject, entries: list[Entry]) -> None:
    """Each item of each valid delta stands in its frame's page, kept, filtered or as a variant, spelled as it was."""
    files = merge({}, *data.draw(ways(entries)))
    conforms = schema.conforms("page")
    pages = {}
    for path in files:
        if path.startswith(f"{DEFAULT.pages}/") and "rejected" not in path:
            sheet = values.parse(files[path])
            assert conforms(sheet), path
            pages[sheet["frame"]] = (sheet, by_delta(sheet, DEFAULT))
    for judged in (judge(each, CONFORMS, DEFAULT) for each in entries):
        if isinstance(judged, Delta):
            sheet, found = pages[judged.frame]
            rest = dict(judged.value)
            for law in DEFAULT.lists:
                said = rest.get(law.name, []) if law.attributed else rest.pop(law.name, [])
                items = said if isinstance(said, list) else [said]
                if law.law == "set":
                    known = {values.identity(item) for item in sheet[law.name]}
                    assert known.issuperset(values.identity(item) for item in items)
                else:
                    assert found[judged.digest].get(law.name, []) == [values.dump(item) for item in items]
            del rest["frame"], rest["stream_id"]
            assert values.dump(sheet["extra"][judged.digest]) == values.dump(rest)
            assert judged.digest in sheet["streams"][judged.stream]["deltas"]


MANAGED = {path: DEFAULT.managed(path) for path in (AGENTS, CHANNELS, STATS, COUNTER)}


def keeps(old: Any, new: Any, managed: set[tuple[str, ...]]) -> bool:
    """Whether everything in `old` is in `new`, unchanged and in its order, but for what the merge itself writes."""
    if () in managed or (isinstance(old, list) and values.dump(old) == values.dump(new)):
        return True
    if not isinstance(old, dict) or not isinstance(new, dict):
        return values.dump(old) == values.dump(new)
    below = {key: {path[1:] for path in managed if path[:1] in {(key,), ("*",)}} for key in old}
    return [key for key in new if key in old] == list(old) and all(keeps(old[key], new[key], below[key]) for key in old)


@settings(max_examples=60)
@given(bases([AGENTS, CHANNELS, STATS, COUNTER]), st.lists(deltas({**LISTED, "mood": JSON}), min_size=1, max_size=4))
def test_what_the_merge_does_not_count_stays(base: Files, entries: list[Entry]) -> None:
    """Without edits every field but the counted ones stays, whatever it holds, and so does the order of keys."""
    files = merge_or_stop(base, entries)
    assume(isinstance(files, dict))
    for path in base:
        old, new = values.parse(base[path]), values.parse(files[path])
        assert keeps(old, new, MANAGED.get(path, set())), path


def counters(files: Mapping[str, bytes]) -> Iterator[tuple[str, int]]:
    """Everything that is counted and never recounted: what may not fall."""
    for path, at in ((AGENTS, "agents"), (CHANNELS, "channels")):
        for name, record in (read(files, path)[at] if path in files else {}).items():
            for key in ("post_count", "comment_count"):
                if isinstance(record, dict) and type(record.get(key)) is int:
                    yield f"{path} {name} {key}", record[key]
    for path, keys in ((STATS, ("total_posts", "total_comments", "total_reactions")), (COUNTER, ("frame",))):
        for key in keys:
            if path in files and type(read(files, path).get(key)) is int:
                yield f"{path} {key}", read(files, path)[key]


@settings(max_examples=60)
@given(st.data(), ANYTHING)
def test_counters_never_fall(data: st.DataObject, entries: list[Entry]) -> None:
    """No merge, however late its deltas, takes a counter back."""
    files: Files = small_state()
    for group in data.draw(ways(entries)):
        before = dict(counters(files))
        files = merge(files, group)
        after = dict(counters(files))
        assert not {name: (old, after.get(name)) for name, old in before.items() if after.get(name, old - 1) < old}


# ---- the same numbers by another road ----------------------------------------------------------------------------


def role_of(item: Any, fields: Sequence[str]) -> str:
    """Who plays a role in an item, empty for nobody."""
    found = [item.get(field) for field in fields] if isinstance(item, dict) else []
    return next((name for name in found if isinstance(name, str) and name), "")


def key_of(item: Any, fields: Sequence[str], wanted: type) -> Any:
    """An item's own key, None where it has none."""
    found = [item.get(field) for field in fields] if isinstance(item, dict) else [item]
    return next((key for key in found if type(key) is wanted and key != ""), None)


def naive(deltas: Sequence[Delta]) -> dict[str, Any]:
    """What the counted files hold after the deltas, from nothing: written down from the contract, set by set."""
    seen: dict[str, list[Any]] = {}
    posts, by, told = set(), set(), set()
    ids: set[Any] = set()
    plain: Counter[Any] = Counter()
    reactions = 0
    for each in sorted(deltas, key=lambda each: each.moment):
        said = each.value
        for name in said.get("agents_activated", []):
            if isinstance(name, str) and name:
                seen.setdefault(name, []).append(each.moment)
        for item in (item for found in said.values() if isinstance(found, list) for item in found):
            if role_of(item, ACTOR):
                seen.setdefault(role_of(item, ACTOR), []).append(each.moment)
        for item in said.get("posts_created", []):
            told |= {(role_of(item, ["channel"]), each.moment)}
            number = key_of(item, ["number"], int)
            if number is not None:
                posts.add(number)
                by |= {(number, "agent", role_of(item, ACTOR)), (number, "channel", role_of(item, ["channel"]))}
        mine: Counter[Any] = Counter()
        for item in said.get("comments_added", []):
            node = key_of(item, ["id", "comment_id"], str)
            if node is not None:
                ids.add((each.frame, node, role_of(item, ACTOR)))
            else:
                mine[each.frame, meaning(item), role_of(item, ACTOR)] += 1
        plain |= mine
        found = said.get("reactions_added", [])
        for item in found if isinstance(found, list) else [found]:
            count = item.get("count") if isinstance(item, dict) else item
            reactions += count if type(count) is int and 0 <= count < 2**63 else 1
    count = Counter(who for _, kind, who in by if kind == "agent")
    comments = Counter(who for *_, who in ids) + Counter({who: 0 for *_, who in plain})
    for (*_, who), times in plain.items():
        comments[who] += times
    channels = Counter(who for _, kind, who in by if kind == "channel")
    rooms = sorted({room for room, _ in told} - {""})
    named = [time for times in seen.values() for time in times]
    placed = [time for room, time in told if room]
    return {
        AGENTS: {
            "agents": {
                name: {"comment_count": comments[name], "heartbeat_last": max(seen[name])[2], "post_count": count[name]}
                for name in sorted(seen)
            },
            "_meta": {"count": len(seen), "last_updated": max(named)[2] if named else None},
        },
        CHANNELS: {
            "channels": {name: {"post_count": channels[name], "slug": name} for name in rooms},
            "_meta": {"count": len(rooms), "last_updated": max(placed)[2] if placed else None},
        },
        STATS: {
            "total_agents": len(seen),
            "total_channels": len(rooms),
            "total_posts": len(posts),
            "total_comments": len({(frame, node) for frame, node, _ in ids}) + sum(plain.values()),
            "total_reactions": reactions,
            "last_updated": max(each.moment for each in deltas)[2],
        },
        COUNTER: {"frame": max(each.frame for each in deltas)},
    }


@settings(max_examples=80)
@given(st.data(), st.lists(deltas(LISTED), min_size=1, max_size=6))
def test_counts_are_those_of_a_naive_count(data: st.DataObject, entries: list[Entry]) -> None:
    """From nothing, in whatever way, the counted files hold what a count of all deltas at once comes to."""
    judged = {each.digest: each for each in (judge(each, CONFORMS, DEFAULT) for each in entries)}
    deltas = [each for each in judged.values() if isinstance(each, Delta)]
    assert len(deltas) == len(judged)
    files = merge({}, *data.draw(ways(entries)))
    for path, wanted in naive(deltas).items():
        assert read(files, path) == wanted, path
        assert list(read(files, path)) == list(wanted)
