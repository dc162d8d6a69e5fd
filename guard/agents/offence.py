"""What is refused of a command before it runs: the words of one git command in, an offence out.

What the hooks refuse too is read by `guard.commandline`, so that the two never disagree; the rest has no veto in git,
or takes away work that no hook sees. Nothing is loaded here that a bare Python has not at hand.
"""

import os

from guard.commandline import split, verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from guard.agents.place import Place

    Judge = Callable[[list[str], Place], "Offence | None"]

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


_COMMIT = "guard commit -m 'what: why' FILE..."
_SHARED = "others are working in this repository, and what it throws away is in no commit"
_TREE = "git worktree add ../elsewhere COMMIT  # a look at another state, with everything here as it is"

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
    return _judged(command, rest, words, place)


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
        return place.script(said[1:] + "".join(f" {_quoted(word)}" for word in rest))
    return of(["git", *_words(said), *rest], place, env, depth + 1)


def _quoted(word: str) -> str:
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
        return None if value is None or value.lower() in _FALSE else _AUTOSTASH
    if key == "clean.requireforce" and value is not None and value.lower() in _FALSE:
        return _CLEAN
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


# --- commands ----------------------------------------------------------------------------------------------------

_AUTOSTASH = Offence(
    "G502",
    "an autostash is refused here",
    "",
    f"{_COMMIT}  # then guard sync, which leaves the files that you have not committed where they are",
)


def _judged(command: str, rest: "list[str]", words: "Sequence[str]", place: "Place") -> "Offence | None":
    found = verdict(words)
    if found == "bulk" and not _dry(command, rest):
        return _bulk(f"git {command} {' '.join(_shown(rest))}")
    if found == "commit-all" and not _dry(command, rest):
        return _bulk("git commit -a" if _letters(rest, "mFCctSu", "a") or "--all" in rest else "git commit .")
    if found == "stash":
        return Offence(
            "G501",
            "git stash is refused here",
            "",
            f"{_COMMIT}, or leave your files as they are: guard sync brings in what is new, and for a look at"
            " another state: git worktree add ../elsewhere COMMIT",
        )
    if found == "autostash":
        return _AUTOSTASH
    judge = _COMMANDS.get(command)
    return judge(rest, place) if judge is not None else None


def _shown(rest: "list[str]") -> "list[str]":
    return [word.lstrip(UNKNOWN)[:60] for word in rest[:5]]


def _dry(command: str, rest: "list[str]") -> bool:
    """Whether a command only says what it would do."""
    options = rest[: rest.index("--")] if "--" in rest else rest
    letters = "n" if command in ("add", "stage") else ""
    return any(word.startswith("--dr") or (letters and _short(word, letters)) for word in options)


def _bulk(what: str) -> Offence:
    return Offence(
        "G201",
        f"{what.strip()} stages whatever differs",
        "",
        f"{_COMMIT}, or git add -- FILE...",
    )


def _short(word: str, letters: str) -> bool:
    """Whether a word is a cluster of short options with one of these letters."""
    return word[:1] == "-" and word[:2] != "--" and any(letter in word for letter in letters)


def _letters(rest: "list[str]", valued: str, wanted: str) -> bool:
    """Whether short options, run together or not, hold one of the letters; those in `valued` take what follows."""
    words = iter(rest)
    for word in words:
        if word == "--":
            return False
        if not word.startswith("-") or word.startswith("--"):
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter in wanted:
                return True
            if letter in valued:
                if place == len(word) and letter not in "Su":
                    next(words, None)
                break
    return False


def _paths(rest: "list[str]") -> "list[str]":
    """The words that are no options, in order; what follows `--` is none whatever it looks like."""
    if "--" in rest:
        place = rest.index("--")
        return [word for word in rest[:place] if not word.startswith("-")] + rest[place + 1 :]
    return [word for word in rest if not word.startswith("-") or word == "-"]


_ALL = (".", "*", "**", ":", ":/", ":/.", ":/*", ":(top)", ":(glob)**", ":(top)*")


def _everything(path: str, place: "Place") -> bool:
    """Whether a pathspec names the whole tree, or everything from here on."""
    bare = path
    while bare.startswith("./"):
        bare = bare[2:].lstrip("/")
    bare = bare.rstrip("/") or "."
    return bare in _ALL or bare.startswith((":!", ":^", ":(exclude)")) or place.is_top(path)


def _add(rest: "list[str]", place: "Place") -> "Offence | None":
    if not _dry("add", rest) and any(_everything(path, place) for path in _paths(rest)):
        return _bulk(f"git add {' '.join(_shown(rest))}")
    return None


