"""The page of a frame: everything its deltas reported, who reported it, and what deduplication removed.

A page can be taken apart into the records of its deltas again. So folding a late delta into a page is folding all
of them from nothing, with the page alone at hand.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from merge import values
from merge.delta import Delta, Invalid
from merge.laws import Laws, ListLaw
from merge.order import Moment, moment

Key = int | str | bytes
"""An item's own key, or, for an item without one, the canonical JSON of the item."""

_OWN_KEYS = {"frame", "stream_id"}


class Item(NamedTuple):
    """One item of a list: its key, its JSON, for each role of the law who plays it, and how many it stands for."""

    key: Key
    text: bytes
    roles: tuple[str | None, ...]
    weight: int


@dataclass(slots=True)
class Record:
    """What one delta says in a page. A rejected one has a `reason` and nothing else to say."""

    digest: str
    stream: str
    moment: Moment
    status: str
    reason: str = ""
    lists: dict[str, list[Item]] = field(default_factory=dict)
    extra: bytes = b"{}"

    @property
    def rank(self) -> tuple[Moment, str, str]:
        """The total order of a frame's deltas."""
        return self.moment, self.stream, self.digest


@dataclass(slots=True)
class Tally:
    """What a page counts of one list: its entries, and for each role the pairs (entry, player)."""

    entries: int = 0
    roles: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Combined:
    """A list after its law: what stays, by record; what was filtered; the variants, by key."""

    kept: list[list[bytes]]
    filtered: list[tuple[str, int, bytes]]
    variants: dict[str, list[tuple[str, int, bytes]]]
    tally: Tally


class NotAPage(ValueError):
    """The bytes are not a page that this engine wrote."""


@dataclass
class Page:
    """A frame's page, taken apart."""

    frame: int
    records: dict[str, Record] = field(default_factory=dict)
    rejected: dict[tuple[str, str], str] = field(default_factory=dict)
    """(stream, digest) -> reason"""
    sets: dict[str, "Union"] = field(default_factory=dict)

    def knows(self, entry: Delta | Invalid) -> bool:
        """Whether the page records this delta already."""
        if isinstance(entry, Delta):
            return entry.digest in self.records
        return (entry.stream or "", entry.digest) in self.rejected

    def add(self, delta: Delta, laws: Laws) -> Record:
        """Take a delta in; returns its record."""
        record = Record(delta.digest, delta.stream, delta.moment, delta.status)
        rest = {key: value for key, value in delta.value.items() if key not in _OWN_KEYS}
        for law in laws.lists:
            if law.name not in rest:
                continue
            value = rest[law.name] if law.attributed else rest.pop(law.name)
            if law.law == "set":
                self.sets.setdefault(law.name, Union()).update(value)
            else:
                found = value if isinstance(value, list) else [value]
                if found:
                    record.lists[law.name] = itemise(found, law)
        record.extra = values.dump(rest)
        self.records[delta.digest] = record
        return record

    def reject(self, invalid: Invalid) -> None:
        """Take a rejected file in."""
        place = (invalid.stream or "", invalid.digest)
        self.rejected[place] = min(invalid.reason, self.rejected.get(place, invalid.reason))

    def ordered(self) -> list[Record]:
        """The records in the order of the lists."""
        return sorted(self.records.values(), key=lambda record: record.rank)


class Union:
    """A set of JSON values, sorted: numbers, then strings, then others by canonical JSON."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.strings: set[str] = set()
        self.others: dict[bytes, bytes] = {}

    def update(self, items: Iterable[Any]) -> None:
        """Add every item."""
        for item in items:
            if type(item) is str:
                self.strings.add(item)
            elif type(item) is int:
                self.numbers.add(item)
            else:
                name, text = values.identity(item), values.dump(item)
                self.others[name] = min(text, self.others.get(name, text))

    def texts(self) -> list[bytes]:
        """The JSON of the items, in order."""
        whole = {str(number).encode() for number in self.numbers} if self.others else set()
        numbers: list[tuple[float, int, bytes]] = [(_approximate(n), n, str(n).encode()) for n in self.numbers]
        rest = []
        for name, text in sorted(self.others.items()):
            if name in whole:
                continue
            if name[:1] in b"-0123456789":
                numbers.append((float(name), 0, text))
            else:
                rest.append(text)
        return [text for *_, text in sorted(numbers)] + [values.dump(text) for text in sorted(self.strings)] + rest


def _approximate(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def itemise(found: Sequence[Any], law: ListLaw) -> list[Item]:
    """The items of one delta's list."""
    dump = values.dump
    roles = tuple(law.roles.values())
    nobody = (None,) * len(roles)
    items = []
    for value in found:
        if type(value) is dict:
            players = tuple(_player(value, fields) for fields in roles)
        else:
            players = nobody
        key: Key = b""
        weight = 1
        if law.law == "one-per-key":
            key = _key(value, law)
        elif law.count:
            weight = _weight(value, law.count)
        items.append(Item(key, dump(value), players, weight))
    return items


