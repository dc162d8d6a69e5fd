"""The tools that guard speaks to, each in a file of its own."""

from importlib import import_module
from types import ModuleType

NAMES = ("claude", "codex", "gemini", "cursor", "copilot")


def tool(name: str) -> ModuleType:
    """The module of a tool: `TITLE`, `FILE`, `FOLDER`, `PROGRAM`, `BASE`, `entries`, and how it is answered."""
    return import_module(f"guard.agents.{name}")
