"""Installing the hooks: shims where git looks for them, chained to what stood there, and taken away again."""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import HOOKS, registered, strict
from guard.hooks.watch import VERSION, current_policy

SHIMS = Path(__file__).parent / "shims"
_OWN_SHIMS = Path(__file__).parent / "own"

DISPLACED = ".guard-displaced"
"""What a hook that stood there is called from then on; ours calls it after its own judgement."""

RUNNER = "guard-run.py"
"""The program that the hooks start."""

GONE = 127
"""What that program answers where guard is not there any more, as a shell does where the Python is not."""

EDITED = ".guard-edited"
"""What a hook of ours that somebody changed is kept as, for people to take their lines from; nobody runs it."""

LAUNCHER = "guard-agent"
"""What the configuration of an agent's tool starts, in guard's own folder."""

SETTINGS = {"rebase.autoStash": "false", "merge.autoStash": "false"}
"""Configuration that guard sets: an autostash that fails exits 0 and leaves markers."""


SERVER = {"receive.fsckObjects": "true", "core.hooksPath": "hooks"}
"""What guard sets in a repository that is pushed to: objects that git's own tools read in two ways are refused, and no
configuration of the machine's leads git past these hooks."""


OWN = (
    "installed.json",
    "watch",
    "policy-*",
    "head",
    "index",
    "looked",
    "bulk",
    "bulk.*",
    "here-*",
    "at",
    "moved-*",
    "lanes",
    "lanes.json",
)
"""What the hooks keep in the folder `guard` below the git directory."""


@dataclass
class Done:
    """What was written or taken away, for people to read."""

    hooks: Path
    written: list[str] = field(default_factory=list)
    displaced: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Hooks of ours that somebody had changed, as they are kept."""
    own: list[str] = field(default_factory=list)
    """Files in guard's own folder, and hooks that the configuration names."""
    strict: bool = False
    """Whether strict mode is set up now."""
    refused: str = ""
    """Why strict mode was not set up though guard.toml asks for it."""


def hooks_folder(repo: Repo) -> Path:
    """Where git looks for hooks, in this work tree or any other of the repository."""
    folder = repo.directory / repo.run("rev-parse", "--git-path", "hooks").removesuffix("\n")
    return Path(os.path.abspath(folder))  # noqa: PTH100 - a symlink is where people put it


def install(repo: Repo, *, into_hooks_path: bool = False) -> Done:
    """Install or bring up to date; safe to repeat."""
    if repo.bare:
        raise GuardError(
            "usage",
            "guard's hooks are for clones in which people work; this repository is bare",
            "nothing is staged or committed here, and what is pushed here is another hook's matter",
            "run guard install in a clone or in a linked worktree",
        )
    hooks = hooks_folder(repo)
    if not into_hooks_path:
        _check_hooks_path(repo, hooks)
    done = Done(hooks)
    try:
        hooks.mkdir(parents=True, exist_ok=True)
        with alone(hooks):
            write_files(hooks, done, _files(), HOOKS)
            done.settings = set_up(repo, SETTINGS)
            _share(repo, hooks, joins=True)
            _write_own(repo, done)
            _set_strict(repo, done, wanted=current_policy(repo, repo.git_dir / "guard").strict)
    except OSError as error:
        raise GuardError("state", f"{error.filename or hooks} cannot be written: {error.strerror}") from None
    return done


def _write_own(repo: Repo, done: Done) -> None:
    """Write the hooks that the configuration names, and only then name them."""
    own = registered.folder(repo)
    own.mkdir(parents=True, exist_ok=True)
    for name, text in {**_files(), **rendered(_OWN_SHIMS)}.items():
        if _write(own / name, text, executable=name in (*HOOKS, registered.ENTRY, strict.HOOK)):
            done.own.append(name)
    done.own += registered.register(repo)


def write_launcher(repo: Repo) -> bool:
    """Write what the agents' tools start in this clone; whether anything had to be written."""
    own = registered.folder(repo)
    own.mkdir(parents=True, exist_ok=True)
    files = {RUNNER: runner(), LAUNCHER: rendered(_OWN_SHIMS)[LAUNCHER]}
    changed = [_write(own / name, text, executable=False) for name, text in files.items()]
    return any(changed)


def _set_strict(repo: Repo, done: Done, *, wanted: bool) -> None:
    """Set strict mode up, or take it away, as the policy asks."""
    if not wanted:
        done.settings += put_back(repo, (strict.KEY,))
        return
    said = repo.call("config", "--show-scope", "--get", strict.KEY, check=False).stdout.decode().rstrip("\n")
    scope, _, value = said.partition("\t")
    if strict.foreign(value):
        error = GuardError(
            "state",
            f"strict mode is not set up: {strict.KEY} is {value} ({scope} configuration)",
            "git asks one such hook alone, and yours would not be asked any more; everything else is installed",
            f"git config --local {strict.KEY} false && guard install, or strict = false in guard.toml",
        )
        done.refused = error.text()
        return
    done.settings += set_up(repo, {strict.KEY: strict.setting(registered.folder(repo))})
    done.strict = True