def _player(value: dict[str, Any], fields: tuple[str, ...]) -> str | None:
    for name in fields:
        player = value.get(name)
        if type(player) is str and player:
            return player
    return None


def _key(value: Any, law: ListLaw) -> Key:
    wanted = int if law.key_type == "integer" else str
    if type(value) is dict:
        for name in law.key:
            own = value.get(name)
            if type(own) is wanted and own != "":
                return own
    elif type(value) is wanted and value != "":
        return value  # type: ignore[no-any-return]  # type() narrows it, which mypy does not follow
    return values.identity(value)


def _weight(value: Any, count: str) -> int:
    number = value.get(count) if type(value) is dict else value
    return number if type(number) is int and number >= 0 else 1


def combine(records: Sequence[Record], law: ListLaw, roles: Iterable[str] = ()) -> Combined:
    """Apply the law of one list to the records of a frame, which come in their order.

    `roles` are those whose players are to be counted.
    """
    result = Combined([], [], {}, Tally())
    lists = [record.lists.get(law.name, ()) for record in records]
    if law.law == "one-per-key":
        _one_per_key(records, lists, result)
    else:
        result.kept = [[item.text for item in items] for items in lists]
    if law.law != "keep":
        result.tally = _tally(lists, result, law, roles)
    return result


def _one_per_key(records: Sequence[Record], lists: Sequence[Sequence[Item]], result: Combined) -> None:
    first: dict[Key, bytes] = {}
    copies: Counter[bytes] = Counter()
    for record, items in zip(records, lists, strict=True):
        mine: Counter[bytes] = Counter()
        kept = []
        for position, item in enumerate(items):
            key = item.key
            if type(key) is bytes:
                mine[key] += 1
                if mine[key] > copies[key]:
                    copies[key] += 1
                    kept.append(item.text)
                else:
                    result.filtered.append((record.digest, position, item.text))
            elif key not in first:
                first[key] = item.text
                kept.append(item.text)
            else:
                _repeat(result, first[key], key, (record.digest, position, item.text))
        result.kept.append(kept)


def _repeat(result: Combined, first: bytes, key: Key, place: tuple[str, int, bytes]) -> None:
    """File another report of a key: under `filtered` if it says what was said, else as a variant."""
    known = result.variants.get(str(key), [])
    if _same(place[2], first) or any(_same(place[2], text) for *_, text in known):
        result.filtered.append(place)
    else:
        result.variants.setdefault(str(key), []).append(place)


def _same(one: bytes, other: bytes) -> bool:
    return one == other or values.identity(values.parse(one)) == values.identity(values.parse(other))


def _tally(lists: Sequence[Sequence[Item]], result: Combined, law: ListLaw, roles: Iterable[str]) -> Tally:
    """Count a list. A pair (entry, player) counts once however many deltas report it."""
    if law.law == "one-per-key":
        tally = Tally(sum(map(len, result.kept)))
    else:
        tally = Tally(sum(item.weight for items in lists for item in items))
    for place, role in enumerate(law.roles):
        if role in roles:
            count = _pairs if law.law == "one-per-key" else _sums
            tally.roles[role] = count(lists, place)
    return tally


def _sums(lists: Sequence[Sequence[Item]], place: int) -> Counter[str]:
    counter: Counter[str] = Counter()
    for items in lists:
        for item in items:
            player = item.roles[place]
            if player is not None:
                counter[player] += item.weight
    return counter


def _pairs(lists: Sequence[Sequence[Item]], place: int) -> Counter[str]:
    keyed: set[tuple[Key, str]] = set()
    copies: dict[tuple[Key, str], int] = {}
    for items in lists:
        mine: Counter[tuple[Key, str]] = Counter()
        for item in items:
            player = item.roles[place]
            if player is None:
                continue
            if type(item.key) is bytes:
                mine[item.key, player] += 1
            else:
                keyed.add((item.key, player))
        for pair, number in mine.items():
            copies[pair] = max(copies.get(pair, 0), number)
    counter = Counter(player for _, player in keyed)
    for (_, player), number in copies.items():
        counter[player] += number
    return counter


# --- bytes -----------------------------------------------------------------------------------------------------


def write(page: Page, combined: dict[str, Combined], laws: Laws) -> bytes:
    """A page's bytes: an item a line, so that a late delta shows as the lines that it adds."""
    records = page.ordered()
    parts = [b'{\n  "frame": %d' % page.frame, _block("streams", _streams(page, records))]
    for law in laws.lists:
        if law.law == "set":
            union = page.sets.get(law.name)
            parts.append(b"  %s: [%s]" % (values.dump(law.name), b",".join(union.texts()) if union else b""))
    for law in laws.lists:
        if law.law != "set":
            parts.append(_lines(law.name, [text for kept in combined[law.name].kept for text in kept]))
    parts.append(_block("extra", [(record.digest, record.extra) for record in records]))
    parts.append(_block("filtered", _filtered(combined)))
    variants = [
        (name, _object([(key, _places(places)) for key, places in sorted(result.variants.items())]))
        for name, result in combined.items()
        if result.variants
    ]
    parts.append(_block("variants", variants))
    parts.append(_lines("provenance", [_provenance(record) for record in records]))
    return b",\n".join(parts) + b"\n}\n"


