"""Installing the hooks of a repository that is pushed to, and taking them away again."""

from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.hooks.install import (
    RUNNER,
    SERVER,
    Done,
    alone,
    hooks_folder,
    put_back,
    rendered,
    runner,
    set_up,
    take_away,
    write_files,
)

HOOKS = ("pre-receive", "update")
"""The hooks of a server; one of them is enough, and only the first one sees all of a push."""

_SHIMS = Path(__file__).parent / "hub"


def install(repo: Repo, branch: str, hook: str) -> Done:
    """Install one of the hooks, or bring it up to date; `branch` is the state branch. Safe to repeat."""
    hooks = _hooks(repo)
    done = Done(hooks)
    try:
        hooks.mkdir(parents=True, exist_ok=True)
        with alone(hooks):
            done.settings = set_up(repo, SERVER)
            if repo.config("guard.branch") != branch:
                repo.run("config", "--local", "guard.branch", branch)
                done.settings.append(f"guard.branch = {branch}")
            write_files(hooks, done, _files([hook]), [hook])
            others = [name for name in HOOKS if name != hook]
            gone = Done(hooks)
            take_away(hooks, gone, {name: text for name, text in _files(others).items() if name != RUNNER}, others)
            done.kept += gone.kept
    except OSError as error:
        raise GuardError("state", f"{error.filename or hooks} cannot be written: {error.strerror}") from None
    return done


def uninstall(repo: Repo) -> Done:
    """Take away what `install` wrote, and put back what stood there."""
    hooks = _hooks(repo)
    done = Done(hooks)
    try:
        if hooks.is_dir():
            with alone(hooks):
                take_away(hooks, done, _files(HOOKS), HOOKS)
        done.settings = put_back(repo, SERVER)
        if repo.config("guard.branch") is not None:
            repo.run("config", "--local", "--unset-all", "guard.branch")
            done.settings.append("guard.branch unset")
        (repo.common_dir / "guard/installed.json").unlink(missing_ok=True)
    except OSError as error:
        raise GuardError("state", f"{error.filename or hooks} cannot be written: {error.strerror}") from None
    return done


def _files(names: "tuple[str, ...] | list[str]") -> dict[str, str]:
    texts = rendered(_SHIMS, HOOKS)
    return {RUNNER: runner(), **{name: texts[name] for name in names}}


def _hooks(repo: Repo) -> Path:
    """Where the hooks of a bare repository are; raises `GuardError` for any other, and where git looks elsewhere."""
    if not repo.bare:
        raise GuardError(
            "usage",
            f"{repo.git_dir} belongs to a work tree: a server's repository is bare",
            "what is pushed into a work tree changes it behind the back of whoever works there",
            "guard server install PATH/TO/bare.git; in a clone: guard install",
        )
    own = repo.common_dir / "hooks"
    if hooks_folder(repo) != own:
        said = repo.call("config", "--show-scope", "--get", "core.hooksPath", check=False).stdout.decode().rstrip("\n")
        scope, _, where = said.partition("\t")
        raise GuardError(
            "state",
            f"git looks for hooks in {where}: core.hooksPath is set ({scope} configuration)",
            "hooks in this repository's own folder would never run, and those there may be other repositories' too",
            f"git -C {repo.git_dir} config --local core.hooksPath hooks (what is there would not run any more)",
        )
    return own
