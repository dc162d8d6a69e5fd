"""The fold: canonical files and deltas in, canonical files out.

Its result depends on the set of deltas only. Folding them in one go, one by one, in any order or twice gives the
same bytes, which is what makes a merge commit something that anyone can recompute.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any

from merge import edits, index, lists, page, values
from merge.delta import Conforms, Delta, Entry, Invalid, frame_in_name, read
from merge.files import BadState, Documents, Gain, Overlay, advance, count_records, edit, recount
from merge.laws import Laws, ListLaw
from merge.layout import dump_lines
from merge.order import NEVER, Moment

_Reports = tuple[ListLaw, list[index.Report]]
"""A list with an index, and what was reported and is not in the index yet."""

_MANY_REPORTS = 300
"""So many go into the index at once: frames that follow each other share its files, a hundred keys in each."""


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
        return sorted({delta.digest for delta in self.applied} | {invalid.digest for invalid in self.rejected})


def fold(
    files: Mapping[str, bytes],
    entries: Iterable[Entry],
    laws: Laws,
    conforms: Conforms,
    close: int | None = None,
    into: dict[str, bytes] | None = None,
) -> Outcome:
    """Merge `entries` into `files` (path -> bytes; it may fetch them as they are asked for).

    `close` is a frame that is closed though nothing of it may have come. `into` receives the changed files as they are
    made; one that is made twice, for the second time too. Entries of one frame should come in a row: a page is folded
    once for every run of its frame, to the same result, only slower. Raises `BadState`.
    """
    outcome = Outcome({} if into is None else into)
    overlay = Overlay(files, outcome.files)
    gain = Gain()
    changes: list[edits.Edit] = []
    reports: list[_Reports] = [(law, []) for law in laws.lists if law.index]
    for frame, group in groupby(entries, key=lambda entry: frame_in_name(entry.name)):
        judged = (read(entry, conforms, laws) for entry in group)
        _fold_frame(frame, judged, overlay, laws, outcome, gain, changes, reports)
    for law, found in reports:
        _index(law, found, overlay, laws, gain)
    if outcome.applied or outcome.rejected or close is not None:
        documents = Documents(overlay, laws)
        count_records(gain, documents, laws)
        outcome.unplaced = edit(changes, documents, overlay, laws)
        recount(gain, documents, laws, outcome.newest)
        frames = [delta.frame for delta in outcome.applied]
        outcome.counter = advance(documents, laws, frames if close is None else [*frames, close])
        documents.save()
    return outcome


# --- pages -----------------------------------------------------------------------------------------------------


def page_path(frame: int, laws: Laws) -> str:
    """Where the page of a frame lies; a thousand pages to a folder, so that no tree grows with history."""
    return f"{laws.pages}/{frame // 1000:03d}/frame-{frame}.json"


def rejected_path(digest: str, laws: Laws) -> str:
    """Where a rejected file whose name says no frame is recorded."""
    return f"{laws.pages}/rejected/{digest[:2]}.json"


def _fold_frame(
    frame: int,
    judged: Iterable[Delta | Invalid],
    overlay: Overlay,
    laws: Laws,
    outcome: Outcome,
    gain: Gain,
    changes: list[edits.Edit],
    reports: list[_Reports],
) -> None:
    """Fold a run of one frame's files; each is read, taken in, and let go before the next."""
    path = page_path(frame, laws)
    sheet: page.Page | None = None
    before: dict[str, lists.Combined] = {}
    fresh: list[Delta] = []
    named: dict[str, list[str]] = {}
    rejected = 0
    listed = {name for records in laws.maps for name in records.listed}
    for entry in judged:
        if isinstance(entry, Invalid) and entry.frame is None:
            _record_nameless(entry, overlay, laws, outcome)
            continue
        if sheet is None:
            sheet = _read_page(path, frame, overlay, laws)
            before = _combined(sheet, laws) if sheet.records else {}
        if sheet.knows(entry):
            outcome.duplicate.append((entry.name, entry.digest))
        elif isinstance(entry, Invalid):
            sheet.reject(entry)
            outcome.rejected.append(entry)
            rejected += 1
        else:
            record = sheet.add(entry, laws)
            for law, waiting in reports:
                if law.name in record.lists:
                    waiting.extend(index.reports(frame, record.lists[law.name], entry.value[law.name], law))
                    if len(waiting) >= _MANY_REPORTS:
                        _index(law, waiting, overlay, laws, gain)
                        waiting.clear()
            if "set" in entry.value:
                for target, value in entry.value["set"].items():
                    changes.append(edits.Edit(target, value, entry.moment, entry.digest))
            for name in listed & entry.value.keys():
                players = [sys.intern(item) for item in entry.value[name] if type(item) is str and item]
                named[name + entry.digest] = players
            entry.value.clear()
            fresh.append(entry)
    if sheet is None or not (fresh or rejected):
        return
    _name_records(fresh, sheet, named, laws, gain, outcome)
    outcome.frames.add(frame)
    outcome.applied += fresh
    after = _combined(sheet, laws)
    for law in laws.lists:
        if law.law in ("one-per-key", "additive"):
            old = before[law.name].tally if before else lists.Tally()
            _count_list(law, old, after[law.name].tally, laws, gain, outcome)
    overlay.put(path, page.write(sheet, after, laws))


