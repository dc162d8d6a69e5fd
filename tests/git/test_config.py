"""`guard config`: every key, its value, and the line it comes from."""

import json
import tomllib
from typing import Any

import pytest
from walks.lab import ROOT, Lab

from guard.policy import Policy, parse
from guard.policy_lines import lines_of, values_of

TOML = '''\
# one = 1
repository.branch = "trunk"  # dotted

[canonical] # here
paths = [
  "state/*.json",
  # "x" = 1
  "more/**",
]
"except" = []

[merge]
author = """a
b = 1""" # never mind
totals = { file = "state/stats.json", adds = { total_posts = "posts_created" } }

[[counts]]
file = "README.md"
pattern = '([0-9]+) lessons'
files = "memory/lessons/*.md"

[[counts]]
file = "x.json"
pointer = "/n"
files = "y/*"

  [messages]
  prefix = false
'''


def _keys(schema: dict[str, Any], above: str = "") -> set[str]:
    """The keys of the schema that hold values: tables by what is in them."""
    found = set()
    for key, below in schema["properties"].items():
        inner = _keys(below, f"{above}{key}.") if "properties" in below else set()
        found |= inner or {f"{above}{key}"}
    return found


def test_every_key_of_the_schema_is_shown() -> None:
    """What config shows is what guard.toml may say, key for key."""
    schema = json.loads((ROOT / "schemas/policy.schema.json").read_text(encoding="utf-8"))
    assert set(values_of(Policy())) == _keys(schema)
    json.dumps(values_of(Policy()))


def test_every_spelling_of_a_key_has_its_line() -> None:
    """Dotted keys, quoted ones, inline tables, arrays over several lines, texts that look like keys, arrays of
    tables: each key path has the line on which it is first stated, and no line is made up."""
    found = lines_of(TOML)
    wanted = {
        "repository.branch": "repository.branch",
        "canonical": "[canonical]",
        "canonical.paths": "paths",
        "canonical.except": '"except"',
        "merge.author": "author",
        "merge.totals.file": "totals",
        "merge.totals.adds.total_posts": "totals",
        "counts": "[[counts]]",
        "counts.files": "files",
        "messages.prefix": "  prefix",
    }
    lines = TOML.split("\n")
    for key, start in wanted.items():
        assert lines[found[key] - 1].startswith(start), key
    assert "merge.b" not in found
    assert "one" not in found
    assert found["counts"] == lines.index("[[counts]]") + 1
    assert tomllib.loads(TOML)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_config_tells_values_and_origins(lab: Lab, ending: str) -> None:
    """A committed guard.toml counts, with its lines; the rest are defaults; the same in --json and in the table."""
    here = lab.lone(adopt=False)
    text = ending.join(["[messages]", "prefix = false", "", "[deletions]", "files = 5", ""])
    lab.commit(here, {"guard.toml": text})
    told = lab.guard(here, "config", "--json").json
    values = {each["key"]: each for each in told["values"]}
    assert values["messages.prefix"] == {
        "key": "messages.prefix",
        "value": False,
        "from": "guard.toml:2",
        "line": 2,
    }
    assert (values["deletions.files"]["value"], values["deletions.files"]["line"]) == (5, 5)
    assert values["repository.branch"] == {"key": "repository.branch", "value": "main", "from": "default", "line": None}
    wanted = json.loads(json.dumps(values_of(parse(text.encode()))))
    assert {key: each["value"] for key, each in values.items()} == wanted
    said = lab.guard(here, "config").out
    for key in values:
        assert key in said
    assert "guard.toml:5" in said


def test_what_is_not_committed_does_not_count(lab: Lab) -> None:
    """An edit of guard.toml that is not committed is mentioned and not shown as counting; in a repository without one,
    or without commits, or bare, the defaults are shown."""
    here = lab.lone(adopt=False)
    assert "all defaults" in lab.guard(here, "config").out
    lab.write(here, {"guard.toml": "[messages]\nprefix = 5\n"})
    said = lab.guard(here, "config")
    assert "what is committed counts" in said.err
    assert "messages.prefix" in said.err
    assert "guard.toml:" not in said.out
    empty = lab.root / "empty"
    lab.git(lab.root, "init", "-q", str(empty))
    assert "all defaults" in lab.guard(empty, "config").out
    lab.git(lab.root, "clone", "-q", "--bare", str(here), str(lab.root / "bare.git"))
    assert "all defaults" in lab.guard(lab.root / "bare.git", "config").out


def test_a_policy_that_cannot_be_used_is_exit_2(lab: Lab) -> None:
    """A committed guard.toml with a mistake is told with its key path."""
    here = lab.lone(adopt=False)
    lab.commit(here, {"guard.toml": "[messages]\nprefx = false\n"})
    assert "messages.prefx" in lab.guard(here, "config", code=2).err
