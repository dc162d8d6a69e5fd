"""What tests and sums come to, worked out as far as their words are known: True, False, or None."""

import re
from collections.abc import Callable

from guard.shell.macos_commands import NEWEST, is_absent
from guard.shell.words import expansion_end

Truth = bool | None
Resolve = Callable[[str], str | None]
"""A word as it is written -> what it says; None where that cannot be known."""

_LINUX_PATHS = ("/proc", "/sys/", "/etc/os-release", "/etc/debian_version", "/etc/redhat-release", "/etc/lsb-release",
                "/etc/alpine-release", "/etc/arch-release", "/.dockerenv", "/usr/bin/apt", "/usr/bin/dpkg")  # fmt: skip


def test(words: list[str], resolve: Resolve, *, double: bool) -> Truth:
    """What `[ ... ]` or `[[ ... ]]` comes to."""
    return _Test(resolve, words, double).whole() if len(words) < 100 else None


def arithmetic(text: str, resolve: Resolve) -> Truth:
    """What `(( ... ))` comes to."""
    number = _Sum(resolve, text).whole()
    return None if number is None else number != 0


def both(left: Truth, right: Truth) -> Truth:
    """Left and right."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: Truth, right: Truth) -> Truth:
    """Left or right."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def split(text: str) -> list[str]:
    """The words of a text as they are written."""
    words, at, start = [], 0, -1
    while at < len(text):
        mark = text[at]
        if mark in " \t\n":
            if start >= 0:
                words.append(text[start:at])
                start = -1
            at += 1
            continue
        start = at if start < 0 else start
        if mark == "\\":
            at += 2
        elif mark == "'":
            close = text.find("'", at + 1)
            at = len(text) if close < 0 else close + 1
        elif mark == '"':
            at = _double_end(text, at)
        elif mark in "$`":
            at = max(expansion_end(text, at), at + 1)
        else:
            at += 1
    if start >= 0:
        words.append(text[start:])
    return words


def _double_end(text: str, at: int) -> int:
    at += 1
    while at < len(text) and text[at] != '"':
        at = at + 2 if text[at] == "\\" else max(expansion_end(text, at), at + 1) if text[at] in "$`" else at + 1
    return at + 1


def matches(text: str, pattern: str, *, quoted: bool) -> bool:
    """Whether a shell pattern names a text."""
    if quoted:
        return text == pattern
    from fnmatch import fnmatchcase

    return fnmatchcase(text, pattern.replace("[^", "[!"))


def searched(pattern: str, text: str, flags: int = 0) -> Truth:
    """Whether a regular expression is found in a text; None for one that cannot be read."""
    try:
        return re.search(pattern.replace("[[:digit:]]", "[0-9]"), text, flags) is not None
    except (re.error, RecursionError, OverflowError):
        return None


