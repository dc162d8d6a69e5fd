"""What never runs where it would fail.

Conditions are worked out as if on a stock macOS, with the bash that is the target: `command -v timeout` fails there,
`uname` says Darwin. What stands in a branch that is not taken, or after an exit that is, is guarded.
"""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.shell.bash_versions import Version
from guard.shell.conditions import Machine, condition
from guard.shell.expressions import Truth
from guard.shell.hits import Hit
from guard.shell.units import Unit

_LEAVING = ("exit", "exec", "return", "continue", "break")
_BLOCKS = ("program", "compound_statement", "subshell", "do_group", "else_clause", "elif_clause", "if_statement",
           "case_item", "command_substitution", "process_substitution")  # fmt: skip
_FALLBACKS = frozenset(
    (
        *("perl", "python", "python3", "ruby", "awk", "sysctl", "shasum", "md5", "openssl", "tail", "jot", "getconf"),
        *("node", "php", "brew"),
    )
)
_MOST_DEPTH = 12


class World:
    """The machine that a script is judged for, and which of its hits do harm there."""

    def __init__(self, units: list[Unit], target: Version, macos: tuple[int, int], hits: list[Hit]) -> None:
        failing = {hit.node.id for hit in hits if hit.loud and hit.code != "G303" and not hit.assume}
        self.machine = Machine(units, target, macos, failing)
        self.units = units
        self.commands: dict[str, list[tuple[Unit, Node]]] | None = None
        self._ends: dict[tuple[int, str, str], bool] = {}
        self._first: dict[tuple[int, str], int] = {}
        self._world = ""

    # --- is a hit guarded? ---------------------------------------------------------------------------------------

    def guarded(self, hit: Hit) -> bool:
        """Whether a hit never does harm where it would fail."""
        self.machine.assume = hit.assume
        self._world = " ".join(hit.assume)
        if hit.syntax:
            return self._unread(hit.unit, hit.node)
        if hit.given is not None and self._unreached(hit.unit, hit.given, None, 0):
            return True
        return self._unreached(hit.unit, hit.node, hit, 0)

    def _unread(self, unit: Unit, node: Node) -> bool:
        """Whether the shell leaves before it reads so far, or the text is read only where it is known."""
        top = node
        while top.parent is not None and top.parent.parent is not None:
            top = top.parent
        if top.parent is not None and self._left_before(unit, top.parent, top):
            return True
        return unit.outer is not None and unit.node is not None and self._unreached(unit.outer, unit.node, None, 0)

    def _unreached(self, unit: Unit, node: Node, hit: Hit | None, depth: int) -> bool:
        current = node
        inside = False
        for _ in range(200):
            above = current.parent
            if above is None:
                break
            kind = above.type
            if kind == "list" and self._in_list(unit, above, current, hit, inside):
                return True
            if kind in ("if_statement", "elif_clause") and self._in_if(unit, above, current, hit):
                return True
            if kind == "while_statement" and current.type == "do_group":
                condition = next((child for child in above.named_children if child.type != "do_group"), None)
                known = None if condition is None else self.machine.value(unit, condition)
                if known is (above.children[0].type == "until"):
                    return True
            if kind == "case_statement" and self._in_case(unit, above, current):
                return True
            if kind in _BLOCKS and self._left_before(unit, above, current):
                return True
            if kind == "function_definition" and self._never_called(unit, above, depth):
                return True
            if kind in ("command_substitution", "variable_assignment"):
                inside = True
            if kind == "command" and hit is not None and self._asked(unit, above, node):
                return True
            current = above
        if unit.outer is not None and unit.node is not None:
            return self._unreached(unit.outer, unit.node, hit, depth)
        return False

    def _asked(self, unit: Unit, command: Node, node: Node) -> bool:
        """Whether a node is an operand of a command that only asks for a name."""
        name = command.child_by_field_name("name")
        return name is not None and node is not command and unit.of(name) in ("type", "which", "hash")

    def _in_list(self, unit: Unit, above: Node, current: Node, hit: Hit | None, inside: bool) -> bool:
        children = [child for child in above.children if child.type != "comment"]
        if len(children) < 3:
            return False
        left, mark, right = children[0], children[1].type, children[2]
        if current == right:
            known = self.machine.value(unit, left)
            return (mark == "&&" and known is False) or (mark == "||" and known is True)
        return mark == "||" and hit is not None and self._falls_back(unit, left, right, hit, inside)

    def _falls_back(self, unit: Unit, left: Node, right: Node, hit: Hit, inside: bool) -> bool:
        if hit.code == "G301":
            silent = "/dev/null" in unit.of(left)
            return hit.loud and (hit.key == "shopt" or (silent and self.leaves(unit, right)))
        if not hit.loud or hit.code != "G302":
            return False
        if right.type in ("variable_assignment", "variable_assignments"):
            return True
        names = set(re.findall(r"[\w.-]+", unit.of(right)))
        if names & {hit.key, f"g{hit.key}", hit.key.removeprefix("g")} or names & _FALLBACKS:
            return True
        first = re.match(r"[\s({]*([\w.-]+)", unit.of(right))
        return (
            (inside or self._substituted(left))
            and first is not None
            and first[1] not in ("exit", "return", "true", "die", "fail")
        )

    @staticmethod
    def _substituted(node: Node) -> bool:
        above = node.parent
        for _ in range(6):
            if above is None:
                return False
            if above.type == "command_substitution":
                return True
            above = above.parent
        return False

    def _in_if(self, unit: Unit, above: Node, current: Node, hit: Hit | None) -> bool:
        """Whether the branch of an `if` that holds `current` is not taken, or it is a probe in the condition."""
        conditions, body = condition(above)
        if any(current == each for each in conditions):
            return hit is not None and hit.loud and hit.code != "G303" and "/dev/null" in unit.of(conditions[-1])
        known = self.machine.last(unit, conditions)
        if current.type in ("elif_clause", "else_clause"):
            if above.type == "if_statement":
                return known is True or self._earlier_taken(unit, above, current)
            return False
        return known is False and any(current == each for each in body)

    def _earlier_taken(self, unit: Unit, above: Node, current: Node) -> bool:
        for child in above.children:
            if child == current:
                return False
            if child.type == "elif_clause" and self.machine.last(unit, condition(child)[0]) is True:
                return True
        return False

    def _in_case(self, unit: Unit, above: Node, current: Node) -> bool:
        if current.type != "case_item":
            return False
        taken = self.machine.taken(unit, above)
        return taken is not None and taken != current

    def _never_called(self, unit: Unit, function: Node, depth: int) -> bool:
        """Whether a function is called only where it is guarded."""
        if depth > 3:
            return False
        name_node = function.child_by_field_name("name")
        if name_node is None:
            return False
        name = unit.of(name_node)
        if self.commands is None:
            self.commands = {}
            for each in self.units:
                for node in each.all("command"):
                    called = node.child_by_field_name("name")
                    if called is not None:
                        self.commands.setdefault(each.of(called), []).append((each, node))
        places = [
            (each, node)
            for each, node in self.commands.get(name, [])
            if each is not unit or not function.start_byte <= node.start_byte < function.end_byte
        ]
        return (
            bool(places)
            and len(places) < 50
            and all(self._unreached(each, node, None, depth + 1) for each, node in places)
        )

    def _left_before(self, unit: Unit, above: Node, current: Node) -> bool:
        """Whether one of the statements before this one leaves."""
        leaving = ("exit", "exec") if above.type == "program" else _LEAVING
        first = self._first.get((above.id, self._world))
        if first is None:
            first = next(
                (
                    child.start_byte
                    for child in above.named_children[:4000]
                    if child.type not in ("comment", "function_definition")
                    and self.leaves(unit, child, leaving=leaving)
                ),
                len(unit.text) + 1,
            )
            self._first[above.id, self._world] = first
        return first < current.start_byte

    # --- does a statement leave? -----------------------------------------------------------------------------

    def leaves(self, unit: Unit, node: Node, depth: int = 0, leaving: tuple[str, ...] = _LEAVING) -> bool:
        """Whether nothing after a statement runs."""
        key = node.id, leaving[-1], self._world
        if key not in self._ends:
            self._ends[key] = False
            self._ends[key] = self._leaves(unit, node, depth, leaving)
        return self._ends[key]

    def _leaves(self, unit: Unit, node: Node, depth: int, leaving: tuple[str, ...]) -> bool:
        kind = node.type
        if depth > _MOST_DEPTH:
            return False
        deeper = depth + 1
        if kind == "redirected_statement":
            body = node.child_by_field_name("body")
            return body is not None and self.leaves(unit, body, deeper, leaving)
        if kind == "command":
            name = node.child_by_field_name("name")
            said = unit.of(name) if name is not None else ""
            if said in leaving:
                return said != "exec" or bool(node.children_by_field_name("argument"))
            return any(
                self.leaves(each, body, deeper, ("exit", "exec"))
                for each, function in self.machine.functions.get(said, [])
                if (body := function.child_by_field_name("body")) is not None
            )
        if kind == "list":
            children = node.named_children
            if len(children) < 2:
                return False
            left, right = children[0], children[-1]
            if self.leaves(unit, left, deeper, leaving):
                return True
            known = self.machine.value(unit, left)
            asked = any(child.type == "&&" for child in node.children)
            return known is not None and known is asked and self.leaves(unit, right, deeper, leaving)
        if kind == "compound_statement":
            return any(self.leaves(unit, child, deeper, leaving) for child in node.named_children)
        if kind == "if_statement":
            return self._if_leaves(unit, node, deeper, leaving)
        if kind == "case_statement":
            taken = self.machine.taken(unit, node)
            return (
                taken is not None
                and taken != node
                and any(self.leaves(unit, each, deeper, leaving) for each in taken.named_children)
            )
        return False

    def _if_leaves(self, unit: Unit, node: Node, depth: int, leaving: tuple[str, ...]) -> bool:
        branches: list[tuple[Truth, list[Node]]] = []
        conditions, body = condition(node)
        branches.append((self.machine.last(unit, conditions), body))
        for child in node.children:
            if child.type == "elif_clause":
                conditions, body = condition(child)
                branches.append((self.machine.last(unit, conditions), body))
            elif child.type == "else_clause":
                branches.append((True, child.named_children))
        for known, body in branches:
            if known is False:
                continue
            ends = any(self.leaves(unit, each, depth, leaving) for each in body)
            if not ends:
                return False
            if known is True:
                return True
        return False


def functions_of(units: list[Unit]) -> Iterator[str]:
    """The names of functions and aliases that a file defines."""
    for unit in units:
        for node in unit.all("function_definition"):
            name = node.child_by_field_name("name")
            if name is not None:
                yield unit.of(name)
        for node in unit.all("command"):
            name = node.child_by_field_name("name")
            if name is not None and unit.of(name) == "alias":
                for word in node.children_by_field_name("argument"):
                    yield unit.of(word).split("=")[0]
