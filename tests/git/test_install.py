"""`guard install` and `guard uninstall`: where git looks for hooks, before and after other tools, and back again."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE, git, guarded, refused, unhooked
from walks.lab import GUARD, ROOT, Lab

NAMES = (
    *("pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "pre-push", "pre-rebase"),
    *("post-index-change", "reference-transaction", "post-checkout", "post-merge"),
)


def _folder(path: Path) -> dict[str, tuple[int, bytes | Path]]:
    return {
        each.name: (each.lstat().st_mode, each.readlink() if each.is_symlink() else each.read_bytes())
        for each in sorted(path.iterdir())
    }


def _stops_state(lab: Lab, here: Path) -> None:
    """See that the hooks work: foreign state is refused, a file is not."""
    lab.write(here, {STATE_FILE: EDITED, "mine.txt": lab.rev(here)})
    lab.git(here, "add", "mine.txt", STATE_FILE)
    for more in ((), ("-n",)):
        refused(lab, here, "commit", "-m", "[S1] agents: by hand", *more, code="G101")
    lab.git(here, "reset", "-q")
    lab.git(here, "checkout", "-q", "--", STATE_FILE)
    lab.git(here, "add", "mine.txt")
    lab.git(here, "commit", "-q", "-m", "[S1] mine: a file")


def _hook(path: Path, text: str, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)


def test_installing_twice_and_taking_it_back(lab: Lab) -> None:
    """A second install changes nothing, and uninstall leaves hooks, configuration and git directory as they were."""
    here = lab.lone()
    before, config = _folder(here / ".git/hooks"), (here / ".git/config").read_text()
    said = lab.guard(here, "install", "--json").json
    assert set(NAMES) <= set(said["files"])
    installed = _folder(here / ".git/hooks")
    assert all(installed[name][0] & stat.S_IXUSR for name in NAMES)
    assert lab.guard(here, "install", "--json").json["files"] == []
    assert _folder(here / ".git/hooks") == installed
    _stops_state(lab, here)
    lab.guard(here, "uninstall")
    assert _folder(here / ".git/hooks") == before
    assert not (here / ".git/guard").exists()
    assert [line for line in (here / ".git/config").read_text().split("\n") if "uto" not in line and "ebase" not in line
            and "[merge]" not in line] == config.split("\n")  # fmt: skip
    assert "not installed" in lab.guard(here, "uninstall").out
    lab.commit(here, {STATE_FILE: EDITED})


@pytest.mark.parametrize(
    "name", ["with space", "new\nline", 'it\'s "quoted"', "caf\u00e9 \u2014 \U0001f600", "$(x) `y` \\z", "-dash"]
)
def test_where_the_repository_lies(lab: Lab, name: str) -> None:
    """A path with spaces, newlines, quotes or anything else is only a path; so it is after the repository has moved."""
    here = guarded(lab, name)
    _stops_state(lab, here)
    there = lab.root / "moved" / name
    there.parent.mkdir()
    here.rename(there)
    _stops_state(lab, there)
    lab.write(there, {"README.md": "changed\n"})
    refused(lab, there, "stash", code="G501")
    lab.guard(there, "uninstall")


def test_linked_worktrees_share_the_hooks(lab: Lab) -> None:
    """Installed from a linked worktree, the hooks are those of all worktrees, also of later ones."""
    here = lab.lone()
    one, two = lab.root / "one tree", lab.root / "two\ntree"
    lab.git(here, "worktree", "add", "-q", "-b", "one", str(one))
    lab.guard(one, "install")
    lab.git(here, "worktree", "add", "-q", "-b", "two", str(two))
    for tree in (here, one, two):
        _stops_state(lab, tree)
        lab.write(tree, {"README.md": f"{tree.name}\n"})
        refused(lab, tree, "stash", code="G501")
    lab.guard(two, "uninstall")
    assert not [name for name in _folder(here / ".git/hooks") if not name.endswith(".sample")]
    assert not list((here / ".git").rglob("watch"))


def test_a_submodule_is_a_repository_of_its_own(lab: Lab) -> None:
    """A submodule has hooks of its own: installed in it they work there, and the superproject has none of them."""
    lab.lone("sub")
    here = lab.lone("super", adopt=False, files={})
    lab.git(here, "submodule", "--quiet", "add", str(lab.root / "sub"), "a sub")
    lab.git(here, "commit", "-q", "-m", "a submodule")
    sub = here / "a sub"
    lab.guard(sub, "install")
    _stops_state(lab, sub)
    lab.write(sub, {"README.md": "changed\n"})
    refused(lab, sub, "stash", code="G501")
    assert not (here / ".git/hooks/pre-commit").exists()
    lab.git(here, "commit", "-q", "-am", "everything")
    lab.guard(here, "install")
    lab.git(here, "add", "a sub")
    lab.guard(sub, "uninstall")


def test_a_bare_repository_is_told_where_to_install(lab: Lab) -> None:
    """In a bare repository nobody commits: exit 2, nothing written; in a linked worktree of it the hooks work."""
    lab.fleet()
    before = _folder(lab.hub / "hooks")
    said = lab.guard(lab.hub, "install", code=2)
    assert "bare" in said.err
    assert _folder(lab.hub / "hooks") == before
    tree = lab.root / "tree"
    lab.git(lab.hub, "worktree", "add", "-q", str(tree), "main")
    lab.guard(tree, "install")
    _stops_state(lab, tree)
    other = lab.clone("other")
    lab.git(other, "push", "-q", "origin", "HEAD:other")


# --- hooks that were there ------------------------------------------------------------------------------------------


def test_a_hook_that_was_there_runs_after_guards(lab: Lab) -> None:
    """It gets its arguments, its standard input and the last word; uninstall puts it back exactly."""
    here = lab.lone()
    hooks, log = here / ".git/hooks", lab.root / "log"
    for name in NAMES:
        _hook(
            hooks / name,
            f'printf "%s" "{name}" >>"{log}"; for a; do printf " <%s>" "$a" >>"{log}"; done; echo >>"{log}"',
        )
    (hooks / "real").write_bytes((hooks / "commit-msg").read_bytes())
    (hooks / "real").chmod(0o755)
    (hooks / "commit-msg").unlink()
    (hooks / "commit-msg").symlink_to("real")
    _hook(hooks / "pre-push", f'echo "pre-push $*" >>"{log}"; od -c >>"{log}"')
    _hook(hooks / "reference-transaction", f'echo "reference-transaction $*" >>"{log}"; cat >>"{log}"')
    before = _folder(hooks)
    assert "kept your pre-commit" in lab.guard(here, "install").out
    lab.guard(here, "install")
    lab.write(here, {"mine.txt": "mine\n"})
    lab.git(here, "add", "mine.txt")
    log.unlink(missing_ok=True)
    lab.git(here, "commit", "-q", "-m", "[S1] mine: a file")
    said = log.read_text()
    for name in (
        *("pre-commit\n", "prepare-commit-msg <.git/COMMIT_EDITMSG> <message>", "commit-msg <.git/COMMIT_EDITMSG>"),
        *("post-index-change <0> <0>", "reference-transaction prepared", "reference-transaction committed"),
    ):
        assert name in said, (name, said)
    assert f"{lab.rev(here, 'HEAD~')} {lab.rev(here)} refs/heads/main\n" in said
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(here, "push", "-q", str(lab.hub), "main")
    assert f"pre-push {lab.hub} {lab.hub}\n" in log.read_text()
    assert r"m   a   i   n" in log.read_text()
    log.unlink()
    lab.git(here, "push", "-q", str(lab.hub), "main")  # nothing to push: nothing on standard input
    assert "0000000\n" in log.read_text()
    assert "0000001" not in log.read_text()
    lab.write(here, {STATE_FILE: EDITED})
    log.unlink()
    refused(lab, here, "commit", "-m", "[S1] agents: by hand", "--", STATE_FILE, code="G101")
    assert "pre-commit" not in log.read_text()
    lab.guard(here, "uninstall")
    assert _folder(hooks) == before


def test_what_a_hook_that_was_there_says_counts(lab: Lab) -> None:
    """Its exit status is git's to judge, and one that is not executable does not run."""
    here = lab.lone()
    hooks = here / ".git/hooks"
    _hook(hooks / "pre-commit", "echo no from mine >&2; exit 7")
    _hook(hooks / "commit-msg", "exit 1", 0o644)
    _hook(hooks / "reference-transaction", '[ "$1" != prepared ] || ! grep -q refs/heads/forbidden')
    before = _folder(hooks)
    lab.guard(here, "install")
    lab.write(here, {"mine.txt": "mine\n"})
    lab.git(here, "add", "mine.txt")
    said = git(lab, here, "commit", "-m", "[S1] mine: a file")
    assert said.code != 0
    assert "no from mine" in said.err
    lab.git(here, "commit", "-q", "-n", "-m", "[S1] mine: a file")
    assert git(lab, here, "branch", "forbidden").code != 0
    lab.git(here, "branch", "fine")
    lab.guard(here, "uninstall")
    assert _folder(hooks) == before


