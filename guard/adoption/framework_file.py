"""`.pre-commit-config.yaml` with guard in it: lines are added, and no line that stood there changes more than it must.

The file is text here, not YAML: people's comments and layout are theirs, and no parser of YAML keeps them.
"""

import re
from pathlib import Path

from guard.errors import GuardError

FILE = ".pre-commit-config.yaml"

TYPES = ("pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "pre-push", "pre-rebase")
"""The hook types that a bare `pre-commit install` must put in place."""

_HOOKS = (
    ("guard", "pre-commit", "[pre-commit, pre-merge-commit, manual]"),
    ("guard-prepare-commit-msg", "prepare-commit-msg", "[prepare-commit-msg]"),
    ("guard-commit-msg", "commit-msg", "[commit-msg]"),
    ("guard-pre-push", "pre-push", "[pre-push]"),
    ("guard-pre-rebase", "pre-rebase", "[pre-rebase]"),
)

_TYPES = "default_install_hook_types"


def extended(text: str | None) -> str:
    """The file with guard in it; the same text where it is there already. Raises `GuardError` where it is laid out
    so that nothing can be added."""
    if not (text or "").strip():
        return f"{text or ''}{_TYPES}: [{', '.join(TYPES)}]\nrepos:\n" + entry("")
    assert text is not None
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if not any(re.match(r"\s*(-\s+)?id:\s*(['\"]?)guard\2\s*(#.*)?$", line) for line in lines):
        lines = _with_repo(lines)
    lines = _with_types(lines)
    return ending.join([*lines, ""])


def names_guard(top: Path) -> bool:
    """Whether the file of a work tree has guard in it, in whatever way."""
    try:
        text = (top / FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"entry:\s*guard-hook |id:\s*['\"]?guard\b", text) is not None


def entry(indent: str) -> str:
    """What is added below `repos:`: local hooks, so that the guard that is installed runs and nothing is fetched."""
    lines = ["-   repo: local  # the guard that is installed here: nothing is fetched", "    hooks:"]
    for name, hook, stages in _HOOKS:
        lines += [f"    -   id: {name}", f"        name: {name}", f"        entry: guard-hook {hook}"]
        lines += ["        language: system", "        always_run: true", "        require_serial: true"]
        if hook not in ("commit-msg", "prepare-commit-msg"):  # these two are handed the message's file
            lines.append("        pass_filenames: false")
        if hook == "pre-commit":
            lines.append("        verbose: true")
        lines.append(f"        stages: {stages}")
    return "".join(f"{indent}{line}\n" for line in lines)


def _with_repo(lines: list[str]) -> list[str]:
    place = _top(lines, "repos")
    if place is None:
        return [*lines, "repos:", *entry("").splitlines()]
    rest = lines[place].partition(":")[2].partition(" #")[0].strip()
    if rest == "[]":
        return [
            *lines[:place],
            lines[place].replace("[]", "", 1).rstrip(),
            *entry("").splitlines(),
            *lines[place + 1 :],
        ]
    first = next((line for line in lines[place + 1 :] if line.strip() and not line.lstrip().startswith("#")), "")
    item = re.match(r"( *)-\s", first)
    if rest or (first and item is None and first.startswith(" ")):
        raise _odd("repos")
    indent = item[1] if item else ""
    return [*lines[: place + 1], *entry(indent).splitlines(), *lines[place + 1 :]]


def _with_types(lines: list[str]) -> list[str]:
    place = _top(lines, _TYPES)
    if place is None:
        place = next((number for number, line in enumerate(lines) if re.match(r"[A-Za-z_\"']", line)), 0)
        return [*lines[:place], f"{_TYPES}: [{', '.join(TYPES)}]", *lines[place:]]
    line = lines[place]
    flow = re.match(r"([^\[#]*\[)([^\]#]*)(\].*)$", line)
    if flow:
        there = [word.strip().strip("'\"") for word in flow[2].split(",") if word.strip()]
        missing = [name for name in TYPES if name not in there]
        glue = ", " if there else ""
        lines[place] = (
            f"{flow[1]}{flow[2].rstrip().rstrip(',')}{glue}{', '.join(missing)}{flow[3]}" if missing else line
        )
        return lines
    if line.partition(":")[2].partition("#")[0].strip():
        raise _odd(_TYPES)
    there, last, indent = [], place, "-   "
    for number in range(place + 1, len(lines)):
        item = re.match(r"( *-\s+)(['\"]?)([a-z-]+)\2\s*(#.*)?$", lines[number])
        if item is None:
            if lines[number].strip() and not lines[number].lstrip().startswith("#"):
                break
            continue
        there, last, indent = [*there, item[3]], number, item[1]
    if not there:
        raise _odd(_TYPES)
    more = [f"{indent}{name}" for name in TYPES if name not in there]
    return [*lines[: last + 1], *more, *lines[last + 1 :]]


def _top(lines: list[str], key: str) -> int | None:
    return next((number for number, line in enumerate(lines) if re.match(rf"['\"]?{key}['\"]?\s*:(\s|$)", line)), None)


def _odd(key: str) -> GuardError:
    return GuardError(
        "state",
        f"{FILE}: nothing can be added to {key} as it is laid out",
        "only lists in the usual layout are extended, so that no comment and no line of yours is lost",
        f"write {key} as a list of lines that begin with a dash, then guard init --pre-commit",
    )
