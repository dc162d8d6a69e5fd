"""The laws of lists: what of many deltas' items stays in a frame's list, what repeats, what differs.

A delta's items are kept together as one piece of JSON. It is taken apart only where another delta reports the same
thing, which is rare, and the common case costs a few calls a delta.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from merge import values
from merge.laws import ListLaw

Key = int | str | bytes
"""An item's own key, or, for an item without one, the canonical JSON of the item."""

Players = Sequence[str | None]
"""Who plays a role, by item; empty for nobody in any."""

_NOBODY = {type(None)}

_MANY = 1 << 63
"""A count from here on is taken for a slip and counts one: sums must stay writable."""


@dataclass(slots=True)
class Listing:
    """One delta's items of one list."""

    text: bytes
    """The items as JSON, separated by commas."""
    number: int
    weight: int
    """How many things the items stand for."""
    keys: list[Key] = field(default_factory=list)
    """By item, where the law asks for keys."""
    players: dict[str, Players] = field(default_factory=dict)
    """By role."""

    def item(self, key: Key) -> bytes:
        """The first item with a key, as JSON."""
        return self.items()[self.keys.index(key)]

    def items(self) -> list[bytes]:
        """The items, each as JSON."""
        return [values.dump(item) for item in values.parse(b"[%s]" % self.text)]


class Place(NamedTuple):
    """An item that did not stay in its list: which delta's, at which position, and the item as JSON."""

    delta: str
    position: int
    text: bytes


@dataclass(slots=True)
class Tally:
    """What is counted of a list: its entries, and for each role the pairs (entry, player)."""

    entries: int = 0
    roles: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Combined:
    """A list after its law."""

    kept: list[bytes] = field(default_factory=list)
    """What stays, one piece for each delta of which something stays."""
    apart: bool = True
    """Whether no delta repeats anything."""
    filtered: list[Place] = field(default_factory=list)
    variants: dict[str, list[Place]] = field(default_factory=dict)
    """Differing reports of a key, by key."""
    tally: Tally = field(default_factory=Tally)


def listing(found: list[Any], law: ListLaw) -> Listing:
    """Take in one delta's items."""
    text = values.dump(found)[1:-1]
    made = Listing(text, len(found), len(found))
    for role, fields in law.roles.items():
        made.players[role] = _players(found, fields, text)
    if law.law == "one-per-key":
        made.keys = _keys(found, law)
    elif law.count and (_member(law.count) in text or set(map(type, found)) != {dict}):
        made.weight = sum([_weight(item, law.count) for item in found])
    return made


@cache
def _member(name: str) -> bytes:
    """What stands in the JSON of every object that has the member `name`."""
    return values.dump(name) + b":"


def _players(found: list[Any], fields: tuple[str, ...], text: bytes) -> Players:
    for name in fields:
        if _member(name) in text:
            try:  # one field nearly always says it, of all items or of none
                players = list(map(sys.intern, [item[name] for item in found]))  # one stands in thousands of items
            except (KeyError, TypeError):
                return [_player(item, fields) for item in found]
            return players if "" not in players else [_player(item, fields) for item in found]
    return ()


def _player(item: Any, fields: tuple[str, ...]) -> str | None:
    if type(item) is dict:
        for name in fields:
            player = item.get(name)
            if type(player) is str and player:
                return sys.intern(player)
    return None


def _keys(found: list[Any], law: ListLaw) -> list[Key]:
    wanted = int if law.key_type == "integer" else str
    try:
        keys = [item[law.key[0]] for item in found]
    except (KeyError, TypeError, IndexError):
        return [_key(item, law, wanted) for item in found]
    if _all(wanted, keys) and "" not in keys:
        return keys
    return [_key(item, law, wanted) for item in found]


def _all(wanted: type[int] | type[str], items: list[Any]) -> bool:
    """Whether all items are of a type."""
    if wanted is int:
        return set(map(type, items)) == {int}
    try:
        "".join(items)  # a quarter of the time
    except TypeError:
        return False
    return True


def _key(item: Any, law: ListLaw, wanted: type[int] | type[str]) -> Key:
    names = law.key if type(item) is dict else ()
    for own in [item.get(name) for name in names] or [item]:
        if type(own) is wanted and own != "":
            found: Key = own
            return found
    return values.identity(item)


def _weight(item: Any, count: str) -> int:
    number = item.get(count) if type(item) is dict else item
    return number if type(number) is int and 0 <= number < _MANY else 1


