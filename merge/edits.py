"""Operator edits: a delta's `set` writes one field of a canonical file, and the last writer wins.

`"set": {"state/agents.json#/agents/x/bio": value}` names a file and, after `#`, a JSON pointer (RFC 6901). The
newest writer of every pointer, by (instant, digest), is kept in a register, so that an edit that arrives late
falls behind the newer one that was merged before it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from merge import values
from merge.laws import Laws
from merge.layout import MISSING, Document
from merge.order import Moment, moment_of

Tokens = tuple[str, ...]

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


class Edit(NamedTuple):
    """One pointer of one delta's `set`."""

    target: str
    value: Any
    moment: Moment
    digest: str

    @property
    def file(self) -> str:
        """The file it writes to."""
        return self.target.partition("#")[0]

    @property
    def tokens(self) -> Tokens:
        """Its JSON pointer, taken apart."""
        return split_pointer(self.target.partition("#")[2])

    @property
    def rank(self) -> tuple[int, str, str, Tokens]:
        """What decides who wrote last; of one delta, the field is written after the record that holds it."""
        return (*self.moment[:2], self.digest, self.tokens)


def split_pointer(pointer: str) -> Tokens:
    """The keys of a JSON pointer; `()` for one that is malformed or points at the whole file."""
    if not pointer.startswith("/") or _BAD_ESCAPE.search(pointer):
        return ()
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def forbidden_edit(edits: Mapping[str, Any], laws: Laws) -> str:
    """Why a delta's `set` may not be merged; empty where it may."""
    for target in edits:
        file, _, pointer = target.partition("#")
        tokens = split_pointer(pointer)
        if not tokens:
            return f"{target}: not FILE#/POINTER"
        if len(tokens) > laws.max_levels:
            return f"{target[:80]}: deeper than {laws.max_levels} levels"
        if not editable(file, laws):
            return f"{target}: only {', '.join(laws.editable)} can be edited"
        for managed in laws.managed(file):
            if all(mine in (theirs, "*") for mine, theirs in zip(managed, tokens, strict=False)):
                return f"{target}: it is counted by the merge"
    return ""


def editable(file: str, laws: Laws) -> bool:
    """Whether a delta may edit `file` at all."""
    return _matches(file, laws.editable) and not _matches(file, laws.not_editable)


def _matches(file: str, globs: Iterable[str]) -> bool:
    return any(file.count("/") == glob.count("/") and fnmatchcase(file, glob) for glob in globs)


def record_of(edit: Edit, laws: Laws) -> str:
    """The record that an edit falls into: edits of one record are replayed together, those of two never meet."""
    first, *rest = edit.tokens
    holds_records = any(law.file == edit.file and law.at == first for law in laws.maps)
    return f"{edit.file}#/{first}/{rest[0]}" if holds_records and rest else f"{edit.file}#/{first}"


def register_path(record: str, laws: Laws) -> str:
    """The file that keeps the registers of a record: one of 256, so that no file grows with all of them."""
    return f"{laws.registers}/{hashlib.sha256(record.encode()).hexdigest()[:2]}.json"


def read_registers(shard: Mapping[str, Any]) -> dict[str, Edit]:
    """The edits that a register file keeps, by target."""
    return {target: Edit(target, kept["value"], moment_of(kept["at"]), kept["delta"]) for target, kept in shard.items()}


def write_registers(edits: Mapping[str, Edit]) -> dict[str, Any]:
    """A register file's value."""
    return {
        target: {"at": edit.moment[2], "delta": edit.digest, "value": edit.value}
        for target, edit in sorted(edits.items())
    }


def replay(edits: Iterable[Edit], document: Document) -> list[Edit]:
    """Write the edits of one record in the order of their rank; returns those that found no place.

    Starting from any state in which a part of them was applied gives the same as starting from none of them,
    because whatever an edit writes over is written again by the newer ones.
    """
    return [edit for edit in sorted(edits, key=lambda edit: edit.rank) if not _put(document, edit.tokens, edit.value)]


def _put(document: Document, tokens: Tokens, value: Any) -> bool:
    for length in range(1, len(tokens)):
        parent = document.get(tokens[:length])
        if parent is MISSING:
            break
        if isinstance(parent, list):
            if not _put_in_list(parent, tokens[length:], value):
                return False
            document.put(tokens[:length], parent)
            return True
    document.put(tokens, value)
    return True


def _put_in_list(items: list[Any], tokens: Tokens, value: Any) -> bool:
    if _INDEX.fullmatch(tokens[0]) is None or int(tokens[0]) >= len(items):
        return False
    index = int(tokens[0])
    if len(tokens) == 1:
        items[index] = value
        return True
    if isinstance(items[index], list):
        return _put_in_list(items[index], tokens[1:], value)
    old = items[index]
    document = Document.parse(values.dump(old if isinstance(old, dict) else {}))
    if not _put(document, tokens[1:], value):
        return False
    items[index] = values.parse(document.to_bytes())
    return True
