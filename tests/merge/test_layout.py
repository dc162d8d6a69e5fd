"""Properties of `merge.layout`: what is edited parses to what was meant, and nothing else moves."""

import difflib
import json
import time
from random import Random
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from merge import values
from merge.layout import MISSING, Document, dump_lines

# ---- documents in every style, values, and the model -------------------------------------------------------------

NUMBERS = [0, -7, 123456789012345678901234567890] + [values.Number(raw) for raw in ("1e-07", "1.50", "-0", "2E+5")]
STRINGS = ["", "x", 'quote " and \\', "é—", "\u2028", "😀", "line\nend", "\x7f\x01", "{}", '{"a": 1}']
SCALARS = st.sampled_from([*NUMBERS, *STRINGS, None, True, False])
KEYS = st.sampled_from(["", "B", "a", "ab", "b", "c", "z", "é", "\uffff", "😀", 'q"\\'])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
ROOTS = st.dictionaries(KEYS, st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=14
), max_size=6)  # fmt: skip
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(tuple)
PUTS = st.dictionaries(PATHS, VALUES, min_size=1, max_size=7)


class Writer:
    """Writes a value with gaps that a random generator chooses: regular for a whole file, or a new one each time."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.newline = random.choice(["\n", "\n", "\r\n"])
        self.unit = random.choice(["  ", "  ", "    ", "\t", " ", ""])
        self.colon = random.choice([": ", ": ", ":", " : ", " :"])
        self.one_line_from = random.choice([0, 1, 2, 2, 9, 9, 9])
        self.chaos = random.choice([0, 0, 0, 0.1, 0.5])
        self.ascii = random.choice([True, False])

    def gap(self, usual: str) -> str:
        if self.random.random() >= self.chaos:
            return usual
        return self.random.choice(["", " ", "  ", "\n", "\n\n  ", "\t", self.newline + "    ", "\r", " \n"])

    def write(self, value: Any, depth: int = 0) -> str:
        if not isinstance(value, (dict, list)):
            if isinstance(value, str):
                return json.dumps(value, ensure_ascii=self.ascii)
            return values.dump(value).decode()
        brackets = "{}" if isinstance(value, dict) else "[]"
        if not value:
            return brackets[0] + self.gap("") + brackets[1]
        on_one_line = depth >= self.one_line_from
        lead = "" if on_one_line else self.newline + self.unit * (depth + 1)
        comma = (" " if self.colon.endswith(" ") else "") if on_one_line else lead
        parts = []
        for at, item in enumerate(value):
            part = self.gap(comma if at else lead)
            if isinstance(value, dict):
                part += json.dumps(item, ensure_ascii=self.ascii) + self.gap_with_colon()
            inner = value[item] if isinstance(value, dict) else item
            parts.append(part + self.write(inner, depth + 1) + self.gap(""))
        end = "" if on_one_line else self.newline + self.unit * depth
        return brackets[0] + ",".join(parts) + self.gap(end) + brackets[1]

    def gap_with_colon(self) -> str:
        return self.colon if self.random.random() >= self.chaos else self.gap("") + ":" + self.gap("")


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A JSON file in a random style."""
    writer = Writer(draw(st.randoms(use_true_random=False)))
    return (writer.gap("") + writer.write(draw(ROOTS)) + writer.gap(writer.newline)).encode()


