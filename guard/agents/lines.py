"""Every git command that a shell would run for a command line, whatever surrounds it; parsed, never guessed at.

The grammar and the readers of scripts inside scripts are those of G303 (`guard.shell`). What is added here is what a
script's linter has no use for: names that variables hold, commands behind programs that start others, the folder that
a `cd` before it leads to.
"""

import fnmatch
import os
import re
from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from guard.agents.offence import UNKNOWN, is_git
from guard.shell.calls import Call, inner_words, words_of
from guard.shell.nested import Script
from guard.shell.units import Unit
from guard.shell.words import Word

MOST = 200_000
"""A line of more characters is not read."""

_STARTERS = frozenset(
    "strace ltrace uv uvx poetry pipenv pdm hatch mise direnv nix nix-shell npx bunx pnpm yarn npm chronic watch"
    " parallel sem script entr hyperfine perf systemd-run runuser fakeroot tmux screen coproc unshare nsenter chroot"
    " firejail bwrap rtk gtime arch dotenv su gdb valgrind catchsegv torsocks proxychains proxychains4 faketime winpty"
    " sg setarch linux32 linux64 setpriv numactl prlimit cpulimit trickle expect ts op doppler chpst pwsh powershell"
    " cmd cmd.exe wsl xvfb-run devbox just".split()
)
"""Programs that start another and that the linter does not unwrap: the first word on which git stands begins it."""

_SCRIPTED = frozenset(("watch", "parallel", "sem", "script", "hyperfine", "su", "tmux", "screen", "nix-shell", "npx",
                       "runuser", "entr", "sg", "expect", "pwsh", "powershell", "cmd", "cmd.exe", "wsl"))  # fmt: skip
"""Those of them that hand a whole line to a shell."""

_SAYERS = frozenset("echo printf grep egrep fgrep rg ag cat man which type ls sed awk python python3 node".split())
"""Programs to which git's name is a word like others."""

Folders = list[tuple[str, bool]]
"""Where `cd` goes to, one after the other, each with whether what comes after it runs only where it succeeded."""

_FRESH = "/made-by-mktemp"
"""What stands for a folder that `mktemp -d` makes: it is new, and in nobody's work tree."""

_MKTEMP = re.compile(
    r'"?(?:\$\(|`)\s*mktemp\s+(?:-\w+\s+)*(?:-\w*d\w*|--directory)(?:\s+-[tp])?\s*[\w./-]*\s*(?:\)|`)"?\Z'
)

_HERE = re.compile(r"(?<![^\"])(?:\$\(\s*pwd\s*\)|`pwd`)(?=[\"/]|\Z)")

_SHELLS = frozenset(("sh", "bash", "dash", "ksh", "zsh", "eval"))
_DEEPEST = 4
"""So deep the linter reads scripts inside scripts."""

_BRACES = re.compile(r"([^{}]*)\{([^{}]*,[^{}]*)\}([^{}]*)\Z")
_SEQUENCES = frozenset(("list", "program", "subshell", "compound_statement", "do_group", "if_statement", "else_clause",
                        "elif_clause", "case_item", "redirected_statement", "command_substitution",
                        "process_substitution"))  # fmt: skip
"""What holds commands that run one after the other."""

_NAMED = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")


class Git:
    """One git command: its words, those that only the shell knows beginning with `UNKNOWN`; the environment that it is
    given; and the folders that a `cd` before it goes to, the last one last, None where one is not known.

    `likely` is false where it may as well be another program: only what is refused of git for certain counts.
    """

    __slots__ = ("env", "folders", "likely", "words")

    def __init__(self, words: list[str], env: dict[str, str], folders: "Folders | None", *, likely: bool) -> None:
        self.words = words
        self.env = env
        self.folders = folders
        self.likely = likely


