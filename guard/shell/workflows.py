"""The `run:` blocks of GitHub workflows and actions, read by lines and indentation: a workflow is simple YAML."""

import re

_LINE = re.compile(r"""( *)((?:-(?: +|\Z))*)(?:(['"]?)([\w.-]+)\3\s*:(?=\s|\Z))?(.*)""")
_BLOCK = re.compile(r"([|>])[+-]?\d?[+-]?\s*(?:#.*)?\Z")
_PROPERTIES = re.compile(r"(?:[&!][^\s'\"]*[ ]+){1,9}")
_QUOTED = {"'": re.compile(r"'(?:[^']|'')*'(?!')"), '"': re.compile(r'"(?:[^"\\]|\\.)*"')}
_ESCAPE = {"'": re.compile("'(')"), '"': re.compile(r"\\(.)")}
_SAID = {"n": "\n", "t": "\t", "r": "\r"}
_MOST_LINES = 100
"""Of what is quoted."""
_MOST_LETTERS = 2000
"""Of a condition, so much is read."""
MOST_BLOCKS = 600
"""So many blocks of one file are judged."""
_COMMENT = re.compile(r"(?:\A|\s)(#.*)\Z")


class Block:
    """One `run:`: its text, where each character stands in the file, its shell and whether that is one of its own,
    whether it may run on macOS, and the comment that stands behind it."""

    __slots__ = ("comment", "job", "macos", "own", "places", "shell", "text")

    def __init__(self, job: str, text: str, places: list[int], comment: str) -> None:
        self.job = job
        self.text = text
        self.places = places
        self.comment = comment
        self.shell = ""
        self.macos = False
        self.own = False


class _Step:
    """One element of a list: what it says of its shell and its condition, and its block."""

    def __init__(self) -> None:
        self.shell = ""
        self.condition = ""
        self.block: Block | None = None


