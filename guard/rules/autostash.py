"""A rebase, merge or pull that stashes and un-stashes by itself.

The autostash of frame 407 (March 2026) could not be applied again: git said so, exited 0 and left markers in the
files; the next `git add -A` committed what was left of 136 agents. Uncommitted work of others in this tree goes the
same way.

Refused:
    $ echo more >> README.md
    $ git rebase --autostash HEAD

Instead:
    $ git add -- README.md
    $ git commit -m "[S1] readme: unfinished"
    $ git rebase HEAD

`guard install` sets rebase.autoStash and merge.autoStash to false; `--autostash` on the command line is refused before
anything is moved.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", _policy: "Policy") -> "Iterator[Finding]":
    """A finding for a command with an autostash."""
    from guard.commandline import verdict

    if verdict(change.command) == "autostash":
        fix = f"git commit -m '[{change.session or 'S1'}] what: why' -- FILE..."
        yield Finding("", "an autostash is refused here; nothing was changed", fix)


RULE = Rule(
    "G502",
    "autostash",
    "an autostash that fails exits 0 and leaves markers: that is how 136 agents were wiped in frame 407",
    check,
    part="command",
)
