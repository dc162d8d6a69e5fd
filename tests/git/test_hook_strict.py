"""Strict mode: what would stage everything, or throw away uncommitted work, is refused when it is asked for."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from walks.hooked import STATE_FILE, git, guarded, refused, whole
from walks.lab import Lab

STRICT = "[hooks]\nstrict = true\n"
KEY = "core.fsmonitor"


def _strict(lab: Lab, name: str = "lone") -> Path:
    """A guarded repository in strict mode, with two committed files below a folder, clean."""
    here = guarded(lab, name)
    policy = (here / "guard.toml").read_text()
    lab.commit(
        here, {"guard.toml": policy + STRICT, "sub/mine.txt": "one\n", "sub/old.txt": "old\n"}, "[S1] guard: strict"
    )
    lab.guard(here, "install")
    return here


def _dirty(lab: Lab, here: Path) -> None:
    """A staged edit, one that is not, a new file and one that is gone."""
    lab.write(here, {"README.md": "staged\n"})
    lab.git(here, "add", "--", "README.md")
    lab.write(here, {"README.md": "changed\n", "sub/mine.txt": "changed\n", "new.txt": "new\n"})
    (here / "sub/old.txt").unlink()


BULK = [
    *("add -A", "add --all", "add .", "add :/", "add -u", "add -vA", "stage .", "-C sub add -A", "-C sub add .."),
    *("everything", "shelled", "add --pathspec-from-file=.git/list", "add {top}", "commit -a -m x", "commit -am x"),
    *("commit -m x .", "commit --no-verify -qam x", "commit --amend -a -m x"),
]

AWAY = [
    *("stash", "stash push -u", "stash push -- README.md", "stash create autostash", "reset --hard"),
    *("reset -q --hard HEAD", "reset HEAD --hard", "-C sub reset --hard", "checkout -f", "checkout -qf main"),
    *("checkout -- .", "checkout .", "checkout HEAD -- :/", "-c submodule.recurse=0 checkout -- .", "checkout --force"),
    *("checkout -f -B main", "-C sub checkout -- ..", "checkout -f other", "switch -f other", "restore ."),
    *("switch --discard-changes other", "restore --source=HEAD --staged --worktree .", "restore -SW :/"),
    *("restore -- {top}", "clean -f", "clean -fd", "clean -fdx", "clean --force -d -e *.o", "clean -fd -- ."),
    *("clean -fde *.o", "clean -fde*.ini", "clean -fdx -e *.o"),
]


@pytest.mark.parametrize("words", [BULK, AWAY], ids=["bulk", "away"])
def test_refused_at_once(lab: Lab, words: list[str]) -> None:
    """Index, files, refs and HEAD are as they were, no lock is left, and the message says what is allowed instead."""
    here = _strict(lab)
    lab.git(here, "branch", "other", "HEAD~")
    lab.git(here, "config", "alias.everything", "add -A")
    lab.git(here, "config", "alias.shelled", "!git add --all")
    _dirty(lab, here)
    (here / ".git/list").write_text("README.md\n")
    for each in words:
        said = refused(lab, here, *each.replace("{top}", str(here)).split(" "), code="is refused here (strict mode)")
        assert "  fix: " in said.err
        code = "G201" if words is BULK else "G50" if "stash" in each else "guard: "
        assert said.err.startswith(code), (each, said)


@pytest.mark.parametrize("words", ["rebase --autostash HEAD~", "pull --rebase --autostash", "merge --autostash side"])
def test_an_autostash_is_refused_before_it_is_taken(lab: Lab, words: str) -> None:
    """Whatever asks for an autostash in a dirty tree ends with everything where it was; in a clean one it passes."""
    here = _strict(lab)
    lab.git(here, "branch", "side", "HEAD")
    lab.git(here, "checkout", "-q", "side")
    lab.commit(here, {"theirs.txt": "1\n"}, "[S2] theirs: one")
    lab.git(here, "checkout", "-q", "main")
    lab.git(here, "config", "branch.main.remote", ".")
    lab.git(here, "config", "branch.main.merge", "refs/heads/side")
    lab.write(here, {"README.md": "changed\n"})
    before = whole(lab, here)
    said = git(lab, here, *words.split(" "))
    after = whole(lab, here)
    assert said.code != 0, said
    assert "G502" in said.err
    assert after["files"] == before["files"]
    assert (after["index"], after["HEAD"], after["locks"]) == (before["index"], before["HEAD"], [])
    lab.git(here, "rebase", "--abort", code=None)
    lab.git(here, "checkout", "--", "README.md")
    lab.git(here, *words.split(" "))


PASS = [
    *("add README.md", "add -- sub/mine.txt sub/old.txt", "add sub", "commit -m x", "commit -m x -- sub/mine.txt"),
    *("status", "diff --stat", "stash list", "stash create", "reset", "reset -q HEAD -- README.md"),
    *("reset --soft HEAD~", "reset --keep HEAD", "checkout -- sub/mine.txt", "checkout other -- sub/mine.txt"),
    *("checkout -b next", "checkout -qb fix", "switch -c f", "switch -q -C forced", "restore sub/mine.txt"),
    *("restore --staged .", "restore -S :/", "restore -p .", "clean -n", "clean -fdn", "clean -fX", "clean -fdne *.o"),
    *("clean -f -- new.txt", "rm -q --cached README.md -f", "branch force -f", "log --oneline -- ."),
]


def test_what_is_named_passes(lab: Lab) -> None:
    """What names files, only looks, or throws nothing away does what it does without strict mode."""
    here = _strict(lab)
    lab.git(here, "branch", "other", "HEAD")
    _dirty(lab, here)
    for words in PASS:
        found = []
        for more in ((), ("-c", f"{KEY}=false")):
            copy = Path(shutil.copytree(here, lab.root / "copy"))
            said = git(lab, copy, *more, *(word.replace("x", "[S1] x: -A reset --hard .") if word == "x" else word
                                           for word in words.split(" ")))  # fmt: skip
            assert "strict mode" not in said.err
            names = {oid: str(number) for number, oid in enumerate(lab.refs(here).values())}
            state = whole(lab, copy)
            refs = {ref: names.get(oid, "new") for ref, oid in state["refs"].items()}
            found.append((said.code, refs, state["HEAD"], state["index"], state["files"], state["locks"]))
            shutil.rmtree(copy)
        assert found[0] == found[1], words


def test_nothing_to_lose(lab: Lab) -> None:
    """In a tree without uncommitted work what throws it away passes; a file that git ignores is no such work."""
    here = _strict(lab)
    lab.commit(here, {".gitignore": "*.o\n"}, "[S1] ignore: objects")
    lab.write(here, {"a.o": "built\n"})
    lab.git(here, "branch", "other")
    for words in (
        "reset --hard",
        "checkout -f",
        "checkout -- .",
        "restore .",
        "switch --discard-changes other",
        "clean -fdx",
    ):
        lab.git(here, *words.split(" "))
    assert not (here / "a.o").exists()


def test_new_worktrees_and_merges_to_abort(lab: Lab) -> None:
    """A worktree is made (git resets it hard), is strict itself, and a merge in conflict is aborted by --abort."""
    here = _strict(lab)
    _dirty(lab, here)
    linked = lab.root / "linked tree"
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(linked))
    lab.write(linked, {"sub/mine.txt": "theirs\n"})
    for words in (["reset", "--hard"], ["add", "-A"], ["stash"]):
        refused(lab, linked, *words, code="strict mode")
    lab.git(linked, "commit", "-q", "-m", "[S2] sub: theirs", "--", "sub/mine.txt")
    lab.git(here, "commit", "-q", "-m", "[S1] sub: mine", "--", "sub/mine.txt", "README.md", "sub/old.txt")
    assert git(lab, here, "merge", "side").code != 0
    refused(lab, here, "reset", "--hard", code="strict mode")
    lab.git(here, "merge", "--abort")
    assert (here / "sub/mine.txt").read_text() == "changed\n"


@pytest.mark.parametrize("cache", [False, True], ids=["no cache", "untracked cache"])
def test_status_is_what_it_is_without(lab: Lab, *, cache: bool) -> None:
    """With files changed, made, moved and taken away in any order, git status and diff say what they say without it."""
    here = _strict(lab)
    if cache:
        lab.git(here, "update-index", "--untracked-cache")
        lab.git(here, "config", "core.untrackedCache", "true")
    plain = ("-c", f"{KEY}=false")
    for step in range(12):
        folder = here / f"new/{step % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{step}.txt").write_text("new\n")
        if step % 2:
            lab.write(here, {"sub/mine.txt": f"{step:03d}\n"})  # the same size each time
        if step % 4 == 3:
            next(iter((here / "new").rglob("*.txt"))).unlink()
        if step == 6:
            lab.git(here, "add", "--", "new/0/0.txt", "sub/mine.txt")
        if step == 8:
            (here / "sub/old.txt").rename(here / "sub/older.txt")
        for words in (
            ["status", "--porcelain", "-uall"],
            ["status", "--porcelain=v2"],
            ["diff", "--raw"],
            ["ls-files", "-om"],
        ):
            with_it = lab.git(here, *words)
            assert with_it == lab.git(here, "--no-optional-locks", *plain, *words), (step, words)


def test_let_pass_once_and_an_index_of_ones_own(lab: Lab) -> None:
    """GUARD_ALLOW with G201 lets everything be staged, and the commit records it; a private index is nobody else's."""
    here = _strict(lab)
    _dirty(lab, here)
    env = {"GIT_INDEX_FILE": str(here / ".git/private")}
    lab.git(here, "read-tree", "HEAD", env=env)
    lab.git(here, "add", "-A", env=env)
    assert lab.git(here, "diff", "--cached", "--name-only") == "README.md"
    allowed = {"GUARD_ALLOW": "G201 all of it is mine"}
    lab.git(here, "add", "-A", env=allowed)
    lab.git(here, "commit", "-q", "-m", "[S1] all: of it", env=allowed)
    assert "Guard-Allow: G201 all of it is mine" in lab.git(here, "log", "-1", "--format=%B")
    lab.write(here, {"README.md": "more\n"})
    refused(lab, here, "reset", "--hard", code="strict mode", env={"GUARD_ALLOW": "G201 all of it is mine"})


