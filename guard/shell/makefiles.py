"""The recipes of a Makefile, as the shell gets them."""

import re

_VARIABLE = re.compile(r"\$(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\{[^{}]*\}|[^$({\s])")

_NO_RULE = re.compile(r"[=#]")
_RULE = re.compile(r"[^:=#?+!]:{1,2}(?!=)")


def recipes(text: str) -> list[tuple[str, list[int]]]:
    """The recipe of each rule: its text, and where each character of it stands in the file."""
    found: list[tuple[str, list[int]]] = []
    lines: list[str] = []
    places: list[int] = []
    at = 0
    defining = False
    continued = False
    in_recipe = False
    for line in text.split("\n"):
        begins, at = at, at + len(line) + 1
        word = line.split(maxsplit=1)[:1]
        if word == ["define"]:
            defining = True
        elif word == ["endef"]:
            defining = False
        recipe = line.startswith("\t") and in_recipe and not defining
        if continued and in_recipe and lines:
            recipe = True
        if not recipe:
            if lines and line.strip() and not line.lstrip().startswith("#"):
                found.append(("".join(lines), places))
                lines, places = [], []
            if line.strip() and not line.startswith(("\t", "#")) and not continued:
                in_recipe = _is_rule(line)
                inline = re.match(r"[^=#:]*:[^=;#]*;", line)
                if in_recipe and inline:
                    _add(line[inline.end() :], begins + inline.end(), lines, places)
            continued = line.endswith("\\")
            continue
        start = 0
        if line.startswith("\t"):
            start = 1
        if not continued:
            while line[start : start + 1] in ("@", "-", "+", " ", "\t") and line[start : start + 1]:
                start += 1
        _add(line[start:], begins + start, lines, places)
        continued = line.endswith("\\")
    if lines:
        found.append(("".join(lines), places))
    return found


def _is_rule(line: str) -> bool:
    """Whether a line names targets; one that sets a variable does not."""
    found = _NO_RULE.search(line)
    return _RULE.search(line[: found.end()] if found else line) is not None or re.match(r"[^=#:]+:\Z", line) is not None


def _add(text: str, begins: int, lines: list[str], places: list[int]) -> None:
    masked = _VARIABLE.sub(lambda hit: "x" * len(hit[0]), text.replace("$$", "\0\1"))
    for offset, character in enumerate(masked):
        if character == "\1":
            continue
        lines.append("$" if character == "\0" else character)
        places.append(begins + offset)
    lines.append("\n")
    places.append(begins + len(text))
