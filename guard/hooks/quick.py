"""A quick yes for the commonest commit of all: one that, of everything a rule looks at, only adds deltas.

It starts in a fifth of the time that the whole judge needs, and says yes only where the judge finds nothing; whatever
it does not know for certain it leaves to the judge. Nothing is imported here but what a bare Python has at hand: `json`
would bring `re`, and the two cost as much as starting Python does.
"""

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST = 400
"""Deltas at once: their names must fit into a pipe that nobody reads yet."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_DIGITS = "0123456789"
_LISTS = ("agents_activated", "discussions_engaged", "soul_files_updated", "errors", "posts_created", "comments_added")


class _Unsure(Exception):
    """The judge has to look."""


def certain(raw: str, git_dir: str) -> bool:
    """Whether the judge would find nothing in added deltas, which are lines of git's raw output.

    `git_dir` is the work tree's; its watch file says the limits of the policy.
    """
    try:
        with open(f"{git_dir}/guard/watch", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a third of all
            said = next(line for line in file if line.startswith("#quick "))
        return _certain(_parsed(said[len("#quick ") :]), raw.splitlines())
    except (_Unsure, KeyError, TypeError, ValueError, OSError, RecursionError, MemoryError, StopIteration):
        return False


def _certain(watch: "dict[str, Any]", lines: "list[str]") -> bool:
    inbox = watch["inbox"]
    added = []
    for line in lines:
        head, _, path = line.partition("\t")
        old, mode, _, oid, status = head.split(" ")
        if old != ":000000" or mode != "100644" or status != "A" or not path.startswith(inbox):
            return False
        added.append((path[len(inbox) :], oid))
    if not 0 < len(added) <= MOST:
        return False
    counter = watch["counter"]
    asked = [f"HEAD:{counter}", f"{watch['upstream']}:{counter}", f"HEAD:{inbox.rstrip('/')}"]
    here, there, tree, *contents = _objects([*asked, *(oid for _, oid in added)])
    newest = max(_frame(here), _frame(there))
    names = _names(tree, len(added[0][1]) // 2)
    taken = {name.lower() for name in names}
    for (name, _), data in zip(added, contents, strict=True):
        if name.lower() in taken or data is None or len(data) > watch["max_bytes"]:
            return False
        taken.add(name.lower())
        _delta(name, data, newest, watch["max_levels"])
    return True


def _objects(names: "list[str]") -> "list[bytes | None]":
    """Objects by name, None for a missing one: one git process, without what `subprocess` costs to import."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    actions = [
        (os.POSIX_SPAWN_DUP2, to_read, 0),
        (os.POSIX_SPAWN_DUP2, from_write, 1),
        *((os.POSIX_SPAWN_CLOSE, pipe) for pipe in (to_read, to_write, from_read, from_write)),
    ]
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    pid = os.posix_spawnp("git", ["git", "cat-file", "--batch", "--buffer"], env, file_actions=actions)
    os.close(to_read)
    os.close(from_write)
    with open(to_write, "wb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        pipe.write("".join(f"{name}\n" for name in names).encode(errors="surrogateescape"))
    with open(from_read, "rb") as answers:  # noqa: PTH123 - as above
        out = answers.read()
    if os.waitpid(pid, 0)[1] != 0:
        raise _Unsure
    found: list[bytes | None] = []
    place = 0
    while place < len(out):
        end = out.index(b"\n", place)
        head = out[place:end]
        place = end + 1
        if head.endswith(b" missing"):
            found.append(None)
            continue
        size = int(head.rpartition(b" ")[2])
        found.append(out[place : place + size])
        place += size + 1
    if len(found) != len(names):
        raise _Unsure
    return found


def _frame(data: "bytes | None") -> int:
    """The frame counter in a file; -1 where there is no such file."""
    if data is None:
        return -1
    frame = _parsed(data.decode())["frame"]
    if type(frame) is not int:
        raise _Unsure
    return frame


def _names(tree: "bytes | None", width: int) -> "list[str]":
    """The names in a tree object: `<mode> <name>` NUL and the object's id, `width` bytes wide."""
    names = []
    data, place = tree or b"", 0
    while place < len(data):
        end = data.index(b"\0", place)
        names.append(data[data.index(b" ", place) + 1 : end].decode(errors="surrogateescape"))
        place = end + 1 + width
    return names


def _delta(name: str, data: bytes, newest: int, levels: int) -> None:
    """Raise `_Unsure` unless a delta is certainly good."""
    text = data.decode()
    if "\\ud" in text or "\\uD" in text:
        raise _Unsure
    value = _parsed(text)
    if type(value) is not dict or type(value["frame"]) is not int:
        raise _Unsure
    frame, stream, meta = value["frame"], value["stream_id"], value.get("_meta", {})
    reactions = value.get("reactions_added", [])
    if (
        not 0 <= frame < 10**9
        or (newest >= 0 and frame > newest + 1)
        or not _is_stream(stream)
        or name != f"frame-{frame}-{stream}.json"
        or "set" in value
        or type(meta) is not dict
        or not _is_past(next((each[key] for each, key in _times(value, meta) if key in each), None))
        or not all(type(value.get(key, [])) is list for key in _LISTS)
        or not (type(reactions) is list or (type(reactions) is int and reactions >= 0))
        or not all(type(item) in (dict, str, int) for key in _LISTS[4:] for item in value.get(key, []))
        or (text.count("[") + text.count("{") > levels and _deep(value, levels))
    ):
        raise _Unsure


def _is_stream(stream: object) -> bool:
    """Whether a value is certainly the id of a stream."""
    return (
        type(stream) is str
        and 0 < len(stream) <= 128
        and stream[0] in _LETTERS
        and not stream.strip(f"{_LETTERS}._-")
        and ".." not in stream
        and not stream.endswith((".", ".lock"))
    )


def _times(value: "dict[str, Any]", meta: "dict[str, Any]") -> "tuple[tuple[dict[str, Any], str], ...]":
    """Where a delta's time may stand: the first of these that is there must be one."""
    return (value, "completed_at"), (value, "timestamp"), (meta, "timestamp")


def _is_past(text: object) -> bool:
    """Whether a value is certainly a time, in UTC, of this century and not ahead."""
    if type(text) is not str or len(text) > 64:
        return False
    body = text[:-1] if text.endswith("Z") else text.removesuffix("+00:00")
    whole, dot, fraction = body.partition(".")
    day, hour = whole[5:10], whole[11:19]
    digits = whole[:4] + day[:2] + day[3:] + hour[:2] + hour[3:5] + hour[6:]
    return (
        body != text
        and len(whole) == 19
        and len(digits) == 14
        and not (digits + fraction).strip(_DIGITS)
        and bool(fraction) == bool(dot)
        and whole[4] + day[2] + whole[10] + hour[2] + hour[5] == "--T::"
        and "01" <= day[:2] <= "12"
        and "01" <= day[3:] <= ("28" if day[:2] == "02" else "30")
        and hour[:2] <= "23"
        and hour[3:5] <= "59"
        and hour[6:] <= "59"
        and "2000" <= whole <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    )


# --- JSON ------------------------------------------------------------------------------------------------------


def _parsed(text: str) -> "Any":
    """A JSON text's value; raises `_Unsure` or `ValueError` for anything odd."""
    inner = text.strip(" \t\n\r")
    try:
        value, end = _scanner()(inner, 0)
    except StopIteration:
        raise _Unsure from None
    if end != len(inner):
        raise _Unsure
    return value


_KNOWN: "list[Callable[[str, int], tuple[Any, int]]]" = []


def _scanner() -> "Callable[[str, int], tuple[Any, int]]":
    """What reads one JSON value of a text: the C half of `json` by itself, where this Python has it."""
    if not _KNOWN:
        try:
            from _json import make_scanner

            _KNOWN.append(make_scanner(_Strict))
        except (ImportError, AttributeError):
            from json import JSONDecoder

            plain = JSONDecoder(object_pairs_hook=_once, parse_int=_int, parse_float=_float, parse_constant=_never)
            _KNOWN.append(plain.raw_decode)
    return _KNOWN[0]


def _once(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Unsure
    return value


def _int(raw: str) -> int:
    if raw == "-0":  # which is no integer to the judge
        raise _Unsure
    return int(raw)


def _float(raw: str) -> float:
    if len(raw) > 1000:  # it may have more digits than can be kept
        raise _Unsure
    return float(raw)


def _never(_word: str) -> None:
    raise _Unsure


class _Strict:
    """How JSON is read, as the scanner asks for it."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_once)
    parse_float = staticmethod(_float)
    parse_int = staticmethod(_int)
    parse_constant = staticmethod(_never)


def _deep(value: object, levels: int) -> bool:
    """Whether arrays and objects nest deeper than that."""
    if type(value) not in (dict, list):
        return False
    if levels == 0:
        return True
    inside = value.values() if type(value) is dict else value
    return any(_deep(item, levels - 1) for item in inside if type(item) in (dict, list))  # type: ignore[attr-defined]
