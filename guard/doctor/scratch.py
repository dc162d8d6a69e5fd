"""A scratch repository with the hooks of a real one, in which what must be refused is tried out for real."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guard.git import Repo
from guard.hooks import HOOKS, registered, strict
from guard.hooks import install as hooks

_AGENTS = "state/agents.json"
_NOTES = "notes.txt"
_WIPED = '{\n  "agents": {}\n}\n'
_MESSAGE = "[S1] doctor: a try"
_NO_FOLDER = ("-c", "core.hooksPath=/dev/null")
NO_HOOKS = (*_NO_FOLDER, *registered.OFF, "-c", f"{strict.KEY}=false")
_WHO = {"NAME": "guard doctor", "EMAIL": "doctor@guard.invalid"}


@dataclass(frozen=True)
class Tried:
    """One thing that was tried, whether it went as it must, and what git said where it did not."""

    what: str
    right: bool
    said: str = ""


def environment(root: Path) -> dict[str, str]:
    """The environment of git in a scratch repository: nobody's configuration, nobody's name, no allowance."""
    return {
        "HOME": str(root),
        "XDG_CONFIG_HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        **dict.fromkeys(("GUARD_ALLOW", "GUARD_SESSION", "PRE_COMMIT"), ""),
        **{f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()},
    }


def copy_own(source: Repo, into: Repo) -> None:
    """Copy the hooks that the configuration names, and strict mode's, as far as they are there."""
    theirs, own = registered.folder(source), registered.folder(into)
    if theirs.is_dir():
        shutil.copytree(theirs, own)
    if not registered.missing(source):
        registered.register(into)


def copy_hooks(folder: Path, into: Repo) -> None:
    """Copy the hooks as they are, and nobody else's: what they call besides would do its work here too."""
    own = into.git_dir / "hooks"
    own.mkdir(exist_ok=True)
    for name in HOOKS:
        for path in (folder / name, folder / f"{name}.legacy"):
            if hooks.ours(path) and not (own / name).exists():
                shutil.copy2(path, own / name)
    for path in folder.glob("guard-*"):  # what the hooks share
        shutil.copy2(path, own / path.name)
    notes = into.git_dir / "guard" / "installed.json"
    notes.parent.mkdir()
    notes.write_text("{}\n", encoding="utf-8")


class Scratch:
    """The repository: a little state that is protected, and copies of the hooks."""

    def __init__(self, source: Repo, folder: Path, root: Path) -> None:
        self.top = root / "scratch"
        self._env = environment(root)
        words = ("init", "-q", "--initial-branch=main", "--template=", f"--object-format={source.hash}", str(self.top))
        source.call(*words, env=self._env)
        self.repo = Repo(self.top)
        self.write("guard.toml", f'[merge]\nbaseline = "{self.repo.null}"\n')
        self.write(_AGENTS, '{\n  "agents": {\n    "ada": {},\n    "bob": {}\n  }\n}\n')
        self.write(_NOTES, "one\n")
        self.git(*NO_HOOKS, "add", "--all")
        self.git(*NO_HOOKS, "commit", "-q", "-m", "[S0] doctor: the beginning")
        self.base = self.repo.resolve("HEAD") or ""
        copy_hooks(folder, self.repo)
        copy_own(source, self.repo)

    def set_strict(self) -> None:
        """Strict mode, from now on."""
        self.git("config", strict.KEY, strict.setting(registered.folder(self.repo)))

    # --- doing -------------------------------------------------------------------------------------------------

    def git(self, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        """Run git; its exit code and what it said."""
        done = self.repo.call(*words, env={**self._env, **(env or {})}, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace").strip()

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.top / path).parent.mkdir(exist_ok=True)
        (self.top / path).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """What a file holds."""
        return (self.top / path).read_text(encoding="utf-8")

    def again(self) -> None:
        """Back to the beginning."""
        self.git(*NO_HOOKS, "reset", "-q", "--hard", self.base)
        self.git(*NO_HOOKS, "clean", "-q", "-f", "-d")
        (self.repo.git_dir / "guard" / "bulk").unlink(missing_ok=True)

    @property
    def moved(self) -> bool:
        """Whether HEAD is elsewhere than at the beginning."""
        return self.repo.resolve("HEAD") != self.base


@contextmanager
def scratch(source: Repo, folder: Path) -> Iterator[Scratch]:
    """A scratch repository with the hooks of a folder; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="guard-doctor-", ignore_cleanup_errors=True) as root:
        made = Scratch(source, folder, Path(root))
        try:
            yield made
        finally:
            made.repo.close()


# --- what must be refused, and what must pass ------------------------------------------------------------------


def tries(made: Scratch, *, strict: bool = False) -> Iterator[Tried]:
    """Try what the hooks are there for, and what strict mode is."""
    for attempt in (_plain, _canonical, _not_verified, _stash, _bulk):
        made.again()
        yield attempt(made)
    if strict:
        made.again()
        made.set_strict()
        yield _strict(made)


def _plain(made: Scratch) -> Tried:
    made.write(_NOTES, "two\n")
    made.git("add", "--", _NOTES)
    code, said = made.git("commit", "-q", "-m", _MESSAGE)
    return Tried("an ordinary commit passes", code == 0 and made.moved, said)


def _wipe(made: Scratch) -> None:
    made.write(_AGENTS, _WIPED)
    made.git("add", "--", _AGENTS)


def _canonical(made: Scratch) -> Tried:
    _wipe(made)
    code, said = made.git("commit", "-q", "-m", _MESSAGE)
    return Tried("a commit that wipes state is refused", code != 0 and "G101" in said and not made.moved, said)


def _not_verified(made: Scratch) -> Tried:
    _wipe(made)
    code, said = made.git("commit", "-q", "--no-verify", "-m", _MESSAGE)
    return Tried("it is refused with --no-verify too", code != 0 and not made.moved, said)


def _stash(made: Scratch) -> Tried:
    made.write(_NOTES, "precious\n")
    code, said = made.git("stash")
    kept = made.read(_NOTES) == "precious\n" and made.repo.resolve("refs/stash") is None
    return Tried("git stash is refused, and the edit stays", code != 0 and kept, said)


def _bulk(made: Scratch) -> Tried:
    made.write(_NOTES, "two\n")
    made.write("theirs.txt", "theirs\n")
    made.git("add", "--all")
    code, said = made.git("commit", "-q", "-m", _MESSAGE)
    return Tried("a commit after git add --all is refused", code != 0 and "G201" in said and not made.moved, said)


def _strict(made: Scratch) -> Tried:
    made.write(_NOTES, "two\n")
    code, said = made.git("reset", "-q", "--hard")
    added, _ = made.git("add", "--all")
    kept = made.read(_NOTES) == "two\n" and made.git("diff", "--cached", "--name-only")[1] == ""
    return Tried("git reset --hard and git add --all are refused at once", code != 0 and added != 0 and kept, said)
