"""Lessons: one file each, found by number, and whether a new one says what an older one said."""

import re
from collections.abc import Iterable

from guard.records import text as texts
from guard.records.text import decode, encode, lines_of

LIKE = 0.38
"""From which likeness on two lessons are near-duplicates.

Measured on pairs as `near` does, of which some are in tests/data/records/lessons.json: the same lesson written twice,
by different hands, comes to 0.44 and more; different lessons on one subject to 0.25 at most, and different notes of one
real fleet, which share its jargon, to 0.33.
"""

_NAME = re.compile(r"(?:.*/)?L-([0-9]{1,9})(?:-[^/]*)?\.md", re.DOTALL)
_OWN_NUMBER = re.compile(r"L-[0-9]+\s*[:.\u2014-]\s*")
_DATE = re.compile(r"^Session: .* \| Date: (.*)$", re.MULTILINE)
_WORD = re.compile(r"[^\W_]{3,}")
_MARKER = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")
_COMMON = frozenset(  # as lines of words: a list of fifty quoted ones says no more
    [
        "and",
        "are",
        "because",
        "been",
        "but",
        "can",
        "did",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "into",
        "its",
        "lesson",
        "not",
        "one",
        "our",
        "out",
        "session",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "was",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "will",
        "with",
        "you",
    ]
)


def number_of(path: str) -> int | None:
    """The number of a lesson's file, `L-153.md` or `L-153-<slug>.md` in any folder; None for other files."""
    match = _NAME.fullmatch(path)
    return int(match[1]) if match else None


def next_number(paths: Iterable[str]) -> int:
    """The number after the greatest one of some files."""
    return max((number_of(path) or 0 for path in paths), default=0) + 1


def path_of(folder: str, number: int, title: str = "") -> str:
    """Where a lesson goes; with a title, some of its words stand in the name."""
    words = re.findall(r"[a-z0-9]+", texts.one_line(title).casefold())
    slug = "-".join(words)[:48].rpartition("-")[0] if len("-".join(words)) > 48 else "-".join(words)
    name = f"L-{number:03d}-{slug}" if slug else f"L-{number:03d}"
    return f"{folder.rstrip('/')}/{name}.md"


def render(number: int, title: str, body: str, session: str, date: str) -> bytes:
    """A lesson as a file; lines of the body that look like the markers of a merge are set in by four spaces."""
    said = [("    " if _MARKER.match(line) else "") + line for line in texts.split_lines(body)]
    head = [f"# L-{number:03d}: {texts.one_line(title)}", "", f"Session: {texts.one_line(session)} | Date: {date}"]
    return encode("\n".join([*head, *([""] if body.strip() else []), *said]).rstrip() + "\n")


def same(title: str, body: str, session: str, existing: Iterable[tuple[str, bytes]]) -> int | None:
    """The number of the one that a session wrote in the very same words, whenever; None where there is none."""
    for path, data in existing:
        number, date = number_of(path), _DATE.search(decode(data))
        if number is not None and data == render(number, title, body, session, date[1] if date else ""):
            return number
    return None


def title_of(data: bytes) -> str:
    """A lesson's title: its first heading, else its first line, without its number."""
    lines = [line.strip(" \t\r\n\ufeff") for line in lines_of(decode(data))]
    said = [line for line in lines if line]
    first = next((line for line in said if line.startswith("#")), said[0] if said else "")
    return _OWN_NUMBER.sub("", first.lstrip("# "), count=1)


def near(title: str, body: str, existing: Iterable[tuple[str, bytes]]) -> list[tuple[str, str, float]]:
    """Older lessons that say much the same: (path, title, likeness from 0 to 1), the likest first.

    The likeness of two lessons is the share of words that they have in common, of all that either has (Jaccard), in
    titles or in titles and bodies together, whichever is greater; a title of fewer than four words says too little. Of
    a word only the first six letters count, so that `archive` and `archived` are one.
    """
    ours, whole = _words(title), _words(f"{title} {body}")
    found = []
    for path, data in existing:
        heading = title_of(data)
        names = _words(heading)
        likeness = _likeness(whole, _words(decode(data)))
        if min(len(ours), len(names)) >= 4:
            likeness = max(likeness, _likeness(ours, names))
        if likeness >= LIKE:
            found.append((path, heading, likeness))
    return sorted(found, key=lambda each: (-each[2], each[0]))


def _words(text: str) -> set[str]:
    return {word[:6] for word in _WORD.findall(text.casefold()) if not word.isdigit() and word not in _COMMON}


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
