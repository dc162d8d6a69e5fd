"""The fold: canonical files and deltas in, canonical files out.

Its result depends on the set of deltas only. Folding them in one go, one by one, in any order or twice gives the
same bytes, which is what makes a merge commit something that anyone can recompute.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from merge import edits, index, lists, page, values
from merge.delta import Conforms, Delta, Entry, Invalid, frame_in_name, read
from merge.laws import Laws, ListLaw, MapLaw, TotalsLaw
from merge.layout import MISSING, Document, dump_lines
from merge.order import NEVER, Moment, moment_of


class BadState(ValueError):
    """A canonical file cannot be taken for what it should be; it is never treated as empty."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass
class Outcome:
    """What a fold did."""

    files: dict[str, bytes] = field(default_factory=dict)
    """The canonical files that changed."""
    applied: list[Delta] = field(default_factory=list)
    """The deltas that were merged; their `value` is dropped to keep memory flat."""
    rejected: list[Invalid] = field(default_factory=list)
    duplicate: list[tuple[str, str]] = field(default_factory=list)
    """(name, digest) of files that a page recorded before."""
    unplaced: list[str] = field(default_factory=list)
    """Targets of edits that found no place: a missing file, or an index that a list does not have."""
    frames: set[int] = field(default_factory=set)
    entries: Counter[str] = field(default_factory=Counter)
    """List -> entries that the pages gained."""
    players: dict[str, set[str]] = field(default_factory=dict)
    """Role -> who was named by a merged delta."""
    counter: int | None = None
    """The frame counter afterwards."""

    @property
    def newest(self) -> Moment:
        """The latest time of a merged delta; `NEVER` for none."""
        return max((delta.moment for delta in self.applied), default=NEVER)

    @property
    def digests(self) -> list[str]:
        """The digests that the fold recorded, sorted: what the commit's trailer is made of."""
        return sorted({entry.digest for entry in (*self.applied, *self.rejected)})


