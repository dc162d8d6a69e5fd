"""The agents' tools ask guard before they act: by the command in their configurations, in real repositories."""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from walks.hooked import EDITED, STATE_FILE, guarded
from walks.lab import Lab, Said, inbox_file

from guard.agents.tools import NAMES, tool

STASH = "git status && git stash"

SHELL = {
    "claude": {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": STASH}},
    "codex": {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": STASH}},
    "gemini": {"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": {"command": STASH}},
    "cursor": {"hook_event_name": "beforeShellExecution", "command": STASH, "workspace_roots": ["x"]},
    "copilot": {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": STASH}},
}
"""How each tool tells that it is about to run a command."""

OTHERS = [
    ("copilot", {"toolName": "bash", "toolArgs": json.dumps({"command": STASH})}),
    ("copilot", {"toolName": "bash", "toolArgs": {"command": STASH}}),
    ("codex", {"hook_event_name": "PreToolUse", "tool_name": "shell", "tool_input": {"command": ["git", "stash"]}}),
    (
        "codex",
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": ["bash", "-lc", "git stash"]}},
    ),
    ("cursor", {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": STASH}}),
    ("claude", {"hook_event_name": "PreToolUse", "tool_name": "PowerShell", "tool_input": {"command": STASH}}),
]
"""Other spellings of the same, older and newer."""


def _entry(name: str, event: str) -> str:
    """The command of a tool's configuration for an event."""
    found = next(entry for each, entry in tool(name).entries() if each.lower() == event.lower())
    hook: Any = found.get("hooks", [found])[0]
    return str(hook.get("command", hook.get("bash")))


def _event(name: str) -> str:
    return {"gemini": "BeforeTool", "cursor": "beforeShellExecution"}.get(name, "PreToolUse")


def _ask(lab: Lab, where: Path, name: str, told: object, event: str = "", env: dict[str, str] | None = None) -> Said:
    """Run the command of a configuration as the tool does: in a shell, with what it tells on standard input."""
    data = told if isinstance(told, bytes) else json.dumps({"cwd": str(where), **told}).encode()  # type: ignore[dict-item]
    said = lab.run(where, "sh", "-c", _entry(name, event or _event(name)), input=data, env=env)
    assert "Traceback" not in said.all
    return said


def _bash(command: str, **more: Any) -> dict[str, Any]:
    return {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": command}, **more}


def _write(name: str, **given: Any) -> dict[str, Any]:
    return {"hook_event_name": "PreToolUse", "tool_name": name, "tool_input": given}


@pytest.mark.parametrize("name", NAMES)
def test_each_tool_is_answered_as_it_asks(lab: Lab, name: str) -> None:
    """Denied: exit 2, the reason on standard error and in the tool's JSON; passed: exit 0 and not a word."""
    here = guarded(lab)
    denied = _ask(lab, here, name, SHELL[name])
    assert denied.code == 2
    assert "G501" in denied.err
    assert "fix: guard commit" in denied.err
    if name == "cursor":
        assert json.loads(denied.out)["permission"] == "deny"
        assert "guard commit" in json.loads(denied.out)["agent_message"]
    elif name == "copilot":
        assert json.loads(denied.out)["permissionDecision"] == "deny"
        assert "guard commit" in json.loads(denied.out)["permissionDecisionReason"]
    else:
        assert not denied.out
    passed = json.loads(json.dumps(SHELL[name]).replace(STASH, "git status && git stash list"))
    said = _ask(lab, here, name, passed)
    assert said == Said(0, "{}\n" if name == "cursor" else "", "")


@pytest.mark.parametrize(("name", "told"), OTHERS)
def test_other_spellings_of_a_call(lab: Lab, name: str, told: dict[str, Any]) -> None:
    """Names of fields in other letters, input in a string, words instead of a line: it is the same call."""
    assert _ask(lab, guarded(lab), name, told).code == 2


def test_a_repository_that_has_not_adopted_guard_is_left_alone(lab: Lab) -> None:
    """No hook, no policy: whatever is told there, nothing is said; nor outside of every repository."""
    here = lab.lone("plain", adopt=False)
    guard_there = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    nowhere = lab.root / "nowhere"
    nowhere.mkdir()
    for where in (here, nowhere):
        for told in (_bash("git stash"), _bash("git add -A; cd sub"), _write("Write", file_path="state/agents.json")):
            for env in ({}, guard_there):
                assert _ask(lab, where, "claude", told, env=env) == Said(0, "", "")
        for event in ("SessionStart", "SessionEnd"):
            assert _ask(lab, where, "claude", {"hook_event_name": event}, event, guard_there) == Said(0, "", "")


def test_where_guard_is_not_installed(lab: Lab) -> None:
    """A clone with the configurations and without guard: everything passes, silently, in every tool's terms; with
    `guard-hook` on PATH it judges there too."""
    here = lab.lone()
    for name in NAMES:
        said = _ask(lab, here, name, SHELL[name], env={"PATH": "/usr/bin:/bin"})
        assert said == Said(0, "{}\n" if name == "cursor" else "", "")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        assert _ask(lab, here, name, SHELL[name], env={"PATH": path}).code == 2


def test_where_the_interpreter_is_gone(lab: Lab) -> None:
    """The launcher names a Python that is not there any more, or that has no guard any more: nobody is locked out."""
    here = guarded(lab)
    run = here / ".git/guard/hooks/guard-run.py"
    was = run.read_text()
    run.write_text(was.replace("sys.path[:0] = [", "sys.path[:0] = [] and ["))
    assert _ask(lab, here, "claude", _bash("ls"), env={"PATH": "/usr/bin:/bin"}) == Said(0, "", "")
    run.write_text(was)
    launcher = here / ".git/guard/hooks/guard-agent"
    launcher.write_text(launcher.read_text().replace(sys.executable, "/gone/python"))
    assert _ask(lab, here, "claude", _bash("ls"), env={"PATH": "/usr/bin:/bin"}) == Said(0, "", "")


def test_elsewhere_and_back(lab: Lab) -> None:
    """What counts is the repository that a command works in, not the one in which the agent sits."""
    here, other = guarded(lab), lab.lone("other", adopt=False)
    tree = lab.root / "a tree"
    lab.git(here, "worktree", "add", "-q", "-b", "tree", str(tree))
    assert _ask(lab, here, "claude", _bash(f"git -C '{other}' stash")).code == 0
    assert _ask(lab, here, "claude", _bash(f"cd '{other}' && git add -A && git stash")).code == 0
    assert _ask(lab, tree, "claude", _bash("git stash")).code == 2
    (tree / "sub").mkdir()
    assert _ask(lab, tree / "sub", "claude", _bash("git add ..")).code == 2
    assert _ask(lab, other, "claude", _bash(f"git -C '{here}' stash"), env={"CLAUDE_PROJECT_DIR": str(here)}).code == 2
    there = {"CLAUDE_PROJECT_DIR": str(here)}
    assert _ask(lab, lab.root, "claude", _bash(f"cd '{here}'; git stash"), env=there).code == 2
    assert _ask(lab, lab.root, "claude", _bash("git stash"), env=there).code == 0


def test_files_that_are_written(lab: Lab) -> None:
    """Canonical state, committed deltas and what only grows: the tool is refused what the commit would be."""
    here = guarded(lab)
    notes, delta = "tasks/NEXT.md", "state/stream_deltas/frame-1-s1.json"
    lab.commit(here, {notes: "# Notes\n\n## One\n\nfirst\n", **inbox_file(1, "s1")}, "[S1] notes: one")
    lab.guard(here, "install")

    def code(name: str, **given: Any) -> tuple[int, str]:
        said = _ask(lab, here, "claude", _write(name, **given))
        return said.code, said.err.partition(" ")[2][:4]

    assert code("Write", file_path=str(here / STATE_FILE), content=EDITED) == (2, "G101")
    assert code("Edit", file_path=STATE_FILE, old_string="a", new_string="b") == (2, "G101")
    assert code("Write", file_path="state/../state//agents.json", content="{}") == (2, "G101")
    assert code("Write", file_path="state/frames/000/frame-1.json", content="{}") == (2, "G101")
    assert code("Write", file_path=delta, content="{}") == (2, "G103")
    assert code("Write", file_path=delta.replace("s1", "s2"), content="{}") == (0, "")
    assert code("Write", file_path=notes, content="# Notes\n") == (2, "G104")
    assert code("Edit", file_path=notes, old_string="first", new_string="second") == (2, "G104")
    assert code("Edit", file_path=notes, old_string="## One", new_string="## Two\n\nmore\n\n## One") == (0, "")
    edits = [{"old_string": "first", "new_string": "second"}]
    assert code("MultiEdit", file_path=notes, edits=edits) == (2, "G104")
    assert code("Write", file_path="src/a.py", content="git stash\n") == (0, "")
    assert code("Write", file_path="state/stream_assignments.json", content="{}") == (0, "")
    assert code("Read", file_path=STATE_FILE) == (0, "")
    assert code("str_replace_editor", command="view", path=STATE_FILE) == (0, "")
    assert code("str_replace_editor", command="create", path=STATE_FILE, file_text="{}") == (2, "G101")
    patch = f"*** Begin Patch\n*** Update File: {STATE_FILE}\n@@\n-a\n+b\n*** End Patch\n"
    assert code("apply_patch", command=patch) == (2, "G101")
    assert code("apply_patch", command=patch.replace(STATE_FILE, "src/a.py")) == (0, "")
    assert code("Bash", command=f"echo '{{}}' > {STATE_FILE}") == (2, "G101")
    (here / "link").symlink_to(here / "state")
    assert code("Write", file_path="link/agents.json", content="{}") == (2, "G101")


def test_without_a_baseline_state_is_free(lab: Lab) -> None:
    """A repository that has a policy and no baseline protects no state yet; every other rule judges."""
    here = lab.lone(adopt=False)
    lab.commit(here, {"guard.toml": "[repository]\nbranch = 'main'\n"})
    lab.guard(here, "install")
    assert _ask(lab, here, "claude", _write("Write", file_path=STATE_FILE, content="{}")).code == 0
    assert _ask(lab, here, "claude", _bash("git stash")).code == 2


HOSTILE = {
    "nothing": b"", "no JSON": b"git stash", "half of it": b'{"hook_event_name": "PreToo', "a list": b"[1, 2]",
    "a number": b"7", "NUL": b"\0\0\0", "not UTF-8": b'{"a": "\xff\xfe"}',
    "no tool": b'{"hook_event_name":"PreToolUse"}',
    "odd types": b'{"hook_event_name": 7, "tool_name": [], "tool_input": 3, "cwd": {}}',
    "odd input": b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": 7}}',
    "another event": b'{"hook_event_name": "Notification", "message": "git stash"}',
    "twice": b'{"hook_event_name": "PreToolUse", "a": 1, "a": 2}', "NaN": b'{"hook_event_name": NaN}',
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_understood_passes(lab: Lab, data: bytes) -> None:
    """A tool that changes its protocol stops nobody's work: exit 0, at most a word on standard error."""
    here = guarded(lab)
    for name in ("claude", "cursor"):
        said = _ask(lab, here, name, data)
        assert said.code == 0
        assert said.out == ("{}\n" if name == "cursor" else "")


def test_hostile_calls_are_judged_or_refused(lab: Lab) -> None:
    """Megabytes, deep nesting, NUL and lone surrogates: never a crash, and what is understood and cannot be judged is
    refused."""
    here = guarded(lab)
    long = _bash("echo " + "x" * 10_000_000 + "; git stash")
    assert _ask(lab, here, "claude", long).code == 2
    assert _ask(lab, here, "claude", _bash("echo " + "x" * 10_000_000)).code == 0
    assert _ask(lab, here, "claude", _bash("git status\0; git stash")).code == 2
    assert _ask(lab, here, "claude", _bash("echo \ud800; git stash")).code == 2
    assert _ask(lab, here, "claude", _bash("git stash", extra="\ud800")).code == 2
    assert _ask(lab, here, "claude", _bash("(" * 3000 + "git stash" + ")" * 3000)).code == 2
    nested = "git stash"
    for _ in range(7):
        nested = f"bash -c {shlex.quote(nested)}"
        assert _ask(lab, here, "claude", _bash(nested)).code == 2
    assert _ask(lab, here, "claude", b'{"a":' * 100_000 + b"1" + b"}" * 100_000).code == 2
    written = b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"\\u0067it st\\u0061sh"}}'
    assert _ask(lab, here, "claude", written).code == 2
    assert _ask(lab, here, "claude", b"\xef\xbb\xbf" + written).code in (0, 2)
    twice = b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls","command":"git stash"}}'
    assert _ask(lab, here, "claude", twice).code == 2


def test_what_cannot_be_judged_is_refused(lab: Lab) -> None:
    """A broken repository: what is harmless passes still; what would have to be judged is refused, with a fix."""
    here = guarded(lab)
    (here / ".git/guard/watch").unlink()
    (here / ".git/config").write_text("[broken\n")
    assert _ask(lab, here, "claude", _bash("ls -l")).code == 0
    said = _ask(lab, here, "claude", _bash("git unknown-thing"), env={"PATH": os.environ["PATH"]})
    assert said.code in (0, 2)  # git itself may not even say where the launcher is
    assert "Traceback" not in said.all


def test_aliases_of_the_repository(lab: Lab) -> None:
    """An alias is what it stands for, also through another one, a shell, or one that the user has everywhere."""
    here = guarded(lab)
    lab.git(here, "config", "alias.park", "stash")
    lab.git(here, "config", "alias.p2", "!git park -u")
    lab.git(here, "config", "alias.loop", "loop")
    for line in ("git park", "git p2", "git -C . park"):
        assert _ask(lab, here, "claude", _bash(line)).code == 2
    assert _ask(lab, here, "claude", _bash("git loop")).code == 0


def test_the_state_branch_is_the_policys(lab: Lab) -> None:
    """Which branch may not be forced is said by guard.toml, and what is checked out by HEAD."""
    here = lab.lone(adopt=False)
    lab.adopt(here, "[repository]\nbranch = 'trunk'\n")
    lab.guard(here, "install")
    assert _ask(lab, here, "claude", _bash("git push -f origin trunk")).code == 2
    assert _ask(lab, here, "claude", _bash("git push -f origin main")).code == 0
    assert _ask(lab, here, "claude", _bash("git push --force")).code == 0
    lab.git(here, "checkout", "-q", "-b", "trunk")
    assert _ask(lab, here, "claude", _bash("git push --force")).code == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_session_begins_with_orient_and_ends_with_its_claims(lab: Lab, name: str) -> None:
    """The start is context for the agent; the end names lanes that are open still, and is silent without one."""
    [here] = lab.fleet("one")
    lab.guard(here, "install")
    start, end = ("sessionStart", "sessionEnd") if name == "cursor" else ("SessionStart", "SessionEnd")
    end = "Stop" if name == "codex" else end
    said = _ask(lab, here, name, {"hook_event_name": start, "source": "startup"}, start)
    assert said.code == 0
    told = json.loads(said.out)
    text = told.get("additionalContext") or told.get("additional_context")
    text = text or told["hookSpecificOutput"]["additionalContext"]
    assert "no lane is open" in text
    assert "next: guard start" in text
    assert _ask(lab, here, name, {"hook_event_name": end}, end).err == ""
    lab.guard(here, "start")
    lab.guard(here, "claim", "docks", "--scope", "src/docks")
    said = _ask(lab, here, name, {"hook_event_name": end, "reason": "exit"}, end)
    assert said.code == 0
    assert "still holds docks" in said.err
    assert "guard handoff" in said.err
    if name in ("claude", "codex", "gemini"):
        assert "docks" in json.loads(said.out)["systemMessage"]
    lab.guard(here, "release", "docks")
    assert "docks" not in _ask(lab, here, name, {"hook_event_name": end}, end).all


def test_nothing_is_touched_by_asking(lab: Lab) -> None:
    """A refusal, a pass and a session's start leave files, index and refs as they were."""
    here = guarded(lab)
    lab.write(here, {"README.md": "changed\n", "new.txt": "new\n"})
    before = lab.picture(here)
    for told in (_bash("git stash"), _bash("git add -A"), _bash("git status"), _write("Write", file_path=STATE_FILE)):
        _ask(lab, here, "claude", told)
    assert lab.picture(here) == before


PASSES = (
    *("ls -la", "git status", "git add a.py && git commit -m 'x: y' a.py", "npm test | tail", "echo $HOME > /dev/null"),
    *("cd src; make", "git push origin HEAD:main"),
)


@pytest.mark.parametrize("line", PASSES)
def test_what_passes_loads_nothing(lab: Lab, line: str) -> None:
    """The common case is decided with what a bare Python has at hand: no json, re, pathlib, no parser, no git."""
    here = guarded(lab)
    (here / "src").mkdir()
    code = (here / ".git/guard/hooks/guard-run.py").read_text().replace("\nmain()\n", "")
    code += (
        "from guard.hooks import run\ncode = run(['agent', 'claude'])\nprint(*sorted(sys.modules))\nsys.exit(code)\n"
    )
    told = json.dumps(_bash(line, cwd=str(here))).encode()
    done = lab.run(here, sys.executable, "-I", "-S", "-c", code, input=told, env={"PATH": "/nowhere"})
    assert done.code == 0, done
    loaded = set(done.out.split())
    assert "guard.hooks.agent" in loaded
    assert not loaded & {"json", "re", "pathlib", "subprocess", "tree_sitter", "dataclasses", "typing", "guard.git",
                         "guard.policy", "enum", "collections", "functools"}  # fmt: skip


def test_the_doors_are_one(lab: Lab) -> None:
    """`guard agent hook TOOL` and `guard-hook agent TOOL` say the same."""
    here = guarded(lab)
    data = json.dumps({"cwd": str(here), **_bash("git stash")}).encode()
    guard = (sys.executable, "-c", "from guard.cli import main; main()")
    one = lab.run(here, *guard, "agent", "hook", "claude", input=data)
    other = lab.run(here, sys.executable, "-c", "from guard.hooks import main; main()", "agent", "claude", input=data)
    assert (one.code, one.err) == (other.code, other.err) == (2, one.err)
