"""What a hook is told by those who call it: the folder of this work tree, git's own command line, what is let pass."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from guard.errors import GuardError
from guard.finding import Finding, exit_code, printable, verdict
from guard.git import Repo
from guard.policy import Policy
from guard.rule import allowable


def folder(repo: Repo) -> Path:
    """Where guard keeps what belongs to this work tree alone."""
    return repo.git_dir / "guard"


def installed(repo: Repo) -> bool:
    """Whether guard is installed in this repository; its shims may lie where many repositories look for hooks."""
    return "GUARD_GIT_PID" not in os.environ or (repo.common_dir / "guard" / "installed.json").exists()


def command() -> list[str]:
    """The words of the git command that called the hook; empty where nobody can tell."""
    pid = os.environ.get("GUARD_GIT_PID", "")
    if not pid.isdigit():
        from guard.hooks import framework  # it imports nothing of this module

        return framework.command()
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - pathlib is slower
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        said = subprocess.run(["ps", "-ww", "-o", "command=", "-p", pid], capture_output=True, check=False)
        return said.stdout.decode(errors="surrogateescape").split()


def allowance(policy: Policy, said: str | None = None) -> dict[str, str]:
    """Code -> reason of what `said`, by default GUARD_ALLOW, lets pass: `G201,G202 why`.

    Raises `GuardError` for a rule that nobody may let pass, and where there is no reason.
    """
    said = os.environ.get("GUARD_ALLOW", "").strip() if said is None else said
    if not said:
        return {}
    codes, _, reason = said.partition(" ")
    found = {}
    for code in filter(None, codes.upper().split(",")):
        if len(code) != 4 or not code.startswith("G") or not code[1:].isdigit():
            raise GuardError(
                "usage",
                f"GUARD_ALLOW={said} begins with no rule's code",
                "it says which rule is let pass, once, and why",
                "unset GUARD_ALLOW, or GUARD_ALLOW='G202 why' git commit ...",
            )
        if not allowable(code) or code in policy.never_allow:
            why = "the policy forbids it" if code in policy.never_allow else "only G2xx and G401 can be let pass"
            raise GuardError("usage", f"GUARD_ALLOW cannot let {code} pass", why, f"guard explain {code}")
        if not reason.strip():
            raise GuardError(
                "usage",
                f"GUARD_ALLOW={said} gives no reason",
                "it is recorded in the commit",
                f"GUARD_ALLOW='{code} why'",
            )
        found[code] = " ".join(reason.split())
    return found


def tell(findings: Sequence[Finding], judged: int, *, as_json: bool) -> int:
    """Print what was found; returns the exit code, which stands also where nobody can be told."""
    with suppress(OSError):
        for finding in findings:
            print(printable(finding.text()), file=sys.stderr)
    if as_json:
        import json

        with suppress(OSError):
            print(json.dumps(verdict(findings, judged)))
    return exit_code(findings)
