"""The rules' own examples, and a clone to run them in."""

import re
import shlex
import sys
from pathlib import Path

from walks.lab import GUARD, Lab

from guard.judge import rules
from guard.rule import Rule

RULES = rules()


def commands(rule: Rule, title: str) -> list[str]:
    """The shell lines of one block of a rule's documentation."""
    block = re.search(rf"^{title}:\n((?:    .*\n)+)", rule.document(), re.MULTILINE)
    assert block is not None, f"{rule.code} has no {title}:"
    lines = [line.strip() for line in block[1].splitlines()]
    assert all(line.startswith("$ ") for line in lines), lines
    return [line[2:] for line in lines]


def adopted(lab: Lab) -> Path:
    """A clone of a hub in which guard was adopted as `guard init` says, and installed."""
    binary = lab.root / "bin" / "guard"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec {" ".join(map(shlex.quote, GUARD))} "$@"\n')
    binary.chmod(0o755)
    lab.env["PATH"] = f"{binary.parent}:{Path(sys.executable).parent}:{lab.env['PATH']}"
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    here = lab.clone("here")
    lab.git(here, "checkout", "-q", "-B", "main")
    lab.commit(here, {"README.md": "a fleet\n"}, "[S1] readme: begin")
    written = lab.guard(here, "init", "--yes", "--json").json["written"]
    lab.git(here, "add", "--", *written)
    lab.git(here, "commit", "-q", "-m", "[S1] guard: adopt")
    lab.git(here, "push", "-q", "-u", "origin", "main")
    lab.guard(here, "install")
    assert lab.git(here, "status", "--porcelain") == ""
    return here
