"""Values as they were written: nothing is lost by reading one, and equal ones are known to be equal."""

import json
import sys
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from builders import meaning
from merge import values

# ---- numbers -----------------------------------------------------------------------------------------------------

SPELLINGS = [
    *("0", "-0", "1", "-1", "18446744073709551615", "18446744073709551616", "-9223372036854775808"),
    *("-9223372036854775809", "123456789012345678901234567890", "9" * 4300, "-" + "9" * 4300),
    *("0.0", "-0.0", "1.0", "1.50", "0.1", "0.10", "1e-07", "1e-7", "1E-7", "0.0000001", "1e22", "1E+22", "1e400"),
    *("-1e-400", "5e-324", "1.7976931348623157e308", "0.1000000000000000055511151231257827021181583404541015625"),
    *("100000000000000000000.0", "1e0", "0e0", "0E-0", "123456789012345678901234567890.5", "3.141592653589793238"),
]


@pytest.mark.parametrize("spelled", SPELLINGS, ids=lambda text: text[:30])
def test_a_number_leaves_as_it_came(spelled: str) -> None:
    """By itself, in an array and as a member, by the quick path and by the careful one."""
    for text in (spelled, f"[{spelled}]", f'{{"a":{spelled},"b":[1.0,{spelled}]}}'):
        assert values.dump(values.parse(text.encode())).decode() == text
        assert values.dump(values.parse_text(text)).decode() == text


SAME = [
    ["1e-07", "1e-7", "1E-7", "0.0000001", "10e-8", "0.00000010", "0.1e-6"],
    ["1.0", "1e0", "10e-1", "1.00", "0.1e1", "1E+0"],
    ["1"],
    ["-1"],
    ["-1.0", "-1e0"],
    ["true"],
    ['"1"'],
    ["0"],
    ["0.0", "0e0", "0e99", "0.000"],
    ["-0", "-0.0", "-0e5"],
    ["1e400", "10e399", "0.1e401", "1" + "0" * 400 + ".0"],
    ["1" + "0" * 400],
    ["1e401"],
    ["-1e400"],
    ["0.1", "1e-1", "0.10"],
    ["0.1000000000000000055511151231257827021181583404541015625"],
    ["0.30000000000000004"],
    ["0.3"],
    ["1e23", "100000000000000000000000.0"],
    ["9.999999999999999e22"],
    ["18446744073709551616"],
    ["18446744073709551616.0", "1.8446744073709551616e19"],
    ["1.8446744073709552e19"],
    ["null"],
    ["{}"],
    ["[]"],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', '{ "b" : 2 , "\\u0061" : 1 }'],
    ['{"a":1,"b":2.0}', '{"b":2e0,"a":1}'],
    ['{"a":18446744073709551616,"b":[{"d":1.0,"c":0.50}]}', '{"b":[{"c":0.5,"d":1e0}],"a":18446744073709551616}'],
    ["[1,2]"],
    ["[2,1]"],
    ['"\\u00e9"', '"é"'],
    ['"e\\u0301"'],
    ['{"\\ud83e\\udd80":1,"\uffff":2}', '{"\uffff":2,"\U0001f980":1}'],
]


def test_identity_is_the_same_for_one_value_and_differs_for_two() -> None:
    """Spelling, escapes and the order of keys do not matter; 1, 1.0, true and "1" are four values."""
    names = [[values.identity(values.parse(f"[{text}]".encode())) for text in group] for group in SAME]
    for group, found in zip(SAME, names, strict=True):
        assert len(set(found)) == 1, group
    assert len({found[0] for found in names}) == len(SAME)


def test_identity_is_canonical_json() -> None:
    """Compact, keys by code point, and itself JSON for the same value."""
    value = values.parse('{"b":[1.50,{}],"\U0001f980":1,"\uffff":null,"a":1e-07,"n":18446744073709551616}'.encode())
    wanted = '{"a":1e-7,"b":[1.5,{}],"n":18446744073709551616,"\uffff":null,"\U0001f980":1}'
    assert values.identity(value).decode() == wanted
    assert meaning(values.parse(values.identity(value))) == meaning(value)