def test_a_hook_that_came_later_is_not_overwritten(lab: Lab) -> None:
    """Where one of both would be lost, install refuses and says what to do; uninstall leaves it alone."""
    here = lab.lone()
    hooks = here / ".git/hooks"
    _hook(hooks / "pre-commit", "exit 0 # first")
    lab.guard(here, "install")
    _hook(hooks / "pre-commit", "exit 0 # second")
    before = _folder(hooks)
    said = lab.guard(here, "install", code=2)
    assert "would be lost" in said.err
    assert _folder(hooks) == before
    lab.guard(here, "uninstall")
    assert "second" in (hooks / "pre-commit").read_text()
    assert "first" in (hooks / "pre-commit.guard-displaced").read_text()


def _edited(here: Path, log: Path) -> str:
    """Put a line of one's own into guard's hook; returns what it holds then."""
    hook = here / ".git/hooks/pre-commit"
    lines = hook.read_text().split("\n")
    hook.write_text("\n".join([lines[0], f"echo mine >>'{log}'", *lines[1:]]))
    return hook.read_text()


@pytest.mark.parametrize("command", ["install", "uninstall", "doctor --fix", "init --yes"])
def test_lines_that_somebody_put_into_guards_hook_are_kept(lab: Lab, command: str) -> None:
    """Whatever writes the hook anew or takes it away keeps what it held under another name, says so and how to go on;
    done twice, neither copy is lost, and a hook that guard wrote itself is no such thing."""
    here = guarded(lab)
    hooks = here / ".git/hooks"
    for name in ("pre-commit.guard-edited", "pre-commit.guard-edited.2"):
        held = _edited(here, lab.root / name)
        said = lab.guard(here, *command.split(" "))
        assert name in said.all
        assert (hooks / name).read_text() == held
        lab.guard(here, "install")
        _stops_state(lab, here)
        assert not (lab.root / name).exists()
    hooks.joinpath("pre-commit").write_bytes(hooks.joinpath("pre-commit").read_bytes()[:300])  # cut off: nobody's lines
    assert lab.guard(here, "install", "--json").json["kept"] == []
    lab.guard(here, "uninstall")
    assert sorted(path.name for path in hooks.glob("*guard*")) == [
        "pre-commit.guard-edited",
        "pre-commit.guard-edited.2",
    ]


