"""Installing the hooks: shims where git looks for them, chained to what stood there, and taken away again."""

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import HOOKS
from guard.hooks.watch import VERSION, refresh

SHIMS = Path(__file__).parent / "shims"

DISPLACED = ".guard-displaced"
"""What a hook that stood there is called from then on; ours calls it after its own judgement."""

SETTINGS = {"rebase.autoStash": "false", "merge.autoStash": "false"}
"""Configuration that guard sets: an autostash that fails exits 0 and leaves markers."""


@dataclass
class Done:
    """What was written or taken away, for people to read."""

    hooks: Path
    written: list[str] = field(default_factory=list)
    displaced: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)


def hooks_folder(repo: Repo) -> Path:
    """Where git looks for hooks, in this work tree or any other of the repository."""
    return Path(os.path.normpath(repo.directory / repo.run("rev-parse", "--git-path", "hooks").removesuffix("\n")))


def install(repo: Repo, *, into_hooks_path: bool = False) -> Done:
    """Install or bring up to date; safe to repeat."""
    hooks = hooks_folder(repo)
    if not into_hooks_path:
        _check_hooks_path(repo, hooks)
    taken = [name for name in HOOKS if _foreign(hooks / name) and (hooks / f"{name}{DISPLACED}").exists()]
    if taken:
        name = taken[0]
        raise GuardError(
            "state",
            f"{hooks / name} is not guard's, and {name}{DISPLACED} is there from an earlier install",
            "one of the two would be lost",
            f"put together what both do in {name}{DISPLACED}, take {name} away, then guard install",
        )
    done = Done(hooks)
    try:
        hooks.mkdir(parents=True, exist_ok=True)
        for name, text in _files().items():
            path = _place(hooks, name)
            if name in HOOKS and _foreign(path):
                path.rename(hooks / f"{name}{DISPLACED}")
                done.displaced.append(name)
            if _write(path, text, executable=name in HOOKS):
                done.written.append(path.name)
    except OSError as error:
        raise GuardError("state", f"{error.filename} cannot be written: {error.strerror}") from None
    done.settings = _set_up(repo)
    refresh(repo, repo.git_dir / "guard")
    return done


def _check_hooks_path(repo: Repo, hooks: Path) -> None:
    said = repo.call("config", "--show-scope", "--get", "core.hooksPath", check=False).stdout.decode().rstrip("\n")
    own = Path(os.path.normpath(repo.common_dir / "hooks"))
    if not said or hooks == own:
        return
    scope, _, where = said.partition("\t")
    raise GuardError(
        "state",
        f"git looks for hooks in {where}: core.hooksPath is set ({scope} configuration)",
        "hooks in this repository's own folder would never run",
        "guard install --into-hooks-path (into that folder, chained to what is there; only guarded repositories are"
        f" judged), or git config --local core.hooksPath {own} && guard install",
    )


def _place(hooks: Path, name: str) -> Path:
    """Where a hook of ours lies: the pre-commit framework moves it to NAME.legacy and calls it first."""
    legacy = hooks / f"{name}.legacy"
    return legacy if ours(legacy) and not ours(hooks / name) else hooks / name


def ours(path: Path) -> bool:
    """Whether a hook is one of guard's."""
    try:
        return b"# guard hook " in path.read_bytes()[:200]
    except OSError:
        return False


def _foreign(path: Path) -> bool:
    return os.path.lexists(path) and not ours(path)


def _files() -> dict[str, str]:
    """Name -> text of everything that is installed."""
    files = {"guard-run.py": _runner()}
    for shim in sorted(SHIMS.iterdir()):
        text = shim.read_text(encoding="utf-8").replace("@NAME@", shim.name).replace("@VERSION@", VERSION)
        files[shim.name] = text.replace("@PYTHON@", _quoted(sys.executable))
    return files


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _runner() -> str:
    """The program that a shim starts: it says where the packages are, as nothing else may."""
    folders = []
    for name in ("guard", "merge", "orjson", "jsonschema_rs", "jsonschema"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(str(Path(spec.origin).resolve().parent.parent))
    return (
        "# Installed by guard: runs a hook without anything of the repository's own on the path.\n"
        "import sys\n\n"
        f"sys.path[:0] = {list(dict.fromkeys(folders))!r}\n"
        "from guard.hooks import main\n\n"
        "main()\n"
    )


def _write(path: Path, text: str, *, executable: bool) -> bool:
    """Write a file whole or not at all; False where it is like that already."""
    mode = 0o755 if executable else 0o644
    try:
        if path.read_text(encoding="utf-8") == text and not executable | os.access(path, os.X_OK):
            return False
        if path.read_text(encoding="utf-8") == text and os.access(path, os.X_OK):
            return False
    except (OSError, UnicodeDecodeError):
        pass
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.chmod(mode)
    part.replace(path)
    return True


def _notes(repo: Repo) -> Path:
    return repo.common_dir / "guard" / "installed.json"


def _set_up(repo: Repo) -> list[str]:
    """Set the configuration, remembering what it was."""
    notes = _notes(repo)
    try:
        kept = json.loads(notes.read_text())["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        kept = {}
    changed = []
    for key, value in SETTINGS.items():
        old = repo.call("config", "--local", "--get", key, check=False).stdout.decode().rstrip("\n") or None
        if old != value:
            kept.setdefault(key, old)
            repo.call("config", "--local", key, value)
            changed.append(f"{key} = {value}")
    notes.parent.mkdir(parents=True, exist_ok=True)
    _write(notes, json.dumps({"version": VERSION, "settings": kept}) + "\n", executable=False)
    return changed


def uninstall(repo: Repo) -> Done:
    """Take everything away that `install` wrote, and put back what stood there."""
    hooks = hooks_folder(repo)
    done = Done(hooks)
    for name in HOOKS:
        for path in (hooks / name, hooks / f"{name}.legacy"):
            if ours(path):
                path.unlink()
                done.written.append(path.name)
        displaced = hooks / f"{name}{DISPLACED}"
        if os.path.lexists(displaced) and not os.path.lexists(hooks / name):
            displaced.rename(hooks / name)
            done.displaced.append(name)
    for name in ("guard-lib", "guard-run.py"):
        if (hooks / name).exists():
            (hooks / name).unlink()
            done.written.append(name)
    try:
        kept = json.loads(_notes(repo).read_text())["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        kept = {}
    for key, old in kept.items():
        if repo.config(key) == SETTINGS.get(key):
            words = ("config", "--local", key, old) if old else ("config", "--local", "--unset", key)
            repo.call(*words, check=False)
            done.settings.append(f"{key} = {old}" if old else f"{key} unset")
    shutil.rmtree(repo.common_dir / "guard", ignore_errors=True)
    return done


def missing(repo: Repo) -> list[str]:
    """The hooks that git would not run as guard's."""
    hooks = hooks_folder(repo)
    return [name for name in HOOKS if not (ours(path := _place(hooks, name)) and os.access(path, os.X_OK))]
