"""Where a command runs: which work tree, whether it has adopted guard, and what else its verdict depends on.

Found as git finds it, by looking upwards, and without starting it: most commands are judged in less time than that
would take.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from guard.agents.offence import Offence
    from guard.policy import Policy

_POLICY = "guard.toml"


class Place:
    """A folder in a work tree.

    `here` is the folder, `top` the work tree's, `git_dir` what belongs to it alone, `common` what all work trees of the
    repository share; all are absolute, with no symlink left in them. `ask` are the things that cost more than a look,
    and that the quick judgement does without: it raises `Unsure` for them.
    """

    __slots__ = ("ask", "common", "git_dir", "here", "top")

    def __init__(self, here: str, top: str, git_dir: str, common: str, ask: "Ask") -> None:
        self.here = here
        self.top = top
        self.git_dir = git_dir
        self.common = common
        self.ask = ask

    @property
    def adopted(self) -> bool:
        """Whether this repository has adopted guard: it has a policy, or its hooks."""
        if not self.git_dir:
            return False
        return os.path.lexists(f"{self.top}/{_POLICY}") or os.path.exists(f"{self.common}/guard/installed.json")

    def is_top(self, path: str) -> bool:
        """Whether a path, as a command has it, is the top of the work tree."""
        if not path or "\0" in path or path.startswith(":"):
            return False
        return os.path.realpath(os.path.join(self.here, path)) == self.top

    def branch(self) -> str:
        """The branch that is checked out; empty where none is."""
        try:
            with open(f"{self.git_dir}/HEAD", encoding="utf-8", errors="replace") as file:
                return file.readline().strip().removeprefix("ref: ").removeprefix("refs/heads/")
        except OSError:
            return ""

    def state_branch(self) -> str:
        """The branch that holds the state."""
        return self.ask.policy(self).branch

    def remote(self) -> str:
        """The remote's name."""
        return self.ask.policy(self).remote

    def alias(self, name: str) -> str:
        """What an alias of this repository or its user stands for; empty where it is none."""
        return self.ask.alias(self, name)

    def script(self, text: str) -> "Offence | None":
        """The offence of a shell script that an alias runs, at the top."""
        return self.ask.script(text, self)


class Ask:
    """What is asked only where the quick look was not enough."""

    __slots__ = ("alias", "policy", "script", "write")

    def __init__(
        self,
        policy: "Callable[[Place], Policy]",
        alias: "Callable[[Place, str], str]",
        script: "Callable[[str, Place], Offence | None]",
        write: "Callable[[Place, str], Offence | None]",
    ) -> None:
        self.policy = policy
        self.alias = alias
        self.script = script
        self.write = write


def find(folder: str, ask: Ask) -> "Place | None":
    """The place of a folder, or of the nearest one above it that exists; None outside of every work tree."""
    at = os.path.realpath(folder)
    here = at
    while True:
        link = os.path.join(at, ".git")
        git_dir = link if os.path.isdir(link) else _linked(link, at)
        if git_dir is not None and os.path.exists(f"{git_dir}/HEAD"):
            return Place(here, at, git_dir, _common(git_dir), ask)
        above = os.path.dirname(at)
        if above == at:
            return None
        at = above


def somewhere(folder: str, ask: Ask) -> Place:
    """The place of a folder, also where it is in no work tree: then it is one that has adopted nothing."""
    here = os.path.realpath(folder)
    return find(folder, ask) or Place(here, here, "", "", ask)


def _linked(path: str, folder: str) -> "str | None":
    """The git directory that a file `.git` names, as linked work trees and submodules have one."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            said = file.readline().rstrip("\n")
    except OSError:
        return None
    if not said.startswith("gitdir: "):
        return None
    return os.path.realpath(os.path.join(folder, said[len("gitdir: ") :]))


def _common(git_dir: str) -> str:
    try:
        with open(f"{git_dir}/commondir", encoding="utf-8", errors="surrogateescape") as file:
            return os.path.realpath(os.path.join(git_dir, file.readline().rstrip("\n")))
    except OSError:
        return git_dir