def test_lines_in_the_hook_that_the_framework_moved(lab: Lab) -> None:
    """Edited where the pre-commit framework calls it as pre-commit.legacy, it is kept just so."""
    here = guarded(lab)
    _framework(lab, here)
    hook = here / ".git/hooks/pre-commit.legacy"
    hook.write_text(hook.read_text() + f"echo mine >>'{lab.root}/mine'\n")
    held = hook.read_text()
    said = lab.guard(here, "install", "--json").json
    assert said["kept"] == ["pre-commit.legacy.guard-edited"]
    assert (here / ".git/hooks/pre-commit.legacy.guard-edited").read_text() == held
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    assert not (lab.root / "mine").exists()


def test_two_installs_at_once(lab: Lab) -> None:
    """Many installs at the same moment displace a hook once, and what it was comes back."""
    here = lab.lone()
    hooks = here / ".git/hooks"
    _hook(hooks / "pre-commit", f'echo ran >>"{lab.root}/log"')
    before = _folder(hooks)
    assert {said.code for said in lab.together([(here, ["install"], {})] * 6)} == {0}
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    assert (lab.root / "log").read_text() == "ran\n"
    lab.guard(here, "uninstall")
    assert _folder(hooks) == before


# --- core.hooksPath -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_path(lab: Lab, scope: str) -> None:
    """Where git looks elsewhere for hooks, install explains it and writes nothing; asked to, it installs there."""
    here, other = lab.lone(), lab.lone("other")
    shared = lab.root / "shared hooks"
    shared.mkdir()
    _hook(shared / "pre-commit", f'echo ran >>"{lab.root}/log"')
    before = _folder(shared)
    lab.env["GIT_CONFIG_GLOBAL"] = str(lab.root / "gitconfig")
    lab.git(here, "config", scope, "core.hooksPath", str(shared))
    said = lab.guard(here, "install", code=2)
    assert "--into-hooks-path" in said.err
    assert scope[2:] in said.err
    assert _folder(shared) == before
    lab.guard(here, "install", "--into-hooks-path")
    _stops_state(lab, here)
    assert (lab.root / "log").read_text().startswith("ran\n")
    lab.write(here, {"README.md": "changed\n"})
    refused(lab, here, "stash", code="G501")
    if scope == "--global":  # a repository that is not guarded is left alone, and asked nothing
        lab.write(other, {STATE_FILE: EDITED, "README.md": "changed\n"})
        lab.git(other, "add", "-A")
        lab.git(other, "commit", "-q", "-m", "whatever")
        lab.write(other, {"README.md": "again\n"})
        lab.git(other, "stash", "-q")
        lab.guard(other, "install", "--into-hooks-path")
        lab.guard(here, "uninstall")  # the other one still needs them
        lab.write(other, {"README.md": "more\n"})
        refused(lab, other, "stash", code="G501")
        lab.guard(other, "uninstall")
    else:
        lab.guard(here, "uninstall")
    assert _folder(shared) == before


