"""Repositories with guard's hooks in them, and everything that a refusal could have spoiled there."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from walks.lab import AGENTS, Lab, Said

from guard.hooks.registered import OFF, SINCE

_SAID = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
GIT = tuple(map(int, _SAID.split(".")[:2]))
"""The version of git here."""

BY_CONFIG = GIT >= SINCE
"""Whether this git runs hooks of its configuration."""

UNHOOKED = ("-c", "core.hooksPath=/dev/null", *OFF)
"""Options of git with which none of guard's hooks runs, whatever the version of git."""

EDITED = json.dumps({**AGENTS, "by hand": True}, indent=2, ensure_ascii=False) + "\n"
STATE_FILE = "state/agents.json"

UNFINISHED = (
    *("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "MERGE_AUTOSTASH", "rebase-merge", "rebase-apply", "sequencer"),
    *("index.lock", "HEAD.lock", "packed-refs.lock"),
)
"""What git leaves in its directory while something is under way."""


def guarded(lab: Lab, name: str = "lone", **more: Any) -> Path:
    """A lone repository that holds state, with the hooks installed."""
    here = lab.lone(name, **more)
    lab.guard(here, "install")
    return here


def without(lab: Lab, here: Path, name: str) -> None:
    """Take one of guard's hooks away, wherever git would find it."""
    (here / ".git/hooks" / name).unlink()
    lab.git(here, "config", f"hook.guard-{name}.enabled", "false")


def git(lab: Lab, here: Path, *words: str, env: Mapping[str, str] | None = None, input: bytes | None = None) -> Said:
    """Run git, whatever comes of it."""
    now = f"{next(lab.clock)} +0000"
    return lab.run(
        here, "git", *words, env={"GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now, **(env or {})}, input=input
    )


def refused(lab: Lab, here: Path, *words: str, code: str, env: Mapping[str, str] | None = None) -> Said:
    """Run git and see it refused by a rule, with everything as it was."""
    before = whole(lab, here)
    said = git(lab, here, *words, env=env)
    assert said.code != 0, (words, said)
    assert code in said.err, (words, said)
    assert "Traceback" not in said.err
    assert whole(lab, here) == before, words
    return said


def unhooked(lab: Lab, here: Path, files: Mapping[str, str | None], message: str = "past the hooks") -> str:
    """Commit without any hook, as somebody without guard would."""
    for path, data in files.items():
        if data is None:
            (here / path).unlink()
        else:
            lab.write(here, {path: data})
    lab.git(here, *UNHOOKED, "add", "--", *files)
    lab.git(here, *UNHOOKED, "commit", "-q", "-m", message, "--", *files)
    return lab.rev(here)


def whole(lab: Lab, here: Path) -> dict[str, Any]:
    """HEAD, refs, index, the bytes and modes of the work tree, and what git has under way."""
    files = {
        path.relative_to(here).as_posix(): (
            path.lstat().st_mode,
            path.readlink() if path.is_symlink() else path.read_bytes(),
        )
        for path in sorted(here.rglob("*"))
        if ".git" not in path.relative_to(here).parts and (path.is_symlink() or path.is_file())
    }
    own = Path(lab.run(here, "git", "rev-parse", "--absolute-git-dir").out.strip())
    return {
        "HEAD": (own / "HEAD").read_text(),
        "refs": {name: oid for name, oid in lab.refs(here).items() if not name.startswith("refs/guard/")},
        "index": lab.git(here, "ls-files", "--stage", "-z"),
        "files": files,
        "under way": [name for name in UNFINISHED if (own / name).exists()],
        "locks": sorted(path.name for path in own.rglob("*.lock")),
    }
