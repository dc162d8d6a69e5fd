"""How a mistake in guard.toml is told: the path of its key, words that a terminal can show, one error for them all."""

import re
from collections.abc import Iterable

from guard.errors import GuardError
from guard.policy import FILE

Problem = tuple[str, str]
"""The path of a key, and what is wrong there."""


def refusal(problems: Iterable[Problem]) -> GuardError:
    """The error that names every problem of the file."""
    lines = "".join(f"\n  {place}: {sentence}" for place, sentence in problems)
    return GuardError(
        "policy",
        f"{FILE} cannot be used:{lines}",
        "a policy that is read only in part would protect only a part",
        f"correct these lines of {FILE}; schemas/policy.schema.json describes every key",
    )


def key_path(place: str, key: str) -> str:
    """The path of a key in the table at `place`; the top is the empty place."""
    name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key)
    return f"{place}.{name}" if place else name


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at what may have been meant: the known word that is most alike, or all of them."""
    import difflib  # here: only a mistake needs it

    words = sorted(set(known))
    close = difflib.get_close_matches(word[:100], words, 1)
    if close:
        return f", did you mean {quoted(close[0])}?"
    return f" (there are {', '.join(map(shown, words))})" if words else ""


def quoted(text: str) -> str:
    """A text, shown, between quotes."""
    return f'"{shown(text)}"'


def shown(text: str) -> str:
    """A text for people's terminals: not too long, and nothing in it can move the cursor."""
    short = text if len(text) <= 100 else text[:97] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)
