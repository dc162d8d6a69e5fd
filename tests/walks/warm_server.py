"""A Python that has imported guard and waits: each request forks it, and the child runs the command.

A real start of guard is mostly Python's own start and imports, and the tests start guard some ten thousand times. The
child has the arguments, folder, environment and streams of the request, and from there on is an ordinary start: it goes
on below `_serve`, ends as any program ends, and leaves no trace in the next one. warm.py is the other side.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys

import guard
import merge

for _package in (guard, merge):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)
for _name in ("jsonschema_rs", "orjson", "rich.console", "rich.table"):
    importlib.import_module(_name)

guard.cli.program = functools.cache(guard.cli.program)  # what it makes of the functions, made once too
guard.cli.program()


def _serve(control: socket.socket) -> None:
    """Fork once for each request; returns in the child alone."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    gc.collect()
    gc.freeze()  # what is here is here for good: no child looks through it
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            _tell(running[pid], f"{os.waitstatus_to_exitcode(status)}\n")
            os.close(running.pop(pid))
        if control not in ready:
            continue
        said, fds, _, _ = socket.recv_fds(control, 1, 4)
        if not said:  # the tests are over
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            control.detach()
            _become(*fds[:3])
            return
        for fd in fds[:3]:
            os.close(fd)
        os.set_inheritable(fds[3], False)
        running[pid] = fds[3]
        _tell(fds[3], f"{pid}\n")


def _tell(fd: int, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # who asked has given up
        os.write(fd, text.encode())


def _become(request: int, out: int, err: int) -> None:
    """Be the process that was asked for."""
    with open(request, encoding="utf-8") as file:
        asked = json.load(file)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for fd, name in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(fd, name)
    os.closerange(3, 256)  # nothing of the server's, or of other requests, is open in a process that was just started
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv[1:] = asked["words"]
    sys.orig_argv[1:] = ["-c", "from guard.cli import main; main()", *asked["words"]]


_serve(socket.socket(fileno=int(sys.argv[1])))

from guard.cli import main  # noqa: E402 - this is the command

main()
