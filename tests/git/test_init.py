"""`guard init`: adopting and installing in one go, said in full, safe to repeat."""

import re
from pathlib import Path

import pytest
from walks.lab import Lab, inbox_file

from guard.adoption import framework_file
from guard.hooks import HOOKS


def _commit_as_told(lab: Lab, here: Path, out: str) -> None:
    command = re.search(r"^  (.*git add .*)$", out, re.MULTILINE)
    assert command, out
    done = lab.run(here, "sh", "-c", command[1])
    assert done.code == 0, done


def test_init_installs_and_says_all_it_did(lab: Lab) -> None:
    """Every file in the work tree and the hooks' folder that was not there, and every setting, is named; the command
    that it prints passes its own hooks; then a canonical edit is refused."""
    here = lab.lone(adopt=False)
    hooks = here / ".git/hooks"
    before = set(hooks.iterdir()) if hooks.exists() else set()
    said = lab.guard(here, "init", "--yes")
    for path in set(hooks.iterdir()) - before:
        assert path.name in said.out
    for name in HOOKS:
        assert (hooks / name).exists()
    for name in lab.git(here, "ls-files", "--others", "--modified").splitlines():
        assert f"wrote {name}" in said.out
    for key in ("rebase.autoStash", "merge.autoStash"):
        assert lab.git(here, "config", "--local", key) == "false"
        assert key in said.out
    assert str(here / ".git/guard") in said.out
    assert "strict mode is off" in said.out
    _commit_as_told(lab, here, said.out)
    assert lab.git(here, "status", "--porcelain") == ""
    lab.write(here, {"state/agents.json": "{}\n"})
    lab.git(here, "add", "state/agents.json")
    assert "G101" in lab.run(here, "git", "commit", "-m", "[S1] agents: none").err