class Line:
    """A command line, parsed: its git commands, the files that it writes, and whether all of it could be read."""

    __slots__ = ("_env", "_made", "script", "whole")

    def __init__(self, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\0", " ")
        text = text.replace("' '", "'  '")  # one blank between two quoted words is none to the linter's reader
        self.script = Script(text.encode("utf-8", "surrogateescape").decode("latin-1"), "bash")
        self.whole = self.script.broken() is None and not any(unit.limited for unit in self.script.units)
        self._env: dict[str, str] = {}
        self._made = frozenset(
            _text(unit, word).rstrip("/") for unit in self.script.units for call in self.script.calls[id(unit)]
            if call.base == "mkdir" for word in call.words
        )  # fmt: skip

    def gits(self, depth: int = 0) -> Iterator[Git]:
        """The git commands, in no order."""
        for unit in self.script.units:
            self._exported(unit)
        for unit in self.script.units:
            seen = set()
            deepest = _depth(unit) >= _DEEPEST
            for call in self.script.calls[id(unit)]:
                seen.add(call.node.id)
                if deepest and call.base in _SHELLS and "git" in unit.text.lower():
                    yield _UNREAD
                yield from self._call(unit, call, depth)
            for node in unit.all("command"):
                if node.id not in seen:
                    yield from self._unnamed(unit, node, depth)
            computed = [each for each in unit.all("command") if _computed(unit, each)]
            if computed or any(_fed(call) for call in self.script.calls[id(unit)]):
                yield from self._spoken(unit, depth)

    def writes(self) -> Iterator[tuple[str, "Folders | None", bool]]:
        """The files that are written by redirections and by commands that write what they name, each with the folders
        that a `cd` goes to before it, and whether it is taken away: a folder with all that is in it."""
        for unit in self.script.units:
            for node in unit.all("file_redirect"):
                target = node.child_by_field_name("destination")
                operator = next((child.type for child in node.children if not child.is_named), "")
                if target is not None and ">" in operator and not (operator == ">&" and target.type == "number"):
                    for path in _each(unit, Word(unit.of(target), target.start_byte), node):
                        yield path, self._folders(unit, node), False
            for call in self.script.calls[id(unit)]:
                words = [path for word in call.words for path in _each(unit, word, call.node)]
                for path in _written(call.base, words):
                    yield path, self._folders(unit, call.node), False
                for path in _removed(call.base, words):
                    yield path, self._folders(unit, call.node), True

    # --- calls ---------------------------------------------------------------------------------------------------

    def _call(self, unit: Unit, call: Call, depth: int) -> Iterator[Git]:
        words = _expanded(unit, call.words)
        env = {**self._env, **_assigned(unit, call.node), **_handed(call)}
        if {"xargs", "gxargs"}.intersection(call.after):  # what {} stands for, only xargs knows
            words = [UNKNOWN + word if "{}" in word else word for word in words]
        if is_git(call.base) or _pattern_of_git(call):
            yield Git(["git" if not call.base.startswith("git-") else call.base, *words, *_piped(unit, call)], env,
                      self._folders(unit, call.node), likely=True)  # fmt: skip
        elif "{" in call.name and (first := _spread(call.name)) and is_git(first[0]):
            yield Git([*first, *words], env, self._folders(unit, call.node), likely=True)
        yield from self._inside(unit, call, words, env, depth)

    def _inside(self, unit: Unit, call: Call, words: list[str], env: dict[str, str], depth: int) -> Iterator[Git]:
        """What is inside the words of a command that starts others."""
        if depth > 3:
            yield from (_UNREAD for word in words if "git" in word.lower() and re.search(r"\s", word))
            return
        texts: list[str] = []
        name = call.base
        if name in _STARTERS:
            words = [word for word in words if word != ":::"]  # parallel's
            place = next((at for at, word in enumerate(words) if is_git(word)), None)
            if place is not None and _SAYERS.isdisjoint(words[:place]):
                yield Git(words[place:], env, self._folders(unit, call.node), likely=True)
            if name in _SCRIPTED or "-c" in words or "--command" in words or "--run" in words:
                texts += [word for word in words if re.search(r"\s", word)]
        elif name == "env":
            texts += [
                word.removeprefix("-S").removeprefix("--split-string=") for word in words
                if "-S" in words or word.startswith(("-S", "--split-string"))
            ]  # fmt: skip
        elif name == "alias":
            texts += [word.partition("=")[2] for word in words]
        elif name in _SHELLS or name == "fish":
            if name in ("zsh", "fish") or any(word.dynamic for word in call.words):
                texts += [word for word in words if not word.startswith((UNKNOWN, "-"))]
            texts += [word for before, word in pairwise(words) if re.fullmatch(r"-[a-zA-Z]*c|pipefail|--", before)]
            if name == "eval" and texts:
                texts.append(" ".join(words))
        elif name in ("xargs", "gxargs"):
            started = inner_words(name, call.words)
            if not started or started[0].text.rpartition("/")[2] not in _SAYERS:
                texts += [word for word in words if re.search(r"\s", word)]
        for text in texts:
            if "git" in text.lower():
                yield from _below(text, self._folders(unit, call.node), depth)

    def _unnamed(self, unit: Unit, node: Node, depth: int) -> Iterator[Git]:
        """A command whose name only the shell knows: judged as if it were git."""
        words = words_of(unit, node)
        if not words or not words[0].dynamic:
            return
        said = _text(unit, words[0])
        env, folders = {**self._env, **_assigned(unit, node)}, self._folders(unit, node)
        rest = _expanded(unit, words[1:])
        if said.startswith(UNKNOWN):
            if rest:
                yield Git(["git", *rest], env, folders, likely=False)
            return
        yield from _below(" ".join([said, *(_plain(word) for word in rest)]), folders, depth)

    def _spoken(self, unit: Unit, depth: int) -> Iterator[Git]:
        """What echo and printf say, in a unit in which a shell reads what is written to it."""
        if depth > 3:
            return
        for call in self.script.calls[id(unit)]:
            if call.base in ("echo", "printf", "cat"):
                for word in _expanded(unit, call.words):
                    if "git" in word.lower() and not word.startswith(UNKNOWN):
                        yield from _below(word.replace("\\n", "\n").replace("%s", ""), None, depth)
                said = " ".join(_expanded(unit, call.words)).replace("%s", "")
                if "git" in said.lower() and UNKNOWN not in said:
                    yield from _below(said, None, depth)
        for node in unit.all("herestring_redirect"):
            for child in node.named_children[-1:]:
                said = _text(unit, Word(unit.of(child), child.start_byte))
                if "git" in said.lower():
                    yield from _below(said, None, depth)

    def _exported(self, unit: Unit) -> None:
        """What is put into the environment of everything that follows."""
        for node in unit.all("declaration_command"):
            for child in node.children:
                if child.type == "variable_assignment":
                    self._env |= dict([_pair(unit, child)])
        for name, nodes in unit.assigned.items():
            if name.startswith("GIT_"):
                self._env |= dict(_pair(unit, node) for node in nodes)

    def _folders(self, unit: Unit, node: Node) -> "Folders | None":
        """Where `cd` goes to before a command; None where one of the folders is not known."""
        found: Folders = []
        current, above = node, node.parent
        for _ in range(200):
            if above is None:
                break
            if above.type in _SEQUENCES and not any(child.type == "||" for child in above.children):
                for before in reversed([each for each in above.named_children if each.end_byte <= current.start_byte]):
                    if before.next_sibling is not None and before.next_sibling.type == "&":
                        continue  # it goes there by itself
                    found[:0] = [
                        (folder, follows and (above.type == "list" or before.type == "list"))
                        for folder, follows in self._changed(unit, before)
                    ]
            current, above = above, above.parent
        if unit.outer is not None and unit.node is not None:
            outer = self._folders(unit.outer, unit.node)
            if outer is None:
                return None
            found[:0] = outer
        if any(folder.startswith(UNKNOWN) for folder, _ in found):
            return None
        return [(folder, follows or folder.rstrip("/") in self._made or folder.startswith(_FRESH))
                for folder, follows in found]  # fmt: skip

    def _changed(self, unit: Unit, node: Node) -> Folders:
        """Where a command or a list of commands goes to; what may not be reached counts as not."""
        if node.type == "list":
            if any(child.type == "||" for child in node.children):
                return []
            return [found for child in node.named_children for found in self._changed(unit, child)]
        if node.type == "redirected_statement" and node.named_children:
            return self._changed(unit, node.named_children[0])
        if node.type != "command":
            return []
        words = words_of(unit, node)
        if words and words[0].text == "popd":
            return [(UNKNOWN, True)]
        if not words or words[0].text not in ("cd", "pushd"):
            return []
        rest = [word for word in words[1:] if word.text not in ("--", "-P", "-L", "-e")]
        return [(_text(unit, rest[0]) if rest and rest[0].text != "-" else UNKNOWN, True)]


_UNREAD = Git(["git", UNKNOWN], {}, [], likely=True)
"""What stands for a line that lies too deep inside of others to be read."""


def _depth(unit: Unit) -> int:
    """How many scripts a script is inside of."""
    depth, at = 0, unit.outer
    while at is not None:
        depth, at = depth + 1, at.outer
    return depth


def _below(text: str, folders: "Folders | None", depth: int) -> Iterator[Git]:
    """The git commands of a line inside a line."""
    if len(text) > MOST:
        return
    for git in Line(text.encode("latin-1", "replace").decode("utf-8", "surrogateescape")).gits(depth + 1):
        if folders and git.folders is not None:
            git.folders = [*folders, *git.folders]
        yield git


def _plain(word: str) -> str:
    return '"$x"' if word.startswith(UNKNOWN) else "'" + word.replace("'", "'\\''") + "'"


def _pair(unit: Unit, node: Node) -> tuple[str, str]:
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    said = _text(unit, Word(unit.of(value), value.start_byte)) if value is not None else ""
    return (unit.of(name) if name is not None else ""), said


def _assigned(unit: Unit, node: Node) -> dict[str, str]:
    """The assignments that stand before a command."""
    return dict(_pair(unit, child) for child in node.children if child.type == "variable_assignment")


def _handed(call: Call) -> dict[str, str]:
    """The assignments among the words of `env` and `sudo` before a command: they are in the source of its node."""
    if not {"env", "sudo", "doas"}.intersection(call.after):
        return {}
    found = {}
    for word in words_of(call.unit, call.node):
        name, equals, value = word.text.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_]\w*", name):
            found[name] = value
    return found


