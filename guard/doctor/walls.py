"""The walls around a repository beside its hooks: a server's hook, a check in CI, agents' tools, strict mode."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from guard import ci
from guard.agents.tools import NAMES, tool
from guard.doctor.wiring import Wiring
from guard.git import Repo
from guard.hooks import install_hub
from guard.hooks.install import ours
from guard.plan import policy_at


@dataclass(frozen=True)
class Walls:
    """What stands around a repository beside its hooks."""

    server: Path | None
    """The folder of hooks of a remote whose disk can be seen, where guard's hook is among them."""
    checks: list[str]
    """The CI hosts whose check the state branch has; whether it is required is said nowhere in a clone."""
    tools: list[str]
    """The agents' tools that ask guard here."""
    strict: bool

    def value(self) -> dict[str, object]:
        """As programs read it."""
        return {**vars(self), "server": str(self.server) if self.server else None}


def walls(repo: Repo, wiring: Wiring) -> Walls:
    """Look what stands around a repository; nothing is tried yet."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    url = repo.run("remote", "get-url", policy.remote, check=False).removesuffix("\n")
    state = state_tip(repo)

    def read(path: str) -> bytes | None:
        return repo.reader.read(f"{state}:{path}") if state else None

    def asks(name: str) -> bool:
        try:  # as the tool finds it
            return not repo.bare and b"guard-agent" in (repo.top() / tool(name).FILE).read_bytes()
        except OSError:
            return False

    on = wiring.strict(wanted=policy.strict)[0] == "on"
    return Walls(_hooks_of(repo, url), ci.present(read), [name for name in NAMES if asks(name)], on)


def state_tip(repo: Repo) -> str | None:
    """The newest known commit of the state branch."""
    head = repo.resolve("HEAD")
    policy = policy_at(repo, head)
    names = (f"refs/remotes/{policy.remote}/{policy.branch}", f"refs/heads/{policy.branch}")
    return next((commit for name in names if (commit := repo.resolve(name))), head)


def _hooks_of(repo: Repo, url: str) -> Path | None:
    """The folder of a remote's hooks, where it is on a disk here and guard's is among them."""
    path = unquote(urlsplit(url).path) if url.startswith("file://") else url
    if not path or (":" in path.split("/")[0] and not url.startswith("file://")):
        return None
    place = Path(repo.top() if not repo.bare else repo.git_dir) / path
    for folder in (place / "hooks", place / ".git/hooks"):
        if any(ours(folder / name) and os.access(folder / name, os.X_OK) for name in install_hub.HOOKS):
            return folder
    return None
