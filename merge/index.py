"""The global index of a keyed list: which frames, players and reports each key has, over all frames.

It is what counts a post once though two frames report it. It is sharded two levels deep, so that what a merge
reads and writes depends on the keys that it brings and not on how many there are.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from merge import values
from merge.laws import ListLaw
from merge.layout import dump_lines
from merge.page import Item, Key, Tally

_HUNDRED = 100
_PLAIN_KEYS = 10**12


@dataclass(slots=True)
class Seen:
    """What is known of one key; every part is a set, so that reports may arrive in any order."""

    frames: set[int] = field(default_factory=set)
    roles: dict[str, set[str]] = field(default_factory=dict)
    reports: dict[bytes, bytes] = field(default_factory=dict)
    """Canonical JSON of a report -> the report as JSON."""


def shard_path(key: Key, law: ListLaw) -> str:
    """The file that holds a key: numbers by hundreds within ten thousands, others by the hash of the key."""
    if isinstance(key, int) and 0 <= key < _PLAIN_KEYS:
        return f"{law.index}/{key // _HUNDRED**2:03d}/{key // _HUNDRED:05d}.json"
    digest = hashlib.sha256(str(key).encode()).hexdigest()
    return f"{law.index}/x{digest[:2]}/{digest[2:4]}.json"


def add(reports: Iterable[tuple[int, Item]], law: ListLaw, files: Mapping[str, bytes]) -> tuple[dict[str, bytes], Tally]:
    """Put reports (frame, item) into the index.

    Returns the index files that changed, and how many keys and how many pairs (key, player) were not known
    before. Raises `values.BadJson` where an index file cannot be read.
    """
    shards: dict[str, dict[Key, list[tuple[int, Item]]]] = {}
    for frame, item in reports:
        if type(item.key) is not bytes:
            shards.setdefault(shard_path(item.key, law), {}).setdefault(item.key, []).append((frame, item))
    changed: dict[str, bytes] = {}
    tally = Tally(0, {role: Counter() for role in law.roles})
    for path, keys in sorted(shards.items()):
        data = files.get(path)
        shard: dict[str, Any] = values.parse(data) if data is not None else {}
        for key, found in keys.items():
            seen = _read(shard.get(str(key)), law)
            _count(seen, found, law, tally)
            shard[str(key)] = _written(seen)
        text = dump_lines(dict(sorted(shard.items(), key=_by_number_then_text)))
        if text != data:
            changed[path] = text
    return changed, tally


def _count(seen: Seen, found: Iterable[tuple[int, Item]], law: ListLaw, tally: Tally) -> None:
    if not seen.frames:
        tally.entries += 1
    for frame, item in found:
        seen.frames.add(frame)
        if item.text not in seen.reports.values():
            name = values.identity(values.parse(item.text))
            seen.reports[name] = min(item.text, seen.reports.get(name, item.text))
        for role, player in zip(law.roles, item.roles, strict=True):
            if player is not None and player not in seen.roles[role]:
                seen.roles[role].add(player)
                tally.roles[role][player] += 1


def _read(kept: dict[str, Any] | None, law: ListLaw) -> Seen:
    if kept is None:
        return Seen(roles={role: set() for role in law.roles})
    return Seen(
        set(kept["frames"]),
        {role: set(kept.get(role, ())) for role in law.roles},
        {values.identity(report): values.dump(report) for report in kept["variants"]},
    )


def _written(seen: Seen) -> dict[str, Any]:
    roles = {role: sorted(players) for role, players in seen.roles.items() if players}
    reports = [values.parse(text) for _, text in sorted(seen.reports.items())]
    return {"frames": sorted(seen.frames), **roles, "variants": reports}


def _by_number_then_text(member: tuple[str, Any]) -> tuple[int, int, str]:
    key = member[0]
    return (0, int(key), key) if key.lstrip("-").isdecimal() else (1, 0, key)
