"""The rules as a whole: codes, words, what the README and `guard explain` say of each."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from guard.cli import main
from guard.finding import Finding
from guard.judge import rules
from guard.rule import Rule

ROOT = Path(__file__).resolve().parents[1]
RULES = rules()
PARTS = {"content", "message", "command"}

CODES = """
G101 canonical-write, G102 invalid-delta, G103 delta-rewrite, G104 append-only-rewrite, G105 count-drift,
G106 merge-marker, G107 state-shrink, G108 policy-change, G201 bulk-add, G202 mass-deletion, G203 out-of-lane,
G204 new-file-collision, G205 stale-overwrite, G301 bash4-construct, G302 gnu-only-command, G303 unsafe-git-command,
G401 unprefixed-message, G501 stash, G502 autostash
"""
"""Every code that ever was: one that is in use stays what it is, and none is given away again."""


def explained(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """What `guard explain` prints, and its exit code."""
    monkeypatch.setattr(sys, "argv", ["guard", "explain", *words])
    monkeypatch.setenv("COLUMNS", "200")  # or its paragraphs are filled anew
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return int(str(left.value.code)), said.out + said.err


def test_codes_and_names_are_stable() -> None:
    """Each rule has the code and the name that it always had."""
    assert [f"{rule.code} {rule.name}" for rule in RULES] == re.split(r",\s", CODES.strip())
    assert all(rule.part in PARTS for rule in RULES)


def test_what_may_be_let_pass() -> None:
    """G2xx and G401, and nothing else."""
    assert [rule.code for rule in RULES if rule.allowable] == ["G201", "G202", "G203", "G204", "G205", "G401"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_why_and_what_instead(rule: Rule) -> None:
    """The documentation has a headline, a reason, an example and what to do; `why` is one line."""
    head, _, rest = rule.document().partition("\n")
    assert head.endswith(".")
    assert "\nRefused:\n    $ " in rest
    assert "\nInstead:\n    $ " in rest
    assert rule.why
    assert "\n" not in rule.why
    assert Path(sys.modules[rule.check.__module__].__file__ or "").stem == rule.name.replace("-", "_")
    assert (ROOT / f"tests/rules/test_{rule.name.replace('-', '_')}.py").exists() or rule.code.startswith("G5")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_explain_prints_the_documentation(
    rule: Rule, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By code in any case and by name: the whole text, and how it can be let pass where it can."""
    for word in (rule.code, rule.code.lower(), rule.name):
        code, said = explained(capsys, monkeypatch, word)
        assert code == 0
        assert said.startswith(f"{rule.code} {rule.name} (since ")
        assert rule.document().strip() in said
        assert ("GUARD_ALLOW='" in said.splitlines()[-1]) is rule.allowable
    assert explained(capsys, monkeypatch, rule.code, "--json")[0] == 0


def test_explain_without_a_code_lists_them_all(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table names every rule; one that is not there is a usage error."""
    code, said = explained(capsys, monkeypatch)
    assert code == 0
    assert all(rule.code in said and rule.name in said for rule in RULES)
    assert explained(capsys, monkeypatch, "G999")[0] == 2


def test_the_readme_lists_every_rule() -> None:
    """Its table has the code, the name and what it refuses of each, and no other."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (G\d{3}) \| `([a-z0-9-]+)` \| (.+) \|$", text, re.MULTILINE)
    assert [(code, name) for code, name, _ in rows] == [(rule.code, rule.name) for rule in RULES]
    for (_, _, refuses), rule in zip(rows, RULES, strict=True):
        assert refuses == rule.document().strip().split("\n")[0].rstrip("."), rule.code


def test_a_finding_is_three_lines_whatever_a_path_holds() -> None:
    """A path with a newline cannot pretend to be another finding."""
    finding = Finding("a\nG101 x", "what a\nb", "git add -- 'a\nb'", 3, "why")
    finding.code, finding.name, finding.commit = "G106", "merge-marker", "c" * 40
    assert finding.text().split("\n") == [
        "cccccccccccc a\\nG101 x:3: G106 merge-marker: what a\\nb",
        "  why: why",
        "  fix: git add -- 'a\\nb'",
    ]


def test_judging_loads_little() -> None:
    """Hooks load every rule at every commit: of guard's own modules only the plain ones, and nothing costly."""
    code = (
        "import sys; before = set(sys.modules); from guard.judge import judge; from guard.change import Change;"
        " from guard.policy import Policy; assert judge(Change(), Policy()) == []; print(*set(sys.modules) - before)"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded = set(said.stdout.split())
    costly = {"typer", "rich", "git", "jsonschema", "jsonschema_rs", "orjson", "subprocess", "json", "shlex", "tomllib"}
    assert loaded.isdisjoint(costly), loaded & costly


def test_a_rule_that_cannot_be_loaded_stops_the_judge(tmp_path: Path) -> None:
    """A judge that lacks a rule must not judge: a file without RULE, or that fails, is an error."""
    for text in ("", "raise ValueError"):
        (tmp_path / "broken_rule.py").write_text(text)
        code = f"import guard.rules; guard.rules.__path__.append({str(tmp_path)!r}); import guard.judge as j; j.rules()"
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
        assert said.returncode != 0