def _combined(sheet: page.Page, laws: Laws) -> dict[str, lists.Combined]:
    records = sheet.ordered()
    return {
        law.name: lists.combine(page.listings(records, law.name), law, () if law.index else laws.counted(law.name))
        for law in laws.lists
        if law.law != "set"
    }


def _read_page(path: str, frame: int, overlay: Overlay, laws: Laws) -> page.Page:
    try:
        return page.read(frame, overlay.get(path), laws)
    except (values.BadJson, page.NotAPage) as error:
        raise BadState(path, str(error)) from None


def _record_nameless(invalid: Invalid, overlay: Overlay, laws: Laws, outcome: Outcome) -> None:
    """Record a rejected file whose name says no frame."""
    path = rejected_path(invalid.digest, laws)
    data = overlay.get(path)
    try:
        kept: dict[str, Any] = values.parse(data) if data is not None else {}
        known = kept.get(invalid.digest, {"reason": invalid.reason, "files": []})
        if invalid.name in known["files"] and known["reason"] <= invalid.reason:
            outcome.duplicate.append((invalid.name, invalid.digest))
            return
        known["reason"] = min(known["reason"], invalid.reason)
        known["files"] = sorted({*known["files"], invalid.name})
    except (values.BadJson, KeyError, TypeError, AttributeError) as error:
        raise BadState(path, str(error)) from None
    overlay.put(path, dump_lines(dict(sorted({**kept, invalid.digest: known}.items()))))
    outcome.rejected.append(invalid)


# --- counting --------------------------------------------------------------------------------------------------


def _name_records(
    deltas: list[Delta], sheet: page.Page, named: dict[str, list[str]], laws: Laws, gain: Gain, outcome: Outcome
) -> None:
    """Note every record that a frame's new deltas name: in a list of names, or as one who plays a role."""
    deltas = sorted(deltas, key=lambda delta: delta.moment)
    for records in laws.maps:
        latest: dict[str | None, Moment] = {}
        for delta in deltas:
            found = [mine.players.get(records.role, ()) for mine in sheet.records[delta.digest].lists.values()]
            found += [named.get(name + delta.digest, ()) for name in records.listed]
            latest.update(dict.fromkeys(chain.from_iterable(found), delta.moment))
        last = gain.last.setdefault(records.file, {})
        for player, moment in latest.items():
            if player is not None and last.get(player, NEVER) < moment:
                last[player] = moment
        outcome.players.setdefault(records.role, set()).update(player for player in latest if player is not None)


def _count_list(
    law: ListLaw, before: lists.Tally, after: lists.Tally, laws: Laws, gain: Gain, outcome: Outcome
) -> None:
    outcome.entries[law.name] += after.entries - before.entries
    if law.index:
        return
    gain.totals[law.name] += after.entries - before.entries
    for role, counter in after.roles.items():
        old: Mapping[str, int] = before.roles.get(role, {})
        more = {player: number - old.get(player, 0) for player, number in counter.items()}
        _count_players(law, role, more, laws, gain)


def _count_players(law: ListLaw, role: str, more: Mapping[str, int], laws: Laws, gain: Gain) -> None:
    for records in laws.maps:
        if records.role != role:
            continue
        for name, counted in records.counts.items():
            if counted == law.name:
                for player, number in more.items():
                    place = (records.file, player, name)
                    gain.counts[place] = gain.counts.get(place, 0) + number


def _index(law: ListLaw, reports: list[index.Report], overlay: Overlay, laws: Laws, gain: Gain) -> None:
    changed, tally = index.add(reports, law, overlay)
    for path, data in changed.items():
        overlay.put(path, data)
    gain.totals[law.name] += tally.entries
    for role, counter in tally.roles.items():
        _count_players(law, role, counter, laws, gain)
