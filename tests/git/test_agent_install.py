"""`guard agent install` and `uninstall`: other people's configurations, extended and given back as they were."""

import json
from pathlib import Path

import pytest
from walks.hooked import guarded
from walks.lab import Lab

from guard.agents import jsontext
from guard.agents.entry import MARK
from guard.agents.tools import NAMES, tool

SETTINGS = {
    "two spaces": '{\n  "model": "x",\n  "hooks": {\n    "PreToolUse": [\n      {\n        "matcher": "Bash",\n'
    '        "hooks": [{"type": "command", "command": "./mine.sh"}]\n      }\n    ]\n  },\n  "last": 1e3\n}\n',
    "tabs, no final newline": '{\n\t"permissions": {"allow": ["Bash(ls:*)"]},\n\t"z": "caf\u00e9 \\u2014"\n}',
    "CRLF": '{\r\n    "a": [1,\r\n      2],\r\n    "hooks": {\r\n        "Stop": [\r\n            {"hooks": []}\r\n'
    '        ]\r\n    }\r\n}\r\n',
    "one line": '{"env": {"A": "1"}, "hooks": {"PreToolUse": [{"matcher": "Write", "hooks": []}]}}',
    "odd layout": '{ "a":1 ,\n"b" : [ ],\n\n   "hooks" : { "SessionStart":[ {"hooks":[]} ] } }\n\n',
}  # fmt: skip


def _text(here: Path, path: str) -> str:
    return (here / path).read_bytes().decode()


