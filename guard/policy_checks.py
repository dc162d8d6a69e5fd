"""The values of guard.toml against each other: what no schema can judge."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from guard.policy import COUNTS, FILE, Policy, is_plain, matcher, sample_of
from guard.policy_problems import Problem, key_path, nearest, quoted, shown
from merge.laws import Laws, MapLaw

_COUNTABLE = ("one-per-key", "additive")
"""Laws under which there is something to count."""


class _Clash(NamedTuple):
    """A problem between values: where it is to be mended, what it is, and the other keys that it depends on."""

    place: str
    sentence: str
    others: tuple[str, ...] = ()


def clashes(policy: Policy, problems: Iterable[Problem], values: Mapping[str, Any]) -> list[Problem]:
    """What is wrong between values, and does not merely follow from a value that is wrong by itself.

    `problems` are those of values by themselves, and `values` is the file as it was written.
    """
    wrong = [place for place, _ in problems]
    if FILE in wrong:
        return []
    return [
        (clash.place, clash.sentence + _unsaid(clash.place, values))
        for clash in _all_clashes(policy)
        if not any(_related(place, other) for place in (clash.place, *clash.others) for other in wrong)
    ]


def _related(one: str, other: str) -> bool:
    """Whether two key paths are the same or one lies below the other."""
    short, long = sorted((one, other), key=len)
    return long == short or long.startswith((f"{short}.", f"{short}["))


def _unsaid(place: str, values: Mapping[str, Any]) -> str:
    """A hint for a clash at a key that the file does not state."""
    said: Any = values
    for key in re.split(r"[.\[]", place)[:3]:
        if not isinstance(said, Mapping):
            return ""
        if key not in said:
            return "; the value here is the default"
        said = said[key]
    return ""


def _all_clashes(policy: Policy) -> Iterator[_Clash]:
    yield from _lists_clash(policy.laws)
    for position, law in enumerate(policy.laws.maps):
        yield from _map_clashes(law, f"merge.maps[{position}]", policy.laws)
    yield from _totals_clash(policy.laws)
    yield from _count_clashes(policy)
    places = _places(policy)
    yield from _places_clash(policy, places)
    yield from _records_clashes(policy)
    yield from _append_only_clashes(policy, places)
    yield from _editable_clashes(policy, places)


def _records_clashes(policy: Policy) -> Iterator[_Clash]:
    """Records in places that are not theirs."""
    records = {"board": policy.board, "notes": policy.notes, "sessions": policy.sessions}
    for key, path in {**records, "lessons": f"{policy.lessons}L-1.md"}.items():
        if policy.is_canonical(path) or policy.in_inbox(path) or path in (policy.roster, FILE):
            yield _Clash(
                f"records.{key}", f"{shown(path)} is not the sessions' to write", ("canonical", "inbox", "roster")
            )
    for one, other in combinations(records, 2):
        if records[one] == records[other]:
            yield _Clash(f"records.{other}", f"records.{one} has that name too")


# --- counts ----------------------------------------------------------------------------------------------------


def _count_clashes(policy: Policy) -> Iterator[_Clash]:
    """Counts in canonical files that no merge could keep: each merge must come to the same numbers as any other way."""
    if policy.counts == COUNTS:
        return
    stated = {f"{count.file}#{count.pointer}" for count in policy.counts}
    kept = (policy.laws.pages, policy.laws.registers, *(law.index for law in policy.laws.lists if law.index))
    for position, count in enumerate(policy.counts):
        if not policy.is_canonical(count.file) or count in COUNTS:
            continue
        at, law = f"counts[{position}]", count.law()
        if law is None or not policy.is_canonical(law.of):
            sentence = "a merge keeps this number, so it must be at a pointer and count what canonical JSON holds"
            yield _Clash(at, sentence, ("canonical", "inbox", "roster"))
        elif any(path.startswith(f"{folder}/") for path in (law.file, law.of) for folder in kept):
            yield _Clash(at, "pages, registers and indexes are not counted: they grow with history", ("merge",))
        elif any(_covers(managed, law.at) for managed in policy.laws.managed(law.file)):
            yield _Clash(at, f"the merge writes {count.file}#{count.pointer} by another law", ("merge",))
        elif count.source in stated:
            yield _Clash(at, f"{count.source} is itself a count: count what that one counts")


def _covers(managed: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a managed path, in which * stands for any key, is this path."""
    return len(managed) == len(path) and all(key in ("*", own) for key, own in zip(managed, path, strict=True))


