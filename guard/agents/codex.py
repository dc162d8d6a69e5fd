"""Codex CLI: `.codex/hooks.json`, which has the layout of Claude Code's.

Exit 2 blocks only with a reason on standard error. A patch comes as the command of the tool `apply_patch`. There is no
event for the end of a session; Stop comes at the end of every turn, and takes JSON alone. A project's hooks run once
they are trusted (`/hooks`). Described at https://developers.openai.com/codex/hooks and, as a schema, in
`codex-rs/hooks` of https://github.com/openai/codex.
"""

from guard.agents.claude import claude_like, deny, end, start

__all__ = ["deny", "end", "start"]

TITLE = "Codex CLI"
FILE = ".codex/hooks.json"
FOLDER = ".codex"
PROGRAM = "codex"
BASE: dict[str, object] = {}
TRUST = "Codex runs these hooks once they are trusted: /hooks in a session"


def entries() -> "list[tuple[str, dict[str, object]]]":
    """(event, entry) of everything that is written into the configuration."""
    return claude_like("codex", "PreToolUse", "Bash|apply_patch|Edit|Write", "Stop")
