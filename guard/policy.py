"""guard.toml: its bytes in; one frozen `Policy` out, or every problem of the file at once.

Reading goes in three steps: each value by itself (`_Table` and the checks below it), each table for keys that nobody
asked for, then values against each other (`_clashes`). `schemas/policy.schema.json` describes the same file; only the
third step is beyond what a schema can judge.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, NamedTuple, TypeVar

from guard.errors import GuardError
from merge.laws import DEFAULT as LAWS
from merge.laws import Laws, ListLaw, MapLaw, TotalsLaw

FILE = "guard.toml"

Kind = Literal["rows", "sections", "files"]
"""How an append-only file grows: row by row, section by section, or as a file that is created and extended."""

BYTES = (1024, 64 * 1024 * 1024)
"""Least and most that `delta.max_bytes` may say. Below, a fallback delta might not fit; above, the page that collects
a frame's deltas would come near the 100 MB at which hosts refuse a file."""

LEVELS = (8, 200)
"""Least and most that `delta.max_levels` may say. Real deltas nest five levels deep. A page holds an item up to four
levels deeper than its delta does, and the JSON library stops writing at 254."""

FRAMES = (0, 10**9)
"""Least and most that `merge.keep_frames` may say; with the most, no merged delta ever leaves the inbox."""


@dataclass(frozen=True)
class Policy:
    """What a repository asks of guard. The defaults here are those of an absent guard.toml.

    Paths are as git spells them, relative to the top and with slashes. In a glob `*` and `?` stay within one part of
    a path and `**`, which is a part of its own, stands for parts at any depth.
    """

    branch: str = "main"
    remote: str = "origin"
    canonical: tuple[str, ...] = ("state/*.json", "state/frames/**", "state/posts/**", "state/registers/**")
    """Globs of what only a merge may change."""
    canonical_except: tuple[str, ...] = ("state/stream_assignments.json",)
    inbox: str = "state/stream_deltas/"
    """The folder of the deltas, with its final slash."""
    append_rows: tuple[str, ...] = ("tasks/SWARM-LANES.md", "memory/INDEX.md")
    append_sections: tuple[str, ...] = ("tasks/NEXT.md",)
    append_files: tuple[str, ...] = ("memory/lessons/*.md",)
    roster: str = "state/stream_assignments.json"
    """The file that lists a frame's expected streams."""
    baseline: str | None = None
    """The commit from which on canonical state is protected, or zeros; None where nothing was adopted yet."""
    from_beginning: bool = False
    """Whether deltas from before the baseline are merged too."""
    keep_frames: int = 7
    """Merged deltas of this many newest frames stay in the inbox."""
    author: str = "guard merge <merge@guard.invalid>"
    laws: Laws = LAWS

    def is_canonical(self, path: str) -> bool:
        """Whether only a merge may change `path`. The inbox, the roster and guard.toml never are canonical."""
        return self._canonical.match(path) is not None

    def in_inbox(self, path: str) -> bool:
        """Whether `path` lies below the inbox."""
        return path.startswith(self.inbox)

    def append_only(self, path: str) -> Kind | None:
        """How `path` grows if it is append-only, else None; where several globs match: rows, sections, files."""
        return next((kind for kind, globs in self._append_only if globs.match(path)), None)

    @cached_property
    def _canonical(self) -> re.Pattern[str]:
        never = _alternatives((*self.canonical_except, self.roster, FILE, f"{self.inbox}**"))
        return re.compile(f"(?!{never})" + _alternatives(self.canonical))

    @cached_property
    def _append_only(self) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
        return (
            ("rows", matcher(self.append_rows)),
            ("sections", matcher(self.append_sections)),
            ("files", matcher(self.append_files)),
        )


def matcher(globs: Iterable[str]) -> re.Pattern[str]:
    """One pattern for several globs; its `match` is not None exactly for the paths that one of them names."""
    return re.compile(_alternatives(globs))


def _alternatives(globs: Iterable[str]) -> str:
    patterns = "|".join(map(_pattern, globs))
    return rf"(?:{patterns or '(?!)'})\Z"  # an empty alternation would match the empty path


