"""A scratch repository with the hooks of a real one, in which what must be refused is tried out for real."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
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
_NO_HOOKS = (*_NO_FOLDER, *registered.OFF, "-c", f"{strict.KEY}=false")
_WHO = {"NAME": "guard doctor", "EMAIL": "doctor@guard.invalid"}


@dataclass(frozen=True)
class Tried:
    """One thing that was tried, whether it went as it must, and what git said where it did not."""

    what: str
    right: bool
    said: str = ""


@dataclass(frozen=True)
class Bypass:
    """One way around the hooks: whether it got a wiped state into history, and what finds it there."""

    how: str
    passes: bool
    found_by: str = ""


class Scratch:
    """The repository: a little state that is protected, and copies of the hooks."""

    def __init__(self, source: Repo, folder: Path, root: Path) -> None:
        self.top = root / "scratch"
        self._env = {
            "HOME": str(root),
            "XDG_CONFIG_HOME": str(root),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_PARAMETERS": "",
            **dict.fromkeys(("GUARD_ALLOW", "GUARD_SESSION", "PRE_COMMIT"), ""),
            **{f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()},
        }
        words = ("init", "-q", "--initial-branch=main", "--template=", f"--object-format={source.hash}", str(self.top))
        source.call(*words, env=self._env)
        self.repo = Repo(self.top)
        self.write("guard.toml", f'[merge]\nbaseline = "{self.repo.null}"\n')
        self.write(_AGENTS, '{\n  "agents": {\n    "ada": {},\n    "bob": {}\n  }\n}\n')
        self.write(_NOTES, "one\n")
        self.git(*_NO_HOOKS, "add", "--all")
        self.git(*_NO_HOOKS, "commit", "-q", "-m", "[S0] doctor: the beginning")
        self.base = self.repo.resolve("HEAD") or ""
        self._copy_hooks(folder)
        self._copy_own(source)

    def _copy_own(self, source: Repo) -> None:
        """The hooks that the configuration names, and strict mode's, as far as they are there."""
        theirs, own = registered.folder(source), registered.folder(self.repo)
        if theirs.is_dir():
            shutil.copytree(theirs, own)
        if not registered.missing(source):
            registered.register(self.repo)

    def set_strict(self) -> None:
        """Strict mode, from now on."""
        self.git("config", strict.KEY, strict.setting(registered.folder(self.repo)))

    def _copy_hooks(self, folder: Path) -> None:
        """The hooks as they are, and nobody else's: what they call besides would do its work here too."""
        own = self.repo.git_dir / "hooks"
        own.mkdir(exist_ok=True)
        for name in HOOKS:
            for path in (folder / name, folder / f"{name}.legacy"):
                if hooks.ours(path) and not (own / name).exists():
                    shutil.copy2(path, own / name)
        for path in folder.glob("guard-*"):  # what the hooks share
            shutil.copy2(path, own / path.name)
        notes = self.repo.git_dir / "guard" / "installed.json"
        notes.parent.mkdir()
        notes.write_text("{}\n", encoding="utf-8")

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
        self.git(*_NO_HOOKS, "reset", "-q", "--hard", self.base)
        self.git(*_NO_HOOKS, "clean", "-q", "-f", "-d")
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


# --- ways around -----------------------------------------------------------------------------------------------


def bypasses(made: Scratch) -> Iterator[Bypass]:
    """Try the ways around the hooks that are known; of what passes, say what finds it afterwards."""
    for how, attempt in _WAYS.items():
        made.again()
        _wipe(made)
        attempt(made)
        passes = made.moved and b'"ada"' not in (made.repo.reader.read(f"HEAD:{_AGENTS}") or b"")
        yield Bypass(how, passes, _found_by(made) if passes else "")


def _found_by(made: Scratch) -> str:
    """What names the commit, run here and now: neither asks which hooks ran."""
    from guard.commands.check import in_range
    from guard.verify import verify

    span = f"{made.base}..HEAD"
    head = made.repo.resolve("HEAD") or ""
    found = ["guard verify"] if verify(made.repo, made.base, head, lambda _done, _total: None).problems else []
    codes = sorted({finding.code for finding in in_range(made.repo, span)[0]})
    return ", ".join([*found, *([f"guard check --range ({', '.join(codes)})"] if codes else [])])


def _commit(*options: str, env: dict[str, str] | None = None) -> Callable[[Scratch], None]:
    def attempt(made: Scratch) -> None:
        before = [word for word in options if word != "--no-verify"]
        after = [word for word in options if word == "--no-verify"]
        made.git(*before, "commit", "-q", *after, "-m", _MESSAGE, env=env)

    return attempt


def _tree_and_commit(made: Scratch) -> str:
    _, tree = made.git("write-tree")
    return made.git("commit-tree", tree, "-p", made.base, "-m", _MESSAGE)[1]


def _plumbing(made: Scratch) -> None:
    made.git("update-ref", "refs/heads/main", _tree_and_commit(made))


def _by_hand(made: Scratch) -> None:
    (made.repo.git_dir / "refs/heads/main").write_text(f"{_tree_and_commit(made)}\n", encoding="utf-8")


def _disabled(made: Scratch) -> None:
    folder, away = made.repo.git_dir / "hooks", made.repo.git_dir / "hooks.away"
    folder.rename(away)
    _commit()(made)
    away.rename(folder)


def _library(made: Scratch) -> None:
    import git  # GitPython: only this needs it

    repo = git.Repo(made.top)
    who = git.Actor(_WHO["NAME"], _WHO["EMAIL"])
    try:
        repo.index.commit(_MESSAGE, author=who, committer=who, skip_hooks=True)
    except git.exc.GitError as error:
        print(f"guard: GitPython: {error}", file=sys.stderr)
    finally:
        repo.close()


_SETTING = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/dev/null"}

_WAYS: dict[str, Callable[[Scratch], None]] = {
    "git commit": _commit(),
    "git commit --no-verify": _commit("--no-verify"),
    "git commit-tree, git update-ref": _plumbing,
    "git -c core.hooksPath=/dev/null commit": _commit(*_NO_FOLDER),
    "the same with -c hook.guard-NAME.enabled=false": _commit(*_NO_FOLDER, *registered.OFF),
    "GIT_CONFIG_COUNT with core.hooksPath": _commit(env=_SETTING),
    "the hooks' folder moved away": _disabled,
    "GitPython, index.commit(skip_hooks=True)": _library,
    "a ref written as a file": _by_hand,
}

HOOKS_CATCH = 3
"""So many of the ways, the first, are the hooks' to refuse; the others are found afterwards, elsewhere."""