@dataclass
class _Gain:
    """What one fold adds to the counted files."""

    last: dict[str, dict[str, Moment]] = field(default_factory=dict)
    """File -> record -> latest time of a delta that names the record."""
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(file, record, field) -> increase."""
    totals: Counter[str] = field(default_factory=Counter)
    """List -> new entries."""


def fold(
    files: Mapping[str, bytes],
    entries: Iterable[Entry],
    laws: Laws,
    conforms: Conforms,
    close: int | None = None,
) -> Outcome:
    """Merge `entries` into `files` (path -> bytes; it may fetch them as they are asked for).

    `close` is a frame that is closed though nothing of it may have come. Entries of one frame should come in a
    row: a page is folded once for every run of its frame, to the same result, only slower. Raises `BadState`.
    """
    outcome = Outcome()
    overlay = _Overlay(files, outcome.files)
    gain = _Gain()
    changes: list[edits.Edit] = []
    for frame, group in groupby(entries, key=lambda entry: frame_in_name(entry.name)):
        judged = [read(entry, conforms, laws) for entry in group]
        _fold_frame(frame, judged, overlay, laws, outcome, gain, changes)
    if outcome.applied or outcome.rejected or close is not None:
        documents = _Documents(overlay, laws)
        _count_records(gain, documents, laws)
        _edit(changes, documents, overlay, laws, outcome)
        _recount(gain, documents, laws, outcome)
        _advance(documents, laws, outcome, close)
        documents.save()
    return outcome


class _Overlay(Mapping[str, bytes]):
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


# --- pages -----------------------------------------------------------------------------------------------------


def page_path(frame: int, laws: Laws) -> str:
    """Where the page of a frame lies; a thousand pages to a folder, so that no tree grows with history."""
    return f"{laws.pages}/{frame // 1000:03d}/frame-{frame}.json"


def rejected_path(digest: str, laws: Laws) -> str:
    """Where a rejected file whose name says no frame is recorded."""
    return f"{laws.pages}/rejected/{digest[:2]}.json"


def _fold_frame(
    frame: int,
    judged: list[Delta | Invalid],
    overlay: _Overlay,
    laws: Laws,
    outcome: Outcome,
    gain: _Gain,
    changes: list[edits.Edit],
) -> None:
    nameless = [entry for entry in judged if isinstance(entry, Invalid) and entry.frame is None]
    _record_nameless(nameless, overlay, laws, outcome)
    if len(nameless) == len(judged):
        return
    path = page_path(frame, laws)
    sheet = _read_page(path, frame, overlay, laws)
    before = _combined(sheet, laws) if sheet.records else {}
    fresh: list[Delta] = []
    rejected = 0
    reports: dict[str, list[index.Report]] = {}
    for entry in judged:
        if isinstance(entry, Invalid) and entry.frame is None:
            continue
        if sheet.knows(entry):
            outcome.duplicate.append((entry.name, entry.digest))
        elif isinstance(entry, Invalid):
            sheet.reject(entry)
            outcome.rejected.append(entry)
            rejected += 1
        else:
            record = sheet.add(entry, laws)
            for law in laws.lists:
                if law.index:
                    reports.setdefault(law.name, []).extend(_reports(frame, entry, record, law))
            _name_records(entry, record, laws, gain, outcome)
            changes += [
                edits.Edit(target, value, entry.moment, entry.digest)
                for target, value in entry.value.get("set", {}).items()
            ]
            entry.value.clear()
            fresh.append(entry)
    if not fresh and not rejected:
        return
    outcome.frames.add(frame)
    outcome.applied += fresh
    after = _combined(sheet, laws)
    for law in laws.lists:
        if law.law in ("one-per-key", "additive"):
            old = before[law.name].tally if before else lists.Tally()
            _count_list(law, old, after[law.name].tally, laws, gain, outcome)
            if law.index:
                _index(law, reports.get(law.name, []), overlay, laws, gain)
    overlay.put(path, page.write(sheet, after, laws))


def _reports(frame: int, delta: Delta, record: page.Record, law: ListLaw) -> Iterator[index.Report]:
    mine = record.lists.get(law.name)
    if mine is None:
        return
    items = delta.value[law.name]
    for place, key in enumerate(mine.keys):
        if type(key) is not bytes:
            players = tuple(mine.players[role][place] if mine.players[role] else None for role in law.roles)
            yield index.Report(frame, key, players, items[place])


def _combined(sheet: page.Page, laws: Laws) -> dict[str, lists.Combined]:
    records = sheet.ordered()
    return {
        law.name: lists.combine(
            page.listings(records, law.name), law, () if law.index else laws.counted(law.name)
        )
        for law in laws.lists
        if law.law != "set"
    }


def _read_page(path: str, frame: int, overlay: _Overlay, laws: Laws) -> page.Page:
    try:
        return page.read(frame, overlay.get(path), laws)
    except (values.BadJson, page.NotAPage) as error:
        raise BadState(path, str(error)) from None


def _record_nameless(found: list[Invalid], overlay: _Overlay, laws: Laws, outcome: Outcome) -> None:
    for invalid in found:
        path = rejected_path(invalid.digest, laws)
        data = overlay.get(path)
        try:
            kept: dict[str, Any] = values.parse(data) if data is not None else {}
            known = kept.get(invalid.digest, {"reason": invalid.reason, "files": []})
            if invalid.name in known["files"]:
                outcome.duplicate.append((invalid.name, invalid.digest))
                continue
            known["reason"] = min(known["reason"], invalid.reason)
            known["files"] = sorted([*known["files"], invalid.name])
        except (values.BadJson, KeyError, TypeError, AttributeError) as error:
            raise BadState(path, str(error)) from None
        overlay.put(path, dump_lines(dict(sorted({**kept, invalid.digest: known}.items()))))
        outcome.rejected.append(invalid)


# --- counting --------------------------------------------------------------------------------------------------


def _name_records(delta: Delta, record: page.Record, laws: Laws, gain: _Gain, outcome: Outcome) -> None:
    """Note every record that a delta names: in a list of names, or as one who plays a role."""
    for records in laws.maps:
        named: set[str | None] = set()
        for mine in record.lists.values():
            named.update(mine.players.get(records.role, ()))
        for name in records.listed:
            named.update(item for item in delta.value.get(name, ()) if type(item) is str and item)
        named.discard(None)
        last = gain.last.setdefault(records.file, {})
        for player in named:
            if player is not None and last.get(player, NEVER) < delta.moment:
                last[player] = delta.moment
        outcome.players.setdefault(records.role, set()).update(player for player in named if player is not None)


def _count_list(
    law: ListLaw, before: lists.Tally, after: lists.Tally, laws: Laws, gain: _Gain, outcome: Outcome
) -> None:
    outcome.entries[law.name] += after.entries - before.entries
    if law.index:
        return
    gain.totals[law.name] += after.entries - before.entries
    for role, counter in after.roles.items():
        old = before.roles.get(role, Counter())
        _count_players(law, role, {player: counter[player] - old[player] for player in counter}, laws, gain)


def _count_players(law: ListLaw, role: str, more: Mapping[str, int], laws: Laws, gain: _Gain) -> None:
    for records in laws.maps:
        if records.role != role:
            continue
        for name, counted in records.counts.items():
            if counted == law.name:
                for player, number in more.items():
                    place = (records.file, player, name)
                    gain.counts[place] = gain.counts.get(place, 0) + number


def _index(law: ListLaw, reports: list[index.Report], overlay: _Overlay, laws: Laws, gain: _Gain) -> None:
    try:
        changed, tally = index.add(reports, law, overlay)
    except (values.BadJson, KeyError, TypeError, AttributeError) as error:
        raise BadState(law.index, f"the index cannot be read: {error}") from None
    for path, data in changed.items():
        overlay.put(path, data)
    gain.totals[law.name] += tally.entries
    for role, counter in tally.roles.items():
        _count_players(law, role, counter, laws, gain)


# --- canonical files -------------------------------------------------------------------------------------------


class _Documents:
    """The canonical files that are open for writing."""

    def __init__(self, overlay: _Overlay, laws: Laws) -> None:
        self.overlay = overlay
        self.laws = laws
        self.layout_path = f"{laws.registers}/layout.json"
        self.open: dict[str, Document] = {}
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
        if file in kept or (document.ascii_only and not document.one_line):
            return
        kept[file] = {"ascii_only": document.ascii_only, "one_line": document.one_line}
        said = {
            name: {
                "ascii_only": layout["ascii_only"],
                "one_line": [[list(path), colon] for path, colon in sorted(layout["one_line"].items())],
            }
            for name, layout in sorted(kept.items())
        }
        self.overlay.put(self.layout_path, dump_lines(said))

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


def _count_records(gain: _Gain, documents: _Documents, laws: Laws) -> None:
    for records in laws.maps:
        document = documents.always(records.file)
        for player, last in sorted(gain.last.get(records.file, {}).items()):
            _ensure(document, records, player, last)
        for (file, player, name), more in sorted(gain.counts.items()):
            if file == records.file and more:
                _increase(document, (records.at, player, name), more)


def _ensure(document: Document, records: MapLaw, player: str, last: Moment) -> None:
    """Add a record that is new, complete one that is not, and note when it was last named."""
    path = (records.at, player)
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
        document.put((*path, records.last), last[2])


def _increase(document: Document, path: tuple[str, ...], more: int) -> None:
    """Add to a counter; what is there and is no counter is left alone."""
    old = document.get(path)
    if old is MISSING or old is None:
        old = 0
    if type(old) is int and isinstance(document.get(path[:-1]), dict):
        document.put(path, old + more)


def _recount(gain: _Gain, documents: _Documents, laws: Laws, outcome: Outcome) -> None:
    counts: dict[str, int] = {}
    for records in laws.maps:
        document = documents.always(records.file)
        counts[records.file] = len(document.keys((records.at,)))
        if isinstance(document.get(("_meta",)), dict):
            _set_number(document, ("_meta", "count"), counts[records.file])
            _set_latest(document, ("_meta", "last_updated"), max(gain.last.get(records.file, {}).values(), default=NEVER))
    _total(laws.totals, gain, counts, documents, outcome)


def _total(law: TotalsLaw, gain: _Gain, counts: Mapping[str, int], documents: _Documents, outcome: Outcome) -> None:
    document = documents.always(law.file)
    for key, name in law.adds.items():
        if gain.totals[name] and document.get((key,)) is not MISSING:
            _increase(document, (key,), gain.totals[name])
    for key, file in law.recounts.items():
        _set_number(document, (key,), counts[file])
    if law.last:
        _set_latest(document, (law.last,), outcome.newest)


def _set_number(document: Document, path: tuple[str, ...], number: int) -> None:
    old = document.get(path)
    if old is not MISSING and (type(old) is not int or old != number):
        document.put(path, number)


def _set_latest(document: Document, path: tuple[str, ...], latest: Moment) -> None:
    old = document.get(path)
    if old is not MISSING and latest > moment_of(old):
        document.put(path, latest[2])


def _advance(documents: _Documents, laws: Laws, outcome: Outcome, close: int | None) -> None:
    document = documents.always(laws.counter)
    old = document.get(("frame",))
    if type(old) is not int:
        if old is not MISSING:
            raise BadState(laws.counter, f"its frame is {values.dump(old).decode()}, not an integer")
        old = -1
    newest = max([old, *(delta.frame for delta in outcome.applied), *(() if close is None else (close,))])
    if newest != old:
        document.put(("frame",), newest)
    outcome.counter = newest


def _edit(
    changes: list[edits.Edit], documents: _Documents, overlay: _Overlay, laws: Laws, outcome: Outcome
) -> None:
    """Enter the edits into their registers and write the records that they fall into anew."""
    records: dict[str, list[edits.Edit]] = {}
    for edit in changes:
        records.setdefault(edits.record_of(edit, laws), []).append(edit)
    for record, mine in sorted(records.items()):
        path = edits.register_path(record, laws)
        data = overlay.get(path)
        try:
            kept = edits.read_registers(values.parse(data) if data is not None else {})
        except (values.BadJson, KeyError, TypeError, AttributeError) as error:
            raise BadState(path, f"the register cannot be read: {error}") from None
        for edit in mine:
            if edit.target not in kept or edit.rank > kept[edit.target].rank:
                kept[edit.target] = edit
        overlay.put(path, dump_lines(edits.write_registers(kept)))
        document = documents.get(mine[0].file)
        if document is None:
            outcome.unplaced += [edit.target for edit in mine]
            continue
        documents.keep_layout(mine[0].file)
        same_record = [edit for edit in kept.values() if edits.record_of(edit, laws) == record]
        lost = edits.replay(same_record, document)
        outcome.unplaced += [edit.target for edit in lost]