def test_a_caller_that_ignores_the_signal(lab: Lab) -> None:
    """Where TERM is ignored git lets go of its locks and would go on; it is ended all the same, with nothing done."""
    here = _strict(lab)
    _dirty(lab, here)
    before = whole(lab, here)
    for words in ("add -A", "reset --hard", "commit -am x", "stash", "checkout -f", "clean -fd"):
        done = subprocess.run(
            ["sh", "-c", f"trap '' TERM; git {words}"], cwd=here, env=lab.env, capture_output=True, check=False
        )
        assert done.returncode != 0
        assert b"strict mode" in done.stderr
        assert whole(lab, here) == before, words


@pytest.mark.parametrize("name", ["with space", 'it\'s "quoted"', "$(x) `y` \\z", "new\nline"])
def test_wherever_the_repository_lies(lab: Lab, name: str) -> None:
    """An awkward path is quoted so that the hook runs; after a move doctor says that it does not, install mends it."""
    here = _strict(lab, name)
    _dirty(lab, here)
    refused(lab, here, "add", "-A", code="strict mode")
    there = lab.root / "moved" / name
    there.parent.mkdir()
    here.rename(there)
    lab.git(there, "status")
    found = {each["what"]: each for each in lab.guard(there, "doctor", "--json", code=1).json["checks"]}
    assert found["strict mode"]["state"] == "problem"
    lab.guard(there, "install")
    refused(lab, there, "add", "-A", code="strict mode")
    lab.guard(there, "uninstall")
    assert lab.git(there, "config", KEY, code=1) == ""


