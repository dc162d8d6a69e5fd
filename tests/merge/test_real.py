"""The promises on files that a fleet wrote: our own ones with the oddities of real ones, and real ones where they are.

Real files are looked for in GUARD_REAL_DATA, else beside the repository in ../shared/data.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from builders import (
    AGENTS,
    CHANNELS,
    CONFORMS,
    COUNTER,
    STATS,
    changed_lines,
    differences,
    merge,
    merge_one,
    page,
    read,
)
from guard import schema
from merge.delta import Delta, Entry, Invalid, digest_of
from merge.delta import read as judge
from merge.fold import page_path
from merge.laws import DEFAULT

HERE = Path(__file__).resolve()
OWN = HERE.parents[1] / "data"
REAL = Path(os.environ.get("GUARD_REAL_DATA") or HERE.parents[3] / "shared" / "data") / "rappterbook"


@dataclass(frozen=True)
class Fleet:
    """The deltas of a fleet, by file name (a name that was used twice holds two), and its canonical files."""

    entries: list[Entry]
    state: dict[str, bytes]

    def frame(self, frame: int) -> list[Entry]:
        """The deltas of one frame."""
        found = [each for each in self.entries if each.name.startswith(f"frame-{frame}-")]
        assert found, f"no delta of frame {frame}"
        return found


def load(folder: Path) -> Fleet:
    """The files below `deltas` and `state`."""
    deltas = sorted((folder / "deltas").rglob("frame-*.json"))
    state = {f"state/{path.name}": path.read_bytes() for path in sorted((folder / "state").glob("*.json"))}
    return Fleet([Entry(path.name, path.read_bytes()) for path in deltas], state)


@pytest.fixture(scope="module")
def real() -> Fleet:
    """The real fleet; a test that wants it is skipped where it is not."""
    if not (REAL / "deltas").is_dir():
        pytest.skip("no real data: set GUARD_REAL_DATA to a folder that holds rappterbook/deltas and rappterbook/state")
    return load(REAL)


@pytest.fixture(scope="module")
def own() -> Fleet:
    """The fleet in tests/data."""
    return load(OWN)


@pytest.fixture(scope="module", params=["own", "real"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Each of both."""
    found: Fleet = request.getfixturevalue(request.param)
    return found


def reactions(sheet: Mapping[str, Any]) -> int:
    """How many reactions a page's entries stand for."""
    counts = [item.get("count") if isinstance(item, dict) else item for item in sheet["reactions_added"]]
    return sum(count if type(count) is int else 1 for count in counts)


# ---- both fleets -------------------------------------------------------------------------------------------------


def test_every_real_delta_is_accepted(real: Fleet) -> None:
    """By both judges of the schema and by reading: name, time, value."""
    assert len(real.entries) >= 15
    reference = jsonschema.Draft202012Validator(schema.load("delta"))
    quick = jsonschema_rs.validator_for(schema.load("delta"))
    for each in real.entries:
        value = json.loads(each.data)
        assert not list(reference.iter_errors(value)), each.name
        assert quick.is_valid(value), each.name
        judged = judge(each, CONFORMS, DEFAULT)
        assert isinstance(judged, Delta), f"{each.name}: {judged}"


def test_only_the_truncated_delta_of_our_own_is_refused(own: Fleet) -> None:
    """All the others are accepted, and the one that a killed writer left is none."""
    judged = [judge(each, CONFORMS, DEFAULT) for each in own.entries]
    assert [(each.name, each.reason) for each in judged if isinstance(each, Invalid)] == [
        ("frame-64-solo.json", "not JSON")
    ]
    assert len(judged) == 12


@pytest.mark.parametrize("block", range(10))
def test_thirty_ways_end_in_the_same_bytes(fleet: Fleet, block: int) -> None:
    """Random permutations, splits and repetitions of the whole fleet, every tenth on top of its own state files."""
    random = Random(block)
    base = fleet.state if block == 0 else {}
    expected = merge(base, fleet.entries)
    for _ in range(30):
        order = [*fleet.entries, *random.choices(fleet.entries, k=random.randrange(4))]
        random.shuffle(order)
        cuts = sorted(random.sample(range(1, len(order)), k=random.choice([0, 1, 2, 2, 5])))
        way = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
        assert not differences(expected, merge(base, *way))


