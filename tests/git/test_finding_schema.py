"""schemas/finding.schema.json, held against what commands and hooks really print."""

import json
import sys
from typing import Any

import pytest
from walks.lab import Lab, inbox_file, name_of

from guard import schema
from guard.judge import rules

HOOK = (sys.executable, "-c", "from guard.hooks import main; main()")
GOOD = dict.fromkeys(("path", "message", "why", "fix"), "x") | {"code": "G101", "name": "canonical-write", "line": 0}


def faults(value: Any) -> list[tuple[str, str]]:
    """What the schema says is wrong; both validators must agree."""
    found = list(schema.problems("finding", value))
    assert schema.conforms("finding")(value) is not bool(found)
    return found


def bad(lab: Lab) -> Any:
    """A repository in which much is staged that rules refuse."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s") | {"tasks/NEXT.md": "## one\n"}, "[S1] w: x")
    lab.write(
        here, {"state/agents.json": "{}", name_of(1, "t"): "{", "tasks/NEXT.md": "<<<<<<< x\n", "guard.toml": "x"}
    )
    lab.write(here, {name_of(1, "s"): "{}"})
    lab.git(here, "add", "--", "state", "tasks", "guard.toml")
    return here


def test_what_check_prints_conforms(lab: Lab) -> None:
    """The index, a range with commits, files, delta check, and nothing found at all."""
    here = bad(lab)
    printed = [lab.guard(here, "check", "--json", code=1).json]
    printed.append(lab.guard(here, "check", "state", "tasks", "--json", code=1).json)
    printed.append(lab.guard(here, "delta", "check", "state/stream_deltas", "--json", code=1).json)
    lab.git(here, "commit", "-q", "-m", "no prefix")
    printed.append(lab.guard(here, "check", "--range", "HEAD~1..HEAD", "--json", code=1).json)
    printed.append(lab.guard(here, "check", "--range", "HEAD..HEAD", "--json", code=0).json)
    for value in printed:
        assert faults(value) == []
        assert all(faults(finding) == [] for finding in value["findings"])
    assert all("commit" in finding for finding in printed[3]["findings"])
    assert {finding["code"] for finding in printed[3]["findings"]} == set(
        "G101 G102 G103 G104 G106 G107 G108 G401".split()
    )


def test_what_hooks_print_conforms(lab: Lab) -> None:
    """pre-commit and commit-msg, refused and passed."""
    here = bad(lab)
    (lab.root / "message").write_text("no prefix\n")
    for name, *words in (["pre-commit"], ["commit-msg", str(lab.root / "message")]):
        said = lab.run(here, *HOOK, name, *words, "--json")
        assert said.code == 1, said.err
        assert faults(said.json) == []
        assert said.json["findings"]
        for finding in said.json["findings"]:
            assert finding["name"] == {rule.code: rule.name for rule in rules()}[finding["code"]]
    lab.git(here, "reset", "-q")
    said = lab.run(here, *HOOK, "pre-commit", "--json")
    assert (said.code, said.json) == (0, {"findings": [], "judged": 0, "exit": 0})


def test_a_finding_and_a_report_are_accepted() -> None:
    """Either one, with or without a commit."""
    assert faults(GOOD) == faults(GOOD | {"commit": "c" * 40}) == faults(GOOD | {"commit": "c" * 64}) == []
    assert faults({"findings": [GOOD], "judged": 1, "exit": 1}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"code": "G1"},
        {"code": "g101"},
        {"name": "Canonical write"},
        {"line": -1},
        {"line": "1"},
        {"message": ""},
        {"why": ""},
        {"fix": ""},
        {"path": None},
        {"commit": "abc"},
        {"column": 0},
        {"passes": ""},
        {"extra": 1},
    ],
)
def test_a_wrong_finding_is_refused(change: dict[str, Any]) -> None:
    """Alone and in a report."""
    assert faults(GOOD | change)
    assert faults({"findings": [GOOD | change], "judged": 1, "exit": 1})


def test_a_wrong_report_is_refused() -> None:
    """Missing and unknown keys, a wrong status."""
    report = {"findings": [], "judged": 0, "exit": 0}
    for key in report:
        assert faults({name: value for name, value in report.items() if name != key})
    assert faults(report | {"exit": 3})
    assert faults(report | {"more": 1})
    assert faults(json.loads("[]"))
