"""G301: what shows only when the values are followed: `set -u` with an empty array, `set -e` with a failing test."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.shell.bash_constructs import Expansion
from guard.shell.bash_versions import CONSTRUCTS, Version, said
from guard.shell.calls import Call
from guard.shell.hits import Hit
from guard.shell.units import Unit, ancestors

_BRANCHES = (
    *("if_statement", "elif_clause", "else_clause", "case_item", "while_statement", "for_statement", "list"),
    *("c_style_for_statement", "function_definition", "subshell", "command_substitution", "pipeline"),
)


_BODIES = ("program", "do_group", "compound_statement")
_COMPARED = re.compile(r"\(\([^=]*(?:[<>]=?|[=!]=)[^=]*\)\)")


class Switch:
    """Where `set` turns an option on and off."""

    def __init__(self, calls: list[Call], letter: str, name: str, at_first: bool) -> None:
        self.events = [(-1, at_first)]
        for call in calls:
            if call.name != "set" or call.after:
                continue
            words = call.known()
            for place, word in enumerate(words):
                if re.match(r"[-+][A-Za-z]+\Z", word):
                    named = word.endswith("o") and words[place + 1 : place + 2] == [name]
                    if letter in word[1:].rstrip("o") or named:
                        self.events.append((call.at, word[0] == "-"))
                elif word in ("--", "-"):
                    break

    def on(self, at: int) -> bool:
        """Whether the option is on at a place."""
        state = False
        for place, value in self.events:
            if place > at:
                break
            state = value
        return state

    @property
    def ever(self) -> bool:
        """Whether it is on anywhere."""
        return any(value for _, value in self.events)


def hits(unit: Unit, calls: list[Call], target: Version, options: str) -> Iterator[Hit]:
    """What fails by the values that it meets."""
    nounset = Switch(calls, "u", "nounset", "u" in options.replace("nounset", "u"))
    errexit = Switch(calls, "e", "errexit", "e" in options)
    if nounset.ever and target < (4, 4):
        yield from _unset(unit, calls, nounset, target)
    if errexit.ever and target < (4, 1):
        yield from _tests(unit, errexit)


def _hit(key: str, unit: Unit, node: Node, assume: dict[str, str] | None = None) -> Hit:
    construct = CONSTRUCTS[key]
    what = said(construct.name, construct.since, construct.older)
    return Hit("G301", key, unit, node, what, construct.instead, loud=False, assume=assume)


# --- set -u ------------------------------------------------------------------------------------------------------


class _Event:
    """Something that gives an array a state: `empty`, `filled`, `added` or `unknown`, at a place."""

    def __init__(self, at: int, state: str, node: Node, arguments: bool = False) -> None:
        self.at = at
        self.state = state
        self.node = node
        self.arguments = arguments


def _unset(unit: Unit, calls: list[Call], nounset: Switch, target: Version) -> Iterator[Hit]:
    events: dict[str, list[_Event]] | None = None
    for node in unit.all("expansion"):
        raw = unit.of(node)
        if raw in ("${@}", "${*}"):
            if nounset.on(node.start_byte) and target < (4, 0):
                yield _hit("braced-arguments", unit, node, {"$#": "0", "${#}": "0"})
            continue
        if "[@]" not in raw and "[*]" not in raw:
            continue
        it = Expansion(raw)
        if it.mark or it.subscript not in ("@", "*") or it.has_default or not nounset.on(node.start_byte):
            continue
        if events is None:
            events = _events(unit, calls)
        its_events = events.get(it.name)
        if not its_events or _replaced(unit, node, it.name):
            continue
        state = _state(its_events, node)
        if state is None:
            continue
        name = it.name
        assume = {f"${{#{name}[@]}}": "0", f"${{#{name}[*]}}": "0", f"${{{name}[*]}}": "", f"${{{name}[@]}}": "",
                  f"${{{name}[0]:-}}": "", f"${{{name}[*]:-}}": "", f"${{{name}[@]:-}}": ""}  # fmt: skip
        if state.arguments:
            assume |= {"$#": "0", "${#}": "0", "$1": "", "${1:-}": "", "${1-}": ""}
        hit = _hit("empty-array", unit, node, assume)
        hit.fix = f'${{{name}[@]+"${{{name}[@]}}"}}' if not it.rest else f"if (( ${{#{name}[@]}} )); then ... fi"
        yield hit


def _events(unit: Unit, calls: list[Call]) -> dict[str, list[_Event]]:
    found: dict[str, list[_Event]] = {}
    for node in unit.all("variable_assignment"):
        raw = unit.of(node)
        match = re.match(r"(\w+)(\[[^\]]*\])?(\+?)=(\(?)", raw)
        if match is None:
            continue
        name, subscript, plus, bracket = match.groups()
        arguments = False
        if subscript:
            state = "added"
        elif not bracket:
            if name not in found:
                continue
            state = "unknown"
        else:
            inner = raw[match.end() :].rstrip().removesuffix(")").strip()
            inner = re.sub(r"(?m)(?:^|\s)#[^\n]*", "", inner).strip()
            if not inner:
                state = "added nothing" if plus else "empty"
            elif inner in ('"$@"', "$@", '"${@}"'):
                state, arguments = ("added nothing", False) if plus else ("empty", True)
            elif not plus:
                state = "filled" if _surely(inner) else "unknown"
            else:
                state = "added" if _surely(inner) else "added nothing"
        if state != "added nothing":
            found.setdefault(name, []).append(_Event(node.start_byte, state, node, arguments))
    for call in calls:
        if call.name in ("declare", "local", "typeset"):
            flags = "".join(word.text[1:] for word in call.words if word.text.startswith("-"))
            if "a" in flags:
                for word in call.words:
                    if re.fullmatch(r"\w+", word.text):
                        found.setdefault(word.text, []).append(_Event(word.at, "empty", call.node))
        elif call.name in ("read", "mapfile", "readarray", "eval"):
            for word in call.words:
                if re.fullmatch(r"\w+", word.text):
                    found.setdefault(word.text, []).append(_Event(call.at, "unknown", call.node))
    for its in found.values():
        its.sort(key=lambda event: event.at)
    return found


def _surely(inner: str) -> bool:
    """Whether a list of words has at least one for sure."""
    rest = re.sub(r'"\$\{?[@*]\}?"|"\$\{!?\w+\[[@*]\][^"}]*\}"|\$\{!?\w+\[[@*]\][^}]*\}', "", inner)
    if re.fullmatch(r"\$\([\s\S]*\)|`[\s\S]*`", rest.strip()):
        return False
    return bool(rest.strip())


def _state(events: list[_Event], use: Node) -> _Event | None:
    """The event after which an array may be empty where it is used; None where it is not, or unknown."""
    around = {node.id for node in ancestors(use)}
    current: _Event | None = None
    for event in events:
        if event.at > use.start_byte:
            break
        scopes = [node for node in ancestors(event.node) if node.type in _BRANCHES]
        elsewhere = any(node.id not in around for node in scopes)
        if event.state == "empty":
            functions = [node for node in scopes if node.type == "function_definition"]
            if not any(node.id not in around for node in functions):
                current = event
        elif event.state == "unknown" or not elsewhere:
            current = None
    return current


def _replaced(unit: Unit, node: Node, name: str) -> bool:
    """Whether a use stands inside `${a[@]+...}` of the same array."""
    for above in ancestors(node, 8):
        if above.type == "expansion":
            outer = Expansion(unit.of(above))
            if outer.name == name and outer.has_default:
                return True
    return False


# --- set -e ------------------------------------------------------------------------------------------------------


def _tests(unit: Unit, errexit: Switch) -> Iterator[Hit]:
    sums = [node.parent for node in unit.all("mark") if node.type == "((" and node.parent is not None]
    compared = [node for node in sums if _COMPARED.fullmatch(unit.of(node))]
    doubled = [node for node in unit.all("test_command") if unit.text.startswith("[[", node.start_byte)]
    for node in (*doubled, *compared):
        parent = node.parent
        if parent is None or parent.type not in _BODIES or not errexit.on(node.start_byte):
            continue
        following = node.next_named_sibling
        while following is not None and following.type == "comment":
            following = following.next_named_sibling
        if following is not None:
            yield _hit("errexit-test", unit, node)