def test_hooks_path_that_is_the_own_folder(lab: Lab) -> None:
    """A local core.hooksPath that names the repository's own folder is no obstacle, and survives a global one."""
    here = lab.lone()
    lab.env["GIT_CONFIG_GLOBAL"] = str(lab.root / "gitconfig")
    lab.git(here, "config", "--global", "core.hooksPath", str(lab.root / "nowhere"))
    assert "core.hooksPath" in lab.guard(here, "install", code=2).err
    lab.git(here, "config", "--local", "core.hooksPath", str(here / ".git/hooks"))
    lab.guard(here, "install")
    _stops_state(lab, here)


def test_a_folder_that_cannot_be_written(lab: Lab) -> None:
    """Where the hooks cannot be written: exit 2 with the path, no stack trace, no configuration changed."""
    here = lab.lone()
    for sample in (here / ".git/hooks").iterdir():
        sample.unlink()
    (here / ".git/hooks").rmdir()
    (here / ".git/hooks").write_text("not a folder\n")
    assert "hooks" in lab.guard(here, "install", code=2).err
    assert lab.git(here, "config", "rebase.autoStash", code=1) == ""
    (here / ".git/hooks").unlink()
    (here / ".git/hooks").mkdir(mode=0o555)
    if os.geteuid() != 0:
        assert "cannot be written" in lab.guard(here, "install", code=2).err
        lab.guard(here, "uninstall")


# --- the pre-commit framework ---------------------------------------------------------------------------------------