def combine(listings: Sequence[tuple[str, Listing]], law: ListLaw, roles: Iterable[str] = ()) -> Combined:
    """Apply a list's law to (digest, listing) of a frame's deltas, which come in their order.

    `roles` are those whose players are to be counted.
    """
    result = Combined()
    if law.law == "one-per-key" and _repeats([mine.keys for _, mine in listings]):
        _one_per_key(listings, result)
    else:
        result.kept = [mine.text for _, mine in listings if mine.number]
        result.tally.entries = sum([mine.weight for _, mine in listings])
    count = _sums if result.apart else _pairs
    for role in roles:
        result.tally.roles[role] = count([mine for _, mine in listings], role)
    return result


def _repeats(keys: list[list[Key]]) -> bool:
    """Whether some key is there twice."""
    return len(set(chain.from_iterable(keys))) < sum(map(len, keys))


def _one_per_key(listings: Sequence[tuple[str, Listing]], result: Combined) -> None:
    first: dict[Key, Listing] = {}
    copies: Counter[bytes] = Counter()
    for digest, mine in listings:
        distinct = set(mine.keys)
        if len(distinct) == mine.number and first.keys().isdisjoint(distinct):
            kept = mine.number
            result.kept += [mine.text] if kept else []
            first.update(dict.fromkeys(mine.keys, mine))
            if bytes in set(map(type, distinct)):
                copies.update([key for key in mine.keys if type(key) is bytes])
        else:
            result.apart = False
            kept = _some(digest, mine, first, copies, result)
        result.tally.entries += kept


def _some(digest: str, mine: Listing, first: dict[Key, Listing], copies: Counter[bytes], result: Combined) -> int:
    """Keep what is new of a delta that repeats something; returns how many items that is."""
    kept = []
    own: Counter[bytes] = Counter()
    for position, (key, text) in enumerate(zip(mine.keys, mine.items(), strict=True)):
        place = Place(digest, position, text)
        if type(key) is bytes:
            own[key] += 1
            if own[key] > copies[key]:
                copies[key] += 1
                kept.append(text)
                first.setdefault(key, mine)
            else:
                result.filtered.append(place)
        elif key in first:
            _repeat(result, first[key].item(key), str(key), place)
        else:
            first[key] = mine
            kept.append(text)
    if kept:
        result.kept.append(b",".join(kept))
    return len(kept)


def _repeat(result: Combined, first: bytes, key: str, place: Place) -> None:
    """File another report of a key: filtered if it says what was said before, else a variant."""
    known = result.variants.get(key, [])
    said = [first, *(variant.text for variant in known)]
    if any(same(place.text, text) for text in said):
        result.filtered.append(place)
    else:
        result.variants.setdefault(key, []).append(place)


def same(one: bytes, other: bytes) -> bool:
    """Whether two pieces of JSON are the same value."""
    return one == other or values.identity(values.parse(one)) == values.identity(values.parse(other))


def _sums(listings: Iterable[Listing], role: str) -> Counter[str]:
    """For each player how many items name it."""
    return Counter(filter(None, chain.from_iterable([mine.players[role] for mine in listings])))


def _pairs(listings: Iterable[Listing], role: str) -> Counter[str]:
    """For each player the entries that name it; a pair counts once however many deltas report it."""
    pairs: dict[tuple[Key, str], int] = {}
    for mine in listings:
        for (key, player), number in Counter(zip(mine.keys, mine.players[role], strict=False)).items():
            if player is not None:
                pairs[key, player] = max(pairs.get((key, player), 0), number if type(key) is bytes else 1)
    counter: Counter[str] = Counter()
    for (_, player), number in pairs.items():
        counter[player] += number
    return counter


class Union:
    """A set of JSON values, sorted: numbers, then strings, then others by canonical JSON."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.strings: set[str] = set()
        self.others: dict[bytes, bytes] = {}

    def update(self, items: list[Any]) -> None:
        """Add every item."""
        types = set(map(type, items))
        if types == {str}:
            self.strings.update(items)
        elif types == {int}:
            self.numbers.update(items)
        else:
            for item in items:
                self._add(item)

    def _add(self, item: Any) -> None:
        if type(item) is str:
            self.strings.add(item)
        elif type(item) is int:
            self.numbers.add(item)
        else:
            name, text = values.identity(item), values.dump(item)
            self.others[name] = min(text, self.others.get(name, text))

    def text(self) -> bytes:
        """The items as JSON, in order."""
        strings = sorted(self.strings)
        if not self.others:
            return values.dump([*sorted(self.numbers), *strings])
        numbers = [(_approximate(number), number, str(number).encode()) for number in self.numbers]
        rest = []
        for name, text in sorted(self.others.items()):
            if name[:1] in b"-0123456789":
                numbers.append((float(name), 0, text))
            else:
                rest.append(text)
        return b"[%s]" % b",".join([*(text for *_, text in sorted(numbers)), *map(values.dump, strings), *rest])


def _approximate(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
