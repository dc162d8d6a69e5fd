"""What the rules' own documentation says, done: each example is refused, each remedy goes through."""

import re
from pathlib import Path

import pytest
from pages.shown import RULES, adopted, commands, with_guard
from walks.lab import Lab

from guard.rule import Rule


@pytest.fixture
def home(lab: Lab) -> Path:
    """Where the examples are run."""
    lab.env["PATH"] = f"{with_guard(lab)}:{lab.env['PATH']}"
    return adopted(lab)


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
