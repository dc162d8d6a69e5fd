"""guard without its start: commands run as forks of a process that has imported everything (warm_server.py).

For what a command does, says and answers. Tests of processes, signals, imports and starts start guard themselves.
"""

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVER = Path(__file__).with_name("warm_server.py")
FREE = ("GIT_", "GUARD_", "XDG_", "PYTEST_")
FREE_NAMES = {"HOME", "PATH", *("REAL_GIT", "GATE", "RACE", "RACERS", "ME", "HUB", "REF", "NEW")}
"""What an environment may have otherwise than the server's own, by how a name begins or whole: nothing that is imported
reads these. The last ones are for what tests put in the place of git."""


COLD = bool(os.environ.get("TESTS_COLD"))
"""Whether every command is started as its users start it: slower, and nothing else may differ."""


def _fixed(env: Mapping[str, str]) -> dict[str, str]:
    """What of an environment Python or a library may have looked at already."""
    return {key: value for key, value in env.items() if key not in FREE_NAMES and not key.startswith(FREE)}


class Warm:
    """The server of one environment, and how it is asked."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.fixed = _fixed(env)
        ours, theirs = socket.socketpair()
        code = "import sys; file = sys.argv.pop(1); exec(compile(open(file).read(), file, 'exec'))"
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(SERVER), str(theirs.fileno())],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # of the kind that the commands will have
                stderr=subprocess.PIPE,
                env=dict(env),
                pass_fds=[theirs.fileno()],
            )
        self.control = ours
        atexit.register(self.end)

    def end(self) -> None:
        """Nobody asks any more."""
        self.control.close()
        self.process.wait()

    def fits(self, env: Mapping[str, str]) -> bool:
        """Whether a command of that environment would have started as the server did."""
        return _fixed(env) == self.fixed

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> "subprocess.CompletedProcess[bytes]":
        """What subprocess.run says of a command of guard's: its exit code and what it wrote."""
        pipes = [os.pipe() for _ in range(3)]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as request:
            json.dump({"words": list(words), "cwd": str(cwd), "env": dict(env)}, request)
            request.seek(0)
            try:
                socket.send_fds(self.control, [b"."], [request.fileno(), *(write for _, write in pipes)])
            except BrokenPipeError:
                raise AssertionError(self.process.communicate()[1].decode()) from None
            finally:
                for _, write in pipes:
                    os.close(write)
        out, err, status = _read([read for read, _ in pipes], time.monotonic() + timeout)
        if status.count(b"\n") < 2:
            if status:
                os.kill(int(status), signal.SIGKILL)
                raise subprocess.TimeoutExpired(["guard", *words], timeout, out, err)
            raise AssertionError(self.process.communicate()[1].decode())
        return subprocess.CompletedProcess(["guard", *words], int(status.split()[1]), out, err)


def _read(fds: Sequence[int], deadline: float) -> list[bytes]:
    """Everything that comes out of pipes until all of them are closed, or the time is over."""
    said = dict.fromkeys(fds, b"")
    with selectors.DefaultSelector() as selector:
        for fd in fds:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                data = os.read(key.fd, 1 << 16)
                said[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
    for fd in fds:
        os.close(fd)
    return [said[fd] for fd in fds]


_servers: list[Warm] = []
_lock = threading.Lock()


def run(
    words: Sequence[str], cwd: Path, env: Mapping[str, str], plain: Mapping[str, str], timeout: float
) -> "subprocess.CompletedProcess[bytes] | None":
    """Run a command of guard's; None where its environment, other than `plain`, needs a start of its own."""
    if COLD:
        return None
    with _lock:
        if not _servers:
            _servers.append(Warm(plain))
    return _servers[0].run(words, cwd, env, timeout) if _servers[0].fits(env) else None
