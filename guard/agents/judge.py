"""The verdict on a command line: first a look that loads nothing, then, where that is not enough, the parser."""

import os

from guard.agents import offence, plain
from guard.agents.offence import UNKNOWN, Offence, Unsure
from guard.agents.place import Place, find, somewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_WRITERS = frozenset("tee sed gsed perl cp mv install ln rsync rm truncate unlink shred sponge dd touch".split())
"""Commands that write what they name: see `lines`."""


def fine(text: str, place: Place, guarded: "tuple[str, ...] | None") -> bool:
    """Whether a command line is certainly let pass; nothing is loaded and no process is started to find out.

    `guarded` are the beginnings of the paths that only some may write, None where nobody has written them down.
    """
    named = plain.names_git(text)
    if not named and guarded is not None and not _near(text, place, guarded):
        return True
    try:
        commands = plain.simple(text)
        if plain.gits(commands) is False and named and "$'" in text:
            return False
        at = place
        for number, each in enumerate(commands):
            at = _moved(each, at, commands[number + 1].after if number + 1 < len(commands) else "")
            if not _passes(each, at, guarded):
                return False
    except Unsure:
        return False
    return True


def _near(text: str, place: Place, guarded: "tuple[str, ...]") -> bool:
    """Whether a text has a name on a guarded path, or is at work below one."""
    bare = plain.squeezed(text)
    heads = {path.partition("/")[0].lower() for path in guarded}
    below = f"{place.here[len(place.top) + 1 :]}/".lower()
    return "" in heads or any(head in bare or below.startswith(f"{head}/") for head in heads)


def _moved(command: plain.Simple, at: Place, then: str) -> Place:
    """The place after a `cd`, which `then` joins to what follows; raises `Unsure` where that may be elsewhere."""
    if command.words[0] not in ("cd", "pushd"):
        return at
    rest = [word for word in command.words[1:] if word not in ("--", "-P", "-L")]
    if len(rest) != 1 or rest[0].startswith(("-", "~")) or not {command.after, then}.isdisjoint(("||", "|", "&")):
        raise Unsure
    folder = os.path.join(at.here, rest[0])
    if not os.path.isdir(folder):
        raise Unsure
    return somewhere(folder, at.ask)


def _passes(command: plain.Simple, at: Place, guarded: "tuple[str, ...] | None") -> bool:
    written = command.writes
    if command.words[0].rpartition("/")[2] in _WRITERS:
        written = [*written, *(word.rpartition("=")[2] for word in command.words[1:])]
        if command.words[0] in ("cp", "mv", "ln", "install", "rsync") and guarded is None:
            return False
    if any(_may_be_guarded(path, at, guarded) for path in written):
        return False
    if not offence.is_git(command.words[0]):
        return True
    there = aimed(command.words, at)
    return there is not None and (not there.adopted or offence.of(command.words, there, {}) is None)


def _may_be_guarded(path: str, at: Place, guarded: "tuple[str, ...] | None") -> bool:
    inside = _inside(path, at)
    return inside is not None and (guarded is None or f"{inside}/".startswith(guarded) or inside == ""
                                   or any(each.startswith(f"{inside}/") for each in guarded))  # fmt: skip


def _inside(path: str, at: Place) -> "str | None":
    """A path as it is below the top of the work tree; None where it is outside."""
    whole = os.path.realpath(os.path.join(at.here, path))
    if whole == at.top:
        return ""
    return whole[len(at.top) + 1 :] if whole.startswith(f"{at.top}/") else None


def aimed(words: "Sequence[str]", at: Place, env: "Mapping[str, str] | None" = None) -> "Place | None":
    """The place that a git command works in: `at`, or where its -C, its work tree or its git directory leads; None
    outside of every work tree. Of a work tree and a git directory that do not belong together it is the adopted one."""
    folder, moved, rest = at.here, False, list(words[1:])
    tree, git_dir = (env.get("GIT_WORK_TREE", ""), env.get("GIT_DIR", "")) if env else ("", "")
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env") and (
            rest or equals
        ):
            value = value if equals else rest.pop(0)
            if name == "-C" and UNKNOWN not in value:
                folder, moved = os.path.join(folder, os.path.expanduser(value)), True
            tree, git_dir = value if name == "--work-tree" else tree, value if name == "--git-dir" else git_dir
        elif not name.startswith("-"):
            break
    here = find(folder, at.ask) if moved else at
    if not (tree or git_dir):
        return here
    git_dir = os.path.dirname(git_dir.rstrip("/")) or "." if git_dir else ""
    known = [os.path.expanduser(each) for each in (tree, git_dir) if each and UNKNOWN not in each]
    places = [find(os.path.join(folder, each), at.ask) for each in known]
    places += [here] if len(known) < 2 else []
    return next((each for each in places if each is not None and each.adopted), here if not known else places[0])