def _commit(rest: "list[str]", place: "Place") -> "Offence | None":
    if _letters(rest, "mFCctSu", "n") or _unverified(rest):
        return _no_verify("commit")
    if not _dry("commit", rest) and "--" in rest:
        named = rest[rest.index("--") + 1 :]
        if any(_everything(path, place) for path in named):
            return _bulk(f"git commit {' '.join(_shown(rest))}")
    return None


def _unverified(rest: "list[str]") -> bool:
    options = rest[: rest.index("--")] if "--" in rest else rest
    values = ("-m", "-F", "--message", "--file", "--author", "--date", "--trailer", "-t", "--template")
    return any(
        word.startswith("--no-veri") and (not place or options[place - 1] not in values)
        for place, word in enumerate(options)
    )


def _no_verify(command: str) -> Offence:
    return Offence(
        "",
        f"git {command} past the hooks is refused here",
        "they refuse what would cost somebody else's work; past them it is found later, by everybody",
        "run it without --no-verify: what a hook refuses it says how to mend; guard explain CODE says why",
    )


def _verified(command: str) -> "Judge":
    def judge(rest: "list[str]", _place: "Place") -> "Offence | None":
        return _no_verify(command) if _unverified(rest) else None

    return judge


def _rebase(rest: "list[str]", place: "Place") -> "Offence | None":
    for at, word in enumerate(rest):
        said = ""
        if word in ("-x", "--exec") and at + 1 < len(rest):
            said = rest[at + 1]
        elif word.startswith(("--exec=", "-x")):
            said = word.removeprefix("--exec=").removeprefix("-x")
        if said and not said.startswith(UNKNOWN) and (found := place.script(said)):
            return found
    return _no_verify("rebase") if _unverified(rest) else None


def _bisect(rest: "list[str]", place: "Place") -> "Offence | None":
    return place.script(" ".join(map(_quoted, rest[1:]))) if rest[:1] == ["run"] else None


