"""The scripts inside a script: strings that a shell is given, and here-documents that one reads."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.shell.calls import Call, calls
from guard.shell.units import Unit
from guard.shell.words import Word, expansion_end, read

_SHELLS = {"bash": "bash", "sh": "sh", "dash": "dash", "ksh": "ksh"}
_OWN = ("/opt/", "/usr/local/", "/nix/", "/usr/pkg/")
_MOST_UNITS = 400
_TEXTS = ("word", "heredoc_body", "heredoc_content")
_END = "END-OF-A-HERE-DOCUMENT"
_MOST_DEPTH = 4


class Script:
    """A whole file's units, with the calls of each."""

    def __init__(self, text: str, shell: str) -> None:
        self.units: list[Unit] = []
        self.calls: dict[int, list[Call]] = {}
        self._add(Unit(text, shell), 0)

    def _add(self, unit: Unit, depth: int) -> None:
        self.units.append(unit)
        its_calls = calls(unit)
        self.calls[id(unit)] = its_calls
        if depth >= _MOST_DEPTH:
            return
        for inner in _inner(unit, its_calls):
            if len(self.units) >= _MOST_UNITS:
                return
            self._add(inner, depth + 1)

    def broken(self) -> int | None:
        """Where the outermost unit could not be read; None where all of it was."""
        return self.units[0].broken()


def _inner(unit: Unit, its_calls: list[Call]) -> Iterator[Unit]:
    by_node = {call.node.id: call for call in its_calls}  # of those that one starts for the other, the innermost
    for call in its_calls:
        found = _given(call)
        if found is not None:
            word, shell = found
            yield from _string(unit, call.node, word, shell)
    for node in unit.all("heredoc_redirect"):
        yield from _here_document(unit, by_node, node)
    for kind in ("expansion", "heredoc_redirect"):
        for node in unit.all(kind):
            yield from _backticks(unit, node)
    for node in unit.all("regex"):
        yield from _in_regex(unit, node)
    for node in unit.all("herestring_redirect"):
        yield from _here_string(unit, by_node, node)
    for reader in its_calls:
        if _reads(reader):
            yield from _piped(unit, by_node, reader)
    for begin, end in unit.bodies:
        node_there = unit.tree.root_node.descendant_for_byte_range(begin, begin)
        text, places = f": <<{_END}\n{unit.text[begin:end]}", list(range(begin, end))
        lead = [begin] * (len(text) - len(places))
        yield Unit(f"{text}{_END}\n", unit.shell, [*lead, *places], unit, node_there)
    for begin, end, shell in unit.fed:
        node_there = unit.tree.root_node.descendant_for_byte_range(begin, begin)
        yield Unit(unit.text[begin:end], shell, list(range(begin, end)), unit, node_there)


def _given(call: Call) -> tuple[list[Word], str] | None:
    """The words of a script that a command is given, and the shell that runs it."""
    name, words = call.base, call.words
    if name in _SHELLS:
        if call.name.startswith(_OWN):
            return None
        for place, word in enumerate(words[:-1]):
            if re.fullmatch(r"-[a-zA-Z]*c", word.text):
                following = next((each for each in words[place + 1 :] if not re.match(r"[-+]\w|--\Z", each.text)), None)
                return ([following], _SHELLS[name]) if following is not None else None
            if not word.text.startswith(("-", "+")) and not (
                place and re.fullmatch(r"[-+][a-zA-Z]*[oO]", words[place - 1].text)
            ):
                return None
        return None
    if name == "eval":
        return (words, call.unit.shell) if words else None
    if name == "trap":
        rest = [word for word in words if word.text != "--"]
        if len(rest) > 1 and not rest[0].text.startswith("-"):
            return [rest[0]], call.unit.shell
    if name == "flock" and "-c" in call.known():
        place = call.known().index("-c")
        return ([words[place + 1]], "sh") if len(words) > place + 1 else None
    if name in ("watch", "su", "nohup") and "-c" in call.known()[:-1]:
        return [words[call.known().index("-c") + 1]], "sh"
    return None


def _backticks(unit: Unit, node: Node) -> Iterator[Unit]:
    """The commands between backticks in `${x:-...}` or a here-document, which are text to the grammar."""
    if node.type == "heredoc_redirect":
        start = next((child for child in node.children if child.type == "heredoc_start"), None)
        if start is None or re.search(r"['\"\\]", unit.of(start)):
            return
    raw = unit.text[node.start_byte : min(node.end_byte, node.start_byte + 20_000)]
    for hit in re.finditer(r"(?<!\\)`((?:[^`\\]|\\.)+)`", raw):
        begin = node.start_byte + hit.start(1)
        covering = node.descendant_for_byte_range(begin, begin)
        if covering is not None and covering.type in _TEXTS:
            yield Unit(hit[1], unit.shell, list(range(begin, begin + len(hit[1]))), unit, node)


