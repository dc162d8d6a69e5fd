"""The commands of a unit: each with its words, and those that other commands start as commands of their own."""

import re

from tree_sitter import Node

from guard.shell.units import Unit
from guard.shell.words import Word

_MOST_WORDS = 400
_MOST_NAMES = 50
_REDIRECTS = ("file_redirect", "herestring_redirect", "heredoc_redirect")

_VALUES = {
    "sudo": "ugpCrtDhTU",
    "doas": "uC",
    "env": "uSC",
    "exec": "a",
    "nice": "n",
    "ionice": "cnpPu",
    "chrt": "pTPD",
    "taskset": "p",
    "timeout": "sk",
    "gtimeout": "sk",
    "xargs": "IEnPLdsaJRS",
    "gxargs": "IEnPLdsa",
    "caffeinate": "tw",
    "stdbuf": "ioe",
    "time": "fo",
    "command": "",
    "builtin": "",
    "nohup": "",
    "setsid": "",
    "flock": "wE",
    "unbuffer": "",
    "eatmydata": "",
    "busybox": "",
}
"""Commands that run their operands as a command, and the letters of their options that are followed by a value."""

_VARIABLE = re.compile(r'"?\$\{?([A-Za-z_]\w*)(\[@\])?\}?"?')
_RUNS = re.compile(
    r"(?:^|[;&|{(!]|\b(?:if|then|do|else|until|while|time))\s*(?:eval\s+)?\"?\$(?:[@*]\"?|1\"?(?=\s+\"?\$))",
    re.MULTILINE,
)

_SKIPPED = {"timeout": 1, "gtimeout": 1, "flock": 1, "taskset": 1, "chrt": 1}
"""How many operands stand before the command."""


class Call:
    """A command that is run: its `name`, its words after the name, and the node it belongs to.

    `after` are the names of the commands that start it, outermost first. `given` is the assignment that says its name,
    where a variable stands in its place. `base` is the name without its folder.
    """

    __slots__ = ("after", "at", "base", "given", "name", "node", "unit", "words")

    def __init__(self, unit: Unit, node: Node, name: str, words: list[Word], at: int, after: tuple[str, ...]) -> None:
        self.unit = unit
        self.node = node
        self.name = name
        self.base = name.rpartition("/")[2]
        self.words = words
        self.at = at
        self.after = after
        self.given: Node | None = None

    def known(self) -> list[str]:
        """The words as texts; what is not known is no text that anything is equal to."""
        return [word.known for word in self.words]


def calls(unit: Unit) -> list[Call]:
    """Every command of a unit, in order."""
    found: list[Call] = []
    runners = _runners(unit)
    known: dict[str, Node | None] = {}
    for node in unit.all("command"):
        words = words_of(unit, node)
        if not words:
            continue
        if words[0].dynamic:
            _unwrap_given(unit, node, words, known, found)
            continue
        _unwrap(unit, node, words, (), found)
        skipped = runners.get(words[0].text)
        if skipped is not None and len(words) > 1 + skipped:
            _unwrap(unit, node, words[1 + skipped :], (words[0].text,), found)
    for kind in ("declaration_command", "unset_command"):
        for node in unit.all(kind):
            words = _joined(unit, [child for child in node.children if child.type not in _REDIRECTS])
            if words:
                found.append(Call(unit, node, words[0].text, words[1:], node.start_byte, ()))
    return sorted(found, key=lambda call: call.at)


def _unwrap_given(
    unit: Unit, node: Node, words: list[Word], known: "dict[str, Node | None]", found: list[Call]
) -> None:
    """The command that a variable or an array names which is assigned once, to words without expansions."""
    used = _VARIABLE.fullmatch(words[0].raw)
    if used is None:
        return
    name, whole = used[1], used[2] is not None
    if name not in known:
        known[name] = _only(unit, name) if len(known) < _MOST_NAMES else None
    assignment = known[name]
    value = assignment.child_by_field_name("value") if assignment is not None else None
    if value is None or (value.type == "array") is not whole:
        return
    said = [Word(unit.of(each), words[0].at) for each in (value.named_children if whole else [value])]
    if not said or any(word.dynamic for word in said):
        return
    if not whole and not words[0].raw.startswith('"'):
        said = [Word(text, words[0].at) for text in said[0].text.split()]
    before = len(found)
    if said and " " not in said[0].text:
        _unwrap(unit, node, [*said, *words[1:]], (), found)
    for call in found[before:]:
        call.given = assignment


