"""Claude Code: `.claude/settings.json`.

Before a tool runs, PreToolUse is asked with `tool_name`, `tool_input` and `cwd`; exit 2 blocks, and standard error is
what the agent reads. What SessionStart answers becomes context. SessionEnd can only tell the person at the terminal.
Described at https://code.claude.com/docs/en/hooks.
"""

import json

from guard.agents.entry import command

TITLE = "Claude Code"
FILE = ".claude/settings.json"
FOLDER = ".claude"
PROGRAM = "claude"
BASE: dict[str, object] = {}
MATCHER = "Bash|PowerShell|Edit|MultiEdit|Write|NotebookEdit"
TRUST = ""


def entries() -> "list[tuple[str, dict[str, object]]]":
    """(event, entry) of everything that is written into the configuration."""
    return claude_like("claude", "PreToolUse", MATCHER, "SessionEnd")


def claude_like(tool: str, before: str, matcher: str, end: str, unit: int = 1) -> "list[tuple[str, dict[str, object]]]":
    """The entries of a tool whose configuration is laid out as Claude Code's is; its timeouts count in `unit`s."""

    def entry(seconds: int, **more: object) -> "dict[str, object]":
        hook: dict[str, object] = {"type": "command", "command": command(tool), "timeout": seconds * unit}
        return {**more, "hooks": [hook]}

    return [(before, entry(30, matcher=matcher)), ("SessionStart", entry(60)), (end, entry(30))]


def deny(_reason: str) -> str:
    """What is printed beside the reason; exit 2 and standard error say it all."""
    return ""


def start(text: str) -> str:
    """The answer that makes `text` the agent's context."""
    return json.dumps({"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text}})


def end(text: str) -> str:
    """The answer that shows `text` to the person."""
    return json.dumps({"systemMessage": text})