@pytest.mark.parametrize("exponent", [4299, 4300, 4301, 10_000])
@pytest.mark.parametrize("form", ["1e{}", "1E-{}", "-1.5e+{}", "0e{}", "0.{}5"])
def test_a_number_that_is_read_has_an_identity(form: str, exponent: int) -> None:
    """However many digits its exponent or fraction has: it is refused by a word, or all of it works."""
    text = form.format("9" * exponent)
    try:
        value = values.parse(f"[{text}]".encode())
    except values.BadJson as error:
        assert error.reason == "number too long"  # noqa: PT017
        return
    assert values.dump(value).decode() == f"[{text}]"
    assert values.identity(value) == values.identity(values.parse(f"[ {text}]".encode()))


def test_verdicts_on_long_integers_are_those_of_every_machine() -> None:
    """The limit on an integer's digits is the engine's own, not the environment's."""
    assert sys.get_int_max_str_digits() == values.MAX_DIGITS == 4300


# ---- reading: one result by two paths ----------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["", "x", "é—", "\U0001f980\u2028", '"\\/\b\f\n\r\t', "\x00\x1f\x7f", "a b  c", "{[", "]}", "\\u0041"]
)
FRACTIONS = [spelled for spelled in SPELLINGS if len(spelled) < 60 and (set(spelled) & set(".eE") or spelled == "-0")]
NUMBERS = st.sampled_from(FRACTIONS).map(values.Number)
LEAVES = (
    TEXTS
    | NUMBERS
    | st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def write(value: Any, random: Random) -> str:
    """A value as JSON with white space anywhere and any characters escaped."""

    def gap() -> str:
        return random.choice(["", "", "", " ", "\n", "\r\n\t", "  "])

    def quote(text: str) -> str:
        return '"' + "".join(map(character, text)) + '"'

    def character(one: str) -> str:
        if random.random() < 0.2:
            code = one.encode("utf-16-be").hex()
            code = code.upper() if random.random() < 0.5 else code
            return "".join("\\u" + code[at : at + 4] for at in range(0, len(code), 4))
        if one == "/" and random.random() < 0.2:
            return "\\/"
        return json.dumps(one, ensure_ascii=False)[1:-1]

    if isinstance(value, str):
        return quote(value)
    if isinstance(value, values.Number):
        return value.raw
    if isinstance(value, list):
        return "[" + gap() + ",".join(gap() + write(item, random) + gap() for item in value) + "]"
    if isinstance(value, dict):
        members = (
            gap() + quote(key) + gap() + ":" + gap() + write(item, random) + gap() for key, item in value.items()
        )
        return "{" + gap() + ",".join(members) + "}"
    return json.dumps(value)


def outcome(read: Callable[[Any], Any], text: Any) -> Any:
    """A value's bytes and its identity, or the word by which it was refused."""
    try:
        value = read(text)
    except values.BadJson as error:
        return error.reason
    return values.dump(value), values.identity(value), meaning(value)


@settings(max_examples=300)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_quick_path_reads_what_the_careful_one_reads(value: Any, random: Random) -> None:
    """And both read what was meant, with every number in its own spelling."""
    text = write(value, random)
    found = outcome(values.parse, text.encode())
    assert found == outcome(values.parse_text, text)
    assert found[0].decode() == write(value, Quiet())
    assert found[2] == meaning(value)
    assert values.dump(values.parse(found[0])) == found[0]


class Quiet(Random):
    """Chooses the first of everything: no white space, no escape that need not be."""

    def choice(self, seq: Any) -> Any:
        return seq[0]

    def random(self) -> float:
        return 1.0


DAMAGE = st.sampled_from(
    [
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\\ud83d",
        "\\uDE00",
        "NaN",
        "-",
        "e",
        "0",
        "\n",
        "\0",
        "é",
        "<<<<<<< a\n",
    ]
)


@settings(max_examples=300)
@given(VALUES, st.randoms(use_true_random=False), DAMAGE, st.integers(0, 60), st.integers(0, 3))
def test_the_paths_agree_on_what_is_refused_too(value: Any, random: Random, more: str, at: int, cut: int) -> None:
    """Whatever is wrong with a text, both paths say the same word or read the same value."""
    text = write(value, random)
    text = text[: at % (len(text) + 1)] + more + text[at % (len(text) + 1) + cut :]
    found = outcome(values.parse, text.encode())
    event(found if isinstance(found, str) else "read")
    assert found == outcome(values.parse_text, text)


@settings(max_examples=200)
@given(VALUES, VALUES, st.randoms(use_true_random=False))
def test_identity_is_equal_exactly_for_equal_values(one: Any, other: Any, random: Random) -> None:
    """Two values that were generated apart, and one written twice: their identities say whether they are the same."""
    first, second = (values.parse(write(value, random).encode()) for value in (one, other))
    again = values.parse(write(one, random).encode())
    assert (values.identity(first) == values.identity(second)) is (meaning(first) == meaning(second))
    assert values.identity(first) == values.identity(again)


@pytest.mark.parametrize(("text", "value"), [
    ('{"a b":1,"a  b":2}', {"a b": 1, "a  b": 2}),
    ('{"a":1, "A":2}', {"a": 1, "A": 2}),
    ('"\\u0020"', " "),
    ('"\\ud83e\\udd80"', "\U0001f980"),
    ('["\\\\ud83d"]', ["\\ud83d"]),
    ("\t null ", None),
    ("\n0\r\n", 0),
])  # fmt: skip
def test_white_space_and_escapes_are_read_for_their_meaning(text: str, value: Any) -> None:
    """The quick path compares without white space: that of strings must not get lost, nor null be no value."""
    assert values.parse(text.encode()) == value


@pytest.mark.parametrize(("text", "markers"), [
    ("<<<<<<< HEAD\n", True),
    ("x\n<<<<<<<\n=======\n>>>>>>>\n", True),
    ("<<<<<<<\r\n", True),
    ("<<<<<<< a\r\n", True),
    ('"<<<<<<< HEAD"', False),
    (" <<<<<<< HEAD", False),
    ("<<<<<<<<<<", False),
    ("=======\n", False),
    ("", False),
])  # fmt: skip
def test_markers_are_lines_that_git_writes(text: str, markers: bool) -> None:
    """At the beginning of a line, seven of them, alone or before a space."""
    assert values.has_markers(text.encode()) is markers


# ---- depth -------------------------------------------------------------------------------------------------------


def depth(value: Any) -> int:
    """How deep arrays and objects nest, the naive way."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


@settings(max_examples=300)
@given(VALUES, st.randoms(use_true_random=False), st.integers(1, 6))
def test_depth_is_the_naive_depth(value: Any, random: Random, limit: int) -> None:
    """For any JSON text, with brackets and escapes in its strings, and so is what reading refuses by it."""
    data = write(value, random).encode()
    too_deep = depth(value) > limit
    assert values.depth_exceeds(data, limit) is too_deep
    assert (outcome(lambda text: values.parse(text, limit), data) == "too deep") is too_deep


@pytest.mark.parametrize(
    ("text", "deepest"),
    [
        ('"[[["', 0),
        ('["\\"[[["]', 1),
        ('["\\\\", [1]]', 2),
        ('["\\\\\\"[[[", "]"]', 1),
        ('["\\\\\\\\"]', 1),
        ('{"[": "]", "{": ["}"]}', 2),
        ('["a","b[c","d]e",["[",""]]', 2),
        ('["","","[",""]', 1),
        ('[[],[],[],[[],[]]]', 3),
        ('{"a":{},"b":[{}]}', 3),
        ('[{"a":[{"b":[]}]},[]]', 5),
        ("[" * 40 + "]" * 40, 40),
        ("[[],[" * 20 + "]" * 40, 40),
    ],
)  # fmt: skip
def test_depth_at_its_limit(text: str, deepest: int) -> None:
    """Brackets in strings do not nest, whatever is escaped around them, and neighbours do not add up."""
    assert depth(json.loads(text)) == deepest
    assert not values.depth_exceeds(text.encode(), deepest)
    assert deepest == 0 or values.depth_exceeds(text.encode(), deepest - 1)


@pytest.mark.parametrize("levels", [1, 5, 64])
def test_what_is_cut_off_is_no_deeper_than_it_is(levels: int) -> None:
    """A file that ends in the middle, after any number of brackets, is as deep as what is there."""
    text = ("[" * levels + '{"a":1},' * 500).encode()
    verdicts = [values.depth_exceeds(text, limit) for limit in (levels, levels + 1, levels + 2)]
    assert verdicts == [True, False, False]