def _told(lab: Lab, here: Path, code: int | None = None) -> dict[str, str]:
    checks = lab.guard(here, "doctor", "--json", code=code).json["checks"]
    return {each["what"]: each["state"] for each in checks}


def test_set_up_as_the_policy_says_and_taken_away(lab: Lab) -> None:
    """It is off until guard.toml asks for it and install is run; status and doctor say so at each step; switched off
    or uninstalled, core.fsmonitor is what it was."""
    here = guarded(lab)
    lab.git(here, "config", KEY, "false")
    config = (here / ".git/config").read_text()
    assert lab.git(here, "config", KEY) == "false"
    policy = (here / "guard.toml").read_text()
    lab.commit(here, {"guard.toml": policy + STRICT}, "[S1] guard: strict")
    assert _told(lab, here, 1)["strict mode"] == "problem"
    told = lab.guard(here, "status", "--json").json
    assert (told["protected"], told["lacking"]) == (False, ["strict mode is not set up"])
    assert KEY in lab.guard(here, "install").out
    told = lab.guard(here, "status", "--json").json
    assert told["protected"]
    assert {each["layer"]: each["state"] for each in told["layers"]}["strict mode"] == "on"
    assert _told(lab, here, 0)["strict mode"] == "ok"
    assert "already" in lab.guard(here, "install").out
    value = lab.git(here, "config", KEY).removeprefix("exec ")
    lab.git(here, "config", KEY, value.strip("'") + " and more")
    assert _told(lab, here, 1)["strict mode"] == "problem"
    lab.guard(here, "doctor", "--fix", code=0)
    lab.commit(here, {"guard.toml": policy}, "[S1] guard: not strict")
    assert _told(lab, here, 0)["strict mode"] == "warning"
    lab.guard(here, "install")
    assert lab.git(here, "config", KEY) == "false"
    lab.commit(here, {"guard.toml": policy + STRICT}, "[S1] guard: strict again")
    lab.guard(here, "install")
    lab.guard(here, "uninstall")
    assert lab.git(here, "config", KEY) == "false"
    assert [line for line in config.split("\n") if "fsmonitor" in line] == [
        line for line in (here / ".git/config").read_text().split("\n") if "fsmonitor" in line
    ]


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("value", ["true", "/somewhere/watch man"])
def test_somebody_else_s_monitor_stays(lab: Lab, scope: str, value: str) -> None:
    """A monitor of one's own is not replaced: exit 2 says how to choose, and the hooks are installed."""
    here = lab.lone()
    lab.commit(here, {"guard.toml": (here / "guard.toml").read_text() + STRICT}, "[S1] guard: strict")
    lab.env["GIT_CONFIG_GLOBAL"] = str(lab.root / "gitconfig")
    lab.git(here, "config", f"--{scope}", KEY, value)
    said = lab.guard(here, "install", code=2)
    assert "strict mode is not set up" in said.err
    assert lab.git(here, "config", KEY) == value
    off = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": KEY, "GIT_CONFIG_VALUE_0": "false"}  # there is no such program
    lab.write(here, {STATE_FILE: "{}\n"})
    lab.git(here, "add", STATE_FILE, env=off)
    refused_ = git(lab, here, "commit", "-m", "[S1] agents: by hand", env=off)
    assert "G101" in refused_.err
    lab.git(here, "config", "--local", KEY, "false")
    lab.guard(here, "install")
    refused(lab, here, "add", "-A", code="strict mode")


