"""The index that a work tree's writers share, changed together with its branch; who dies over it is cleaned up after.

A commit that is not made from the shared index leaves it behind: the next plain `git commit` would take it back again.
So index and branch move under git's own lock, the index first: whoever reads the index before that stands on a HEAD
that is gone by the time they commit, and whoever reads it after that has the commit. The lock is a second name of a
file that its owner holds by flock, so that a lock whose owner is dead can be told from every other, and only such a one
is taken away.
"""

import fcntl
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from guard.backoff import backoff
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import Change, blob_id

NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
"""For an index of one's own: what happens to it is nobody's business."""

TRIES = 24
"""For git's lock: fifteen seconds or so. An editor may be open under it, and nobody is to wait for that."""

Entry = tuple[str, str]
"""The mode and the object of a path; an absent one is `000000` and zeros, as in git's raw output."""


class Work:
    """What one command makes before anybody else may see it: a folder in the work tree's git directory.

    `owner` is locked as long as somebody works on it; `index` is a private index; `journal` says what is being done to
    the shared one, `before` is what that was, `after` what it becomes.
    """

    def __init__(self, repo: Repo, folder: Path, fd: int) -> None:
        self.repo = repo
        self.folder = folder
        self.fd = fd
        self.index = folder / "index"
        self.shared = repo.git_dir / "index"
        self.before = folder / "before"
        self.after = folder / "after"

    @property
    def env(self) -> dict[str, str]:
        """The environment in which git uses the private index."""
        return {"GIT_INDEX_FILE": str(self.index.absolute())}

    def fill(self, commit: str | None) -> None:
        """Make the private index that of a commit; what is known of files on disk is taken from the shared one."""
        self.fill_as_shared()
        if commit is None:
            self.repo.call(*NO_HOOKS, "read-tree", "--empty", env=self.env)
            return
        done = self.repo.call(*NO_HOOKS, "read-tree", "--reset", commit, env=self.env, check=False)
        if done.returncode != 0:  # the shared one is broken; it is of use, and not needed
            self.index.unlink(missing_ok=True)
            self.repo.call(*NO_HOOKS, "read-tree", commit, env=self.env)

    def fill_as_shared(self) -> None:
        """Make the private index what the shared one is now."""
        self.index.unlink(missing_ok=True)  # a hook may keep it by another name
        with suppress(FileNotFoundError):
            shutil.copy2(self.shared, self.index)  # with its time: by that git knows which entries it must look at

    def write(self, entries: Mapping[str, Entry], index: Path | None = None) -> None:
        """Set entries of the private index, or of another one."""
        absent = "000000"
        lines = [
            f"0 {self.repo.null}\t{path}" if mode == absent else f"{mode} {oid} 0\t{path}"
            for path, (mode, oid) in sorted(
                entries.items(), key=lambda each: each[1][0] != absent
            )  # room for what comes
        ]
        data = "".join(f"{line}\0" for line in lines).encode(errors="surrogateescape")
        env = {"GIT_INDEX_FILE": str((index or self.index).absolute())}
        self.repo.call(*NO_HOOKS, "update-index", "-z", "--index-info", input=data, env=env)

    # --- the shared index --------------------------------------------------------------------------------------

    def prepare(self, changes: Sequence[Change]) -> list[str]:
        """Make what the shared index is to become: the entries that still are what they were go along.

        Returns the paths of which something else is staged, which stays staged: it is somebody's.
        """
        self.before.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            os.link(self.shared, self.before)  # git never writes an index in place: this stays what it is
        if self.before.exists():
            shutil.copy2(self.before, self.after)
        else:
            self.repo.call(*NO_HOOKS, "read-tree", "--empty", env={"GIT_INDEX_FILE": str(self.after.absolute())})
        staged = entries(self.repo, self.after, {change.path for change in changes})
        absent = ("000000", self.repo.null)
        moving, kept = {}, []
        for change in changes:
            old, new = (change.old_mode, change.old), (change.new_mode, change.new)
            found = staged.get(change.path, [absent])
            if found == [old] or (old == absent and found[0][1] == _empty(self.repo)):  # git add -N says no more
                moving[change.path] = new
            elif found != [new]:
                kept.append(change.path)
        if moving:
            self.write(moving, self.after)
            env = {"GIT_INDEX_FILE": str(self.after.absolute())}
            self.repo.call(*NO_HOOKS, "update-index", "-q", "--refresh", env=env, check=False)
        return kept

    @property
    def prepared(self) -> bool:
        """Whether the shared index still is what `prepare` saw."""
        try:
            return self.shared.samefile(self.before)
        except FileNotFoundError:
            return not self.shared.exists() and not self.before.exists()

    @contextmanager
    def locked(self, tries: int = TRIES) -> Iterator[None]:
        """Hold git's lock of the shared index; raises `GuardError` where somebody else does not let go of it.

        At the end, however it is reached, the index is what belongs to the branch: moved on, or as it was.
        """
        with _alone(self.folder.parent.parent / "commits.turn"):
            yield from self._locked(tries)

    def _locked(self, tries: int) -> Iterator[None]:
        lock = self.repo.git_dir / "index.lock"
        for wait in backoff(tries):
            os.utime(self.folder / "owner")  # the lock is as old as this
            try:
                os.link(self.folder / "owner", lock)
                break
            except FileExistsError:
                time.sleep(wait)
                complete(self.repo)
            except OSError as error:
                raise GuardError(
                    "state",
                    f"{lock} cannot be made: {error.strerror}",
                    "guard needs a file system with hard links and room; nothing was committed",
                    "git add -- FILE... && git commit -- FILE...",
                ) from None
        else:
            raise GuardError(
                "contention",
                f"{lock} does not go away: somebody is writing the index, or died over it",
                "without it a neighbour's next commit could take this one back; nothing was committed",
                "run it again when they are done; guard doctor tells whether they are dead",
            )
        try:
            with _uninterrupted():
                yield
        finally:
            with _uninterrupted():
                _settle(self.repo, self.folder)

    def move(self, ref: str, old: str | None, new: str, why: str) -> str:
        """Under the lock: move the shared index, then a ref from `old` to `new`; returns what git said against it."""
        _write(self.folder / "journal", json.dumps({"ref": ref, "old": old, "new": new}))
        self.after.replace(self.shared)
        words = ("update-ref", "-m", why, ref, new, old or self.repo.null)
        done = self.repo.call(*words, check=False, pass_fds=(self.fd,))
        if done.returncode == 0 or self.repo.resolve(ref) == new:
            return ""
        return done.stderr.decode(errors="replace").strip() or f"git update-ref ended with {done.returncode}"


