"""G303: git commands in scripts that take away, or sweep in, what others are working on."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.commandline import split, verdict
from guard.shell.calls import Call
from guard.shell.hits import Hit
from guard.shell.nested import Script
from guard.shell.units import Unit


def hits(script: Script, branch: str) -> Iterator[Hit]:
    """What is wrong with the git commands of a script."""
    adds: list[Call] = []
    copies: list[Call] = []
    for unit in script.units:
        for call in script.calls[id(unit)]:
            if call.base == "git" or call.base.startswith("git-"):
                if split(_words(call))[0] == "worktree" and "add" in split(_words(call))[1][:1]:
                    adds.append(call)
                yield from _call(call, branch)
            elif call.base in ("cp", "rsync", "ln"):
                copies.append(call)
    if adds:
        yield from _left_behind(script, adds)
        yield from _hidden(copies)


def _words(call: Call) -> list[str]:
    return [call.base, *(word.text if not word.dynamic else word.text.replace(" ", "_") for word in call.words)]


def _hit(call: Call, key: str, what: str, fix: str) -> Hit:
    return Hit("G303", key, call.unit, call.node, what, fix, call.at)


def _call(call: Call, branch: str) -> Iterator[Hit]:
    words = _words(call)
    command, rest = split(words)
    found = verdict(words)
    if found == "bulk":
        yield _hit(
            call,
            "add",
            f"git {' '.join([command, *rest])[:60]} stages whatever differs",
            "name the files: git add -- FILE...",
        )
    elif found == "stash":
        yield _hit(
            call,
            "stash",
            "git stash takes the work of everybody in this tree",
            "look elsewhere: git worktree add ../elsewhere HEAD",
        )
    elif found == "autostash" or _configured(words):
        yield _hit(
            call,
            "autostash",
            "autostash moves work that is not committed out of the way, and may not bring it back",
            "commit the work first: git commit -- FILE...",
        )
    if command == "pull" and any(
        re.fullmatch(r"--rebase(?:=(?!false|no).*)?|-[a-zA-Z]*r[a-zA-Z]*", word) for word in rest
    ):
        named = [word for word in rest if not word.startswith("-")][1:]
        if not named or any(
            word.rpartition("/")[2] in (branch, "main", "master") or word.startswith("$") for word in named
        ):
            yield _hit(
                call,
                "pull",
                f"git pull --rebase on {branch} rewrites commits that others may have seen",
                "merge instead: git pull --no-rebase",
            )
    elif command == "worktree" and rest[:1] == ["remove"]:
        if any(word in ("--force", "-f", "-ff") for word in rest):
            yield _hit(
                call,
                "remove",
                "git worktree remove --force throws away what is not committed there",
                "let it refuse: git worktree remove PATH",
            )
    elif command == "reset" and "--hard" in rest:
        yield _hit(
            call,
            "reset",
            "git reset --hard throws away what is not committed",
            "look elsewhere: git worktree add ../elsewhere COMMIT",
        )


def _configured(words: list[str]) -> bool:
    """Whether autostash is turned on by a setting."""
    lower = [word.lower() for word in words]
    for place, word in enumerate(lower):
        if re.fullmatch(r"(?:rebase|merge)\.autostash=(?:true|yes|on|1)", word) and lower[place - 1] == "-c":
            return True
    named = [place for place, word in enumerate(lower) if word in ("rebase.autostash", "merge.autostash")]
    return (
        bool(named) and "config" in lower and lower[named[0] + 1 : named[0] + 2] in (["true"], ["yes"], ["on"], ["1"])
    )


# --- worktrees ---------------------------------------------------------------------------------------------------


def _left_behind(script: Script, adds: list[Call]) -> Iterator[Hit]:
    """Worktrees that are made where no trap on EXIT cleans them up."""
    if _cleans_up(script):
        return
    for call in adds:
        yield _hit(
            call,
            "worktree",
            "git worktree add without an EXIT trap that removes it",
            "trap 'git worktree remove \"$tree\"' EXIT",
        )


def _cleans_up(script: Script) -> bool:
    bodies = {}
    for unit in script.units:
        for node in unit.all("function_definition"):
            name = node.child_by_field_name("name")
            if name is not None:
                bodies[unit.of(name)] = unit.of(node)
    for unit in script.units:
        for call in script.calls[id(unit)]:
            if call.name != "trap" or len(call.words) < 2 or not any(w.text in ("EXIT", "0") for w in call.words[1:]):
                continue
            text, seen = call.words[0].text, set()
            for _ in range(4):
                if re.search(r"worktree\s+(?:remove|prune)|\brm\b|\brmdir\b|guard\s+worktree", text):
                    return True
                called = [name for name in re.findall(r"[\w-]+", text) if name in bodies and name not in seen]
                if not called:
                    break
                seen.update(called)
                text = "\n".join(bodies[name] for name in called)
    return False


def _hidden(copies: list[Call]) -> Iterator[Hit]:
    """Copies of a worktree's inputs whose failure is hidden."""
    for call in copies:
        if _excused(call.unit, call.node):
            yield _hit(
                call,
                "copy",
                f"{call.base} ... || true hides that a worktree lacks its inputs",
                f"{call.base} ... || exit 1",
            )


def _excused(unit: Unit, node: Node) -> bool:
    current = node
    above = node.parent
    while above is not None and above.type == "redirected_statement":
        current, above = above, above.parent
    if above is None or above.type != "list":
        return False
    children = above.children
    return (
        len(children) >= 3
        and current == children[0]
        and children[1].type == "||"
        and re.match(r"(?:true|:|echo|printf)\b|:", unit.of(children[2])) is not None
    )
