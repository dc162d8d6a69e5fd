"""git's index, read leniently: what of a broken one can still be made out, and a new one made of it.

git itself dies on a broken index, sometimes by a signal, so nothing here hands it one. Versions 2, 3 and 4 are read
entry by entry; where bytes are no entry, reading goes on at the next place that holds one (in version 4, whose names
build on each other, it ends there).
"""

import hashlib
import re
import struct
from dataclasses import dataclass, field

_FOLDER = 0o040000
_MODES = (0o100644, 0o100755, 0o120000, 0o160000, _FOLDER)
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
    split: bool = False
    """Whether it is one half of a split index, of which it cannot tell the other."""

    def lost_near(self, path: bytes) -> bool:
        """Whether a path lies where entries may be missing."""
        return any((not after or path > after) and (not before or path < before) for after, before in self.gaps)


def read(data: bytes, hash_name: str) -> Index:
    """Read the bytes of an index file; of a sound one, nothing but that it is sound."""
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
    if trusted and data[-size:] == checksum:
        return found  # git wrote exactly these bytes; nobody needs the entries
    if data[-size:] not in (checksum, bytes(size)):  # zeros: index.skipHash
        found.problems.append("its checksum is wrong")
    versions = (version,) if trusted else (2, 4)
    attempts = [_Reading(data, size, each, count if trusted else None) for each in versions]
    best = max(attempts, key=lambda attempt: len(attempt.entries))
    found.entries, found.gaps, found.split = best.entries, [*best.gaps], best.split
    folders = [each for each in best.entries if each.mode == _FOLDER]  # of a sparse index: what is in them is not said
    if folders:
        found.entries = [each for each in best.entries if each.mode != _FOLDER]
        found.gaps += [(each.path, each.path[:-1] + b"0") for each in folders]  # 0 comes right after the slash
    if len(best.gaps) > len(folders):
        found.problems.append("entries are broken or missing")
    if trusted and len(best.entries) != count:
        found.problems.append(f"it announces {count} entries, and {len(best.entries)} can be read")
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
        self.split = False
        self._run(count)

    def _run(self, count: int | None) -> None:
        place, lost, low = 12, False, b""
        while place < self.end:
            if (count is None or len(self.entries) == count) and not lost and self._extensions(place):
                return
            entry, after = self._entry(place)
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
        if lost or (count is not None and len(self.entries) < count):
            self.gaps.append((low if lost else self.entries[-1].path if self.entries else b"", b""))

    def _extensions(self, place: int) -> bool:
        """Whether a chain of extensions goes from here to the checksum."""
        split = False
        while place < self.end:
            name = self.data[place : place + 4]
            if place + 8 > self.end or not _EXTENSION.fullmatch(name):
                return False
            split = split or name == b"link"
            place += 8 + int(struct.unpack(">I", self.data[place + 4 : place + 8])[0])
        self.split = split
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
        plain = path.removesuffix(b"/") if path and mode == _FOLDER else path
        if path is None or not plain or _BAD_PATH.search(plain) or mode not in _MODES or not oid.strip("0"):
            return None, place
        if (min(4095, len(path))) != length or more & 0x9FFF:
            return None, place
        return Entry(path, mode, oid, flags >> 12 & 3, bool(more & 0x4000), bool(more & 0x2000)), after

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
