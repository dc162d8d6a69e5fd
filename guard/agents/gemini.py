"""Gemini CLI: `.gemini/settings.json`.

Before a tool runs, BeforeTool is asked; exit 2 blocks, and standard error is the reason. Nothing but JSON may be
printed, and timeouts are in milliseconds. Described at https://geminicli.com/docs/hooks/reference.
"""

from guard.agents.claude import claude_like, deny, end, start

__all__ = ["deny", "end", "start"]

TITLE = "Gemini CLI"
FILE = ".gemini/settings.json"
FOLDER = ".gemini"
PROGRAM = "gemini"
BASE: dict[str, object] = {}
TRUST = ""


def entries() -> "list[tuple[str, dict[str, object]]]":
    """(event, entry) of everything that is written into the configuration."""
    return claude_like("gemini", "BeforeTool", "run_shell_command|write_file|replace", "SessionEnd", 1000)
