"""What is refused of single git commands: which of their options and paths take away somebody's work."""

from guard.agents.offence import AUTOSTASH, CLEAN, COMMIT, SHARED, TREE, UNKNOWN, Offence, quoted
from guard.commandline import verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from guard.agents.place import Place

    Judge = Callable[[list[str], Place], "Offence | None"]


def judged(command: str, rest: "list[str]", words: "Sequence[str]", place: "Place") -> "Offence | None":
    """The offence of a git command, in words and as `split` cuts it; None where it takes nothing from anybody."""
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
            f"{COMMIT}, or leave your files as they are: guard sync brings in what is new, and for a look at"
            " another state: git worktree add ../elsewhere COMMIT",
        )
    if found == "autostash":
        return AUTOSTASH
    judge = COMMANDS.get(command)
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
        f"{COMMIT}, or git add -- FILE...",
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
    return place.script(" ".join(map(quoted, rest[1:]))) if rest[:1] == ["run"] else None


def _reset(rest: "list[str]", _place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    if any(len(word) > 2 and "--hard".startswith(word) for word in options):
        return Offence("", "git reset --hard throws away what is not committed", SHARED, TREE)
    return None


def _read_tree(rest: "list[str]", _place: "Place") -> "Offence | None":
    if "--reset" in rest and "-u" in rest:
        return Offence("", "git read-tree --reset -u throws away what is not committed", SHARED, TREE)
    return None


def _clean(rest: "list[str]", _place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    if any(word.startswith("--dr") for word in options) or _letters(options, "e", "n"):
        return None
    if _letters(options, "e", "f") or any(len(word) > 2 and "--force".startswith(word) for word in options):
        return CLEAN
    return None


def _checkout(rest: "list[str]", place: "Place") -> "Offence | None":
    options = rest[: rest.index("--")] if "--" in rest else rest
    forced = _letters(options, "bBt", "f") or any(len(w) > 3 and "--force".startswith(w) for w in options)
    if forced:
        return Offence("", "git checkout -f throws away what is not committed", SHARED, TREE)
    if not _letters(options, "bB", "p") and any(_everything(path, place) for path in _paths(rest)):
        return _put_back("git checkout")
    return None


def _put_back(command: str) -> Offence:
    fix = f"{command} -- FILE...  # by name, what is yours"
    return Offence("", f"{command} of the whole tree throws away what is not committed", SHARED, fix)


def _switch(rest: "list[str]", _place: "Place") -> "Offence | None":
    if _letters(rest, "cC", "f") or any(
        len(w) > 3 and ("--force".startswith(w) or "--discard-changes".startswith(w)) for w in rest
    ):
        return Offence("", "git switch -f throws away what is not committed", SHARED, TREE)
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
        return Offence("", "git checkout-index -f -a throws away what is not committed", SHARED, TREE)
    return None


COMMANDS = {
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