def model_put(root: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """What `put` means, without any text: a new dict, the new key right after the greatest smaller one."""
    key = path[0]
    if len(path) > 1:
        parent = root.get(key)
        value = model_put(parent if isinstance(parent, dict) else {}, path[1:], value)
    if key in root:
        return {each: value if each == key else item for each, item in root.items()}
    smaller = [each for each in root if each < key]
    order = list(root)
    order.insert(order.index(max(smaller)) + 1 if smaller else 0, key)
    return {each: root.get(each, value) for each in order}


def apart(puts: dict[tuple[str, ...], Any]) -> list[tuple[tuple[str, ...], Any]]:
    """The puts of which no path lies inside another."""
    return [
        (path, value) for path, value in puts.items() if not any(path[:size] in puts for size in range(1, len(path)))
    ]


def edit(text: str, *puts: tuple[tuple[str, ...], Any], **options: Any) -> str:
    """`text` after `puts`."""
    document = Document.parse(text.encode(), **options)
    for path, value in puts:
        document.put(path, value)
    return document.to_bytes().decode()


# ---- nothing put, nothing changed --------------------------------------------------------------------------------

NASTY = {
    "CRLF": '{\r\n  "a": 1,\r\n  "b": {\r\n    "c": []\r\n  }\r\n}\r\n',
    "tabs": '{\n\t"a":\t1,\n\t"b": {\n\t\t"c": 2\n\t}\n}\n',
    "no final newline": '{\n  "a": 1\n}',
    "blank lines": '\n\n{\n\n  "a": 1,\n\n\n  "b": {\n\n  }\n}\n\n\n',
    "escapes": r'{"a": "\u2014 \/ \u00e9 \ud83d\ude00", "\u0062": "é"}',
    "numbers": '{"a": 1e-07, "b": 123456789012345678901234567890, "c": -0, "d": 1.50, "e": 1E+400}',
    "spaces before commas and colons": '{ "a" : 1 , "b" : { "c" : 2 , "d" : 3 } , "e" : [ ] }',
    "one record per line": '{\n"a": {"x":1,"y":2},\n"b": {"x":1,"y":2}\n}\n',
    "compact": '{"a":1,"b":{"c":[1,{"d":2}],"e":{}}}',
    "lone carriage returns": '{\r"a": 1,\r"b": {\r"c": 2}\r}',
    "brackets in strings": '{"}": "{", "b": {"]": "\\"}", "c": "\\\\"}}',
    "empty": " { } ",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_unchanged_bytes(text: str) -> None:
    """Reading every part of a file, and so indexing it, leaves its bytes alone."""
    document = Document.parse(text.encode())
    assert document.to_bytes() == text.encode()

    def read(path: tuple[str, ...], value: Any) -> None:
        assert values.dump(document.get(path)) == values.dump(value)
        if isinstance(value, dict):
            assert document.keys(path) == list(value)
            for key, item in value.items():
                read((*path, key), item)

    read((), values.parse(text.encode()))
    assert document.to_bytes() == text.encode()


@given(files(), PUTS)
def test_unchanged_bytes_in_any_style(data: bytes, puts: dict[tuple[str, ...], Any]) -> None:
    """The same for any file, whatever is looked up in it."""
    document = Document.parse(data)
    for path in puts:
        document.get(path)
    assert document.to_bytes() == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate key"),
        (b'{"a": NaN}', "NaN or Infinity"),
        (b'{\n<<<<<<< ours\n"a": 1\n}', "conflict markers"),
        (b'{"a": "\\ud800"}', "not Unicode"),
        (b'[{"a": 1}]', "not an object"),
        (b"3", "not an object"),
        (b"", "not JSON"),
    ],
)
def test_refused(data: bytes, reason: str) -> None:
    """A file that is not one JSON object kept without loss is refused, with a reason of the closed list."""
    with pytest.raises(values.BadJson) as caught:
        Document.parse(data)
    assert caught.value.reason == reason


# ---- reading -----------------------------------------------------------------------------------------------------


def test_get_where_there_is_nothing() -> None:
    """A missing key, a key of a scalar, of an array and of an empty object are all MISSING; null is not."""
    document = Document.parse(b'{"a": null, "b": [1], "c": {}, "d": {"0": 1}}')
    for path in [("x",), ("a", "x"), ("b", "0"), ("c", "x"), ("d", "0", "x"), ("x", "y", "z")]:
        assert document.get(path) is MISSING
    assert document.get(("a",)) is None
    assert document.get(("b",)) == [1]
    assert document.get(("c",)) == {}


def test_keys() -> None:
    """Keys come decoded and in file order, inserted ones included; there are none of what is no object."""
    document = Document.parse(b'{"b": {"z": 1, "\\u0061": 2}, "a": [], "c": {}}')
    assert document.keys(()) == ["b", "a", "c"]
    document.put(("b", "y"), 0)
    assert document.keys(("b",)) == ["z", "a", "y"]
    assert [document.keys(path) for path in [("a",), ("c",), ("x",), ("b", "z")]] == [[]] * 4


def test_get_after_put() -> None:
    """A value that was put is read back with its spelling, and changing the returned value changes no file."""
    document = Document.parse(b'{"a": 1}')
    document.put(("b", "c"), [values.Number("1e-07")])
    document.get(("b",))["c"].append(2)
    assert values.dump(document.get(("b",))) == b'{"c":[1e-07]}'


def test_root_cannot_be_put() -> None:
    """An empty path is a mistake of the caller."""
    with pytest.raises(ValueError, match="root"):
        Document.parse(b"{}").put((), {})


