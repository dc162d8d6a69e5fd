"""A script, and every script inside it, each parsed once.

Texts are Latin-1 strings: a character is a byte, so that places in the tree are places in the text.
"""

import re
from bisect import bisect_right
from functools import cache
from itertools import islice
from time import process_time

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Tree

from guard.shell.masks import masked

MOST_NODES = 400_000
MOST_KEPT = 60_000
MOST_DEPTH = 250
MOST_OPEN = 1000
"""So many nodes of a script are looked at, so many of them judged, and so deep; so many
expansions may stay open. That something lies beyond is said."""

MOST_STAGES = 300
MOST_PIPES = 6000
"""So many commands of one pipeline, as far as it can be told without a parse, and so many pipes in all."""
_STAGE = re.compile(r"\|[|&]?|;|[^\s|&\\][ \t]*\n")

_SMALL = 8000
_TINY = 1000
_SECONDS = (0.6, 0.2, 0.1)
"""A script of fewer bytes is parsed without looking at the clock; a longer one, or what is left of it, in so much of
the processor's time; and after that, so much of it without a look."""

_KINDS = (
    *("command", "declaration_command", "unset_command", "test_command", "expansion", "simple_expansion"),
    *("variable_assignment", "file_redirect", "herestring_redirect", "heredoc_redirect", "case_statement"),
    *("function_definition", "ansi_c_string", "brace_expression", "concatenation", "process_substitution"),
    *("command_substitution", "arithmetic_expansion", "comment", "regex", "if_statement", "list"),
)
_MARKS = ("|&", "&>>", ";;", ";&", ";;&", "((")

DATA = ("comment", "string_content", "raw_string", "heredoc_content", "heredoc_body", "regex", "ansi_c_string")
"""Nodes whose text is no code."""


@cache
def _language() -> Language:
    return Language(tree_sitter_bash.language())


@cache
def _names() -> dict[int, str]:
    """The grammar's number of each kind of node that is kept, and the name under which it is."""
    language = _language()
    found: dict[int, str] = {65535: "ERROR"}
    for number in range(language.node_kind_count):
        kind, named = language.node_kind_for_id(number), language.node_kind_is_named(number)
        if named and kind in _KINDS:
            found[number] = kind or ""
        elif not named and kind in _MARKS:
            found[number] = "mark"
    return found


def _parsed(data: bytes) -> tuple[Tree, bool]:
    """The tree of a script, and whether it is that of all of it.

    What the grammar cannot read costs it time and memory in the square of how often it stumbles, and more at the end
    of a text that breaks off. So a script that it cannot get through in time is cut short, until it can.
    """
    parser = Parser(_language())
    if len(data) < _SMALL:
        return parser.parse(data), True
    piece = data
    for seconds in _SECONDS:
        tree, reached = _in_time(parser, piece, seconds)
        if tree is not None:
            return tree, piece is data
        half = min(reached, len(piece)) // 2 if piece is data else len(piece) // 8
        piece = data[: data.rfind(b"\n", 0, half) + 1 or half]
    return parser.parse(piece[:_TINY]), False


def _cut(text: str) -> int:
    """Up to where a text can be parsed at all: of much that stays open, and of long pipelines that break off, the
    grammar takes gigabytes."""
    cut = len(text)
    if text.count("${") - text.count("}") > MOST_OPEN:
        cut = next(islice((hit.start() for hit in re.finditer(r"\$\{", text)), MOST_OPEN, None), cut)
    if text.count("|") > MOST_STAGES:
        row = every = 0
        for hit in _STAGE.finditer(text, 0, cut):
            if hit[0] not in ("|", "|&"):
                row = 0
                continue
            row, every = row + 1, every + 1
            if row > MOST_STAGES or every > MOST_PIPES:
                return hit.start()
    return cut


def _in_time(parser: Parser, data: bytes, seconds: float) -> tuple[Tree | None, int]:
    """The tree of a text; None where there is none in so much of the processor's time; and how far it was read."""
    begun, reached = process_time(), 0

    def late(offset: int, _has_error: bool) -> bool:
        nonlocal reached
        reached = offset
        return process_time() - begun > seconds

    try:
        return parser.parse(lambda offset, _point: data[offset : offset + 65_536], progress_callback=late), reached
    except ValueError:  # it was told to stop
        parser.reset()
        return None, reached


