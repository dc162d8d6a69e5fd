"""Where ways around the hooks are tried: a clone of a repository, and hubs of it.

The clone borrows the repository's objects and has its policy, its state branch and its hooks; its hub has the hook of
the real remote where that can be seen. Nothing is written outside of one temporary folder.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guard.doctor.scratch import NO_HOOKS, copy_hooks, copy_own, environment
from guard.doctor.walls import Walls, state_tip
from guard.doctor.wiring import Wiring
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import install_hub
from guard.hooks.install import RUNNER, ours
from guard.plan import policy_at
from guard.policy import sample_of

MESSAGE = "[S1] doctor: a try"
AWAY = ("-c", "core.hooksPath=/dev/null")


class Arena:
    """A clone of the repository and hubs of it, all in one folder that goes away."""

    def __init__(self, source: Repo, wiring: Wiring, around: Walls, root: Path) -> None:
        tip = state_tip(source)
        if tip is None:
            why = "what is tried is a change of what the state branch holds"
            raise GuardError("usage", "there is no commit here yet", why, "git commit, then guard doctor --attack")
        self.source, self.root, self.base = source, root, tip
        self.policy = policy_at(source, tip)
        self.ref = f"refs/heads/{self.policy.branch}"
        self.env = environment(root)
        self.old = tip
        """What the hub has before the way that is tried."""
        self.hub = self._made("install_hub.git", "--bare")
        self.guarded = self._made("guarded.git", "--bare") if around.server else None
        if self.guarded and around.server:
            self._guard(self.guarded, around.server)
        self.top = self._made("clone")
        self.git("config", "remote.origin.url", str(self.hub))
        self.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        self.repo = Repo(self.top)
        copy_hooks(wiring.runs, self.repo)
        copy_own(source, self.repo)
        self.path, self.wiped = self._victim()

    def _made(self, name: str, *options: str) -> Path:
        """A repository that borrows the objects, and whose state branch is at the tip; no file is checked out."""
        place = self.root / name
        words = ("init", "-q", "--template=", f"--object-format={self.source.hash}", *options, str(place))
        self.source.call(*words, env=self.env)
        git_dir = place if options else place / ".git"
        (git_dir / "objects/info").mkdir(parents=True, exist_ok=True)
        borrowed = self.source.common_dir / "objects"
        (git_dir / "objects/info/alternates").write_text(f"{borrowed}\n", encoding="utf-8")
        if (self.source.common_dir / "shallow").exists():
            shutil.copy(self.source.common_dir / "shallow", git_dir / "shallow")
        for words in (
            ("config", "gc.auto", "0"),
            ("symbolic-ref", "HEAD", self.ref),
            ("update-ref", self.ref, self.base),
        ):
            self.run(place, *words)
        return place

    def _guard(self, place: Path, folder: Path) -> None:
        """Give a hub the hook of the real one, and what its configuration says of it."""
        (place / "hooks").mkdir(exist_ok=True)
        for name in (*install_hub.HOOKS, RUNNER):
            if (folder / name).exists() and (name == RUNNER or ours(folder / name)):
                shutil.copy2(folder / name, place / "hooks" / name)
        said = self.run(folder.parent, "config", "--local", "-z", "--get-regexp", r"^guard\.")[1]
        for line in filter(None, said.split("\0")):
            self.run(place, "config", *line.split("\n", 1))

    def _victim(self) -> tuple[str, bytes]:
        """A canonical file, and what it is to hold: a wiped one, else one that was never merged."""
        for law in self.policy.laws.maps:
            if self.repo.file(self.base, law.file) not in (None, b"{}\n"):
                return law.file, b"{}\n"
        return sample_of(self.policy.canonical[0]).replace("x.json", "by-hand.json"), b'{"by": "hand"}\n'

    # --- doing -------------------------------------------------------------------------------------------------

    def run(
        self, where: Path, *words: str, env: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, str]:
        """Run git somewhere; its exit code and what it printed."""
        given = {**os.environ, **self.env, **(env or {})}
        for key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"):
            given.pop(key, None)
        done = subprocess.run(
            ["git", "-C", str(where), *words], env=given, input=data or b"", capture_output=True, check=False
        )
        return done.returncode, done.stdout.decode(errors="surrogateescape").strip()

    def git(self, *words: str, env: dict[str, str] | None = None, data: bytes | None = None) -> str:
        """Run git in the clone; what it printed."""
        return self.run(self.top, *words, env=env, data=data)[1]

    def again(self) -> None:
        """The clone, its hubs and its hooks as they were, and the wiped file staged."""
        self.old = self.base
        self.git(*NO_HOOKS, "symbolic-ref", "HEAD", self.ref)
        for place in filter(None, (self.top, self.hub, self.guarded)):
            self.run(place, *NO_HOOKS, "update-ref", self.ref, self.base)
        self.git(*NO_HOOKS, "update-ref", f"refs/remotes/origin/{self.policy.branch}", self.base)
        for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "index.lock", "guard/bulk"):
            (self.repo.git_dir / name).unlink(missing_ok=True)
        self.git(*NO_HOOKS, "read-tree", "--reset", self.base)
        self.stage()

    def stage(self) -> None:
        """Stage the wiped file."""
        file = self.top / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.wiped)
        self.git(*NO_HOOKS, "add", "-f", "--", self.path)

    def tip(self, where: Path) -> str | None:
        """Where the state branch of a repository went; None where it stayed."""
        code, oid = self.run(where, "rev-parse", "--verify", "-q", self.ref)
        return oid if code == 0 and oid != self.old else None

    def commit(self, *words: str, env: dict[str, str] | None = None, message: str = MESSAGE) -> None:
        """`git commit` of what is staged, with options of git's before it and `--no-verify` behind it."""
        late = [word for word in words if word == "--no-verify"]
        self.git(*(word for word in words if word not in late), "commit", "-q", *late, "-m", message, env=env)

    def unseen(self, parent: str = "") -> str:
        """A commit of what is staged that no ref has."""
        tree = self.git("write-tree")
        return self.git("commit-tree", tree, "-p", parent or self.base, "-m", MESSAGE)


@contextmanager
def arena(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Arena]:
    """The place; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="guard-doctor-", ignore_cleanup_errors=True) as root:
        made = Arena(source, wiring, around, Path(root))
        try:
            yield made
        finally:
            made.repo.close()
