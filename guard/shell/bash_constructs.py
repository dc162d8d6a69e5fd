"""G301: constructs that show in the tokens of a script."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.shell.bash_builtins import DECLARES, constructs, options
from guard.shell.bash_versions import CONSTRUCTS, SETTINGS, SHOPT_INSTEAD, VARIABLES, Version, said
from guard.shell.calls import Call
from guard.shell.hits import Hit
from guard.shell.units import DATA, Unit, ancestors
from guard.shell.words import closing, expansion_end, unquoted

_NAME = re.compile(r"[A-Za-z_]\w*|\d+|[@*#?$!-]", re.ASCII)
_TRANSFORMS = {
    "Q": "quote",
    **dict.fromkeys("EPAa", "transform"),
    **dict.fromkeys("UuL", "transform-case"),
    "K": "transform-pairs",
    "k": "transform-words",
}
_CASES = {",": "lower", "^": "upper", "~": "toggle"}
_UNARY = re.compile(r"(?:\[\[?|\(|!|&&|\|\||\s-[ao])\s+-([vR])\s+(?=\S)")
_RIGHT = re.compile(r"(?:==?|!=)\s*[^\s()\]]*[@!?*+]\(")
_NEGATIVE = re.compile(r"\s*(?:\$\(\(\s*)?-\s*[\w$(]")
_BRACES = re.compile(
    r"(?<![$\\])\{(-?\w+|\$\w+|\$\{\w+\})\.\.(-?\w+|\$[\w#@]+|\$\{[^{}]*\}|\$\([^{}]*\))(?:\.\.(-?\d+|\$\w+|\$\{\w+\}))?\}"
)
_PADDED = re.compile(r"-?0\d+\Z")
_NUMBER = re.compile(r"-?\d+\Z")
_WHOLE = ("command", "for_statement", "declaration_command", "command_substitution", "subshell", "do_group")
"""Nodes that are commands: what stands around them says nothing of their words."""


class Expansion:
    """What stands in `${...}`: an indirection or length mark, a name, a subscript, and the operator with the rest."""

    __slots__ = ("mark", "name", "rest", "subscript")

    def __init__(self, raw: str) -> None:
        at = 2
        self.mark = ""
        if raw[2:3] in ("!", "#") and _NAME.match(raw, 3) and raw[3:4] not in ("#", "?", "-", "$", "!"):
            self.mark = raw[2]
            at = 3
        name = _NAME.match(raw, at)
        self.name = name[0] if name else ""
        at = name.end() if name else at
        self.subscript = None
        if raw[at : at + 1] == "[" and name:
            end = closing(raw, at, "[", "]")
            self.subscript = raw[at + 1 : end - 1]
            at = end
        self.rest = raw[at:-1] if raw.endswith("}") else raw[at:]

    @property
    def has_default(self) -> bool:
        """Whether the value is replaced where there is none, or asked for whether it is there."""
        return self.rest.startswith(("-", "+", "=", "?", ":-", ":+", ":=", ":?"))


def expansion_text(unit: Unit, node: Node) -> str:
    """What an expansion says: as the shell reads it where the grammar lost its way."""
    raw = unit.of(node)
    if raw.endswith("}") and not node.has_error:
        return raw
    begin = unit.begin(node)
    near = unit.text[begin : begin + 500]
    return near[: expansion_end(near, 0)]


class Finder:
    """Looks at one unit."""

    def __init__(self, unit: Unit, calls: list[Call], target: Version) -> None:
        self.unit = unit
        self.calls = calls
        self.target = target
        self.assigned = {_assigned_name(unit.of(node)) for node in unit.all("variable_assignment")}
        self.assoc: set[str] = set()
        for call in calls:
            if call.name in DECLARES and any(word.text.startswith("-") and "A" in word.text for word in call.words):
                self.assoc |= {
                    re.split(r"[=+\[]", word.text)[0] for word in call.words if not word.text.startswith("-")
                }

    def hits(self) -> Iterator[Hit]:
        """Every construct that is newer than the target."""
        for hit in self._all():
            if hit is not None:
                yield hit

    def _hit(self, key: str, node: Node, at: int | None = None) -> Hit | None:
        construct = CONSTRUCTS[key]
        if construct.since <= self.target:
            return None
        return Hit(
            "G301",
            key,
            self.unit,
            node,
            said(construct.name, construct.since, construct.older),
            construct.instead,
            at,
            syntax=construct.syntax,
        )

    def _all(self) -> Iterator[Hit | None]:
        unit = self.unit
        for node in unit.all("expansion"):
            yield from self._expansion(node)
        for node in unit.all("simple_expansion"):
            name = unit.of(node)[1:]
            if name in VARIABLES:
                yield self._variable(name, node)
        for node in unit.all("mark"):
            yield from self._mark(node)
        for node in unit.all("test_command"):
            yield from self._test(node)
        for node in unit.all("variable_assignment"):
            yield from self._assignment(node)
        for kind in ("brace_expression", "concatenation"):
            for node in unit.all(kind):
                yield from self._braces(node)
        for kind in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
            for node in unit.all(kind):
                before = unit.text[max(0, node.start_byte - 40) : node.start_byte]
                if before.endswith("}") and re.search(r"(?<![$\w])\{[A-Za-z_]\w*(?:\[[^\]]*\])?\}\Z", before):
                    yield self._hit("descriptor", node, node.start_byte)
        for node in unit.all("ansi_c_string"):
            text = unit.of(node).replace("\\\\", "")
            if "\\u" in text:
                yield self._hit("ansi-unicode", node)
            elif "\\U" in text:
                yield self._hit("ansi-unicode-long", node)
        for node in unit.all("herestring_redirect"):
            yield self._here_string(node)
        for node in unit.all("arithmetic_expansion"):
            yield from self._arithmetic(node)
        for node in unit.all("command_substitution"):
            if unit.text.startswith("${", unit.begin(node)):
                yield self._hit("command-value", node)
        for node in unit.all("function_definition"):
            yield from self._function(node)
        if unit.shell == "sh":
            for node in unit.all("process_substitution"):
                yield self._hit("posix-process", node)
        yield from self._in_substitutions()
        for place in unit.coprocs:
            covering = unit.tree.root_node.descendant_for_byte_range(place, place + 1)
            if covering is not None and covering.type not in DATA:
                yield self._hit("coproc", covering, place)
        for call in self.calls:
            yield from self._call(call)

    # --- expansions ----------------------------------------------------------------------------------------------

    def _expansion(self, node: Node) -> Iterator[Hit | None]:
        raw = expansion_text(self.unit, node)
        if not raw.startswith("${"):
            return  # the grammar lost its way
        if raw[2:3] in (" ", "\t", "\n", "|"):
            yield self._hit("command-value", node)
            return
        it = Expansion(raw)
        rest = it.rest
        if rest:
            if rest[0] in _CASES:
                yield self._hit(_CASES[rest[0]], node)
            elif rest[0] == "@" and rest[1:] in _TRANSFORMS:
                yield self._hit(_TRANSFORMS[rest[1:]], node)
            elif rest[0] == ":" and rest[1:2] not in ("-", "=", "+", "?"):
                length = _length(rest[1:])
                if it.name not in ("@", "*") and it.subscript not in ("@", "*") and _NEGATIVE.match(length):
                    yield self._hit("negative-length", node)
            elif rest[0] == "/":
                yield from self._replacement(node, rest)
        if it.subscript is not None and _NEGATIVE.match(it.subscript) and it.name not in self.assoc:
            yield self._hit("negative-subscript", node)
        if it.name in VARIABLES and not it.has_default:
            yield self._variable(it.name, node)

    def _replacement(self, node: Node, rest: str) -> Iterator[Hit | None]:
        parts = _parts(rest[2:] if rest[1:2] in ("/", "#", "%") else rest[1:], "/")
        if len(parts) < 2:
            return
        text = "/".join(parts[1:])
        plain = _without_expansions(text)
        within = node.parent is not None and node.parent.type == "string"
        if within and re.search(r"(?<!\\)(?:\"|'[^']*')", plain):
            yield self._hit("replacement-quotes", node)
        bare = unquoted(text)
        if "&" in bare and not re.search(r"&\w+;|&#", text):
            yield self._hit("replacement-match", node)

    def _variable(self, name: str, node: Node) -> Hit | None:
        since, instead = VARIABLES[name]
        if since <= self.target or name in self.assigned:
            return None
        return Hit("G301", name, self.unit, node, said(f"${name}", since, "it is empty"), instead)

    # --- marks and tests -----------------------------------------------------------------------------------------

    def _mark(self, node: Node) -> Iterator[Hit | None]:
        kind = node.type
        if kind == "|&":
            yield self._hit("pipe-both", node)
        elif kind == "&>>":
            yield self._hit("append-both", node)
        elif kind == "((":
            parent = node.parent
            if parent is not None:
                yield from self._names_in(parent)
        elif self.unit.text.startswith((";&", ";;&"), node.start_byte):
            yield self._hit("fall-through", node)

    def _names_in(self, node: Node) -> Iterator[Hit | None]:
        raw = self.unit.of(node)
        for name in re.findall(r"(?<![\w$}{])[A-Z][A-Z_0-9]+", raw[:400]):
            if name in VARIABLES:
                yield self._variable(name, node)

    def _test(self, node: Node) -> Iterator[Hit | None]:
        raw = self.unit.of(node)
        if "-v" not in raw and "-R" not in raw and "(" not in raw:
            return
        bare = unquoted(raw)
        double = raw.startswith("[[")
        for found in _UNARY.finditer(raw):
            mark = found.end(1) - 1
            if bare[mark] != raw[mark]:
                continue
            operand = re.match(r"\S+", raw[found.end() :])
            text = operand[0] if operand else "]"
            if text in ("]", "]]", "=", "==", "!="):
                continue
            key = "test-nameref" if found[1] == "R" else "test-element" if "[" in text else "test-variable"
            yield self._hit(key if double else f"{key}-plain", node, node.start_byte + mark - 1)
        found_pattern = _RIGHT.search(bare) if double else None
        if found_pattern and not self._extglob(node.start_byte):
            yield self._hit("right-extglob", node, node.start_byte + found_pattern.start())

    def _extglob(self, before: int) -> bool:
        return (
            any(
                call.name == "shopt"
                and call.at < before
                and "extglob" in call.known()
                and "-s" in "".join(call.known())
                for call in self.calls
            )
            or self.unit.continues
        )

    # --- assignments, braces, here-strings -----------------------------------------------------------------------

    def _assignment(self, node: Node) -> Iterator[Hit | None]:
        raw = self.unit.of(node)
        name = _assigned_name(raw)
        if raw.startswith(f"{name}[") and name not in self.assoc:
            subscript = raw[len(name) + 1 : closing(raw, len(name), "[", "]") - 1]
            if _NEGATIVE.match(subscript):
                yield self._hit("negative-assign", node)
        if name in SETTINGS:
            since, instead = VARIABLES[name]
            if since > self.target:
                yield Hit("G301", name, self.unit, node, said(f"setting {name}", since, "it does nothing"), instead)
        if name == "PROMPT_COMMAND" and re.match(r"\w+\+?=\(", raw):
            yield self._hit("variable-array", node)

    def _braces(self, node: Node) -> Iterator[Hit | None]:
        raw = self.unit.of(node)
        if ".." not in raw or (node.parent is not None and node.parent.type in ("concatenation", "brace_expression")):
            return
        bare = unquoted(raw)
        for found in _BRACES.finditer(raw):
            if bare[found.start()] != "{":
                continue
            first, last, step = found.groups()
            around = [node, *ancestors(node, 6)]
            kinds = [each.type for each in around]
            ends = next((place for place, kind in enumerate(kinds) if kind in _WHOLE), len(kinds))
            kinds = kinds[:ends]
            if any(
                kind
                in ("test_command", "variable_assignment", "heredoc_body", "string", "case_item", "expansion", "array")
                and not (kind == "variable_assignment" and "array" in kinds[: kinds.index(kind)])
                and kind != "array"
                for kind in kinds
            ):
                continue
            if "$" in first + last + (step or ""):
                if not self._evaluated(around):
                    yield self._hit("brace-variable", node, node.start_byte + found.start())
            elif step:
                yield self._hit(
                    "brace-step-back" if step.startswith("-") else "brace-step", node, node.start_byte + found.start()
                )
            elif (_PADDED.match(first) or _PADDED.match(last)) and _NUMBER.match(first) and _NUMBER.match(last):
                yield self._hit("brace-padding", node, node.start_byte + found.start())

    def _evaluated(self, around: list[Node]) -> bool:
        unit = self.unit
        node = next((each for each in around if each.type == "command"), None)
        if unit.outer is not None and unit.node is not None and unit.outer.of(unit.node).startswith("eval"):
            return True
        name = node.child_by_field_name("name") if node is not None else None
        return name is not None and unit.of(name) == "eval"

    def _here_string(self, node: Node) -> Hit | None:
        children = node.named_children
        if not children:
            return None
        word = children[-1]
        parts = word.children if word.type == "concatenation" else [word]
        if not any(part.type in ("simple_expansion", "expansion", "command_substitution") for part in parts):
            return None
        if self.unit.of(word) in ("$#", "$?", "$$", "$!"):
            return None
        parent = node.parent
        command = self.unit.of(parent) if parent is not None else ""
        if re.match(r"(?:while\s+)?(?:IFS=\S*\s+)?read\b", command):
            return None
        return self._hit("here-string-split", node)

    def _arithmetic(self, node: Node) -> Iterator[Hit | None]:
        raw = self.unit.of(node)
        if '"' in _without_expansions(raw[3:]):
            yield self._hit("arithmetic-quotes", node)
        yield from self._names_in(node)

    def _function(self, node: Node) -> Iterator[Hit | None]:
        name = node.child_by_field_name("name")
        text = self.unit.of(name) if name is not None else ""
        if text == "command_not_found_handle":
            yield self._hit("not-found", node)
        if self.unit.shell == "sh" and "-" in text:
            yield self._hit("dashed-function", node)

    # --- what $( ) of an older bash cannot hold ------------------------------------------------------------------

    def _in_substitutions(self) -> Iterator[Hit | None]:
        for node in self.unit.all("case_statement"):
            items = [child for child in node.children if child.type == "case_item"]
            bare = [item for item in items if item.children and item.children[0].type != "("]
            if bare and self._substitution(node) is not None:
                yield self._hit("case-in-substitution", node, bare[0].start_byte)
        for node in self.unit.all("heredoc_redirect"):
            body = next((child for child in node.children if child.type == "heredoc_body"), None)
            if body is not None and self._substitution(node) is not None and _unbalanced(self.unit.of(body)):
                yield self._hit("here-document-in-substitution", node)
        for node in self.unit.all("comment"):
            text = self.unit.of(node)
            if not any(mark in text for mark in "'\"`()"):
                continue
            around = self._substitution(node)
            if (
                around is not None
                and around.parent is not None
                and around.parent.type == "string"
                and _unbalanced(text)
            ):
                yield self._hit("comment-in-substitution", node)

    def _substitution(self, node: Node) -> Node | None:
        for above in ancestors(node):
            if above.type == "command_substitution":
                return above if self.unit.text.startswith("$(", self.unit.begin(above)) else None
        return None

    # --- commands ------------------------------------------------------------------------------------------------

    def _call(self, call: Call) -> Iterator[Hit | None]:
        if call.given is not None or (call.after and call.after[-1] not in ("command", "builtin", "exec", "time")):
            return  # another program starts it: then it is no builtin
        for key, at in constructs(call, self.assoc):
            yield self._hit(key, call.node, at)
        for what, name in options(call, self.target):
            yield Hit("G301", "shopt", self.unit, call.node, what, SHOPT_INSTEAD.get(name, "do without it"), call.at)


def _assigned_name(raw: str) -> str:
    found = re.match(r"\w+", raw)
    return found[0] if found else ""


def _parts(text: str, mark: str) -> list[str]:
    """A text cut at a mark that is neither quoted, escaped, nor inside an expansion or brackets."""
    parts, at, last, depth = [], 0, 0, 0
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 2
            continue
        if character in "$`":
            at = max(expansion_end(text, at), at + 1)
            continue
        if character in "'\"":
            close = text.find(character, at + 1)
            at = (close if close >= 0 else at) + 1
            continue
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == mark and depth <= 0:
            parts.append(text[last:at])
            last = at + 1
        at += 1
    return [*parts, text[last:]]


def _length(text: str) -> str:
    """The length in `offset:length`; a colon that belongs to a ? of the offset does not count."""
    parts = _parts(text, ":")
    asked = parts[0].count("?") if parts else 0
    return parts[1 + asked] if len(parts) > 1 + asked else ""


def _without_expansions(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] in "$`":
            at = max(expansion_end(text, at), at + 1)
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _unbalanced(text: str) -> bool:
    """Whether a reader that knows quotes and brackets, but no comments and no here-documents, loses its way."""
    at, depth = 0, 0
    while at < len(text):
        mark = text[at]
        if mark == "\\":
            at += 2
            continue
        if mark in "'\"`":
            at = text.find(mark, at + 1)
            if at < 0:
                return True
        elif mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            if depth < 0:
                return True
        at += 1
    return depth != 0
