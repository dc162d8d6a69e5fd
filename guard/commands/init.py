"""`guard init`: adopt guard in this repository."""

import shlex
import sys
from pathlib import Path

from guard import adopt
from guard.errors import GuardError
from guard.git import Repo
from guard.report import Report


def run(repo: Repo, report: Report, *, yes: bool, from_beginning: bool) -> int:
    """Write what is missing and say what it was; safe to repeat."""
    if repo.bare:
        raise GuardError("usage", "guard init needs a work tree", "", "run it in a clone, then commit and push")
    top = repo.top()
    adoption = adopt.adoption(repo, top, from_beginning=from_beginning)
    head = repo.resolve("HEAD")
    if not adoption.files and (head is None or repo.reader.read(f"{head}:guard.toml") is None):
        adoption = adopt.Adoption({"guard.toml": (top / "guard.toml").read_bytes()}, adoption.baseline)
    elif not adoption.files:
        report.say(f"guard is adopted here already (baseline {adoption.baseline[:12]})")
        report.result({"written": [], "baseline": adoption.baseline, "exit": 0})
        return 0
    if not yes and sys.stdin.isatty() and not report.as_json:
        report.say(f"guard init writes {', '.join(sorted(adoption.files))}")
        if input("Go on? [Y/n] ").strip().lower() not in ("", "y", "yes"):
            report.say("nothing was written")
            return 2
    adopt.write(top, adoption)
    names = " ".join(sorted(adoption.files))
    away = "" if Path.cwd() == top else f"cd {shlex.quote(str(top))} && "
    for name in sorted(adoption.files):
        report.say(f"wrote {name}")
    since = "the beginning" if set(adoption.baseline) == {"0"} else adoption.baseline[:12]
    report.say(f"canonical state is protected from {since} on, once this is committed:")
    push = " && git push" if repo.run("remote").strip() else ""
    command = f"{away}git add -- {names} && git commit -m 'guard: adopt' -- {names}{push}"
    report.say(f"  {command}")
    report.result({"written": sorted(adoption.files), "baseline": adoption.baseline, "next": command, "exit": 0})
    return 0