def _tree(here: Path) -> dict[str, bytes]:
    files = (path for path in here.rglob("*") if path.is_file() and ".git/" not in f"{path}/")
    return {path.relative_to(here).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", [*NAMES, "all"])
def test_installed_twice_and_taken_away(lab: Lab, name: str) -> None:
    """A second install writes nothing, and uninstall leaves the work tree as it was."""
    here = guarded(lab)
    before = _tree(here)
    said = lab.guard(here, "agent", "install", name, "--json").json
    files = {tool(each).FILE for each in said["tools"]} | {"AGENTS.md"}
    assert set(said["written"]) == files
    assert set(_tree(here)) - set(before) == files
    for path in files - {"AGENTS.md"}:
        assert MARK in json.dumps(json.loads(_text(here, path)))
    after = _tree(here)
    assert lab.guard(here, "agent", "install", name, "--json").json["written"] == []
    assert _tree(here) == after
    lab.guard(here, "agent", "uninstall")
    assert _tree(here) == before
    assert "no tool has" in lab.guard(here, "agent", "uninstall").out


@pytest.mark.parametrize("text", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", ["claude", "gemini"])
def test_what_others_wrote_stays(lab: Lab, name: str, text: str) -> None:
    """Their keys, their order, their bytes: what is added stands beside them, and goes again without a trace."""
    here = guarded(lab)
    path = tool(name).FILE
    lab.write(here, {path: text, "AGENTS.md": "# Ours\n\nBe kind.\n"})
    lab.guard(here, "agent", "install", name)
    now = _text(here, path)
    old, new = json.loads(text), json.loads(now)
    hooks = new.pop("hooks")
    theirs = old.pop("hooks", {})
    assert list(new.items()) == list(old.items())
    assert {event: [each for each in entries if MARK not in json.dumps(each)] for event, entries in hooks.items()
            if event in theirs} == theirs  # fmt: skip
    ours = [(event, each) for event, entries in hooks.items() for each in entries if MARK in json.dumps(each)]
    assert sorted(event for event, _ in ours) == sorted(event for event, _ in tool(name).entries())
    assert _text(here, "AGENTS.md").startswith("# Ours\n\nBe kind.\n\n<!-- BEGIN guard -->\n")
    lab.guard(here, "agent", "uninstall", name)
    assert _text(here, path) == text
    assert _text(here, "AGENTS.md") == "# Ours\n\nBe kind.\n"


def test_an_older_entry_is_replaced(lab: Lab) -> None:
    """An entry of another version of guard is not left beside the new one; the block on the page neither."""
    here = guarded(lab)
    lab.guard(here, "agent", "install", "claude")
    path, page = tool("claude").FILE, _text(here, "AGENTS.md")
    now = _text(here, path)
    lab.write(here, {path: now.replace('"timeout": 30', '"timeout": 5').replace("cd ", "cd  ")})
    lab.write(here, {"AGENTS.md": page.replace("guard orient", "guard look") + "\nOurs.\n"})
    lab.guard(here, "agent", "install", "claude")
    assert _text(here, path) == now
    assert _text(here, "AGENTS.md") == page + "\nOurs.\n"


BROKEN = {
    "half a file": '{"hooks": {"PreToolUse": [', "comments": '{\n  // mine\n  "a": 1\n}\n', "a list": "[]",
    "a key twice": '{"a": 1, "a": 2}', "hooks no object": '{"hooks": []}', "event no list": '{"hooks": {"Stop": {}}}',
    "conflict": "<<<<<<< a\n{}\n=======\n{}\n>>>>>>> b\n", "deep": "[" * 5000 + "]" * 5000,
    "hooks null": '{"hooks": null}', "NUL": "\0",
}  # fmt: skip


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_not_touched(lab: Lab, text: str) -> None:
    """A configuration that is no JSON, or laid out otherwise: exit 2, and not one file of any tool is written."""
    here = guarded(lab)
    lab.write(here, {tool("cursor").FILE: text})
    before = _tree(here)
    said = lab.guard(here, "agent", "install", "all", code=2)
    assert ".cursor/hooks.json cannot be extended" in said.err
    assert "guard agent install cursor" in said.err
    assert _tree(here) == before


def test_not_utf8_and_links(lab: Lab) -> None:
    """Bytes that are no text are exit 2; a configuration that is a link stays one, and what it leads to is written."""
    here = guarded(lab)
    lab.write(here, {tool("claude").FILE: b'{"a": "\xff"}', "shared.json": "{}\n"})
    assert "not UTF-8" in lab.guard(here, "agent", "install", "claude", code=2).err
    (here / tool("claude").FILE).unlink()
    (here / tool("claude").FILE).symlink_to(here / "shared.json")
    lab.guard(here, "agent", "install", "claude")
    assert (here / tool("claude").FILE).is_symlink()
    assert MARK in _text(here, "shared.json")


def test_which_tools(lab: Lab) -> None:
    """Without a name: the tools whose folder or program is here; with an unknown one, exit 2 and the names."""
    here = guarded(lab)
    bare = {"PATH": "/usr/bin:/bin"}
    said = lab.guard(here, "agent", "install", code=2, env=bare)
    assert "claude, codex, gemini, cursor, copilot" in said.err
    (here / ".gemini").mkdir()
    (here / "bin").mkdir()
    (here / "bin/codex").write_text("#!/bin/sh\n")
    (here / "bin/codex").chmod(0o755)
    path = {"PATH": f"{here}/bin:/usr/bin:/bin"}
    assert lab.guard(here, "agent", "install", "--json", env=path).json["tools"] == ["codex", "gemini"]
    assert "no hooks for a tool called vim" in lab.guard(here, "agent", "install", "claude", "vim", code=2).err
    assert not (here / tool("claude").FILE).exists()


def test_one_tool_of_two_is_taken_away(lab: Lab) -> None:
    """The page stays as long as another tool's hooks do."""
    here = guarded(lab)
    lab.guard(here, "agent", "install", "claude", "codex")
    lab.guard(here, "agent", "uninstall", "claude")
    assert not (here / tool("claude").FILE).exists()
    assert MARK in _text(here, tool("codex").FILE)
    assert "BEGIN guard" in _text(here, "AGENTS.md")


def test_in_a_linked_worktree_and_in_a_bare_repository(lab: Lab) -> None:
    """The files are the work tree's own; where there is none, exit 2."""
    here = guarded(lab)
    tree = lab.root / "tree"
    lab.git(here, "worktree", "add", "-q", "-b", "tree", str(tree))
    (tree / "sub").mkdir()
    lab.guard(tree / "sub", "agent", "install", "claude")
    assert (tree / tool("claude").FILE).exists()
    assert not (here / tool("claude").FILE).exists()
    bare = lab.root / "bare.git"
    lab.git(lab.root, "init", "-q", "--bare", str(bare))
    assert "bare" in lab.guard(bare, "agent", "install", "claude", code=2).err


def test_the_launcher_goes_with_guard(lab: Lab) -> None:
    """`guard uninstall` takes away what the tools start; their configurations then let everything pass."""
    here = guarded(lab)
    launcher = here / ".git/guard/hooks/guard-agent"
    assert launcher.exists()
    lab.guard(here, "uninstall")
    assert not launcher.exists()
    lab.guard(here, "agent", "install", "claude")
    assert launcher.exists()


@pytest.mark.parametrize(
    "text", ["{}", "[1]", ' {"a": [1, {"b": "\\"}"}], "c": -1.5e3 , "d": [ ]}\n', '{"a":{"b":{}}}']
)
def test_places_in_a_text(text: str) -> None:
    """Every value is found where it stands, and is what `json` says it is."""
    root = jsontext.parse(text)
    assert root.value == json.loads(text)
    pending = [root]
    while pending:
        node = pending.pop()
        assert json.loads(text[node.begin : node.end]) == node.value
        pending += node.inner
