"""G301: builtins with names, options and operands that an older bash does not know."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from guard.shell.bash_versions import SHOPT, Version, said
from guard.shell.calls import Call
from guard.shell.words import Word

_FLAGS = {
    "A": "assoc",
    "g": "declare-global",
    **dict.fromkeys("luc", "declare-case"),
    "n": "nameref",
    "I": "local-inherit",
}
_READ_VALUES = "adinNptu"


DECLARES = ("declare", "local", "typeset", "readonly", "export")
"""Builtins that give variables attributes."""


def constructs(call: Call, assoc: set[str]) -> Iterator[tuple[str, int]]:
    """The keys of what is newer than bash 3.2 in a builtin's name, options and operands, and where each stands.

    `assoc` are the names of associative arrays: their keys are no numbers.
    """
    name, at = call.name, call.at
    if name in DECLARES:
        for key in _declared(name, call.words):
            yield key, at
    elif name in ("mapfile", "readarray"):
        delimiter = any(re.match(r"-[a-zA-Z]*d", word.text) for word in call.words)
        yield "mapfile-delimiter" if delimiter else "mapfile", at
    elif name in ("coproc", "compopt"):
        yield "coproc-simple" if name == "coproc" else name, at
    elif name == "read":
        for key in _read(call.words):
            yield key, at
    elif name == "printf":
        for key in _printf(call.words):
            yield key, at
    elif name == "echo":
        for key in _echo(call.words):
            yield key, at
    elif name in ("source", ".") and call.words and call.words[0].raw.startswith("<("):
        yield "source-process", at
    elif name == "test":
        words = call.known()
        for place, word in enumerate(words[:-1]):
            if word in ("-v", "-R") and (place == 0 or words[place - 1] in ("!", "-a", "-o", "(")):
                key = (
                    "test-nameref"
                    if word == "-R"
                    else "test-element"
                    if "[" in call.words[place + 1].text
                    else "test-variable"
                )
                yield f"{key}-plain", at
    else:
        yield from _others(call, assoc)


def _others(call: Call, assoc: set[str]) -> Iterator[tuple[str, int]]:
    name, at, words = call.name, call.at, call.known()
    letters = "".join(word[1:] for word in words if re.match(r"-[A-Za-z]+\Z", word))
    if name == "wait":
        for letter, key in (("n", "wait-next"), ("f", "wait-forced"), ("p", "wait-variable")):
            if letter in letters:
                yield key, at
        if call.words and call.words[0].raw in ("$!", '"$!"') and _after_process(call.node):
            yield "wait-process", at
    elif name == "cd" and "e" in letters:
        yield "cd-exit", at
    elif name in ("complete", "compgen"):
        if "nosort" in words:
            yield "complete-nosort", at
        if name == "complete" and ("-D" in words or "-E" in words):
            yield "complete-default", at
        if name == "complete" and "-I" in words:
            yield "complete-initial", at
    elif name == "help" and re.search("[dm]", letters):
        yield "help-short", at
    elif name == "unset":
        if words and re.match(r"-[fv]*n", words[0]):
            yield "unset-nameref", at
        for word in call.words:
            if re.match(r"\w+\[\s*-\s*[\d$]", word.text) and word.text.split("[")[0] not in assoc:
                yield "negative-assign", word.at


def _after_process(node: Node) -> bool:
    before = node.prev_named_sibling
    following = before.next_sibling if before is not None else None
    return (
        before is not None
        and "process_substitution" in str(before)[:20_000]
        and (following is None or following.type != "&")
    )


def options(call: Call, target: Version) -> Iterator[tuple[str, str]]:
    """What is to be said of each name that `shopt`, or `bash -O`, gets and the target does not know, and the name."""
    words = call.known()
    if call.name == "shopt":
        letters = "".join(word[1:] for word in words if word.startswith("-"))
        named = words if "o" not in letters and ("s" in letters or "u" in letters) else []
    elif call.name == "bash":
        named = [words[place + 1] for place, word in enumerate(words[:-1]) if word in ("-O", "+O")]
    else:
        return
    for name in named:
        since = SHOPT.get(name)
        if since is not None and since > target:
            shown = f"shopt {name}" if call.name == "shopt" else f"bash -O {name}"
            yield said(shown, since, "the option's name is invalid"), name


def _declared(name: str, words: list[Word]) -> Iterator[str]:
    found: dict[str, None] = {}
    for word in words:
        text = word.text
        if text == "-" and name == "local":
            found["local-options"] = None
        if not re.match(r"[-+][A-Za-z]", text) or word.dynamic:
            break
        for letter in text[1:]:
            key = _FLAGS.get(letter)
            if key is None or (letter == "n" and name in ("export", "readonly")) or (letter == "I" and name != "local"):
                continue
            if text[0] == "-":
                found[key] = None
    return iter(found)


def _read(words: list[Word]) -> Iterator[str]:
    place = 0
    while place < len(words):
        text = words[place].text
        if not re.match(r"-[A-Za-z]", text):
            return
        for index, letter in enumerate(text[1:], 1):
            if letter == "N":
                yield "read-exact"
            elif letter == "i":
                yield "read-initial"
            if letter in _READ_VALUES:
                value = text[index + 1 :]
                if not value:
                    place += 1
                    value = words[place].text if place < len(words) else ""
                if letter == "t" and (re.fullmatch(r"\d*\.\d+|\d+\.|0", value)):
                    yield "read-fraction"
                break
        place += 1


def _printf(words: list[Word]) -> Iterator[str]:
    rest = list(words)
    if rest and rest[0].text.startswith("-v"):
        target = rest[0].text[2:] or (rest[1].text if len(rest) > 1 else "")
        rest = rest[1 if rest[0].text[2:] else 2 :]
        if "[" in target:
            yield "printf-element"
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest:
        return
    form = rest[0].text.replace("%%", "")
    if re.search(r"%-?\d{0,99}\([^)]{0,999}\)T", form):
        yield "printf-time"
    if re.search(r"%[-+ 0#]*\d*(?:\.\d+)?Q", form):
        yield "printf-quote"
    texts = [form, *(word.text for word in rest[1:])] if "%b" in form else [form]
    if any(re.search(r"\\[uU][0-9a-fA-F]", text.replace("\\\\", "")) for text in texts):
        yield "unicode-escape"


def _echo(words: list[Word]) -> Iterator[str]:
    escapes = False
    place = 0
    while place < len(words) and re.fullmatch(r"-[neE]+", words[place].text):
        escapes = escapes or "e" in words[place].text
        place += 1
    if not escapes:
        return
    texts = [word.text.replace("\\\\", "") for word in words[place:]]
    if any(re.search(r"\\[uU][0-9a-fA-F]", text) for text in texts):
        yield "unicode-escape"
    if any("\\e" in text for text in texts):
        yield "echo-escape"
