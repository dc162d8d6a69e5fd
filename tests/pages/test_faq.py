"""docs/faq.md: what each rule says when it refuses, and the way on. The page is made of the rules' own examples.

`PYTHONPATH=tests:. python tests/pages/test_faq.py` writes it anew, with what guard says today; the text
above the first code is free. What it shows is run by test_pages.py.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest
from pages.shown import PAGES, RULES, Shell, adopted, blocks, commands, read, section, steps
from walks.lab import Lab

from guard.rule import Rule

PAGE = "docs/faq.md"


def written(rule: Rule, said: str) -> str:
    """What the page says of a rule: why, the example with what is really printed, and what to do instead."""
    about, _, rest = rule.document().partition("\nRefused:\n")
    last = rest.partition("\nInstead:\n")[2].partition("\n\n")[2]
    typed = "".join(f"$ {command}\n" for command in commands(rule, "Refused"))
    instead = "".join(f"$ {command}\n" for command in commands(rule, "Instead"))
    return (
        f"{about.strip()}\n\n```console\n{typed}{said}\n```\n\n"
        f"The way on:\n\n```console\n{instead}```\n\n{last.strip()}\n"
    ).rstrip("\n")


def refused(lab: Lab, rule: Rule) -> str:
    """What is printed when a rule's example is refused."""
    shell = Shell(lab)
    shell.go(adopted(lab))
    *_, last = [shell.typed(command)[0] for command in commands(rule, "Refused")]
    shell.end()
    return "\n".join(line.rstrip() for line in last.strip("\n").split("\n")).replace(str(lab.root), "/srv/ann")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_page_has_the_words_and_the_example_of_the_rule(rule: Rule) -> None:
    """Each section is what the rule's own documentation says, in its order; what is printed there belongs to it."""
    text = section(PAGE, f"{rule.code} {rule.name}")
    said = steps(blocks(text)[0])[-1][1]
    assert f"{rule.code} {rule.name}: " in said
    assert text.strip("\n") == written(rule, said)


def test_the_page_has_each_rule_once_in_their_order_and_nothing_else() -> None:
    """A section for each rule that there is, and none of a rule that is gone."""
    heads = re.findall(r"^## (G\d+ .*)$", read(PAGE), re.MULTILINE)
    assert heads == [f"{rule.code} {rule.name}" for rule in RULES]


if __name__ == "__main__":
    text = read(PAGE).partition("\n## G")[0].rstrip("\n")
    for each in RULES:
        with tempfile.TemporaryDirectory() as folder:
            text += f"\n\n## {each.code} {each.name}\n\n{written(each, refused(Lab(Path(folder).resolve()), each))}"
        print(each.code, file=sys.stderr)
    PAGES[PAGE].write_text(f"{text}\n", encoding="utf-8")