FRAMEWORK = """#!/usr/bin/env bash
# File generated by pre-commit: https://pre-commit.com
# ID: 138fd403232d2ddd5efb44317e38bf03
here=$(cd "$(dirname "$0")" && pwd)
if [ -x "$here/{name}.legacy" ]; then "$here/{name}.legacy" "$@" || exit $?; fi
echo "framework {name}" >>"{log}"
"""
"""What the framework's hook does, without the framework: the hook that it moved aside first, then its own."""


def _framework(lab: Lab, here: Path) -> None:
    """`pre-commit install`: a hook that is not its own is moved aside, and called from then on."""
    for name in ("pre-commit", "commit-msg"):
        hook = here / ".git/hooks" / name
        if hook.exists() and "generated by pre-commit" not in hook.read_text():
            hook.rename(hook.with_name(f"{name}.legacy"))
        hook.write_text(FRAMEWORK.format(name=name, log=lab.root / "log"))
        hook.chmod(0o755)


ORDERS = (
    *("guard framework", "framework guard", "framework guard framework", "guard framework guard"),
    *("user guard framework", "user framework guard"),
)


@pytest.mark.parametrize("order", ORDERS)
def test_the_framework_before_and_after(lab: Lab, order: str) -> None:
    """Whoever comes first, both run, each once, guard's first; and guard can be taken out of it."""
    here = lab.lone()
    log = lab.root / "log"
    for who in order.split(" "):
        if who == "framework":
            _framework(lab, here)
        elif who == "guard":
            lab.guard(here, "install")
        else:
            _hook(here / ".git/hooks/pre-commit", f'echo "user" >>"{log}"')
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    ran = log.read_text().split("\n")[:-1]
    assert sorted(set(ran)) == sorted(
        {"framework pre-commit", "framework commit-msg", *(["user"] if "user" in order else [])}
    )
    assert len(ran) == len(set(ran)), ran
    lab.write(here, {STATE_FILE: EDITED})
    log.unlink()
    refused(lab, here, "commit", "-m", "[S1] agents: by hand", "--", STATE_FILE, code="G101")
    assert not log.exists()
    refused(lab, here, "commit", "--allow-empty", "-m", "no prefix", code="G401")
    lab.guard(here, "install")
    lab.guard(here, "uninstall")
    log.unlink(missing_ok=True)
    lab.commit(here, {"mine.txt": "again\n"}, "whatever")
    ran = log.read_text().split("\n")[:-1]
    assert "framework pre-commit" in ran
    assert len(ran) == len(set(ran)), ran
    assert ("user" in ran) == ("user" in order)
    assert not list((here / ".git/hooks").glob("*guard*"))


def test_the_real_framework(lab: Lab) -> None:
    """`pre-commit install` before and after: guard's hook runs first, the framework's own after it."""
    pytest.importorskip("pre_commit")
    here = lab.lone()
    lab.commit(here, {".pre-commit-config.yaml": (
        "repos:\n- repo: local\n  hooks:\n  - id: mark\n    name: mark\n    language: system\n    always_run: true\n"
        f"    pass_filenames: false\n    entry: sh -c 'echo ran >>\"{lab.root}/log\"'\n"
    )})  # fmt: skip
    for who in ("guard", "framework", "guard", "framework"):
        if who == "guard":
            lab.guard(here, "install")
        else:
            assert lab.run(here, sys.executable, "-m", "pre_commit", "install").code == 0
        (lab.root / "log").unlink(missing_ok=True)
        said = git(lab, here, "commit", "--allow-empty", "-m", "[S1] nothing: at all")
        assert said.code == 0, said
        if who == "framework":
            assert (lab.root / "log").read_text() == "ran\n"
        lab.write(here, {STATE_FILE: EDITED})
        refused(lab, here, "commit", "-m", "[S1] agents: by hand", "--", STATE_FILE, code="G101")
        lab.git(here, "checkout", "-q", "--", STATE_FILE)


# --- without Python -------------------------------------------------------------------------------------------------


