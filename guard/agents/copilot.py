"""GitHub Copilot, in the terminal and in the cloud: `.github/hooks/guard.json`, a file of guard's own.

With the names of events that begin with a capital, a call is told as Claude Code tells it. Every exit but 0 denies a
call, and the JSON beside it says why. Nothing that is said at the end is shown. Described in `hooks-reference` at
https://docs.github.com/en/copilot/reference/hooks-reference.
"""

import json

from guard.agents.entry import command

TITLE = "GitHub Copilot"
FILE = ".github/hooks/guard.json"
FOLDER = ".github/hooks"
PROGRAM = "copilot"
BASE: dict[str, object] = {"version": 1}
TRUST = "Copilot in the cloud has to have guard installed by copilot-setup-steps; without it everything passes there"


def entries() -> "list[tuple[str, dict[str, object]]]":
    """(event, entry) of everything that is written into the configuration."""

    def entry(seconds: int, **more: object) -> "dict[str, object]":
        return {"type": "command", **more, "bash": command("copilot"), "timeoutSec": seconds}

    tools = "Bash|Edit|Write"
    return [("PreToolUse", entry(30, matcher=tools)), ("SessionStart", entry(60)), ("SessionEnd", entry(30))]


def deny(reason: str) -> str:
    """The answer that denies a call."""
    return json.dumps({"permissionDecision": "deny", "permissionDecisionReason": reason})


def start(text: str) -> str:
    """The answer that makes `text` the agent's context."""
    return json.dumps({"additionalContext": text})


def end(_text: str) -> str:
    """Nobody reads what is answered at the end; the reminder goes to standard error."""
    return ""
