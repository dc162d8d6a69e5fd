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
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.change import File, Held
from guard.git import Repo
from guard.policy import Policy, shell_pattern

if TYPE_CHECKING:
    from guard.leases.refs import Found

NEWEST = 50
"""So many of the newest commits are asked whether a change takes one of them back."""

NOTHING = "guard/nothing"
"""A pattern of sh's that no path fits that matters."""

_PREFIX = re.compile(r"\[(S[1-9][0-9]{0,8})\] ", re.ASCII)
_PLAIN = re.compile(r"[^*?]+(/\*\*)?\Z")


def moved(repo: Repo) -> Path:
    """Where the hooks note that the branch that is checked out was moved by something else than a commit here."""
    try:
        head = (repo.git_dir / "HEAD").read_text().strip()
    except OSError:
        head = ""
    name = head.removeprefix("ref: ").replace("/", "-") if head.startswith("ref: ") else "HEAD"
    return repo.common_dir / "guard" / f"moved-{name}"


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
    from guard.leases.lease import instant

    return instant(expires).timestamp() + 60 * policy.lease_tolerance


def _put(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(text.encode(errors="surrogateescape"))  # paths need not be UTF-8
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
        f"guard_lane() {{\n  case $guard_me in\n    [!S]*) return 0;;\n{mine}  esac\n"
        f"  case $1 in {every}) return 0;; esac\n  return 1\n}}\n"
        f"guard_holder() {{\n  guard_held=\n{theirs}  return 1\n}}\n"
        "guard_lanes=1\n"  # last: a file that was cut off is not believed
    )


def _words(lane: dict[str, Any]) -> str:
    return "".join(
        c if c.isprintable() else "?" for c in f"lane {lane['lane']} of {lane['session']} until {lane['expires']}"
    )


def _cases(globs: Iterable[str]) -> str:
    """Globs as patterns of sh's `case`: each names what lies below it too."""
    return "|".join(dict.fromkeys(shell_pattern(each) for glob in globs for each in (glob, f"{glob}/**")))


class Neighbours:
    """What a change of the index on top of `names[0]`, joined with the other `names`, would meet.

    `session` makes it, "" where nobody says which; `new` has the bytes that a path would have.
    """

    def __init__(
        self, repo: Repo, policy: Policy, session: str, new: Callable[[str], bytes | None], names: Sequence[str]
    ) -> None:
        self.repo = repo
        self.policy = policy
        self.session = session
        self.new = new
        self.names = names

    @cached_property
    def _heard(self) -> dict[str, list[dict[str, Any]]]:
        now = time.time()
        try:
            said = json.loads((self.repo.common_dir / "guard" / "lanes.json").read_bytes())
            return {kind: [each for each in said[kind] if each["ends"] >= now] for kind in ("lanes", "branches")}
        except (OSError, ValueError, TypeError, KeyError):  # the next command mends it
            return {"lanes": [], "branches": []}

    def lanes(self) -> Sequence[Held]:
        """What sessions hold."""
        held = self._heard["lanes"]
        return [Held(each["lane"], each["session"], each["scope"], each["expires"]) for each in held]

    # --- files that stand elsewhere ------------------------------------------------------------------------------

    def elsewhere(self, file: File) -> str:
        """Where a new file stands already with other content, in words."""
        for folder in self._folders:
            if _differs(folder / file.path, self.new(file.path)):
                return f"in the work tree {folder}"
        for ref, words in self._refs if "\n" not in file.path else ():
            there = self.repo.reader.find(f"{ref}:{file.path}")
            # What is there and was here once has been deleted here since, and may be made anew.
            if there is not None and there.id != file.new and not self._included(ref):
                return words
        return ""

    @cached_property
    def _folders(self) -> list[Path]:
        return _trees(self.repo)

    @cached_property
    def _refs(self) -> list[tuple[str, str]]:
        """(ref, words) of what others have committed."""
        remote = f"refs/remotes/{self.policy.remote}"
        found = [(f"{remote}/{self.policy.branch}", f"on {self.policy.remote}/{self.policy.branch}")]
        for each in self._heard["branches"]:
            if each["session"] != self.session:
                words = f"on {each['branch']}, where {each['session']} is at work"
                found += [(f"{place}/{each['branch']}", words) for place in (remote, "refs/heads")]
        return found

    def _included(self, ref: str) -> bool:
        return self.repo.resolve(self.names[0]) is not None and self.repo.is_ancestor(ref, self.names[0])

    # --- commits just made ---------------------------------------------------------------------------------------

    def undoes(self, file: File) -> str:
        """Whose change a file silently takes back, in words."""
        if len(self.names) > 1:
            return "one side of this merge changed it" if self._dropped(file) else ""
        if (self.repo.git_dir / "REVERT_HEAD").exists() or not self._moved:
            return ""
        return self._recent.get((file.path, file.new), "")

    @cached_property
    def _moved(self) -> bool:
        """Whether the branch may have moved without its index: hooks note that."""
        return moved(self.repo).exists()

    def _dropped(self, file: File) -> bool:
        """Whether a join has a file as it was before its sides parted, though one of them changed it."""
        base = self.repo.reader.find(f"{self._base}:{file.path}") if self._base and "\n" not in file.path else None
        before = base.id if base is not None else self.repo.null
        return file.new == before != file.old

    @cached_property
    def _base(self) -> str:
        found = self.repo.call("merge-base", "--all", *self.names, check=False).stdout.decode().split()
        return found[0] if len(found) == 1 else ""  # of several, each may say something else

    @cached_property
    def _recent(self) -> dict[tuple[str, str], str]:
        """(path, content before) -> the newest commit of a neighbour that changed it from that."""
        head = self.names[0]
        if self.repo.resolve(head) is None:
            return {}
        found: dict[tuple[str, str], str] = {}
        whose: dict[str, str] = {}
        for commit, _, changes in self.repo.history(f"--max-count={NEWEST}", "--no-merges", head):
            if commit not in whose:
                made = self.repo.commit(commit)
                whose[commit] = _whose(made.message.split("\n", 1)[0], made.author, self.session)
            if whose[commit]:
                for change in changes:
                    found.setdefault((change.path, change.old), f"{whose[commit]} ({commit[:12]})")
        return found


def _whose(subject: str, made_by: str, session: str) -> str:
    """The neighbour who made a commit, in words; empty where it is one's own."""
    match = _PREFIX.match(subject)
    if session and match is not None:
        return f"{match[1]}'s {subject[match.end() :][:60]!r}" if match[1] != session else ""
    own = f"{os.environ.get('GIT_AUTHOR_NAME', '')} <{os.environ.get('GIT_AUTHOR_EMAIL', '')}>"  # git tells its hooks
    return "" if own in (made_by, " <>") else f"{made_by.partition(' <')[0]}'s {subject[:60]!r}"


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
