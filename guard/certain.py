"""What is certainly a good delta, by a look that loads nothing which a bare Python has not at hand.

Everything else is left to the judge; where this says yes, the judge finds nothing. `json` is not loaded: it would bring
`re`, and the two cost a hook as much as starting Python does.
"""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_DIGITS = "0123456789"
_LISTS = ("agents_activated", "discussions_engaged", "soul_files_updated", "errors", "posts_created", "comments_added")


class Unsure(Exception):
    """The judge has to look."""


FAILURES = (Unsure, KeyError, TypeError, ValueError, RecursionError, MemoryError)
"""What the functions here raise about what they do not take for certain."""


def frame_of(data: "bytes | None") -> int:
    """The frame in a counter's file, -1 where there is no such file; raises one of `FAILURES` where it is odd."""
    if data is None:
        return -1
    frame = parsed(data.decode())["frame"]
    if type(frame) is not int:
        raise Unsure
    return frame


def check(name: str, data: bytes, *, newest: int, levels: int, now: "float | None") -> None:
    """Raise one of `FAILURES` unless a delta is certainly good under the default laws.

    `newest` is the newest closed frame, -1 where nothing says it; `levels` is how deep values may nest; `now` are the
    seconds since 1970 that no time may be ahead of, None for any time.
    """
    text = data.decode()
    if "\\ud" in text or "\\uD" in text:
        raise Unsure
    value = parsed(text)
    if type(value) is not dict or type(value["frame"]) is not int:
        raise Unsure
    frame, stream, meta = value["frame"], value["stream_id"], value.get("_meta", {})
    reactions = value.get("reactions_added", [])
    if (
        not 0 <= frame < 10**9
        or (newest >= 0 and frame > newest + 1)
        or not _is_stream(stream)
        or name != f"frame-{frame}-{stream}.json"
        or "set" in value
        or type(meta) is not dict
        or not _is_past(next((each[key] for each, key in _times(value, meta) if key in each), None), now)
        or not all(type(value.get(key, [])) is list for key in _LISTS)
        or not (type(reactions) is list or (type(reactions) is int and reactions >= 0))
        or not all(type(item) in (dict, str, int) for key in _LISTS[4:] for item in value.get(key, []))
        or (text.count("[") + text.count("{") > levels and _deep(value, levels))
    ):
        raise Unsure


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


def _is_past(text: object, now: "float | None") -> bool:
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
        and whole >= "2000"
        and (now is None or whole <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)))
    )


# --- JSON ------------------------------------------------------------------------------------------------------


def parsed(text: str) -> "Any":
    """A JSON text's value; raises one of `FAILURES` for anything odd."""
    inner = text.strip(" \t\n\r")
    try:
        value, end = _scanner()(inner, 0)
    except (StopIteration, SystemError):  # the C half has no words of its own for what is wrong, unless json is loaded
        raise Unsure from None
    if end != len(inner):
        raise Unsure
    return value


_KNOWN: "list[Callable[[str, int], tuple[Any, int]]]" = []


def _scanner() -> "Callable[[str, int], tuple[Any, int]]":
    """What reads one JSON value of a text: the C half of `json` by itself, where this Python has it."""
    if not _KNOWN:
        try:
            from _json import make_scanner

            _KNOWN.append(make_scanner(_Strict))  # type: ignore[arg-type]  # it takes anything that has these
        except (ImportError, AttributeError):
            from json import JSONDecoder

            plain = JSONDecoder(object_pairs_hook=_once, parse_int=_int, parse_float=_float, parse_constant=_never)
            _KNOWN.append(plain.raw_decode)
    return _KNOWN[0]


def _once(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Unsure
    return value


def _int(raw: str) -> int:
    if raw == "-0" or len(raw) > 1000:  # no integer to the judge, or more digits than it takes
        raise Unsure
    return int(raw)


def _float(raw: str) -> float:
    if len(raw) > 1000:  # it may have more digits than can be kept
        raise Unsure
    return float(raw)


def _never(_word: str) -> None:
    raise Unsure


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