def test_one_late_delta_at_a_time_is_all_from_nothing(fleet: Fleet) -> None:
    """Whichever delta comes last, folding it into the finished pages gives what folding all at once gives."""
    expected = merge(fleet.state, fleet.entries)
    for late in fleet.entries:
        rest = [each for each in fleet.entries if each is not late]
        assert not differences(expected, merge(fleet.state, rest, [late]))


def test_merging_the_whole_fleet_again_changes_nothing(fleet: Fleet) -> None:
    """Everything is known by its digest."""
    again = merge_one(merge(fleet.state, fleet.entries), reversed(fleet.entries))
    assert (again.files, again.applied, again.rejected) == ({}, [], [])
    assert Counter(digest for _, digest in again.duplicate) == Counter(digest_of(each.data) for each in fleet.entries)


def test_every_page_is_what_the_schema_says(fleet: Fleet) -> None:
    """Both judges accept every page that a merge of the fleet writes."""
    files = merge(fleet.state, fleet.entries)
    reference = jsonschema.Draft202012Validator(schema.load("page"))
    pages = [path for path in files if re.fullmatch(r"state/frames/\d{3,}/frame-\d+\.json", path)]
    assert len(pages) == len({each.name.split("-")[1] for each in fleet.entries})
    for path in pages:
        assert not list(reference.iter_errors(read(files, path))), path


COUNTED = {"heartbeat_last", "post_count", "comment_count", "count", "last_updated", "total_posts", "total_comments"}
COUNTED |= {"total_reactions", "total_agents", "total_channels", "frame", "slug"}


def test_a_diff_of_state_files_shows_only_what_is_counted(fleet: Fleet) -> None:
    """Lines that are gone hold a count or a time; lines that came hold those, or a record that is new."""
    entries = [each for each in fleet.entries if b'"set"' not in each.data]
    files = merge(fleet.state, entries)
    assert {path for path in fleet.state if files[path] != fleet.state[path]} <= {AGENTS, CHANNELS, STATS, COUNTER}
    for path in (AGENTS, CHANNELS, STATS, COUNTER):
        old, new = fleet.state[path], files[path]
        records = {AGENTS: "agents", CHANNELS: "channels"}.get(path, "")
        known = COUNTED | set(read(files, path).get(records, ())) - set(json.loads(old).get(records, ()))
        gone, came = (Counter(line.rstrip(",") for line in lines) for lines in changed_lines(old, new))
        for line in gone - came:
            assert re.fullmatch(r' *"(\w+)": .*', line)[1] in COUNTED, f"{path}: {line}"  # type: ignore[index]
        for line in came - gone:
            key = re.fullmatch(r' *("(?:[^"\\]|\\.)*"): .*', line)
            assert line.strip() == "}" or (key and json.loads(key[1]) in known), f"{path}: {line}"
        assert old.isascii() == new.isascii()
        assert old.endswith(b"\n") == new.endswith(b"\n")
        assert len(new) > len(old) - 40


def test_unknown_fields_and_the_roster_stay(fleet: Fleet) -> None:
    """What the merge does not count is equal before and after, record by record, and other files are not touched."""
    entries = [each for each in fleet.entries if b'"set"' not in each.data]
    files = merge(fleet.state, entries)
    for path, at in ((AGENTS, "agents"), (CHANNELS, "channels")):
        old, new = json.loads(fleet.state[path])[at], read(files, path)[at]
        assert [name for name in new if name in old] == list(old)
        for name, record in old.items():
            for key in record.keys() - COUNTED:
                assert new[name][key] == record[key]
    for path in fleet.state.keys() - {AGENTS, CHANNELS, STATS, COUNTER}:
        assert files[path] == fleet.state[path]


def test_counters_only_grow(fleet: Fleet) -> None:
    """Whatever delta comes when, no count of an agent or a channel and no total is taken back."""
    files = dict(fleet.state)
    for each in fleet.entries:
        before, files = files, merge(files, [each])
        for path, at in ((AGENTS, "agents"), (CHANNELS, "channels")):
            old, new = read(before, path)[at], read(files, path)[at]
            for name, record in old.items():
                for key in ("post_count", "comment_count"):
                    assert new[name].get(key, 0) >= record.get(key, 0)
        for key in ("total_posts", "total_comments", "total_reactions"):
            assert read(files, STATS).get(key, 0) >= read(before, STATS).get(key, 0)
        assert read(files, COUNTER)["frame"] >= read(before, COUNTER)["frame"]


