"""A script uses a command or an option that stock macOS lacks, or that does something else there.

`timeout` is not there at all, `sed -i 's/a/b/' f` takes the program for a suffix, `date -d` and `grep -P` are errors. A
fleet whose machines are not all alike finds out one machine at a time.

Refused:
    $ printf '%s\\n' '#!/bin/sh' 'timeout 60 make' 'sed -i s/a/b/ list.txt' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Instead:
    $ printf '%s\\n' '#!/bin/sh' 'make' 'sed s/a/b/ list.txt > list.new && mv list.new list.txt' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Found:
    timeout 5 curl -s localhost
    date -d yesterday +%F
    find . -name '*.sh' -printf '%f\\n'
    tac log | head -n -3

Fine:
    curl --timeout 5 localhost
    command -v timeout >/dev/null && timeout 5 make
    sed -i.bak s/a/b/ f && rm f.bak
    stat -c %s f 2>/dev/null || stat -f %z f

What is asked for first (`command -v timeout`, `uname`) is fine, and so is a function of that name in the file. On a
line, `# guard: allow G302 why` lets it pass. `[shell] macos` in guard.toml names the oldest macOS. docs/shell.md lists
every command and option.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for each command or option that the macOS of the policy lacks."""
    from guard.shell.scripts import findings

    return findings(change, policy, "G302")


RULE = Rule(
    "G302",
    "gnu-only-command",
    "stock macOS lacks it or does something else: the script works on one machine of the fleet and not on the next",
    check,
)
