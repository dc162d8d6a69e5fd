"""JSON values as they were written: parsed for their meaning, written back without changing a digit.

A parsed value is made of dict, list, str, int, bool, None, of float where the number is spelled the one way in which
a float is written, and else of `Number`: `1e-07`, `1.50` and integers beyond 64 bits leave as they came.
"""

import json
import re
import sys
from typing import Any

import orjson

MAX_DIGITS = 4300
"""Most digits of an integer: the limit that CPython itself sets on converting one."""
# PYTHONINTMAXSTRDIGITS may say otherwise, and verdicts must not differ by machine.
sys.set_int_max_str_digits(MAX_DIGITS)

_MARKER = re.compile(rb"^(<{7}|={7}|>{7}|\|{7})( |\r?$)", re.MULTILINE)


class BadJson(ValueError):
    """The bytes are not one JSON value that can be kept without loss.

    `reason` is one of a closed list of words (it is recorded in canonical files, so it must not depend on
    any library's wording); `detail` says where, for people.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Number(float):
    """A number with a fraction or an exponent, and the spelling it came in (`raw`)."""

    __slots__ = ("raw",)
    raw: str

    def __new__(cls, raw: str) -> "Number":
        """Read `raw`, one JSON number; raises `BadJson` for one that is too long to be handled."""
        if len(raw) > MAX_DIGITS:
            raise BadJson("number too long", f"more than {MAX_DIGITS} characters")
        self = super().__new__(cls, raw)
        self.raw = raw
        return self


def _constant(name: str) -> Any:
    raise BadJson("NaN or Infinity", name)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadJson("duplicate key", json.dumps(twice))
    return value


def _integer(raw: str) -> int | Number:
    return Number(raw) if raw == "-0" else int(raw)


_decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=Number, parse_constant=_constant).decode
_decode_minus_zero = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_float=Number, parse_int=_integer, parse_constant=_constant
).decode


def has_markers(data: bytes) -> bool:
    """Whether `data` holds lines that git writes into a file it could not merge."""
    return b"<<<<<<<" in data and _MARKER.search(data) is not None


def parse(data: bytes, levels: int | None = None) -> Any:
    """The JSON value in `data`; raises `BadJson` where reading it would lose or invent something.

    `levels` is how deep arrays and objects may nest.
    """
    value = _parse_plain(data, levels)
    if value is not None:
        return value
    if levels is not None and depth_exceeds(data, levels):
        raise BadJson("too deep", f"nested deeper than {levels} levels")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadJson("not UTF-8", f"byte {error.start}") from None
    return parse_text(text)


def _parse_plain(data: bytes, levels: int | None) -> Any:
    """The value in `data` if it says exactly what orjson makes of it, else None.

    Most files do. Written back, they are the same bytes but for white space, and that proves that orjson lost
    nothing: no key stood twice, and every number and string is spelled the one way in which it is written.
    What stands inside n arrays and objects is indented by 2n, so the same text shows that nothing is too deep.
    """
    try:
        value = orjson.loads(data)
        written = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except (orjson.JSONDecodeError, TypeError):
        return None
    alike = data.startswith(written) and not data[len(written) :].strip()
    if not alike and written.translate(None, _SPACE) != data.translate(None, _SPACE):
        return None
    return None if levels is not None and b"\n" + b"  " * levels in written else value


def parse_text(text: str) -> Any:
    """`parse` for text that is already decoded."""
    try:
        value = (_decode if "-0" not in text else _decode_minus_zero)(text)
    except BadJson:
        raise
    except json.JSONDecodeError as error:
        if has_markers(text.encode()):
            raise BadJson("conflict markers", "the file holds lines of an unfinished merge") from None
        raise BadJson("not JSON", f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise BadJson("too deep", "nested beyond what can be read") from None
    except ValueError:  # CPython's limit on the digits of an integer
        raise BadJson("number too long", f"more than {MAX_DIGITS} digits") from None
    if "\\u" in text and ("\\ud" in text or "\\uD" in text):
        check_unicode(value)
    return value


def check_unicode(value: Any) -> None:
    """Raise `BadJson` where a string holds half of a surrogate pair: no UTF-8 file can hold it."""
    try:
        dump(value)
    except (TypeError, UnicodeEncodeError):
        raise BadJson("not Unicode", "an escape is half of a surrogate pair") from None


def depth_exceeds(data: bytes, limit: int) -> bool:
    """Whether arrays and objects in `data` nest deeper than `limit`, found without recursion."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = data.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if len(brackets) <= limit:
        return False
    if b'"' in brackets:  # strings with brackets in them
        brackets = re.sub(rb'"[^"]*"', b"", brackets)
    brackets = brackets.translate(_ROUND)
    if b"(" * (limit + 1) in brackets:
        return True
    for _ in range(limit):
        shorter = brackets.replace(b"()", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    return b"()" in brackets or brackets.count(b"(") > limit  # what is cut off is not closed, but may be flat


_NOT_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
_SPACE = b" \n\r\t"
_ROUND = bytes.maketrans(b"{}[]", b"()()")


def dump(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8, keys in their own order, numbers as they were spelled."""
    try:
        return orjson.dumps(value, default=_spelled)
    except TypeError:
        return _write(value, sort=False)


def dump_tight(value: Any) -> bytes:
    """`dump` in as many bytes as it needs: orjson's buffers have 4 KiB and more, which counts where thousands stay."""
    return b"%b" % dump(value)


def identity(value: Any) -> bytes:
    """The canonical JSON of `value`: equal exactly when two values are the same value.

    Keys are sorted by code point and numbers with a fraction or an exponent compare by value (`1e-07` is
    `0.0000001`); `1`, `1.0` and `true` are three values.
    """
    try:
        return orjson.dumps(value, default=_valued, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _write(value, sort=True)


def _spelled(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.raw)
    raise TypeError(type(value).__name__)


def _valued(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(_canonical_number(value.raw))
    raise TypeError(type(value).__name__)


def _write(value: Any, *, sort: bool) -> bytes:
    """What orjson would write, for values with integers beyond 64 bits, which orjson refuses."""
    if isinstance(value, dict):
        items = sorted(value.items()) if sort else value.items()
        return b"{" + b",".join(orjson.dumps(key) + b":" + _write(item, sort=sort) for key, item in items) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(_write(item, sort=sort) for item in value) + b"]"
    if isinstance(value, Number):
        return (_canonical_number(value.raw) if sort else value.raw).encode()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value).encode()
    return orjson.dumps(value)


def _canonical_number(raw: str) -> str:
    """The one spelling of `raw`: a float's own where it is exactly that float, else `digits`e`exponent`."""
    exact = _exact(raw)
    own = orjson.dumps(float(raw)).decode()
    return own if own != "null" and _exact(own) == exact else exact


def _exact(raw: str) -> str:
    mantissa, _, exponent_text = raw.lower().partition("e")
    minus = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    exponent = int(exponent_text or "0") - len(fraction)
    digits = (whole + fraction).lstrip("0")
    short = digits.rstrip("0")
    return f"{minus}{short}e{exponent + len(digits) - len(short)}" if short else f"{minus}0"
