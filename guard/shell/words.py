"""Words of a command line as the shell reads them: quotes taken off, what is known told from what is not."""

import re

_PLAIN = re.compile(r"[\w./:,=+@%^#!-]*\Z", re.ASCII)
_SIMPLE = re.compile(r"""'[^']*'\Z|"[^"\\$`]*"\Z|"(\$\{?\w+\}?)"\Z""", re.ASCII)
_RUN = re.compile(r"[^\\\"'$`]+")
MOST_LETTERS = 100_000
"""A word that is longer is not read."""

_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|c.|(.))", re.DOTALL)
_ANSI_MARKS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}


class Word:
    """One word.

    `raw` is how it is written, `text` what it says with its quotes taken off, where expansions stand as written;
    `dynamic`: it has expansions; `quoted`: some of it was quoted; `at`: where it begins.
    """

    __slots__ = ("at", "dynamic", "quoted", "raw", "text")

    def __init__(self, raw: str, at: int) -> None:
        self.raw = raw
        self.at = at
        if len(raw) > MOST_LETTERS:
            self.text, self.dynamic, self.quoted = raw, True, True
        elif _PLAIN.match(raw):
            self.text, self.dynamic, self.quoted = raw, False, False
        elif (simple := _SIMPLE.match(raw)) is not None:
            self.text, self.dynamic, self.quoted = raw[1:-1], simple[1] is not None, True
        else:
            self.text, _, self.dynamic, self.quoted = read(raw)

    @property
    def known(self) -> str:
        """What it says where that is known, else a text that no word is equal to."""
        return "\0" if self.dynamic else self.text


def read(raw: str) -> tuple[str, list[int], bool, bool]:
    """A word without its quotes, where in `raw` each character stood, whether it has expansions, and quotes."""
    out: list[str] = []
    places: list[int] = []
    dynamic = quoted = False
    at, end, double = 0, len(raw), False

    def take(text: str, place: int) -> None:
        out.append(text)
        places.extend([place] * len(text) if len(text) < 2 else range(place, place + len(text)))

    while at < end:
        mark = raw[at]
        if mark == "\\" and at + 1 < end:
            following = raw[at + 1]
            if double and following not in '$`"\\\n':
                take("\\", at)
                at += 1
                continue
            if following != "\n":
                take(following, at + 1)
            quoted = quoted or not double
            at += 2
        elif mark == '"':
            double = not double
            quoted = True
            at += 1
        elif mark == "'" and not double:
            close = raw.find("'", at + 1)
            close = end if close < 0 else close
            take(raw[at + 1 : close], at + 1)
            quoted = True
            at = close + 1
        elif mark == "$" and not double and raw.startswith("$'", at):
            close = at + 2
            while close < end and raw[close] != "'":
                close += 2 if raw[close] == "\\" else 1
            for piece, place in _ansi(raw[at + 2 : close], at + 2):
                take(piece, place)
            quoted = True
            at = close + 1
        elif mark == "$" and not double and raw.startswith('$"', at):
            at += 1
        elif mark in "$`":
            close = expansion_end(raw, at)
            dynamic = dynamic or close > at + 1
            take(raw[at:close], at)
            at = close
        else:
            run = _RUN.match(raw, at)
            close = run.end() if run else at + 1
            take(raw[at:close], at)
            at = close
    return "".join(out), places, dynamic, quoted


def _ansi(body: str, place: int) -> list[tuple[str, int]]:
    found, last = [], 0
    for hit in _ANSI.finditer(body):
        found.append((body[last : hit.start()], place + last))
        if hit[1]:
            said = chr(int(hit[1], 16))
        elif hit[2]:
            said = chr(int(hit[2], 8) & 255)
        elif hit[3]:
            said = _ANSI_MARKS.get(hit[3], hit[3] if hit[3] in "\\'\"?" else "\\" + hit[3])
        else:
            said = hit[0]
        found.append((said, place + hit.start()))
        last = hit.end()
    found.append((body[last:], place + last))
    return found


def expansion_end(raw: str, at: int) -> int:
    """Where the expansion that begins at `at` ends; `at + 1` for a mark that begins none."""
    following = raw[at + 1 : at + 2]
    if raw[at] == "`":
        close = at + 1
        while close < len(raw) and raw[close] != "`":
            close += 2 if raw[close] == "\\" else 1
        return min(close + 1, len(raw))
    if following == "{":
        return closing(raw, at + 1, "{", "}")
    if following == "(":
        return closing(raw, at + 1, "(", ")")
    if following in ("@", "*", "#", "?", "-", "$", "!") or following.isdigit():
        return at + 2
    close = at + 1
    while close < len(raw) and (raw[close].isalnum() or raw[close] == "_"):
        close += 1
    return close


def closing(raw: str, at: int, opens: str, closes: str) -> int:
    """One past the mark that closes the one at `at`, quotes and escapes passed over; the end where none does."""
    depth, quote = 0, ""
    while at < len(raw):
        mark = raw[at]
        if mark == "\\" and quote != "'":
            at += 1
        elif quote:
            if mark == quote:
                quote = ""
        elif mark in "'\"":
            quote = mark
        elif mark == opens:
            depth += 1
        elif mark == closes:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return len(raw)


def unquoted(raw: str) -> str:
    """`raw` with what is quoted or expanded made blanks: only what the shell itself reads is left."""
    out, at, double = [], 0, False
    while at < len(raw):
        mark = raw[at]
        if mark == "\\":
            out.append("  "[: len(raw) - at])
            at += 2
        elif mark == '"':
            double = not double
            out.append(" ")
            at += 1
        elif mark == "'" and not double:
            close = raw.find("'", at + 1)
            close = len(raw) - 1 if close < 0 else close
            out.append(" " * (close + 1 - at))
            at = close + 1
        elif mark in "$`":
            close = max(expansion_end(raw, at), at + 1)
            out.append(" " * (close - at))
            at = close
        else:
            out.append(" " if double else mark)
            at += 1
    return "".join(out)
