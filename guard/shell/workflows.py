"""The `run:` blocks of GitHub workflows and actions, read by lines and indentation: a workflow is simple YAML."""

import re

_LINE = re.compile(r"""( *)((?:- +)*)(?:(['"]?)([\w.-]+)\3\s*:(?=\s|\Z))?(.*)""")
_BLOCK = re.compile(r"([|>])[+-]?\d?[+-]?\s*(?:#.*)?\Z")
_ANSWER = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_COMMENT = re.compile(r"(?:\A|\s)(#.*)\Z")


class Block:
    """One `run:`: its text, where each character stands in the file, its shell, whether it may run on macOS, and the
    comment that stands behind it."""

    __slots__ = ("comment", "job", "macos", "places", "shell", "text")

    def __init__(self, job: str, text: str, places: list[int], comment: str) -> None:
        self.job = job
        self.text = text
        self.places = places
        self.comment = comment
        self.shell = ""
        self.macos = False


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
            words = (step.shell or self.shells.get(block.job) or self.shells.get("") or "bash").split()
            block.shell = words[0].rpartition("/")[2] if words else "bash"
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
        if key == "shell" and "defaults" in names:
            self.shells[job] = text.strip()
        elif "-" in names and self.steps and key == "shell":
            self.steps[-1].shell = text.strip()
        elif "-" in names and self.steps and key == "if":
            self.steps[-1].condition = text
        elif "-" in names and self.steps and key == "run":
            masked = _ANSWER.sub(lambda hit: re.sub(r"[^\n]", "x", hit[0]), text)
            self.steps[-1].block = Block(job, masked, places, comment)

    def _value(self, number: int, indent: int, rest: str, column: int) -> tuple[str, list[int], str]:
        """The text of a value, where each character of it stands, and the comment behind it."""
        value = rest.strip()
        block = _BLOCK.match(value)
        if block is not None:
            text, places = self._block(indent, folded=block[1] == ">")
            return text, places, ""
        begins = self.starts[number] + column + len(rest) - len(rest.lstrip())
        for quote in "'\"":
            end = value.rfind(quote)
            if value.startswith(quote) and end > 0 and not value[end + 1 :].split("#")[0].strip():
                found = _COMMENT.search(value[end + 1 :])
                return value[1:end], list(range(begins + 1, begins + end)), found[1] if found else ""
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


def _on_macos(systems: str, condition: str) -> bool:
    """Whether a step may run on macOS: what its job names, and what its own condition takes out again."""
    if "macos" not in systems.lower():
        return False
    return not re.search(r"(?:==|startswith|contains)[^&|]*(?:linux|ubuntu|windows)|!=[^&|]*macos", condition.lower())