def _pattern(glob: str) -> str:
    *folders, last = glob.split("/")
    above = "".join("(?:[^/]+/)*" if part == "**" else _part(part) + "/" for part in folders)
    return above + ("(?s:.+)" if last == "**" else _part(last))


def _part(part: str) -> str:
    """A part of a path. The first fit of what stands between two stars will do, so none is ever tried again."""
    first, *others = ("".join("[^/]" if c == "?" else re.escape(c) for c in piece) for piece in part.split("*"))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle) + f"[^/]*{last}"


# --- the file --------------------------------------------------------------------------------------------------


def parse(data: bytes | None) -> Policy:
    """The policy that guard.toml states; None is the absent file.

    Raises `GuardError` of kind `policy` that names every problem with its key path.
    """
    if data is None:
        return Policy()
    problems: list[_Problem] = []
    values = _toml(data, problems)
    policy = _policy(_Table(values, "", problems))
    problems += _relevant(_clashes(policy), problems, values)
    if problems:
        lines = "".join(f"\n  {place}: {sentence}" for place, sentence in problems)
        raise GuardError(
            "policy",
            f"{FILE} cannot be used:{lines}",
            "a policy that is read only in part would protect only a part",
            f"correct these lines of {FILE}; schemas/policy.schema.json describes every key",
        )
    return policy


_Problem = tuple[str, str]
"""The path of a key, and what is wrong there."""