def write_files(hooks: Path, done: Done, files: dict[str, str], names: Collection[str]) -> None:
    """Write files (name -> text) into a folder of hooks; those of `names` are hooks, and what stood there is kept."""
    for name in names:
        if _foreign(hooks / name) and os.path.lexists(hooks / f"{name}{DISPLACED}") and not _is_framework(hooks, name):
            raise GuardError(
                "state",
                f"{hooks / name} is not guard's, and {name}{DISPLACED} is there from an earlier install",
                "one of the two would be lost",
                f"put together what both do in {name}{DISPLACED}, take {name} away, then guard install",
            )
    for name, text in files.items():
        path = hooks / name
        if name in names and _foreign(path):
            if ours(hooks / f"{name}.legacy"):  # the framework is in front and calls us first
                path = hooks / f"{name}.legacy"
            else:
                path.rename(hooks / f"{name}{DISPLACED}")
                done.displaced.append(name)
        if name in names and _edited(path, text):
            done.kept.append(_keep(path))
        if _write(path, text, executable=name in names):
            done.written.append(path.name)


def _edited(path: Path, text: str) -> bool:
    """Whether somebody put lines of their own into a hook of ours; `text` is what we would write."""
    try:
        held = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    body, _, last = held.rstrip("\n").rpartition("\n")
    if last == _sum(f"{body}\n") or text.startswith(held):
        return False
    known = {*text.split("\n"), ""}
    return not known.issuperset((*body.split("\n"), last))


def _sum(text: str) -> str:
    """The last line of a hook, which says what the lines before it were."""
    return f"# guard wrote {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _keep(path: Path) -> str:
    """Keep a hook beside itself, under a name that is free; returns that name."""
    names = (f"{path.name}{EDITED}{more}" for more in ("", *(f".{number}" for number in range(2, 1000))))
    name = next(name for name in names if not os.path.lexists(path.with_name(name)))
    shutil.copy2(path, path.with_name(name))
    return name


def _is_framework(hooks: Path, name: str) -> bool:
    """Whether the pre-commit framework, or one that works like it, stands in front of our hook and calls it."""
    return ours(hooks / f"{name}.legacy")


@contextlib.contextmanager
def alone(hooks: Path) -> Iterator[None]:
    """Keep other installations out of a folder meanwhile; the lock ends with the process, whatever happens."""
    import fcntl

    folder = os.open(hooks, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _share(repo: Repo, hooks: Path, *, joins: bool) -> bool:
    """Note in a folder of hooks that is not the repository's own who is guarded by it; whether others still are."""
    if hooks == Path(os.path.normpath(repo.common_dir / "hooks")):
        return False
    notes = hooks / "guard-users"
    known = notes.read_text(encoding="utf-8", errors="surrogateescape").split("\0") if notes.exists() else []
    own = str(repo.common_dir)
    users = {user for user in known if user and user != own and (Path(user) / "guard/installed.json").exists()}
    others = bool(users)
    if joins:
        users.add(own)
    text = "\0".join(sorted(users))
    if text:
        notes.write_text(text, encoding="utf-8", errors="surrogateescape")
    else:
        notes.unlink(missing_ok=True)
    return others


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
    return hooks / f"{name}.legacy" if _is_framework(hooks, name) and not ours(hooks / name) else hooks / name


def ours(path: Path) -> bool:
    """Whether a hook is one of guard's."""
    try:
        return b"# guard hook " in path.read_bytes()[:200]
    except OSError:
        return False


def _foreign(path: Path) -> bool:
    return os.path.lexists(path) and not ours(path)


def _files() -> dict[str, str]:
    """Name -> text of everything that is installed in a hooks' folder."""
    return {RUNNER: runner(), **rendered(SHIMS)}


def rendered(folder: Path, names: Collection[str] = HOOKS) -> dict[str, str]:
    """Name -> text of the shims of a folder; each hook says in its last line what it was."""
    files = {}
    chain = (SHIMS / "chain").read_text(encoding="utf-8").rstrip("\n")
    for shim in sorted(folder.iterdir()):
        if shim.name != "chain":
            text = shim.read_text(encoding="utf-8").replace("@CHAIN@", chain).replace("@NAME@", shim.name)
            text = text.replace("@VERSION@", VERSION).replace("@PYTHON@", _quoted(sys.executable))
            files[shim.name] = f"{text}{_sum(text)}\n" if shim.name in names else text
    return files


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def runner() -> str:
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
        "try:\n"
        "    from guard.hooks import main\n"
        "except ModuleNotFoundError:  # uninstalled, or a new Python in the place of the one it was installed for\n"
        f"    sys.exit({GONE})  # the shim goes on without it\n\n"
        "main()\n"
    )


