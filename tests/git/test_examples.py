"""What the rules' own documentation says, done: each example is refused, each remedy goes through."""

import re
import shlex
import sys
from pathlib import Path

import pytest
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


@pytest.fixture
def home(lab: Lab) -> Path:
    """Where the examples are run."""
    return adopted(lab)


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


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_example_is_refused_and_what_to_do_instead_is_not(lab: Lab, home: Path, rule: Rule) -> None:
    """The last line under `Refused:` is refused with the rule's code and changes nothing; all under `Instead:` pass."""
    *before, last = commands(rule, "Refused")
    for command in before:
        done = lab.run(home, "sh", "-c", command)
        assert done.code == 0, (command, done.all)
    picture = lab.picture(home)
    refused = lab.run(home, "sh", "-c", last)
    assert refused.code != 0, (last, refused.all)
    assert f"{rule.code} {rule.name}: " in refused.err
    assert "  why: " in refused.err
    assert lab.picture(home) == picture
    for command in commands(rule, "Instead"):
        done = lab.run(home, "sh", "-c", command)
        assert done.code == 0, (command, done.all)
    lab.git(home, "fsck", "--no-dangling")
    assert lab.git(home, "stash", "list") == ""
    assert not (home / ".git" / "index.lock").exists()


REMEDY = re.compile(r"^(git|guard|mv|rm) (?!.*, then )")
"""A remedy that is a command; what goes on in words is a sentence."""
FILES = {"G201": "mine.txt", "G502": "README.md"}
"""What stands for FILE... in a remedy, in the example of a rule."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_remedy_that_is_a_command_is_itself_allowed(lab: Lab, home: Path, rule: Rule) -> None:
    """What a refusal says under `fix:` can be pasted, works, and is refused by nothing."""
    for command in commands(rule, "Refused"):
        done = lab.run(home, "sh", "-c", command)
    remedies = [line[7:] for line in done.err.splitlines() if line.startswith("  fix: ")]
    assert remedies
    for remedy in filter(REMEDY.match, dict.fromkeys(remedies)):
        said = lab.run(home, "sh", "-c", remedy.replace("FILE...", FILES.get(rule.code, "?")))
        assert said.code == 0, (remedy, said.all)
        assert "  why: " not in said.all