def _toml(data: bytes, problems: list[_Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        problems.append((FILE, f"byte {error.start} is not UTF-8"))
    except ValueError as error:  # bad TOML, or more digits than CPython converts
        mark = "it begins with a byte order mark; " if data.startswith(b"\xef\xbb\xbf") else ""
        problems.append((FILE, f"{mark}{error}"))
    except RecursionError:
        problems.append((FILE, "it is nested beyond what can be read"))
    return {}


def _policy(top: "_Table") -> Policy:
    default = Policy()
    repository, canonical, inbox = top.table("repository"), top.table("canonical"), top.table("inbox")
    append_only, roster, delta, merge = (top.table(key) for key in ("append_only", "roster", "delta", "merge"))
    excepted = canonical.texts("except", default.canonical_except, _glob)
    roster_path = roster.text("path", default.roster, _json_file)
    not_canonical = tuple(dict.fromkeys((roster_path, *filter(_is_plain, excepted))))
    policy = Policy(
        branch=repository.text("branch", default.branch, _ref_name),
        remote=repository.text("remote", default.remote, _ref_name),
        canonical=canonical.texts("paths", default.canonical, _glob, least=1),
        canonical_except=excepted,
        inbox=inbox.text("path", default.inbox, _folder).removesuffix("/") + "/",
        append_rows=append_only.texts("rows", default.append_rows, _glob),
        append_sections=append_only.texts("sections", default.append_sections, _glob),
        append_files=append_only.texts("files", default.append_files, _glob),
        roster=roster_path,
        baseline=merge.text("baseline", "", _commit) or None,
        from_beginning=merge.take("from_beginning", bool, default.from_beginning),
        keep_frames=merge.integer("keep_frames", default.keep_frames, FRAMES),
        author=merge.text("author", default.author, _author),
        laws=replace(
            _laws(merge, not_canonical),
            max_bytes=delta.integer("max_bytes", LAWS.max_bytes, BYTES),
            max_levels=delta.integer("max_levels", LAWS.max_levels, LEVELS),
        ),
    )
    for table in (top, repository, canonical, inbox, append_only, roster, delta, merge):
        table.close()
    return policy


def _laws(merge: "_Table", not_canonical: tuple[str, ...]) -> Laws:
    lists, maps = merge.tables("lists"), merge.tables("maps")
    return Laws(
        lists=LAWS.lists if lists is None else tuple(map(_list_law, lists)),
        maps=LAWS.maps if maps is None else tuple(map(_map_law, maps)),
        totals=_totals_law(merge.table("totals")),
        counter=merge.text("counter", LAWS.counter, _json_file),
        pages=merge.text("pages", LAWS.pages, _path),
        registers=merge.text("registers", LAWS.registers, _path),
        editable=merge.texts("editable", LAWS.editable, _flat_glob),
        not_editable=merge.texts("not_editable", not_canonical, _path),
    )


_COUNTABLE = ("one-per-key", "additive")
_KEYS_OF = {
    "one-per-key": {"key", "key_type", "index", "roles"},
    "additive": {"count", "roles"},
    "set": {"attributed"},
    "keep": {"roles"},
}
"""Law -> the keys, besides `name` and `law`, that mean something under it."""


def _list_law(table: "_Table") -> ListLaw:
    roles = table.table("roles")
    law = ListLaw(
        name=table.text("name", None, _list_name),
        law=table.text("law", None, _one_of(*_KEYS_OF)),  # type: ignore[arg-type]  # _one_of saw to it
        key=table.texts("key", (), _field, least=1),
        key_type=table.text("key_type", "string", _one_of("integer", "string")),  # type: ignore[arg-type]  # as above
        count=table.text("count", "", _field),
        roles={role: roles.texts(role, (), _field, least=1) for role in roles.keys(_role)},
        index=table.text("index", "", _state_path),
        attributed=table.take("attributed", bool, False),
    )
    table.close()
    for key in sorted(set().union(*_KEYS_OF.values()) - _KEYS_OF.get(law.law, set(table.values))):
        if key in table.values:
            table.complain(key, f'it has no meaning under the law "{law.law}"')
    if law.law == "one-per-key" and "key" not in table.values:
        table.complain("key", "it is missing")
    return law


def _map_law(table: "_Table") -> MapLaw:
    law = MapLaw(
        file=table.text("file", None, _json_file),
        at=table.text("at", None, _record_map),
        role=table.text("role", None, _role),
        listed=table.texts("listed", (), _list_name),
        counts=table.pairs("counts", {}, _field, _list_name),
        last=table.text("last", "", _field_or_none),
        name=table.text("name", "", _field_or_none),
    )
    table.close()
    return law


def _totals_law(table: "_Table") -> TotalsLaw:
    law = TotalsLaw(
        file=table.text("file", LAWS.totals.file, _json_file),
        adds=table.pairs("adds", LAWS.totals.adds, _field, _list_name),
        recounts=table.pairs("recounts", LAWS.totals.recounts, _field, _json_file),
        last=table.text("last", LAWS.totals.last, _field_or_none),
    )
    table.close()
    return law


# --- a table of it ---------------------------------------------------------------------------------------------

_T = TypeVar("_T")
_Check = Callable[[str], str]
"""What is wrong with a text, as the end of a sentence that begins with the text; empty for nothing."""

_TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "an array"}


class _Table:
    """One table while it is read. What is wrong goes to `problems`, and the default is read in its place."""

    def __init__(self, values: dict[str, Any], place: str, problems: list[_Problem]) -> None:
        self.values = values
        self.place = place
        self.problems = problems
        self.known: list[str] = []

    def below(self, key: str) -> str:
        """The path of a key of this table."""
        return _at(self.place, key)

    def complain(self, key: str, sentence: str) -> None:
        """Note what is wrong with the value of a key."""
        self.problems.append((self.below(key), sentence))

    def take(self, key: str, kind: type[_T], default: _T) -> _T:
        """The value of a key, which must be exactly of that type: `true` is not 1."""
        self.known.append(key)
        value = self.values.get(key, default)
        return value if self._is(value, kind, self.below(key)) else default

    def _is(self, value: object, kind: type, place: str) -> bool:
        right = type(value) is kind
        if not right:
            self.problems.append((place, f"{_type_name(type(value))} stands where {_type_name(kind)} belongs"))
        return right

    def integer(self, key: str, default: int, bounds: tuple[int, int]) -> int:
        """The integer of a key, between two bounds."""
        number = self.take(key, int, default)
        if not bounds[0] <= number <= bounds[1]:
            self.complain(key, f"it is not between {bounds[0]} and {bounds[1]}")
        return number

    def text(self, key: str, default: str | None, check: _Check) -> str:
        """The string of a key; without a default, the key is required."""
        if default is None and key not in self.values:
            self.known.append(key)
            self.complain(key, "it is missing")
            return ""
        text = self.take(key, str, default or "")
        if key in self.values and type(self.values[key]) is str:
            self._judge(text, check, self.below(key))
        return text

    def texts(self, key: str, default: tuple[str, ...], check: _Check, least: int = 0) -> tuple[str, ...]:
        """The array of different strings of a key."""
        found = self.take(key, list, list(default))
        if key not in self.values or found is not self.values[key]:
            return default
        if len(found) < least:
            self.complain(key, "it is empty")
        places = [f"{self.below(key)}[{position}]" for position in range(len(found))]
        if [place for text, place in zip(found, places, strict=True) if not self._is(text, str, place)]:
            return default
        for position, (text, place) in enumerate(zip(found, places, strict=True)):
            self._judge(text, check, place)
            if text in found[:position]:
                self.problems.append((place, f"{_quoted(text)} stands there twice"))
        return tuple(found)

    def pairs(self, key: str, default: Mapping[str, str], check_key: _Check, check: _Check) -> dict[str, str]:
        """The table of a key, with strings under names of one's own."""
        table = self.table(key)
        if key not in self.values:
            return dict(default)
        return {name: table.text(name, None, check) for name in table.keys(check_key)}

    def keys(self, check: _Check) -> list[str]:
        """The names of one's own in this table."""
        for key in self.values:
            self._judge(key, check, self.below(key))
        return list(self.values)

    def _judge(self, text: str, check: _Check, place: str) -> None:
        sentence = check(text)
        if sentence:
            self.problems.append((place, f"{_quoted(text)} {sentence}"))

    def table(self, key: str) -> "_Table":
        """The table of a key, an empty one for none."""
        return _Table(self.take(key, dict, {}), self.below(key), self.problems)

    def tables(self, key: str) -> list["_Table"] | None:
        """The array of tables of a key, None for none."""
        found = self.take(key, list, [])
        if key not in self.values:
            return None
        tables = []
        for position, values in enumerate(found):
            place = f"{self.below(key)}[{position}]"
            right = self._is(values, dict, place)
            tables.append(_Table(values, place, self.problems) if right else _Table({}, place, []))
        return tables

    def close(self) -> None:
        """Complain of every key that was not asked for."""
        for key in self.values:
            if key not in self.known:
                self.complain(key, f"unknown key{_nearest(key, self.known)}")


def _at(place: str, key: str) -> str:
    name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)
    return f"{place}.{name}" if place else name


