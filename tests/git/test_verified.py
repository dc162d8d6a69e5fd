"""`guard verify` goes on from where it came to, and from nowhere that somebody else says it came to."""

import shutil
from pathlib import Path

from walks.lab import Lab, inbox_file, post

VERIFIED = "refs/guard/verified"
CHECKED = "refs/guard/checked/merge"


def _fleet(lab: Lab) -> Path:
    """A clone whose hub has a merge, then a hand edit of canonical state."""
    [one] = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    return one


def _edit(lab: Lab, here: Path) -> str:
    data = (here / "state/stats.json").read_text().replace(": 3", ": 4", 1)
    return lab.commit(here, {"state/stats.json": data}, "[S1] stats: by hand")


def test_it_goes_on_from_where_it_came_to_and_full_starts_anew(lab: Lab) -> None:
    """The second run judges what is new; --full judges everything since adoption, with a REV too, with a range not."""
    here = _fleet(lab)
    everything = lab.guard(here, "verify", "--json").json["commits"]
    assert everything >= 3
    lab.commit(here, {"docs/x.md": "x\n"})
    assert lab.guard(here, "verify", "--json").json["commits"] == 1
    assert lab.guard(here, "verify", "--full", "--json").json["commits"] == everything + 1
    assert lab.guard(here, "verify", "--full", "--json", "HEAD").json["commits"] == everything + 1
    assert "exclude each other" in lab.guard(here, "verify", "--full", "HEAD~1..HEAD", code=2).err


def test_a_memory_that_came_by_fetch_is_not_believed(lab: Lab) -> None:
    """A ref of the hub that says all was verified, fetched as it is, hides no hand edit that it points to."""
    here = _fleet(lab)
    edit = _edit(lab, here)
    lab.git(here, "push", "-q", "origin", "main", f"{edit}:{VERIFIED}")
    other = lab.clone("other")
    lab.git(other, "fetch", "-q", "origin", "+refs/guard/*:refs/guard/*")
    assert lab.refs(other, VERIFIED) == {VERIFIED: edit}
    assert edit in [each["commit"] for each in lab.guard(other, "verify", "--json", code=1).json["problems"]]


def test_a_forged_merge_that_a_fetched_ref_vouches_for_hides_no_delta(lab: Lab) -> None:
    """Who claims a merge that took a delta away, and fetches that it was checked, still merges that delta."""
    here = _fleet(lab)
    said = lab.git(here, "log", "-1", "--format=%B", lab.merges(here)[0])
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    forged = lab.commit(here, dict.fromkeys(inbox_file(2, "s1")), said)
    lab.git(here, "push", "-q", "origin", "main", f"{forged}:{CHECKED}")
    other = lab.clone("other")
    lab.git(other, "fetch", "-q", "origin", "+refs/guard/*:refs/guard/*")
    assert lab.refs(other, CHECKED) == {CHECKED: forged}
    lab.guard(other, "merge")
    assert lab.page(lab.hub, 2)["posts_created"]


def test_a_memory_that_was_pushed_to_a_bare_repository_is_not_believed(lab: Lab) -> None:
    """Who verifies in the hub itself is not told by a push what was verified, not even where something was before."""
    here = _fleet(lab)
    lab.guard(lab.hub, "verify")
    edit = _edit(lab, here)
    lab.git(here, "push", "-q", "origin", "main", f"+{edit}:{VERIFIED}")
    assert lab.refs(lab.hub, VERIFIED) == {VERIFIED: edit}
    assert edit in [each["commit"] for each in lab.guard(lab.hub, "verify", "--json", code=1).json["problems"]]


def test_what_another_engine_judged_is_judged_anew(lab: Lab) -> None:
    """A memory of other rules than these counts for nothing; so does half a note."""
    here = _fleet(lab)
    everything = lab.guard(here, "verify", "--json").json["commits"]
    note = here / ".git/guard/verified"
    said = note.read_text()
    for other in (said.replace("rules=", "rules=1"), said[:-1], ""):
        note.write_text(other)
        assert lab.guard(here, "verify", "--json").json["commits"] == everything
        assert note.read_text() == said


def test_a_memory_that_is_no_part_of_the_history_is_passed_over(lab: Lab) -> None:
    """After a reset to before what was verified, judging starts at adoption again."""
    here = _fleet(lab)
    lab.commit(here, {"docs/x.md": "x\n"})
    lab.guard(here, "verify")
    lab.git(here, "reset", "-q", "--hard", "HEAD~1")
    lab.commit(here, {"docs/y.md": "y\n"})
    assert lab.guard(here, "verify", "--json").json["commits"] >= 3


def test_a_clone_that_cannot_be_written_just_verifies(lab: Lab) -> None:
    """Where neither ref nor note can be kept, every run judges everything, with the same verdict."""
    here = _fleet(lab)
    refs = here / ".git/refs/guard"
    shutil.rmtree(refs, ignore_errors=True)
    refs.write_text("nobody can make a folder here\n")
    everything = lab.guard(here, "verify", "--json").json["commits"]
    assert lab.guard(here, "verify", "--json").json["commits"] == everything
    refs.unlink()
    shutil.rmtree(here / ".git/guard", ignore_errors=True)
    (here / ".git/guard").write_text("nor here\n")
    assert lab.guard(here, "verify", "--json").json["commits"] == everything
    assert lab.guard(here, "verify", "--json").json["commits"] == everything
