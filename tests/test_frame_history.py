"""The rows of frames that are over, and the page that is drawn of them, without a repository."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import merge, page, sent, small_state
from guard.frames.clock import rising
from guard.frames.history import FLEET, Mark, Merge, Row, counted, machine, missing, natural, row, span, utc
from guard.frames.page import MARK, STREAMS, draw
from merge.delta import Entry
from merge.fold import page_path
from merge.laws import DEFAULT
from merge.page import NotAPage
from merge.values import BadJson

HERE = Path(__file__).resolve()
REAL = Path(os.environ.get("GUARD_REAL_DATA") or HERE.parents[2] / "shared" / "data") / "rappterbook" / "deltas"
OWN = HERE.parent / "data" / "deltas"
LISTS = counted(DEFAULT)
NOW = 1772452800


def _drawn(rows: list[Row], now: int = NOW) -> str:
    data = draw(rows, LISTS, "main", "0" * 40, [], now)
    assert data.startswith(MARK)
    return data.decode()


class _Balanced(HTMLParser):
    """Notes tags that close nothing, and what script or network there is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and what it could do."""
        if tag in ("div", "svg", "section", "table", "h1", "h2", "h3", "path", "rect", "title", "main", "ul", "figure"):
            self.open.append(tag)
        self.wrong += [tag] if tag in ("script", "img", "link", "iframe", "a", "use", "foreignobject") else []
        self.wrong += [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that holds nothing."""
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        """Close the newest open tag, which has to be this one."""
        if self.open and tag == self.open[-1]:
            self.open.pop()
        elif tag in self.open:
            self.wrong.append(f"/{tag}")


def _sound(text: str) -> None:
    read = _Balanced(text)
    assert (read.wrong, read.open) == ([], [])
    assert "http" not in text
    assert "url(" not in text


def _rows(frames: int, streams: int, *, step: int = 1800) -> list[Row]:
    """Frames in which every eleventh delta is not good, one way after the other."""
    kinds = ("rejected", "fallback", "late")
    made = []
    for frame in range(frames):
        marks = []
        for stream in range(streams):
            place = frame * streams + stream
            kind = kinds[place // 11 % 3] if place % 11 == 0 else "ok"
            at = None if kind == "rejected" else 1767600000 + frame * step + stream
            marks.append(Mark(f"m{stream % 3 + 1}-stream-{stream}", kind, kind == "late", at))
        made.append(Row(frame, marks=marks, entries=dict.fromkeys(LISTS, frame)))
    return made


@pytest.mark.parametrize("folder", [OWN, REAL], ids=["own", "real"])
def test_every_delta_is_drawn_whatever_its_shape(folder: Path) -> None:
    """Deltas as fleets write them: each is a mark of its frame, the counts are those of the page, the page is sound."""
    files = sorted(folder.glob("*.json"))
    if not files:
        pytest.skip("no real data: set GUARD_REAL_DATA to a folder that holds rappterbook/deltas")
    state = merge(small_state(), [Entry(path.name, path.read_bytes()) for path in files])
    frames = sorted({int(path.name.split("-")[1]) for path in files})
    rows = [row(frame, state[page_path(frame, DEFAULT)], DEFAULT, [], None) for frame in frames]
    assert sum(each.number() for each in rows) == len(files)
    for each in rows:
        held = page(state, each.frame)
        assert each.entries["posts_created"] == len(held["posts_created"])
        assert {mark.stream for mark in each.marks} == held["streams"].keys()
        assert each.number("rejected") == sum(len(stream.get("rejected", ())) for stream in held["streams"].values())
    text = _drawn(rows)
    _sound(text)
    assert all(f"frame {frame}" in text for frame in frames)
    json.dumps([each.value() for each in rows])


def test_late_is_what_the_page_did_not_have_when_the_frame_was_closed() -> None:
    """By digest, whatever time it states; a fallback that comes late is a fallback."""
    first, second = sent(7, "m1-stream-1"), sent(7, "m2-stream-1", _meta={"status": "fallback", "reason": "it hung"})
    before = set(page(merge({}, [first]))["streams"]["m1-stream-1"]["deltas"])
    data = merge({}, [first, second])[page_path(7, DEFAULT)]
    closing = Merge("a", 1772452860, (7,), 7, 1, 6, ("m2-stream-1", "m3-stream-1"))
    made = row(7, data, DEFAULT, [closing, Merge("b", 1772452900, (7,), 7, 1, 7)], before)
    assert [(mark.stream, mark.kind, mark.late, mark.reason) for mark in made.marks] == [
        ("m1-stream-1", "ok", False, ""),
        ("m2-stream-1", "fallback", True, "it hung"),
    ]
    assert (made.late, made.missing, made.lag, made.seconds) == (1, ["m3-stream-1"], 60, 0)
    assert row(7, data, DEFAULT, [], set()).late == 2
    assert row(7, data, DEFAULT, [], None).late == 0


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"frame": 7}', b'{"frame": 8, "streams": {}}', b"\xff"])
def test_what_is_no_page_is_said_to_be_none(data: bytes) -> None:
    """Bytes of anybody: one of two errors, which the command expects."""
    with pytest.raises((NotAPage, BadJson)):
        row(7, data, DEFAULT, [], None)


