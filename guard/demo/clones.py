"""The demo's machines: a hub, clones that commit and push with GitPython, and `guard` run as people run it."""

import json
import os
import select
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.errors import GuardError

if TYPE_CHECKING:
    import git

INBOX = "state/stream_deltas/"

_KEPT = ("GIT_EXEC_PATH", "GIT_PYTHON_")
_PATIENCE = 60.0
"""Seconds after which something that should have happened is given up."""


class Untrue(Exception):
    """A claim of the demo does not hold."""


@dataclass(frozen=True)
class Answer:
    """What one run of guard said: its exit code, its `--json` object, its standard error."""

    code: int
    value: dict[str, Any]
    said: str


@contextmanager
def surroundings(home: Path) -> Iterator[None]:
    """Nothing of the caller's git may leak in: no configuration, identity, hooks, templates or repository."""
    saved = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("GIT_", "GUARD_")) and not name.startswith(_KEPT)]:
        del os.environ[name]
    home.mkdir()
    settings = {"safe.directory": "*", "gc.auto": "0", "maintenance.auto": "false", "receive.autogc": "false"}
    os.environ |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TEMPLATE_DIR": str(home),
        "GIT_TERMINAL_PROMPT": "0",
        "XDG_CONFIG_HOME": str(home),
    }
    for place, (key, value) in enumerate(settings.items()):
        os.environ |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


class World:
    """A bare hub and its clones below one folder."""

    def __init__(self, root: Path) -> None:
        import git  # GitPython: only the demo needs it, and it takes its time

        self.root = root
        self.hub = git.Repo.init(root / "hub.git", bare=True, initial_branch="main")
        self._clones: dict[str, git.Repo] = {}
        self._ticks = 0
        self._running: list[subprocess.Popen[str]] = []
        self._hook = root / "hub.git" / "hooks" / "pre-receive"

    # --- people ------------------------------------------------------------------------------------------------

    def clone(self, name: str) -> "git.Repo":
        """A machine's clone of the hub, made at its first use."""
        if name not in self._clones:
            made = self.hub.clone(self.root / name)
            made.git.update_environment(**self._identity(name))
            self._clones[name] = made
        return self._clones[name]

    def commit(self, name: str, message: str, files: Mapping[str, bytes]) -> str:
        """Write files into a clone, commit exactly these and push; returns the commit as the hub has it."""
        repo = self.clone(name)
        for path, data in files.items():
            place = Path(repo.working_dir, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return self.publish(name, message, list(files))

    def publish(self, name: str, message: str, paths: list[str]) -> str:
        """Commit named files of a clone and push them, after whatever the others pushed meanwhile."""
        repo = self.clone(name)
        repo.git.update_environment(**self._identity(name))
        repo.git.add("--", *paths)
        repo.git.commit("--quiet", "-m", message, "--", *paths)
        if self.hub.heads:
            repo.git.fetch("--quiet", "origin")
            repo.git.rebase("--quiet", "origin/main")
        repo.git.push("--quiet", "origin", "HEAD:main")
        return str(repo.head.commit.hexsha)

    def pull(self, name: str) -> None:
        """Bring a clone up to date."""
        self.clone(name).git.pull("--quiet", "--ff-only", "origin", "main")

    def _identity(self, name: str) -> dict[str, str]:
        """Who commits and when: a minute later each time, so that every run makes the same commits."""
        self._ticks += 1
        who = {"NAME": name, "EMAIL": f"{name}@demo.invalid", "DATE": f"{1777852800 + 60 * self._ticks} +0000"}
        return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}

    # --- looking -----------------------------------------------------------------------------------------------

    @property
    def tip(self) -> str:
        """Where the hub's branch is."""
        return str(self.hub.heads["main"].commit.hexsha)

    def read(self, path: str, commit: str = "main") -> bytes:
        """A file of a commit of the hub."""
        data: bytes = self.hub.commit(commit).tree[path].data_stream.read()
        return data

    def json(self, path: str, commit: str = "main") -> dict[str, Any]:
        """A JSON file of a commit of the hub."""
        value: dict[str, Any] = json.loads(self.read(path, commit))
        return value

    def page(self, frame: int) -> dict[str, Any]:
        """The page of a frame on the hub."""
        return self.json(f"state/frames/{frame // 1000:03d}/frame-{frame}.json")

    # --- guard -------------------------------------------------------------------------------------------------

    def guard(self, name: str, *words: str, code: int = 0) -> Answer:
        """Run guard in a clone to its end; raises `Untrue` where it leaves with another code than expected."""
        process = self.start(name, *words)
        try:
            return self.finish(process, words, code)
        finally:
            self._running.remove(process)

    def start(self, name: str, *words: str) -> "subprocess.Popen[str]":
        """Start guard in a clone: this very guard, whether it runs from a wheel or from a checkout."""
        paths = os.pathsep.join(str(Path(path or ".").absolute()) for path in sys.path)
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from guard.cli import main; main()", *words, "--json"],
            cwd=self.clone(name).working_dir,
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that it can be killed with all that it started, as a machine that dies does
        )
        self._running.append(process)
        return process

    def finish(self, process: "subprocess.Popen[str]", words: tuple[str, ...], code: int) -> Answer:
        """Wait for a guard that was started."""
        try:
            out, said = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise Untrue(f"`guard {' '.join(words)}` did not end within {_PATIENCE:g} s") from None
        if process.returncode != code:
            ended = f"`guard {' '.join(words)}` left with {process.returncode}, not {code}"
            raise Untrue(f"{ended}: {(said or out).strip()}")
        try:
            value = json.loads(out)
        except json.JSONDecodeError:
            raise Untrue(f"`guard {' '.join(words)} --json` printed no JSON: {out[:200]!r} {said.strip()}") from None
        return Answer(process.returncode, value, said)

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """SIGKILL a guard and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def close(self) -> None:
        """End whatever still runs, in any case."""
        for process in self._running:
            self.kill(process)
        for repo in (self.hub, *self._clones.values()):
            repo.close()

    # --- a gate at the hub -------------------------------------------------------------------------------------

    @contextmanager
    def gate(self) -> Iterator["Gate"]:
        """While it stands, every push stops in the hub's pre-receive hook, after its objects have come over."""
        arrived, go = self.root / "arrived", self.root / "go"
        for fifo in (arrived, go):
            os.mkfifo(fifo)
        self._hook.parent.mkdir(exist_ok=True)
        quoted = [shlex.quote(str(fifo)) for fifo in (arrived, go)]
        self._hook.write_text(f"#!/bin/sh\necho >{quoted[0]} && read -r _ <{quoted[1]}\n", encoding="utf-8")
        self._hook.chmod(self._hook.stat().st_mode | stat.S_IXUSR)
        ends = [os.open(fifo, os.O_RDWR) for fifo in (arrived, go)]
        try:
            yield Gate(*ends)
        finally:
            self._hook.unlink()
            for end in ends:
                os.close(end)
            for fifo in (arrived, go):
                fifo.unlink()


