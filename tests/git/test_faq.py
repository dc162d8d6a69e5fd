"""docs/faq.md: what each rule says when it refuses, and the way on. The page is made of the rules' own examples.

`PYTHONPATH=tests:. python tests/git/test_faq.py` writes it anew, with what guard says today; the text
above the first code is free.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from walks.examples import RULES, adopted, commands
from walks.lab import ROOT, Lab
from walks.test_readme import alike

from guard.rule import Rule

PAGE = ROOT / "docs" / "faq.md"
OID = re.compile(r"\b[0-9a-f]{40}\b")


def section(lab: Lab, home: Path, rule: Rule) -> str:
    """What the page says of a rule: why, the example with what is really printed, and what to do instead."""
    about, _, rest = rule.document().partition("\nRefused:\n")
    last = rest.partition("\nInstead:\n")[2].partition("\n\n")[2]
    *before, refused = commands(rule, "Refused")
    for command in before:
        lab.run(home, "sh", "-c", command)
    said = lab.run(home, "sh", "-c", f"exec 2>&1\n{refused}").out
    shown = "\n".join(line.rstrip() for line in said.strip("\n").split("\n")).replace(str(lab.root), "/srv/ann")
    typed = "".join(f"$ {command}\n" for command in [*before, refused])
    instead = "".join(f"$ {command}\n" for command in commands(rule, "Instead"))
    return (
        f"## {rule.code} {rule.name}\n\n{about.strip()}\n\n```console\n{typed}{shown}\n```\n\n"
        f"The way on:\n\n```console\n{instead}```\n\n{last.strip()}\n"
    ).rstrip("\n")


def told(rule: Rule) -> str:
    """The page's section of a rule."""
    text = PAGE.read_text(encoding="utf-8")
    head = f"\n## {rule.code} {rule.name}\n"
    assert text.count(head) == 1
    return head.strip("\n") + "\n" + text.partition(head)[2].partition("\n## ")[0].rstrip("\n")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_page_says_what_guard_says(lab: Lab, rule: Rule) -> None:
    """Each section holds the rule's own words, its example, and what is printed when that is refused, line by line."""
    fresh = section(lab, adopted(lab), rule)
    assert alike(OID.sub("<id>", told(rule)), lab.root) == alike(OID.sub("<id>", fresh), lab.root)


def test_the_page_has_each_rule_once_in_their_order_and_nothing_else() -> None:
    """A section for each rule that there is, and none of a rule that is gone."""
    heads = re.findall(r"^## (G\d+ .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert heads == [f"{rule.code} {rule.name}" for rule in RULES]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8").partition("\n## G")[0].rstrip("\n")
    for each in RULES:
        with tempfile.TemporaryDirectory() as folder:
            here = Lab(Path(folder).resolve())
            text += f"\n\n{section(here, adopted(here), each)}"
        print(each.code, file=sys.stderr)
    PAGE.write_text(f"{text}\n", encoding="utf-8")
