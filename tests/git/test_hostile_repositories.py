"""Repositories as they should not be: exit 1 or 2 with a clear error, nothing changed, nothing taken for empty."""

import os
from pathlib import Path

import pytest
from walks.lab import INBOX, Lab, inbox_file, name_of, post

WRITING = ("merge", "counts --fix", "restore state", "restore state/agents.json")


def _merged(lab: Lab) -> Path:
    """A lone repository with a merge, and a delta that waits."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    return here


def _lose(lab: Lab, here: Path, name: str) -> None:
    oid = lab.git(here, "rev-parse", name)
    (here / ".git/objects" / oid[:2] / oid[2:]).unlink()


@pytest.mark.parametrize("name", ["HEAD:guard.toml", "HEAD:state/agents.json", "HEAD:state", "HEAD^{tree}"])
def test_what_is_missing_is_not_taken_for_absent(lab: Lab, name: str) -> None:
    """A clone that lacks an object of HEAD: nothing writes state, and what needs the object is exit 2, never clean."""
    here = _merged(lab)
    tip, index = lab.rev(here), (here / ".git/index").read_bytes()
    _lose(lab, here, name)
    for words in WRITING:
        said = lab.guard(here, *words.split(), code=None)
        assert said.code == 2, (words, said)
        assert "why:" in said.err, words
        assert lab.rev(here) == tip, words
        assert (here / ".git/index").read_bytes() == index
    if name != "HEAD:state/agents.json":
        for words in ("check .", "verify HEAD~1..HEAD", "frame", *(("check", "config") if "toml" in name else ())):
            assert lab.guard(here, *words.split(), code=None).code == 2, words


def test_no_advice_of_git_in_what_guard_says(lab: Lab) -> None:
    """What guard sets for its git makes git say nothing of its own."""
    here = _merged(lab)
    _lose(lab, here, "HEAD:state")
    assert "hint:" not in lab.guard(here, "verify", "HEAD~1..HEAD", code=2).all


@pytest.mark.parametrize("wanted", ["blob:none", "tree:0"])
def test_a_partial_clone_whose_remote_is_gone(lab: Lab, wanted: str) -> None:
    """Every command that needs what was left out is exit 2 and says what helps; none passes for clean."""
    (one,) = lab.fleet("one")
    for key in ("allowFilter", "allowAnySHA1InWant"):
        lab.git(lab.hub, "config", f"uploadpack.{key}", "true")
    lab.commit_push(one, inbox_file(1, "s1"))
    here = lab.clone("partial", f"--filter={wanted}", "--no-checkout")
    lab.hub.rename(lab.root / "gone")
    for words in ("check", "verify", "counts", "counts --fix", "restore state", "merge", "config", "frame"):
        error = lab.guard(here, *words.split(), "--json", code=2).json["error"]
        assert "git fetch" in error["fix"], (words, error)
        assert error["why"]


def test_no_work_tree(lab: Lab) -> None:
    """Files on disk cannot be asked for in a bare repository, nor below .git."""
    here = _merged(lab)
    lab.git(lab.root, "clone", "-q", "--bare", str(here), "bare.git")
    for where in (lab.root / "bare.git", here / ".git"):
        error = lab.guard(where, "check", ".", "--json", code=2).json["error"]
        assert "work tree" in error["what"] + error["why"]
        assert error["fix"]


@pytest.mark.parametrize("what", ["folder", "pipe", "symlink", "gone"])
def test_a_policy_that_is_no_file(lab: Lab, what: str) -> None:
    """guard.toml on disk may be anything: doctor and config end, and say what it is."""
    here = _merged(lab)
    path = here / "guard.toml"
    path.unlink()
    if what == "folder":
        lab.write(here, {"guard.toml/x": "1\n"})
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "symlink":
        path.symlink_to("nowhere")
    for words in ("doctor", "config", "check", "verify"):
        said = lab.guard(here, *words.split(), code=None)
        assert said.code in (0, 1), (words, said)
    assert "guard.toml" in lab.guard(here, "config").err


def test_pipes_and_names_of_every_kind(lab: Lab) -> None:
    """Pipes are not waited for; names in any encoding, with quotes, tabs and newlines are judged, and drive no
    terminal."""
    here = _merged(lab)
    os.mkfifo(here / "state/pipe.json")
    for name in (b"caf\xe9.json", b"new\nline.json", b"tab\t.json", b"-dash.json", b"\x1b[31mred.json", b'"q".json'):
        (Path(os.fsdecode(os.fsencode(here / "state") + b"/" + name))).write_bytes(b"{}\n")
    before = lab.git(here, "status", "--porcelain")
    for words in ("check .", "check state", "check state/pipe.json", "counts", "verify", "merge --dry-run"):
        said = lab.guard(here, *words.split(), code=None)
        assert said.code == (1 if words in ("check .", "check state") else 0), (words, said)
        assert "\x1b" not in said.all
    assert lab.git(here, "status", "--porcelain") == before
    found = lab.guard(here, "check", "state", "--json", code=1).json["findings"]
    assert len([each for each in found if each["code"] == "G101"]) == 6


def test_ranges_the_wrong_way_round(lab: Lab) -> None:
    """Neither check nor verify calls a range clean whose ends are exchanged; tags may be ends."""
    here = _merged(lab)
    lab.git(here, "tag", "-a", "-m", "x", "heavy", "HEAD~1")
    lab.git(here, "tag", "-a", "-m", "x", "nested", "heavy")
    lab.git(here, "tag", "blob", "HEAD:README.md")
    for command in (["check", "--range"], ["verify"]):
        for span in ("HEAD..HEAD~1", "HEAD..nested"):
            error = lab.guard(here, *command, span, "--json", code=2).json["error"]
            assert "wrong way round" in error["what"]
        lab.guard(here, *command, "HEAD~2..nested", code=None)
        for span in ("blob..HEAD", "HEAD..blob", "HEAD...nested", "--all..HEAD"):
            assert lab.guard(here, *command, span, "--json", code=2).json["error"]["why"]


def test_a_submodule_where_state_belongs(lab: Lab) -> None:
    """It is named by verify, and the remedy of restore is not the command that was just refused."""
    other, here = lab.lone("other"), _merged(lab)
    lab.git(here, "submodule", "add", "-q", str(other), "state/sub.json")
    lab.git(here, "commit", "-q", "-m", "[S1] x: a submodule")
    assert "state/sub.json" in lab.guard(here, "verify", code=1).out
    said = lab.guard(here, "restore", "state/agents.json", "--json", code=None)
    if said.code == 2:
        assert said.json["error"]["fix"] == "guard restore state/sub.json"
    lab.guard(here, "restore", "state/sub.json", code=None)
    lab.guard(here, "restore", "state", code=None)


def test_state_that_is_a_symlink(lab: Lab) -> None:
    """The inbox through a symlink is still the inbox, which may be empty."""
    here = lab.lone()
    (here / "state").rename(lab.root / "elsewhere")
    (here / "state").symlink_to(lab.root / "elsewhere")
    assert lab.guard(here, "delta", "check", INBOX).out == "0 deltas, all good\n"
    lab.write(here, {name_of(1, "s1"): b"{"})
    lab.guard(here, "delta", "check", INBOX, code=1)
    lab.guard(here, "check", ".", code=None)