# --- laws against each other -----------------------------------------------------------------------------------


def _lists_clash(laws: Laws) -> Iterator[_Clash]:
    first: dict[str, int] = {}
    for position, law in enumerate(laws.lists):
        if first.setdefault(law.name, position) != position:
            yield _Clash(f"merge.lists[{position}].name", f"merge.lists[{first[law.name]}] has that name too")


def _map_clashes(law: MapLaw, place: str, laws: Laws) -> Iterator[_Clash]:
    roles = {role for known in laws.lists for role in known.roles}
    if law.role not in roles:
        sentence = f"{quoted(law.role)} is no list's role{nearest(law.role, roles)}"
        yield _Clash(f"{place}.role", sentence, ("merge.lists",))
    for position, name in enumerate(law.listed):
        yield from _refers(f"{place}.listed[{position}]", name, laws, ("set",))
    for field, name in law.counts.items():
        at = key_path(f"{place}.counts", field)
        yield from _refers(at, name, laws, _COUNTABLE)
        for known in laws.lists:
            if known.name == name and known.law in _COUNTABLE and law.role in roles and law.role not in known.roles:
                yield _Clash(at, f"the list {name} has no role {quoted(law.role)}", ("merge.lists", f"{place}.role"))
    fields = [("counts", field) for field in law.counts] + [("last", law.last), ("name", law.name)]
    yield from _fields_clash(place, fields)


def _totals_clash(laws: Laws) -> Iterator[_Clash]:
    place = "merge.totals"
    for key, name in laws.totals.adds.items():
        yield from _refers(key_path(f"{place}.adds", key), name, laws, _COUNTABLE)
    files = {law.file for law in laws.maps}
    for key, file in laws.totals.recounts.items():
        if file not in files:
            sentence = f"{quoted(file)} is no file of merge.maps{nearest(file, files)}"
            yield _Clash(key_path(f"{place}.recounts", key), sentence, ("merge.maps",))
    fields = [("adds", key) for key in laws.totals.adds] + [("recounts", key) for key in laws.totals.recounts]
    yield from _fields_clash(place, [*fields, ("last", laws.totals.last)])


def _refers(place: str, name: str, laws: Laws, wanted: tuple[str, ...]) -> Iterator[_Clash]:
    """A reference to a list that is not there, or that has another law than is wanted."""
    found = next((law for law in laws.lists if law.name == name), None)
    if found is None:
        names = [law.name for law in laws.lists]
        yield _Clash(place, f"{quoted(name)} is no list{nearest(name, names)}", ("merge.lists",))
    elif found.law not in wanted:
        yield _Clash(place, f'the law of {name} is "{found.law}", not {" or ".join(wanted)}', ("merge.lists",))


def _fields_clash(place: str, fields: Iterable[tuple[str, str]]) -> Iterator[_Clash]:
    """Two laws that would write the same field."""
    first: dict[str, str] = {}
    for key, field in fields:
        if field and first.setdefault(field, key) != key:
            at = f"{place}.{key}" if key in ("last", "name") else key_path(f"{place}.{key}", field)
            other = f"{place}.{first[field]}"
            yield _Clash(at, f"{other} writes the field {quoted(field)} already", (other,))


# --- paths and globs against each other ------------------------------------------------------------------------


class _Place(NamedTuple):
    """A file or folder that something of guard's writes, and the key that names it."""

    key: str
    path: str
    samples: tuple[str, ...]
    """Paths of files that will be there, to try globs on; none where the merge does not write."""


def _places(policy: Policy) -> list[_Place]:
    laws = policy.laws
    files = [("merge.counter", laws.counter), ("merge.totals.file", laws.totals.file)]
    files += [(f"merge.maps[{position}].file", law.file) for position, law in enumerate(laws.maps)]
    pages = ("000/frame-0.json", "1000000/frame-1000000000.json", "rejected/0f.json")
    shards = ("000/00000.json", "99999999/9999999999.json", "x0f/f0.json")
    return [
        _Place(FILE, FILE, ()),
        _Place("inbox.path", policy.inbox.removesuffix("/"), ()),
        _Place("roster.path", policy.roster, ()),
        *(_Place(key, path, (path,)) for key, path in files),
        _Place("merge.pages", laws.pages, _below(laws.pages, pages)),
        _Place("merge.registers", laws.registers, _below(laws.registers, ("0f.json", "layout.json"))),
        *(
            _Place(f"merge.lists[{position}].index", law.index, _below(law.index, shards))
            for position, law in enumerate(laws.lists)
            if law.index
        ),
    ]


