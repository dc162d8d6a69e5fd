"""The configuration of a tool with guard in it, and without: text in, text out."""

from types import ModuleType
from typing import Any

from guard.agents import jsontext
from guard.agents.entry import MARK
from guard.errors import GuardError


def extended(text: "str | None", tool: ModuleType) -> str:
    """The text of a configuration with every entry of guard's in it, once; the same text where it is so already.

    Raises `GuardError` where the text cannot be read, or is laid out so that nothing can be added.
    """
    bare = text if text is not None and text.strip() else "{}\n"
    wanted = sorted(tool.entries(), key=_event)
    try:
        there = _entries(jsontext.parse(bare).value)
        if there != wanted:
            bare = jsontext.removed(bare, _ours)
            for key, value in tool.BASE.items():
                bare = jsontext.with_key(bare, key, value)
            for event, entry in tool.entries():
                bare = jsontext.added(bare, ("hooks", event), entry)
        done = _entries(jsontext.parse(bare).value)
    except (ValueError, RecursionError, AttributeError, AssertionError, IndexError) as error:
        raise _odd(tool, str(error)) from None
    if done != wanted:
        raise _odd(tool, "its hooks are laid out in another way")
    return bare


def without(text: str, tool: ModuleType) -> "str | None":
    """The text without guard's entries; None where nothing is left that somebody else wrote."""
    try:
        if not _entries(jsontext.parse(text).value):
            return text
        bare = jsontext.removed(text, _ours)
        left = jsontext.parse(bare).value
    except (ValueError, RecursionError, AttributeError, AssertionError, IndexError) as error:
        raise _odd(tool, str(error)) from None
    return None if left in ({}, tool.BASE) else bare


def _entries(value: Any) -> "list[tuple[str, Any]]":
    """(event, entry) of what is guard's in a configuration, by the events' names."""
    hooks = value.get("hooks", {}) if isinstance(value, dict) else None
    if not isinstance(hooks, dict) or not all(isinstance(entries, list) for entries in hooks.values()):
        raise ValueError("`hooks` is no object of lists") if hooks != {} else ValueError("it is no object")
    found = [(event, entry) for event, entries in hooks.items() for entry in entries if _ours(entry)]
    return sorted(found, key=_event)


def _event(found: "tuple[str, Any]") -> str:
    return found[0]


def _ours(entry: Any) -> bool:
    """Whether an entry is one of guard's: every command in it is."""
    if not isinstance(entry, dict):
        return False
    inner = entry.get("hooks")
    hooks = inner if isinstance(inner, list) and inner else [entry]
    said = [str(each.get("command", each.get("bash", ""))) for each in hooks if isinstance(each, dict)]
    return bool(said) and all(MARK in each for each in said)


def _odd(tool: ModuleType, problem: str) -> GuardError:
    return GuardError(
        "state",
        f"{tool.FILE} cannot be extended: {problem}",
        "nothing was written: what stands there is yours, and a file that cannot be read whole might lose some of it",
        f"mend {tool.FILE} (JSON without comments, `hooks` an object of lists), then guard agent install {_name(tool)}",
    )


def _name(tool: ModuleType) -> str:
    return tool.__name__.rpartition(".")[2]