def _nodes(tree: Tree) -> tuple[dict[str, list[Node]], bool]:
    """The nodes of a tree that are judged, by kind and in their order, and whether some were left out.

    A walk, and no query of the library's: that takes time in the square of a tree's breadth and depth.
    """
    names, found = _names(), {}  # type: tuple[dict[int, str], dict[str, list[Node]]]
    cursor = tree.walk()
    depth = seen = kept = 0
    limited = False
    while True:
        seen += 1
        node = cursor.node
        name = names.get(node.kind_id) if node is not None else None
        if name is not None and node is not None:
            found.setdefault(name, []).append(node)
            kept += 1
        if seen > MOST_NODES or kept > MOST_KEPT:
            return found, True
        if cursor.goto_first_child():
            depth += 1
            if depth <= MOST_DEPTH:
                continue
            limited = True
            cursor.goto_parent()
            depth -= 1
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return found, limited
            depth -= 1


class Unit:
    """A script as it was parsed.

    `text` is what it says. `places` are its characters' places in the text of `outer`, the unit that it is inside of;
    `node` is the node of `outer` that runs it. `shell` is its shell. `coprocs`, `bodies` and `fed`: what was taken out
    of the text that was parsed (see `masks`). `limited` says that it was too large to be looked at as a whole.
    """

    __slots__ = (
        *("_assigned", "_lines", "bodies", "coprocs", "fed", "limited", "node", "nodes", "outer", "places", "shell"),
        *("text", "tree"),
    )

    def __init__(
        self,
        text: str,
        shell: str,
        places: "list[int] | None" = None,
        outer: "Unit | None" = None,
        node: "Node | None" = None,
    ) -> None:
        self.text = text
        self.shell = shell
        self.places = places
        self.outer = outer
        self.node = node
        parsed = masked(text)
        self.coprocs, self.bodies, self.fed = parsed.coprocs, parsed.bodies, parsed.fed
        cut = _cut(parsed.text)
        parsed.text = parsed.text[:cut]
        self.tree, whole = _parsed(parsed.text.encode("latin-1"))
        self.nodes, limited = _nodes(self.tree)
        self.limited = limited or not whole or cut < len(text)
        self._lines: list[int] | None = None
        self._assigned: dict[str, list[Node]] | None = None

    @property
    def assigned(self) -> dict[str, list[Node]]:
        """The assignments, by the names of their variables."""
        if self._assigned is None:
            self._assigned = {}
            for node in self.all("variable_assignment"):
                name = node.child_by_field_name("name")
                if name is not None:
                    self._assigned.setdefault(self.of(name).partition("[")[0], []).append(node)
        return self._assigned

    @property
    def continues(self) -> bool:
        """Whether the shell around it runs it itself, so that options and names are those of that shell."""
        if self.outer is None or self.node is None:
            return False
        return (
            re.match(r"(?:builtin\s+|command\s+)?(?:eval|trap|source|\.)\s", self.outer.of(self.node)[:40]) is not None
        )

    def all(self, kind: str) -> list[Node]:
        """Every node of a kind, in their order."""
        return self.nodes.get(kind, [])

    def of(self, node: Node) -> str:
        """What a node says, as written, without the blanks that the grammar counts to an expansion in a string."""
        text = self.text[node.start_byte : node.end_byte]
        return text.lstrip() if text[:1].isspace() else text

    def begin(self, node: Node) -> int:
        """Where a node begins, such blanks left out."""
        at = node.start_byte
        while at < node.end_byte and self.text[at].isspace():
            at += 1
        return at

    def place(self, at: int) -> int:
        """Where a character of this unit stands in the outermost text."""
        if self.places is not None:
            at = self.places[min(at, len(self.places) - 1)] if self.places else 0
        return self.outer.place(at) if self.outer is not None else at

    def line_column(self, at: int) -> tuple[int, int]:
        """The line and the column, from 1, of a place in the outermost text."""
        if self.outer is not None:
            return self.outer.line_column(at)
        if self._lines is None:
            self._lines = [0, *(hit.end() for hit in re.finditer("\n", self.text))]
        return line_column(self.text, self._lines, at)

    def broken(self) -> int | None:
        """Where the first thing stands that the grammar cannot read; None where it read all."""
        if not self.tree.root_node.has_error:
            return None
        found = [node.start_byte for node in self.all("ERROR")]
        return min(found) if found else 0


def line_column(text: str, lines: list[int], at: int) -> tuple[int, int]:
    """The line and the column of a place, given where lines begin; a column is a character, not a byte."""
    line = bisect_right(lines, at)
    before = text[lines[line - 1] : at][-2000:]
    column = len(before) if before.isascii() else len(before.encode("latin-1").decode(errors="replace"))
    return line, at - lines[line - 1] - len(before) + column + 1


def ancestors(node: Node, most: int = 200) -> "list[Node]":
    """The nodes around a node, the nearest first."""
    found: list[Node] = []
    above = node.parent
    while above is not None and len(found) < most:
        found.append(above)
        above = above.parent
    return found
