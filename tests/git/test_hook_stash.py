"""The hooks around stashing: nothing is ever taken away, what was put away before can be had back, nothing is lost."""

from pathlib import Path
from types import ModuleType

import pytest
from walks.hooked import UNHOOKED, git, guarded, refused, whole, without
from walks.lab import Lab

from guard.change import Change
from guard.policy import Policy
from guard.rules import autostash, stash


def _dirty(lab: Lab, here: Path) -> None:
    """Staged, changed, staged and changed again, deleted, new, ignored."""
    (here / ".git/info/exclude").write_text("*.log\n")
    lab.write(
        here, {"README.md": "changed\n", "sub/staged.txt": "staged\n", "untracked.txt": "mine\n", "a.log": "mine\n"}
    )
    lab.git(here, "add", "sub/staged.txt")
    lab.write(here, {"sub/staged.txt": "and changed again\n"})
    (here / "sub/gone.txt").unlink()
    (here / "sub/run.sh").chmod(0o755)
    lab.git(here, "status")


def _files(lab: Lab, here: Path) -> None:
    lab.commit(
        here,
        {"sub/staged.txt": "1\n", "sub/gone.txt": "1\n", "sub/run.sh": "echo\n", "base.txt": "base\n"},
        "[S1] sub: files",
    )
    lab.git(here, "config", "alias.away", "stash")
    lab.git(here, "config", "alias.shelled", "!git stash push")


STASH = [
    "stash", "stash push",
    "stash -u", "stash --include-untracked", "stash -a", "stash push -u", "stash push -k", "stash save",
    "stash save message", "stash push -- README.md", "stash push -m message -u -- sub", "stash -- README.md",
    "stash -p", "stash push --staged",
    "away", "shelled", "-C sub stash", "-c core.pager=cat stash -q", "stash push --all",
]  # fmt: skip


@pytest.mark.parametrize("words", STASH)
def test_git_stash(lab: Lab, words: str) -> None:
    """Every form is refused, with the index file itself, the tree, untracked and ignored files as they were."""
    here = guarded(lab)
    _files(lab, here)
    _dirty(lab, here)
    index = (here / ".git/index").read_bytes()
    said = refused(lab, here, *words.split(" "), code="G501")
    assert (here / ".git/index").read_bytes() == index
    assert "git worktree add" in said.err


@pytest.mark.parametrize(("rule", "words"), [(stash, ["stash"]), (autostash, ["rebase", "--autostash", "HEAD"])])
def test_sh_says_what_the_rule_says(lab: Lab, rule: ModuleType, words: list[str]) -> None:
    """Two walls refuse a stash, one of them in sh: people read the same of both."""
    here = guarded(lab)
    _files(lab, here)
    _dirty(lab, here)
    [finding] = rule.check(Change(command=["git", *words]), Policy())
    said = refused(lab, here, *words, code=rule.RULE.code)
    assert said.err.startswith(f"{rule.RULE.stamp(finding).text()}\n")


@pytest.mark.parametrize("words", ["stash -u", "stash"])
@pytest.mark.parametrize("kind", ["untracked", "staged", "linked"])
def test_git_stash_of_little(lab: Lab, words: str, kind: str) -> None:
    """Also where only an untracked file is there, or only something staged, or in a linked worktree."""
    here = guarded(lab)
    if kind == "linked":
        lab.git(here, "worktree", "add", "-q", str(lab.root / "side"))
        here = lab.root / "side"
    lab.write(here, {"untracked.txt": "mine\n"})
    if kind != "untracked":
        lab.git(here, "add", "untracked.txt")
    if (kind, words) == ("untracked", "stash"):
        lab.write(here, {"README.md": "changed\n"})
    refused(lab, here, *words.split(" "), code="G501")


def test_old_entries_can_be_had_back(lab: Lab) -> None:
    """What was put away before guard came: list, show, apply, pop, branch, store, drop and clear work."""
    here = lab.lone()
    for number in range(5):
        lab.write(here, {"README.md": f"work {number}\n"})
        lab.git(here, "stash", "-q")
    lab.guard(here, "install")
    assert len(lab.git(here, "stash", "list").split("\n")) == 5
    assert "work 4" in lab.git(here, "stash", "show", "-p")
    lab.git(here, "stash", "apply", "-q")
    assert (here / "README.md").read_text() == "work 4\n"
    lab.git(here, "checkout", "-q", "--", "README.md")
    lab.git(here, "stash", "pop", "-q")
    lab.git(here, "checkout", "-q", "--", "README.md")
    lab.git(here, "stash", "drop", "-q")
    lab.git(here, "stash", "branch", "from-stash")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: had back", "--", "README.md")
    made = lab.git(here, "stash", "create")
    assert made == ""  # nothing to put away; and it is not refused
    lab.write(here, {"README.md": "more\n"})
    lab.git(here, "stash", "store", lab.git(here, "stash", "create"))
    assert len(lab.git(here, "stash", "list").split("\n")) == 3
    lab.git(here, "stash", "clear")