@dataclass(frozen=True)
class Gate:
    """Pushes that were stopped at the hub, and the way to let them go on."""

    arrivals: int
    release: int

    def wait(self, *pushing: "subprocess.Popen[str]") -> None:
        """Return when every process has a push at the gate; raises `Untrue` where one ends before."""
        until = time.monotonic() + _PATIENCE
        came = 0
        while came < len(pushing):
            if select.select([self.arrivals], [], [], 0.02)[0]:
                came += len(os.read(self.arrivals, 16))
            elif ended := [process for process in pushing if process.poll() is not None]:
                said = " ".join(process.stderr.read() for process in ended if process.stderr)
                raise Untrue(f"a merge ended before its push reached the hub: {said.strip()}")
            elif time.monotonic() > until:
                raise Untrue(f"no push reached the hub within {_PATIENCE:g} s")

    def open(self, pushes: int) -> None:
        """Let so many pushes go on."""
        os.write(self.release, b"\n" * pushes)


def git_failed(error: Exception) -> GuardError:
    """What GitPython raised, for people."""
    words = getattr(error, "command", "git")
    command = " ".join(map(str, words)) if isinstance(words, list | tuple) else str(words)
    said = str(getattr(error, "stderr", "") or error).strip()
    return GuardError("git", f"the demo's own `{command}` failed", said, "git --version (2.32 or newer is needed)")