@contextmanager
def work(repo: Repo) -> Iterator[Work]:
    """A folder to work in, gone afterwards; what dead commands of this work tree have left is completed first."""
    complete(repo)
    home = repo.git_dir / "guard" / "commits"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _alone(home):
            folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=home))
            fd = os.open(folder / "owner", os.O_CREAT | os.O_RDWR, 0o644)
            fcntl.flock(fd, fcntl.LOCK_EX)
    except OSError as error:
        raise GuardError(
            "state",
            f"nothing can be written in {home}: {error.strerror}",
            "a commit is prepared there; nothing was committed",
            f"make room, or see what is at {home}",
        ) from None
    try:
        yield Work(repo, folder, fd)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(fd)


def complete(repo: Repo) -> list[str]:
    """Complete, or take back, what commands that died have left in this work tree; returns what was done, in words."""
    home = repo.git_dir / "guard" / "commits"
    if not home.is_dir() or not any(home.iterdir()):
        return []
    said = []
    with _alone(home):
        for folder in sorted(home.iterdir()):
            fd = _dead(folder)
            if fd is None:
                continue
            try:
                if what := _settle(repo, folder):
                    said.append(what)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(fd)
    return said


def left(repo: Repo) -> list[str]:
    """The folders of commands that died in this work tree."""
    home = repo.git_dir / "guard" / "commits"
    found = []
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        with _alone(home):
            fd = _dead(folder)
        if fd is not None:
            os.close(fd)
            found.append(folder.name)
    return found


def entries(repo: Repo, index: Path, paths: Collection[str]) -> dict[str, list[Entry]]:
    """What an index has of some paths: one entry each, or several where they are unmerged."""
    out = repo.run("ls-files", "--stage", "-z", env={"GIT_INDEX_FILE": str(index.absolute())})
    found: dict[str, list[Entry]] = {}
    for line in out.split("\0")[:-1]:
        head, _, path = line.partition("\t")
        if path in paths:
            mode, oid, _ = head.split(" ")
            found.setdefault(path, []).append((mode, oid))
    return found


def _settle(repo: Repo, folder: Path) -> str:
    """Let go of the shared index: it is left as the branch has it, or as it was before. Returns what was done."""
    lock, owner, shared = repo.git_dir / "index.lock", folder / "owner", repo.git_dir / "index"
    try:
        if not lock.samefile(owner):
            return ""
    except FileNotFoundError:
        return ""
    what = ""
    if (folder / "journal").exists():
        said = json.loads((folder / "journal").read_text())
        tip = repo.resolve(said["ref"])
        landed = tip is not None and (tip == said["new"] or repo.is_ancestor(said["new"], tip))
        what = f"{said['new'][:12]} {'is' if landed else 'was not'} committed, and the index says so again"
        if not landed and (folder / "before").exists():
            (folder / "before").replace(shared)
        elif not landed:
            shared.unlink(missing_ok=True)
        (folder / "journal").unlink()
    lock.unlink(missing_ok=True)
    return what or "git's lock of the index was let go of"


def _dead(folder: Path) -> int | None:
    """A descriptor that holds the lock of a folder that nobody works on any more; None where somebody does."""
    try:
        fd = os.open(folder / "owner", os.O_RDWR)
    except FileNotFoundError:
        try:
            fd = os.open(folder, os.O_RDONLY)  # whoever made it died at once
        except FileNotFoundError:
            return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep others out of a folder, or of what a file stands for; the lock ends with the process, whatever happens."""
    fd = os.open(home, os.O_RDONLY if home.is_dir() else os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: a git that is ended between two of its steps leaves the lock of a ref behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _empty(repo: Repo) -> str:
    """The blob without content."""
    return blob_id(b"", repo.hash)


def _write(path: Path, text: str) -> None:
    """Write a file that is there whole, on the disk itself, or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
