"""What this clone has judged itself, remembered as a ref that nobody else can put there.

A ref alone proves nothing: whoever may push to this repository, or whose refs are fetched into it with a wide refspec,
can make one. No git transport writes a file below `guard/` in the git directory, so a ref is believed only where such
a file says that this very engine judged the very commit that the ref points to.
"""

import os
from pathlib import Path

from guard.git import Repo
from merge import ENGINE

VERIFIED = "refs/guard/verified"
"""How far `guard verify` came."""

RULES = 2
"""Counts up whenever `guard verify` finds something that it did not find before: what was judged is judged anew."""


def believed(repo: Repo, ref: str) -> str | None:
    """The commit that a ref remembers, None where there is none or somebody else may have put it there."""
    commit = repo.resolve(ref)
    try:
        said = _witness(repo, ref).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return commit if commit is not None and said == _words(ref, commit) else None


def reached(repo: Repo, ref: str, tip: str) -> str | None:
    """The commit that a ref remembers, where it is believed and part of the history of `tip`."""
    commit = believed(repo, ref)
    return commit if commit is not None and repo.is_ancestor(commit, tip) else None


def note(repo: Repo, ref: str, commit: str) -> bool:
    """Remember a commit that was judged here; False where this clone may not be written: then nothing is remembered.

    The ref goes first. Whoever dies in between, or meets another writer, leaves two that disagree: nobody is believed.
    """
    if "GIT_QUARANTINE_PATH" in os.environ:  # a push that is being judged may still be refused, and its commits go
        return False
    if repo.call("update-ref", ref, commit, check=False).returncode != 0:
        return False
    path = _witness(repo, ref)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(_words(ref, commit), encoding="utf-8")
        part.replace(path)
    except OSError:
        return False
    return True


def _witness(repo: Repo, ref: str) -> Path:
    return repo.common_dir / "guard" / ref.removeprefix("refs/guard/").replace("/", "-")


def _words(ref: str, commit: str) -> str:
    return f"{ref} {commit} engine={ENGINE} rules={RULES}\n"
