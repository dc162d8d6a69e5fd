"""Deltas on their way: kept below the common git directory until they are delivered, whatever dies meanwhile.

A delta's name says its frame, stream and digest, so it may be sent any number of times and counts once.
"""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from guard.bring_in import AS_GUARD
from guard.errors import GuardError
from guard.git import Repo
from guard.policy import Policy
from guard.publish import DELTA_REFS, REFUSED_TRIES, TRIES, backoff, hub
from merge.delta import digest_of, file_name, split_name


def fallback(frame: int, stream: str, reason: str) -> bytes:
    """The delta of a stream that delivered nothing, and why it did not."""
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    meta = {"status": "fallback", "timestamp": when, **({"reason": reason} if reason else {})}
    value = {"frame": frame, "stream_id": stream, "posts_created": [], "comments_added": [], "_meta": meta}
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def create(path: Path, data: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all, and on the disk; False where it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)  # fails where the name is taken, and never shows half a file
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def put(repo: Repo, frame: int, stream: str, data: bytes) -> Path:
    """Keep a delta until it is delivered."""
    path = _folder(repo) / file_name(frame, stream, digest_of(data))
    create(path, data)
    return path


def waiting(repo: Repo) -> list[Path]:
    """The deltas that are not delivered yet."""
    return sorted(_folder(repo).glob("frame-*.json"))


def _folder(repo: Repo) -> Path:
    return repo.common_dir / "guard" / "outbox"


def send(repo: Repo, policy: Policy, path: Path) -> str:
    """Deliver a delta by a ref of its own, and forget it here; returns the ref.

    Raises `GuardError` where the hub does not take it: then it waits here.
    """
    data = path.read_bytes()
    named = split_name(path.name, digest_of(data))
    if named is None:
        raise GuardError("state", f"{path} is no delta by its name", "it is not delivered", f"guard delta check {path}")
    frame, stream = named
    ref = f"{DELTA_REFS}{frame}/{stream}/{digest_of(data)[:16]}"
    commit = _commit(repo, f"delta of {stream}, frame {frame}", file_name(frame, stream), data)
    place = hub(repo, policy)
    said, refusals = "", 0
    for wait in backoff(TRIES):
        verdict, said = place.move(None, None, {ref: (None, commit)})
        if verdict == "won":
            path.unlink(missing_ok=True)
            return ref
        refusals = refusals + 1 if verdict == "refused" else 0
        if refusals >= REFUSED_TRIES:
            break
        time.sleep(wait)
    raise GuardError(
        "network", f"{place.name} does not take {path.name}: {said}", f"it is kept as {path}", "guard launch, or later"
    )


def _commit(repo: Repo, message: str, name: str, data: bytes) -> str:
    """A commit of one file: the same on every machine, so that whoever sends it twice has sent it once."""
    blob = repo.run("hash-object", "-w", "--stdin", input=data).strip()
    tree = repo.run("mktree", "-z", input=f"100644 blob {blob}\t{name}\0".encode()).strip()
    dates = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}
    return repo.run("commit-tree", "-m", message, tree, env={**AS_GUARD, **dates}).strip()