# ---- where new members go, and how they look ---------------------------------------------------------------------

INDENTED = '{\n  "b": 1,\n  "d": {\n    "x": 1\n  },\n  "f": {}\n}\n'


@pytest.mark.parametrize(
    ("text", "path", "value", "wanted"),
    [
        pytest.param(INDENTED, ("a",), 0, INDENTED.replace('  "b"', '  "a": 0,\n  "b"'), id="front"),
        pytest.param(INDENTED, ("c",), 0, INDENTED.replace('  "d"', '  "c": 0,\n  "d"'), id="middle"),
        pytest.param(INDENTED, ("g",), 0, INDENTED.replace("{}\n", '{},\n  "g": 0\n'), id="end"),
        pytest.param(
            INDENTED,
            ("f", "k"),
            0,
            INDENTED.replace("{}", '{\n    "k": 0\n  }'),
            id="into an empty object of an indented file",
        ),
        pytest.param(
            INDENTED,
            ("c",),
            {"p": [{}, []], "q": {"r": "s"}},
            INDENTED.replace(
                '  "d"',
                '  "c": {\n    "p": [\n      {},\n      []\n    ],\n    "q": {\n      "r": "s"\n    }\n  },\n  "d"',
            ),
            id="nested value",
        ),
        pytest.param(
            INDENTED, ("b", "k"), 0, INDENTED.replace("1,\n", '{\n    "k": 0\n  },\n', 1), id="scalar parent replaced"
        ),
        pytest.param(
            '{"a": [1]}', ("a", "b", "c"), 0, '{"a": {"b": {"c": 0}}}', id="array parent replaced, two levels"
        ),
        pytest.param('{"a":1,"b":{}}', ("b", "k"), [1, 2], '{"a":1,"b":{"k":[1,2]}}', id="empty, compact"),
        pytest.param('{"a": 1, "b": { }}', ("b", "k"), [1, 2], '{"a": 1, "b": {"k": [1, 2]}}', id="empty, spaced"),
        pytest.param('{"b":1}', ("a",), 0, '{"a":0,"b":1}', id="one member, front, compact"),
        pytest.param('{"b": 1}', ("c",), 0, '{"b": 1, "c": 0}', id="one member, end, spaced"),
        pytest.param('{ "b" : 1 }', ("a",), 0, '{ "a" : 0, "b" : 1 }', id="one member, padded, front"),
        pytest.param('{ "b" : 1 }', ("c",), 0, '{ "b" : 1, "c" : 0 }', id="one member, padded, end"),
        pytest.param('{\n\t"b": 1\n}', ("a",), 0, '{\n\t"a": 0,\n\t"b": 1\n}', id="one member, tab, front"),
        pytest.param('{\n\t"b": 1\n}', ("c",), {"d": 0}, '{\n\t"b": 1,\n\t"c": {\n\t\t"d": 0\n\t}\n}', id="tab, end"),
        pytest.param("{}", ("a",), {"b": 0}, '{\n  "a": {\n    "b": 0\n  }\n}', id="empty root"),
        pytest.param("{ }\r\n", ("a",), 0, '{\r\n  "a": 0\r\n}\r\n', id="empty root, CRLF"),
        pytest.param(
            '{\r\n "a": {}\r\n}', ("a", "b"), 0, '{\r\n "a": {\r\n  "b": 0\r\n }\r\n}', id="CRLF, indented by one"
        ),
        pytest.param(
            '{"b": 1,\n "c": 2}', ("a",), 0, '{"a": 0,\n "b": 1,\n "c": 2}', id="first key on the brace's line"
        ),
        pytest.param(
            '{\n  "z": 1,\n  "a": 2,\n  "m": 3\n}',
            ("b",),
            0,
            '{\n  "z": 1,\n  "a": 2,\n  "b": 0,\n  "m": 3\n}',
            id="existing order is arbitrary",
        ),
        pytest.param('{"\\u0061": 1}', ("a",), 2, '{"\\u0061": 2}', id="an escaped key is the same key"),
        pytest.param('{"a": 1.0}', ("a",), values.Number("1.00"), '{"a": 1.00}', id="equal, spelled anew"),
    ],
)
def test_one_put(text: str, path: tuple[str, ...], value: Any, wanted: str) -> None:
    """One put changes exactly this."""
    assert edit(text, (path, value)) == wanted


