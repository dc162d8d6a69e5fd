"""What is refused of a command before it runs: the words of one git command in, an offence out.

What the hooks refuse too is read by `guard.commandline`, so that the two never disagree; the rest has no veto in git,
or takes away work that no hook sees. Nothing is loaded here that a bare Python has not at hand.
"""

import os

from guard.commandline import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from guard.agents.place import Place

UNKNOWN = "\0"
"""What a word begins with that only the shell knows when it runs."""


class Offence:
    """What is refused: the code of the rule where one says the same, `what`, `why`, and the command to run instead.

    Where there is a code and no `why`, it is the rule's.
    """

    __slots__ = ("code", "fix", "what", "why")

    def __init__(self, code: str, what: str, why: str, fix: str) -> None:
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    def text(self) -> str:
        """As agents and people read it."""
        head = f"{self.code} " if self.code else ""
        return f"guard: {head}{self.what}\n  why: {self.why}\n  fix: {self.fix}"


class Unsure(Exception):
    """What a command does depends on something that was not looked at."""


COMMIT = "guard commit -m 'what: why' FILE..."
SHARED = "others are working in this repository, and what it throws away is in no commit"
TREE = "git worktree add ../elsewhere COMMIT  # a look at another state, with everything here as it is"

AUTOSTASH = Offence(
    "G502",
    "an autostash is refused here",
    "",
    f"{COMMIT}  # then guard sync, which leaves the files that you have not committed where they are",
)

CLEAN = Offence(
    "",
    "git clean -f deletes files that are in no commit",
    SHARED,
    "git clean -n  # what there is; then rm FILE... for what is yours",
)

BUILTIN = frozenset(
    "add am annotate apply archive bisect blame branch bugreport bundle cat-file check-attr check-ignore check-mailmap"
    " check-ref-format checkout checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree"
    " config count-objects credential daemon describe diff diff-files diff-index diff-tree difftool fast-export"
    " fast-import fetch filter-branch for-each-ref for-each-repo format-patch fsck gc get-tar-commit-id grep gui"
    " hash-object help hook http-backend index-pack init init-db interpret-trailers lfs log ls-files ls-remote ls-tree"
    " mailinfo mailsplit maintenance merge merge-base merge-file merge-index merge-tree mergetool mktag mktree"
    " multi-pack-index mv name-rev notes p4 pack-objects pack-refs patch-id prune pull push quiltimport range-diff"
    " read-tree rebase receive-pack reflog remote repack replace request-pull rerere reset restore rev-list rev-parse"
    " revert rm send-email send-pack shortlog show show-branch show-index show-ref sparse-checkout stage stash status"
    " stripspace submodule subtree svn switch symbolic-ref tag unpack-file unpack-objects update-index update-ref"
    " update-server-info upload-archive upload-pack var verify-commit verify-pack verify-tag version whatchanged"
    " worktree write-tree".split()
)
"""git's own commands: no alias stands in for one of them."""

WATCHED = frozenset(
    "add am bisect branch checkout checkout-index cherry-pick clean commit merge pull push read-tree rebase reset"
    " restore revert stage stash switch worktree".split()
)
"""Those of them that can take away somebody's work, or commit it unasked: see `git_commands`."""

_VALUED = ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env",
           "--attr-source")  # fmt: skip


def of(words: "Sequence[str]", place: "Place", env: "Mapping[str, str]", depth: int = 0) -> "Offence | None":
    """The offence of one git command, run at `place` with `env` in its environment; None where it is let pass.

    Raises `Unsure` where the place does not say what it would have to: see `Place`.
    """
    words = [os.path.basename(words[0]).lower(), *words[1:]]
    found = _settings(words, env)
    if found is not None:
        return found
    command, rest = split(words)
    if rest[:1] == ["--help"] or rest == ["-h"]:
        return None
    if command.startswith(UNKNOWN) or (not command and _ends_in_unknown(words)):
        return Offence(
            "",
            "which git command this runs is known only to the shell",
            "a command that cannot be read cannot be judged, and some of git's throw other people's work away",
            "write the git command out",
        )
    if command and command not in BUILTIN and depth < 5:
        return _alias(command, rest, words, place, env, depth)
    if command not in WATCHED:
        return None
    from guard.agents.git_commands import judged  # here: most git commands take nothing from anybody

    return judged(command, rest, words, place)


def _ends_in_unknown(words: "Sequence[str]") -> bool:
    """Whether there is no subcommand but a word that may hold one."""
    return any(word.startswith(UNKNOWN) for word in words[1:])


def _alias(
    command: str, rest: "list[str]", words: "Sequence[str]", place: "Place", env: "Mapping[str, str]", depth: int
) -> "Offence | None":
    said = dict(_inline(words)).get(f"alias.{command}".lower()) or place.alias(command)
    if not said:
        return None
    if said.startswith("!"):
        return place.script(said[1:] + "".join(f" {quoted(word)}" for word in rest))
    return of(["git", *_words(said), *rest], place, env, depth + 1)


