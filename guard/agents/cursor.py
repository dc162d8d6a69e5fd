"""Cursor: `.cursor/hooks.json`.

beforeShellExecution is asked with `command` and `cwd`, preToolUse with `tool_name` and `tool_input`; exit 2 denies,
and the JSON beside it says why. Where a hook must answer, silence is no answer: an empty object lets the call pass and
leaves Cursor's own questions to its user. Described at https://cursor.com/docs/hooks.
"""

import json

from guard.agents.entry import command

TITLE = "Cursor"
FILE = ".cursor/hooks.json"
FOLDER = ".cursor"
PROGRAM = "cursor"
BASE: dict[str, object] = {"version": 1}
TRUST = ""


def entries() -> "list[tuple[str, dict[str, object]]]":
    """(event, entry) of everything that is written into the configuration."""
    said = command("cursor", "{ echo '{}'; exit 0; }")
    return [
        ("beforeShellExecution", {"command": said, "timeout": 30}),
        ("preToolUse", {"command": said, "matcher": "Write|Edit|StrReplace|Delete", "timeout": 30}),
        ("sessionStart", {"command": said, "timeout": 60}),
        ("sessionEnd", {"command": said, "timeout": 30}),
    ]


def deny(reason: str) -> str:
    """The answer that denies a call: to the agent with the whole reason, to the person with its first line."""
    return json.dumps({"permission": "deny", "user_message": reason.partition("\n")[0], "agent_message": reason})


def start(text: str) -> str:
    """The answer that makes `text` the agent's context."""
    return json.dumps({"additional_context": text})


def end(_text: str) -> str:
    """Nobody reads what is answered at the end; the reminder goes to standard error, which is logged."""
    return "{}"