# ---- real frames -------------------------------------------------------------------------------------------------


def test_frame_109_keeps_all_three_runs(real: Fleet) -> None:
    """Two runs of `solo` under one name and `solo2`: post 6489 and 24 comments were once lost by overwriting."""
    runs = real.frame(109)
    assert Counter(each.name for each in runs) == {"frame-109-solo.json": 2, "frame-109-solo2.json": 1}
    files = merge({}, runs)
    sheet = page(files, 109)
    assert {stream: len(said["deltas"]) for stream, said in sheet["streams"].items()} == {"solo": 2, "solo2": 1}
    assert sheet["streams"]["solo"]["completed_at"] == "2026-03-20T06:35:00Z"
    assert sheet["posts_created"] == [6489, 6495]
    comments = [item for each in runs for item in json.loads(each.data)["comments_added"]]
    assert sorted(sheet["comments_added"]) == sorted(comments)
    assert len(set(comments)) == len(comments) == 44
    assert sheet["filtered"] == {"count": 0}
    assert (read(files, STATS)["total_posts"], read(files, STATS)["total_comments"]) == (2, 44)
    overwritten = merge({}, runs[:1], runs[1:2], runs[2:])
    assert not differences(files, overwritten)


def test_frame_187_filters_what_solo_b_repeats(real: Fleet) -> None:
    """The same 12 comments are there once and named as filtered; 20 reactions and a count of 20 are 40."""
    files = merge({}, real.frame(187))
    sheet = page(files, 187)
    assert len(sheet["comments_added"]) == 12
    assert sheet["filtered"]["count"] == len(sheet["filtered"]["comments_added"]) == 12
    assert [place["item"] for place in sheet["filtered"]["comments_added"]] == sheet["comments_added"]
    assert sheet["variants"] == {}
    assert reactions(sheet) == read(files, STATS)["total_reactions"] == 40
    assert read(files, STATS)["total_comments"] == 12
    assert sum(record["comment_count"] for record in read(files, AGENTS)["agents"].values()) == 12


def test_frame_408_keeps_two_equal_comments(real: Fleet) -> None:
    """They are two real comments, and stay two when the delta comes again under another name or stream."""
    [one] = real.frame(408)
    said = json.loads(one.data)["comments_added"]
    twice = [item for item in said if said.count(item) == 2]
    assert len(twice) == 2
    sheet = page(merge({}, [one]), 408)
    assert sheet["comments_added"] == said
    copy = one.data.replace(b'"stream_id": "solo"', b'"stream_id": "solo-b"')
    assert copy != one.data
    files = merge({}, [one, Entry("frame-408-solo-b.json", copy)])
    assert page(files, 408)["comments_added"] == said
    assert len(page(files, 408)["filtered"]["comments_added"]) == len(said)
    assert read(files, STATS)["total_comments"] == len(said)


def test_real_totals_are_the_sums_over_all_frames(real: Fleet) -> None:
    """Added up by hand from the files: distinct post numbers, comments kept a frame, reactions of every form."""
    files = merge({}, real.entries)
    numbers, comments, stands_for = set(), 0, 0
    for frame in {int(each.name.split("-")[1]) for each in real.entries}:
        said = [json.loads(each.data) for each in real.frame(frame)]
        for item in (item for each in said for item in each.get("posts_created", [])):
            numbers |= {item} if isinstance(item, int) else {item["number"]} if "number" in item else set()
        most: Counter[str] = Counter()
        for each in said:
            most |= Counter(map(comment, each.get("comments_added", [])))
        comments += sum(most.values())
        stands_for += sum(reactions({"reactions_added": listed(each.get("reactions_added", []))}) for each in said)
    totals = read(files, STATS)
    assert (totals["total_posts"], totals["total_comments"], totals["total_reactions"]) == (
        len(numbers),
        comments,
        stands_for,
    )


def comment(item: Any) -> str:
    """What makes a comment one."""
    own = item if isinstance(item, str) else item.get("id") or item.get("comment_id")
    return f"id {own}" if own else json.dumps(item, sort_keys=True)


def listed(value: Any) -> list[Any]:
    """A list, or a bare count as the one entry that it is."""
    return value if isinstance(value, list) else [value]