def quoted(word: str) -> str:
    """A word as a shell has to read it."""
    return '"$x"' if word.startswith(UNKNOWN) else "'" + word.replace("'", "'\\''") + "'"


def _words(text: str) -> "list[str]":
    """An alias as git cuts it: at blanks, quotes kept together."""
    found, word, quote, open_word = [], "", "", False
    at = 0
    while at < len(text):
        mark = text[at]
        if mark == "\\" and quote != "'" and at + 1 < len(text):
            at += 1
            word, open_word = word + text[at], True
        elif quote:
            if mark == quote:
                quote = ""
            else:
                word += mark
        elif mark in "'\"":
            quote, open_word = mark, True
        elif mark.isspace():
            if open_word:
                found.append(word)
            word, open_word = "", False
        else:
            word, open_word = word + mark, True
        at += 1
    return [*found, word] if open_word else found


# --- settings ----------------------------------------------------------------------------------------------------


def aliases(words: "Sequence[str]") -> "list[str]":
    """The aliases that a command makes, as settings for -c."""
    command, rest = split(words)
    made = _configured(rest) if command == "config" else []
    return [f"{key}={value}" for key, value in made if key.startswith("alias.") and value and UNKNOWN not in value]


def _inline(words: "Sequence[str]") -> "list[tuple[str, str]]":
    """The settings that a command line brings with -c or --config-env: (key in small letters, value)."""
    found, rest = [], list(words[1:])
    while rest:
        word = rest.pop(0)
        value = ""
        if word in ("-c", "--config-env") and rest:
            value = rest.pop(0)
        elif word.startswith("--config-env="):
            value = word[len("--config-env=") :]
        elif word in _VALUED:
            rest = rest[1:]
        elif not word.startswith("-"):
            break
        if value:
            key, equals, said = value.partition("=")
            found.append((key.lower(), said if equals else "true"))
    return found


def _settings(words: "Sequence[str]", env: "Mapping[str, str]") -> "Offence | None":
    """A setting, on the command line or in the environment, that switches guard's hooks off or an autostash on."""
    given: list[tuple[str, str | None]] = [*_inline(words)]
    given += [
        (value.lower(), env.get(f"GIT_CONFIG_VALUE_{name[15:]}", UNKNOWN))
        for name, value in env.items()
        if name.startswith("GIT_CONFIG_KEY_")
    ]
    for piece in env.get("GIT_CONFIG_PARAMETERS", "").replace("'", " ").split():
        key, equals, said = piece.partition("=")
        given.append((key.lower(), said if equals else UNKNOWN))
    command, rest = split(words)
    if command == "config":
        given += _configured(rest)
    for key, value in given:
        if found := setting(key, value):
            return found
    return None


def setting(key: str, value: "str | None") -> "Offence | None":
    """The offence of giving a setting that value; None is taking it away."""
    section = key.partition(".")[0]
    if key in ("core.hookspath", "hook.", "core") or (section == "hook" and "guard" in key):
        return Offence(
            "",
            f"it changes {'core.hooksPath' if section == 'core' else key}, and with it which hooks git runs",
            "the hooks keep many writers from losing each other's work; without them nothing here is judged",
            "guard doctor says what is wrong with the hooks; guard install --into-hooks-path lives beside others",
        )
    if key in ("rebase.autostash", "merge.autostash", "pull.autostash"):
        return None if value is None or value.lower() in _FALSE else AUTOSTASH
    if key == "clean.requireforce" and value is not None and value.lower() in _FALSE:
        return CLEAN
    return None


_FALSE = ("false", "no", "off", "0", "")


def _configured(rest: "list[str]") -> "list[tuple[str, str | None]]":
    """The settings that `git config` writes or takes away: (key in small letters, value, None where it goes)."""
    action, skip = "", False
    words: list[str] = []
    for word in rest:
        if skip:
            skip = False
        elif word in ("-f", "--file", "--blob", "--type", "--default", "--comment", "--value", "--url"):
            skip = True
        elif word.startswith("-") and not words:
            name = word.lstrip("-").partition("=")[0]
            if name in ("get", "get-all", "get-regexp", "get-urlmatch", "list", "l", "get-color", "get-colorbool"):
                return []
            action = name if name.startswith(("unset", "remove", "rename", "replace", "add")) else action
        else:
            words.append(word)
    if words and words[0] in ("get", "list", "edit") and not action:
        return []
    if words and words[0] in ("set", "unset", "remove-section", "rename-section") and not action:
        action = words.pop(0)
        words = [word for word in words if not word.startswith("-")]
    if not words:
        return []
    if "section" in action:
        return [(f"{words[0].lower()}." if words[0].lower() == "hook" else words[0].lower(), None)]
    if action.startswith("unset"):
        return [(words[0].lower(), None)]
    return [(words[0].lower(), words[1])] if len(words) > 1 else []


def is_git(name: str) -> bool:
    """Whether the name of a command is git's, in whatever folder and whatever letters a file system takes."""
    base = os.path.basename(name).lower()
    return base in ("git", "git.exe") or base.startswith("git-")
