"""Properties of schemas/page.schema.json: it takes every page that the merge writes, and not much else."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import schema
from merge.delta import Entry, digest_of, file_name
from merge.fold import fold, page_path
from merge.laws import DEFAULT, Laws, ListLaw, TotalsLaw

Page = dict[str, Any]

REFERENCE = jsonschema.Draft202012Validator(schema.load("page"))
QUICK = jsonschema_rs.validator_for(schema.load("page"))


def accepts(page: Any) -> bool:
    """What the schema says of a page; both validators must say the same."""
    verdict = bool(REFERENCE.is_valid(page))
    assert QUICK.is_valid(page) is verdict
    return verdict


def delta(stream: str, time: str = "2026-03-20T06:25:00Z", **said: Any) -> Entry:
    """A delta of frame 489, named as a further run so that a stream may have several."""
    data = json.dumps({"frame": 489, "stream_id": stream, "completed_at": time, **said}).encode()
    return Entry(file_name(489, stream, digest_of(data)), data)


def page_of(entries: list[Entry], laws: Laws = DEFAULT, files: dict[str, bytes] | None = None) -> Page:
    """The page of frame 489 after a fold."""
    outcome = fold(files or {}, entries, laws, schema.conforms("delta"))
    page: Page = json.loads(outcome.files[page_path(489, laws)])
    return page


PLAIN = delta(
    "stream-1", posts_created=[{"number": 5, "author": "a"}], agents_activated=["a"], observations={"mood": 1}
)
POSTS = {"number": 5, "author": "a", "channel": "c"}

DELTAS = {
    "plain": [PLAIN],
    "bare": [Entry("frame-489-s.json", b'{"frame":489,"stream_id":"s","timestamp":"2026-03-20 06:25:00.5+01:00"}')],
    "fallback": [delta("f", posts_created=[], comments_added=[], _meta={"status": "fallback"})],
    "bare numbers": [delta("s", posts_created=[7, 8, "9"], comments_added=["c1", 12], reactions_added=3)],
    "variants": [delta("a", posts_created=[POSTS]), delta("b", posts_created=[5, POSTS, {**POSTS, "author": "b"}])],
    "repeats": [delta(s, comments_added=["c1", {"text": "x"}, {"text": "x"}], observations=["o"]) for s in "abc"],
    "odd keys": [delta("a", posts_created=[-1, 2**70], comments_added=[{"id": "a b#/"}, {"id": "a b#/", "by": "x"}])],
    "reactions": [delta("a", reactions_added=[{"target": "x", "count": 2}, "up", 4, None, [1], 1.5])],
    "sets": [delta("a", agents_activated=["z", 3, 2.5, None, {"x": 1}, True], discussions_engaged=[1, 1, "1"])],
    "unknown keys": [delta("a", mood={"deep": [{"er": None}]}, errors=["e"], soul_files_updated=["s.md"], filtered=1)],
    "edits": [delta("a", set={"state/agents.json#/agents/a/bio": "x"})],
    "runs": [delta("a"), delta("a", "2026-03-20T07:25:00.25Z"), delta("a", "2026-03-20T06:25:00Z", note=1)],
    "rejected": [Entry("frame-489-a.json", b"{"), Entry("frame-489-b.json", b"{}"), Entry("frame-489-r.json", b"\xff")],
    "rejected runs": [delta("a"), Entry("frame-489-a.json", b"[]"), Entry("frame-489-a.json", b"x", "symlink")],
    "wrong name": [Entry("frame-489-b.json", PLAIN.data), PLAIN],
    "leap second": [delta("a", "2026-12-31t23:59:60z")],
}


@pytest.mark.parametrize("name", DELTAS)
def test_a_page_that_the_merge_writes_is_accepted(name: str) -> None:
    """Whatever its deltas are like, a page satisfies the schema."""
    page = page_of(DELTAS[name])
    assert accepts(page), list(schema.problems("page", page))


def test_a_page_of_everything_is_accepted() -> None:
    """All those deltas together give a page with repeats, variants and rejected files, and it satisfies the schema."""
    page = page_of([entry for entries in DELTAS.values() for entry in entries])
    assert page["filtered"]["count"] > 0
    assert page["variants"].keys() == {"posts_created", "comments_added"}
    assert {stream["status"] for stream in page["streams"].values()} == {"ok", "fallback", "rejected"}
    assert accepts(page), list(schema.problems("page", page))


def test_a_page_of_own_lists_is_accepted() -> None:
    """A repository whose guard.toml states other lists has pages with those instead, and they satisfy the schema."""
    laws = Laws(
        lists=(
            ListLaw("tickets", "one-per-key", key=("number",), key_type="integer", index="state/tickets"),
            ListLaw("clerks", "set"),
            ListLaw("sales-of_2", "additive"),
        ),
        maps=(),
        totals=TotalsLaw("state/totals.json"),
        counter=DEFAULT.counter,
        pages=DEFAULT.pages,
        registers=DEFAULT.registers,
        editable=DEFAULT.editable,
        not_editable=DEFAULT.not_editable,
    )
    tickets = [{"number": 1}, {"number": 1, "by": "x"}, [2], None]
    said: dict[str, Any] = {"tickets": tickets, "clerks": ["x"], "sales-of_2": [1], "posts_created": [1]}
    page = page_of([delta("a", **said), delta("b", **said)], laws)
    assert page["variants"]["tickets"].keys() == {"1"}
    assert accepts(page), list(schema.problems("page", page))


ITEMS: st.SearchStrategy[Any] = st.recursive(
    st.integers()
    | st.text(max_size=3)
    | st.dictionaries(st.sampled_from(["number", "id", "by", "x"]), st.integers(0, 3)),
    lambda inner: st.dictionaries(st.sampled_from(["author", "id", "y"]), inner, max_size=2),
    max_leaves=3,
)
SAID = st.dictionaries(
    st.sampled_from(["posts_created", "comments_added", "reactions_added"]), st.lists(ITEMS, max_size=4)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), SAID), min_size=1, max_size=5))
def test_any_page_is_accepted(said: list[tuple[str, dict[str, Any]]]) -> None:
    """Pages of any deltas satisfy the schema."""
    page = page_of([delta(stream, **lists) for stream, lists in said])
    assert accepts(page), list(schema.problems("page", page))


# ---- damage ------------------------------------------------------------------------------------------------------

WHOLE = page_of([entry for name in ("variants", "repeats", "rejected", "runs") for entry in DELTAS[name]])

DIGEST = WHOLE["provenance"][0]["delta"]
OTHER = "0" * 64

DAMAGE: dict[str, Callable[[Page], object]] = {
    "no frame": lambda page: page.pop("frame"),
    "a frame as text": lambda page: page.update(frame="489"),
    "a negative frame": lambda page: page.update(frame=-1),
    "no streams": lambda page: page.pop("streams"),
    "empty streams": lambda page: page.update(streams={}),
    "no provenance": lambda page: page.pop("provenance"),
    "no extra": lambda page: page.pop("extra"),
    "no filtered": lambda page: page.pop("filtered"),
    "no variants": lambda page: page.pop("variants"),
    "a key of a delta": lambda page: page.update(stream_id="a"),
    "an unknown key that is no list": lambda page: page.update(note="kept by hand"),
    "an unknown list with a bad name": lambda page: page.update({"a b": []}),
    "a map where a list belongs": lambda page: page.update(comments_added={"c1": 1}),
    "a post that is none": lambda page: page["posts_created"].append([1]),
    "a comment that is none": lambda page: page["comments_added"].append(None),
    "a stream with a bad id": lambda page: page["streams"].update({"../a": page["streams"]["a"]}),
    "a stream without deltas": lambda page: page["streams"]["a"].update(deltas=[]),
    "a stream with a delta twice": lambda page: page["streams"]["a"].update(deltas=[DIGEST, DIGEST]),
    "a stream with a short digest": lambda page: page["streams"]["a"]["deltas"].append(DIGEST[:16]),
    "a stream of unknown status": lambda page: page["streams"]["a"].update(status="done"),
    "a good stream without a time": lambda page: page["streams"]["a"].update(completed_at=None),
    "a rejected stream with a time": lambda page: page["streams"]["a"].update(status="rejected"),
    "a rejected stream without reasons": lambda page: page["streams"]["r"].update(rejected={}),
    "a stream with a day for a time": lambda page: page["streams"]["a"].update(completed_at="2026-03-20"),
    "a time and a newline": lambda page: page["streams"]["a"].update(completed_at="2026-03-20T06:25:00Z\n"),
    "a reason that is empty": lambda page: page["streams"]["a"].update(rejected={OTHER: ""}),
    "a stream with a note": lambda page: page["streams"]["a"].update(note=1),
    "extra under a name": lambda page: page["extra"].update(a={}),
    "extra that is a list": lambda page: page["extra"].update({OTHER: []}),
    "extra with a stream id": lambda page: page["extra"].update({OTHER: {"stream_id": "a"}}),
    "no count of the filtered": lambda page: page["filtered"].pop("count"),
    "a list that filtered nothing": lambda page: page["filtered"].update(comments_added=[]),
    "a filtered item without its delta": lambda page: page["filtered"]["comments_added"][0].pop("delta"),
    "a filtered item without the item": lambda page: page["filtered"]["comments_added"][0].pop("item"),
    "a filtered item before the first": lambda page: page["filtered"]["comments_added"][0].update(position=-1),
    "a filtered item with more": lambda page: page["filtered"]["comments_added"][0].update(why="x"),
    "a list without variants": lambda page: page["variants"].update(comments_added={}),
    "a key without variants": lambda page: page["variants"]["posts_created"].update({"6": []}),
    "variants that are bare items": lambda page: page["variants"]["posts_created"].update({"5": [5]}),
    "provenance without a stream": lambda page: page["provenance"][0].pop("stream"),
    "provenance without a time": lambda page: page["provenance"][0].update(time=None),
    "provenance of a rejected file": lambda page: page["provenance"][0].update(status="rejected"),
    "provenance of no items": lambda page: page["provenance"][0].update(items={"posts_created": 0}),
    "provenance by digest": lambda page: page.update(provenance={DIGEST: page["provenance"][0]}),
    "provenance with more": lambda page: page["provenance"][0].update(host="x"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_page_is_refused(name: str) -> None:
    """A page that satisfies the schema no longer does after the damage."""
    page = copy.deepcopy(WHOLE)
    assert accepts(page)
    DAMAGE[name](page)
    assert not accepts(page)


@pytest.mark.parametrize("value", [None, [], "page", 489, {}, json.loads(PLAIN.data)])
def test_what_is_no_page_is_refused(value: Any) -> None:
    """Other JSON, a delta for one, is no page."""
    assert not accepts(value)


def test_every_key_is_described() -> None:
    """Each property of the page's schema, at any depth, has a description."""

    def undescribed(node: Any, place: str) -> Iterator[str]:
        for name, inner in node.items() if isinstance(node, dict) else ():
            if name in ("properties", "$defs") and not place.endswith((".then", ".else", ".if")):
                yield from (f"{place}.{key}" for key, said in inner.items() if not said.get("description"))
            yield from undescribed(inner, f"{place}.{name}")

    assert list(undescribed(schema.load("page"), "")) == []


def test_every_default_list_is_described() -> None:
    """The lists of the default laws are named in the schema, each with its own words."""
    assert {law.name for law in DEFAULT.lists} <= schema.load("page")["properties"].keys()
