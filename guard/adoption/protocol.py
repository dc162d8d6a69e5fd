"""What `guard init` tells a fleet: the eight rules, and the files in which its sessions meet."""

from guard.policy import Policy
from guard.records import board, index, notes, table

FILE = "PROTOCOL.md"


def coordination(policy: Policy) -> dict[str, bytes]:
    """The files of an adoption in which sessions meet, as they begin."""
    lanes = f"# Lanes\n\nWho works on what: the newest row of a lane is its state.\n\n{table.head(board.COLUMNS)}"
    top = f"# Notes\n\nWhat sessions leave to those who come after them; {notes.ON_TOP}.\n"
    sessions = f"# Sessions\n\n{table.head(index.COLUMNS)}"
    return {
        FILE: rules(policy).encode(),
        policy.board: lanes.encode(),
        policy.notes: top.encode(),
        policy.sessions: sessions.encode(),
        f"{policy.lessons}.gitkeep": b"",
    }


def rules(policy: Policy) -> str:
    """PROTOCOL.md: the eight rules, with this repository's commands."""
    return f"""\
# How we work here

Many sessions write to this repository at the same moment. These eight rules keep them out of each other's way; the
hooks that `guard install` puts into every clone refuse what breaks them, and `guard explain CODE` says why.

1. **Look before you start.** `guard orient` shows who holds what, the newest notes, and what is due.
2. **Have a number, and a tree of your own.** `guard start --worktree` gives you both. Subjects read
   `[S<number>] what: why`; `guard commit` puts the number there.
3. **Claim before you touch.** `guard claim LANE --scope PATH --intent 'what is to be done'`; exit 3 says who was first.
   Every guard command renews your claims for {policy.lease_minutes} minutes. `{policy.board}` shows them to everybody.
4. **Write deltas, never state.** What a stream did goes into a new file below `{policy.inbox}`
   (`guard delta new`, `guard delta check`). Canonical state is what `guard merge` makes of all deltas; nobody edits it.
5. **Commit what is yours, by name.** `guard commit -m 'what: why' FILE...`; never `git add -A`, `git add .`,
   `git commit -a`: they sweep in what your neighbours are writing.
6. **Never stash.** Not `git stash`, not `--autostash`: others are working on what it takes away. `guard sync` brings
   `{policy.branch}` in with your uncommitted files where they are; after it,
   `git push {policy.remote} HEAD:{policy.branch}` brings your commits to everybody.
7. **One merge a frame, by anyone.** `guard merge` at the boundary; `guard verify` recomputes what was merged. If state
   is broken: `guard restore`, never an editor.
8. **Leave word.** `guard handoff -m 'what was done' --next 'what is not'` pushes, releases your lanes and writes to
   `{policy.notes}`. What others should not have to find out again: `guard lesson 'what was learned'`.
"""
