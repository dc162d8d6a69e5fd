"""The numbers of sessions that texts name."""

import re

_SESSION = re.compile(r"(?<!\w)S([0-9]{1,6})[a-z]?(?!\w)")


def session_numbers(text: str) -> set[int]:
    """The sessions that a text names as `S153`, `[S153]` or `S545e` (the fifth note of S545).

    More than six digits are a date or a mistake: a fleet that is adopted counts on from the greatest one found.
    """
    return {int(digits) for digits in _SESSION.findall(text)} - {0}


def first_session(text: str) -> tuple[int, str] | None:
    """The number and the name (`S545e`) of the session that a text names first; None where it names none."""
    match = next((each for each in _SESSION.finditer(text) if int(each[1])), None)
    return (int(match[1]), match[0]) if match else None