def _pattern_of_git(call: Call) -> bool:
    """Whether a name with wildcards may be git's."""
    if not re.search(r"[*?\[]", call.base):
        return False
    return fnmatch.fnmatchcase("git", call.base.lower())


def _piped(unit: Unit, call: Call) -> list[str]:
    """The words that xargs adds to a command, where what it reads is known."""
    if "xargs" not in call.after and "gxargs" not in call.after:
        return []
    stage = call.node
    if stage.parent is not None and stage.parent.type == "redirected_statement":
        stage = stage.parent
    before = stage.prev_named_sibling if stage.parent is not None and stage.parent.type == "pipeline" else None
    words = words_of(unit, before) if before is not None and before.type == "command" else []
    if words and words[0].text in ("echo", "printf"):
        said = [
            word.text for word in words[1:] if not word.dynamic and not re.fullmatch(r"-[neE]+|%s(\\n)?", word.text)
        ]
        return [piece for text in said for piece in text.replace("\\n", " ").split()]
    return []


def _computed(unit: Unit, node: Node) -> bool:
    """Whether a command's name, or what eval runs, is what another command says."""
    words = words_of(unit, node)
    asked = words[1:2] if words and words[0].text == "eval" else words[:1]
    return any(re.match(r'"?(?:\$\(|`)', word.raw) for word in asked)


