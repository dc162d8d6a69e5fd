"""Adding to a JSON text and taking away from it, with every byte that is not concerned left as it was.

`merge.layout` does this for state, which has objects alone; configurations have lists of objects. What is added takes
its indentation from its neighbours; what is taken away leaves the text as it was before it was added.
"""

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ATOM = re.compile(r"[^,\]}\s]+")


class Node:
    """A value in a text: where it begins and ends, and what is in it, for an object with the keys' places too."""

    __slots__ = ("begin", "end", "inner", "keys", "starts", "value")

    def __init__(self, begin: int) -> None:
        self.begin = begin
        self.end = begin
        self.inner: list[Node] = []
        self.keys: list[str] = []
        self.starts: list[int] = []
        """Where each of them begins, with its key."""
        self.value: Any = None

    def at(self, key: str) -> "Node | None":
        """The value of a key."""
        return self.inner[self.keys.index(key)] if key in self.keys else None


def parse(text: str) -> Node:
    """The root of a text; raises `ValueError` where it is not JSON, or says one key twice."""
    json.loads(text, object_pairs_hook=_once)
    return _value(text, _past(text, 0))


def _once(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _past(text: str, at: int) -> int:
    hit = _SPACE.match(text, at)
    return hit.end() if hit else at


def _value(text: str, at: int) -> Node:
    node = Node(at)
    if text[at] not in "{[":
        hit = (_STRING if text[at] == '"' else _ATOM).match(text, at)
        assert hit is not None
        node.end = hit.end()
        node.value = json.loads(hit[0])
        return node
    is_object = text[at] == "{"
    at = _past(text, at + 1)
    while text[at] not in "}]":
        node.starts.append(at)
        if is_object:
            key = _STRING.match(text, at)
            assert key is not None
            node.keys.append(json.loads(key[0]))
            at = _past(text, _past(text, key.end()) + 1)
        inner = _value(text, at)
        node.inner.append(inner)
        at = _past(text, inner.end)
        if text[at] == ",":
            at = _past(text, at + 1)
    node.end = at + 1
    node.value = (
        dict(zip(node.keys, (each.value for each in node.inner), strict=True))
        if is_object
        else [each.value for each in node.inner]
    )
    return node


def added(text: str, path: "tuple[str, ...]", item: Any) -> str:
    """The text with `item` as the last of the list at a path of keys; lists and objects on the way are made."""
    node, depth = parse(text), 0
    for key in path:
        there = node.at(key)
        if there is None:
            value: Any = [item]
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _put(text, node, key, value, depth)
        node, depth = there, depth + 1
    return _put(text, node, None, item, depth)


def with_key(text: str, key: str, value: Any) -> str:
    """The text of an object with a key more, unless it is there."""
    root = parse(text)
    return text if key in root.keys else _put(text, root, key, value, 0)


def _put(text: str, node: Node, key: "str | None", value: Any, depth: int) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = _unit(text)
    name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
    if node.inner:
        lead = text[node.begin + 1 : node.starts[0]]
        place = node.inner[-1].end
        if newline not in lead:  # all on one line
            return f"{text[:place]}, {name}{json.dumps(value, ensure_ascii=False)}{text[place:]}"
        indent = lead.rpartition("\n")[2]
        return f"{text[:place]},{newline}{indent}{name}{_laid(value, unit, indent, newline)}{text[place:]}"
    outer = unit * depth
    line = text[text.rfind("\n", 0, node.begin) + 1 : node.begin]
    if not line.strip() or depth:
        outer = line[: len(line) - len(line.lstrip())]
    indent = outer + unit
    inside = f"{newline}{indent}{name}{_laid(value, unit, indent, newline)}{newline}{outer}"
    return f"{text[: node.begin + 1]}{inside}{text[node.end - 1 :]}"


def _laid(value: Any, unit: str, indent: str, newline: str) -> str:
    said = json.dumps(value, indent=unit, ensure_ascii=False)
    return said.replace("\n", newline + indent)


def _unit(text: str) -> str:
    """One step of a text's indentation: that of the first line that has one."""
    hit = re.search(r"\n([ \t]+)\S", text)
    return hit[1] if hit else "  "


def removed(text: str, ours: "Any") -> str:
    """The text without the items of lists for which `ours` is true, and without what is empty after that."""
    while True:
        spot = _find(parse(text), ours)
        if spot is None:
            return text
        text = _cut(text, *spot)


def _find(node: Node, ours: Any) -> "tuple[Node, int] | None":
    for place, inner in enumerate(node.inner):
        if not node.keys and isinstance(inner.value, dict) and ours(inner.value):
            return node, place
        deeper = _find(inner, ours)
        if deeper is not None:
            return (node, place) if len(inner.inner) == 1 and deeper[0] is inner else deeper
    return None


def _cut(text: str, node: Node, place: int) -> str:
    if len(node.inner) == 1:
        return f"{text[: node.begin + 1]}{text[node.end - 1 :]}"
    if place:
        return f"{text[: node.inner[place - 1].end]}{text[node.inner[place].end :]}"
    return f"{text[: node.starts[0]]}{text[node.starts[1] :]}"
