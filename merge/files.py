"""The canonical files of a fold: opened as text, counted up, edited, and put back with nothing else changed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from merge import edits, values
from merge.laws import Laws, MapLaw, TotalsLaw
from merge.layout import MISSING, Document, dump_lines
from merge.order import NEVER, Moment, moment_of

_MOST = 10**4299
"""Where a counter stops: the largest numbers that can be written have 4,300 digits."""


class BadState(ValueError):
    """A canonical file cannot be taken for what it should be; it is never treated as empty."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Overlay(Mapping[str, bytes]):
    """The files as they are after what was folded so far."""

    def __init__(self, below: Mapping[str, bytes], above: dict[str, bytes]) -> None:
        self.below = below
        self.above = above

    def __getitem__(self, path: str) -> bytes:
        return self.above[path] if path in self.above else self.below[path]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self.below), **dict.fromkeys(self.above)})

    def __len__(self) -> int:
        return len({*self.below, *self.above})

    def put(self, path: str, data: bytes) -> None:
        """Write a file, unless that changes nothing."""
        if data != self.get(path):
            self.above[path] = data


@dataclass
class Gain:
    """What one fold adds to the counted files."""

    last: dict[str, dict[str, Moment]] = field(default_factory=dict)
    """File -> record -> latest time of a delta that names the record."""
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(file, record, field) -> increase."""
    totals: Counter[str] = field(default_factory=Counter)
    """List -> new entries."""


class Documents:
    """The canonical files that are open for writing."""

    def __init__(self, overlay: Overlay, laws: Laws) -> None:
        self.overlay = overlay
        self.laws = laws
        self.layout_path = f"{laws.registers}/layout.json"
        self.open: dict[str, Document] = {}
        self._settled: set[str] = set()
        for path, template in templates(laws).items():
            if path not in overlay:
                overlay.put(path, template)

    def get(self, path: str) -> Document | None:
        """The document at `path`, None where there is no such file."""
        if path not in self.open:
            data = self.overlay.get(path)
            if data is None:
                return None
            try:
                self.open[path] = Document.parse(data, **self._layouts().get(path, {}))
            except values.BadJson as error:
                if error.reason == "not an object" and path not in templates(self.laws):
                    return None  # it holds no fields that an edit could name
                raise BadState(path, str(error)) from None
        return self.open[path]

    def always(self, path: str) -> Document:
        """The document of a file that every fold makes sure of."""
        document = self.get(path)
        assert document is not None, path
        return document

    def _layouts(self) -> dict[str, dict[str, Any]]:
        """How files were written before the first edit, as arguments of `Document.parse`, by path."""
        data = self.overlay.get(self.layout_path)
        try:
            kept = values.parse(data) if data is not None else {}
            return {
                file: {
                    "ascii_only": said["ascii_only"],
                    "one_line": {tuple(path): colon for path, colon in said["one_line"]},
                }
                for file, said in kept.items()
            }
        except (values.BadJson, KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadState(self.layout_path, str(error)) from None

    def keep_layout(self, file: str) -> None:
        """Remember how a file is written before an edit may take away the marks that tell.

        Taking the last character outside ASCII out of a file must not change how the next one is written into it,
        or two merges would differ from one.
        """
        kept = self._layouts()
        document = self.open[file]
        if file in kept or file in self._settled:
            return
        self._settled.add(file)
        layout: dict[str, Any] = {"ascii_only": document.ascii_only, "one_line": document.one_line}
        # From here on it holds what this run's edits may hide too.
        self.open[file] = Document.parse(document.to_bytes(), **layout)
        if document.ascii_only and not document.one_line:
            return  # no edit can make it look otherwise
        kept[file] = layout
        said = {
            name: {
                "ascii_only": layout["ascii_only"],
                "one_line": [[list(path), colon] for path, colon in sorted(layout["one_line"].items())],
            }
            for name, layout in sorted(kept.items())
        }
        self.overlay.put(self.layout_path, dump_lines(said))

    def replace(self, file: str, path: tuple[str, ...], value: Any) -> None:
        """Write a value where another may stand, which may hold the marks of how the file is written."""
        old = self.always(file).get(path)
        if isinstance(old, dict | list) or (isinstance(old, str) and not old.isascii()):
            self.keep_layout(file)  # it opens the file anew
        self.always(file).put(path, value)

    def save(self) -> None:
        """Put every document back."""
        for path, document in self.open.items():
            self.overlay.put(path, document.to_bytes())


def templates(laws: Laws) -> dict[str, bytes]:
    """The canonical files of a repository where nothing happened yet."""
    empty: dict[str, Any] = {}
    for records in laws.maps:
        empty[records.file] = {records.at: {}, "_meta": {"count": 0, "last_updated": None}}
    empty[laws.totals.file] = {
        **dict.fromkeys((*laws.totals.recounts, *laws.totals.adds), 0),
        **({laws.totals.last: None} if laws.totals.last else {}),
    }
    empty[laws.counter] = {"frame": 0}
    return {path: json.dumps(content, indent=2).encode() + b"\n" for path, content in empty.items()}


def count_records(gain: Gain, documents: Documents, laws: Laws) -> None:
    """Add the records that are new and count up those that are not."""
    for records in laws.maps:
        document = documents.always(records.file)
        held = document.get((records.at,))
        if held is not MISSING and not isinstance(held, dict):
            raise BadState(records.file, f"its {records.at} is no map of records")
        for player, last in sorted(gain.last.get(records.file, {}).items()):
            _ensure(documents, records, player, last)
        for (file, player, name), more in sorted(gain.counts.items()):
            if file == records.file and more:
                _increase(documents.always(file), (records.at, player, name), more)


def _ensure(documents: Documents, records: MapLaw, player: str, last: Moment) -> None:
    """Add a record that is new, complete one that is not, and note when it was last named."""
    path = (records.at, player)
    document = documents.always(records.file)
    old = document.get(path)
    if old is MISSING:
        fresh: dict[str, Any] = dict.fromkeys(records.counts, 0)
        if records.last:
            fresh[records.last] = last[2]
        if records.name:
            fresh[records.name] = player
        document.put(path, dict(sorted(fresh.items())))
        return
    if not isinstance(old, dict):
        return
    for name in sorted(records.counts):
        if name not in old:
            document.put((*path, name), 0)
    if records.name and records.name not in old:
        document.put((*path, records.name), player)
    if records.last and last > moment_of(old.get(records.last)):
        documents.replace(records.file, (*path, records.last), last[2])


def _increase(document: Document, path: tuple[str, ...], more: int) -> None:
    """Add to a counter; what is there and is no counter is left alone."""
    old = document.get(path)
    if old is None or (old is MISSING and isinstance(document.get(path[:-1]), dict)):
        old = 0
    if type(old) is int:
        document.put(path, max(old, min(old + more, _MOST)))  # in one step or in many: the same end


def recount(gain: Gain, documents: Documents, laws: Laws, newest: Moment) -> None:
    """Bring the counts and latest times of whole files up to date; `newest` is the merged deltas' latest time."""
    counts: dict[str, int] = {}
    for records in laws.maps:
        document = documents.always(records.file)
        counts[records.file] = len(document.keys((records.at,)))
        if isinstance(document.get(("_meta",)), dict):
            _set_number(documents, records.file, ("_meta", "count"), counts[records.file])
            last = max(gain.last.get(records.file, {}).values(), default=NEVER)
            _set_latest(documents, records.file, ("_meta", "last_updated"), last)
    _total(laws.totals, gain, counts, documents, newest)
    count_declared(documents, laws)