def test_the_framework_takes_no_unstaged_edit_away(lab: Lab) -> None:
    """Where the pre-commit framework would take other edits out of the tree, the commit fails with them in place."""
    pytest.importorskip("pre_commit")
    here = _strict(lab)
    config = (
        "repos:\n- repo: local\n  hooks:\n  - {id: x, name: x, language: system, entry: 'true', always_run: true}\n"
    )
    lab.commit(here, {".pre-commit-config.yaml": config}, "[S1] hooks: some")
    env = {"PRE_COMMIT_HOME": str(lab.root / "cache")}
    assert lab.run(here, sys.executable, "-m", "pre_commit", "install", env=env).code == 0
    lab.write(here, {"README.md": "mine\n", "sub/mine.txt": "theirs\n"})
    lab.git(here, "add", "--", "README.md")
    before = whole(lab, here)
    said = git(lab, here, "commit", "-m", "[S1] readme: mine", env=env)
    assert said.code != 0
    assert "the pre-commit framework" in said.all
    assert whole(lab, here) == before
    lab.git(here, "commit", "-q", "-n", "-m", "[S2] sub: theirs", "--", "sub/mine.txt", env=env)
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine", env=env)


def test_what_it_costs(lab: Lab) -> None:
    """A look at the tree starts the hook and nothing else; its answer is that anything may have changed."""
    here = _strict(lab)
    own = here / ".git/guard/hooks/guard-fsmonitor"
    done = subprocess.run([str(own), "2", "token"], cwd=here, env=lab.env, capture_output=True, check=True)
    assert done.stdout == b"guard\0/\0"
    assert subprocess.run([str(own), "1", "0"], cwd=here, env=lab.env, capture_output=True, check=True).stdout == b"/\0"
    trace = lab.root / "trace"
    lab.git(here, "status", env={"GIT_TRACE2_EVENT": str(trace)})
    events = [json.loads(line) for line in trace.read_text().split("\n")[:-1]]
    assert sum("guard-fsmonitor" in str(event["argv"]) for event in events if event["event"] == "child_start") == 1
    assert [event["event"] for event in events].count("start") == 1
