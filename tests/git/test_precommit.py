"""The pre-commit framework, and prek, with guard's hooks: the real tools, real commits, real pushes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from walks.lab import ROOT, STATE, Lab, inbox_file, name_of

from guard.adoption import framework_file
from guard.errors import GuardError
from guard.judge import rules

BIN = Path(sys.executable).parent
TOOLS = [
    pytest.param(name, marks=pytest.mark.skipif(not (BIN / name).exists(), reason=f"{name} is not installed here"))
    for name in ("pre-commit", "prek")
]


def _manifest() -> list[dict[str, str]]:
    """The hooks of .pre-commit-hooks.yaml, key by key as they are spelled: the file is plain enough for that."""
    hooks: list[dict[str, str]] = []
    for line in (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").splitlines():
        match = re.match(r"(-   |    )([a-z_]+): (.*?)(  # .*)?$", line)
        if match:
            if match[1] == "-   ":
                hooks.append({})
            hooks[-1][match[2]] = match[3]
    return hooks


@pytest.fixture
def framework(lab: Lab) -> Lab:
    """A laboratory where the framework and `guard-hook` are on PATH and the framework's caches are its own."""
    lab.env |= {
        "PATH": f"{BIN}{os.pathsep}{lab.env['PATH']}",
        "PRE_COMMIT_HOME": str(lab.root / "pre-commit-home"),
        "PREK_HOME": str(lab.root / "prek-home"),
        "XDG_CACHE_HOME": str(lab.root / "cache"),
        "PYTHONSAFEPATH": "1",  # else an entry point would not find the guard under test
    }
    return lab


def _set_up(lab: Lab, tool: str, here: Path, more: str = "") -> None:
    """The configuration that `guard init --pre-commit` writes, committed, and a bare `install` by the tool."""
    lab.write(here, {".pre-commit-config.yaml": framework_file.extended(more or None)})
    lab.git(here, "add", ".pre-commit-config.yaml")
    lab.git(here, "commit", "-q", "-m", "[S1] hooks: ours")
    said = lab.run(here, tool, "install")
    assert said.code == 0, said
    for name in framework_file.TYPES:
        assert (here / ".git/hooks" / name).exists(), (name, said)


def _commit(lab: Lab, here: Path, message: str = "[S1] work: a file", *words: str) -> "tuple[int, str]":
    done = lab.run(here, "git", "commit", "-m", message, *words)
    return done.code, done.all


# --- the manifest ----------------------------------------------------------------------------------------------


def test_the_manifest_runs_the_hooks_that_there_are() -> None:
    """Every id says its stages, runs always, alone and without trusting file names, and needs a framework that knows
    the stages."""
    hooks = _manifest()
    assert {hook["id"] for hook in hooks} >= {
        *("guard", "guard-commit-msg", "guard-prepare-commit-msg", "guard-pre-push", "guard-pre-rebase")
    }
    for hook in hooks:
        words = hook["entry"].split()
        assert words[0] == "guard-hook"
        assert words[1] in framework_file.TYPES
        message = words[1] in ("commit-msg", "prepare-commit-msg")
        assert hook.get("pass_filenames") == (None if message else "false"), hook
        assert (hook["language"], hook["always_run"], hook["require_serial"]) == ("python", "true", "true")
        assert hook["minimum_pre_commit_version"] == "'3.2.0'"
        assert words[1] in hook["stages"]


def test_every_rule_that_can_judge_alone_has_an_id() -> None:
    """A single-rule id for each rule that looks at staged files; G108 compares with all others, and G201 needs git's
    own hooks to see how the index was written."""
    ids = {hook["id"]: hook["entry"] for hook in _manifest()}
    alone = {rule.name: rule.code for rule in rules() if rule.part == "content" and rule.code not in ("G108", "G201")}
    for name, code in alone.items():
        assert ids[f"guard-{name}"] == f"guard-hook pre-commit --rule {code}"
    assert {entry.split()[-1] for entry in ids.values() if "--rule" in entry} == set(alone.values())


@pytest.mark.parametrize("words", [["--rule"], ["--rule", "G999"], ["--rule", "G401"], ["README.md"]])
def test_a_rule_that_is_not_there_is_no_pass(framework: Lab, words: list[str]) -> None:
    """An unknown code, one that judges something else, or a file name where none belongs: exit 2."""
    here = framework.lone()
    said = framework.run(here, "guard-hook", "pre-commit", *words)
    assert said.code == 2, said
    assert "fix: guard-hook pre-commit --rule G101" in said.err


# --- try-repo: the one environment that is really built --------------------------------------------------------


