"""What a git command line would do to work that is not committed: the words after `git`, read as git reads them.

The shims read the same in sh, because they may not start Python; a test compares the two.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TAKE_VALUE = (
    *("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"),
    "--attr-source",
)
"""git's own options that stand before the subcommand and are followed by a value."""

_HARMLESS_STASH = ("apply", "pop", "branch", "drop", "clear", "list", "show", "store", "export", "import")
"""How git gives work back, or only looks: never refused, so that nobody is locked out of old work."""

_COMMIT_VALUES = (
    *("-m", "-F", "-C", "-c", "-t", "--message", "--file", "--author", "--date", "--template", "--reuse-message"),
    *("--reedit-message", "--fixup", "--squash", "--trailer", "--cleanup", "--pathspec-from-file"),
)
"""Options of `git commit` that are followed by a value."""

_EVERYTHING = (".", "./", "./.", "..", "*", "**", ":", ":/", ":/.", ":/*", ":(top)")
"""Pathspecs that name the whole tree."""


def split(words: "Sequence[str]") -> "tuple[str, list[str]]":
    """The subcommand and what follows it; the first word is git, or `git-<subcommand>`."""
    if not words:
        return "", []
    program, rest = words[0].rpartition("/")[2], list(words[1:])
    if program.startswith("git-"):
        return program[4:], rest
    if program not in ("git", "git.exe"):
        return "", []
    while rest:
        word = rest.pop(0)
        if word in _TAKE_VALUE:
            rest = rest[1:]
        elif not word.startswith("-"):
            return word, rest
    return "", []


def verdict(words: "Sequence[str]") -> str:
    """What a command is: `stash`, `autostash`, `bulk` (adds everything), `commit-all`, `commit-paths` (commits what it
    names and nothing else), `folders` (adds a folder), `unbulk` (writes the index anew from a commit), else the empty
    text.

    Of paths, only those ending in a slash are known to be folders.
    """
    command, rest = split(words)
    if command == "stash":
        return _stash(rest)
    if command in ("rebase", "merge", "pull"):
        asked = [word for word in rest if word.startswith(("--autos", "--no-autos"))]
        return "autostash" if asked and asked[-1].startswith("--autos") else ""
    if command in ("add", "stage"):
        return _add(rest)
    if command == "commit":
        return _commit(rest)
    return "unbulk" if command in ("reset", "read-tree") or (command == "restore" and _staged(rest)) else ""


def _stash(rest: "list[str]") -> str:
    verb = rest[0] if rest else ""
    if verb == "create":
        return "autostash" if rest[1:] and rest[1].startswith("autostash") else ""
    return "" if verb in _HARMLESS_STASH else "stash"


def _staged(rest: "list[str]") -> bool:
    return any(word.startswith("--st") or (word[:1] == "-" and word[:2] != "--" and "S" in word) for word in rest)


def _add(rest: "list[str]") -> str:
    paths, found, only_paths = [], "", False
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif only_paths or not word.startswith("-") or word == "-":
            paths.append(word)
        elif word == "--":
            only_paths = True
        elif word == "--chmod":
            skip = True
        elif word.startswith("--"):
            if word.startswith(("--a", "--no-ig", "--u", "--pathspec-from-f")):
                found = "bulk"
        elif "A" in word or "u" in word:
            found = "bulk"
    if found or any(map(_everything, paths)):
        return "bulk"
    return "folders" if any(path.endswith("/") for path in paths) else ""


def _everything(path: str) -> bool:
    return path in _EVERYTHING or path.startswith((":!", ":^", ":(top)", ":(exclude)"))


def _commit(rest: "list[str]") -> str:
    paths: list[str] = []
    everything = named = more = False
    words = iter(rest)
    for word in words:
        if word == "--":
            paths += words
        elif word in _COMMIT_VALUES:
            next(words, None)
            named |= word.startswith("--pathspec")
        elif word in ("--a", "--al", "--all"):
            everything = True
        elif word.startswith("--"):
            named |= word.startswith("--pathspec-from-f")
            more |= word.startswith("--inc")
        elif word.startswith("-") and word != "-":
            letters, _, value = _cluster(word[1:])
            everything |= "a" in letters
            more |= "i" in letters
            if value == "next":
                next(words, None)
        else:
            paths.append(word)
    if everything or any(map(_everything, paths)):
        return "commit-all"
    return "commit-paths" if (paths or named) and not more else ""


def _cluster(letters: str) -> "tuple[str, str, str]":
    """Short options run together: those before the first that takes a value, that one, and where its value stands."""
    for place, letter in enumerate(letters):
        if letter in "mFCct":
            return letters[:place], letter, "" if letters[place + 1 :] else "next"
        if letter in "Su":
            return letters[:place], letter, ""
    return letters, "", ""
