"""What a rule found: where, what, why it matters, and what to do instead."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Finding:
    """One thing that a rule refuses.

    `path` is as git spells it, empty where no file is meant; `line` counts from 1, 0 where no line is meant; `commit`
    is the full id where a commit was judged, else empty. `why` is a sentence. `fix` is a command to paste, which no
    rule refuses, or where no command can help, a sentence. `unread` says that the rule could not judge at all.
    `column` counts from 1, 0 where none is meant. `passes` says why it refuses nothing, where it does not.
    """

    __slots__ = ("code", "column", "commit", "fix", "line", "message", "name", "passes", "path", "unread", "why")

    def __init__(self, path: str, message: str, fix: str = "", line: int = 0, why: str = "") -> None:
        self.path = path
        self.line = line
        self.message = message
        self.fix = fix
        self.why = why
        self.code = self.name = self.commit = ""  # the judge stamps them
        self.unread = False
        self.column = 0
        self.passes = ""

    @property
    def rank(self) -> tuple[str, int, str, str]:
        """The order in which findings are shown."""
        return self.path, self.line, self.code, self.message

    def text(self) -> str:
        """The finding as people read it."""
        column = f"{self.column}:" if self.column else ""
        place = f"{self.path}:{self.line or 1}:{column} " if self.path else ""
        commit = f"{self.commit[:12]} " if self.commit else ""
        lines = [f"{commit}{place}{self.code} {self.name}: {self.message}"]
        lines += [f"  {label}: {said}" for label, said in (("why", self.why), ("fix", self.fix)) if said]
        return "\n".join(line.replace("\n", "\\n") for line in lines)  # a path may hold one, and look like a finding

    def value(self) -> dict[str, object]:
        """The finding as `schemas/finding.schema.json` has it."""
        said = {key: getattr(self, key) for key in ("code", "name", "path", "line", "message", "why", "fix")}
        more = {"commit": self.commit, "column": self.column, "passes": self.passes}
        return {**said, **{key: value for key, value in more.items() if value}}


def unread(path: str, blob: str) -> Finding:
    """The finding for a blob that this clone does not have: what cannot be judged is refused."""
    finding = Finding(
        path,
        "its content is not in this clone, so it cannot be judged",
        f"git cat-file -e {blob}",
        why="a partial clone leaves contents out until git asks for them",
    )
    finding.unread = True
    return finding


def verdict(findings: "Sequence[Finding]", judged: int) -> dict[str, object]:
    """What was found in so many judged things, as `check --json` and the hooks print it."""
    return {"findings": [each.value() for each in findings], "judged": judged, "exit": exit_code(findings)}


def printable(text: str) -> str:
    """`text` without control characters: names in a repository are anybody's, and must not drive the terminal."""
    clean = "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
    return clean.encode(errors="replace").decode()


def exit_code(findings: "Iterable[Finding]") -> int:
    """0 for nothing found, 1 where a rule refuses, 2 where all that there is to say is that it could not be judged."""
    return min((2 if finding.unread else 1 for finding in findings), default=0)