def _fed(call: Call) -> bool:
    """Whether a command is a shell that may read a script from elsewhere than a file that is named."""
    if call.base in ("source", ".") and call.words:
        return call.words[0].raw.startswith(("<(", "/dev/stdin", "/dev/fd"))
    if call.base not in _SHELLS or call.base == "eval":
        return False
    rest = [word for word in call.words if not word.text.startswith(("-", "+"))]
    return not rest or rest[0].raw.startswith(("<(", "/dev/stdin", "/dev/fd"))


# --- words -------------------------------------------------------------------------------------------------------


def _expanded(unit: Unit, words: list[Word]) -> list[str]:
    """The words as the shell hands them on, as far as that is known."""
    found: list[str] = []
    for word in words:
        text = _text(unit, word)
        if word.dynamic and not text.startswith(UNKNOWN) and not word.raw.startswith('"'):
            found += text.split()
        elif "{" in word.raw and not word.quoted and not word.dynamic:
            found += _spread(text)
        else:
            found.append(text)
    return found


def _text(unit: Unit, word: Word) -> str:
    """What a word says; where a variable stands in it that is assigned once, the variable's value."""
    if not word.dynamic:
        return word.text
    if _MKTEMP.match(word.raw):
        return _FRESH
    if _HERE.search(word.raw):
        word = Word(_HERE.sub("$PWD", word.raw, count=1), word.at)
    names = _NAMED.findall(word.text)
    said = word.text
    for plain, braced in names:
        value = _value(unit, plain or braced)
        if value is None:
            return UNKNOWN + word.text
        said = said.replace(f"${{{braced}}}" if braced else f"${plain}", value)
    return said if names and not re.search(r"[$`]", said) else UNKNOWN + word.text