def _streams(page: Page, records: Sequence[Record]) -> list[tuple[str, bytes]]:
    streams: dict[str, list[Record]] = {}
    rejected: dict[str, dict[str, str]] = {}
    for record in records:
        streams.setdefault(record.stream, []).append(record)
    for (stream, digest), reason in sorted(page.rejected.items()):
        rejected.setdefault(stream, {})[digest] = reason
    lines = []
    for stream in sorted(streams.keys() | rejected.keys()):
        mine = streams.get(stream, [])
        bad = rejected.get(stream, {})
        value: dict[str, Any] = {
            "status": max((record.status for record in mine), default="rejected", key=_STATUS.index),
            "completed_at": mine[-1].moment[2] if mine else None,
            "deltas": [record.digest for record in mine] + [digest for digest in bad if digest not in page.records],
        }
        if bad:
            value["rejected"] = bad
        lines.append((stream, values.dump(value)))
    return lines


_STATUS = ("rejected", "fallback", "ok")


def _provenance(record: Record) -> bytes:
    items = {name: len(items) for name, items in record.lists.items()}
    return values.dump(
        {
            "delta": record.digest,
            "stream": record.stream,
            "time": record.moment[2],
            "status": record.status,
            "items": dict(sorted(items.items())),
        }
    )


def _filtered(combined: dict[str, Combined]) -> list[tuple[str, bytes]]:
    total = sum(len(result.filtered) for result in combined.values())
    lists = [(name, _places(result.filtered)) for name, result in combined.items() if result.filtered]
    return [("count", b"%d" % total), *lists]


def _places(places: Sequence[tuple[str, int, bytes]]) -> bytes:
    return b"[%s]" % b",".join(
        b'{"delta":"%s","position":%d,"item":%s}' % (digest.encode(), position, text)
        for digest, position, text in places
    )


def _object(members: Sequence[tuple[str, bytes]]) -> bytes:
    return b"{%s}" % b",".join(values.dump(key) + b":" + text for key, text in members)


def _block(name: str, members: Sequence[tuple[str, bytes]]) -> bytes:
    if not members:
        return b"  %s: {}" % values.dump(name)
    lines = b",\n    ".join(values.dump(key) + b": " + text for key, text in members)
    return b"  %s: {\n    %s\n  }" % (values.dump(name), lines)


def _lines(name: str, texts: Sequence[bytes]) -> bytes:
    if not texts:
        return b"  %s: []" % values.dump(name)
    return b"  %s: [\n    %s\n  ]" % (values.dump(name), b",\n    ".join(texts))


def read(frame: int, data: bytes | None, laws: Laws) -> Page:
    """Take a page apart; raises `NotAPage`, or `values.BadJson` where it is not even JSON."""
    page = Page(frame)
    if data is None:
        return page
    value = values.parse(data)
    try:
        _read(page, value, laws)
    except (KeyError, TypeError, AttributeError, StopIteration) as error:
        raise NotAPage(f"not a page of this engine ({type(error).__name__}: {error})") from None
    return page


def _read(page: Page, value: dict[str, Any], laws: Laws) -> None:
    if value["frame"] != page.frame:
        raise NotAPage(f"it says it is frame {value['frame']}")
    for stream, said in value["streams"].items():
        for digest, reason in said.get("rejected", {}).items():
            page.rejected[stream, digest] = reason
    removed: dict[tuple[str, str], dict[int, Any]] = {}
    variants = ((name, place) for name, keys in value["variants"].items() for places in keys.values() for place in places)
    filtered = ((name, place) for name, places in value["filtered"].items() if name != "count" for place in places)
    for name, place in (*variants, *filtered):
        removed.setdefault((name, place["delta"]), {})[place["position"]] = place["item"]
    kept = {law.name: iter(value[law.name]) for law in laws.lists if law.law != "set"}
    for said in value["provenance"]:
        time = moment(said["time"])
        if time is None:
            raise NotAPage(f"{said['delta']} has no time")
        record = Record(said["delta"], said["stream"], time, said["status"])
        record.extra = values.dump(value["extra"][record.digest])
        for law in laws.lists:
            number = said["items"].get(law.name, 0)
            if number:
                gone = removed.get((law.name, record.digest), {})
                items = [gone[place] if place in gone else next(kept[law.name]) for place in range(number)]
                record.lists[law.name] = itemise(items, law)
        page.records[record.digest] = record
    for law in laws.lists:
        if law.law == "set":
            page.sets.setdefault(law.name, Union()).update(value[law.name])


def digests(data: bytes) -> set[str]:
    """Every digest that a page records, of merged and of rejected deltas."""
    value = values.parse(data)
    try:
        return {digest for stream in value["streams"].values() for digest in stream["deltas"]}
    except (KeyError, TypeError, AttributeError):
        raise NotAPage("it lists no streams and deltas") from None