@pytest.mark.parametrize(
    "text", ['{\n  "c": 1\n}\n', '{\n  "c": 1,\n    "d": 2}', '{ "c":1 }', '{"c": 1,\n"d": 1}', "{}"]
)
def test_two_before_the_first(text: str) -> None:
    """Two keys inserted before the first one come out the same in both orders, in one run and in two."""
    one, two = (("a",), {"x": 1}), (("b",), 2)
    results = {edit(text, one, two), edit(text, two, one), edit(edit(text, one), two), edit(edit(text, two), one)}
    assert len(results) == 1
    assert list(json.loads(results.pop()))[:2] == ["a", "b"]


def test_one_line_records() -> None:
    """Among records on one line a new record, and an empty one that is filled, are on one line as they are."""
    text = '{\n  "b": {"x":1},\n  "c": {}\n}\n'
    wanted = '{\n  "a": {"y":[1,2],"z":{}},\n  "b": {"x":1},\n  "c": {"k":0}\n}\n'
    assert edit(text, (("a",), {"y": [1, 2], "z": {}}), (("c", "k"), 0)) == wanted


def test_lists_among_one_line_records() -> None:
    """Only objects are records: a list among them is written as in any indented file."""
    assert edit('{\n  "b": {"x": 1}\n}', (("c",), [{}])) == '{\n  "b": {"x": 1},\n  "c": [\n    {}\n  ]\n}'


def test_one_line_records_behind_a_number() -> None:
    """A number inserted before the records does not change how the next record looks."""
    text = '{\n  "b": {"x": 1}\n}\n'
    assert edit(edit(text, (("a",), 1)), (("c",), {"x": 2})) == '{\n  "a": 1,\n  "b": {"x": 1},\n  "c": {"x": 2}\n}\n'


def test_object_that_only_ends_on_another_line_counts_as_a_record() -> None:
    """Whether records are on one line does not hang on a line's end inside a value, which may be replaced."""
    text = '{\n  "b": {"x": [1,\n    2]}\n}\n'
    puts = (("b", "x"), 0), (("c",), {"y": 1})
    assert (
        edit(edit(text, puts[0]), puts[1]) == edit(text, *reversed(puts)) == '{\n  "b": {"x": 0},\n  "c": {"y": 1}\n}\n'
    )


def test_one_line_is_handed_on() -> None:
    """A later document puts a record on one line although the record that showed how has been replaced."""
    text = '{\n  "s": {\n    "a": {"x":1}\n  }\n}\n'
    first = Document.parse(text.encode())
    assert first.one_line == {("s",): ":"}
    first.put(("s", "a"), None)
    later = Document.parse(first.to_bytes(), one_line=first.one_line)
    later.put(("s", "b"), {"y": [1, 2]})
    assert later.to_bytes().decode() == '{\n  "s": {\n    "a": null,\n    "b": {"y":[1,2]}\n  }\n}\n'
    assert later.one_line == first.one_line


def test_one_line_says_no_where_only_a_later_object_is_a_record() -> None:
    """The first object decides for the others, also when it has been replaced since and a later one would not."""
    text = '{\n  "a": {\n    "x": 1\n  },\n  "b": {"y": 1}\n}'
    first = Document.parse(text.encode())
    assert first.one_line == {(): ""}
    puts = (("a",), 5), (("c",), {"z": 1})
    wanted = '{\n  "a": 5,\n  "b": {"y": 1},\n  "c": {\n    "z": 1\n  }\n}'
    assert edit(text, *puts) == edit(edit(text, puts[0]), puts[1], one_line=first.one_line) == wanted


def test_one_line_can_be_forbidden() -> None:
    """An empty `one_line` has every object in a multi-line object written on several lines."""
    text = '{\n  "a": {"x":1}\n}'
    wanted = '{\n  "a": {"x":1},\n  "b": {\n    "y": 2\n  }\n}'
    assert edit(text, (("b",), {"y": 2}), one_line={}) == wanted


# ---- characters --------------------------------------------------------------------------------------------------


def test_ascii_file_stays_ascii() -> None:
    """In a file of ASCII only, inserted keys and strings are escaped."""
    assert edit('{"a": "\\u00e9"}', (("é",), ["😀"])) == '{"a": "\\u00e9", "\\u00e9": ["\\ud83d\\ude00"]}'


def test_other_file_is_raw() -> None:
    """In a file with any raw character beyond ASCII they are not, U+2028 and DEL included, and old escapes stay."""
    assert edit('{"a": "é\\u00e9"}', (("é\n",), "😀\u2028\x7f\x1f")) == (
        '{"a": "é\\u00e9", "é\\n": "😀\u2028\x7f\\u001f"}'
    )