def _reset(rest: "list[str]", _place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    if any(len(word) > 2 and "--hard".startswith(word) for word in options):
        return Offence("", "git reset --hard throws away what is not committed", _SHARED, _TREE)
    return None


def _read_tree(rest: "list[str]", _place: "Place") -> "Offence | None":
    if "--reset" in rest and "-u" in rest:
        return Offence("", "git read-tree --reset -u throws away what is not committed", _SHARED, _TREE)
    return None


def _clean(rest: "list[str]", _place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    if any(word.startswith("--dr") for word in options) or _letters(options, "e", "n"):
        return None
    if _letters(options, "e", "f") or any(len(word) > 2 and "--force".startswith(word) for word in options):
        return _CLEAN
    return None


_CLEAN = Offence(
    "",
    "git clean -f deletes files that are in no commit",
    _SHARED,
    "git clean -n  # what there is; then rm FILE... for what is yours",
)


def _checkout(rest: "list[str]", place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    forced = _letters(options, "bBt", "f") or any(len(w) > 3 and "--force".startswith(w) for w in options)
    if forced:
        return Offence("", "git checkout -f throws away what is not committed", _SHARED, _TREE)
    if not _letters(options, "bB", "p") and any(_everything(path, place) for path in _paths(rest)):
        return _put_back("git checkout")
    return None


def _put_back(command: str) -> Offence:
    fix = f"{command} -- FILE...  # by name, what is yours"
    return Offence("", f"{command} of the whole tree throws away what is not committed", _SHARED, fix)


def _switch(rest: "list[str]", _place: "Place") -> "Offence | None":
    if _letters(rest, "cC", "f") or any(
        len(w) > 3 and ("--force".startswith(w) or "--discard-changes".startswith(w)) for w in rest
    ):
        return Offence("", "git switch -f throws away what is not committed", _SHARED, _TREE)
    return None


def _restore(rest: "list[str]", place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    staged = _letters(options, "s", "S") or any(w.startswith("--st") for w in options)
    tree = _letters(options, "s", "W") or any(w.startswith("--w") for w in options)
    named = _paths([w for place, w in enumerate(rest) if not (place and rest[place - 1] in ("-s", "--source"))])
    if (tree or not staged) and not _letters(options, "s", "p") and any(_everything(p, place) for p in named):
        return _put_back("git restore")
    return None


def _worktree(rest: "list[str]", _place: "Place") -> "Offence | None":
    if rest[:1] == ["remove"] and (
        _letters(rest, "", "f") or any(len(w) > 2 and "--force".startswith(w) for w in rest[1:])
    ):
        return Offence(
            "",
            "git worktree remove --force throws away what is not committed there",
            "thousands of commits and files that were nowhere else have gone that way",
            "guard worktree remove PATH  # it refuses where something would be lost, and says what",
        )
    return None


def _branch(rest: "list[str]", _place: "Place") -> "Offence | None":
    deletes = _letters(rest, "u", "d") or any(len(w) > 3 and "--delete".startswith(w) for w in rest)
    forces = _letters(rest, "u", "f") or any(len(w) > 3 and "--force".startswith(w) for w in rest)
    if _letters(rest, "u", "D") or (deletes and forces):
        return Offence(
            "",
            "git branch -D deletes commits that may be nowhere else",
            "thousands of unmerged commits have gone that way",
            "git branch -d NAME  # it refuses where commits would be lost; guard worktree sweep clears what is safe",
        )
    return None


def _push(rest: "list[str]", place: "Place") -> "Offence | None":
    if _unverified(rest):
        return _no_verify("push")
    options = [word for word in rest if word.startswith("-") and word != "--"]
    force = _letters(rest, "o", "f") or any(len(w) > 3 and w.partition("=")[0] in _FORCES for w in options)
    deletes = _letters(rest, "o", "d") or any(len(w) > 3 and "--delete".startswith(w) for w in options)
    every = any(w in ("--all", "--branches", "--mirror", "--prune") for w in options)
    named = _paths([w for at, w in enumerate(rest) if not (at and rest[at - 1] in _PUSH_VALUES)])[1:]
    plus = [w for w in named if w.lstrip(UNKNOWN).startswith("+")]
    gone = [w for w in named if w.lstrip(UNKNOWN).startswith(":") and len(w) > 1]
    if not (force or deletes or plus or gone or "--mirror" in options or "--prune" in options):
        return None
    state = place.state_branch()
    aims = [_aim(w, place) for w in (named if force or deletes else plus + gone)]
    leased = [w.partition("=")[2].partition(":")[0] for w in options if w.startswith("--force-with-lease=")]
    implied = (force and not named and not leased) or (force and every) or "--mirror" in options or "--prune" in options
    aims += [_aim(w, place) for w in leased] + ([place.branch()] if implied and not every else [])
    if (implied and every) or "--mirror" in options or state in aims or (named and UNKNOWN in aims):
        return Offence(
            "",
            f"a push that forces, deletes or rewinds {state} is refused here",
            "the merged state and everybody's commits are there; whoever has pushed meanwhile would lose theirs",
            f"guard sync, then git push {place.remote()} HEAD:{state}",
        )
    return None


_FORCES = ("--force", "--forc", "--for", "--force-with-lease", "--force-if-includes")
_PUSH_VALUES = ("-o", "--push-option", "--repo", "--receive-pack", "--exec")


def _aim(spec: str, place: "Place") -> str:
    """The branch that a refspec moves."""
    if UNKNOWN in spec:
        return UNKNOWN
    source, colon, target = spec.lstrip("+").partition(":")
    name = (target if colon else source).removeprefix("refs/heads/")
    if "*" in name:  # also of the full name
        head, state = name.partition("*")[0], place.state_branch()
        return state if state.startswith(head) or f"refs/heads/{state}".startswith(head) else name
    return place.branch() if name in ("HEAD", "@") else name


def _checkout_index(rest: "list[str]", _place: "Place") -> "Offence | None":
    if _letters(rest, "", "f") and _letters(rest, "", "a"):
        return Offence("", "git checkout-index -f -a throws away what is not committed", _SHARED, _TREE)
    return None


_COMMANDS = {
    **dict.fromkeys(("add", "stage"), _add),
    "commit": _commit,
    **{name: _verified(name) for name in ("merge", "pull", "am", "cherry-pick", "revert")},
    "rebase": _rebase,
    "bisect": _bisect,
    "reset": _reset,
    "read-tree": _read_tree,
    "clean": _clean,
    "checkout": _checkout,
    "checkout-index": _checkout_index,
    "switch": _switch,
    "restore": _restore,
    "worktree": _worktree,
    "branch": _branch,
    "push": _push,
}


def is_git(name: str) -> bool:
    """Whether the name of a command is git's, in whatever folder and whatever letters a file system takes."""
    base = os.path.basename(name).lower()
    return base in ("git", "git.exe") or base.startswith("git-")
