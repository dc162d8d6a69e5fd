"""How guard is wired into a clone: what lies where git looks for hooks, who else is there, which settings count."""

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from guard.adoption import framework_file
from guard.git import Repo
from guard.hooks import HOOKS, registered, strict
from guard.hooks import install as hooks

AUTOSTASH = ("rebase.autoStash", "merge.autoStash", "pull.autoStash")


@dataclass
class Wiring:
    """What was found."""

    folder: Path
    """Where git looks for hooks."""
    missing: list[str]
    """Hooks of guard's that git would not run from there."""
    runs: Path
    """The folder of the hooks of guard's that git runs: that one, or guard's own, which the configuration names."""
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
    unregistered: list[str] = field(default_factory=list)
    """Hooks of guard's that the configuration does not name, or names in vain."""
    git: tuple[int, int] = (0, 0)
    """The version of git here."""
    fsmonitor: tuple[str, str] = ("", "")
    """Scope and value of core.fsmonitor."""

    @property
    def by_config(self) -> bool:
        """Whether git runs guard's hooks wherever core.hooksPath leads."""
        return self.git >= registered.SINCE and not self.unregistered

    @property
    def judges(self) -> bool:
        """Whether any hooks of guard's own run here."""
        return self.installed or self.by_config

    @property
    def framework_judges(self) -> bool:
        """Whether the framework runs guard, with the hook types in `framework`."""
        return bool(self.framework) and self.framework_guard

    def strict(self, *, wanted: bool) -> tuple[str, str]:
        """The state of strict mode (off, on, broken, somebody else's, not set up, left over), and what there is."""
        scope, value = self.fsmonitor
        said = f"core.fsmonitor = {value} ({scope} configuration)" if value else ""
        if strict.ours(value):
            if not wanted:
                return "left over", said
            wrong = strict.fault(value)
            return ("broken", f"{said}: {wrong}") if wrong else ("on", said)
        if not wanted:
            return "off", said
        return ("somebody else's", said) if strict.foreign(value) else ("not set up", "guard.toml asks for it")

    @property
    def installed(self) -> bool:
        """Whether any of guard's own hooks is in the hooks' folder."""
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
    found = Wiring(folder, hooks.missing(repo), folder)
    found.unregistered = registered.missing(repo)
    found.git = registered.version(repo)
    if not found.installed and found.by_config:
        found.runs = registered.folder(repo)
    lib = _text(found.runs / "guard-lib")
    said = re.search(r"^guard_py=(.*)$", lib, re.MULTILINE)
    if said:
        found.python = next(iter(shlex.split(said[1])), "")
    runs = re.search(r"^sys\.path\[:0\] = \['([^']*)'", _text(found.runs / "guard-run.py"), re.MULTILINE)
    found.package = runs[1] if runs else ""
    for scope, key, value in _settings(repo, r"^core\.(hookspath|fsmonitor)$"):
        if key == "core.fsmonitor":
            found.fsmonitor = (scope, value)
        else:
            found.hooks_path = (scope, value)
    found.autostash = _settings(repo, r"^(rebase|merge|pull)\.autostash$")
    for name in framework_file.TYPES:
        places = (folder / name, folder / f"{name}{hooks.DISPLACED}")
        if any(re.search(r"pre-commit hook-impl|-mpre_commit|prek", _text(place)) for place in places):
            found.framework.append(name)
    if not repo.bare:
        found.framework_guard = framework_file.names_guard(repo.top())
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
