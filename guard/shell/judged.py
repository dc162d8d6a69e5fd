"""From a change to findings: each script is parsed once, whatever the rules that ask about it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from guard.change import File
from guard.finding import Finding
from guard.policy import Policy
from guard.shell import bash_constructs, bash_values, git_calls, makefiles, userland, workflows
from guard.shell.bash_versions import Version
from guard.shell.guards import World, functions_of
from guard.shell.hits import Hit
from guard.shell.macos_commands import GNU_NAMES, Macos
from guard.shell.nested import Script
from guard.shell.scripts import kind, options
from guard.shell.units import Unit, line_column

ALLOW = re.compile(r"#\s*guard:\s*allow\s+([Gg]\d{3}(?:\s*,\s*[Gg]\d{3})*)(?:[ \t:-]+(\S.*))?")
"""A comment that lets findings of its line pass, or those of the next line where it has a line of its own."""

_BREW = re.compile(r"\bbrew\s+(?:re)?install\b")
_BREWED = re.compile(r"\b(?:coreutils|findutils|gawk|grep|gnu-\w)")
"""What puts GNU's commands there, by Homebrew's names."""

MOST_HITS = 1000
"""So many findings of one script are enough."""

_TOO_LARGE = "it is too large to be judged as a whole"
_AS_FAR = "judged as far as it can be read"

_CODES = {
    "bash": ("G301", "G302", "G303"),
    "sh": ("G301", "G302", "G303"),
    "own bash": ("G302", "G303"),
    "dash": ("G302", "G303"),
    "ash": ("G302", "G303"),
    "ksh": ("G302", "G303"),
    "mksh": ("G302", "G303"),
    "zsh": ("G303",),
}
"""Which rules look at a script, by its shell."""


class Mark:
    """One thing that was found in a file: the code, the key of the construct or the name of the command, where, what,
    the fix, and the reason where a comment lets it pass."""

    __slots__ = ("code", "column", "fix", "key", "line", "passes", "what")

    def __init__(self, code: str, key: str, line: int, column: int, what: str, fix: str, passes: str = "") -> None:
        self.code = code
        self.key = key
        self.line = line
        self.column = column
        self.what = what
        self.fix = fix
        self.passes = passes


def findings(policy: Policy, code: str, scripts: "list[tuple[File, bytes]]") -> Iterator[Finding]:
    """The findings of one rule in scripts."""
    for file, data in scripts:
        for mark in marks(data, file.path, policy.shell_target, policy.shell_macos, policy.branch):
            if mark.code == code or (not mark.code and code == "G301"):
                finding = Finding(file.path, mark.what, mark.fix, mark.line)
                finding.column = mark.column
                finding.passes = mark.passes
                yield finding


@lru_cache(maxsize=256)
def marks(data: bytes, path: str, target: str = "bash3.2", macos: str = "12", branch: str = "main") -> tuple[Mark, ...]:
    """Everything that the three rules find in a file."""
    shell = kind(path, data)
    wanted = version(target), version(macos)
    text = data.replace(b"\r\n", b"\n").replace(b"\0", b" ").decode("latin-1")
    if text.startswith("\xef\xbb\xbf"):
        text = "   " + text[3:]
    found: list[Mark] = []
    if shell == "workflow":
        outer = _Plain(text)
        every = workflows.blocks(text)
        for block in every[: workflows.MOST_BLOCKS]:
            codes = _CODES["own bash" if block.own else block.shell] if block.macos else ("G303",)
            its_marks = list(_script(block.text, block.shell, codes, wanted, branch, "-e", outer, block.places))
            hit = ALLOW.match(block.comment)
            for mark in its_marks:
                if hit is not None and hit[2] and mark.code in hit[1].upper():
                    mark.passes = hit[2].strip()
            found += its_marks
        if len(every) > workflows.MOST_BLOCKS:
            found.append(Mark("", "", 1, 1, _TOO_LARGE, "", _AS_FAR))
    elif shell == "makefile":
        outer = _Plain(text)
        for recipe, places in makefiles.recipes(text):
            found += _script(recipe, "sh", ("G303",), wanted, branch, "", outer, places)
    elif shell in _CODES:
        found += _script(text, shell, _CODES[shell], wanted, branch, options(data))
    unique = {(mark.code, mark.line, mark.what): mark for mark in reversed(found)}
    return tuple(sorted(unique.values(), key=lambda mark: (mark.line, mark.column, mark.code)))


class _Plain:
    """A file around scripts: it knows lines alone."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.brewed = _brews(text)
        self.starts = [0, *(hit.end() for hit in re.finditer("\n", text))]

    def line_column(self, at: int) -> tuple[int, int]:
        """The line and column of a place."""
        return line_column(self.text, self.starts, at)


