"""What a look at a unit yields, before anything is said of its surroundings."""

from tree_sitter import Node

from guard.shell.units import Unit


class Hit:
    """Something that would be refused: `code` of the rule, `what` for messages, `fix`, where, and whether no check
    around it helps (`syntax`). `key` names the construct or the command. `assume` are texts whose values are known
    where it fails: `$#` is 0. `given` is the assignment that names the command, where a variable does."""

    __slots__ = ("assume", "at", "code", "fix", "given", "key", "loud", "node", "syntax", "unit", "what")

    def __init__(
        self,
        code: str,
        key: str,
        unit: Unit,
        node: Node,
        what: str,
        fix: str,
        at: int | None = None,
        *,
        syntax: bool = False,
        loud: bool = True,
        assume: "dict[str, str] | None" = None,
    ) -> None:
        self.code = code
        self.key = key
        self.unit = unit
        self.node = node
        self.what = what
        self.fix = fix
        self.at = unit.begin(node) if at is None else at
        self.syntax = syntax
        self.loud = loud
        self.assume = assume or {}
        self.given: Node | None = None