# --- autostash ------------------------------------------------------------------------------------------------------

FORMS = {
    "pull-rebase": ["pull", "--rebase", "--autostash"],
    "pull-rebase-key": ["-c", "rebase.autoStash=true", "pull", "--rebase"],
    "pull-merge": ["pull", "--no-rebase", "--no-edit", "--autostash"],
    "pull-ff": ["pull", "--ff-only", "--autostash"],
    "rebase": ["rebase", "--autostash", "origin/main"],
    "rebase-apply": ["rebase", "--apply", "--autostash", "origin/main"],
    "rebase-no-verify": ["rebase", "--no-verify", "--autostash", "origin/main"],
    "rebase-key": ["-c", "rebase.autoStash=1", "rebase", "origin/main"],
    "merge": ["merge", "--autostash", "-m", "Merge upstream", "origin/main"],
    "merge-key": ["-c", "merge.autoStash=true", "merge", "-m", "Merge upstream", "origin/main"],
    "merge-ff": ["merge", "--ff-only", "--autostash", "origin/main"],
}


def _behind(lab: Lab, *, ahead: bool) -> Path:
    """A guarded clone that is behind its upstream, whose newest commit changes the README and base.txt."""
    one, two = lab.fleet("one", "two")
    _files(lab, two)
    lab.git(two, "push", "-q", "origin", "HEAD:main")
    lab.guard(two, "install")
    lab.commit_push(one, {"README.md": "theirs\n", "base.txt": "theirs\n"}, "[S1] readme: theirs")
    if ahead:
        lab.commit(two, {"mine.txt": "mine\n"}, "[S2] mine: a file")
    lab.git(two, "fetch", "-q")
    return two


@pytest.mark.parametrize("ahead", [False, True], ids=["ff", "real"])
@pytest.mark.parametrize("form", FORMS)
def test_autostash(lab: Lab, form: str, *, ahead: bool) -> None:
    """In a dirty tree, conflicting or not, each form is refused with everything as it was; in a clean one it passes."""
    here = _behind(lab, ahead=ahead)
    words = FORMS[form]
    clean = ["checkout", "-q", "HEAD", "--", "."]
    for files in ({"README.md": "conflicting\n"}, {"sub/staged.txt": "does not conflict\n"}):
        for staged in (False, True):
            lab.write(here, files)
            if staged:
                lab.git(here, "add", *files)
            before = whole(lab, here)
            said = git(lab, here, *words)
            assert "Traceback" not in said.err
            if "ff" in form and ahead:
                assert said.code != 0, said  # git itself will not
            elif said.code == 0:  # a fast-forward that had no need to put anything away
                assert not ahead
                assert form.startswith(("pull", "merge")), said
                assert all((here / path).read_text() == text for path, text in files.items())
                lab.git(here, "reset", "-q", "--keep", before["refs"]["refs/heads/main"])
                lab.git(here, "reset", "-q")
            else:
                assert "G502" in said.err or "would be overwritten" in said.err, said
            assert lab.git(here, "stash", "list") == ""
            now = whole(lab, here)
            if said.code != 0:
                assert now == before, (words, said)
            lab.git(here, *clean)
    said = git(lab, here, *words)
    assert said.code == (128 if "ff" in form and ahead else 0), said


def test_the_configuration_is_set_and_said(lab: Lab) -> None:
    """install switches autostash off in this clone and says so; uninstall puts back what was there."""
    here = lab.lone()
    lab.git(here, "config", "rebase.autoStash", "true")
    said = lab.guard(here, "install")
    assert "rebase.autoStash = false" in said.out
    assert lab.git(here, "config", "rebase.autoStash") == "false"
    assert lab.git(here, "config", "merge.autoStash") == "false"
    lab.guard(here, "uninstall")
    assert lab.git(here, "config", "rebase.autoStash") == "true"
    assert lab.git(here, "config", "merge.autoStash", code=1) == ""


# --- where post-index-change does not run -----------------------------------------------------------------------------


def _rescued(lab: Lab, here: Path, said: str) -> list[str]:
    """The refs that keep work, as the refusal names them."""
    return [ref for ref in lab.refs(here, "refs/guard/rescue") if ref in said]


