"""The jobs of a CI host that judge what comes to the state branch, and that merge: what `guard init --ci` writes.

Each file says in its first line what it is, with a digest of the rest. So it is told whether a file is guard's as it
was written, which may be brought up to date; guard's and edited since, which is its editor's; or somebody else's.
"""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal

from guard.errors import GuardError

HOSTS = {
    "github": {
        ".github/workflows/guard.yml": "github-check.yml",
        ".github/workflows/guard-merge.yml": "github-merge.yml",
    },
    "gitlab": {".gitlab/guard.yml": "gitlab.yml"},
}
"""Host -> path -> the template that is written there."""

Fate = Literal["write", "same", "edited", "foreign"]
"""What becomes of a file: it is written; it is there already; it is guard's and was edited; it is somebody else's."""

_HERE = Path(__file__).parent
_MARK = re.compile(rb"# Written by guard init --ci [a-z]+ \(digest of what follows: ([0-9a-f]{16})\)[^\n]*\n")


def files(host: str, branch: str, guard: str) -> dict[str, bytes]:
    """The files for a host, path -> content: `branch` is the state branch, `guard` what pip is to install.

    Raises `GuardError` for a host that guard does not know.
    """
    if host not in HOSTS:
        why = "each host has its own format, and nothing was written"
        raise GuardError("usage", f"there are no jobs for {host}", why, f"guard init --ci {' or '.join(HOSTS)}")
    return {path: _marked(host, _filled(template, branch, guard)) for path, template in HOSTS[host].items()}


def fate(old: bytes | None, new: bytes) -> Fate:
    """What becomes of a file that holds `old`, None for no file, where guard would write `new`."""
    if old is None:
        return "write"
    if old == new:
        return "same"
    mark = _MARK.match(old)
    if mark is None:
        return "foreign"
    return "write" if _digest(old[mark.end() :]) == mark[1].decode() else "edited"


def present(read: Callable[[str], bytes | None]) -> list[str]:
    """The hosts whose check is there, written by guard, whether or not it was edited since; `read` reads a file."""
    return [host for host, paths in HOSTS.items() if _MARK.match(read(next(iter(paths))) or b"")]


def _filled(template: str, branch: str, guard: str) -> str:
    text = (_HERE / template).read_text(encoding="utf-8")
    values = {"BRANCH": branch, "GUARD": guard, "FILTER": re.sub(r"[+!]", r"\\\g<0>", branch)}
    for name, value in values.items():
        text = text.replace(f"@{name}@", json.dumps(value))  # JSON's strings are YAML's
    for name in ("install", "judge", "merge"):
        text = re.sub(rf"(?m)^@{name.upper()}@\n", lambda _: _set_in(name, template), text)  # noqa: B023 - called at once
    return text


def _set_in(script: str, template: str) -> str:
    """A script, set in as far as it stands in a template's block."""
    space = " " * (6 if template.startswith("gitlab") else 10)
    lines = (_HERE / f"{script}.sh").read_text(encoding="utf-8").splitlines()
    return "".join(f"{space}{line}".rstrip() + "\n" for line in lines)


def _marked(host: str, text: str) -> bytes:
    data = text.encode()
    said = f"# Written by guard init --ci {host} (digest of what follows: {_digest(data)}); edited, it is left alone.\n"
    return said.encode() + data


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()[:16]