def _each(unit: Unit, word: Word, node: Node) -> list[str]:
    """What a word says, one by one where it is what a `for` around it goes through."""
    used = re.fullmatch(r'"?\$(?:(\w+)|\{(\w+)\})"?', word.raw)
    above = node.parent if used is not None else None
    while used is not None and above is not None:
        name = above.child_by_field_name("variable") if above.type == "for_statement" else None
        if name is not None and unit.of(name) == (used[1] or used[2]):
            return [_text(unit, Word(unit.of(each), each.start_byte)) for each in above.children_by_field_name("value")]
        above = above.parent
    return [_text(unit, word)]


def _value(unit: Unit, name: str) -> "str | None":
    """The value of a variable that is assigned once, to a plain text, in this unit or one around it; the folder that
    the shell is in is `.`."""
    at: Unit | None = unit
    if name == "PWD" and not unit.assigned.get(name):
        return "."
    while at is not None:
        nodes = at.assigned.get(name, [])
        if len(nodes) == 1:
            value = nodes[0].child_by_field_name("value")
            if value is None or value.type == "array":
                return None
            said = Word(at.of(value), value.start_byte)
            return _FRESH if _MKTEMP.match(said.raw) else None if said.dynamic else said.text
        if nodes:
            return None
        at = at.outer
    return None


def _spread(text: str) -> list[str]:
    """A word with braces, as the words that it becomes; nested ones and ranges stay as they are."""
    hit = _BRACES.match(text)
    return [f"{hit[1]}{piece}{hit[3]}" for piece in hit[2].split(",")] if hit else [text]


# --- what is written ---------------------------------------------------------------------------------------------


def _removed(name: str, words: list[str]) -> list[str]:
    """What a command takes away from where it is, by the names among its words."""
    named = [word for word in words if not word.startswith("-")]
    return named if name == "rm" else named[:-1] if name == "mv" else []


def _written(name: str, words: list[str]) -> list[str]:
    """The files that a command writes, by their names among its words."""
    named = [word for word in words if not word.startswith("-")]
    if name == "tee":
        return named
    if name in ("sed", "gsed") and any(re.match(r"-[a-zA-Z]*i|--in-place", word) for word in words):
        return named
    if name == "perl" and any(re.match(r"-[a-zA-Z]*i", word) for word in words):
        return named
    if name in ("cp", "mv", "install", "ln", "rsync") and len(named) > 1:
        target = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-t", "--target-directory")), "")
        into = target or named[-1]
        moved = named[:-1] if not target else [word for word in named if word != target]
        inside = [os.path.join(into, os.path.basename(word.rstrip("/"))) for word in moved]
        return [into, *inside, *(moved if name == "mv" else [])]
    if name in ("rm", "truncate", "unlink", "shred", "touch") or (name == "sponge" and named):
        return named if name != "touch" else []
    if name == "dd":
        return [word[3:] for word in words if word.startswith("of=")]
    return []
