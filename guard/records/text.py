"""Files as text and back, and what people wrote made fit for one line or for a place between headings."""

import re
from collections.abc import Sequence

BREAK = r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"
"""Whatever somebody may take for the end of a line."""

_BREAK = re.compile(BREAK)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)", re.DOTALL)


def decode(data: bytes | None) -> str:
    """A file as text, from which `encode` makes the same bytes again; an absent one is empty."""
    return (data or b"").decode(errors="surrogateescape")


def encode(text: str) -> bytes:
    """Text as a file."""
    return text.encode(errors="surrogateescape")


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, which are newlines, as git has it."""
    return _LINE.findall(text)


def eol_of(text: str) -> str:
    """How most lines of a text end."""
    return "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"


def clean(text: str) -> str:
    """What somebody wrote, without what terminals obey and what no file can hold; line breaks stay."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text)).strip()


def one_line(text: str) -> str:
    """What somebody wrote, on one line."""
    return " ".join(_BREAK.sub(" ", clean(text)).split())


def split_lines(text: str) -> list[str]:
    """The lines of what somebody wrote, without their ends."""
    return _BREAK.split(clean(text))


def fenced(lines: Sequence[str]) -> set[int]:
    """The places of lines in fenced code; a fence that is never closed hides nothing."""
    inside: set[int] = set()
    start, fence = 0, ""
    for place, line in enumerate(lines):
        match = _FENCE.match(line.rstrip("\r\n"))
        if match is None:
            continue
        if not fence:
            start, fence = place, match[1]
        elif match[1].startswith(fence) and not match[2].strip():
            inside.update(range(start, place + 1))
            fence = ""
    return inside


def open_fence(lines: Sequence[str]) -> str:
    """The fence that is open after the last line; empty for none."""
    fence = ""
    for line in lines:
        match = _FENCE.match(line)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence) and not match[2].strip():
            fence = ""
    return fence


def key_of(name: str) -> str:
    """A column's name as entries know it: `Scope-Key` is `scope`, whatever its case and its ornaments."""
    letters = "".join(character for character in name.casefold() if character.isalnum())
    return _SAME.get(letters, letters)


_SAME = {
    "scopekey": "scope",
    "scopes": "scope",
    "laneid": "lane",
    "sessionid": "session",
    "state": "status",
    "note": "notes",
    "comment": "notes",
    "comments": "notes",
    "extra": "etc",
    "other": "etc",
}
