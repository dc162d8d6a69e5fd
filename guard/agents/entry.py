"""The command that stands in a tool's configuration: the same on every machine, and quick where guard is installed."""

MARK = "guard-hook agent "
"""What makes an entry of a configuration one of guard's."""


def command(tool: str, silence: str = "exit 0") -> str:
    """The shell command of a tool's hooks; `silence` is what is done where guard is not there at all.

    It begins where the tool says that its project is, under the name that most of them know: an agent may have gone
    elsewhere. The clone's own launcher comes first: it starts Python without looking for packages, in half of the
    time. Where neither it nor `guard-hook` is there, everything passes: a clone without guard stays one in which
    people can work.
    """
    return (
        f't={tool}; cd "${{CLAUDE_PROJECT_DIR:-.}}" 2>/dev/null; '
        'd="$(git rev-parse --git-common-dir 2>/dev/null)/guard/hooks"; '
        '[ ! -r "$d/guard-agent" ] || . "$d/guard-agent"; '
        f"command -v guard-hook >/dev/null || {silence}; exec {MARK}$t"
    )
