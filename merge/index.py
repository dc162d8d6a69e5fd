"""The global index of a keyed list: which frames, players and reports each key has, over all frames.

It is what counts a post once though two frames report it. It is sharded two levels deep, so that what a merge
reads and writes depends on the keys that it brings and not on how many there are.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from merge import values
from merge.files import BadState
from merge.laws import ListLaw
from merge.layout import lines
from merge.lists import Key, Tally


class Report(NamedTuple):
    """One item with a key of its own: where it was reported, by role who plays it, and the item."""

    frame: int
    key: Key
    players: tuple[str | None, ...]
    item: Any


_HUNDRED = 100
_PLAIN_KEYS = 10**12


def shard_path(key: Key, law: ListLaw) -> str:
    """The file that holds a key: numbers by hundreds within ten thousands, others by the hash of the key."""
    if isinstance(key, int) and 0 <= key < _PLAIN_KEYS:
        return f"{law.index}/{key // _HUNDRED**2:03d}/{key // _HUNDRED:05d}.json"
    digest = hashlib.sha256(str(key).encode()).hexdigest()
    return f"{law.index}/x{digest[:2]}/{digest[2:4]}.json"


def add(reports: Iterable[Report], law: ListLaw, files: Mapping[str, bytes]) -> tuple[dict[str, bytes], Tally]:
    """Put reports into the index.

    Returns the index files that changed, and how many keys and how many pairs (key, player) were not known
    before. Raises `BadState` where an index file cannot be read.
    """
    shards: dict[str, dict[Key, list[Report]]] = {}
    for report in reports:
        shards.setdefault(shard_path(report.key, law), {}).setdefault(report.key, []).append(report)
    changed: dict[str, bytes] = {}
    tally = Tally(0, {role: Counter() for role in law.roles})
    for path, keys in sorted(shards.items()):
        data = files.get(path)
        try:
            kept: dict[str, Any] = values.parse(data) if data is not None else {}
            shard = {name: values.dump(entry) for name, entry in kept.items()}
        except (values.BadJson, AttributeError) as error:
            raise BadState(path, f"the index cannot be read: {error}") from None
        for key, found in keys.items():
            name = str(key)
            tally.entries += name not in kept
            try:
                shard[name] = _entry(kept.get(name), found, law, tally)
            except (KeyError, TypeError, AttributeError):
                raise BadState(path, f"its entry of {name} is none of an index") from None
        # The shorter number is the smaller one.
        changed[path] = lines((name, shard[name]) for name in sorted(sorted(shard), key=len))
    return changed, tally


def _entry(kept: dict[str, Any] | None, found: list[Report], law: ListLaw, tally: Tally) -> bytes:
    """A key's entry with more reports in it. Every part is a set, so that they may arrive in any order."""
    if kept is None and len(found) == 1:
        frame, _, players, item = found[0]
        roles = {role: [player] for role, player in zip(law.roles, players, strict=True) if player is not None}
        for role, (player,) in roles.items():
            tally.roles[role][player] += 1
        return values.dump({"frames": [frame], **roles, "variants": [item]})
    known = {"frames": [], "variants": []} if kept is None else kept
    entry: dict[str, Any] = {"frames": sorted({*known["frames"], *(report.frame for report in found)})}
    for place, role in enumerate(law.roles):
        before = set(known.get(role, ()))
        named = {report.players[place] for report in found} - {None}
        tally.roles[role].update(player for player in named - before if player is not None)
        if before | named:
            entry[role] = sorted(before | named)
    reports: dict[bytes, Any] = {}
    for item in (*known["variants"], *(report.item for report in found)):
        name = values.identity(item)
        # one value may be spelled with its keys in different orders
        reports[name] = min(item, reports.get(name, item), key=values.dump)
    return values.dump({**entry, "variants": [report for _, report in sorted(reports.items())]})
