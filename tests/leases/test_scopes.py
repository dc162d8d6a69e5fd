"""Scopes: what they cover, and that two of them meet exactly when some path is in both."""

import itertools

import pytest

from guard.leases.scopes import covers, meeting

PARTS = ("a", "b", "*", "?", "a*", "*b", "**")
PATHS = ["/".join(parts) for size in (1, 2, 3) for parts in itertools.product(("a", "b", "ab", "c"), repeat=size)]


def globs() -> list[str]:
    """Every glob of one and two parts over a small alphabet."""
    return ["/".join(parts) for size in (1, 2) for parts in itertools.product(PARTS, repeat=size)]


def test_two_globs_meet_exactly_when_a_path_is_in_both() -> None:
    """Over a small alphabet, where every path can be tried."""
    covered = {glob: {path for path in PATHS if covers([glob], path)} for glob in globs()}
    for one, other in itertools.combinations_with_replacement(globs(), 2):
        assert bool(meeting([one], [other])) is bool(covered[one] & covered[other]), (one, other)
        assert bool(meeting([one], [other])) is bool(meeting([other], [one]))


@pytest.mark.parametrize(
    ("scope", "path", "inside"),
    [
        ("src", "src/a.py", True),
        ("src", "src", True),
        ("src", "srcs/a.py", False),
        ("src/*.py", "src/deep/a.py", False),
        ("src/**", "src/deep/a.py", True),
        ("**", "anything at all", True),
        ("docs/a b.md", "docs/a b.md", True),
    ],
)
def test_a_scope_covers_what_lies_below_it(scope: str, path: str, *, inside: bool) -> None:
    """A folder's name covers what is in it; a glob what it names."""
    assert covers([scope], path) is inside


def test_letters_of_both_cases_meet() -> None:
    """README.md and readme.md are one file on some machines."""
    assert meeting(["README.md"], ["readme.md"]) == ("README.md", "readme.md")
    assert meeting(["src/a.py", "docs/**"], ["tests", "docs/x.md"]) == ("docs/**", "docs/x.md")
    assert meeting(["src"], ["tests"]) is None


def test_no_pattern_is_slow() -> None:
    """Patterns of many stars are decided as quickly as others."""
    assert meeting(["a*" * 120 + "b"], ["*a" * 120 + "c"]) is None
    assert meeting(["**/" * 60 + "x"], ["**/" * 60 + "y"]) is not None  # below x there may be a y