@pytest.mark.parametrize(("forced", "wanted"), [(True, '{"a":"\\u00e9","b":"é"}'), (False, '{"a":"é","b":"é"}')])
def test_ascii_forced(forced: bool, wanted: str) -> None:
    """`ascii_only` overrules what the file shows, and is what the property then says."""
    assert edit('{"a":1,"b":"é"}', (("a",), "é"), ascii_only=forced) == wanted
    assert Document.parse(b"{}", ascii_only=forced).ascii_only is forced


def test_ascii_detected() -> None:
    """The property says what was found when it was not forced."""
    assert Document.parse(b'{"a": "\\u00e9"}').ascii_only is True
    assert Document.parse('{"a": "é"}'.encode()).ascii_only is False


def test_floats() -> None:
    """A float is written the one way floats are spelled, a `Number` the way it came."""
    assert edit('{"a":1}', (("b",), [0.1, 2.0, values.Number("1.50")])) == '{"a":1,"b":[0.1,2.0,1.50]}'


def test_what_is_no_json_is_refused() -> None:
    """A value of a type that JSON does not have is the caller's mistake."""
    with pytest.raises(TypeError, match="set"):
        edit("{}", (("a",), {1}))


# ---- properties --------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(files(), st.lists(st.tuples(PATHS, VALUES), max_size=8), st.booleans())
def test_means_what_the_model_says(data: bytes, puts: list[tuple[tuple[str, ...], Any]], ascii_only: bool) -> None:
    """(a) After any puts, overlapping ones too, the file parses to the model: values, spellings and key order."""
    document = Document.parse(data, ascii_only=ascii_only)
    model = values.parse(data)
    for path, value in puts:
        document.put(path, value)
        model = model_put(model, path, value)
        assert values.dump(document.get(path)) == values.dump(value)
    assert values.dump(values.parse(document.to_bytes())) == values.dump(model)
    assert document.keys(()) == list(model)


def in_groups(
    data: bytes, puts: list[tuple[tuple[str, ...], Any]], cuts: list[bool], *, hand_on_one_line: bool
) -> bytes:
    """`data` after `puts`, written out and parsed again after each put that has a cut."""
    document = first = Document.parse(data)
    ascii_only = None if first.ascii_only else False  # a file in ASCII stays so by itself
    one_line = first.one_line if hand_on_one_line else None
    for (path, value), cut in zip(puts, cuts, strict=True):
        document.put(path, value)
        if cut:
            document = Document.parse(document.to_bytes(), ascii_only=ascii_only, one_line=one_line)
    return document.to_bytes()


@settings(max_examples=300)
@given(files(), PUTS, st.data())
def test_grouping_makes_no_difference(data: bytes, puts: dict[tuple[str, ...], Any], choose: st.DataObject) -> None:
    """(b) Puts of separate paths give the same bytes in any order and any grouping, styles handed on."""
    chosen = apart(puts)
    order = choose.draw(st.permutations(chosen))
    cuts = choose.draw(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)))
    one_line = Document.parse(data).one_line
    event(f"one-line records: {bool(one_line)}")
    wanted = in_groups(data, chosen, [False] * len(chosen), hand_on_one_line=False)
    assert in_groups(data, order, cuts, hand_on_one_line=bool(one_line)) == wanted  # empty: nothing to hand on


@settings(max_examples=300)
@given(files(), PUTS, st.data())
def test_grouping_makes_no_difference_by_itself(
    data: bytes, puts: dict[tuple[str, ...], Any], choose: st.DataObject
) -> None:
    """(b) holds with only `ascii_only` handed on, as long as no non-empty object is replaced by something else."""
    root = Document.parse(data)
    chosen = [
        (path, value)
        for path, value in apart(puts)
        if not (root.keys(path) and not (isinstance(value, dict) and value))
    ]
    order = choose.draw(st.permutations(chosen))
    cuts = choose.draw(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)))
    wanted = in_groups(data, chosen, [False] * len(chosen), hand_on_one_line=False)
    assert in_groups(data, order, cuts, hand_on_one_line=False) == wanted


