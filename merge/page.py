"""The page of a frame: everything its deltas reported, who reported it, and what deduplication removed.

A page can be taken apart into the records of its deltas again. So folding a late delta into a page is folding all
of them from nothing, with the page alone at hand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from merge import values
from merge.delta import Delta, Invalid
from merge.laws import Laws
from merge.lists import Combined, Listing, Place, Union, listing
from merge.order import Moment, moment

_OWN_KEYS = ("frame", "stream_id")


@dataclass(slots=True)
class Record:
    """What one delta says in a page."""

    digest: str
    stream: str
    moment: Moment
    status: str
    lists: dict[str, Listing] = field(default_factory=dict)
    extra: bytes = b"{}"


_rank = attrgetter("moment", "stream", "digest")
"""The total order of a frame's deltas."""


class NotAPage(ValueError):
    """The bytes are not a page that this engine wrote."""


@dataclass
class Page:
    """A frame's page, taken apart."""

    frame: int
    records: dict[str, Record] = field(default_factory=dict)
    rejected: dict[tuple[str, str], str] = field(default_factory=dict)
    """(stream, digest) -> reason"""
    sets: dict[str, Union] = field(default_factory=dict)

    def knows(self, entry: Delta | Invalid) -> bool:
        """Whether the page records this delta already."""
        if isinstance(entry, Delta):
            return entry.digest in self.records
        known = self.rejected.get((entry.stream or "", entry.digest))
        return known is not None and known <= entry.reason  # the same bytes may be a file here and a symlink there

    def add(self, delta: Delta, laws: Laws) -> Record:
        """Take a delta in; returns its record."""
        record = Record(delta.digest, delta.stream, delta.moment, delta.status)
        rest = delta.value.copy()
        for key in _OWN_KEYS:
            del rest[key]
        for law in laws.lists:
            if law.name not in rest:
                continue
            value = rest[law.name] if law.attributed else rest.pop(law.name)
            if law.law == "set":
                self.sets.setdefault(law.name, Union()).update(value)
            else:
                found = value if isinstance(value, list) else [value]
                if found:
                    record.lists[law.name] = listing(found, law)
        record.extra = values.dump_tight(rest)
        self.records[delta.digest] = record
        return record

    def reject(self, invalid: Invalid) -> None:
        """Take a rejected file in."""
        place = (invalid.stream or "", invalid.digest)
        self.rejected[place] = min(invalid.reason, self.rejected.get(place, invalid.reason))

    def ordered(self) -> list[Record]:
        """The records in the order of the lists."""
        return sorted(self.records.values(), key=_rank)


# --- bytes -----------------------------------------------------------------------------------------------------


def write(page: Page, combined: dict[str, Combined], laws: Laws) -> bytes:
    """A page's bytes: what a delta adds to a list is a line, so that a late delta shows as the lines that it adds."""
    records = page.ordered()
    pieces = [b'{\n  "frame": %d' % page.frame, *_block("streams", _streams(page, records))]
    for law in laws.lists:
        if law.law == "set":
            union = page.sets.get(law.name)
            pieces += (_head(law.name), union.text() if union else b"[]")
    for name, result in combined.items():
        pieces += _lines(name, result.kept)
    pieces += _block("extra", [(record.digest, record.extra) for record in records])
    pieces += _block("filtered", _filtered(combined))
    variants = [
        (name, _object([(key, _places(places)) for key, places in sorted(result.variants.items())]))
        for name, result in combined.items()
        if result.variants
    ]
    pieces += _block("variants", variants)
    pieces += _lines("provenance", [_provenance(record) for record in records])
    return b"".join([*pieces, b"\n}\n"])  # once: a page may be large


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
            "status": max([record.status for record in mine], default="rejected", key=_STATUS.index),
            "completed_at": mine[-1].moment[2] if mine else None,
            "deltas": list(dict.fromkeys([*[record.digest for record in mine], *bad])),
        }
        if bad:
            value["rejected"] = bad
        lines.append((stream, values.dump_tight(value)))
    return lines


_STATUS = ("rejected", "fallback", "ok")


def _provenance(record: Record) -> bytes:
    return values.dump_tight(
        {
            "delta": record.digest,
            "stream": record.stream,
            "time": record.moment[2],
            "status": record.status,
            "items": {name: mine.number for name, mine in sorted(record.lists.items())},
        }
    )


def _filtered(combined: dict[str, Combined]) -> list[tuple[str, bytes]]:
    total = sum(len(result.filtered) for result in combined.values())
    lists = [(name, _places(result.filtered)) for name, result in combined.items() if result.filtered]
    return [("count", b"%d" % total), *lists]


def _places(places: Sequence[Place]) -> bytes:
    return b"[%s]" % b",".join(
        b'{"delta":"%s","position":%d,"item":%s}' % (digest.encode(), position, text)
        for digest, position, text in places
    )


def _object(members: Sequence[tuple[str, bytes]]) -> bytes:
    return b"{%s}" % b",".join(values.dump(key) + b":" + text for key, text in members)


def _block(name: str, members: Sequence[tuple[str, bytes]]) -> list[bytes]:
    if not members:
        return [_head(name), b"{}"]
    pieces = []
    for key, text in members:
        pieces += [b",\n    ", b"%b: " % values.dump(key), text]
    pieces[0] = _head(name) + b"{\n    "
    return [*pieces, b"\n  }"]


def _lines(name: str, texts: Sequence[bytes]) -> list[bytes]:
    if not texts:
        return [_head(name), b"[]"]
    pieces = []
    for text in texts:
        pieces += [b",\n    ", text]
    pieces[0] = _head(name) + b"[\n    "
    return [*pieces, b"\n  ]"]


def _head(name: str) -> bytes:
    """How a member of the page begins, after the one before it."""
    return b",\n  %s: " % values.dump(name)


def listings(records: Iterable[Record], name: str) -> list[tuple[str, Listing]]:
    """What the records say of one list, with the digest of who says it."""
    return [(record.digest, record.lists[name]) for record in records if name in record.lists]


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
    keyed = [(name, places) for name, keys in value["variants"].items() for places in keys.values()]
    variants = ((name, place) for name, places in keyed for place in places)
    filtered = ((name, place) for name, places in value["filtered"].items() if name != "count" for place in places)
    for name, place in (*variants, *filtered):
        removed.setdefault((name, place["delta"]), {})[place["position"]] = place["item"]
    kept = {law.name: iter(value[law.name]) for law in laws.lists if law.law != "set"}
    for said in value["provenance"]:
        time = moment(said["time"])
        if time is None:
            raise NotAPage(f"{said['delta']} has no time")
        record = Record(said["delta"], said["stream"], time, said["status"])
        record.extra = values.dump_tight(value["extra"][record.digest])
        for law in laws.lists:
            number = said["items"].get(law.name, 0)
            if number:
                gone = removed.get((law.name, record.digest), {})
                items = [gone[place] if place in gone else next(kept[law.name]) for place in range(number)]
                record.lists[law.name] = listing(items, law)
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
