"""What conditions come to on a stock macOS with the bash of the target: True, False, None where it is not known."""

import re

from tree_sitter import Node

from guard.shell.bash_versions import Version
from guard.shell.expressions import Truth, arithmetic, both, either, matches, searched, split, test
from guard.shell.macos_commands import is_absent
from guard.shell.units import Unit
from guard.shell.words import Word, expansion_end, read

_THERE = frozenset(
    (
        *("sed", "awk", "grep", "find", "date", "stat", "perl", "sysctl", "sw_vers", "md5", "shasum", "pbcopy"),
        *("osascript", "jot", "xattr", "mdfind", "launchctl"),
    )
)
"""Commands that every macOS has."""
_GNU_ANSWERS = (
    "sed",
    "date",
    "stat",
    "readlink",
    "xargs",
    "cp",
    "mv",
    "ln",
    "ls",
    "head",
    "tail",
    "cut",
    "base64",
    "mktemp",
    "find",
)
"""Commands whose macOS form knows no --version."""
_MOST_DEPTH = 12


class Machine:
    """A stock macOS with the bash of the target, and what a file itself defines.

    `functions` are those of the file by name, `assume` texts of expansions whose values are given, and `failing` the
    nodes of commands that fail there.
    """

    def __init__(self, units: list[Unit], target: Version, macos: tuple[int, int], failing: set[int]) -> None:
        self.target = target
        self.macos = macos
        self.failing = failing
        self.functions: dict[str, list[tuple[Unit, Node]]] = {}
        self.values: dict[str, list[str]] = {}
        self.assume: dict[str, str] = {}
        for unit in units:
            for node in unit.all("function_definition"):
                name = node.child_by_field_name("name")
                if name is not None:
                    self.functions.setdefault(unit.of(name), []).append((unit, node))
            for node in unit.all("variable_assignment"):
                name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
                if name is not None and value is not None and value.end_byte - value.start_byte < 200:
                    self.values.setdefault(unit.of(name), []).append(unit.of(value))

    def last(self, unit: Unit, conditions: list[Node]) -> Truth:
        return self.value(unit, conditions[-1]) if conditions else None

    def value(self, unit: Unit, node: Node, depth: int = 0) -> Truth:
        """Whether a command succeeds."""
        if depth > _MOST_DEPTH:
            return None
        kind = node.type
        if node.id in self.failing:
            return False
        if kind == "redirected_statement":
            body = node.child_by_field_name("body")
            return None if body is None else self.value(unit, body, depth + 1)
        if kind == "negated_command":
            inner = self.value(unit, node.named_children[-1], depth + 1) if node.named_children else None
            return None if inner is None else not inner
        if kind == "list":
            return self._list_value(unit, node, depth)
        if kind == "pipeline":
            return self._pipeline_value(unit, node, depth)
        if kind == "test_command":
            raw = unit.of(node)
            if raw.startswith("(("):
                return arithmetic(raw[2:-2], self.resolve)
            double = raw.startswith("[[")
            return test(split(raw[2:-2] if double else raw[1:-1]), self.resolve, double=double)
        if kind == "compound_statement" and unit.text.startswith("((", node.start_byte):
            known = arithmetic(unit.of(node)[2:-2], self.resolve)
            turned = unit.text[max(0, node.start_byte - 8) : node.start_byte].rstrip(" \t").endswith("!")
            return known if known is None else known is not turned
        if kind in ("compound_statement", "subshell"):
            return self.value(unit, node.named_children[-1], depth + 1) if node.named_children else None
        if kind == "variable_assignment":
            value = node.child_by_field_name("value")
            text = unit.of(value) if value is not None else ""
            inner_text = _inside(text)
            return None if inner_text is None else self._asking(inner_text.split())
        if kind == "command":
            return self._command_value(unit, node, depth)
        return None

    def _list_value(self, unit: Unit, node: Node, depth: int) -> Truth:
        children = node.named_children
        if len(children) < 2:
            return None
        left, right = self.value(unit, children[0], depth + 1), self.value(unit, children[-1], depth + 1)
        return both(left, right) if any(child.type == "&&" for child in node.children) else either(left, right)

    def _pipeline_value(self, unit: Unit, node: Node, depth: int) -> Truth:
        text = unit.of(node)
        children = node.named_children
        if len(children) < 2:
            return None
        turned = text.startswith("!")
        text = text[1:].lstrip() if turned else text
        first, last = children[0], unit.of(children[-1])
        known: Truth = None
        if "grep" in last:
            pattern = next((word for word in split(last)[1:] if not word.startswith("-")), "")
            said = self.resolve(f"$({_bare(text.split('|')[0])})")
            if said is not None and pattern:
                flags = re.IGNORECASE if re.search(r"\s-\w*i", last) else 0
                known = searched(read(pattern)[0], said, flags)
            elif re.search(r"--version", text) and re.search(r"gnu|coreutils", last, re.IGNORECASE):
                known = False
        elif self.value(unit, first, depth + 1) is False and re.match(r"(?:read|cat)\b", last):
            known = None
        return None if known is None else known is not turned

    def _command_value(self, unit: Unit, node: Node, depth: int) -> Truth:
        name_node = node.child_by_field_name("name")
        if name_node is None:
            return None
        words = [unit.of(name_node), *(unit.of(each) for each in node.children_by_field_name("argument")[:50])]
        name = words[0]
        if name in (":", "true"):
            return True
        if name == "false":
            return False
        if name == "test":
            return test(words[1:], self.resolve, double=False)
        known = self._asking(words)
        if known is not None:
            return known
        if name in self.functions and len(self.functions[name]) == 1:
            its_unit, function = self.functions[name][0]
            body = function.child_by_field_name("body")
            if body is None:
                return None
            text = its_unit.of(body)
            if re.search(r"(?:command\s+-[vV]|\btype|\bwhich|\bhash)\b[^\n;]*\$\{?[1@*]", text):
                return self._there([read(word)[0] for word in words[1:]])
            if len(text) < 600 and body.named_children:
                return self.value(its_unit, body, depth + 1)
        elif re.search(r"(?:have|has|exists?|installed|available)", name) and len(words) == 2:
            return False if self._there([read(words[1])[0]]) is False else None
        return None

    def _asking(self, words: list[str]) -> Truth:
        """Whether a command that asks for another finds it; None for other commands."""
        words = [read(word)[0] for word in words if not re.match(r"\d*[<>&]", word)]
        if not words:
            return None
        if words[0] in ("command", "builtin") and words[1:2] and words[1] in ("type", "hash", "-v", "-V"):
            return self._there(words[2:])
        if words[0] in ("type", "which", "hash"):
            return self._there(words[1:])
        if words[0] in _GNU_ANSWERS and "--version" in words[1:]:
            return False
        return None

    def _there(self, names: list[str]) -> Truth:
        names = [name for name in names if not name.startswith("-")]
        if not names:
            return None
        known: Truth = True
        for name in names:
            base = name.rpartition("/")[2]
            if base in self.functions:
                known = both(known, True)
            elif is_absent(base, self.macos):
                return False
            else:
                known = both(known, True if base in _THERE else None)
        return known

    def resolve(self, raw: str, depth: int = 0) -> str | None:
        """What a word says on that machine; None where it cannot be known."""
        text, _, dynamic, _ = read(raw)
        if not dynamic:
            return text
        out, at = [], 0
        while at < len(text):
            if text[at] in "$`":
                end = max(expansion_end(text, at), at + 1)
                known = self._expansion(text[at:end], depth)
                if known is None:
                    return None
                out.append(known)
                at = end
            else:
                out.append(text[at])
                at += 1
        return "".join(out)

    def _expansion(self, raw: str, depth: int) -> str | None:
        if raw in self.assume:
            return self.assume[raw]
        inner = _inside(raw)
        if inner is not None:
            return self._output(inner)
        name = raw[1:] if not raw.startswith("${") else raw[2:-1]
        version = f"{self.target[0]}.{self.target[1]}.57(1)-release"
        if name in ("BASH_VERSINFO", "BASH_VERSINFO[0]"):
            return str(self.target[0])
        if name == "BASH_VERSINFO[1]":
            return str(self.target[1])
        name = re.sub(r":?-\d*\Z", "", name)
        if name in ("BASH_VERSINFO", "BASH_VERSINFO[0]"):
            return str(self.target[0])
        bare, mark, _ = re.match(r"(\w*)(:?-|%%?|:0:1\Z|,,|)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        known = {
            "BASH_VERSION": version,
            "OSTYPE": "darwin23",
            "RUNNER_OS": "macOS",
            "ZSH_VERSION": "",
            "BASH": "/bin/bash",
        }
        if bare in known:
            text: str | None = known[bare]
        elif bare in self.values and depth < 3 and len(self.values[bare]) == 1:
            value = self.values[bare][0]
            text = (
                self.resolve(value, depth + 1)
                if "uname" in value or "OSTYPE" in value or "BASH_VERS" in value or "command -v" in value
                else None
            )
        else:
            return None
        if text is None:
            return None
        if mark in ("%", "%%") and bare == "BASH_VERSION":
            return text.split(".")[0] if mark == "%%" else ".".join(text.split(".")[:2])
        if mark == ":0:1":
            return text[:1]
        return text if not mark or mark.endswith("-") else text.lower() if mark == ",," else None

    def _output(self, command: str) -> str | None:
        """What a command prints, where it is one of those that tell systems apart."""
        parts = [part.strip() for part in _bare(command).split("|")]
        words = split(parts[0])
        if words[:1] == ["uname"] and (len(words) == 1 or words[1] in ("-s", "--kernel-name")):
            lower = len(parts) > 1 and parts[1].startswith("tr ") and re.search(r"A-Z|upper", parts[1].split()[1])
            return "darwin" if lower else "Darwin" if len(parts) == 1 else None
        if words[:1] == ["uname"] and words[1:] == ["-a"]:
            return "Darwin mac.local 23.0.0 Darwin Kernel Version 23.0.0"
        if words[:1] == ["uname"] and words[1:] == ["-o"]:
            return "Darwin"
        if len(parts) == 1 and self._asking(words) is False:
            return ""
        return None

    def taken(self, unit: Unit, case: Node) -> Node | None:
        """The item of a case that is taken, where that is known; the case itself where none is."""
        value = case.child_by_field_name("value")
        text = self.resolve(unit.of(value)) if value is not None else None
        if text is None:
            return None
        for item in case.children:
            if item.type != "case_item":
                continue
            patterns = [Word(unit.of(each), 0) for each in item.children_by_field_name("value")]
            for pattern in patterns:
                if pattern.dynamic:
                    return None
                if matches(text, pattern.text, quoted=False):
                    return item
        return case


def condition(node: Node) -> tuple[list[Node], list[Node]]:
    """The conditions of an `if` or `elif`, and the statements of its branch."""
    conditions: list[Node] = []
    body: list[Node] = []
    then = False
    for child in node.children:
        if child.type == "then":
            then = True
        elif child.is_named and child.type not in ("elif_clause", "else_clause", "comment"):
            (body if then else conditions).append(child)
    return conditions, body


def _inside(raw: str) -> str | None:
    """The command of a substitution that is the whole of a word."""
    if raw.startswith('"') and raw.endswith('"'):
        raw = raw[1:-1]
    if raw.startswith("$(") and raw.endswith(")") and not raw.startswith("$(("):
        return raw[2:-1]
    return raw[1:-1] if raw.startswith("`") and raw.endswith("`") and len(raw) > 1 else None


def _bare(command: str) -> str:
    """A command without its redirections."""
    return re.sub(r"\s*(?:\d?>\s*/dev/null|2>&1|&>\s*/dev/null)", "", command).strip()