def recounted(files: Mapping[str, bytes], laws: Laws) -> dict[str, bytes]:
    """The canonical files whose counts are wrong, with the right ones; nothing else is changed. Raises `BadState`."""
    changed: dict[str, bytes] = {}
    documents = Documents(Overlay(files, changed), laws)
    created = set(changed)
    recount(Gain(), documents, laws, NEVER)
    documents.save()
    return {path: data for path, data in changed.items() if path not in created}


def count_declared(documents: Documents, laws: Laws) -> None:
    """Write the declared counts; a number, or what it counts, that is not there is left alone."""
    for law in laws.counts:
        source = documents.get(law.of)
        if documents.get(law.file) is None or source is None:
            continue
        number = counted(law.how, law.source, source.get(()))
        if number is not None:
            _set_number(documents, law.file, law.at, number)


def counted(how: str, keys: Iterable[str], value: Any) -> int | None:
    """The `value`, `length` or `sum` (that is `how`) of what stands at `keys` in a file's value; None where it is not
    there. In a sum, the key `*` stands for every member."""
    found = [value]
    for key in keys:
        found = [member for each in found for member in _members(each, key, every=how == "sum" and key == "*")]
    if how == "sum":
        return sum(each for each in found if type(each) is int)
    if not found:
        return None
    if how == "length":
        return len(found[0]) if isinstance(found[0], dict | list) else None
    return found[0] if type(found[0]) is int else None


