"""A split index: one file with what changed, and `sharedindex.<id>` with all the rest, put together.

The file with changes says of the shared one which of its entries are gone and which have another content; the latter it
holds without their names, in the shared file's order.
"""

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace

from guard.index.file import Index, read


def whole(data: bytes, hash_name: str, shared: Callable[[], Mapping[str, bytes]]) -> Index:
    """What can be read of an index file and, where it is split, of the other; `shared` gives those others by id."""
    found = read(data, hash_name)
    if found.link is None and not found.problems:
        return found
    others = shared()
    if found.link is None:
        if others and found.gaps:  # what says whether it is split lies at its end
            _guess(found, others, hash_name)
        elif found.nameless:
            found.gaps = [(b"", b"")]
        _orphans(found)
        return found
    size = hashlib.new(hash_name).digest_size
    name = found.link[:size].hex()
    try:
        gone, replaced = _bitmaps(found.link[size:])
    except (struct.error, IndexError):
        found.problems.append("what it says of the shared index is broken")
        _guess(found, others, hash_name)
        return found
    if name not in others:
        found.problems.append(f"sharedindex.{name} is not there, with all that did not change since it was split")
        found.gaps = [(b"", b"")]
        _orphans(found)
        return found
    if found.problems and gone | {*replaced}:
        found.unknown.append("whether what is deleted and changed since the index was split is exactly that")
    _put_together(found, others[name], name, hash_name, gone, replaced)
    return found


def _put_together(found: Index, data: bytes, name: str, hash_name: str, gone: set[int], replaced: list[int]) -> None:
    base = _all(data, hash_name)
    found.problems += [f"sharedindex.{name}: {problem}" for problem in base.problems]
    sure = base.entries
    if base.gaps:  # from the first gap on, nobody knows an entry's place
        low = min(after for after, _ in base.gaps)
        sure = [entry for entry in base.entries if entry.path <= low]
        found.gaps.append((low, b""))
    if len(replaced) != len(found.nameless):
        found.problems.append(
            f"{len(replaced)} entries of the shared index are replaced, {len(found.nameless)} are here"
        )
        found.gaps.append((b"", b""))
        _orphans(found)
        gone, replaced = gone | set(replaced), []
    new = dict(zip(replaced, found.nameless, strict=True))
    kept = {
        entry.key: replace(new[place], path=entry.path) if place in new else entry
        for place, entry in enumerate(sure)
        if place not in gone
    }
    lost = [each for place, each in new.items() if place >= len(sure)]
    found.nameless = lost
    _orphans(found)
    kept |= {entry.key: entry for entry in found.entries}
    found.entries = sorted(kept.values(), key=lambda entry: entry.key)


def _guess(found: Index, others: Mapping[str, bytes], hash_name: str) -> None:
    """Without a word on which shared file it builds on: what the newest one has may be staged still, or not."""
    kept = {entry.key: entry for entry in _all(next(iter(others.values())), hash_name).entries} if others else {}
    paths = {entry.path for entry in found.entries}
    kept = {key: entry for key, entry in kept.items() if entry.path not in paths}
    found.entries = sorted([*kept.values(), *found.entries], key=lambda entry: entry.key)
    found.gaps = [(b"", b"")]
    found.problems.append("it may be split, and does not say of which shared index")
    _orphans(found)


def _orphans(found: Index) -> None:
    """Say what is staged under a name that nobody can tell any more."""
    found.unknown += [f"the name under which blob {entry.oid} was staged" for entry in found.nameless]
    found.nameless = []


def _all(data: bytes, hash_name: str) -> Index:
    """Every entry of an index file, also of a sound one."""
    found = read(data, hash_name)
    return found if found.entries or found.problems else read(data, hash_name, entries=True)


def _bitmaps(data: bytes) -> tuple[set[int], list[int]]:
    """The places of the shared file that are gone, and those that are replaced."""
    if not data:
        return set(), []
    gone, rest = _bits(data)
    replaced, _ = _bits(rest)
    return set(gone), replaced


def _bits(data: bytes) -> tuple[list[int], bytes]:
    """The bits that are set in a compressed bitmap (EWAH), and what follows it."""
    size, number = struct.unpack(">II", data[:8])
    words = struct.unpack(f">{number}Q", data[8 : 8 + 8 * number])
    found: list[int] = []
    place = at = 0
    while at < number:
        head = words[at]
        run, literals = head >> 1 & 0xFFFFFFFF, head >> 33
        if head & 1:
            found += range(place, min(place + 64 * run, size))
        place += 64 * run
        for word in words[at + 1 : at + 1 + literals]:
            found += [place + bit for bit in range(64) if word >> bit & 1]
            place += 64
        at += 1 + literals
    return found, data[12 + 8 * number :]
