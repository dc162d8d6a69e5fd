"""The tools that guard speaks to, each in a file of its own."""

from importlib import import_module
from types import ModuleType

NAMES = ("claude", "codex", "gemini", "cursor", "copilot")


def tool(name: str) -> ModuleType:
    """The module of a tool: its `TITLE`; its configuration (`FILE`, the `FOLDER` and the `PROGRAM` that show that it is
    in use, the `BASE` of a new one, the `entries` of guard's in it, and what else has to be done for `TRUST`); and what
    is printed to `deny` a call, and at the `start` and the `end` of a session."""
    return import_module(f"guard.agents.{name}")