def _type_name(kind: type) -> str:
    return _TYPES.get(kind, "a table" if issubclass(kind, dict) else "a date or time")


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib  # here: only a mistake needs it

    words = sorted(set(known))
    close = difflib.get_close_matches(word[:100], words, 1)
    if close:
        return f", did you mean {_quoted(close[0])}?"
    return f" (there are {', '.join(map(_shown, words))})" if words else ""


def _quoted(text: str) -> str:
    return f'"{_shown(text)}"'


def _shown(text: str) -> str:
    """A text for people's terminals: not too long, and nothing in it can move the cursor."""
    short = text if len(text) <= 100 else text[:97] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


# --- a value by itself -----------------------------------------------------------------------------------------
# The patterns stand in schemas/policy.schema.json too, word for word.

_NOT_IN_PATH = r"(^|/)(\.{0,2}|\.[gG][iI][tT])(/|$)|[\x00-\x1f\x7f\\*?\[\]{}#]"
_NOT_IN_FOLDER = r"^/?$|(^|/)(\.{1,2}|\.[gG][iI][tT])(/|$)|^/|//|[\x00-\x1f\x7f\\*?\[\]{}#]"
_NOT_IN_GLOB = r"(^|/)(\.{0,2}|\.[gG][iI][tT])(/|$)|[\x00-\x1f\x7f\\\[\]{}#]|^!|[^/]\*\*|\*\*[^/]"
_NOT_IN_REF = (
    r"^-|^@$|^HEAD$|^refs/|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|(^|/)\.|\.lock(/|$)"  # git check-ref-format
)
_AUTHOR = (  # git cuts these marks off both ends of a name and of a mail address, so they could not come back
    r"^[^<>\x00-\x20\x7f.,:;\x22'\\]([^<>\x00-\x1f\x7f]*[^<>\x00-\x20\x7f.,:;\x22'\\])? "
    r"<[^<>\x00-\x20\x7f.,:;\x22'\\]([^<>\x00-\x20\x7f]*[^<>\x00-\x20\x7f.,:;\x22'\\])?>$"
)
_NOT_IN_FIELD = r"[\x00-\x1f\x7f]|^\*$|^.{129}"
_NOT_IN_NAME = r"[^A-Za-z0-9_-]|^[^A-Za-z_]|^.{65}"
_COMMIT = r"^([0-9a-f]{40}|[0-9a-f]{64})$"

