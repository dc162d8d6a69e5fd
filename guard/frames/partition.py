"""Who plays which agents: worked out by each machine for itself, from names alone, with nobody to ask.

- `rendezvous`: every agent goes to the part that draws the highest number for it (SHA-256 of both names). A part that
  is added takes its share from all the others, one that is gone leaves its share to them, and nothing else moves.
- `offset`: parts of equal length of the sorted names, one after the other. As even as can be; any change moves many.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from guard.errors import GuardError

How = Literal["rendezvous", "offset"]
MAX_PARTS = 10_000

_LISTS = ("agents", "roster")
"""Under which key a file may hold them."""

_IDS = ("id", "name", "slug", "agent", "username")
"""Under which key an object of a list may have its name."""


def machine(text: str) -> tuple[int, int]:
    """`2/3` as (2, 3): the second of three machines. Raises `GuardError` for anything else."""
    one, slash, all_of = text.partition("/")
    right = bool(slash) and all(each.isascii() and each.isdigit() and len(each) < 6 for each in (one, all_of))
    if not right or not 1 <= int(one) <= int(all_of) <= MAX_PARTS:
        why = "two machines that count differently would both play some agents, and nobody the others"
        raise GuardError("usage", f"{text!r} is no machine of several", why, "--machine 1/2: the first of two")
    return int(one), int(all_of)


def streams(number: int, of: tuple[int, int] | None) -> list[str]:
    """The ids of a machine's streams; without machines, of all of them."""
    prefix = f"m{of[0]}-" if of else ""
    return [f"{prefix}stream-{place}" for place in range(1, number + 1)]


def parted(names: Sequence[str], parts: Sequence[str], how: How) -> dict[str, list[str]]:
    """Each part with its names, sorted; the same for the same names and parts in any order, on every machine."""
    ordered = sorted(set(names))
    if how == "offset":
        known = list(parts)
        bounds = [place * len(ordered) // len(known) for place in range(len(known) + 1)]
        return {part: ordered[bounds[at] : bounds[at + 1]] for at, part in enumerate(known)}
    found: dict[str, list[str]] = {part: [] for part in parts}
    for name in ordered:
        found[max(parts, key=lambda part: (_drawn(part, name), part))].append(name)
    return found


def _drawn(part: str, name: str) -> bytes:
    """The number that a part draws for a name."""
    joined = f"{part}\0{name}".encode(errors="surrogateescape")
    return hashlib.sha256(joined).digest()


def share(names: Sequence[str], of: tuple[int, int] | None, how: How) -> list[str]:
    """The names of one machine; without machines, all of them."""
    if of is None:
        return sorted(set(names))
    return parted(names, [f"m{place}" for place in range(1, of[1] + 1)], how)[f"m{of[0]}"]


def everywhere(names: Sequence[str], number: int, machines: int, how: How) -> dict[str, list[str]]:
    """The streams of all machines, with the agents that each machine works out for each of its own.

    `number` is that of one machine's streams; with no `machines` there is one, whose streams have no prefix.
    """
    found: dict[str, list[str]] = {}
    every: list[tuple[int, int] | None] = [(place, machines) for place in range(1, machines + 1)]
    for of in every or [None]:
        found |= parted(share(names, of, how), streams(number, of), how)
    return found


def names_in(data: bytes, where: str) -> list[str]:
    """The names of a roster: agents.json, a list or a map in JSON, or a text with one name a line.

    Raises `GuardError` where there is none to be read, or one is no name: an agent that nobody plays is not seen.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unread(where, f"byte {error.start} is not UTF-8") from None
    if where.endswith(".json") or text.lstrip()[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _unread(where, str(error)) from None
        found = _named(value, where)
    else:
        lines = (line.strip() for line in text.splitlines())
        found = [line for line in lines if line and not line.startswith("#")]
    for name in found:
        if any(each in ", \t\r\n\0" for each in name) or not name or not name.isprintable():
            raise _unread(where, f"{name!r} cannot be an agent: no space, no comma, nothing unprintable")
    return sorted(set(found))


def _named(value: Any, where: str) -> list[str]:
    if isinstance(value, dict):
        value = next((value[key] for key in _LISTS if isinstance(value.get(key), list | dict)), value)
    if isinstance(value, dict):
        return [key for key in value if key != "_meta"]
    if not isinstance(value, list):
        raise _unread(where, "it is neither a list nor a map of agents")
    found = []
    for position, each in enumerate(value):
        name = each if isinstance(each, str) else None
        if isinstance(each, dict):
            name = next((each[key] for key in _IDS if isinstance(each.get(key), str)), None)
        if name is None:
            raise _unread(where, f"item {position} has no name: a text, or an object with {', '.join(_IDS)}")
        found.append(name)
    return found


def _unread(where: str, reason: str) -> GuardError:
    why = "an agent that is not read is played by nobody, and no machine would notice"
    return GuardError("usage", f"{where} is no roster of agents: {reason}", why, "--roster FILE, one name a line")
