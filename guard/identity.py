"""Which session is at work here: `GUARD_SESSION`, else the number that `guard start` recorded for this work tree."""

import os
import time
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo

VARIABLE = "GUARD_SESSION"

MOST_DIGITS = 9

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def session(repo: Repo) -> str | None:
    """The session's name, as `S153`; None where nobody started one.

    Raises `GuardError` where `GUARD_SESSION` is no session: whoever set it must not work under another's name.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        name = normal(given)
        if name is None:
            raise GuardError(
                "usage",
                f"{VARIABLE}={given} is not a session",
                "a session is S and a number; under a wrong name claims and commits would be nobody's",
                f"unset {VARIABLE}, or export {VARIABLE}=S153",
            )
        return name
    return recorded(repo)


def recorded(repo: Repo) -> str | None:
    """The session that was started in this work tree, whatever the environment says; None where none was."""
    try:
        return normal((repo.git_dir / "guard" / "session").read_text(errors="replace").strip())
    except OSError:
        return None


def needed(repo: Repo) -> str:
    """The session's name; raises `GuardError` where there is none."""
    name = session(repo)
    if name is None:
        raise GuardError(
            "usage",
            "no session is at work here",
            "others must be able to see whose work this is",
            f"guard start, or export {VARIABLE}=S153 if you have a number",
        )
    return name


def record(repo: Repo, name: str) -> None:
    """Make `name` the session of this work tree, whole or not at all."""
    path = repo.git_dir / "guard" / "session"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"session.{os.getpid()}")
    part.write_text(f"{name}\n")
    part.replace(path)


def forget(repo: Repo, name: str) -> None:
    """End the record of a session in this work tree, where it is still that one's."""
    if recorded(repo) == name:
        (repo.git_dir / "guard" / "session").unlink(missing_ok=True)


def heard(repo: Repo) -> Path | None:
    """Where it is noted what was last heard of others' lanes and branches; None where there is nothing."""
    path = repo.common_dir / "guard" / "lanes.json"
    return path if path.exists() else None


def renewal_note(repo: Repo, name: str) -> Path:
    """Where it is noted when a session's leases are to be renewed: see `keeping`."""
    return repo.git_dir / "guard" / f"renew-{name}"


def due(repo: Repo) -> str | None:
    """The session at work here, where its leases are to be renewed now."""
    try:
        name = session(repo)
        if name is None or renewal_note(repo, name).read_text().strip() > time.strftime(_TIME, time.gmtime()):
            return None
    except (OSError, ValueError, GuardError):
        return None
    return name


def normal(text: str) -> str | None:
    """`S153` for `S153`, `s153`, `153` and `S0153`; None for anything else, and for 0."""
    digits = text[1:] if text[:1] in ("S", "s") else text
    right = digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS and int(digits) > 0
    return f"S{int(digits)}" if right else None