def _script(
    text: str,
    shell: str,
    codes: tuple[str, ...],
    wanted: tuple[Version, Macos],
    branch: str,
    flags: str,
    outer: "_Plain | None" = None,
    places: "list[int] | None" = None,
) -> Iterator[Mark]:
    script = Script(text, shell)
    brewed = "G302" in codes and (_brews(text) if outer is None else outer.brewed)
    found = (hit for hit in _hits(script, codes, wanted, branch, flags) if not brewed or hit.key not in GNU_NAMES)
    hits = list(islice(found, MOST_HITS))
    top = script.units[0]

    def where(unit: Unit, at: int) -> tuple[int, int]:
        place = unit.place(at)
        if outer is None or places is None:
            return top.line_column(place)
        return outer.line_column(places[min(place, len(places) - 1)] if places else 0)

    allowed = _allowed(script, where)
    if hits:
        world = World(script.units, *wanted, hits)
        hits = [hit for hit in hits if hit.code == "G303" or not world.guarded(hit)]
    for hit in hits:
        line, column = where(hit.unit, hit.at)
        reason = allowed.get((line, hit.code), "")
        yield Mark(hit.code, hit.key, line, column, _utf8(hit.what), _utf8(hit.fix), reason)
    if outer is None and (top.limited or top.broken() is not None):
        line, column = where(top, top.broken() or 0)
        what = "the grammar cannot read all of it" if not top.limited else _TOO_LARGE
        yield Mark("", "", line, column, what, "", _AS_FAR)


def _brews(text: str) -> bool:
    """Whether some line installs GNU's commands."""
    at = 0
    while (hit := _BREW.search(text, at)) is not None:
        end = text.find("\n", hit.end())
        at = end if end >= 0 else len(text)
        if _BREWED.search(text, hit.end(), at):
            return True
    return False


def _utf8(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "replace") if not text.isascii() else text


def _hits(
    script: Script, codes: tuple[str, ...], wanted: tuple[Version, Macos], branch: str, flags: str
) -> Iterator[Hit]:
    target, macos = wanted
    if "G303" in codes:
        yield from git_calls.hits(script, branch)
    own: set[str] | None = None
    for unit in script.units:
        its_calls = script.calls[id(unit)]
        if "G301" in codes and unit.shell in ("bash", "sh"):
            yield from bash_constructs.Finder(unit, its_calls, target).hits()
            yield from bash_values.hits(unit, its_calls, target, flags if unit.outer is None else "")
        if "G302" in codes:
            for call in its_calls:
                for hit in userland.hits(call, macos):
                    if own is None:
                        own = set(functions_of(script.units))
                        gnubin = any("gnubin" in each.text for each in script.units)
                    if call.name not in own and not gnubin:
                        hit.given = call.given
                        yield hit


def _allowed(script: Script, where: "object") -> dict[tuple[int, str], str]:
    """(line, code) -> the reason why a comment lets it pass."""
    assert callable(where)
    found: dict[tuple[int, str], str] = {}
    for unit in script.units:
        for node in unit.all("comment"):
            hit = ALLOW.match(unit.of(node))
            if hit is None or not hit[2]:
                continue
            line, _ = where(unit, node.start_byte)
            begins = unit.text.rfind("\n", 0, node.start_byte) + 1
            if not unit.text[begins : node.start_byte].strip():
                line += 1
            for code in re.findall(r"G\d{3}", hit[1].upper()):
                found[line, code] = hit[2].strip()
    return found


def version(text: str) -> Version:
    """The version in `bash4.4`, `12` or `12.3`."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0