def _below(folder: str, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


def _places_clash(policy: Policy, places: list[_Place]) -> Iterator[_Clash]:
    """Places that overlap, and places where the merge would write outside what only it may write."""
    for one, other in combinations(places, 2):
        if _overlap(one.path, other.path):
            yield _Clash(other.key, f"{shown(other.path)} and {one.key} ({shown(one.path)}) overlap", (one.key,))
    judging = ("canonical.except", "inbox.path", "roster.path")
    unwritten = [place for place in places if not place.samples]
    for place in places:
        missed = [sample for sample in place.samples if not policy.is_canonical(sample)]
        if missed and not any(_overlap(place.path, other.path) for other in unwritten):
            yield _Clash(
                "canonical.paths",
                f"{shown(missed[0])} is written by the merge ({place.key}) and must be canonical",
                (place.key, *judging),
            )


def _overlap(one: str, other: str) -> bool:
    """Whether two paths are one, or one is a folder above the other, also on a disk that ignores case."""
    one, other = f"{one.casefold()}/", f"{other.casefold()}/"
    return one.startswith(other) or other.startswith(one)


def _append_only_clashes(policy: Policy, places: list[_Place]) -> Iterator[_Clash]:
    """Append-only globs that name something which guard rewrites or which never changes."""
    written = {sample: place.key for place in places for sample in place.samples or (place.path,)}
    written[f"{policy.inbox}frame-0-x.json"] = "inbox.path"
    globs = [
        (f"append_only.{kind}[{i}]", glob)
        for kind, found in (
            ("rows", policy.append_rows),
            ("sections", policy.append_sections),
            ("files", policy.append_files),
        )
        for i, glob in enumerate(found)
    ]
    for at, glob in globs:
        names = matcher((glob,))
        key = next((key for path, key in written.items() if names.match(path)), "")
        sample = sample_of(glob)
        if key:
            yield _Clash(at, f"{quoted(glob)} names what {key} names: that is not append-only", (key,))
        elif policy.is_canonical(sample) or policy.in_inbox(sample):
            yield _Clash(at, f"{quoted(glob)} names canonical files or deltas", ("canonical", "inbox", "roster"))


def _editable_clashes(policy: Policy, places: list[_Place]) -> Iterator[_Clash]:
    """Edits that would reach what the merge keeps for itself, or what is not its to write."""
    folders = [place for place in places if place.key == "inbox.path" or len(place.samples) > 1]
    foreign = dict.fromkeys((FILE, policy.roster, *policy.canonical_except))
    judging = ("canonical", "inbox.path", "roster.path")
    for position, glob in enumerate(policy.laws.editable):
        at = f"merge.editable[{position}]"
        sample, names = sample_of(glob), matcher((glob,))
        reached = next((folder for folder in folders if _reaches(glob, folder.path)), None)
        if reached:
            yield _Clash(at, f"{quoted(glob)} reaches into {shown(reached.path)} ({reached.key})", (reached.key,))
        elif not policy.is_canonical(sample) and sample not in foreign:
            yield _Clash(at, f"{quoted(glob)} names files that are not canonical", judging)
        for other in foreign:
            if other in policy.laws.not_editable or not names.match(sample_of(other)):
                continue
            if is_plain(other):
                yield _Clash(
                    "merge.not_editable", f"{shown(other)} must stand in it: it is not canonical", (at, *judging)
                )
            else:
                yield _Clash(at, f"{quoted(glob)} names files that canonical.except takes out", judging)


def _reaches(glob: str, folder: str) -> bool:
    """Whether a glob without ** can name a file below a folder."""
    parts, depth = glob.split("/"), folder.count("/") + 1
    return len(parts) > depth and matcher(("/".join(parts[:depth]),)).match(folder) is not None