def test_init_in_a_clone_of_an_adopted_repository_only_installs(lab: Lab) -> None:
    """Where guard is adopted, init writes no file of the work tree, installs, and the second time says so."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, {".gitattributes": "state/** -text merge=binary\n"})
    two = lab.clone("two")
    before = lab.picture(two)
    said = lab.guard(two, "init", "--json").json
    assert (said["written"], said["next"], said["exit"]) == ([], "", 0)
    assert set(said["hooks"]["written"]) >= set(HOOKS)
    assert said["hooks"]["settings"] == ["rebase.autoStash = false", "merge.autoStash = false"]
    assert lab.picture(two) == before
    again = lab.guard(two, "init", "--json").json
    assert (again["hooks"]["written"], again["hooks"]["settings"]) == ([], [])
    assert "adopted here already" in lab.guard(two, "init").out


def test_a_hook_that_stood_there_is_kept_and_named(lab: Lab) -> None:
    """A person's own pre-commit hook runs after guard's, and init says where it is."""
    here = lab.lone(adopt=False)
    hook = here / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho mine >>ran\n")
    hook.chmod(0o755)
    said = lab.guard(here, "init", "--yes")
    assert "kept your pre-commit as pre-commit.guard-displaced" in said.out
    _commit_as_told(lab, here, said.out)
    assert (here / "ran").read_text() == "mine\n"


def test_hooks_path_leaves_adoption_written_and_the_error_said(lab: Lab) -> None:
    """With core.hooksPath set, what adopts is written, nothing goes into either folder, and exit 2 names a remedy that
    works."""
    here = lab.lone(adopt=False)
    elsewhere = lab.root / "team hooks"
    elsewhere.mkdir()
    lab.git(here, "config", "core.hooksPath", str(elsewhere))
    said = lab.guard(here, "init", "--yes", code=2)
    assert "wrote guard.toml" in said.out
    assert "core.hooksPath" in said.err
    assert "guard install --into-hooks-path" in said.err
    assert list(elsewhere.iterdir()) == []
    told = lab.guard(here, "init", "--yes", "--json", code=2).json
    assert told["hooks"] is None
    assert "core.hooksPath" in told["error"]["what"]
    _commit_as_told(lab, here, said.out)
    lab.guard(here, "install", "--into-hooks-path")
    assert (elsewhere / "pre-commit").exists()


def test_pre_commit_writes_or_extends_the_configuration(lab: Lab) -> None:
    """`--pre-commit` adds guard to what is there, names the file, commits with the rest, and is safe to repeat, in an
    adopted repository too."""
    here = lab.lone(adopt=False)
    lab.commit(here, {framework_file.FILE: "# ours\nrepos: []\n"})
    said = lab.guard(here, "init", "--yes", "--pre-commit")
    assert f"wrote {framework_file.FILE}" in said.out
    _commit_as_told(lab, here, said.out)
    assert lab.git(here, "status", "--porcelain") == ""
    text = (here / framework_file.FILE).read_text()
    assert text.startswith("# ours\n")
    assert "entry: guard-hook pre-commit\n" in text
    assert "default_install_hook_types: [pre-commit," in text
    before = lab.picture(here)
    lab.guard(here, "init", "--pre-commit")
    assert lab.picture(here) == before
    lab.git(here, "rm", "-q", framework_file.FILE)
    lab.git(here, "commit", "-q", "-m", "[S1] hooks: without")
    said = lab.guard(here, "init", "--pre-commit")
    assert f"wrote {framework_file.FILE}" in said.out
    said = lab.guard(here, "init", "--pre-commit")  # what is written and not committed is still to be committed
    _commit_as_told(lab, here, said.out)
    assert lab.git(here, "log", "-1", "--format=%s") == "[S0] guard: hooks"


def test_a_configuration_that_cannot_be_extended_stops_before_anything_is_written(lab: Lab) -> None:
    """An odd layout of .pre-commit-config.yaml is exit 2, and neither it nor anything else was written."""
    here = lab.lone(adopt=False)
    lab.commit(here, {framework_file.FILE: "repos: [{repo: meta, hooks: [{id: identity}]}]\n"})
    before = lab.picture(here)
    assert "nothing can be added" in lab.guard(here, "init", "--yes", "--pre-commit", code=2).err
    assert lab.picture(here) == before
    assert not (here / ".git/hooks/reference-transaction").exists()


@pytest.mark.parametrize(("session", "number"), [("S153", 153), ("7", 7), ("", 0), ("primary", 0)])
def test_the_printed_subject_names_the_session(lab: Lab, session: str, number: int) -> None:
    """The subject that init suggests carries the session's number, zero where there is no session."""
    here = lab.lone(adopt=False)
    said = lab.guard(here, "init", "--yes", env={"GUARD_SESSION": session})
    assert f"-m '[S{number}] guard: adopt'" in said.out


def test_init_in_a_linked_worktree_serves_all_of_them(lab: Lab) -> None:
    """Started in a linked worktree, init installs where every worktree of the repository looks."""
    here = lab.lone()
    linked = lab.root / "linked"
    lab.git(here, "worktree", "add", "-q", "-b", "other", str(linked))
    lab.guard(linked, "init", "--yes")
    assert (here / ".git/hooks/pre-commit").exists()
    for where in (here, linked):
        lab.write(where, {"state/agents.json": "{}\n"})
        lab.git(where, "add", "state/agents.json")
        assert "G101" in lab.run(where, "git", "commit", "-m", "[S1] agents: none").err
    lab.git(here, "restore", "--staged", "--worktree", "state/agents.json")
    lab.commit(here, inbox_file(1, "s"))


def test_somebody_s_work_is_not_committed_along(lab: Lab) -> None:
    """In an adopted repository an edit of guard.toml that is under way, and files of others, are no part of what init
    says to commit."""
    here = lab.lone()
    lab.commit(here, {".gitattributes": "state/** -text merge=binary\n"})
    lab.write(here, {"guard.toml": (here / "guard.toml").read_text() + "# mine\n", "state/new.json": "{}\n"})
    assert lab.guard(here, "init", "--json").json["next"] == ""
    told = lab.guard(here, "init", "--pre-commit", "--json").json
    assert told["next"].startswith(f"git add -- {framework_file.FILE} &&")
