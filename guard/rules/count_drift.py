r"""A number that a file states is not the number of things there are.

"136 agents" in a header, `_meta.count` in a file, "81 lessons" in a README: somebody reads it, believes it, and writes
on from it. Declared counts are compared with what the commit's own tree holds.

Refused:
    $ printf '\n[[counts]]\nfile = "README.md"\npattern = "([0-9]+) pages"\nfiles = "pages/*"\n' >> guard.toml
    $ git add -- guard.toml
    $ git commit -m "[S1] guard: pages are counted"
    $ mkdir pages && echo one > pages/1.txt
    $ echo "It has 2 pages." > README.md
    $ git add -- README.md pages/1.txt
    $ git commit -m "[S1] pages: the first"

Instead:
    $ echo "It has 1 pages." > README.md
    $ git add -- README.md
    $ git commit -m "[S1] pages: the first"

`[[counts]]` in guard.toml declares counts; `guard counts` shows them, and `guard counts --fix` writes the right numbers
and stages them. In canonical files the merge does it.
"""

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every declared count that a change leaves wrong."""
    if not change.files or not policy.counts or change.computed:
        return
    touched = [file for file in change.files if any(count.concerns(file.path) for count in policy.counts)]
    if not touched:
        return
    from guard.counts import place, remedy, source, states

    absent = [file for file in touched if file.plain and change.read(file.new) is None]
    yield from (unread(file.path, file.new) for file in absent)
    whole = [file.path for file in touched if file not in absent]
    counts = [count for count in policy.counts if any(count.concerns(path) for path in whole)]
    for state in states(counts, change.new, change.listed):
        if not state.drifts:
            continue
        what = (
            state.problem
            or f"{place(state.declared)} says {state.stated}, there are {state.actual}: {source(state.declared)}"
        )
        yield Finding(state.declared.file, what, remedy(state, policy))


RULE = Rule("G105", "count-drift", "a wrong number is read, believed and written on from", check)
