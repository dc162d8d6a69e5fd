"""`guard delta`: check deltas, begin one, write a fallback."""

import json
import os
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from guard.delivery import outbox
from guard.errors import GuardError
from guard.finding import Finding
from guard.git import Repo
from guard.inbox import Fault, Kind, ahead, by_small_letters, faults
from guard.plan import Tree, frame_at_work, frame_counter, policy_at
from guard.policy import Policy
from guard.report import Report
from guard.rules.invalid_delta import RULE
from guard.schema import check_stream
from merge.delta import MAX_FRAME, digest_of, file_name


def check(repo: Repo | None, paths: Sequence[str], report: Report) -> int:
    """Judge files as the merge would, and by what hooks and servers refuse beyond it; returns 0 or 1."""
    policy, counter = _surroundings(repo)
    files = named(paths, policy.inbox)
    found = []
    for file in files:
        for where, message, fix in _faults(file, policy, counter):
            found.append(RULE.stamp(Finding(str(file), f"{where}: {message}", fix, 1)))
    for finding in found:
        report.say(finding.text())
    code = 1 if found else 0
    if not found:
        report.say(f"{len(files)} delta{'' if len(files) == 1 else 's'}, all good")
    report.result({"findings": [finding.value() for finding in found], "judged": len(files), "exit": code})
    return code


def _surroundings(repo: Repo | None) -> tuple[Policy, int | None]:
    """The policy and the frame counter around us; without a repository, the defaults and None."""
    if repo is None:
        return Policy(), None
    head = repo.resolve("HEAD")
    policy = policy_at(repo, head)
    # The hub may be frames ahead of what is checked out here.
    newest = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or head
    counter = max(frame_counter(Tree(repo, tip), policy.laws) for tip in {head, newest})
    return policy, None if counter < 0 else counter


def named(paths: Sequence[str], inbox: str) -> list[Path]:
    """The files to judge, each once; none at all only where the inbox itself was named, which may be empty."""
    inboxes = {path for path in paths if _is_inbox(Path(path), inbox)}
    files = {
        file.parent.resolve() / file.name: file
        for path in paths
        for file in _below(path, "" if path in inboxes else "frame-")
    }
    if not files and not inboxes.issuperset(paths):
        raise GuardError(
            "usage",
            f"there is no delta in {', '.join(paths)}: no file frame-FRAME-STREAM.json",
            "nothing was judged, and that must not look like all good",
            f"guard delta check {inbox}",
        )
    return list(files.values())


def _is_inbox(path: Path, inbox: str) -> bool:
    """Whether a folder is the inbox, as it is spelled or where it leads to."""
    return any(f"{each.as_posix()}/".endswith(f"/{inbox}") for each in (path.absolute(), path.resolve()))


def _below(path: str, beginning: str) -> list[Path]:
    """The file, or those of a folder whose names begin so and end in .json."""
    here = Path(path)
    if here.is_dir() and not here.is_symlink():
        names = ((file.name.lower(), file) for file in here.iterdir())
        return sorted(file for name, file in names if name.startswith(beginning) and name.endswith(".json"))
    if not here.is_symlink() and not here.exists():
        raise GuardError("usage", f"there is no file {path}", "nothing was judged", "guard delta check FILE...")
    return [here]


def _faults(file: Path, policy: Policy, counter: int | None) -> Iterable[Fault]:
    """What is wrong with a file on disk."""
    if not file.is_symlink() and not file.is_file():
        return [("$", "not a regular file: it is a folder", "move it out of the inbox")]
    kind: Kind = "symlink" if file.is_symlink() else "file"
    try:
        data = os.fsencode(file.readlink()) if kind == "symlink" else file.read_bytes()
    except OSError as error:
        why = "what cannot be read cannot be judged"
        raise GuardError(
            "usage", f"{file} cannot be read: {error.strerror}", why, f"ls -l {shlex.quote(str(file))}"
        ) from None
    now = datetime.now(UTC).timestamp()
    return faults(str(file), file.name, data, kind, policy, counter, now, _beside(file.parent))


@cache
def _beside(folder: Path) -> dict[str, list[str]]:
    return by_small_letters(file.name for file in folder.iterdir())


# --- writing ---------------------------------------------------------------------------------------------------


def new(repo: Repo, frame: int | None, stream: str | None, report: Report) -> int:
    """Write a delta to fill in, at its place in the inbox; an existing file is never written over."""
    frame, stream, folder = _place(repo, "new", frame, stream, report)
    value: dict[str, Any] = {
        "frame": frame,
        "stream_id": stream,
        "completed_at": _now(),
        "agents_activated": _agents(),
        "posts_created": [],
        "comments_added": [],
        "reactions_added": [],
        "discussions_engaged": [],
        "observations": {},
        "errors": [],
    }
    data = _text(value)
    path = folder / file_name(frame, stream)
    if not outbox.create(path, data):
        raise GuardError(
            "usage",
            f"{path} is there already",
            "a delta is never written over: that is how frame 109 lost a post and 24 comments",
            f"guard delta new --frame {frame} --stream {stream}-2",
        )
    _created(report, path, data)
    return 0


def fallback(repo: Repo, frame: int | None, stream: str | None, reason: str, report: Report) -> int:
    """Write the delta of a stream that delivered nothing; beside one that is there, under a name of its own."""
    frame, stream, folder = _place(repo, "fallback", frame, stream, report)
    data = outbox.fallback(frame, stream, reason)
    path = folder / file_name(frame, stream)
    if not outbox.create(path, data):
        path = folder / file_name(frame, stream, digest_of(data))
        outbox.create(path, data)
    _created(report, path, data)
    return 0


def _place(repo: Repo, command: str, frame: int | None, stream: str | None, report: Report) -> tuple[int, str, Path]:
    """The frame and stream that a delta is for: as asked, from the environment, or from what is open."""
    if repo.bare:
        raise GuardError(
            "usage", "a delta is written in a clone with a work tree", "it is a file, to be committed", "git clone"
        )
    policy, newest = _surroundings(repo)
    stream = stream or os.environ.get("GUARD_STREAM")
    if not stream:
        raise GuardError(
            "usage",
            "which stream?",
            "a delta says which stream of its frame it is from",
            f"guard delta {command} --stream ID, or GUARD_STREAM=ID",
        )
    check_stream(stream)
    if frame is None:
        frame = frame_at_work(Tree(repo, repo.resolve("HEAD")), policy)
    if not 0 <= frame <= MAX_FRAME:
        why = "no merge takes such a frame, so no delta was written"
        raise GuardError(
            "usage", f"frame {frame} is not between 0 and {MAX_FRAME}", why, f"guard delta {command} --help"
        )
    if newest is not None and frame > newest + 1:
        why = "a merge of it takes the frame counter there, and the counter never goes back"
        other = f"guard delta {command} --frame {newest + 1} --stream {stream}"
        fix = f"unless that is meant, delete it, then {other}"
        report.warn(f"{ahead(frame, newest)}\n  why: {why}\n  fix: {fix}")
    return frame, stream, repo.top() / policy.inbox


def _agents() -> list[str]:
    """The agents that the stream was given."""
    given = os.environ.get("GUARD_AGENTS", "")
    return [name for name in given.replace(",", " ").split() if name]


def _created(report: Report, path: Path, data: bytes) -> None:
    report.say(str(path))
    report.result({"path": str(path), "digest": digest_of(data), "exit": 0})


def _text(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