def _only(unit: Unit, name: str) -> Node | None:
    """The one assignment of a variable; None where there are others, or something else sets it."""
    assigned = unit.assigned.get(name, [])
    value = assigned[0].child_by_field_name("value") if len(assigned) == 1 else None
    if value is None or value.end_byte - value.start_byte > 200:
        return None
    others = rf"\b(?:for|select)\s+{name}\b|\bread\b[^\n]*\b{name}\b|\$\{{{name}:?="
    return None if re.search(others, unit.text) else assigned[0]


def _runners(unit: Unit) -> "dict[str, int]":
    """The functions that run their arguments as a command, and how many they take off first."""
    found: dict[str, int] = {}
    for node in unit.all("function_definition"):
        name = node.child_by_field_name("name")
        text = unit.of(node)[:2000]
        if name is not None and _RUNS.search(text):
            shifts = re.findall(r"\bshift\b(?:[ \t]+(\d))?", text.split('"$@"')[0])
            found[unit.of(name)] = sum(int(number or 1) for number in shifts)
    return found


def words_of(unit: Unit, node: Node) -> list[Word]:
    """The words of a command node, the name first; assignments and redirections are none."""
    name = node.child_by_field_name("name")
    if name is None:
        return []
    return _joined(unit, [name, *node.children_by_field_name("argument")[:_MOST_WORDS], *_behind(node)])


def _behind(node: Node) -> list[Node]:
    """The words of a command that stand behind a redirection, which the grammar counts to that."""
    above = node.parent
    if above is None or above.type != "redirected_statement" or above.child_by_field_name("body") != node:
        return []
    targets = [
        each.children_by_field_name("destination")[1:] for each in above.children if each.type == "file_redirect"
    ]
    return [each for more in targets for each in more][:_MOST_WORDS]


def _joined(unit: Unit, nodes: list[Node]) -> list[Word]:
    words: list[Word] = []
    last = -1
    for child in nodes:
        start = child.start_byte
        if start == last and unit.text[start - 1 : start] not in " \t\n":
            previous = words.pop()  # the grammar cuts some words in two
            words.append(Word(unit.text[previous.at : child.end_byte], previous.at))
        else:
            words.append(Word(unit.of(child), start))
        last = child.end_byte
    return words


def _unwrap(unit: Unit, node: Node, words: list[Word], after: tuple[str, ...], found: list[Call]) -> None:
    first = words[0]
    if first.dynamic and first.text[:1] in ("$", "`"):
        return
    call = Call(unit, node, first.text, words[1:], first.at, after)
    found.append(call)
    name = call.base
    if len(after) > 8:
        return
    if name in ("find", "gfind"):
        for place, word in enumerate(words[:-1]):
            if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
                inner = words[place + 1 :]
                end = next((n for n, each in enumerate(inner) if each.text in (";", "+")), len(inner))
                if inner[:end]:
                    _unwrap(unit, node, inner[:end], (*after, name), found)
        return
    if name not in _VALUES:
        return
    inner = inner_words(name, words[1:])
    if inner:
        _unwrap(unit, node, inner, (*after, name), found)


def inner_words(name: str, words: list[Word]) -> list[Word]:
    """The command among the words of a command that starts others; none where it only asks."""
    values, skipped = _VALUES[name], _SKIPPED.get(name, 0)
    place = 0
    while place < len(words):
        text = words[place].text
        if text == "--":
            place += 1
            break
        if (
            name in ("env", "sudo", "doas")
            and "=" in text
            and not text.startswith("-")
            and "/" not in text.split("=")[0]
        ):
            place += 1
            continue
        if not text.startswith("-") or text == "-":
            break
        if name == "command" and text[1:2] in ("v", "V"):
            return []
        if name == "flock" and text in ("-c", "--command", "-u"):
            return []
        if name == "env" and text.startswith("-S"):
            return []
        letter = text[-1:]
        place += 2 if not text.startswith("--") and letter in values and _alone(text, values) else 1
    return words[place + skipped :]


def _alone(text: str, values: str) -> bool:
    """Whether the value of the last letter of an option stands in the next word."""
    return not any(letter in values for letter in text[1:-1])
