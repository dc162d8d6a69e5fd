"""What the neighbours of a change are about: lanes that are held, files that stand elsewhere, commits just made.

Hooks ask nobody over a network and start few processes: what was last heard of the leases stands in a file that all
work trees share, `guard/lanes.json` (and `guard/lanes`, which says to `sh` whether a path needs a judgement at all).
All of it is looked up when a rule asks, and only then.
"""

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.change import File, Held
from guard.git import Repo
from guard.policy import Policy

if TYPE_CHECKING:
    from guard.leases import Found

NEWEST = 50
"""So many of the newest commits are asked whether a change takes one of them back."""

NOTHING = "guard/nothing"
"""A pattern of sh's that no path fits that matters."""

_PREFIX = re.compile(r"\[(S[1-9][0-9]{0,8})\] ", re.ASCII)
_PLAIN = re.compile(r"[^*?]+(/\*\*)?\Z")


# --- what is heard of leases -----------------------------------------------------------------------------------


def remember(repo: Repo, policy: Policy, held: "Found") -> None:
    """Note what the hub's refs say of lanes and branches; that it cannot be written makes nobody less right."""
    lanes = [
        {"lane": lane.lane, "session": lane.session, "scope": list(lane.scope), "ends": _ends(lane.expires, policy)}
        | {"expires": lane.expires}
        for _, lane in held.lanes.values()
        if lane.open
    ]
    branches = [
        {"branch": said.branch, "session": said.session, "ends": _ends(said.expires, policy)}
        for _, said in held.sessions.values()
        if not said.ended and said.branch and said.branch != policy.branch
    ]
    folder = repo.common_dir / "guard"
    try:
        if not lanes and not branches:
            for name in ("lanes", "lanes.json"):
                (folder / name).unlink(missing_ok=True)
            return
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder / "lanes.json", json.dumps({"lanes": lanes, "branches": branches}))
        _put(folder / "lanes", _for_sh(lanes, bool(branches)))
    except OSError:
        return


def _ends(expires: str, policy: Policy) -> float:
    """Until when others take it for held, in seconds since 1970."""
    from guard.lease import instant

    return instant(expires).timestamp() + 60 * policy.lease_tolerance