class _Test:
    """The words of a test, read one after the other."""

    def __init__(self, resolve: Resolve, words: list[str], double: bool) -> None:
        self.resolve = resolve
        self.words = words
        self.double = double
        self.at = 0

    def whole(self) -> Truth:
        known = self._or()
        return known if self.at >= len(self.words) else None

    def _next(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def _or(self) -> Truth:
        known = self._and()
        while self._next() in ("||", "-o"):
            self.at += 1
            known = either(known, self._and())
        return known

    def _and(self) -> Truth:
        known = self._not()
        while self._next() in ("&&", "-a"):
            self.at += 1
            known = both(known, self._not())
        return known

    def _not(self) -> Truth:
        if self._next() == "!":
            self.at += 1
            known = self._not()
            return None if known is None else not known
        if self._next() in ("(", "\\("):
            self.at += 1
            known = self._or()
            self.at += 1
            return known
        return self._primary()

    def _primary(self) -> Truth:
        resolve = self.resolve
        word = self._next()
        self.at += 1
        if re.fullmatch(r"-[a-zA-Z]", word) and self._next() and self._next() not in ("&&", "||", "=", "==", "!="):
            operand = resolve(self._next())
            self.at += 1
            if operand is None:
                return None
            if word in ("-z", "-n"):
                return (not operand) is (word == "-z")
            if word in ("-x", "-e", "-f", "-d", "-r"):
                base = operand.rpartition("/")[2]
                if not operand or operand.startswith(_LINUX_PATHS) or ("/bin/" in operand and is_absent(base, NEWEST)):
                    return False
            return None
        operator = self._next()
        if operator not in ("=", "==", "!=", "=~", "<", ">", "\\<", "\\>", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"):
            operand = resolve(word)
            return None if operand is None else bool(operand)
        self.at += 1
        left, right = resolve(word), resolve(self._next())
        quoted = self._next()[:1] in ("'", '"') and self._next()[-1:] in ("'", '"')
        self.at += 1
        if left is None or right is None:
            return None
        if operator == "=~":
            return searched(right, left)
        if operator in ("=", "==", "!="):
            return matches(left, right, quoted=quoted or not self.double) is (operator != "!=")
        if operator in ("<", ">", "\\<", "\\>"):
            return left < right if operator.endswith("<") else left > right
        if not (re.fullmatch(r"-?\d+", left) and re.fullmatch(r"-?\d+", right)):
            return None
        return compare(int(left), operator, int(right))


def compare(left: int, operator: str, right: int) -> bool:
    """Two numbers compared."""
    return {
        "-eq": left == right, "==": left == right, "-ne": left != right, "!=": left != right,
        "-lt": left < right, "<": left < right, "-le": left <= right, "<=": left <= right,
        "-gt": left > right, ">": left > right, "-ge": left >= right, ">=": left >= right,
    }[operator]  # fmt: skip


_TOKEN = re.compile(r"\s*(\d+|\$\{[^{}]*\}|\$\w+|\$#|[A-Za-z_]\w*(?:\[\d+\])?|&&|\|\||[<>=!]=|[-+*/%<>!()])")
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


class _Sum:
    """An arithmetic expression, worked out as far as it is known."""

    def __init__(self, resolve: Resolve, text: str) -> None:
        self.resolve = resolve
        self.tokens: list[str] = []
        at = 0
        text = text.replace('"', "").strip()[:400]
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                self.tokens = ["?"]
                break
            self.tokens.append(found[1])
            at = found.end()
        self.at = 0

    def whole(self) -> int | None:
        known = self._level(0)
        return known if self.at >= len(self.tokens) else None

    def _level(self, level: int) -> int | None:
        if level == len(_LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self.at < len(self.tokens) and self.tokens[self.at] in _LEVELS[level]:
            operator = self.tokens[self.at]
            self.at += 1
            right = self._level(level + 1)
            left = _worked_out(left, operator, right)
        return left

    def _unary(self) -> int | None:
        word = self.tokens[self.at] if self.at < len(self.tokens) else "?"
        self.at += 1
        if word == "(" and self.at < 60:
            known = self._level(0)
            self.at += 1
            return known
        if word in ("!", "-") and self.at < 60:
            known = self._unary()
            return None if known is None else (int(not known) if word == "!" else -known)
        if word.isdigit():
            return int(word[:9])
        raw = word if word.startswith("$") else "${" + word + "}"
        text = self.resolve(raw)
        return int(text) if text is not None and re.fullmatch(r"\d{1,9}", text) else None


def _worked_out(left: int | None, operator: str, right: int | None) -> int | None:
    if operator in ("&&", "||"):
        sides = (None if left is None else bool(left)), (None if right is None else bool(right))
        known = both(*sides) if operator == "&&" else either(*sides)
        return None if known is None else int(known)
    if left is None or right is None:
        return None
    if operator in ("+", "-", "*"):
        return {"+": left + right, "-": left - right, "*": left * right}[operator]
    if operator in ("/", "%"):
        return None if right == 0 else left // right if operator == "/" else left % right
    return int(compare(left, operator, right))