def integers(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the integers in `value`."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in integers(item, (*path, key))]
    return [path] if type(value) is int else []


@given(files(), st.data())
def test_replacing_changes_only_the_value(data: bytes, choose: st.DataObject) -> None:
    """(c) Replacing an integer changes its digits: what is before and after them stays, and so every other line."""
    paths = integers(values.parse(data))
    assume(paths)
    document = Document.parse(data)
    document.put(choose.draw(st.sampled_from(paths)), 987654321)
    before, found, after = document.to_bytes().partition(b"987654321")
    assert found
    assert data.startswith(before)
    assert data.endswith(after)
    values.parse(b"[" + data[len(before) : len(data) - len(after)] + b"]")  # what went was one value


def agents(count: int) -> dict[str, Any]:
    """A state file of the usual kind."""
    return {
        "version": 3,
        "agents": {
            f"agent-{at:05}": {
                "name": f"Agent — {at}",
                "tags": ["one", "two"],
                "score": at,
                "limits": {"tokens": 10**25 + at, "rate": values.Number("1e-07"), "notes": "x" * 400},
            }
            for at in range(count)
        },
    }


def pretty(value: Any) -> bytes:
    """`value` as json.dumps(indent=2) writes it, with spelled numbers."""
    return edit("{}", *(((key,), item) for key, item in value.items()), ascii_only=False).encode() + b"\n"


def test_pretty_is_what_json_writes() -> None:
    """A file built from nothing looks as json.dumps(indent=2) has it (keys in code point order)."""
    value = {"a": {"b": [1, {"c": [], "d": {}}], "e": "é\n"}, "f": None, "g": True}
    assert pretty(value).decode() == json.dumps(value, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_diff_is_one_line(newline: bytes) -> None:
    """(c) A line diff after replacing one integer of a big file shows one line gone and one come."""
    data = pretty(agents(136)).replace(b"\n", newline)
    document = Document.parse(data)
    document.put(("agents", "agent-00077", "score"), -1)
    old, new = data.decode().splitlines(keepends=True), document.to_bytes().decode().splitlines(keepends=True)
    changed = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    assert [line.strip() for line in changed] == ['-       "score": 77,', '+       "score": -1,']


@given(files(), KEYS.map(lambda key: key + "!"), SCALARS)
def test_insertion_keeps_old_lines(data: bytes, key: str, value: Any) -> None:
    """(c) In a file of one member per line, a new member of the root adds one line and gives one line a comma."""
    root = values.parse(data)
    assume(len(root) > 1)
    members = [f"  {json.dumps(each)}: {values.dump(item).decode()}" for each, item in root.items()]
    text = "{\n" + ",\n".join(members) + "\n}"
    edited = edit(text, ((key,), value))
    new = edited.split("\n")
    at = list(values.parse(edited.encode())).index(key) + 1
    rest = new[:at] + new[at + 1 :]
    assert [line.rstrip(",") for line in rest] == [line.rstrip(",") for line in text.split("\n")]


# ---- guard's own files -------------------------------------------------------------------------------------------


def test_dump_lines() -> None:
    """One member per line, in the dict's order, values compact, numbers as they are spelled."""
    value = {"z": {"a": [1, 2], "b": {}}, "é": values.Number("1e-07"), "a": 10**30}
    wanted = '{\n  "z": {"a":[1,2],"b":{}},\n  "é": 1e-07,\n  "a": 1000000000000000000000000000000\n}\n'
    assert dump_lines(value).decode() == wanted
    assert dump_lines({}) == b"{}\n"


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, min_size=1), min_size=2), st.data())
def test_put_into_dumped_lines(records: dict[str, Any], choose: st.DataObject) -> None:
    """A record put into a file of `dump_lines` leaves it as `dump_lines` would have written it."""
    ordered = {key: records[key] for key in sorted(records)}
    key = choose.draw(st.sampled_from(list(ordered)))
    document = Document.parse(dump_lines({each: ordered[each] for each in ordered if each != key}), ascii_only=False)
    document.put((key,), ordered[key])
    assert document.to_bytes() == dump_lines(ordered)


# ---- speed -------------------------------------------------------------------------------------------------------


def test_many_insertions_are_not_quadratic() -> None:
    """30,000 keys inserted at one place of a big object take a time near that of sorting them."""
    document = Document.parse(json.dumps({f"b{at}": at for at in range(30_000)}, indent=1).encode())
    started = time.perf_counter()
    for at in range(30_000, 0, -1):
        document.put((f"a{at:05}",), at)
    data = document.to_bytes()
    assert time.perf_counter() - started < 10  # some 0.15 s; sorting at each insertion takes minutes
    assert list(json.loads(data))[:30_001:15_000] == ["a00001", "a15001", "b0"]