# --- the parser --------------------------------------------------------------------------------------------------


def parsed(text: str, place: Place) -> "Offence | None":
    """The offence of a command line at a place, the first that is found; None where all of it passes."""
    from guard.agents.lines import MOST, Line

    if len(text) > MOST:
        return _UNREAD if plain.names_git(text) else None
    line = Line(text)
    gits = list(line.gits())
    made = [word for git in gits for alias in offence.aliases(git.words) for word in ("-c", alias)]
    for git in gits:
        words = [_utf8(word) for word in (*git.words[:1], *made, *git.words[1:])]
        at = _after(place, git.folders)
        env = {name: _utf8(value) for name, value in git.env.items()}
        there = aimed(words, at, env)
        if there is None or not there.adopted:
            continue
        found = offence.of(words, there, env)
        if found is not None and (git.likely or found.what != _BLIND):
            return found
    for path, folders, gone in line.writes():
        at = _after(place, folders)
        if UNKNOWN in path or not path:
            continue
        found = written(_utf8(path), at, place.ask.write, gone=gone)
        if found is not None:
            return found
    return _UNREAD if not line.whole and _risky(text) else None


def written(path: str, at: Place, write: "Callable[[Place, str], Offence | None]", *, gone: bool = False
            ) -> "Offence | None":  # fmt: skip
    """The offence of writing a file, as `write` sees it, in the work tree that the file lies in; a folder that is to be
    `gone` is shown to it with a slash at its end."""
    whole = os.path.realpath(os.path.join(at.here, os.path.expanduser(path.removesuffix("/*") if gone else path)))
    there = find(os.path.dirname(whole), at.ask)
    if there is None or not there.adopted or not whole.startswith(f"{there.top}/"):
        return None
    return write(there, whole[len(there.top) + 1 :] + ("/" if gone and os.path.isdir(whole) else ""))


_BLIND = "which git command this runs is known only to the shell"

_UNREAD = Offence(
    "",
    "this command line cannot be read as a whole, and there is git in it",
    "what cannot be read cannot be judged, and some of git's commands throw other people's work away",
    "run the git command by itself, in plain words",
)

_RISKS = frozenset("stash add stage commit reset clean checkout switch restore worktree branch push config pull rebase"
                   " merge read-tree".split())  # fmt: skip


def _risky(text: str) -> bool:
    """Whether git's name and one of the commands that can be refused are words of a text."""
    for mark in ";|&()<>{},\"'`$\\\n\t=":
        text = text.replace(mark, " ")
    words = text.lower().split()
    return any(offence.is_git(word) for word in words) and not _RISKS.isdisjoint(words)


def _after(place: Place, folders: "Sequence[tuple[str, bool]] | None") -> Place:
    """The place after every `cd`, each with whether what follows runs only where it succeeded.

    It is the place itself where one is not known, and where one leads to what is not there: unless what follows would
    not run then, and what is to be there lies outside of every work tree.
    """
    folder, sure = place.here, True
    for each, follows in folders or ():
        folder = os.path.join(folder, os.path.expanduser(_utf8(each)))
        sure = sure and follows
    there = somewhere(folder, place.ask)
    return there if os.path.isdir(folder) or (sure and not there.git_dir) else place


def _utf8(text: str) -> str:
    """A word of a parsed line, whose characters are bytes, as text."""
    return text.encode("latin-1", "replace").decode("utf-8", "surrogateescape") if not text.isascii() else text


def parsed_at_top(text: str, place: Place) -> "Offence | None":
    """The offence of a script that git runs for an alias: at the top of the work tree."""
    return parsed(text, Place(place.top, place.top, place.git_dir, place.common, place.ask))
