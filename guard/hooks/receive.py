"""pre-receive and update: what is pushed, judged in a process of its own that has a deadline and a limit of memory.

What is judged is anybody's: a pattern that takes for ever, a tree that unfolds to more than any machine holds. Whoever
waits for it here ends it, and what was not judged in time is refused.
"""

import gc
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from guard.errors import GuardError
from guard.finding import printable
from guard.git import Repo
from guard.server import Judgement, Move, judged

SECONDS = 8
"""So long a judgement may take; `guard.seconds` in the repository's own configuration says otherwise."""

MEGABYTES = 128
"""Larger contents are not read; `guard.megabytes` says otherwise."""

MEMORY = 3 << 30
"""Bytes that one process of a judgement may take."""

SHOWN = 20
"""So many findings a pusher reads; the rest are counted."""


def before_receive(repo: Repo, _arguments: Sequence[str], _as_json: bool) -> int:
    """pre-receive: judge all moves of a push, together; one that is refused refuses all."""
    lines = [line.split(" ", 2) for line in os.fsdecode(sys.stdin.buffer.read()).split("\n") if line]
    return _in_time(repo, [_move(*words) for words in lines], together=True)


def before_update(repo: Repo, arguments: Sequence[str], _as_json: bool) -> int:
    """update: judge one move, without knowing of the push's others."""
    ref, old, new = arguments
    return _in_time(repo, [_move(old, new, ref)], together=False)


def _move(old: str, new: str, ref: str) -> Move:
    return Move(old if old.strip("0") else None, new if new.strip("0") else None, ref)


def _in_time(repo: Repo, moves: list[Move], *, together: bool) -> int:
    """Judge in a child of a process group of its own; whatever comes of that group, this process answers."""
    lines = repo.run("config", "--local", "-z", "--get-regexp", r"^guard\.", check=False).split("\0")[:-1]
    settings = {key: value for key, _, value in (line.partition("\n") for line in lines)}
    seconds = _number(settings, "guard.seconds", SECONDS)
    ended, ending = os.pipe()  # closed on exec: what the child starts does not keep it open
    child = os.fork()
    if child == 0:
        os.close(ended)
        os.setpgid(0, 0)
        _confine(seconds)
        gc.disable()  # it ends soon, and what it has in hand is needed
        return _judge(repo, moves, settings, together=together)
    os.close(ending)
    in_time = select.select([ended], [], [], seconds)[0]
    with suppress(ProcessLookupError, PermissionError):
        if not in_time:
            os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what it had started
    if not in_time:
        raise GuardError(
            "state",
            f"what is pushed could not be judged within {seconds} seconds",
            "what cannot be judged is refused: nothing of this push was taken",
            "git push origin COMMIT:BRANCH, for fewer commits at a time; or on the server: git config guard.seconds 60",
        )
    if code < 0:
        what = f"the judgement of what is pushed was ended by {signal.Signals(-code).name}"
        raise GuardError("state", what, "what cannot be judged is refused", "push fewer commits at a time")
    return code


def _confine(seconds: int) -> None:
    """Let neither this process nor any that it starts take more than it may, whoever else is gone meanwhile."""
    for what, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_CPU, seconds + 2)):
        with suppress(OSError, ValueError):
            _, hard = resource.getrlimit(what)
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.alarm(seconds + 1)


def _judge(repo: Repo, moves: list[Move], settings: dict[str, str], *, together: bool) -> int:
    repo.most = _number(settings, "guard.megabytes", MEGABYTES) << 20
    branch = settings.get("guard.branch", "main")
    try:
        said = judged(repo, moves, branch, time.time(), together=together)
    except MemoryError:
        why = "what cannot be judged is refused: nothing of this push was taken"
        raise GuardError("state", "what is pushed takes more memory than there is for it", why) from None
    if not said.refused:
        for commit in said.leaving:
            from guard.bring_in import RESCUE

            repo.run("update-ref", f"{RESCUE}{commit}", commit)
    _tell(said, repo)
    return 1 if said.refused else 0


def _number(settings: dict[str, str], key: str, usual: int) -> int:
    said = settings.get(key, "")
    return min(int(said), 3600) if said.isascii() and said.isdigit() and int(said[:9]) > 0 else usual


def _tell(said: Judgement, repo: Repo) -> None:
    """Print what was found for the pusher to read."""
    with suppress(OSError):
        for error in said.errors[:SHOWN]:
            _print(error.text())
        for finding in said.findings[:SHOWN]:
            from guard.hooks.refs import way_out  # here: most pushes are taken

            finding.fix = way_out(finding, ["git", "push"]) or finding.fix
            _print(finding.text())
        more = len(said.errors[SHOWN:]) + len(said.findings[SHOWN:])
        if more:
            _print(f"guard: and {more} more")
        if repo.left_out and any(finding.unread for finding in said.findings):
            _print(
                f"guard: {len(repo.left_out)} contents are larger than {(repo.most or 0) >> 20} MiB and were not read"
            )
        if not said.refused:
            for commit, code, reason in said.allowed[:SHOWN]:
                _print(f"guard: {commit[:12]}: {code} is let pass: {reason}")
            if said.allowed:
                _print(f"guard: {len(said.allowed)} let pass in {said.commits} commits")


def _print(text: str) -> None:
    print(printable(text), file=sys.stderr)
