"""A commit of named files alone, made through a private index and put on the branch by compare-and-swap.

Nothing that others may see changes before the branch and the shared index move together, see guard/index/shared.py. Who
loses the swap is carried over to the new HEAD: by itself where the named paths are the same there, and else from the
work tree anew, with hooks and all.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard.backoff import backoff
from guard.errors import GuardError
from guard.finding import Finding
from guard.git import Repo
from guard.git.hook import run_hook
from guard.git.objects import EMPTY_TREE, Change, parse_raw
from guard.index.shared import NO_HOOKS, Work, entries, work
from guard.publish import TRIES

Check = Callable[[str | None, Path], list[Finding]]
"""Judges a private index that stands on a commit, or on none."""

_GITLINK = "160000"


@dataclass
class Outcome:
    """What came of it.

    `commit` is None where nothing was to be committed (`paths` is empty), rules found something, or the hook `hook`
    refused. `kept` are paths of which something else is staged, and stays so.
    """

    branch: str | None
    commit: str | None = None
    paths: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hook: str = ""


@dataclass
class _Place:
    """Where the commit goes: the ref, the branch's name where it is one, and the commit that it is at."""

    ref: str
    branch: str | None
    tip: str | None


class _Lost(Exception):
    """Somebody was faster."""


class _Refused(Exception):
    """A hook said no."""


def commit(repo: Repo, named: Sequence[str], message: str, check: Check, env: dict[str, str]) -> Outcome:
    """Commit the named paths, as git spells them, as they are in the work tree; `env` is for hooks and for git.

    Raises `GuardError` for a path that cannot be committed, and where others are faster all the time.
    """
    with work(repo) as mine:
        job = _Job(repo, mine, named, message, check, env)
        for wait in backoff(TRIES):
            try:
                return job.attempt()
            except _Lost:
                time.sleep(wait)
    raise GuardError("contention", "the branch moved on at every try", "nothing was committed", "run the command again")