class _Reader:
    """Reads a workflow line by line; `path` are the keys above a line, with their indentation."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.at = 0
        self.path: list[tuple[int, str]] = []
        self.steps: list[_Step] = []
        self.systems: dict[str, str] = {}
        self.shells: dict[str, str] = {}

    def read(self) -> list[Block]:
        """Every `run:` block for a shell that we know."""
        while self.at < len(self.lines):
            number = self.at
            self.at += 1
            line = self.lines[number]
            hit = _LINE.match(line)
            if hit is not None and line.strip() and not line.lstrip().startswith("#"):
                self._line(number, len(hit[1]), hit[2], hit[4] or "", hit[5], hit.start(5))
        blocks = []
        for step in self.steps:
            block = step.block
            if block is None:
                continue
            words = (step.shell or self.shells.get(block.job) or self.shells.get("") or "bash").split() or ["bash"]
            folder, _, block.shell = words[0].rpartition("/")
            block.own = folder not in ("", "/bin", "/usr/bin")
            block.macos = _on_macos(self.systems.get(block.job, ""), step.condition)
            if block.shell in ("bash", "sh"):
                blocks.append(block)
        return blocks

    def _line(self, number: int, indent: int, dashes: str, key: str, rest: str, column: int) -> None:
        while self.path and self.path[-1][0] >= indent and not (self.path[-1] == (indent, "-") and not dashes):
            self.path.pop()
        if dashes:
            self.path.append((indent, "-"))
            self.steps.append(_Step())
            indent += len(dashes)
        names = [name for _, name in self.path]
        job = names[1] if len(names) > 1 and names[0] == "jobs" else ""
        if not key:
            if "runs-on" in names or "matrix" in names:
                self.systems[job] = f"{self.systems.get(job, '')} {rest}"
            return
        self.path.append((indent, key))
        text, places, comment = self._value(number, indent, rest, column)
        if key in ("runs-on", "os") or "runs-on" in names or "matrix" in names:
            self.systems[job] = f"{self.systems.get(job, '')} {text}"
        in_step = names[-1:] == ["-"] and bool(self.steps)  # an input or a variable of that name is no step's
        if key == "shell" and "defaults" in names:
            self.shells[job] = text.strip()
        elif in_step and key == "shell":
            self.steps[-1].shell = text.strip()
        elif in_step and key == "if":
            self.steps[-1].condition = text
        elif in_step and key == "run":
            self.steps[-1].block = Block(job, _answered(text), places, comment)

    def _value(self, number: int, indent: int, rest: str, column: int) -> tuple[str, list[int], str]:
        """The text of a value, where each character of it stands, and the comment behind it."""
        lead = len(rest) - len(rest.lstrip())
        given = _PROPERTIES.match(rest, lead)  # an anchor, or a tag
        if given is not None:
            rest = " " * given.end() + rest[given.end() :]
        value = rest.strip()
        block = _BLOCK.match(value)
        if block is not None:
            text, places = self._block(indent, folded=block[1] == ">")
            return text, places, ""
        begins = self.starts[number] + column + len(rest) - len(rest.lstrip())
        if value[:1] in _QUOTED:
            read = self._quoted(value, list(range(begins, begins + len(value))))
            if read is not None:
                return read
        found = _COMMENT.search(value)
        if found:
            return value[: found.start()], list(range(begins, begins + found.start())), found[1]
        places = list(range(begins, begins + len(value)))
        while self.at < len(self.lines) and value and self._deeper(self.lines[self.at], indent):
            more = self.lines[self.at].strip()
            start = self.starts[self.at] + len(self.lines[self.at]) - len(self.lines[self.at].lstrip())
            if _LINE.match(more) and re.match(r"(?:- |[\w.-]+:(?:\s|\Z))", more):
                break
            value += " " + more
            places += [start, *range(start, start + len(more))]
            self.at += 1
        return value, places, ""

    def _quoted(self, value: str, places: list[int]) -> tuple[str, list[int], str] | None:
        """As `_value`, of what is quoted; None where it is not all that stands there."""
        form, at = _QUOTED[value[0]], self.at
        while (whole := form.match(value)) is None and at < min(len(self.lines), self.at + _MOST_LINES):
            more = self.lines[at].strip()
            start = self.starts[at] + len(self.lines[at]) - len(self.lines[at].lstrip())
            value, places, at = f"{value} {more}", [*places, start, *range(start, start + len(more))], at + 1
        if whole is None or not re.match(r"\s*(?:#|\Z)", value[whole.end() :]):
            return None
        self.at = at
        text, its_places, last = [], [], 1
        for hit in _ESCAPE[value[0]].finditer(value, 1, whole.end() - 1):
            text += [value[last : hit.start()], _SAID.get(hit[1], hit[1])]
            its_places += [*places[last : hit.start()], places[hit.start()]]
            last = hit.end()
        text.append(value[last : whole.end() - 1])
        its_places += places[last : whole.end() - 1]
        return "".join(text), its_places, value[whole.end() :].strip()

    @staticmethod
    def _deeper(line: str, indent: int) -> bool:
        return bool(line.strip()) and len(line) - len(line.lstrip(" ")) > indent

    def _block(self, indent: int, *, folded: bool) -> tuple[str, list[int]]:
        first = self.at
        while self.at < len(self.lines) and (
            not self.lines[self.at].strip() or self._deeper(self.lines[self.at], indent)
        ):
            self.at += 1
        lines = self.lines[first : self.at]
        deep = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
        pieces: list[str] = []
        places: list[int] = []
        for offset, line in enumerate(lines):
            following = lines[offset + 1] if offset + 1 < len(lines) else ""
            begins = self.starts[first + offset] + min(deep, len(line))
            pieces.append(line[deep:] + (" " if folded and line.strip() and following.strip() else "\n"))
            places += range(begins, begins + len(line[deep:]) + 1)
        return "".join(pieces), places


def blocks(text: str) -> list[Block]:
    """Every `run:` block of a workflow or an action that a POSIX-like shell runs."""
    return _Reader(text).read()


def _answered(text: str) -> str:
    """A text with letters where `${{ }}` will put something else."""
    pieces, at = [], 0
    while (begin := text.find("${{", at)) >= 0 and (end := text.find("}}", begin)) >= 0:
        pieces += [text[at:begin], re.sub(r"[^\n]", "x", text[begin : end + 2])]
        at = end + 2
    return "".join([*pieces, text[at:]])


def _on_macos(systems: str, condition: str) -> bool:
    """Whether a step may run on macOS: what its job names, and what its own condition takes out again."""
    if "macos" not in systems.lower():
        return False
    return not re.search(
        r"(?:==|startswith|contains)[^&|]*(?:linux|ubuntu|windows)|!=[^&|]*macos", condition[:_MOST_LETTERS].lower()
    )