def _write(path: Path, text: str, *, executable: bool) -> bool:
    """Write a file whole or not at all; False where it is like that already."""
    mode = 0o755 if executable else 0o644
    try:
        if path.read_text(encoding="utf-8") == text and os.access(path, os.X_OK) == executable:
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


def _kept(repo: Repo) -> dict[str, str | None]:
    """What the settings were before guard set them."""
    try:
        return dict(json.loads(_notes(repo).read_text())["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def set_up(repo: Repo, wanted: dict[str, str]) -> list[str]:
    """Set configuration, remembering first what it was."""
    kept = _kept(repo)
    changed = {}
    for key, value in wanted.items():
        old = _local(repo, key)
        if old != value:
            changed[key] = value
            if not (old and _ours(key, old)):
                kept.setdefault(key, old)
    _remember(repo, kept)
    for key, value in changed.items():
        repo.call("config", "--local", key, value)
    return [f"{key} = {value}" for key, value in changed.items()]


def put_back(repo: Repo, keys: Iterable[str]) -> list[str]:
    """Put settings of ours back to what they were; one that somebody has changed since is left alone."""
    kept = _kept(repo)
    changed = []
    for key in keys:
        now = _local(repo, key)
        if now is not None and _ours(key, now) and (key in kept or key == strict.KEY):
            old = kept.get(key)
            words = ("config", "--local", key, old) if old else ("config", "--local", "--unset", key)
            repo.call(*words, check=False)
            changed.append(f"{key} = {old}" if old else f"{key} unset")
        kept.pop(key, None)
    if changed and _notes(repo).exists():
        _remember(repo, kept)
    return changed


def _ours(key: str, value: str) -> bool:
    return strict.ours(value) if key == strict.KEY else {**SETTINGS, **SERVER}.get(key) == value


def _local(repo: Repo, key: str) -> str | None:
    """A value of this clone's own configuration."""
    return repo.call("config", "--local", "--get", key, check=False).stdout.decode().rstrip("\n") or None


def _remember(repo: Repo, kept: dict[str, str | None]) -> None:
    notes = _notes(repo)
    notes.parent.mkdir(parents=True, exist_ok=True)
    _write(notes, json.dumps({"version": VERSION, "settings": kept}) + "\n", executable=False)


def uninstall(repo: Repo) -> Done:
    """Take everything away that `install` wrote, and put back what stood there."""
    hooks = hooks_folder(repo)
    done = Done(hooks)
    try:
        if hooks.is_dir():
            with alone(hooks):
                if not _share(repo, hooks, joins=False):
                    take_away(hooks, done, _files(), HOOKS)
    except OSError as error:
        raise GuardError("state", f"{error.filename or hooks} cannot be written: {error.strerror}") from None
    done.settings = put_back(repo, list(dict.fromkeys((*_kept(repo), strict.KEY))))
    done.own = registered.unregister(repo)
    _empty(registered.folder(repo))
    for folder in (repo.common_dir, *(repo.common_dir / "worktrees").glob("*")):
        for name in OWN:
            for path in (folder / "guard").glob(name):
                path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (folder / "guard").rmdir()  # unless something else is kept there
    return done


def _empty(own: Path) -> None:
    """Take guard's own folder away."""
    for name in (*rendered(_OWN_SHIMS), *_files(), "folder"):  # what the configuration names goes first
        (own / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        own.rmdir()  # unless somebody keeps something there


def take_away(hooks: Path, done: Done, files: dict[str, str], names: Collection[str]) -> None:
    """Take away what `write_files` wrote, and put back what stood there."""
    for name in names:
        displaced = hooks / f"{name}{DISPLACED}"
        for path in (hooks / name, hooks / f"{name}.legacy"):
            if not ours(path):
                continue
            if _edited(path, files[name]):
                done.kept.append(_keep(path))
            path.unlink()
            done.written.append(path.name)
            if os.path.lexists(displaced) and not _same(displaced, hooks / name):
                displaced.rename(path)
                done.displaced.append(name)
        if _same(displaced, hooks / name):  # the framework's own: it came twice
            displaced.unlink()
    for name in files:
        if name not in names and (hooks / name).exists():
            (hooks / name).unlink()
            done.written.append(name)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def missing(repo: Repo) -> list[str]:
    """The hooks that git would not run as guard's."""
    hooks = hooks_folder(repo)
    return [name for name in HOOKS if not (ours(path := _place(hooks, name)) and os.access(path, os.X_OK))]