def test_real_state_keeps_its_look(real: Fleet) -> None:
    """Escapes, indentation and a missing final newline are the file's own after everything was merged into it."""
    files = merge(real.state, real.entries)
    for path in (AGENTS, CHANNELS, STATS, COUNTER):
        old, new = real.state[path], files[path]
        assert (b"\\u2014" in old) == (b"\\u2014" in new)
        assert (old[-1:], old.isascii(), b"\r" in old) == (new[-1:], new.isascii(), b"\r" in new)
        gone, _ = changed_lines(old, new)
        assert len(gone) <= max(5, old.count(b"\n") // 10), path


# ---- our own frames ----------------------------------------------------------------------------------------------


def test_own_frame_61_holds_three_runs_and_a_repetition(own: Fleet) -> None:
    """Three runs of `solo`, and solo-b, which tells the first of them again."""
    files = merge(own.state, own.frame(61))
    sheet = page(files, 61)
    assert {stream: len(said["deltas"]) for stream, said in sheet["streams"].items()} == {"solo": 3, "solo-b": 1}
    assert sheet["streams"]["solo"]["completed_at"] == "2026-02-15T06:35:00Z"
    assert sheet["posts_created"] == [341]
    assert len(sheet["comments_added"]) == 6 + 2 + 1
    assert [place["item"] for place in sheet["variants"]["comments_added"]["NC_610"]] == ["NC_610"]
    assert sheet["filtered"]["count"] == len(sheet["filtered"]["comments_added"]) == 6
    assert reactions(sheet) == 5 + 5 + 2 + 12
    assert read(files, STATS)["total_reactions"] == 871 + 24
    assert sheet["discussions_engaged"] == [330, 331, 332, "the pinned one"]
    assert sheet["observations"] == [
        {"mood": "busy — then quiet", "thread_depth": {"331": 4}},
        "the same run, told again",
    ]
    assert "Ärmelkanal-1" in read(files, AGENTS)["agents"]
    assert rb'"\u00c4rmelkanal-1"' in files[AGENTS]


def test_own_frame_62_keeps_two_equal_comments(own: Fleet) -> None:
    """Two in one delta are two, and the same value in another delta with its keys turned is one of them."""
    sheet = page(merge(own.state, own.frame(62)), 62)
    equal = {"discussion": 342, "author": "vole-06", "type": "comment"}
    assert sum(item == equal for item in sheet["comments_added"]) == 2
    assert [place["item"] for place in sheet["filtered"]["comments_added"]] == [equal]
    assert len(sheet["comments_added"]) == 5
    assert "reactions" in sheet["extra"][digest_of(own.frame(62)[0].data)]


def test_own_frames_differ_about_two_posts(own: Fleet) -> None:
    """346 is reported differently within frame 63, 343 in 62 and 63; each counts once, each actor has it."""
    files = merge(own.state, own.entries)
    sheet = page(files, 63)
    [variant] = sheet["variants"]["posts_created"]["346"]
    assert variant["item"]["scores"] == {"drift": 1e-07, "seed": 123456789012345678901234567890, "share": 0.5}
    assert (
        b'"scores":{"drift":1e-07,"seed":123456789012345678901234567890,"share":0.50}' in files[page_path(63, DEFAULT)]
    )
    assert sheet["streams"]["night"]["status"] == "fallback"
    index = read(files, "state/posts/000/00003.json")
    assert (index["343"]["frames"], index["343"]["actor"]) == ([62, 63], ["marten-01", "rook-08"])
    assert read(files, STATS)["total_posts"] == 340 + 6
    assert read(files, CHANNELS)["channels"]["café"]["post_count"] == 5


def test_own_edits_and_their_late_elder(own: Fleet) -> None:
    """The operator's edits win over one that is older though its frame is newer."""
    files = merge(own.state, own.entries)
    heron = read(files, AGENTS)["agents"]["heron-07"]
    assert heron["bio"] == "Keeps the tide tables — and the lamp."
    assert heron["traits"] == {"patience": 0.75}
    assert heron["subscribed_channels"] == ["tides", "café"]
    assert read(files, CHANNELS)["channels"]["nets"]["description"] == "Knots and meshes."
    assert files[AGENTS].isascii()
    assert not files[AGENTS].endswith(b"\n")
    assert not files[CHANNELS].isascii()
    assert read(files, COUNTER)["frame"] == 1003
    assert page(files, 64)["streams"]["solo"]["status"] == "rejected"