def _members(value: Any, key: str, *, every: bool) -> list[Any]:
    if every:
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, list):
        return [value[int(key)]] if key.isascii() and key.isdigit() and int(key) < len(value) else []
    return [value[key]] if isinstance(value, dict) and key in value else []


def _total(law: TotalsLaw, gain: Gain, counts: Mapping[str, int], documents: Documents, newest: Moment) -> None:
    document = documents.always(law.file)
    for key, name in law.adds.items():
        if gain.totals[name] and document.get((key,)) is not MISSING:
            _increase(documents.always(law.file), (key,), gain.totals[name])
    for key, file in law.recounts.items():
        _set_number(documents, law.file, (key,), counts[file])
    if law.last:
        _set_latest(documents, law.file, (law.last,), newest)


def _set_number(documents: Documents, file: str, path: tuple[str, ...], number: int) -> None:
    old = documents.always(file).get(path)
    if old is not MISSING and (type(old) is not int or old != number):
        documents.replace(file, path, number)


def _set_latest(documents: Documents, file: str, path: tuple[str, ...], latest: Moment) -> None:
    old = documents.always(file).get(path)
    if old is not MISSING and latest > moment_of(old):
        documents.replace(file, path, latest[2])


def advance(documents: Documents, laws: Laws, frames: Iterable[int]) -> int:
    """Take the frame counter to the newest of some frames; it never goes back. Returns what it is then."""
    document = documents.always(laws.counter)
    old = document.get(("frame",))
    if type(old) is not int:
        if old is not MISSING:
            raise BadState(laws.counter, f"its frame is {values.dump(old).decode()}, not an integer")
        old = -1
    newest = max([old, *frames])
    if newest != old:
        document.put(("frame",), newest)
    return newest


def edit(changes: list[edits.Edit], documents: Documents, overlay: Overlay, laws: Laws) -> list[str]:
    """Enter the edits into their registers and write the records that they fall into anew.

    Returns the targets that found no place: a missing file, or an index that a list does not have.
    """
    records: dict[str, list[edits.Edit]] = {}
    unplaced: list[str] = []
    for change in changes:
        records.setdefault(edits.record_of(change, laws), []).append(change)
    for record, mine in sorted(records.items()):
        path = edits.register_path(record, laws)
        data = overlay.get(path)
        try:
            kept = edits.read_registers(values.parse(data) if data is not None else {})
        except (values.BadJson, KeyError, TypeError, AttributeError) as error:
            raise BadState(path, f"the register cannot be read: {error}") from None
        for change in mine:
            if change.target not in kept or change.rank > kept[change.target].rank:
                kept[change.target] = change
        overlay.put(path, dump_lines(edits.write_registers(kept)))
        if documents.get(mine[0].file) is None:
            unplaced += [change.target for change in mine]
            continue
        documents.keep_layout(mine[0].file)
        document = documents.always(mine[0].file)
        same_record = [change for change in kept.values() if edits.record_of(change, laws) == record]
        if _no_object(document, same_record[0], laws):
            unplaced += [change.target for change in mine]  # as naming it leaves it alone, so does an edit
            continue
        lost = edits.replay(same_record, document)
        unplaced += [change.target for change in lost]
    return unplaced


def _no_object(document: Document, change: edits.Edit, laws: Laws) -> bool:
    """Whether an edit falls into a record of a map that is there and is no object."""
    if not any(law.file == change.file and law.at == change.tokens[0] for law in laws.maps):
        return False
    held = document.get(change.tokens[:2])
    return held is not MISSING and not isinstance(held, dict)