def test_the_wall_behind_it_keeps_a_stash(lab: Lab) -> None:
    """Without post-index-change, `git stash` is refused at its ref: nothing moved, and a copy is kept and named."""
    here = guarded(lab)
    _files(lab, here)
    without(lab, here, "post-index-change")
    for words in (["stash"], ["stash", "-u"], ["stash", "push", "--", "README.md"]):
        _dirty(lab, here)
        before = whole(lab, here)
        said = git(lab, here, *words)
        assert said.code != 0
        assert "G501" in said.err
        assert whole(lab, here) == before
        [*_, ref] = _rescued(lab, here, said.err)
        assert "changed" in lab.git(here, "show", f"{ref}:README.md")
        lab.git(here, "reset", "-q", "--hard")
        lab.git(here, "clean", "-qfd")


@pytest.mark.parametrize("form", [form for form in FORMS if "ff" not in form])
def test_the_wall_behind_it_gives_an_autostash_back(lab: Lab, form: str) -> None:
    """Without post-index-change, what an autostash takes away comes back exactly, or is kept under a ref and named."""
    here = _behind(lab, ahead=True)
    without(lab, here, "post-index-change")
    _dirty(lab, here)
    before = whole(lab, here)
    said = git(lab, here, *FORMS[form])
    now = whole(lab, here)
    kept = [*_rescued(lab, here, said.err), *lab.git(here, "stash", "list", "--format=%H").split()]
    if now["files"] != before["files"]:  # it went through: then all of the work is somewhere
        works = [lab.git(here, "show", f"{ref}:README.md") for ref in kept]
        assert (here / "README.md").read_text() == "changed\n" or "changed" in works, said
        assert (here / "untracked.txt").read_text() == "mine\n"
    if "rebase" in form and "no-verify" not in form:
        assert said.code != 0
        assert "G502" in said.err
        assert now == before


@pytest.mark.parametrize("session", ["", "S3", "3", "S1000", "x"])
def test_the_remedy_of_an_autostash_names_the_session_at_work(lab: Lab, session: str) -> None:
    """G401 lets nobody else's number pass, so what G502 says to run has that of the session; S1 where there is none."""
    here = _behind(lab, ahead=True)
    _dirty(lab, here)
    if session:
        (here / ".git/guard/session").write_text(f"{session}\n")
    said = git(lab, here, "pull", "--rebase", "--autostash")
    named = {"3": "S3", "x": "S1", "": "S1"}.get(session, session)
    assert f"fix: git commit -m '[{named}] what: why' -- FILE..." in said.err


def test_work_of_an_autostash_that_failed_stays(lab: Lab) -> None:
    """A failed autostash leaves markers and exits 0: they cannot be committed, and the entry can be had back."""
    here = _behind(lab, ahead=True)
    lab.write(here, {"README.md": "mine\n"})
    said = git(lab, here, *UNHOOKED, "pull", "--rebase", "--autostash")
    assert said.code == 0
    assert "<<<<<<<" in (here / "README.md").read_text()
    assert not (here / ".git/MERGE_HEAD").exists()
    lab.git(here, "add", "README.md")
    refused(lab, here, "commit", "-m", "[S2] readme: mine", code="G106")
    refused(lab, here, "commit", "-m", "[S2] readme: mine", "--", "README.md", code="G106")
    refused(lab, here, "commit", "-am", "[S2] readme: mine", code="G106")
    lab.git(here, "checkout", "-q", "HEAD", "--", "README.md")
    assert lab.git(here, "show", "stash@{0}:README.md") == "mine"
    lab.git(here, "stash", "drop", "-q")


def test_an_autostash_in_flight_when_guard_comes(lab: Lab) -> None:
    """A rebase with an autostash that stopped before guard was installed goes on, aborts and gives the work back."""
    for verb in ("--continue", "--abort", "--quit"):
        here = lab.lone(f"lone-{verb}")
        lab.commit(here, {"base.txt": "one\n"})
        lab.git(here, "checkout", "-q", "-b", "side", "HEAD~")
        lab.commit(here, {"base.txt": "two\n"})
        lab.write(here, {"README.md": "mine\n"})
        assert git(lab, here, "rebase", "--autostash", "main").code != 0
        lab.guard(here, "install")
        lab.write(here, {"base.txt": "both\n"})
        lab.git(here, "add", "base.txt")
        git(lab, here, "rebase", verb, env={"GIT_EDITOR": "true"})
        entries = lab.git(here, "stash", "list", "--format=%H").split()
        assert (here / "README.md").read_text() == "mine\n" or entries, verb


def test_plain_merges_in_a_dirty_tree(lab: Lab) -> None:
    """git itself runs `stash create` in every real merge: in a dirty tree that has nothing to do with it, it passes."""
    here = _behind(lab, ahead=True)
    lab.write(here, {"sub/staged.txt": "mine\n", "untracked.txt": "mine\n"})
    lab.git(here, "merge", "-q", "-m", "Merge upstream", "origin/main")
    assert (here / "sub/staged.txt").read_text() == "mine\n"
