"""A script, a workflow or a Makefile runs a git command that takes away, or sweeps in, what others are working on.

A launcher's `git add -A` in a worktree staged 729 deletions; `cp ... || true` hid that a worktree lacked its inputs,
and frame 406 was lost; worktrees that no trap removed were 47 in the end.

Refused:
    $ printf '%s\\n' '#!/bin/sh' 'git add -A' 'git stash' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Instead:
    $ printf '%s\\n' '#!/bin/sh' 'git add -- pages/1.md' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Found:
    git add .
    git pull --rebase origin main
    git reset --hard origin/main
    git worktree remove --force ../w

Fine:
    git add -- pages/1.md
    git stash list
    git pull --ff-only
    echo "never git add -A"

Asked for are `git add -A`, `--all`, `-u` and `.`, `git stash`, autostash, `git pull --rebase` on the branch of the
state, `git worktree remove --force`, `git reset --hard`, `git worktree add` without a trap on EXIT that cleans up, and
`cp ... || true` where worktrees are made. On a line, `# guard: allow G303 why` lets it pass.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for each git command that may cost somebody else's work."""
    from guard.shell.scripts import findings

    return findings(change, policy, "G303")


RULE = Rule(
    "G303",
    "unsafe-git-command",
    "scripts run it in trees that others work in: it takes their work away, or commits it as one's own",
    check,
)