class _Job:
    """One commit on its way; what was staged and let pass before is carried over where that is right."""

    def __init__(
        self, repo: Repo, mine: Work, named: Sequence[str], message: str, check: Check, env: dict[str, str]
    ) -> None:
        self.repo = repo
        self.mine = mine
        self.named = set(named)
        self.check = check
        self.env = {**mine.env, "GIT_EDITOR": ":", **_author(repo, env), **env}
        self.given = message
        self.message: bytes | None = None
        self.found = False
        self.base: str | None = None
        self.changes: list[Change] | None = None

    def attempt(self) -> Outcome:
        """Try once; raises `_Lost` where somebody else moved the branch in a way that asks for a new look."""
        place = _place(self.repo)
        done = Outcome(place.branch)
        try:
            if not self._same_there(place.tip):
                done.findings = self._stage(place)
            if done.findings or not self.changes:
                return done
            if self.message is None:
                self.message = self._message(place)
            self._swap(place.ref, self.message, self.changes, done)
        except _Refused as hook:
            done.hook = str(hook)
        if done.commit is not None:
            done.paths = sorted(change.path for change in self.changes or ())
            self._forget_bulk()
            env = {**self.env, "GIT_INDEX_FILE": str(self.mine.shared.absolute())}
            self._tell(run_hook(self.repo, "post-commit", env=env))
        return done

    # --- the tree ----------------------------------------------------------------------------------------------

    def _same_there(self, tip: str | None) -> bool:
        """Whether what was staged for an earlier HEAD is what would be staged for this one."""
        if self.changes is None:
            return False
        tree = EMPTY_TREE[self.repo.hash]
        moved = {change.path for change in self.repo.changes(self.base or tree, tip or tree)}
        above = {folder for path in self.named | moved for folder in _above(path)}
        return not (moved & self.named or above & (moved | self.named))

    def _carry_over(self, tip: str | None, changes: Sequence[Change]) -> list[Finding]:
        """The same entries on a newer commit, judged there."""
        self.mine.fill(tip)
        self.mine.write({change.path: (change.new_mode, change.new) for change in changes})
        self.base = tip
        return self.check(tip, self.mine.index)

    def _stage(self, place: _Place) -> list[Finding]:
        """The named files from the work tree, judged, and given to the pre-commit hook."""
        self.base, self.changes = place.tip, None
        self.mine.fill(place.tip)
        self._add()
        staged = self._staged(place.tip, "a file in the place of a folder takes its files away", "name them too")
        if not staged:
            self.changes = []
            return []
        if findings := self.check(place.tip, self.mine.index):
            self.changes = staged
            return findings
        self._hook("pre-commit", place)
        fix = "name them too, or git commit, which takes whatever a hook stages"
        self.changes = self._staged(place.tip, "the pre-commit hook staged them", fix)
        return self.check(place.tip, self.mine.index) if self.changes and self.changes != staged else []

    def _staged(self, tip: str | None, why: str, fix: str) -> list[Change]:
        """What the private index would commit; raises `GuardError` where that is more than was named."""
        words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", "--ignore-submodules=none")
        changes = parse_raw(self.repo.run(*words, tip or EMPTY_TREE[self.repo.hash], "--", env=self.mine.env))
        foreign = [change.path for change in changes if change.path not in self.named]
        if foreign:
            said = f"{', '.join(foreign[:5])}{' and more' if len(foreign) > 5 else ''} would be committed too"
            raise GuardError("state", said, why, fix)
        return changes

    def _add(self) -> None:
        """Put the named files into the private index."""
        before = entries(self.repo, self.mine.index, self.named)
        top = self.repo.top()
        there: list[str] = []
        gone: list[str] = []
        for path in sorted(self.named):
            mode = before[path][0][0] if path in before else ""
            (there if _present(top, path, mode) else gone).append(path)
        missing = [path for path in gone if path not in before]
        if missing and not self.found:
            raise GuardError(
                "usage",
                f"there is no file {missing[0]}, neither here nor in HEAD",
                "nothing was committed, as not all that is named can be",
                "git status (shows what there is)",
            )
        self.found = True  # what goes after this went by another commit
        if gone:
            self._git("update-index", "-z", "--force-remove", "--stdin", paths=gone)
        if there:
            self._git("add", "--pathspec-from-file=-", "--pathspec-file-nul", paths=there)

    def _git(self, *words: str, paths: Sequence[str]) -> None:
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        env = {**self.mine.env, "GIT_LITERAL_PATHSPECS": "1"}
        done = self.repo.call(*NO_HOOKS, *words, input=data, env=env, check=False)
        if done.returncode == 0:
            return
        said = done.stderr.decode(errors="replace").strip()
        if "ignored by one of your .gitignore files" in said:
            asked = self.repo.call("check-ignore", "-z", "--stdin", input=data, check=False).stdout
            ignored = [os.fsdecode(path) for path in asked.split(b"\0") if path]
            raise GuardError(
                "usage",
                f"{', '.join(ignored[:5]) or 'a named file'} is ignored by .gitignore",
                "git add refuses it too; nothing was committed",
                "git add -f -- FILE && git commit -- FILE, if it is meant",
            )
        raise GuardError("git", "the named files cannot be staged", said, "git status (shows what there is)")

    # --- hooks and message -------------------------------------------------------------------------------------

    def _hook(self, name: str, place: _Place, *arguments: str) -> None:
        """Run a hook; raises `_Refused` where it refuses, and `_Lost` where it may have looked at another HEAD."""
        done = run_hook(self.repo, name, *arguments, env=self.env)
        if done.returncode != 0 and _place(self.repo) != place:
            raise _Lost
        self._tell(done)
        if done.returncode != 0:
            raise _Refused(name)

    @staticmethod
    def _tell(done: "object") -> None:
        """Show what a hook said."""
        said: bytes = getattr(done, "stdout", b"") or b""
        if said:
            sys.stderr.write(said.decode(errors="replace"))
            sys.stderr.flush()

    def _message(self, place: _Place) -> bytes:
        """The message as the hooks leave it, cleaned as git cleans one that nobody edited."""
        path = self.mine.folder / "COMMIT_EDITMSG"
        path.write_bytes(self._cleaned(self.given.encode(errors="surrogateescape")))
        name = str(path.absolute())
        self._hook("prepare-commit-msg", place, name, "message")
        self._hook("commit-msg", place, name)
        message = self._cleaned(path.read_bytes())
        if not message.strip():
            raise GuardError("usage", "the message is empty", "", "guard commit -m 'what: why' FILE...")
        return message

    def _cleaned(self, message: bytes) -> bytes:
        mode = self.repo.config("commit.cleanup")
        if mode == "verbatim":
            return message
        return self.repo.call("stripspace", *(["-s"] if mode == "strip" else []), input=message).stdout

    # --- the branch --------------------------------------------------------------------------------------------

    def _swap(self, ref: str, message: bytes, changes: Sequence[Change], done: Outcome) -> None:
        """Make the commit, and move the branch and the shared index to it.

        A branch that has moved on is followed under the lock, where no plain `git commit` can be faster again.
        """
        new = self._write(message)
        done.kept = self.mine.prepare(changes)
        with self.mine.locked():
            place = _place(self.repo)
            if place.ref != ref:
                raise _Lost
            if place.tip != self.base:
                if not self._same_there(place.tip):
                    raise _Lost
                done.findings = self._carry_over(place.tip, changes)
                if done.findings:
                    return
                new = self._write(message)
            if not self.mine.prepared:
                done.kept = self.mine.prepare(changes)
            subject = message.decode(errors="surrogateescape").strip().partition("\n")[0]
            why = f"commit{'' if place.tip else ' (initial)'}: {subject}"
            said = self.mine.move(ref, place.tip, new, why)
        if said:
            if _place(self.repo) != place or ("lock" in said and "File exists" in said):
                raise _Lost
            print(said, file=sys.stderr)
            raise _Refused("reference-transaction")
        done.commit = new

    def _write(self, message: bytes) -> str:
        """The commit of the private index on the commit that it stands on."""
        tree = self.repo.run(*NO_HOOKS, "write-tree", env=self.mine.env).strip()
        return write(self.repo, tree, [self.base] if self.base else [], message, self.env)

    def _forget_bulk(self) -> None:
        """The note that the shared index was written in bulk goes when nothing of it is staged any more."""
        note = self.repo.git_dir / "guard" / "bulk"
        if note.exists() and self.repo.call("diff-index", "--cached", "--quiet", "HEAD", check=False).returncode == 0:
            note.unlink(missing_ok=True)