def _lose_python(here: Path) -> None:
    lib = here / ".git/hooks/guard-lib"
    lib.write_text(lib.read_text().replace(f"guard_py='{sys.executable}'", "guard_py=/nowhere/python"))
    assert "/nowhere" in lib.read_text()


def _lose_guard(here: Path) -> None:
    run = here / ".git/hooks/guard-run.py"
    run.write_text(re.sub(r"\[:0\] = .*", "[:0] = ['/nowhere']", run.read_text()))
    assert "/nowhere" in run.read_text()


@pytest.mark.parametrize("lost", ["python", "guard", "python and what it watched"])
def test_without_the_interpreter(lab: Lab, lost: str) -> None:
    """Where guard's Python is gone, or guard from it, protected files are refused with what to do, and everything else
    passes."""
    one, two = lab.fleet("one", "two")
    lab.guard(two, "install")
    (_lose_guard if lost == "guard" else _lose_python)(two)
    if lost == "python and what it watched":
        (two / ".git/guard/watch").unlink()
    lab.commit(two, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.write(two, {"mine.txt": "more\n"})
    lab.git(two, "commit", "-q", "-n", "-m", "whatever", "--", "mine.txt")
    lab.write(two, {STATE_FILE: EDITED})
    for more in ((), ("-n",)):
        refused(lab, two, "commit", "-m", "[S1] agents: by hand", *more, "--", STATE_FILE, code="guard install")
    lab.git(two, "checkout", "-q", "--", STATE_FILE)
    unhooked_state = {**json.loads(EDITED), "merged": True}
    unhooked(lab, one, {STATE_FILE: json.dumps(unhooked_state), "theirs.txt": "1\n"})
    lab.git(one, "push", "-q", "origin", "HEAD:main")
    lab.git(two, "pull", "-q", "--no-rebase", "--no-edit")
    lab.git(two, "checkout", "-q", "-b", "side")
    lab.git(two, "checkout", "-q", "--orphan", "pages")
    lab.git(two, "rm", "-r", "-q", "-f", ".")
    lab.commit(two, {"page.txt": "1\n"}, "[S1] page: one")
    lab.git(two, "checkout", "-q", "main")
    lab.git(two, "push", "-q", "origin", "main")
    lab.git(two, "gc", "-q")
    lab.guard(two, "install")
    _stops_state(lab, two)


def test_without_the_library(lab: Lab) -> None:
    """Hooks whose own files are gone refuse protected files, say so, and let everything else pass."""
    here = guarded(lab)
    for name in ("guard-lib", "guard-run.py", "guard-words"):
        (here / ".git/hooks" / name).unlink()
    lab.commit(here, {"mine.txt": "mine\n"}, "[S1] mine: a file")
    lab.write(here, {STATE_FILE: EDITED})
    refused(lab, here, "commit", "-m", "[S1] agents: by hand", "--", STATE_FILE, code="guard install")


def test_guards_own_name_in_the_repository(lab: Lab) -> None:
    """A repository with folders called guard, merge, json or subprocess of its own cannot get in between."""
    here = guarded(lab)
    bad = "raise SystemExit('theirs')\n"
    lab.commit(here, {f"{name}/__init__.py": bad for name in ("guard", "merge", "json", "subprocess")}, "[S1] x: y")
    env = {"PYTHONPATH": str(here), "PYTHONSTARTUP": str(here / "guard/__init__.py")}
    lab.write(here, {STATE_FILE: EDITED})
    refused(lab, here, "commit", "-m", "[S1] agents: by hand", "--", STATE_FILE, code="G101", env=env)


def test_install_in_a_folder_below_and_by_option(lab: Lab) -> None:
    """`guard install` works from a folder below, and with -C from elsewhere."""
    here = lab.lone("here")
    (here / "deep/er").mkdir(parents=True)
    lab.guard(here / "deep/er", "install")
    _stops_state(lab, here)
    there = lab.lone("there")
    lab.guard(here, "install", "-C", str(there))
    _stops_state(lab, there)
    done = subprocess.run(
        [*GUARD, "install"], cwd="/", capture_output=True, env={**lab.env, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 2