def _in_regex(unit: Unit, node: Node) -> Iterator[Unit]:
    """The expansions in what stands on the right of `=` and `=~`, which is one text to the grammar."""
    raw, at = unit.text[node.start_byte : node.end_byte], 0
    while at < len(raw):
        if raw[at] == "\\":
            at += 1
        elif raw[at] == "'":
            at = max(raw.find("'", at + 1), at)
        elif raw[at] in "$`":
            end = expansion_end(raw, at)
            if end > at + 2:
                begin = node.start_byte + at
                yield Unit(raw[at:end], unit.shell, list(range(begin, begin + end - at)), unit, node)
                at = end - 1
        at += 1


def _here_string(unit: Unit, by_node: dict[int, Call], node: Node) -> Iterator[Unit]:
    """What `bash <<< '...'` gives a shell to read."""
    above = node.parent
    body = above and (above.child_by_field_name("body") or above)
    reader = by_node.get(body.id) if body is not None else None
    if reader is not None and _reads(reader) and node.named_children:
        given = node.named_children[-1]
        yield from _string(unit, reader.node, [Word(unit.of(given), unit.begin(given))], _SHELLS[reader.base])


def _piped(unit: Unit, by_node: dict[int, Call], reader: Call) -> Iterator[Unit]:
    """What `echo '...' | bash` gives a shell to read."""
    stage = reader.node
    if stage.parent is not None and stage.parent.type == "redirected_statement":
        stage = stage.parent
    before = stage.prev_named_sibling if stage.parent is not None and stage.parent.type == "pipeline" else None
    writer = by_node.get(before.id) if before is not None else None
    if writer is not None and writer.name in ("echo", "printf"):
        words = [word for word in writer.words if not re.fullmatch(r"-[neE]+", word.text)]
        if words and (writer.name == "echo" or "%" not in words[0].text):
            yield from _string(unit, reader.node, words, _SHELLS[reader.base])


def _string(unit: Unit, node: Node, words: list[Word], shell: str) -> Iterator[Unit]:
    text: list[str] = []
    places: list[int] = []
    for word in words:
        said, where, _, _ = read(word.raw)
        if text:
            text.append(" ")
            places.append(word.at)
        text.append(said)
        places.extend(word.at + place for place in where)
    whole = "".join(text)
    if whole.strip() and not re.fullmatch(r"\$\{?\w+\}?|\$\([^)]*\)|[\w.-]+", whole):
        yield Unit(whole, shell, places, unit, node)


def _here_document(unit: Unit, by_node: dict[int, Call], node: Node) -> Iterator[Unit]:
    shell = _reader(unit, by_node, node)
    body = next((child for child in node.children if child.type == "heredoc_body"), None)
    start = next((child for child in node.children if child.type == "heredoc_start"), None)
    if shell is None or body is None:
        return
    raw = unit.text[body.start_byte : body.end_byte]
    if start is not None and re.search(r"['\"\\]", unit.of(start)):
        yield Unit(raw, shell, list(range(body.start_byte, body.end_byte)), unit, node)
        return
    text, places = [], []
    at = 0
    while at < len(raw):
        if raw[at] == "\\" and raw[at + 1 : at + 2] in ("$", "`", "\\"):
            at += 1
        text.append(raw[at])
        places.append(body.start_byte + at)
        at += 1
    yield Unit("".join(text), shell, places, unit, node)


def _reader(unit: Unit, by_node: dict[int, Call], node: Node) -> str | None:
    """The shell that reads a here-document, if one does."""
    pipeline = next((child for child in node.children if child.type == "pipeline"), None)
    candidates = []
    if pipeline is not None:
        candidates = pipeline.named_children[-1:]
    else:
        above = node.parent
        if above is None:
            return None
        body = above.child_by_field_name("body") if above.type == "redirected_statement" else above
        candidates = [body] if body is not None else []
        if above.parent is not None and above.parent.type == "pipeline" and above.parent.named_children[-1] != above:
            candidates = [above.parent.named_children[-1]]
        named = [child for child in node.named_children if child.type in ("command", "redirected_statement")]
        candidates = named[-1:] or candidates
    for each in candidates:
        inner = each
        if inner.type == "redirected_statement":
            inner = inner.child_by_field_name("body") or inner
        if inner.type == "pipeline":
            inner = inner.named_children[-1]
        call = by_node.get(inner.id)
        if call is None:
            continue
        if call.name in ("source", ".") and call.words and call.words[0].text == "/dev/stdin":
            return unit.shell
        if _reads(call):
            return _SHELLS[call.base]
    return None


def _reads(call: Call) -> bool:
    """Whether a command is a shell that reads its script from its input."""
    if call.base not in _SHELLS or call.name.startswith(_OWN):
        return False
    words, place = call.words, 0
    while place < len(words):
        text = words[place].text
        if text in ("-s", "-", "/dev/stdin") or re.fullmatch(r"-[a-zA-Z]*s", text):
            return True
        if not text.startswith(("-", "+")) or re.fullmatch(r"-[a-zA-Z]*c", text):
            return False
        place += 2 if re.fullmatch(r"[-+][a-zA-Z]*[oO]", text) else 1
    return True
