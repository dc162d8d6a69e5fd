"""The index of sessions: a table of its own in a file that says other things."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.appendonly import lost
from guard.records import index

MARK = "lease=0123456789ab"
ENTRY = {"session": "S96", "date": "2026-03-04", "lanes": "L-NEW", "etc": MARK, "notes": "a|b"}


def test_a_section_comes_where_there_is_no_table(index_file: bytes) -> None:
    """At the end of our own and the real index, which name sessions in many places and have no table of them."""
    assert index.numbers(index_file) == set()
    first = index.append(index_file, [ENTRY])
    rows = b"| S96 | 2026-03-04 | - | L-NEW | - | lease=0123456789ab | a\\|b |\n"
    head = b"| Session | Date | Agent | Lanes | Lessons | Etc | Notes |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    assert first == index_file + b"\n## Sessions\n\n" + head + rows
    second = index.append(first, [{**ENTRY, "session": "S97", "etc": "lease=ba9876543210"}])
    assert second.startswith(first)
    assert index.numbers(second) == {96, 97}
    assert index.holds(second, MARK)
    assert not index.holds(index_file, MARK)
    assert lost("rows", index_file, second) is None


def test_a_table_that_is_there_is_kept() -> None:
    """Its columns, their order and its line ends; what has no column goes along."""
    table = b"# Log\r\n\r\n| When | Session | Summary |\r\n|---|---|---|\r\n| x | S1 | y |\r\n\r\nThe end.\r\n"
    grown = index.append(table, [ENTRY])
    place = table.index(b"\r\nThe end")
    row = rb"| - | S96 | date=2026-03-04, lanes=L-NEW, lease=0123456789ab, notes=a\|b |" + b"\r\n"
    assert grown == table[:place] + row + table[place:]
    assert (index.numbers(grown), index.holds(grown, MARK)) == ({1, 96}, True)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("S153", {153}),
        ("[S153]", {153}),
        ("153", {153}),
        ("S545e", {545}),
        ("-", set()),
        ("S1, S2", {1, 2}),
        ("0", set()),
    ],
)
def test_numbers_stand_in_the_column_of_sessions(cell: str, numbers: set[int]) -> None:
    """However they are spelled; those in other cells are not sessions that have a row."""
    data = f"S7\n\n| Session | Notes |\n|---|---|\n| {cell} | see S8 |\n|\n".encode()
    assert index.numbers(data) == numbers
    assert index.numbers(None) == set()


@given(
    st.binary(max_size=200), st.lists(st.dictionaries(st.sampled_from(["session", "etc", "x"]), st.text()), max_size=3)
)
def test_every_old_byte_stays(old: bytes, entries: list[dict[str, str]]) -> None:
    """Whatever the file holds, it only gets something put in."""
    new = index.append(old, entries)
    more = len(new) - len(old)
    assert any(new[:place] + new[place + more :] == old for place in range(len(old) + 1))
    index.numbers(new)
