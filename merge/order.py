"""Time and the total order: what comes before what, the same on every machine.

Times are compared as instants, exactly (a fraction may have any number of digits), and equal instants by
spelling. Real fleets invent times, repeat them and write some in the future, so a time never identifies
anything: the order is (time, stream, digest, position).
"""

import re
from datetime import date
from functools import lru_cache
from typing import Any

Moment = tuple[int, str, str]
"""Seconds since 1970-01-01T00:00:00Z, the fraction's digits without trailing zeros, the spelling."""

NEVER: Moment = (-(10**18), "", "")
"""Before every time that can be written."""

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_LONGEST = 64
"""Characters of a time: more digits than any clock has, and few enough to repeat it in every page."""
_EPOCH = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=1 << 16)
def moment(text: str) -> Moment | None:
    """The time that `text` spells, None where it spells none.

    RFC 3339 with its offset: a time without one does not say which instant it is. A leap second counts as
    the second after it.
    """
    match = _RFC3339.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    offset_hour, offset_minute = int(match[9] or 0), int(match[10] or 0)
    if hour > 23 or minute > 59 or second > 60 or offset_hour > 23 or offset_minute > 59:
        return None
    offset = (offset_hour * 60 + offset_minute) * 60 * (-1 if match[8] == "-" else 1)
    seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset
    return seconds, (match[7] or "").rstrip("0"), text


def moment_of(value: Any) -> Moment:
    """The time that a JSON value spells; `NEVER` where it spells none."""
    return (moment(value) if isinstance(value, str) else None) or NEVER
