"""The hooks as git 2.54 and newer find them in a clone's configuration: `hook.guard-NAME.command` and `.event`.

They run before those of the hooks' folder, and also where `core.hooksPath` leads elsewhere. Older versions of git do
not read these keys, so they are always written: the git of tomorrow, or of another program here, finds them.
"""

import os
from pathlib import Path

from guard.git import Repo
from guard.hooks import HOOKS

NAMES = tuple(name for name in HOOKS if name not in ("prepare-commit-msg", "post-checkout", "post-merge"))
"""The hooks that judge. The others only help them, and each start of a shell is paid for at every commit."""

_LEAVES = {
    "reference-transaction": '[ "$1" = prepared ] || exit 0; ',
    "post-index-change": (
        'c=; IFS= read -r c 2>/dev/null <"/proc/$PPID/cmdline" || case $c in gitcommit*|gitstatus*) exit 0;; esac; '
    ),
}
"""What each of the hooks that run most often has nothing to do for, said where no second program is needed."""

ENTRY = "by-config"
"""What the configuration names: it runs the hook that it is told, unless git does so too."""

SINCE = (2, 54)
"""The first git that runs hooks of the configuration."""


OFF = tuple(word for name in NAMES for word in ("-c", f"hook.guard-{name}.enabled=false"))
"""The options of git that switch all of them off for one command."""


def folder(repo: Repo) -> Path:
    """Where guard keeps the hooks that the configuration names: in the repository, whoever's hooks' folder is used."""
    return repo.common_dir / "guard" / "hooks"


def command(name: str) -> str:
    """The shell command of a hook. It finds the folder as the shims do, so that the repository may move, and where the
    folder is gone it lets everything pass: nobody is locked out of a clone."""
    return (
        f"{_LEAVES.get(name, '')}d=${{GIT_DIR:-.git}}; "
        'if [ -f "$d/commondir" ]; then IFS= read -r c <"$d/commondir"; case $c in /*) d=$c;; *) d=$d/$c;; esac; fi; '
        f'[ ! -x "$d/guard/hooks/{ENTRY}" ] || exec "$d/guard/hooks/{ENTRY}" {name}'
    )


def there(repo: Repo) -> dict[str, str]:
    """Key -> value of what this clone's own configuration says of guard's hooks."""
    said = repo.run("config", "--local", "-z", "--get-regexp", r"^hook\.guard-[a-z-]+\.(command|event)$", check=False)
    return dict(line.partition("\n")[::2] for line in said.split("\0")[:-1])


def missing(repo: Repo) -> list[str]:
    """The hooks that the configuration does not name as it should, or whose file is not there to run."""
    found, own = there(repo), folder(repo)
    off = disabled(repo)
    return [
        name
        for name in NAMES
        if name in off
        or any(found.get(key) != value for key, value in _keys(name))
        or not all(os.access(own / each, os.X_OK) for each in (ENTRY, name))
    ]


def disabled(repo: Repo) -> list[str]:
    """The hooks that some configuration, of whatever scope, switches off."""
    said = repo.run("config", "-z", "--type=bool", "--get-regexp", r"^hook\.guard-[a-z-]+\.enabled$", check=False)
    last = dict(line.partition("\n")[::2] for line in said.split("\0")[:-1])
    return [key.split(".")[1].removeprefix("guard-") for key, value in last.items() if value == "false"]


def _keys(name: str) -> tuple[tuple[str, str], ...]:
    """git refuses to work where an event has no command: so the command is written first."""
    return ((f"hook.guard-{name}.command", command(name)), (f"hook.guard-{name}.event", name))


def register(repo: Repo) -> list[str]:
    """Write what is missing; returns the hooks that were."""
    found = there(repo)
    lacking = [name for name in NAMES if any(found.get(key) != value for key, value in _keys(name))]
    for name in lacking:
        for key, value in _keys(name):
            repo.call("config", "--local", "--replace-all", key, value)
    return [f"hook.guard-{name}" for name in lacking]


def unregister(repo: Repo) -> list[str]:
    """Take every such section away; returns the hooks that were named."""
    names = list(dict.fromkeys(key.rpartition(".")[0] for key in there(repo)))
    for name in names:
        repo.call("config", "--local", "--remove-section", name, check=False)
    return names


def version(repo: Repo) -> tuple[int, int]:
    """The version of git that runs here."""
    words = repo.run("version").split()
    numbers = (words[2] if len(words) > 2 else "").split(".")
    return int(numbers[0]), int(numbers[1])