NOT_A_LIST = (
    *("frame", "streams", "extra", "filtered", "variants", "provenance"),  # a page's own keys
    "count",  # stands beside the lists in a page's `filtered`
    *("stream_id", "completed_at", "timestamp", "_meta", "set"),  # a delta's own keys
)
"""Names that no list can have."""

NOT_A_ROLE = ("frames", "variants")
"""Names that no role can have: they stand beside the roles in an entry of an index."""


def _path(text: str) -> str:
    return "is not a path within the repository, plain and without a final slash" if _has(_NOT_IN_PATH, text) else ""


def _state_path(text: str) -> str:
    return _path(text) or ("" if text.startswith("state/") else "is not below state/")


def _json_file(text: str) -> str:
    return _path(text) or ("" if text.endswith(".json") else "does not end in .json")


def _folder(text: str) -> str:
    return "is not the path of a folder within the repository" if _has(_NOT_IN_FOLDER, text) else ""


def _glob(text: str) -> str:
    rules = "parts between slashes, with * and ? inside a part, and ** as a part of its own"
    return f"is not a glob of paths within the repository: {rules}" if _has(_NOT_IN_GLOB, text) else ""


def _flat_glob(text: str) -> str:
    return _glob(text) or ("may not hold **: what can be edited is named at its depth" if "**" in text else "")


def _ref_name(text: str) -> str:
    return "is not the short name of a branch or a remote" if not text or _has(_NOT_IN_REF, text) else ""


def _author(text: str) -> str:
    rules = "neither part may hold < or >, or begin or end with a space or a mark such as . or a quote"
    return "" if _is_all(_AUTHOR, text) else f"is not Name <mail>; {rules}"


def _commit(text: str) -> str:
    return "" if _is_all(_COMMIT, text) else "is not the full id of a commit: 40 or 64 lower-case hex digits"


def _field(text: str) -> str:
    return "is not the name of a field: 1 to 128 characters, not *" if not text or _has(_NOT_IN_FIELD, text) else ""


def _field_or_none(text: str) -> str:
    return _field(text) if text else ""


def _record_map(text: str) -> str:
    return _field(text) or ("is where a file keeps its own count and time" if text == "_meta" else "")


def _list_name(text: str) -> str:
    return _name(text) or ("cannot be a list: pages or deltas use that key otherwise" if text in NOT_A_LIST else "")


def _role(text: str) -> str:
    return _name(text) or ("cannot be a role: an index uses that key otherwise" if text in NOT_A_ROLE else "")


def _name(text: str) -> str:
    rules = "1 to 64 letters, digits, _ and -, the first a letter or _"
    return f"is not a name: {rules}" if not text or _has(_NOT_IN_NAME, text) else ""


def _one_of(*choices: str) -> _Check:
    return lambda text: "" if text in choices else f"is not one of {', '.join(choices)}"


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _is_all(pattern: str, text: str) -> bool:
    return "\n" not in text and re.search(pattern, text) is not None  # Python's $ overlooks a final newline


# --- values against each other ---------------------------------------------------------------------------------


