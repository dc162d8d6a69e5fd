"""How guard is wired into a clone: what lies where git looks for hooks, who else is there, which settings count."""

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from guard import framework_file
from guard.git import Repo
from guard.hooks import HOOKS
from guard.hooks import install as hooks

AUTOSTASH = ("rebase.autoStash", "merge.autoStash", "pull.autoStash")


@dataclass
class Wiring:
    """What was found."""

    folder: Path
    """Where git looks for hooks."""
    missing: list[str]
    """Hooks of guard's that git would not run."""
    python: str = ""
    """The interpreter that the shims start; empty where no shim says one."""
    package: str = ""
    """The folder of the guard that they run."""
    hooks_path: tuple[str, str] | None = None
    """Scope and value of core.hooksPath, where it is set."""
    framework: list[str] = field(default_factory=list)
    """Hook types that the pre-commit framework or prek runs here."""
    framework_guard: bool = False
    """Whether guard stands in the framework's configuration."""
    autostash: list[tuple[str, str, str]] = field(default_factory=list)
    """(scope, key, value) of every setting that says whether git stashes by itself."""

    @property
    def installed(self) -> bool:
        """Whether any of guard's own hooks is there."""
        return len(self.missing) < len(HOOKS)

    @property
    def python_works(self) -> bool:
        """Whether the interpreter is there still."""
        return bool(self.python) and os.access(self.python, os.X_OK)

    @property
    def stashing(self) -> list[tuple[str, str, str]]:
        """The settings that count and let git stash by itself: of each key, the last."""
        last = {key.lower(): (scope, key, value) for scope, key, value in self.autostash}
        return [each for each in last.values() if each[2].lower() not in ("false", "no", "off", "0", "")]


def look(repo: Repo) -> Wiring:
    """Look at a clone; nothing is written, and the index is not read."""
    folder = Path(os.path.abspath(hooks.hooks_folder(repo)))  # noqa: PTH100 - no symlink is to be resolved
    found = Wiring(folder, hooks.missing(repo))
    lib = _text(folder / "guard-lib")
    said = re.search(r"^guard_py=(.*)$", lib, re.MULTILINE)
    if said:
        found.python = next(iter(shlex.split(said[1])), "")
    runs = re.search(r"^sys\.path\[:0\] = \['([^']*)'", _text(folder / "guard-run.py"), re.MULTILINE)
    found.package = runs[1] if runs else ""
    for scope, key, value in _settings(repo, r"^core\.hookspath$"):
        found.hooks_path = (scope, value) if key else None
    found.autostash = _settings(repo, r"^(rebase|merge|pull)\.autostash$")
    for name in framework_file.TYPES:
        places = (folder / name, folder / f"{name}{hooks.DISPLACED}")
        if any(re.search(r"pre-commit hook-impl|-mpre_commit|prek", _text(place)) for place in places):
            found.framework.append(name)
    if not repo.bare:
        config = _text(repo.top() / framework_file.FILE)
        found.framework_guard = re.search(r"entry:\s*guard-hook |id:\s*['\"]?guard\b", config) is not None
    return found


def _settings(repo: Repo, pattern: str) -> list[tuple[str, str, str]]:
    """(scope, key, value) of the settings whose keys match, in the order in which they count."""
    done = repo.call("config", "--show-scope", "-z", "--get-regexp", pattern, check=False)
    fields = done.stdout.decode(errors="surrogateescape").split("\0")
    found = []
    for scope, said in zip(fields[::2], fields[1::2], strict=False):
        key, newline, value = said.partition("\n")
        found.append((scope, key, value if newline else "true"))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