def test_try_repo_builds_this_checkout_and_judges(framework: Lab) -> None:
    """`pre-commit try-repo` makes an environment of this checkout; all ids but the message's judge what is staged."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    source = framework.root / "source"
    for name in ("guard", "merge", "schemas"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, source / name)
    framework.git(source, "init", "-q")
    framework.git(source, "add", "--all")
    framework.git(source, "commit", "-q", "-m", "guard")
    here = framework.lone()
    framework.write(here, {"state/agents.json": "{}\n"})
    framework.git(here, "add", "state/agents.json")
    env = {"PIP_CACHE_DIR": str(framework.root / "pip"), "PYTHONPATH": "", "HOME": os.environ.get("HOME", "")}
    said = framework.run(here, "pre-commit", "try-repo", str(source), "--hook-stage", "manual", env=env)
    if said.code != 0 and re.search(r"No matching distribution|NewConnectionError|Failed to establish", said.all):
        pytest.skip("what guard needs cannot be fetched here, so no environment can be built")
    assert said.code == 1, said
    assert "state/agents.json:1: G101 canonical-write" in said.out, said
    ids = [hook["id"] for hook in _manifest() if "manual" in hook["stages"]]
    failed = re.findall(r"Failed\n- hook id: (\S+)", said.out)
    assert failed == [name for name in ids if name in ("guard", "guard-canonical-write", "guard-state-shrink")], said


# --- commits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_commits_are_judged_and_passed(framework: Lab, tool: str) -> None:
    """Canonical writes, staged deletions, messages without prefix and `commit -a` are refused, index and tree as they
    were; an ordinary commit passes; what is let pass is recorded."""
    here = framework.lone()
    _set_up(framework, tool, here)
    framework.write(here, {"state/agents.json": "{}\n"})
    framework.git(here, "add", "state/agents.json")
    before = framework.picture(here)
    code, said = _commit(framework, here)
    assert (code, "G101 canonical-write" in said, "G107 state-shrink" in said) == (1, True, True), said
    assert framework.picture(here) == before
    assert framework.run(here, tool, "run").code == 1
    framework.git(here, "restore", "--staged", "--worktree", "state/agents.json")

    framework.git(here, "rm", "-q", "--cached", "state/agents.json")  # the framework hands on no name for a deletion
    before = framework.picture(here)
    code, said = _commit(framework, here)
    assert (code, "G101 canonical-write" in said) == (1, True), said
    assert framework.picture(here) == before
    framework.git(here, "restore", "--staged", "state/agents.json")

    framework.write(here, {"notes.txt": "one\n"})
    framework.git(here, "add", "notes.txt")
    code, said = _commit(framework, here, "a file")
    assert (code, "G401 unprefixed-message" in said) == (1, True), said
    code, said = _commit(framework, here)
    assert code == 0, said
    framework.write(here, {"notes.txt": "two\n"})
    code, said = _commit(framework, here, "[S1] notes: two", "-a")
    assert (code, "G201 bulk-add" in said) == (1, True), said
    env = {"GUARD_ALLOW": "G201 all of it is mine"}
    done = framework.run(here, "git", "commit", "-a", "-m", "[S1] notes: two", env=env)
    assert done.code == 0, done
    assert "Guard-Allow: G201 all of it is mine" in framework.git(here, "log", "-1", "--format=%B")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_linked_worktree_is_judged_too(framework: Lab, tool: str) -> None:
    """In a linked worktree, where git tells hooks other paths, the framework's guard judges that worktree's index."""
    here = framework.lone()
    _set_up(framework, tool, here)
    there = framework.root / "linked tree"
    framework.git(here, "worktree", "add", "-q", "-b", "other", str(there))
    framework.write(there, {"state/agents.json": "{}\n", "x.txt": "x\n"})
    framework.git(there, "add", "state/agents.json")
    code, said = _commit(framework, there)
    assert (code, "G101" in said) == (1, True), said
    framework.git(there, "restore", "--staged", "state/agents.json")
    framework.git(there, "add", "x.txt")
    assert _commit(framework, there)[0] == 0


@pytest.mark.parametrize("tool", TOOLS)
def test_merge_commits_are_judged(framework: Lab, tool: str) -> None:
    """A merge that carries a canonical edit of a branch is refused at pre-merge-commit; a clean one passes."""
    here = framework.lone()
    _set_up(framework, tool, here)
    for name, path in (("bad", "state/agents.json"), ("good", "x.txt")):
        framework.git(here, "switch", "-q", "-c", name, "main")
        framework.write(here, {path: "{}\n"})
        framework.git(here, "add", path)
        framework.git(here, "commit", "-q", "--no-verify", "-m", f"[S1] {name}: it")
        framework.git(here, "switch", "-q", "main")
    framework.write(here, {"y.txt": "y\n"})
    framework.git(here, "add", "y.txt")
    assert _commit(framework, here)[0] == 0
    done = framework.run(here, "git", "merge", "--no-edit", "bad")
    assert (done.code != 0, "G101" in done.all or "G107" in done.all) == (True, True), done
    framework.git(here, "merge", "--abort", code=None)
    framework.git(here, "reset", "-q", "--merge")
    done = framework.run(here, "git", "merge", "--no-edit", "good")
    assert done.code == 0, done


# --- what the framework does to edits that are not staged ------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_parked_edits_of_shared_files_are_named_once(framework: Lab, tool: str) -> None:
    """With unstaged edits of a canonical or append-only file, one warning a commit names it and `guard install`; with
    unstaged edits of other files, or none, there is no warning."""
    here = framework.lone(files={**STATE, "tasks/SWARM-LANES.md": "| lane |\n|---|\n| one |\n"})
    extra = "repos:\n-   repo: local\n    hooks:\n    -   {id: more, name: more, language: system, always_run: true,"
    extra += " pass_filenames: false, verbose: true, entry: guard-hook pre-commit --rule G101}\n"
    _set_up(framework, tool, here, extra)
    framework.write(here, {"README.md": "mine\n"})
    for number, (path, warned) in enumerate(
        (("state/agents.json", 1), ("tasks/SWARM-LANES.md", 1), (name_of(1, "s"), 0), ("", 0))
    ):
        if path:
            text = (here / path).read_text() if (here / path).exists() else ""
            framework.write(here, {path: text + "| two |\n"})
        framework.write(here, {"x.txt": f"{number}\n"})
        framework.git(here, "add", "x.txt")
        before = (here / path).read_text() if path else ""
        code, said = _commit(framework, here)
        assert code == 0, said
        assert said.count("has taken unstaged edits out of the tree") == warned, said
        assert ("guard install" in said) == bool(warned)
        if path:
            assert (here / path).read_text() == before
            framework.git(here, "checkout", "-q", "--", path, code=None)


# --- pushes ----------------------------------------------------------------------------------------------------


def _pushing(framework: Lab, tool: str) -> Path:
    """A clone with the framework, and branches `good` and `bad` that the hub lacks."""
    (here,) = framework.fleet("one")
    _set_up(framework, tool, here)
    framework.git(here, "push", "-q", "--no-verify", "origin", "main")
    for name, path in (("a-good", "x.txt"), ("bad", "state/agents.json")):
        framework.git(here, "switch", "-q", "-c", name, "main")
        framework.write(here, {path: "{}\n"})
        framework.git(here, "add", path)
        framework.git(here, "commit", "-q", "--no-verify", "-m", f"[S1] {name}: it")
    framework.git(here, "switch", "-q", "main")
    return here


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "words",
    [
        ["bad"],
        ["a-good", "bad"],
        ["bad:refs/heads/new"],
        ["--all"],
        ["refs/heads/*:refs/heads/copy/*"],
        ["-q", "a-good", "bad"],
    ],
    ids=" ".join,
)
def test_every_ref_of_a_push_is_judged(framework: Lab, tool: str, words: list[str]) -> None:
    """Whatever the place of the bad branch among the refs of a push, nothing arrives, and the commit is named."""
    here = _pushing(framework, tool)
    bad = framework.rev(here, "bad")
    before = framework.refs(framework.hub, "refs/heads")
    options = [word for word in words if word.startswith("-")]
    refs = [word for word in words if not word.startswith("-")]
    done = framework.run(here, "git", "push", *options, "origin", *refs)
    assert done.code != 0, done
    assert "G101 canonical-write" in done.all, done
    assert bad[:12] in done.all
    assert framework.refs(framework.hub, "refs/heads") == before


@pytest.mark.parametrize("tool", TOOLS)
def test_good_pushes_pass_and_new_histories_are_judged(framework: Lab, tool: str) -> None:
    """A good branch, two good ones, a deletion and a tag pass; a history that is new from its root on is judged too."""
    here = _pushing(framework, tool)
    framework.git(here, "branch", "good-2", "a-good")
    framework.git(here, "tag", "v1", "a-good")
    for words in (["a-good"], ["a-good:other", "good-2"], [":other"], ["v1"]):
        done = framework.run(here, "git", "push", "origin", *words)
        assert done.code == 0, (words, done)
    other = framework.root / "empty.git"
    framework.git(framework.root, "init", "-q", "--bare", str(other))
    framework.git(here, "remote", "add", "other", str(other))
    for _ in range(2):
        done = framework.run(here, "git", "push", "other", "bad")
        assert done.code != 0, done
        assert "G101 canonical-write" in done.all
        framework.git(here, "remote", "remove", "origin", code=None)  # then no remote has anything
    done = framework.run(here, "git", "push", "other", "a-good")  # of the laboratory's adoption, the subject is refused
    assert "G101" not in done.all


# --- rebase ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "words", [["rebase", "--autostash", "other"], ["-c", "rebase.autoStash=true", "rebase", "other"]]
)
def test_an_autostash_is_given_back(framework: Lab, tool: str, words: list[str]) -> None:
    """`rebase --autostash` under the framework is refused with every byte of the work where it was; a rebase of a clean
    tree passes."""
    here = framework.lone()
    _set_up(framework, tool, here)
    for name in ("other", "mine"):
        framework.git(here, "switch", "-q", "-c", name, "main")
        framework.write(here, {f"{name}.txt": "x\n"})
        framework.git(here, "add", f"{name}.txt")
        assert _commit(framework, here)[0] == 0
    framework.write(here, {"README.md": "precious\n", "mine.txt": "staged\n"})
    framework.git(here, "add", "mine.txt")
    before = framework.picture(here)
    done = framework.run(here, "git", *words)
    assert done.code != 0, done
    assert "G502 autostash" in done.all, done
    assert framework.picture(here) == before
    assert framework.git(here, "stash", "list") == ""
    framework.git(here, "checkout", "-q", "HEAD", "--", "README.md", "mine.txt")
    done = framework.run(here, "git", "rebase", "other")
    assert done.code == 0, done


# --- writing the configuration ---------------------------------------------------------------------------------

THEIRS = {
    "four spaces": "# ours\nrepos:\n# first\n-   repo: https://example.invalid/x\n    rev: v1  # pinned\n"
    "    hooks:\n    -   id: x\n",
    "two spaces": "repos:\n  - repo: local\n    hooks:\n      - {id: y, name: y, entry: y, language: system}\n",
    "empty list": "fail_fast: true\nrepos: []  # none yet\n",
    "document": "---\n# c\nrepos:\n- repo: local\n  hooks: [{id: y, name: y, entry: y, language: system}]\n",
    "types": "default_install_hook_types: [pre-commit, post-merge]  # both\nrepos: []\n",
    "types in lines": "default_install_hook_types:\n  - pre-commit  # this\n  - 'pre-push'\n"
    "repos:\n- repo: meta\n  hooks: [{id: identity}]\n",
    "no final newline": "repos:\n-   repo: meta\n    hooks:\n    -   id: identity",
    "crlf": "# ours\r\nrepos:\r\n-   repo: meta\r\n    hooks:\r\n    -   id: identity\r\n",
    "repos last": "repos:\n-   repo: meta\n    hooks:\n    -   id: identity\nfail_fast: true\n",
    "only a comment": "# nothing yet\n",
}


@pytest.mark.parametrize("name", THEIRS)
def test_a_configuration_that_is_there_keeps_its_lines(framework: Lab, name: str) -> None:
    """Every line of an existing file stays, in its order; the result is valid, installs every hook type, and is left
    alone the second time."""
    text = THEIRS[name]
    made = framework_file.extended(text)
    assert framework_file.extended(made) == made
    rest = iter(made.splitlines())
    for line in text.splitlines():
        if not line.startswith(("repos: []", "default_install_hook_types: [")):
            assert line in rest, (line, made)
    assert ("\r\n" in made) == ("\r\n" in text)
    (framework.root / "x.yaml").write_bytes(made.encode())
    for tool in ("pre-commit", "prek"):
        if (BIN / tool).exists():
            said = framework.run(framework.root, tool, "validate-config", "x.yaml")
            assert said.code == 0, (tool, made, said)
    if (BIN / "pre-commit").exists():
        code = "import sys, json\nfrom pre_commit.clientlib import load_config\nc = load_config('x.yaml')\n"
        code += (
            "print(json.dumps([c['default_install_hook_types'], [h['id'] for r in c['repos'] for h in r['hooks']]]))"
        )
        types, ids = json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=framework.root))
        assert set(types) >= set(framework_file.TYPES)
        assert ids[:2] == ["guard", "guard-prepare-commit-msg"]


@pytest.mark.parametrize("text", ["repos: [{repo: meta, hooks: [{id: identity}]}]\n", "repos:\n  x: y\n"])
def test_a_layout_that_cannot_be_extended_is_left_alone(text: str) -> None:
    """Where lines cannot be added safely there is an error that says so, and no guess."""
    with pytest.raises(GuardError, match="nothing can be added"):
        framework_file.extended(text)


def test_deltas_pass(framework: Lab) -> None:
    """A delta is committed under the framework as under guard's own hooks."""
    if not (BIN / "pre-commit").exists():
        pytest.skip("pre-commit is not installed here")
    here = framework.lone()
    _set_up(framework, "pre-commit", here)
    [path] = framework.write(here, inbox_file(1, "s"))
    framework.git(here, "add", path)
    code, said = _commit(framework, here)
    assert code == 0, said
