"""The numbers of sessions in texts."""

import pytest

from guard.records.numbers import first_session, session_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("S153", {153}),
        ("[S153] what: why", {153}),
        ("## S545e session note (S540, L-S186-DOMEX)", {545, 540, 186}),
        ("S150-S159", {150, 159}),
        ("AWS3 S3x2 xS4 _S5 S6_ S7ab é S8é", set()),
        ("s153 S S-1 S0 S20260228", set()),
        ("S999999", {999_999}),
        ("", set()),
    ],
)
def test_numbers_are_found(text: str, numbers: set[int]) -> None:
    """As fleets spell them; not within words, and not a date that began with an S."""
    assert session_numbers(text) == numbers


def test_the_first_one_has_its_name() -> None:
    """What heads a section keeps its letter."""
    assert first_session("note of S545e after S540") == (545, "S545e")
    assert first_session("S0 and nothing") is None
