"""Strict mode: guard's own answer to git's `core.fsmonitor`, which git asks before it writes index or files.

It is set up in a clone where `[hooks] strict = true` in guard.toml asks for it, never in place of somebody's own.
"""

import os
import re
import shlex
from pathlib import Path

KEY = "core.fsmonitor"
HOOK = "guard-fsmonitor"

_OFF = ("", "false", "no", "off", "0")


def setting(own: Path) -> str:
    """What `core.fsmonitor` has to be for the hook in a folder. git hands the value to a shell: an unquoted path with a
    space in it would run nothing, without a word; `exec` leaves no shell between git and the hook."""
    return "exec '" + str(own / HOOK).replace("'", "'\\''") + "'"


def ours(value: str) -> bool:
    """Whether a value was meant to be guard's, also one that was spoilt."""
    return HOOK in value


def foreign(value: str) -> bool:
    """Whether a value is somebody else's file system monitor: a hook, or git's own."""
    return not ours(value) and value.lower() not in _OFF


def fault(value: str) -> str:
    """Why git would not run the hook of a value of ours; empty where it would."""
    try:
        words = shlex.split(value)
    except ValueError:
        return "its quotes are not closed"
    path = words[-1] if words else ""
    if words != ["exec", path] or not re.fullmatch(r"exec '.*'", value, re.DOTALL):
        return "it is not quoted as a shell needs it"
    if not path.startswith("/"):
        return "its path is not absolute"
    return "" if os.access(path, os.X_OK) else f"there is nothing to run at {path}"