def write(repo: Repo, tree: str, parents: Sequence[str], message: bytes, env: dict[str, str]) -> str:
    """Write a commit object as `git commit` would, signed where the repository signs; returns its name."""
    signed = repo.call("config", "--type=bool", "--get", "commit.gpgSign", check=False).stdout.strip() == b"true"
    words = ["commit-tree", *(["-S"] if signed else []), *(word for parent in parents for word in ("-p", parent))]
    done = repo.call(*words, "-F", "-", tree, input=message, env=env, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        what = "the commit cannot be signed" if signed else "the commit cannot be written"
        fix = "git config --show-origin --get-regexp '^(user|gpg|commit)'"
        raise GuardError("git", what, f"{said}; nothing was committed", fix)
    return done.stdout.decode().strip()


def _author(repo: Repo, env: dict[str, str]) -> dict[str, str]:
    """The author as git tells it to hooks; raises `GuardError` where git does not know one."""
    done = repo.call("var", "GIT_AUTHOR_IDENT", env=env, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["git knows no author"]
        fix = "git config user.name NAME && git config user.email ADDRESS"
        raise GuardError("git", lines[-1], "a commit says who made it", fix)
    who, _, date = done.stdout.decode(errors="surrogateescape").strip().rpartition("> ")
    name, _, mail = who.rpartition(" <")
    return {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": f"@{date}"}


def _place(repo: Repo) -> _Place:
    """Where HEAD is."""
    ref = repo.branch_ref()
    branch = ref.removeprefix("refs/heads/") if ref else None
    return _Place(ref or "HEAD", branch, repo.resolve(ref or "HEAD"))


def _above(path: str) -> list[str]:
    """The folders that a path lies in."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts))]


def _present(top: Path, path: str, mode: str) -> bool:
    """Whether a file is there to be added; else it is to be taken away. `mode` is what HEAD has, empty for nothing.

    Raises `GuardError` for a folder, and for what lies behind a symbolic link.
    """
    here = top / path
    link = next((folder for folder in _above(path) if (top / folder).is_symlink()), None)
    if link is not None:
        if mode:
            return False  # git would not look behind it either
        raise GuardError(
            "usage", f"{path} lies behind the symbolic link {link}", "", "name the file where it really is"
        )
    if here.is_symlink() or not here.is_dir():
        return os.path.lexists(here)
    if mode == _GITLINK:
        return True
    if mode:
        return False  # a folder stands where the file was
    if path and (here / ".git").exists():
        fix = f"git submodule add URL {path} && git commit"
        raise GuardError("usage", f"{path} is a repository of its own, and no submodule yet", "", fix)
    raise GuardError(
        "usage",
        f"{path or 'the top'} is a folder",
        "what else lies in it may be somebody's unfinished work",
        f"git ls-files -mdo --exclude-standard -- {path or '.'} (lists what can be named)",
    )