class _Clash(NamedTuple):
    """A problem between values: where it is to be mended, what it is, and the other keys that it depends on."""

    place: str
    sentence: str
    others: tuple[str, ...] = ()


def _relevant(clashes: Iterable[_Clash], problems: list[_Problem], values: Mapping[str, Any]) -> list[_Problem]:
    """The clashes that do not merely follow from a value that is wrong by itself."""
    wrong = [place for place, _ in problems]
    if FILE in wrong:
        return []
    return [
        (clash.place, clash.sentence + _unsaid(clash.place, values))
        for clash in clashes
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


def _clashes(policy: Policy) -> Iterator[_Clash]:
    yield from _lists_clash(policy.laws)
    for position, law in enumerate(policy.laws.maps):
        yield from _map_clashes(law, f"merge.maps[{position}]", policy.laws)
    yield from _totals_clash(policy.laws)
    yield from _places_clash(policy)
    yield from _append_only_clashes(policy)
    yield from _editable_clashes(policy)


def _lists_clash(laws: Laws) -> Iterator[_Clash]:
    first: dict[str, int] = {}
    for position, law in enumerate(laws.lists):
        if first.setdefault(law.name, position) != position:
            yield _Clash(f"merge.lists[{position}].name", f"merge.lists[{first[law.name]}] has that name too")


def _map_clashes(law: MapLaw, place: str, laws: Laws) -> Iterator[_Clash]:
    roles = {role for known in laws.lists for role in known.roles}
    if law.role not in roles:
        sentence = f"{_quoted(law.role)} is no list's role{_nearest(law.role, roles)}"
        yield _Clash(f"{place}.role", sentence, ("merge.lists",))
    for position, name in enumerate(law.listed):
        yield from _refers(f"{place}.listed[{position}]", name, laws, ("set",))
    for field, name in law.counts.items():
        at = _at(f"{place}.counts", field)
        yield from _refers(at, name, laws, _COUNTABLE)
        for known in laws.lists:
            if known.name == name and known.law in _COUNTABLE and law.role in roles and law.role not in known.roles:
                yield _Clash(at, f"the list {name} has no role {_quoted(law.role)}", ("merge.lists", f"{place}.role"))
    fields = [("counts", field) for field in law.counts] + [("last", law.last), ("name", law.name)]
    yield from _fields_clash(place, fields)


def _totals_clash(laws: Laws) -> Iterator[_Clash]:
    place = "merge.totals"
    for key, name in laws.totals.adds.items():
        yield from _refers(_at(f"{place}.adds", key), name, laws, _COUNTABLE)
    files = {law.file for law in laws.maps}
    for key, file in laws.totals.recounts.items():
        if file not in files:
            sentence = f"{_quoted(file)} is no file of merge.maps{_nearest(file, files)}"
            yield _Clash(_at(f"{place}.recounts", key), sentence, ("merge.maps",))
    fields = [("adds", key) for key in laws.totals.adds] + [("recounts", key) for key in laws.totals.recounts]
    yield from _fields_clash(place, [*fields, ("last", laws.totals.last)])


def _refers(place: str, name: str, laws: Laws, wanted: tuple[str, ...]) -> Iterator[_Clash]:
    """A reference to a list that is not there, or that has another law than is wanted."""
    found = next((law for law in laws.lists if law.name == name), None)
    if found is None:
        names = [law.name for law in laws.lists]
        yield _Clash(place, f"{_quoted(name)} is no list{_nearest(name, names)}", ("merge.lists",))
    elif found.law not in wanted:
        yield _Clash(place, f'the law of {name} is "{found.law}", not {" or ".join(wanted)}', ("merge.lists",))


def _fields_clash(place: str, fields: Iterable[tuple[str, str]]) -> Iterator[_Clash]:
    """Two laws that would write the same field."""
    first: dict[str, str] = {}
    for key, field in fields:
        if field and first.setdefault(field, key) != key:
            at = f"{place}.{key}" if key in ("last", "name") else _at(f"{place}.{key}", field)
            other = f"{place}.{first[field]}"
            yield _Clash(at, f"{other} writes the field {_quoted(field)} already", (other,))


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


def _places_clash(policy: Policy) -> Iterator[_Clash]:
    """Places that overlap, and places where the merge would write outside what only it may write."""
    places = _places(policy)
    for one, other in combinations(places, 2):
        if _overlap(one.path, other.path):
            yield _Clash(other.key, f"{_shown(other.path)} and {one.key} ({_shown(one.path)}) overlap", (one.key,))
    judging = ("canonical.except", "inbox.path", "roster.path")
    for place in places:
        missed = [sample for sample in place.samples if not policy.is_canonical(sample)]
        if missed and not any(_overlap(place.path, other.path) for other in places[:3]):
            yield _Clash(
                "canonical.paths",
                f"{_shown(missed[0])} is written by the merge ({place.key}) and must be canonical",
                (place.key, *judging),
            )


def _overlap(one: str, other: str) -> bool:
    """Whether two paths are one, or one is a folder above the other, also on a disk that ignores case."""
    one, other = f"{one.casefold()}/", f"{other.casefold()}/"
    return one.startswith(other) or other.startswith(one)


def _append_only_clashes(policy: Policy) -> Iterator[_Clash]:
    """Append-only globs that name something which guard rewrites or which never changes."""
    places = _places(policy)
    kinds = {"rows": policy.append_rows, "sections": policy.append_sections, "files": policy.append_files}
    written = {sample: place.key for place in places for sample in place.samples or (place.path,)}
    written[f"{policy.inbox}frame-0-x.json"] = "inbox.path"
    globs = [(f"append_only.{kind}[{i}]", glob) for kind, found in kinds.items() for i, glob in enumerate(found)]
    for at, glob in globs:
        names = matcher((glob,))
        key = next((key for path, key in written.items() if names.match(path)), "")
        sample = _sample(glob)
        if key:
            yield _Clash(at, f"{_quoted(glob)} names what {key} names: that is not append-only", (key,))
        elif policy.is_canonical(sample) or policy.in_inbox(sample):
            yield _Clash(at, f"{_quoted(glob)} names canonical files or deltas", ("canonical", "inbox", "roster"))


def _editable_clashes(policy: Policy) -> Iterator[_Clash]:
    """Edits that would reach what the merge keeps for itself, or what is not its to write."""
    folders = [place for place in _places(policy) if place.key == "inbox.path" or len(place.samples) > 1]
    foreign = dict.fromkeys((FILE, policy.roster, *policy.canonical_except))
    judging = ("canonical", "inbox.path", "roster.path")
    for position, glob in enumerate(policy.laws.editable):
        at = f"merge.editable[{position}]"
        sample, names = _sample(glob), matcher((glob,))
        reached = next((folder for folder in folders if _reaches(glob, folder.path)), None)
        if reached:
            yield _Clash(at, f"{_quoted(glob)} reaches into {_shown(reached.path)} ({reached.key})", (reached.key,))
        elif not policy.is_canonical(sample) and sample not in foreign:
            yield _Clash(at, f"{_quoted(glob)} names files that are not canonical", judging)
        for other in foreign:
            if other in policy.laws.not_editable or not names.match(_sample(other)):
                continue
            if _is_plain(other):
                yield _Clash(
                    "merge.not_editable", f"{_shown(other)} must stand in it: it is not canonical", (at, *judging)
                )
            else:
                yield _Clash(at, f"{_quoted(glob)} names files that canonical.except takes out", judging)


def _reaches(glob: str, folder: str) -> bool:
    """Whether a glob without ** can name a file below a folder."""
    parts, depth = glob.split("/"), folder.count("/") + 1
    return len(parts) > depth and matcher(("/".join(parts[:depth]),)).match(folder) is not None


def _sample(glob: str) -> str:
    """A path that a glob names; the glob itself where it is a plain path."""
    return glob.replace("**", "x").replace("*", "x").replace("?", "x")


def _is_plain(glob: str) -> bool:
    """Whether a glob is a plain path."""
    return glob == _sample(glob)
