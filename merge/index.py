"""The global index of a keyed list: which frames, players and reports each key has, over all frames.

It is what counts a post once though two frames report it. It is sharded two levels deep, so that what a merge
reads and writes depends on the keys that it brings and not on how many there are.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from merge import values
from merge.files import BadState
from merge.laws import ListLaw
from merge.layout import lines
from merge.lists import Key, Listing, Tally

Report = tuple[int, Key, tuple[str | None, ...], Any]
"""One item: where it was reported, its key, by role who plays it, and the item."""

_HUNDRED = 100
_PLAIN_KEYS = 10**12


def _shard(key: Key) -> int | str:
    if type(key) is int and 0 <= key < _PLAIN_KEYS:
        return key // _HUNDRED
    digest = hashlib.sha256(str(key).encode()).hexdigest()
    return f"x{digest[:2]}/{digest[2:4]}"


def _path(shard: int | str, law: ListLaw) -> str:
    if isinstance(shard, int):
        return f"{law.index}/{shard // _HUNDRED:03d}/{shard:05d}.json"
    return f"{law.index}/{shard}.json"


def reports(frame: int, mine: Listing, items: Sequence[Any], law: ListLaw) -> Iterable[Report]:
    """What a delta reports; `items` are those of the listing, as values."""
    columns = [mine.players[role] or repeat(None) for role in law.roles]
    rows = zip(*columns, strict=False) if columns else repeat(())
    return zip(repeat(frame), mine.keys, rows, items, strict=False)


def add(reports: Iterable[Report], law: ListLaw, files: Mapping[str, bytes]) -> tuple[dict[str, bytes], Tally]:
    """Put reports into the index, those of items with a key of their own.

    Returns the index files that changed, and how many keys and how many pairs (key, player) were not known
    before. Raises `BadState` where an index file cannot be read.
    """
    by_key: defaultdict[Key, list[Report]] = defaultdict(list)
    for report in reports:
        by_key[report[1]].append(report)
    shards: defaultdict[int | str, list[Key]] = defaultdict(list)
    for key in by_key:
        if type(key) is not bytes:
            shards[_shard(key)].append(key)
    changed: dict[str, bytes] = {}
    tally = Tally(0, {role: Counter() for role in law.roles})
    for path, keys in sorted((_path(shard, law), keys) for shard, keys in shards.items()):
        data = files.get(path)
        try:
            kept: dict[str, Any] = values.parse(data) if data is not None else {}
            shard = {name: values.dump(entry) for name, entry in kept.items()}
        except (values.BadJson, AttributeError) as error:
            raise BadState(path, f"the index cannot be read: {error}") from None
        fresh: list[Report] = []
        for key in keys:
            name, found = str(key), by_key[key]
            if name not in kept and len(found) == 1:
                fresh += found
                shard[name] = _single(found[0], law)
                continue
            tally.entries += name not in kept
            try:
                shard[name] = _entry(kept.get(name), found, law, tally)
            except (KeyError, TypeError, AttributeError):
                raise BadState(path, f"its entry of {name} is none of an index") from None
        tally.entries += len(fresh)
        for role, players in zip(law.roles, zip(*[players for _, _, players, _ in fresh], strict=True), strict=False):
            tally.roles[role].update(filter(None, players))
        # The shorter number is the smaller one.
        changed[path] = lines([(name, shard[name]) for name in sorted(sorted(shard), key=len)])
    return changed, tally


def _single(report: Report, law: ListLaw) -> bytes:
    """The entry of a key that is reported once: most are."""
    frame, _, players, item = report
    entry: dict[str, Any] = {"frames": [frame]}
    for role, player in zip(law.roles, players, strict=True):
        if player is not None:
            entry[role] = [player]
    entry["variants"] = [item]
    return values.dump(entry)


def _entry(kept: dict[str, Any] | None, found: list[Report], law: ListLaw, tally: Tally) -> bytes:
    """A key's entry with more reports in it. Every part is a set, so that they may arrive in any order."""
    known = {"frames": [], "variants": []} if kept is None else kept
    entry: dict[str, Any] = {"frames": sorted({*known["frames"], *(frame for frame, *_ in found)})}
    for place, role in enumerate(law.roles):
        before = set(known.get(role, ()))
        named = {players[place] for _, _, players, _ in found} - {None}
        tally.roles[role].update(player for player in named - before if player is not None)
        if before | named:
            entry[role] = sorted(before | named)
    variants: dict[bytes, Any] = {}
    for item in chain(known["variants"], (item for *_, item in found)):
        name = values.identity(item)
        # one value may be spelled with its keys in different orders
        variants[name] = min(item, variants.get(name, item), key=values.dump)
    return values.dump({**entry, "variants": [item for _, item in sorted(variants.items())]})
