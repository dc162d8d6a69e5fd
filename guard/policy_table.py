"""One table of guard.toml while it is read: keys are asked for by type, and what is wrong is noted in passing."""

from collections.abc import Mapping
from typing import Any, TypeVar

from guard.policy_problems import Problem, key_path, nearest, quoted
from guard.policy_values import Check

_T = TypeVar("_T")

_TYPES = {bool: "true or false", int: "an integer", float: "a number", str: "a string", list: "an array"}


class Table:
    """One table while it is read. What is wrong goes to `problems`, and the default is read in its place."""

    def __init__(self, values: dict[str, Any], place: str, problems: list[Problem]) -> None:
        self.values = values
        self.place = place
        self.problems = problems
        self.known: list[str] = []

    def below(self, key: str) -> str:
        """The path of a key of this table."""
        return key_path(self.place, key)

    def complain(self, key: str, sentence: str) -> None:
        """Note what is wrong with the value of a key."""
        self.problems.append((self.below(key), sentence))

    def take(self, key: str, kind: type[_T], default: _T) -> _T:
        """The value of a key, which must be exactly of that type: `true` is not 1."""
        self.known.append(key)
        value = self.values.get(key, default)
        return value if self._is(value, kind, self.below(key)) else default

    def integer(self, key: str, default: int, bounds: tuple[int, int]) -> int:
        """The integer of a key, between two bounds."""
        number = self.take(key, int, default)
        if not bounds[0] <= number <= bounds[1]:
            self.complain(key, f"it is not between {bounds[0]} and {bounds[1]}")
        return number

    def text(self, key: str, default: str | None, check: Check) -> str:
        """The string of a key; without a default, the key is required."""
        if default is None and key not in self.values:
            self.known.append(key)
            self.complain(key, "it is missing")
            return ""
        text = self.take(key, str, default or "")
        if key in self.values and type(self.values[key]) is str:
            self._note(text, check, self.below(key))
        return text

    def texts(self, key: str, default: tuple[str, ...], check: Check, least: int = 0) -> tuple[str, ...]:
        """The array of different strings of a key."""
        found = self.take(key, list, list(default))
        if key not in self.values or found is not self.values[key]:
            return default
        if len(found) < least:
            self.complain(key, "it is empty")
        items = self._items(key, found, str)
        if not all(right for _, _, right in items):
            return default
        for position, (place, text, _) in enumerate(items):
            self._note(text, check, place)
            if text in found[:position]:
                self.problems.append((place, f"{quoted(text)} stands there twice"))
        return tuple(found)

    def pairs(self, key: str, default: Mapping[str, str], check_key: Check, check: Check) -> dict[str, str]:
        """The table of a key, with strings under names of one's own."""
        table = self.table(key)
        if key not in self.values:
            return dict(default)
        return {name: table.text(name, None, check) for name in table.keys(check_key)}

    def keys(self, check: Check) -> list[str]:
        """The names of one's own in this table."""
        for key in self.values:
            self._note(key, check, self.below(key))
        return list(self.values)

    def table(self, key: str) -> "Table":
        """The table of a key, an empty one for none."""
        return Table(self.take(key, dict, {}), self.below(key), self.problems)

    def tables(self, key: str) -> list["Table"] | None:
        """The array of tables of a key, None for none."""
        found = self.take(key, list, [])
        if key not in self.values:
            return None
        return [
            Table(values, place, self.problems) if right else Table({}, place, [])
            for place, values, right in self._items(key, found, dict)
        ]

    def close(self) -> None:
        """Complain of every key that was not asked for."""
        for key in self.values:
            if key not in self.known:
                self.complain(key, f"unknown key{nearest(key, self.known)}")

    def _is(self, value: object, kind: type, place: str) -> bool:
        right = type(value) is kind
        if not right:
            self.problems.append((place, f"{_type_name(type(value))} stands where {_type_name(kind)} belongs"))
        return right

    def _items(self, key: str, found: list[Any], kind: type) -> list[tuple[str, Any, bool]]:
        """The elements of an array: the place of each, its value, and whether it is of that type."""
        places = (f"{self.below(key)}[{position}]" for position in range(len(found)))
        return [(place, value, self._is(value, kind, place)) for place, value in zip(places, found, strict=True)]

    def _note(self, text: str, check: Check, place: str) -> None:
        sentence = check(text)
        if sentence:
            self.problems.append((place, f"{quoted(text)} {sentence}"))


def _type_name(kind: type) -> str:
    return _TYPES.get(kind, "a table" if issubclass(kind, dict) else "a date or time")
