"""Replace refs and grafts: they make git show another history than the one that is pushed, and are not believed."""

import pytest
from walks.hooked import EDITED, STATE_FILE, UNHOOKED, guarded, refused
from walks.lab import Lab


def _hidden(lab: Lab, *, how: str, hooks: bool = False) -> tuple:
    """A clone of which one commit edits state by hand, and a way by which git shows it without the edit."""
    (here,) = lab.fleet("one")
    if hooks:
        lab.guard(here, "install")
    base = lab.rev(here)
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, *UNHOOKED, "commit", "-q", "-m", "[S1] agents: by hand", "--", STATE_FILE)
    bad = lab.rev(here)
    lab.write(here, {"x.txt": "x\n"})
    lab.git(here, *UNHOOKED, "add", "x.txt")
    lab.git(here, *UNHOOKED, "commit", "-q", "-m", "[S1] x: a file", "--", "x.txt")
    if how == "replaced commit":
        clean = lab.git(here, "commit-tree", "-p", base, "-m", "[S1] agents: by hand", f"{base}^{{tree}}")
        lab.git(here, "replace", bad, clean)
    elif how == "replaced blob":
        blobs = [lab.git(here, "rev-parse", f"{name}:{STATE_FILE}") for name in (bad, base)]
        lab.git(here, "replace", *blobs)
    elif how == "replaced tree":
        trees = [lab.git(here, "rev-parse", f"{name}^{{tree}}") for name in (bad, base)]
        lab.git(here, "replace", *trees)
    else:
        grafts = here / ".git/info/grafts"
        grafts.parent.mkdir(exist_ok=True)
        grafts.write_text(f"{lab.rev(here)} {base}\n")
    return here, base, bad


WAYS = ["replaced commit", "replaced blob", "replaced tree", "graft"]


@pytest.mark.parametrize("how", WAYS)
def test_what_is_pushed_is_judged(lab: Lab, how: str) -> None:
    """verify and check name the commit that edits state, whatever git log would show of it."""
    here, base, bad = _hidden(lab, how=how)
    problems = lab.guard(here, "verify", f"{base}..HEAD", "--json", code=1).json["problems"]
    assert (bad, STATE_FILE, "G101") in [(each["commit"], each["path"], each["code"]) for each in problems]
    findings = lab.guard(here, "check", "--range", f"{base}..HEAD", "--json", code=1).json["findings"]
    assert (bad, "G101") in [(each["commit"], each["code"]) for each in findings]


@pytest.mark.parametrize("how", WAYS)
def test_a_push_is_refused(lab: Lab, how: str) -> None:
    """pre-push refuses the edit that git itself is made blind for; the hub stays as it is."""
    here, base, _ = _hidden(lab, how=how, hooks=True)
    refused(lab, here, "push", "-q", "origin", "main", code="G101")
    assert lab.rev(lab.hub, "main") == base


@pytest.mark.parametrize("what", ["commit", "tree"])
def test_a_commit_is_refused_where_head_is_replaced(lab: Lab, what: str) -> None:
    """HEAD shown as if it held the edit already: the staged edit is refused all the same."""
    here = guarded(lab)
    lab.write(here, {STATE_FILE: EDITED})
    lab.git(here, "add", "--", STATE_FILE)
    tree = lab.git(here, "write-tree")
    if what == "commit":
        lab.git(here, "replace", "HEAD", lab.git(here, "commit-tree", "-p", "HEAD~", "-m", "x", tree))
    else:
        lab.git(here, "replace", lab.git(here, "rev-parse", "HEAD^{tree}"), tree)
    refused(lab, here, "commit", "--allow-empty", "-m", "[S1] agents: by hand", code="G101")
    refused(lab, here, "commit", "--allow-empty", "--no-verify", "-m", "[S1] agents: by hand", code="G101")