def test_machines_are_told_by_the_stream_ids_and_stand_in_their_order() -> None:
    """`m<I>-` and nothing like it; m2 before m10."""
    assert [machine(stream) for stream in ("m1-stream-2", "m12-x", "m0-x", "m1", "m1-", "mx-1", "solo", "M1-x")] == [
        *("m1", "m12", FLEET, FLEET, FLEET, FLEET, FLEET, FLEET)
    ]
    assert sorted(["m10", "m2", FLEET, "m1"], key=natural) == ["m1", "m2", "m10", FLEET]
    crews = [[Mark(f"m{place}-s", "ok", False, 0) for place in range(1, last + 1)] for last in (2, 22)]
    assert [Row(1, marks=marks).crew for marks in crews] == ["m1 m2", "22: m1 to m22"]


def test_missing_streams_are_read_from_a_merge_message_and_nothing_else_is() -> None:
    """Names that no stream can have are not shown: the message of a commit is anybody's."""
    assert missing("[F1] merge\n\nMissing: s1, <b>, s2\n\nGuard-Merge: x\n") == ("s1", "s2")
    assert missing("[F1] merge: Missing: s1") == ()


def test_lengths_and_instants_in_words() -> None:
    """The two largest units; instants of any size, also those that no calendar has."""
    assert [span(each) for each in (None, 0, 59, 60, 3661, 90000, 86400 * 3, -90)] == [
        *("", "0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h", "3 d", "-1 min 30 s")
    ]
    assert utc(1767436200) == "2026-01-03T10:30:00Z"
    assert utc(10**15) == f"{10**15} s"
    assert utc(-(10**15)) == f"-{10**15} s"


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_the_times_that_are_believed_are_a_longest_run_that_does_not_fall(times: list[int]) -> None:
    """Against trying every choice of places."""
    found = rising(times)
    assert [times[place] for place in found] == sorted(times[place] for place in found)
    assert found == sorted(set(found))

    def rises(choice: int) -> int:
        kept = [each for place, each in enumerate(times) if choice >> place & 1]
        return len(kept) if kept == sorted(kept) else 0

    assert len(found) == max(map(rises, range(1 << len(times))))


@pytest.mark.parametrize(("frames", "streams"), [(1, 1), (2, 1), (50, 22), (1000, 3), (3, 300)])
def test_the_page_is_sound_at_every_size(frames: int, streams: int) -> None:
    """One frame or a thousand, one stream or more than are shown; what is not good keeps its hover title."""
    rows = _rows(frames, streams)
    text = _drawn(rows)
    _sound(text)
    shown = {f"m{stream % 3 + 1}-stream-{stream}" for stream in range(streams)}
    assert ("more are not" in text) == (len(shown) > STREAMS)
    titled = len(re.findall(r"<title>m[123]-stream-[0-9]+, frame [0-9]+: (?!in time)", text))
    if streams <= STREAMS:
        assert titled == sum(each.number("late", "fallback", "rejected") for each in rows)


def test_a_wrong_year_does_not_hide_the_rest() -> None:
    """Times in the future, or against the order of frames, are counted and left out; nothing is drawn off the page."""
    rows = _rows(30, 3)
    rows[10].marks[1] = Mark("m2-stream-1", "ok", False, 4000000000)
    rows[20].marks = [Mark("m1-stream-0", "ok", False, -50000000000)]
    text = _drawn(rows)
    assert "2 times cannot be right" in text
    strokes = re.findall(r'class="run[^"]*" d="M([0-9.-]+) 10H([0-9.-]+)"', text)
    assert strokes
    assert all(0 <= float(place) <= 1001 for stroke in strokes for place in stroke)
    assert "2095" not in text.partition("On the clock")[2].partition("Counts and lengths")[0]


@pytest.mark.parametrize("at", [None, 0, 1767600000, 4000000000, 10**15, -(10**15)])
def test_any_time_at_all_can_be_drawn(at: int | None) -> None:
    """All deltas at one instant, in the future, before the calendar begins, or without any."""
    rows = [Row(frame, marks=[Mark("s", "rejected" if at is None else "ok", False, at)]) for frame in (1, 2, 9)]
    _sound(_drawn(rows))
    json.dumps([each.value() for each in rows])


WORDS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["</title><script>alert(1)</script>", '" onload="x', "<!--", "]]>", "\x00\x1b[2J", "\u202eabc", "</style>"]
)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), WORDS, WORDS)
def test_no_word_of_anybody_becomes_markup(said: list[tuple[str, str]], branch: str, warning: str) -> None:
    """Stream ids, reasons, branch and warnings come from repositories; the page has the same tags whatever they say."""
    marks = [Mark(stream, "fallback", False, NOW, reason) for stream, reason in said]
    rows = [Row(1, marks=marks, missing=[stream for stream, _ in said])]
    text = draw(rows, LISTS, branch, "0" * 40, [warning], NOW).decode()
    read = _Balanced(text)
    assert (read.wrong, read.open) == ([], [])
    assert not any(each in text for each in "\x00\x1b\u202e")
    assert text.count("<script") == text.count("<style>") - 1 == 0
