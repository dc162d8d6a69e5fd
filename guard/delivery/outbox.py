"""Deltas on their way: kept below the common git directory until they are delivered, whatever dies meanwhile.

A delta's name says its frame, stream and digest, so it may be sent any number of times and counts once.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from guard.git import Repo
from merge.delta import digest_of, file_name


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
    path = folder(repo) / file_name(frame, stream, digest_of(data))
    create(path, data)
    return path


def waiting(repo: Repo) -> list[Path]:
    """The deltas that are not delivered yet."""
    return sorted(folder(repo).glob("frame-*.json"))


def folder(repo: Repo) -> Path:
    """Where they wait, for all work trees of a clone."""
    return repo.common_dir / "guard" / "outbox"
