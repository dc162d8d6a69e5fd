"""What is refused of a file that an agent is about to write: the path, and what the file would hold where that is told.

The rules are those of the commits (G101, G103, G104), asked one step earlier; what only a commit can know, as that a
section moves to an archive, passes here and is judged there.
"""

import shlex
from collections.abc import Callable
from typing import Any

from guard.agents.offence import Offence
from guard.appendonly import lost
from guard.policy import Policy, beginning_of


def refused(path: str, policy: Policy, committed: Callable[[str], "bytes | None"], new: "bytes | None"
            ) -> "Offence | None":  # fmt: skip
    """The offence of writing `path`; `committed` reads a file at HEAD, `new` is what it would hold, None where nobody
    says."""
    if path.endswith("/"):
        return _folder(path, policy)
    name = shlex.quote(path)
    if policy.baseline and policy.is_canonical(path):
        return Offence(
            "G101",
            f"{path} is canonical state: only guard merge writes it",
            "",
            f"guard delta new --stream NAME, and write what happened there; put back an edit: git restore -- {name}",
        )
    if policy.in_inbox(path) and path.endswith(".json"):
        old = committed(path)
        if old is not None and old != new:
            fix = "guard delta new --stream NAME  # a correction is a delta of its own"
            return Offence("G103", f"{path} is a committed delta, and those are never rewritten", "", fix)
    kind = policy.append_only(path)
    if kind is not None and new is not None:
        old = committed(path)
        what = lost(kind, old, new) if old is not None else None
        if what:
            return Offence(
                "G104", f"{path} only grows: {what}", "", f"add to it, and leave what is there; git diff -- {name}"
            )
    return None


def _folder(path: str, policy: Policy) -> "Offence | None":
    """The offence of taking away a folder with all that is in it."""
    fix = "rm FILE...  # by name, what is yours"
    if policy.baseline and any(beginning_of(glob).startswith(path) for glob in policy.canonical):
        return Offence("G101", f"{path} holds canonical state: only guard merge writes it", "", fix)
    if policy.baseline and policy.is_canonical(path + "x"):
        return Offence("G101", f"{path} is canonical state: only guard merge writes it", "", fix)
    if policy.inbox.startswith(path):
        return Offence("G103", f"{path} holds committed deltas, and those are never taken away", "", fix)
    return None


def content(name: str, given: "dict[str, Any]", now: "bytes | None") -> "bytes | None":
    """What a file would hold after the call of a tool, as far as the call says it; `now` is what it holds."""
    for key in ("content", "file_text", "contents"):
        if isinstance(given.get(key), str):
            return str(given[key]).encode("utf-8", "surrogateescape")
    edits = given.get("edits") if isinstance(given.get("edits"), list) else [given]
    text = (now or b"").decode("utf-8", "surrogateescape")
    for edit in edits or ():
        old = _first(edit, ("old_string", "old_str", "oldString"))
        put = _first(edit, ("new_string", "new_str", "newString"))
        if old is None or put is None or old not in text:
            return None
        every = edit.get("replace_all") or name == "replace"
        text = text.replace(old, put) if every else text.replace(old, put, 1)
    return text.encode("utf-8", "surrogateescape")


def _first(edit: Any, keys: "tuple[str, ...]") -> "str | None":
    return next((edit[key] for key in keys if isinstance(edit, dict) and isinstance(edit.get(key), str)), None)
