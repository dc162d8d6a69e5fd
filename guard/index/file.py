"""git's index, read leniently: what of a broken one can still be made out, and a new one made of it.

git itself dies on a broken index, sometimes by a signal, so nothing here hands it one. Versions 2, 3 and 4 are read
entry by entry; where bytes are no entry, reading goes on at the next place that holds one (in version 4, whose names
build on each other, it ends there). A split index is one of two files; `index_split` puts them together.
"""

import hashlib
import re
import struct
from dataclasses import dataclass, field

FOLDER = 0o040000
"""The mode of an entry that stands for a whole folder, in a sparse index."""
_MODES = (0o100644, 0o100755, 0o120000, 0o160000, FOLDER)
_EXTENSION = re.compile(rb"[A-Za-z]{4}")
_BAD_PATH = re.compile(rb"(^|/)(\.{0,2}|\.[gG][iI][tT])(/|$)|\x00")


@dataclass(frozen=True)
class Entry:
    """One staged path."""

    path: bytes
    mode: int
    oid: str
    stage: int = 0
    skip_worktree: bool = False
    intent_to_add: bool = False
    assume_unchanged: bool = False

    @property
    def key(self) -> tuple[bytes, int]:
        """The order of an index."""
        return self.path, self.stage


@dataclass
class Index:
    """What could be read of an index."""

    entries: list[Entry] = field(default_factory=list)
    gaps: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Paths between which entries may be missing: after the first, before the second; empty for the beginning, for
    the end."""
    problems: list[str] = field(default_factory=list)
    """What is wrong, in words; nothing for a sound index."""
    unknown: list[str] = field(default_factory=list)
    """What else is known to be lost, in words."""
    nameless: list[Entry] = field(default_factory=list)
    """Entries of a split index that stand for paths of the shared file, in its order."""
    link: bytes | None = None
    """What a split index says of the shared file that it builds on."""

    def lost_near(self, path: bytes) -> bool:
        """Whether a path lies where entries may be missing."""
        return any((not after or path > after) and (not before or path < before) for after, before in self.gaps)


def read(data: bytes, hash_name: str, *, entries: bool = False) -> Index:
    """Read the bytes of an index file; of a sound one, its entries only where they are asked for or it may be split."""
    found = Index()
    size = hashlib.new(hash_name).digest_size
    if len(data) < 12 + size:
        found.problems.append("it is empty" if not data else f"it ends after {len(data)} bytes")
        found.gaps.append((b"", b""))
        return found
    signature, version, count = struct.unpack(">4sII", data[:12])
    trusted = signature == b"DIRC" and version in (2, 3, 4)
    if not trusted:
        found.problems.append("its header is broken")
    checksum = hashlib.new(hash_name, data[:-size]).digest()
    if trusted and data[-size:] == checksum and b"link" not in data and not entries:
        return found  # git wrote exactly these bytes; nobody needs the entries
    if data[-size:] not in (checksum, bytes(size)):  # zeros: index.skipHash
        found.problems.append("its checksum is wrong")
    versions = (version,) if trusted else (2, 4)
    attempts = [_Reading(data, size, each, count if trusted else None) for each in versions]
    best = max(attempts, key=lambda attempt: attempt.number)
    found.entries, found.gaps, found.nameless, found.link = best.entries, [*best.gaps], best.nameless, best.link
    if best.gaps:
        found.problems.append("entries are broken or missing")
    if trusted and best.number != count:
        found.problems.append(f"it announces {count} entries, and {best.number} can be read")
        if not best.gaps:  # the header's number is the wrong one, or entries were cut out whole
            found.gaps.append((best.entries[-1].path if best.entries else b"", b""))
    return found


class _Reading:
    """One attempt, by one version."""

    def __init__(self, data: bytes, size: int, version: int, count: int | None) -> None:
        self.data = data
        self.size = size
        self.version = version
        self.end = len(data) - size
        self.entries: list[Entry] = []
        self.gaps: list[tuple[bytes, bytes]] = []
        self.nameless: list[Entry] = []
        self.link: bytes | None = None
        self._run(count)

    @property
    def number(self) -> int:
        """How many entries were read."""
        return len(self.entries) + len(self.nameless)

    def _run(self, count: int | None) -> None:
        place, lost, low = 12, False, b""
        while place < self.end:
            if (count is None or self.number == count) and not lost and self._extensions(place):
                return
            entry, after = self._entry(place)
            if entry is not None and not entry.path and not self.entries and not lost:
                self.nameless.append(entry)
                place = after
                continue
            if entry is not None and not entry.path:
                entry = None
            last = self.entries[-1] if self.entries else None
            if entry is None or (last is not None and entry.key <= last.key):
                if not lost and self._extensions(place):
                    return
                if not lost:
                    # Where the order breaks, one of the two is not what it was: what lies around either is not known.
                    sure = self.entries[:-1] if entry is not None else self.entries
                    low = sure[-1].path if sure else b""
                lost = True
                if self.version == 4:
                    break
                place += 8 if (place - 12) % 8 == 0 else 1  # every entry of version 2 and 3 is a multiple of 8 long
                continue
            if lost:
                self.gaps.append((low, entry.path))
                lost = False
            self.entries.append(entry)
            place = after
        if lost or (count is not None and self.number < count):
            self.gaps.append((low if lost else self.entries[-1].path if self.entries else b"", b""))

    def _extensions(self, place: int) -> bool:
        """Whether a chain of extensions goes from here to the checksum."""
        link = None
        while place < self.end:
            name = self.data[place : place + 4]
            if place + 8 > self.end or not _EXTENSION.fullmatch(name):
                return False
            begun, place = place + 8, place + 8 + int(struct.unpack(">I", self.data[place + 4 : place + 8])[0])
            if name == b"link":
                link = self.data[begun:place]
        if place == self.end:
            self.link = link
        return place == self.end

    def _entry(self, place: int) -> tuple[Entry | None, int]:
        """The entry at a place and where the next one begins; None for bytes that are none."""
        names = place + 40 + self.size + 2
        if names > self.end:
            return None, place
        mode = struct.unpack(">I", self.data[place + 24 : place + 28])[0]
        oid = self.data[place + 40 : place + 40 + self.size].hex()
        flags = struct.unpack(">H", self.data[names - 2 : names])[0]
        more = 0
        if flags & 0x4000:
            more = struct.unpack(">H", self.data[names : names + 2])[0] if names + 2 <= self.end else 0
            names += 2
        path, after = self._path_4(names) if self.version == 4 else self._path(place, names)
        length = flags & 0xFFF
        plain = path.removesuffix(b"/") if path and mode == FOLDER else path
        if path is None or (plain and _BAD_PATH.search(plain)) or mode not in _MODES or not oid.strip("0"):
            return None, place
        if (min(4095, len(path))) != length or more & 0x9FFF:
            return None, place
        marks = bool(more & 0x4000), bool(more & 0x2000), bool(flags & 0x8000)
        return Entry(path, mode, oid, flags >> 12 & 3, *marks), after

    def _path(self, place: int, start: int) -> tuple[bytes | None, int]:
        stop = self.data.find(b"\0", start, self.end)
        if stop < 0:
            return None, place
        after = place + (stop - place + 8) // 8 * 8  # one to eight NULs
        if after > self.end or self.data[stop:after].strip(b"\0"):
            return None, place
        return self.data[start:stop], after

    def _path_4(self, start: int) -> tuple[bytes | None, int]:
        """A name of version 4: how much of the last one to leave off, then what follows."""
        strip, at = 0, start
        for shift in range(6):
            if at >= self.end:
                return None, start
            byte = self.data[at]
            at += 1
            strip = ((strip + 1) << 7 if shift else 0) | byte & 0x7F
            if not byte & 0x80:
                break
        last = self.entries[-1].path if self.entries else b""
        stop = self.data.find(b"\0", at, self.end)
        if stop < 0 or strip > len(last):
            return None, start
        return last[: len(last) - strip] + self.data[at:stop], stop + 1