def _put(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(path)


def _for_sh(lanes: Sequence[dict[str, Any]], branches: bool) -> str:
    """Functions for the hooks, which know their session as $guard_me.

    `guard_lane PATH`: whether a change of it needs a judgement. It may say yes too often, never too seldom.
    `guard_holder PATH`: who else holds it, in $guard_held.
    """
    own: dict[str, list[str]] = {}
    for lane in lanes:
        own.setdefault(lane["session"], []).extend(lane["scope"])
    mine = "".join(
        f"    {session}) case $1 in {_cases(filter(_PLAIN.match, scope)) or NOTHING}) return 1;; esac; return 0;;\n"
        for session, scope in own.items()
    )
    theirs = "".join(
        f'  case $1 in {_cases(lane["scope"])}) [ "$guard_me" = {lane["session"]} ] || {{ guard_held='
        f"{shlex.quote(_words(lane))}; return 0; }};; esac\n"
        for lane in lanes
    )
    every = _cases(glob for lane in lanes for glob in lane["scope"]) or NOTHING
    return (
        f"guard_branches={int(branches)}\n"
        f"guard_lane() {{\n  case $guard_me in\n{mine}  esac\n  case $1 in {every}) return 0;; esac\n  return 1\n}}\n"
        f"guard_holder() {{\n  guard_held=\n{theirs}  return 1\n}}\n"
        "guard_lanes=1\n"  # last: a file that was cut off is not believed
    )


def _words(lane: dict[str, Any]) -> str:
    return "".join(
        c if c.isprintable() else "?" for c in f"lane {lane['lane']} of {lane['session']} until {lane['expires']}"
    )


def _cases(globs: Iterable[str]) -> str:
    """Globs as patterns of sh's `case`: each names what lies below it too, and `*` crosses slashes."""
    patterns = []
    for glob in globs:
        plain = "".join(c if c in "*?" else shlex.quote(c) for c in glob.removesuffix("/**")).replace("**", "*")
        patterns += [plain, f"{plain}/*"]
    return "|".join(patterns)


def _heard(repo: Repo) -> dict[str, list[dict[str, Any]]]:
    try:
        said = json.loads((repo.common_dir / "guard" / "lanes.json").read_text())
    except (OSError, ValueError):
        return {"lanes": [], "branches": []}
    now = time.time()
    return {kind: [each for each in said[kind] if each["ends"] >= now] for kind in ("lanes", "branches")}


def lanes(repo: Repo) -> Callable[[], Sequence[Held]]:
    """What sessions hold, for a `Change`."""

    @cache
    def look() -> Sequence[Held]:
        held = _heard(repo)["lanes"]
        return [Held(each["lane"], each["session"], each["scope"], each["expires"]) for each in held]

    return look


# --- files that stand elsewhere ----------------------------------------------------------------------------------


def elsewhere(repo: Repo, policy: Policy, new: Callable[[str], bytes | None]) -> Callable[[File], str]:
    """Where a new file stands already with other content, for a `Change`; `new` has the bytes that it would have."""

    @cache
    def folders() -> list[Path]:
        return _trees(repo)

    @cache
    def refs() -> list[tuple[str, str]]:
        """(ref, words) of what others have committed."""
        upstream = f"{policy.remote}/{policy.branch}"
        found = [(f"refs/remotes/{upstream}", f"on {upstream}")]
        for each in _heard(repo)["branches"]:
            words = f"on {each['branch']}, where {each['session']} is at work"
            found += [(f"{place}/{each['branch']}", words) for place in (f"refs/remotes/{policy.remote}", "refs/heads")]
        return found

    def look(file: File) -> str:
        for folder in folders():
            if _differs(folder / file.path, new(file.path)):
                return f"in the work tree {folder}"
        for ref, words in refs() if "\n" not in file.path else ():
            there = repo.reader.find(f"{ref}:{file.path}")
            # What is there and was here once has been deleted here since, and may be made anew.
            if there is not None and there.id != file.new and not _included(repo, ref):
                return words
        return ""

    return look


def _included(repo: Repo, ref: str) -> bool:
    return repo.resolve("HEAD") is not None and repo.is_ancestor(ref, "HEAD")


def _differs(path: Path, data: bytes | None) -> bool:
    """Whether a regular file stands at a path with other bytes; how lines end is no difference."""
    try:
        if data is None or path.is_symlink() or not path.is_file():
            return False
        return path.read_bytes().replace(b"\r\n", b"\n") != data.replace(b"\r\n", b"\n")
    except OSError:
        return False


def _trees(repo: Repo) -> list[Path]:
    """The folders of this clone's other work trees, as git notes them; no process is started for it."""
    if repo.bare:
        return []
    common = repo.common_dir
    found = [common.parent] if common.name == ".git" else []
    for note in sorted((common / "worktrees").glob("*/gitdir")):
        try:
            found.append(Path(note.read_text(errors="surrogateescape").removesuffix("\n")).parent)
        except OSError:
            continue
    own = os.path.realpath(repo.git_dir)
    return [folder for folder in found if folder.is_dir() and _git_dir(folder) != own]


def _git_dir(folder: Path) -> str:
    """The git directory of a work tree."""
    dot = folder / ".git"
    try:
        if dot.is_file():
            return os.path.realpath(folder / dot.read_text(errors="surrogateescape").strip().removeprefix("gitdir: "))
    except OSError:
        return ""
    return os.path.realpath(dot)


# --- commits just made -------------------------------------------------------------------------------------------


def undoes(repo: Repo, session: str, author: str) -> Callable[[File], str]:
    """Whose change a file silently takes back, for a `Change` on top of HEAD that `session` or `author` makes."""

    @cache
    def recent() -> dict[tuple[str, str], str]:
        """(path, content before) -> the newest commit of a neighbour that changed it from that."""
        if repo.resolve("HEAD") is None:
            return {}
        found: dict[tuple[str, str], str] = {}
        whose: dict[str, str] = {}
        for commit, _, changes in repo.history(f"--max-count={NEWEST}", "--no-merges", "HEAD"):
            if commit not in whose:
                made = repo.commit(commit)
                whose[commit] = _whose(made.message.split("\n", 1)[0], made.author, session, author)
            if whose[commit]:
                for change in changes:
                    found.setdefault((change.path, change.old), f"{whose[commit]} ({commit[:12]})")
        return found

    def look(file: File) -> str:
        if (repo.git_dir / "REVERT_HEAD").exists():
            return ""
        return recent().get((file.path, file.new), "")

    return look


def _whose(subject: str, made_by: str, session: str, author: str) -> str:
    """The neighbour who made a commit, in words; empty where it is one's own."""
    match = _PREFIX.match(subject)
    if session and match is not None:
        return f"{match[1]}'s {subject[match.end() :][:60]!r}" if match[1] != session else ""
    return f"{made_by.partition(' <')[0]}'s {subject[:60]!r}" if made_by != author else ""
