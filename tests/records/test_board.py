"""The board: every odd row is read, every old byte stays, every entry comes back as it was written."""

import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard.appendonly import lost
from guard.records import board
from guard.rules.merge_marker import marker

MARK = "lease=0123456789ab"
ENTRY = {"date": "2026-03-04", "lane": "L-NEW", "session": "S96", "scope": "src/", "etc": MARK, "status": "CLAIMED"}
TABLE = b"| Lane | Status | Etc |\n|---|---|---|\n"

HOSTILE = st.text(st.one_of(st.sampled_from("|\\`<>br/=#-\n\r \t\"'"), st.characters()), max_size=30) | st.sampled_from(
    ["a|b", r"a\|b", "a\\", "\\", "|", "<br>", r"\<br>", "a\r\nb", "<<<<<<< x", "---", "`|`", "\udcff", "\ud800"]
)


def plain(text: str) -> str:
    """What of a text no file or terminal can hold is gone, and breaks are all the same one."""
    text = re.sub(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]", " ", text)
    text = re.sub("[\ud800-\udfff]", "\ufffd", text).strip()
    return re.sub("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text) or "-"


# ---- reading -----------------------------------------------------------------------------------------------------


def test_every_odd_row_is_read(own_board: bytes) -> None:
    """Rows of 12, 11, 7, 6 and 13 cells, between blank lines, tails and CRLF; an example in a fence is no row."""
    read = {row.line: (row.lane, row.session, row.status, row.date, row.scope) for row in board.rows(own_board)}
    assert read == {
        25: ("L-TIDES-S86", "S86", "MERGED", "2026-03-01", "tools/tides.py"),
        26: ("L-ROPES-S86", "S86", "MERGED", "2026-03-01", "tools/ropes.py"),
        29: ("L-NETS-1", "S90", "READY", "2026-03-02", "nets/"),
        33: ("L-NETS-1", "S91", "CLAIMED", "2026-03-02", "nets/"),
        34: ("L-PIPE", "S92", "ACTIVE", "2026-03-02", "tools/grep.sh"),
        35: ("L-ESC", "S92", "ACTIVE", "2026-03-02", "`a|b`"),
        37: ("DOCK-S93", "S93", "READY", "", ""),
        38: ("COORD-S93", "S93", "ACTIVE", "", ""),
        39: ("BRAIN-S93", "S93", "in-progress", "", ""),
        40: ("L-NETS-1", "S94", "**MERGED**", "2026-03-03", "nets/"),
        41: ("L-ROPES-S86", "S95", "ABANDONED", "2026-03-03", "tools/ropes.py"),
        42: ("L-LAST", "S95", "MERGED", "2026-03-03", "beliefs/"),
        43: ("SIX-S95", "S95", "in-progress", "", ""),
    }


def test_cells_are_what_was_meant(own_board: bytes) -> None:
    """Escapes are undone, bare bars belong to the notes, and each cell stands under its column's own name."""
    rows = {row.lane: row for row in board.rows(own_board)}
    assert rows["L-PIPE"].notes == "Counts a | b, which nobody escaped."
    escaped = rows["L-ESC"]
    assert (escaped.etc, escaped.notes) == ("cmd=a|b, path=c:\\dir\\", "Two lines\nin one cell, and <br> spelled out.")
    assert escaped.cells["Scope-Key"] == "`a|b`"
    assert (
        rows["L-ROPES-S86"].cells.keys()
        == dict.fromkeys("Date Lane Session Agent Branch PR Model Platform Scope-Key Etc Status Notes".split()).keys()
    )
    assert (rows["DOCK-S93"].etc, rows["DOCK-S93"].notes[:5]) == ("branch=trunk check=aim", "coast")


def test_the_newest_row_of_a_lane_is_its_state(own_board: bytes) -> None:
    """Where a lane has several rows, the last one says whether it is closed, however it is adorned."""
    state = board.latest(board.rows(own_board))
    assert len(state) == 10
    assert (state["L-NETS-1"].line, state["L-NETS-1"].closed) == (40, True)
    assert {lane for lane, row in state.items() if row.closed} == {"L-TIDES-S86", "L-ROPES-S86", "L-NETS-1", "L-LAST"}


def test_the_real_board_is_read(real_board: bytes) -> None:
    """Every line that begins like a row is one, of a lane, in a state, of a session; most are regular."""
    rows = board.rows(real_board)
    lines = [number for number, line in enumerate(real_board.split(b"\n"), 1) if line.startswith(b"|")]
    assert [row.line for row in rows] == lines[2:]
    assert Counter(len(row.cells) for row in rows).most_common(1) == [(12, 140)]
    assert all(row.lane and re.fullmatch(r"S[0-9]+", row.session) for row in rows)
    assert {row.status for row in rows} == {"ABANDONED", "MERGED", "READY", "CLAIMED", "ACTIVE", "in-progress"}
    state = board.latest(rows)
    assert state["DOMEX-GAME-S302"].line == max(row.line for row in rows if row.lane == "DOMEX-GAME-S302")


@pytest.mark.parametrize(
    ("text", "lanes"),
    [
        ("| STATUS | Owner | lane |\n|:-:|---|--:|\n| ready | x | a |\n", ["a"]),
        ("**Lane** | Status\n--- | ---\na | READY\nb | MERGED\n", ["a", "b"]),
        ("| Lane | Status |\n| a | READY |\n| lane | status |\n", ["a", "lane"]),
        ("| Lane | Status |\n|-|-|\n| Lane | Status |\n| a | READY |\n", ["Lane", "a"]),
        ("# A\n| Lane | Status |\n|-|-|\n| a | READY |\n# B | C\n| b | READY |\n", ["a"]),
        (
            "| Lane | Status |\n|-|-|\n| a | READY |\n\n| Lane | Status | Etc |\n|---|---|---|\n| b | READY | x |",
            ["a", "b"],
        ),
        ("| Lane | Status |\n|-|-|\n| a | READY |\n\n| Other | Table |\n|---|---|\n| b | READY |\n", ["a"]),
        ("| Lane | Status |\r\n|-|-|\r\n| a | READY |\r\n", ["a"]),
        ("\ufeff| Lane | Status |\n|-|-|\n| a | READY |", ["a"]),
        ("```\n| Lane | Status |\n|-|-|\n| a | READY |\n", ["a"]),
        ("| Lane | Status |\n|-|-|\n||\n|\n| |\n| a |\n", ["a"]),
        ("| Theme | Count |\n|-|-|\n| a | 1 |\n", []),
        ("", []),
    ],
)
def test_which_tables_are_the_board(text: str, lanes: list[str]) -> None:
    """Every table with columns for lanes and states, in any case and order; a row that looks like a header is a row."""
    assert [row.lane for row in board.rows(text.encode())] == lanes


@given(st.binary(max_size=300), st.sampled_from([b"", TABLE]))
def test_anything_can_be_read(data: bytes, before: bytes) -> None:
    """No file, whatever it holds, stops anybody, and what is not there is not found."""
    board.latest(board.rows(before + data))
    assert not board.holds(before + data, MARK)


# ---- writing -----------------------------------------------------------------------------------------------------


def test_the_table_is_kept_as_it_is(board_file: bytes) -> None:
    """The real and our own board grow by one line at the end of the table and by nothing else."""
    grown = board.append(board_file, [ENTRY])
    line = b"| 2026-03-04 | L-NEW | S96 | - | - | - | - | - | src/ | lease=0123456789ab | CLAIMED | - |\n"
    assert grown == board_file + line
    assert board.holds(grown, MARK)
    assert not board.holds(board_file, MARK)
    assert board.latest(board.rows(grown))["L-NEW"].status == "CLAIMED"
    assert lost("rows", board_file, grown) is None
    assert len(board.rows(grown)) == len(board.rows(board_file)) + 1


@pytest.mark.parametrize("before", [None, b"", b"# Lanes\n\nHow we work.\n", b"no end", b"a\r\nb\r\n"])
def test_where_there_is_no_table_one_is_made(before: bytes | None) -> None:
    """Below what is there, with twelve columns, and the next entry goes into it."""
    first = board.append(before, [ENTRY])
    both = board.append(first, [{**ENTRY, "lane": "L-2", "etc": "lease=ba9876543210"}])
    assert both.startswith(first)
    assert first.startswith(before or b"")
    assert [row.lane for row in board.rows(both)] == ["L-NEW", "L-2"]
    assert len(board.rows(both)[0].cells) == 12
    assert first.count(b"\r\n") == (first.count(b"\n") if b"\r\n" in (before or b"") else 0)


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("Lane | Status | Etc", "L-NEW | CLAIMED | lease=0123456789ab, {rest}"),
        ("status | note | LANE", "CLAIMED | {rest}, lease=0123456789ab | L-NEW"),
        ("Lane | Status | Who", "L-NEW | CLAIMED | {rest}, lease=0123456789ab"),
        ("Lane | Status", "L-NEW | CLAIMED | {rest}, lease=0123456789ab"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_has_no_column_goes_along(columns: str, cells: str, end: str) -> None:
    """Into Etc, else behind the notes, else into the last column that holds text, else behind all of them."""
    table = f"| {columns} |{end}|---|---|---|{end}".encode()
    grown = board.append(table, [ENTRY])
    row = cells.format(rest="date=2026-03-04, session=S96, scope=src/")
    assert grown == table + f"| {row} |{end}".encode()
    assert board.holds(grown, MARK)
    [read] = board.rows(grown)
    assert (read.lane, read.status) == ("L-NEW", "CLAIMED")


def test_rows_go_to_the_tables_end() -> None:
    """Before what follows the table, behind a row's tail, and without a final newline where there was none."""
    before = b"| Lane | Status | Etc |\n|-|-|-|\n\n| a | READY | x |\n\nhalf of x |\n"
    after = b"\n## After\n\n| b | READY | y |\n"
    assert board.append(before + after, [ENTRY]).startswith(before + b"| L-NEW |")
    assert board.append(before + after, [ENTRY]).endswith(b"scope=src/ |\n" + after)
    bare = board.append(before.rstrip(), [ENTRY, ENTRY])
    assert bare.startswith(before + b"| L-NEW |")
    assert bare.endswith(b"|")
    assert bare.count(b"\n") == before.count(b"\n") + 1


def test_only_the_place_of_marks_counts() -> None:
    """A mark that somebody quotes in the notes or outside of the table is no row of that entry."""
    table = b"| Lane | Notes | Status | Etc |\n|---|---|---|---|\n"
    for quoting in (
        f"see {MARK}\n".encode() + table,
        board.append(table, [{**ENTRY, "etc": "lease=ba9876543210", "notes": f"after {MARK}"}]),
        board.append(table, [{**ENTRY, "etc": f"{MARK}0"}]),
        board.append(table, [{**ENTRY, "etc": f"re{MARK}"}]),
    ):
        assert MARK.encode() in quoting
        assert not board.holds(quoting, MARK)
    assert board.holds(board.append(table, [{**ENTRY, "etc": f"setup=x; {MARK};next_step=y"}]), MARK)


def test_a_row_of_another_shape_still_bears_its_mark() -> None:
    """Where somebody put a table with other columns in between, the row is found whatever cell the mark is in."""
    grown = board.append(TABLE, [ENTRY])
    [row] = grown.splitlines()[2:]
    assert board.holds(b"| Lane | Status | Etc | More |\n|---|---|---|---|\n" + row, MARK)
    assert board.holds(row, MARK)


FIELDS = st.dictionaries(
    st.sampled_from("date lane session agent branch pr model platform scope etc status notes".split()),
    HOSTILE,
).map(lambda fields: {**fields, "etc": f"{fields.get('etc', '')} {MARK}"})


@given(st.lists(FIELDS, min_size=1, max_size=3))
@example([{"lane": "Lane", "scope": "Status", "status": "Lane"}])
@example([{"lane": "---", "status": "---", "etc": MARK}, {"lane": ":-:", "etc": MARK}])
@example([{"notes": "a\\\nb\\|c\\<br>\\\\"}])
def test_rows_come_back_as_they_were_written(entries: list[dict[str, str]]) -> None:
    """Bars, breaks, backslashes, backticks, headers in a row: every cell is read as what was meant."""
    data = board.append(None, entries)
    rows = board.rows(data)
    assert len(rows) == len(entries)
    assert data.count(b"\n") == 4 + len(entries)
    data.decode()
    for row, entry in zip(rows, entries, strict=True):
        for name, value in entry.items():
            assert {key.casefold(): cell for key, cell in row.cells.items()}[name] == plain(value)


@given(
    st.sampled_from([b"", TABLE, b"x", TABLE.replace(b"\n", b"\r\n"), b"| Lane | Status |\n"]),
    st.lists(
        st.sampled_from([b"| a | READY | x |", b"", b"tail |", b"\xff\xfe", b"## H", b"```", b"|", b"| \\| |", b"\r"])
    ),
    st.sampled_from([b"", b"\n"]),
    st.lists(FIELDS, min_size=1, max_size=3),
)
def test_every_old_byte_stays(start: bytes, lines: list[bytes], final: bytes, entries: list[dict[str, str]]) -> None:
    """Whatever the file holds: the new one is the old one with lines put in at one place, and each mark is found."""
    old = start + b"\n".join(lines) + final
    marks = [f"lease={number:012x}" for number in range(len(entries))]
    new = board.append(old, [{**entry, "etc": mark} for entry, mark in zip(entries, marks, strict=True)])
    more = len(new) - len(old)
    assert more > 0
    assert any(new[:place] + new[place + more :] == old for place in range(len(old) + 1))
    assert all(board.holds(new, mark) for mark in marks)
    assert not board.holds(old, marks[0])
    assert lost("rows", old, new) is None
    assert not marker(new, strict=True)
    assert len(board.rows(new)) == len(board.rows(old)) + len(entries)


def test_nothing_to_add_changes_nothing(board_file: bytes) -> None:
    """Without entries the file is the same."""
    assert board.append(board_file, []) == board_file


@pytest.mark.parametrize(
    "text",
    [
        "| Lane | Status |\n|-|-|\n| " + "\\" * 200_000 + " |\n",
        "| Lane | Status |\n|-|-|\n" * 20_000,
        "|" * 200_000,
        "| Lane | Status |\n" + "|-" * 100_000 + "x\n",
    ],
)
def test_no_line_makes_reading_slow(text: str) -> None:
    """Each character is looked at a few times, however many of a kind there are: this would take hours otherwise."""
    data = board.append(text.encode(), [{**ENTRY, "notes": text}])
    assert board.holds(data, MARK)
    assert board.rows(data)[-1].lane == "L-NEW"
