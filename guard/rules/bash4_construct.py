"""A script uses what bash 3.2 does not run, or runs wrongly with exit 0.

macOS ships bash 3.2, and always will. `${a[-1]}` and `declare -A` give wrong values there and exit 0, an empty array
under `set -u` ends the script, and `bash -n` finds nothing of it: a syntax check is no check.

Refused:
    $ printf '%s\\n' '#!/bin/bash' 'declare -A seen' 'echo "${1,,}"' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Instead:
    $ printf '%s\\n' '#!/bin/bash' 'printf "%s\\n" "$1" | tr "[:upper:]" "[:lower:]"' > frame.sh
    $ git add -- frame.sh
    $ git commit -m "[S1] frame: a script"

Found:
    mapfile -t lines < list.txt
    echo "${names[-1]}"
    run |& tee log
    bash -c 'echo ${x^^}'

Fine:
    echo 'mapfile -t lines'
    if ((BASH_VERSINFO[0] >= 4)); then declare -A seen; fi
    echo "${list[@]+"${list[@]}"}"
    # ${x,,} in a comment

What a version check guards is fine, unless an older bash cannot even parse it: `|&`, `;&`, `&>>`, `[[ -v x ]]`. On a
line, `# guard: allow G301 why` lets it pass. `[shell] target` in guard.toml names the oldest bash. Scripts of zsh and
fish, and scripts whose first line names a bash of its own, are not judged. docs/shell.md lists every construct.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for each construct that is newer than the bash of the policy."""
    from guard.shell.scripts import findings

    return findings(change, policy, "G301")


RULE = Rule(
    "G301",
    "bash4-construct",
    "bash 3.2, the bash of every macOS, fails here or goes on with a wrong value and exit 0",
    check,
)
