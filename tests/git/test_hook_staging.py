"""The hooks around staging: whatever adds everything is refused at the commit, and forgotten with `git reset`."""

from pathlib import Path

import pytest
from walks.hooked import STATE_FILE, git, guarded, refused, whole
from walks.lab import Lab


def _dirty(lab: Lab, here: Path) -> None:
    """Two changed files, a new one and one that is gone: mine, and a neighbour's."""
    lab.write(here, {"README.md": "changed\n", "sub/mine.txt": "changed\n", "new.txt": "new\n"})
    (here / "sub/old.txt").unlink()


def _ready(lab: Lab) -> Path:
    here = guarded(lab)
    lab.commit(here, {"sub/mine.txt": "one\n", "sub/old.txt": "old\n"}, "[S1] sub: two files")
    lab.git(here, "config", "alias.everything", "add -A")
    lab.git(here, "config", "alias.shelled", "!git add --all")
    _dirty(lab, here)
    return here


BULK = [
    "add -A", "add --all", "add --al", "add .", "add ./", "add :/", "add -u", "add --update", "add -vA", "add -Av",
    "add :(top)", "add *", "add -- .", "stage -A", "stage .", "-C sub add -A", "-C sub add ..", "-C sub add :/",
    "-c core.pager=cat add -A", "everything", "shelled", "add --no-ignore-removal .", "add --pathspec-from-file=list",
    "add {top}", "add -f -- :!new.txt",
]  # fmt: skip


@pytest.mark.parametrize("words", BULK)
def test_a_bulk_add(lab: Lab, words: str) -> None:
    """Nobody's index is touched when it happens; the commit is refused, also with --no-verify, and reset forgets."""
    here = _ready(lab)
    (here / ".git/list").write_text("README.md\n")
    words = words.replace("=list", "=.git/list").replace("{top}", str(here))
    lab.git(here, *words.split(" "))
    assert lab.git(here, "diff", "--cached", "--name-only")
    for more in ((), ("--no-verify",), ("--amend", "--no-verify")):
        said = refused(lab, here, "commit", "-m", "[S1] all: of it", *more, code="G201")
        assert "git reset" in said.err
    lab.git(here, "reset", "-q")
    lab.git(here, "add", "--", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")
    assert lab.git(here, "show", "--format=", "--name-only") == "README.md"


@pytest.mark.parametrize(
    "words", ["restore --staged .", "restore -S :/", "reset HEAD", "read-tree HEAD", "reset --mixed"]
)
def test_a_bulk_add_is_forgotten(lab: Lab, words: str) -> None:
    """Whatever writes the index anew from a commit forgets how it was written."""
    here = _ready(lab)
    lab.git(here, "add", "-A")
    lab.git(here, *words.split(" "), code=None)
    lab.git(here, "add", "--", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")


def test_another_index_is_ones_own(lab: Lab) -> None:
    """Bulk staging into a private index says nothing of the shared one, and resetting that forgets nothing of it."""
    here = _ready(lab)
    env = {"GIT_INDEX_FILE": str(here / ".git/private")}
    lab.git(here, "read-tree", "HEAD", env=env)
    lab.git(here, "add", "-A", env=env)
    lab.git(here, "add", "--", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")
    lab.git(here, "add", "-A")
    lab.git(here, "read-tree", "HEAD", env=env)
    refused(lab, here, "commit", "-m", "[S1] all: of it", code="G201")


def test_named_files_pass(lab: Lab) -> None:
    """Files by name, also many, a deletion by name, `git rm`, `git mv` and paths with an awkward name pass."""
    here = _ready(lab)
    lab.write(here, {"-A": "x\n", "a b.txt": "x\n", "new\nline.txt": "x\n", "caf\u00e9.txt": "x\n"})
    for names in (
        ["README.md", "sub/mine.txt"],
        ["sub/old.txt"],
        ["--", "-A"],
        ["a b.txt", "new\nline.txt", "caf\u00e9.txt"],
    ):
        lab.git(here, "add", *names)
        lab.git(here, "commit", "-q", "-m", "[S1] some: files -a -A add .")
    lab.git(here, "rm", "-q", "-r", "sub")
    lab.git(here, "mv", "README.md", "READ.md")
    lab.git(here, "commit", "-q", "-m", "[S1] files: moved")
    assert lab.git(here, "status", "--porcelain") == "?? new.txt"


def test_a_folder_passes_unless_deletions_are_staged(lab: Lab) -> None:
    """`git add DIR` passes where it adds, and is refused where it stages deletions: also named from inside."""
    here = _ready(lab)
    lab.git(here, "add", "sub/mine.txt", "sub/old.txt", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] sub: less")
    lab.write(here, {"sub/deep/one.txt": "1\n", "sub/deep/two.txt": "2\n"})
    lab.git(here, "add", "sub")
    lab.git(here, "commit", "-q", "-m", "[S1] sub: more")
    for words in (["add", "sub/deep"], ["-C", "sub", "add", "deep"], ["-C", "sub", "add", "./deep/"],
                  ["-C", "sub/deep", "add", "../deep"],
                  ["add", str(here / "sub/deep")]):  # fmt: skip
        (here / "sub/deep/one.txt").unlink()
        lab.git(here, *words)
        for more in ((), ("-n",)):
            refused(lab, here, "commit", "-m", "[S1] sub: less", *more, code="G201")
        lab.git(here, "reset", "-q")
        lab.write(here, {"sub/deep/one.txt": "1\n"})


@pytest.mark.parametrize(
    "words", ["-a", "-am x", "--all", "-qa", ".", "-- .", "-a --amend", "-n -a", "--no-verify --all", "-anm x", "-o ."]
)
def test_a_commit_of_everything(lab: Lab, words: str) -> None:
    """`git commit -a` in every spelling is refused, with nothing staged by it."""
    here = _ready(lab)
    said = refused(lab, here, "commit", "-m", "[S1] all: of it", *words.split(" "), code="G201")
    assert "git add -- FILE" in said.err


@pytest.mark.parametrize(
    "words", ["-m -a", "--author=-a<a@b> -m x", "-m x -- README.md", "-C HEAD -- README.md", "-mfix-all -- README.md"]
)
def test_what_only_looks_like_a_commit_of_everything(lab: Lab, words: str) -> None:
    """An -a that is a value, or part of a name, is none."""
    here = _ready(lab)
    lab.git(here, "config", "core.editor", "true")
    policy = (here / "guard.toml").read_text()
    lab.git(here, "add", "README.md")
    said = git(lab, here, "commit", *words.split(" "))
    assert "G201" not in said.err, policy


def test_paths_are_committed_past_a_bulk_index(lab: Lab) -> None:
    """`git commit -- FILE` takes that file alone, so that a neighbour's `git add -A` cannot stop anybody."""
    here = _ready(lab)
    lab.git(here, "add", "-A")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine", "--", "README.md")
    assert lab.git(here, "show", "--format=", "--name-only") == "README.md"
    refused(lab, here, "commit", "-m", "[S1] all: of it", "-i", "sub/mine.txt", code="G201")
    refused(lab, here, "commit", "-m", "[S1] all: of it", code="G201")


def test_a_bulk_add_that_added_nothing(lab: Lab) -> None:
    """In a clean tree `git add -A` stages nothing, and is held against nobody."""
    here = guarded(lab)
    (here / "README.md").touch()
    lab.git(here, "add", "-A")
    lab.write(here, {"README.md": "mine\n"})
    lab.git(here, "add", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")


def test_a_bulk_add_in_a_linked_worktree(lab: Lab) -> None:
    """Each worktree has an index of its own: what one does is not held against the other."""
    here = _ready(lab)
    side = lab.root / "side tree"
    lab.git(here, "worktree", "add", "-q", "-b", "side", str(side))
    _dirty(lab, side)
    lab.git(side, "add", "-A")
    lab.git(here, "add", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")
    for more in ((), ("-n",)):
        refused(lab, side, "commit", "-m", "[S1] all: of it", *more, code="G201")
    lab.write(side, {STATE_FILE: "{}"})
    lab.git(side, "reset", "-q")
    refused(lab, side, "commit", "-nm", "[S1] agents: none", "--", STATE_FILE, code="G101")


# --- mass deletion --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--no-verify",)], ids=["verify", "no-verify"])
def test_a_mass_deletion(lab: Lab, more: tuple[str, ...]) -> None:
    """Many files deleted by name, by `git rm -r`, or as an empty tree: refused, and the files that are there stay."""
    here = guarded(lab, files={})
    lab.commit(here, {f"pages/{number}.txt": f"{number}\n" for number in range(30)}, "[S1] pages: thirty")
    lab.git(here, "rm", "-q", "-r", "pages")
    refused(lab, here, "commit", "-m", "[S1] pages: none", *more, code="G202")
    lab.git(here, "reset", "-q", "--hard")
    lab.git(here, "rm", "-q", "--cached", "--", *[f"pages/{number}.txt" for number in range(25)])
    refused(lab, here, "commit", "-m", "[S1] pages: five", *more, code="G202")
    lab.git(here, "read-tree", "--empty")
    refused(lab, here, "commit", "-m", "[S1] nothing: left", *more, code="G202")
    empty = lab.git(here, "hash-object", "-t", "tree", "/dev/null")
    lab.git(here, "read-tree", empty)
    refused(lab, here, "commit", "-m", "[S1] nothing: left", *more, code="G202")


def test_a_mass_move_passes(lab: Lab) -> None:
    """Files that appear elsewhere in the same commit were moved."""
    here = guarded(lab)
    lab.commit(here, {f"pages/{number}.txt": f"{number}\n" for number in range(30)}, "[S1] pages: thirty")
    lab.git(here, "mv", "pages", "leaves")
    lab.git(here, "commit", "-q", "-m", "[S1] pages: are leaves")


# --- GUARD_ALLOW ----------------------------------------------------------------------------------------------------


def _trailers(lab: Lab, here: Path) -> list[str]:
    said = lab.git(here, "log", "-1", "--format=%(trailers:key=Guard-Allow,valueonly)")
    return [line for line in said.split("\n") if line]


@pytest.mark.parametrize("more", [(), ("--no-verify",), ("--amend",), ("--amend", "-n")], ids=" ".join)
def test_a_bulk_add_let_pass(lab: Lab, more: tuple[str, ...]) -> None:
    """GUARD_ALLOW='G201 why' lets one commit pass, says so in it, and the next one is judged anew."""
    here = _ready(lab)
    lab.git(here, "add", "-A")
    lab.git(here, "commit", "-q", "-m", "[S1] all: of it", *more, env={"GUARD_ALLOW": "G201 it is all mine"})
    assert _trailers(lab, here) == ["G201 it is all mine"]
    lab.write(here, {"README.md": "again\n"})
    lab.git(here, "add", "README.md")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: mine")
    lab.write(here, {"README.md": "and again\n"})
    lab.git(here, "add", "-A")
    refused(lab, here, "commit", "-m", "[S1] all: of it", *more[-1:], code="G201")


def test_several_rules_let_pass_with_an_editor(lab: Lab) -> None:
    """Several codes in one go, with a message written in an editor; the first line stays the subject."""
    here = guarded(lab, files={})
    lab.commit(here, {f"pages/{number}.txt": f"{number}\n" for number in range(30)}, "[S1] pages: thirty")
    for number in range(30):
        (here / f"pages/{number}.txt").unlink()
    lab.git(here, "add", "-A")
    editor = lab.root / "editor"
    editor.write_text('#!/bin/sh\n{ echo pages are gone; cat "$1"; } >"$1.new" && mv "$1.new" "$1"\n')
    editor.chmod(0o755)
    env = {"GIT_EDITOR": f"'{editor}'", "GUARD_ALLOW": "G201,g202,G401 the wiki has them"}
    said = git(lab, here, "commit", env=env)
    assert said.code == 0, said
    assert lab.git(here, "log", "-1", "--format=%s") == "pages are gone"
    assert sorted(_trailers(lab, here)) == [f"{code} the wiki has them" for code in ("G201", "G202", "G401")]
    lab.guard(here, "check", "--range", "HEAD~..HEAD")


def test_a_mass_deletion_let_pass(lab: Lab) -> None:
    """G202 with a reason, also without verification; without one it stays refused."""
    here = guarded(lab, files={})
    lab.commit(here, {f"pages/{number}.txt": f"{number}\n" for number in range(30)}, "[S1] pages: thirty")
    lab.git(here, "rm", "-q", "-r", "pages")
    for more in ((), ("-n",)):
        refused(lab, here, "commit", "-m", "[S1] pages: none", *more, code="no reason", env={"GUARD_ALLOW": "G202"})
    lab.git(here, "commit", "-q", "-n", "-m", "[S1] pages: none", env={"GUARD_ALLOW": "G202 they moved"})
    assert _trailers(lab, here) == ["G202 they moved"]


@pytest.mark.parametrize("code", ["G101", "G102", "G107", "G501"])
@pytest.mark.parametrize("more", [(), ("-n",)], ids=["verify", "no-verify"])
def test_what_nobody_lets_pass(lab: Lab, code: str, more: tuple[str, ...]) -> None:
    """Only G2xx and G401 can be let pass."""
    here = guarded(lab)
    lab.write(here, {STATE_FILE: "{}"})
    lab.git(here, "add", STATE_FILE)
    why = "begins with no rule's code" if code == "nonsense" else f"cannot let {code} pass"
    refused(lab, here, "commit", "-m", "[S1] x: y", *more, code=why, env={"GUARD_ALLOW": f"{code} I must"})


def test_what_is_no_code_lets_nothing_pass(lab: Lab) -> None:
    """A variable without a rule's code is a mistake, and said to be one."""
    here = guarded(lab)
    lab.write(here, {STATE_FILE: "{}"})
    lab.git(here, "add", STATE_FILE)
    refused(lab, here, "commit", "-m", "[S1] x: y", code="no rule's code", env={"GUARD_ALLOW": "nonsense I must"})


def test_what_the_policy_forbids_to_let_pass(lab: Lab) -> None:
    """A policy may forbid any of them."""
    here = lab.lone(adopt=False)
    lab.adopt(here, '[allow]\nnever = ["G201"]\n')
    lab.guard(here, "install")
    lab.write(here, {"new.txt": "new\n"})
    lab.git(here, "add", "-A")
    refused(lab, here, "commit", "-m", "[S1] x: y", code="the policy forbids", env={"GUARD_ALLOW": "G201 I must"})


def test_a_subject_let_pass_or_not(lab: Lab) -> None:
    """A subject without its prefix is refused with everything as it was, and passes with a reason or --no-verify."""
    here = guarded(lab)
    lab.write(here, {"README.md": "mine\n"})
    lab.git(here, "add", "README.md")
    refused(lab, here, "commit", "-m", "whatever", code="G401")
    lab.git(here, "commit", "-q", "-m", "whatever", env={"GUARD_ALLOW": "G401 a robot's"})
    assert _trailers(lab, here) == ["G401 a robot's"]
    lab.git(here, "commit", "-q", "--allow-empty", "-n", "-m", "whatever")
    before = whole(lab, here)
    assert whole(lab, here) == before
