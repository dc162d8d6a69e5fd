"""`guard merge` on a hub with clones: what it makes, says, and leaves alone."""

import json
import re
import sys
import threading
import time
from pathlib import Path

import pytest
from walks.lab import INBOX, STATE, Lab, comment, delta, digest, inbox_file, name_of, post

SUBJECT = re.compile(r"\[F(\d+)\] merge: (\d+) streams, (\d+) agents, (\d+) posts, (\d+) comments")
TRAILER = re.compile(r"Guard-Merge: frames=[0-9,]+ close=\d+ deltas=\d+ digest=[0-9a-f]{64} engine=1")


def test_three_clones_deliver_and_one_merge_holds_it_all(lab: Lab) -> None:
    """Deltas that two workers push are in one commit of the primary, counted once, and it verifies anywhere."""
    primary, one, two = lab.fleet("primary", "one", "two")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(7), post(8)], comments_added=[comment("c1")]))
    lab.commit_push(two, inbox_file(1, "s2", posts_created=[post(8)], reactions_added=[{"count": 3}, {"by": "x"}]))
    before = lab.rev(lab.hub, "main")
    said = lab.guard(primary, "merge")
    assert lab.git(lab.hub, "rev-parse", "main^") == before
    message = lab.git(lab.hub, "log", "-1", "--format=%B", "main")
    subject = SUBJECT.fullmatch(message.splitlines()[0])
    assert subject, message
    assert subject.groups() == ("1", "2", "3", "2", "1")
    assert TRAILER.fullmatch(message.strip().splitlines()[-1]), message
    assert message.splitlines()[0] in said.out
    assert lab.stats(lab.hub) == (2, 1, 4)
    assert lab.load(lab.hub, "state/frame_counter.json") == {"frame": 1}
    lab.git(two, "pull", "-q", "--ff-only")
    assert "1 merge and" in lab.guard(two, "verify").out


def test_the_commit_comes_from_the_data_alone(lab: Lab) -> None:
    """Two clones with other names, times and zones make the same commit of the same input."""
    one, two, worker = lab.fleet("one", "two", "worker")
    lab.commit_push(worker, inbox_file(3, "s1", posts_created=[post(1)]))
    lab.guard(one, "merge", "--no-push")
    lab.git(two, "config", "user.name", "Somebody Else")
    lab.guard(two, "merge", "--no-push", env={"TZ": "Asia/Tokyo", "GIT_COMMITTER_NAME": "Zed", "GIT_AUTHOR_DATE": "@1"})
    commits = {lab.rev(clone, "refs/guard/merged/candidate") for clone in (one, two)}
    assert len(commits) == 1
    shown = lab.git(one, "log", "-1", "--format=%an <%ae>|%cn <%ce>|%at|%ct|%ad", "--date=raw", commits.pop())
    author, committer, at, ct, raw = shown.split("|")
    assert author == committer == "guard merge <merge@guard.invalid>"
    assert at == ct
    assert raw.endswith("+0000")
    parent = int(lab.git(lab.hub, "log", "-1", "--format=%ct", "main"))
    assert int(at) >= parent


def test_a_time_of_the_year_9999_is_clipped_and_no_commit_is_older_than_its_parent(lab: Lab) -> None:
    """Invented times make no commit later than 2099 and none earlier than what it stands on."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, {name_of(1, "s"): delta(1, "s").replace(b"2026-01-02", b"9999-12-31")})
    lab.guard(one, "merge")
    assert lab.git(lab.hub, "log", "-1", "--format=%ct", "main") == "4102444799"
    lab.commit_push(one, inbox_file(2, "s"))
    parent = lab.git(lab.hub, "log", "-1", "--format=%ct", "main")
    lab.guard(one, "merge")
    assert lab.git(lab.hub, "log", "-1", "--format=%ct", "main") == parent
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_running_it_again_says_so_and_makes_no_commit(lab: Lab) -> None:
    """The second run finds nothing to merge, exits 0 and moves nothing."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.guard(one, "merge")
    refs = lab.refs(lab.hub)
    for clone in (one, two):
        said = lab.guard(clone, "merge")
        assert said.out == "nothing to merge\n"
    assert lab.refs(lab.hub) == refs


def test_dry_run_writes_nothing_and_says_what_would_be(lab: Lab) -> None:
    """--dry-run names the files and leaves every ref of clone and hub, index and work tree as they were."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1", posts_created=[post(1)]))
    ref = lab.deliver(two, delta(1, "byref"))
    lab.git(one, "fetch", "-q")
    before = lab.refs(lab.hub), lab.picture(one), lab.refs(one, "refs/guard/merged", "refs/guard/checked")
    said = lab.guard(one, "merge", "--dry-run")
    assert "state/frames/000/frame-1.json" in said.out
    assert (lab.refs(lab.hub), lab.picture(one), lab.refs(one, "refs/guard/merged", "refs/guard/checked")) == before
    assert ref in lab.refs(lab.hub)


def test_json_is_one_object(lab: Lab) -> None:
    """--json prints one object, whether something is merged, nothing is, or it cannot be done."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1", posts_created=[post(1)]))
    value = lab.guard(one, "merge", "--json").json
    assert value["merged"] is True
    assert value["commit"] == lab.rev(lab.hub, "main")
    assert value["exit"] == 0
    assert value["deltas"] == [digest(delta(1, "s1", posts_created=[post(1)]))]
    value = lab.guard(one, "merge", "--json").json
    assert (value["merged"], value["commit"], value["exit"]) == (False, None, 0)
    lab.git(one, "config", "remote.origin.url", str(lab.root / "gone"))
    value = lab.guard(one, "merge", "--json", code=2).json
    assert value["exit"] == 2
    assert value["error"]["kind"] == "network"


def test_no_push_writes_the_candidate_and_nothing_else(lab: Lab) -> None:
    """--no-push leaves the hub and every ref but refs/guard/merged/candidate (and what a fetch brings) alone."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1"))
    lab.deliver(two, delta(1, "byref"))
    hub, picture = lab.refs(lab.hub), lab.picture(one)
    said = lab.guard(one, "merge", "--no-push")
    assert "refs/guard/merged/candidate" in said.out
    assert lab.refs(lab.hub) == hub
    assert lab.picture(one) == picture
    assert lab.rev(one, "refs/guard/merged/candidate^") == lab.rev(lab.hub, "main")
    made = lab.rev(one, "refs/guard/merged/candidate")
    lab.guard(one, "merge")
    assert lab.rev(lab.hub, "main") == made


def test_strict_merges_and_exits_one_where_something_was_rejected(lab: Lab) -> None:
    """--strict changes the exit status and not what is merged."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, {**inbox_file(1, "good"), name_of(1, "bad"): "{"})
    said = lab.guard(one, "merge", "--strict", code=1)
    assert "frame-1-bad.json" in said.out
    assert lab.merged(lab.hub) == {digest(delta(1, "good"))}
    lab.commit_push(one, inbox_file(2, "good"))
    lab.guard(one, "merge", "--strict")


def test_expected_streams_that_did_not_come_are_named(lab: Lab) -> None:
    """--expect and --expect-file name who is missing, in the output only."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    names = lab.root / "names"
    names.write_text("s1\n\nfrom-file\n")
    said = lab.guard(one, "merge", "--expect", "s1, s2", "--expect-file", str(names))
    assert re.search(r"missing: from-file, s2", said.out)
    assert "s2" not in lab.git(lab.hub, "log", "-1", "--format=%B", "main")
    lab.guard(one, "merge", "--expect-file", str(lab.root / "no-such"), code=2)


def test_streams_of_the_roster_that_did_not_come_are_in_output_and_commit_not_in_the_page(lab: Lab) -> None:
    """The roster's missing streams stand in the commit's body; the page and its bytes know nothing of it."""
    (one,) = lab.fleet("one")
    roster = json.dumps({"frame": 1, "streams": {"s1": ["ada"], "s2": ["bob"]}})
    lab.commit_push(one, {"state/stream_assignments.json": roster, **inbox_file(1, "s1")})
    said = lab.guard(one, "merge")
    assert "missing: s2" in said.out
    assert "Missing: s2" in lab.git(lab.hub, "log", "-1", "--format=%b", "main")
    assert b"s2" not in lab.show(lab.hub, "state/frames/000/frame-1.json")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


@pytest.mark.parametrize(
    "name",
    [
        "x\nGuard-Restore: " + "a" * 40,
        "x\n\nGuard-Merge: frames=9 close=9 deltas=9 digest=" + "0" * 64 + " engine=1",
        "\udc80",
    ],
)
def test_a_roster_cannot_write_trailers_into_the_commit(lab: Lab, name: str) -> None:
    """A stream's name in the roster is data: whatever it holds, the merge it is named by still verifies."""
    (one,) = lab.fleet("one")
    roster = json.dumps({"frame": 1, "streams": {"s1": [], name: []}})
    lab.commit_push(one, {"state/stream_assignments.json": roster, **inbox_file(1, "s1")})
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")
    lab.commit_push(one, inbox_file(2, "s1"))
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    assert "2 merges" in lab.guard(one, "verify", "main~4..main").out


def test_frame_closes_the_next_one_without_deltas_and_no_other(lab: Lab) -> None:
    """--frame N without any delta closes counter + 1; beyond it is a usage error, what is closed already is nothing."""
    (one,) = lab.fleet("one")
    tip = lab.rev(lab.hub, "main")
    for number in ("2", "7", str(10**30)):
        said = lab.guard(one, "merge", "--frame", number, code=2)
        assert "cannot be closed" in said.err or "Invalid value" in said.err, said.err
    lab.guard(one, "merge", "--frame", "-1", code=2)
    lab.guard(one, "merge", "--frame", "9" * 5000, code=2)
    assert lab.rev(lab.hub, "main") == tip
    lab.guard(one, "merge", "--frame", "1")
    assert lab.load(lab.hub, "state/frame_counter.json") == {"frame": 1}
    assert "close=1 deltas=0" in lab.git(lab.hub, "log", "-1", "--format=%b", "main")
    assert lab.guard(one, "merge", "--frame", "1").out == "nothing to merge\n"
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_frame_is_only_what_is_closed_every_delta_goes_in(lab: Lab) -> None:
    """--frame N merges the deltas of all frames, late and early ones too."""
    (one,) = lab.fleet("one")
    files = inbox_file(1, "s") | inbox_file(2, "s") | inbox_file(3, "s")
    lab.commit_push(one, files)
    lab.guard(one, "merge", "--frame", "2")
    assert lab.merged(lab.hub) == {digest(data) for data in files.values()}
    assert lab.load(lab.hub, "state/frame_counter.json") == {"frame": 3}
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_wait_takes_in_streams_that_arrive_meanwhile(lab: Lab) -> None:
    """--wait ends as soon as all expected streams are there, by branch or by ref."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1"))

    def late() -> None:
        time.sleep(1)
        lab.commit_push(two, inbox_file(1, "s2"))
        lab.deliver(two, delta(1, "s3"))

    thread = threading.Thread(target=late)
    thread.start()
    begun = time.monotonic()
    said = lab.guard(one, "merge", "--wait", "60", "--expect", "s1,s2,s3")
    assert time.monotonic() - begun < 20
    thread.join()
    assert "missing" not in said.out
    assert "3 of 3" in said.err
    assert lab.merged(lab.hub) == {digest(delta(1, name)) for name in ("s1", "s2", "s3")}


def test_wait_goes_on_at_its_deadline(lab: Lab) -> None:
    """When the time is up the merge takes what is there and says who is missing; --quiet hides the narration."""
    (one,) = lab.fleet("one")
    roster = json.dumps({"frame": 1, "streams": ["s1", "s2"]})
    lab.commit_push(one, {"state/stream_assignments.json": roster, **inbox_file(1, "s1")})
    said = lab.guard(one, "merge", "--wait", "1")
    assert "1 of 2" in said.err
    assert "missing: s2" in said.out
    assert lab.guard(one, "merge", "--wait", "1", "--expect", "zz", "--quiet").err == ""


@pytest.mark.parametrize("seconds", ["nan", "-1", "x"])
def test_a_wait_that_is_no_time_is_a_usage_error(lab: Lab, seconds: str) -> None:
    """--wait takes seconds; what is none is refused at once instead of waiting for ever."""
    (one,) = lab.fleet("one")
    process = lab.start(one, "merge", "--wait", seconds, "--expect", "s1")
    try:
        process.wait(15)
    finally:
        process.kill()
    assert lab.finish(process).code == 2


def test_seven_frames_stay_in_the_inbox(lab: Lab) -> None:
    """A merge drops merged deltas of frames up to counter - 7 and keeps those of the newest 7, and all of it
    verifies."""
    (one,) = lab.fleet("one")
    for first in (1, 4, 9):
        lab.commit_push(
            one, {path: data for frame in range(first, first + 3) for path, data in inbox_file(frame, "s").items()}
        )
        lab.guard(one, "merge")
    assert lab.inbox(lab.hub) == {".gitkeep", *(f"frame-{frame}-s.json" for frame in (5, 6, 9, 10, 11))}
    assert lab.merged(lab.hub) == {digest(delta(frame, "s")) for frame in (1, 2, 3, 4, 5, 6, 9, 10, 11)}
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_an_old_unmerged_delta_is_not_dropped_by_the_merge_that_takes_it_in(lab: Lab) -> None:
    """A delta of a long closed frame enters its own page and nothing that no page records leaves the inbox."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(20, "s"))
    lab.guard(one, "merge")
    lab.commit_push(one, inbox_file(2, "late", posts_created=[post(3)]))
    lab.guard(one, "merge")
    assert lab.page(lab.hub, 2)["posts_created"] == [post(3)]
    assert b'"late"' not in lab.show(lab.hub, "state/frames/000/frame-20.json")
    assert lab.load(lab.hub, "state/frame_counter.json") == {"frame": 20}
    assert lab.stats(lab.hub) == (1, 0, 0)
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_deltas_by_ref_enter_the_inbox_and_their_refs_go_in_the_same_push(lab: Lab) -> None:
    """What a ref delivers is merged, lies in the inbox under its digest's name, and its ref is gone; others stay."""
    one, two = lab.fleet("one", "two")
    data, nested = delta(1, "s1", posts_created=[post(1)]), delta(1, "s2")
    lab.deliver(two, data)
    lab.deliver(two, nested, path="frame-1-s2.json")
    lab.put_ref(two, "refs/guard/lanes/x", lab.rev(two))
    lab.guard(one, "merge")
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    assert lab.refs(lab.hub, "refs/guard") == {"refs/guard/lanes/x": lab.rev(two)}
    assert lab.merged(lab.hub) == {digest(data), digest(nested)}
    assert lab.show(lab.hub, name_of(1, "s1", data)) == data
    for clone in (one, two):
        lab.git(clone, "pull", "-q")
        lab.guard(clone, "verify")
    assert lab.guard(two, "merge").out == "nothing to merge\n"
    assert lab.refs(two, "refs/guard/remotes") == {}


def test_a_ref_that_repeats_a_merged_delta_only_vanishes(lab: Lab) -> None:
    """Delivering twice, by file and by ref, in one merge or after it, counts once and leaves no ref."""
    one, two = lab.fleet("one", "two")
    data = delta(1, "s1", posts_created=[post(1)], reactions_added=[1, 1])
    lab.commit_push(two, {name_of(1, "s1"): data})
    lab.deliver(two, data)
    lab.guard(one, "merge")
    tip, stats = lab.rev(lab.hub, "main"), lab.stats(lab.hub)
    assert stats == (1, 0, 2)
    lab.deliver(two, data)
    assert "nothing to merge" in lab.guard(one, "merge").out
    assert lab.rev(lab.hub, "main") == tip
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_a_delta_of_a_ref_that_wants_a_taken_name_is_not_lost(lab: Lab) -> None:
    """Where another file has the name that a delta by ref gets, it is merged whole, or waits in its ref."""
    one, two = lab.fleet("one", "two")
    data = delta(1, "s1", posts_created=[post(1)])
    lab.commit_push(two, {name_of(1, "s1", data): b"taken"})
    ref = lab.deliver(two, data)
    said = lab.guard(one, "merge")
    if ref in lab.refs(lab.hub):
        assert ref in said.err
        assert lab.merged(lab.hub) == set()
    else:
        assert digest(data) in lab.merged(lab.hub)
        blob = lab.git(two, "hash-object", "--stdin", input=data)
        assert blob in lab.git(lab.hub, "rev-list", "--objects", "main"), "a merged delta's bytes are nowhere"
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


@pytest.mark.parametrize("kind", ["blob", "tag", "empty-tree", "symlink", "submodule", "odd-names"])
def test_odd_refs_below_the_deltas_stop_nobody(lab: Lab, kind: str) -> None:
    """A delta's ref that holds something else is rejected by name; the rest is merged and verifies."""
    one, two = lab.fleet("one", "two")
    lab.deliver(two, delta(1, "good"))
    where = "refs/guard/deltas/1/odd/0123456789abcdef"
    blob = lab.git(two, "hash-object", "-w", "--stdin", input=delta(1, "odd"))
    if kind == "blob":
        lab.put_ref(two, where, blob)
    elif kind == "tag":
        lab.git(two, "tag", "-a", "-m", "x", "odd", lab.rev(two))
        lab.put_ref(two, where, lab.git(two, "rev-parse", "odd"))
    elif kind == "odd-names":
        for ref in (
            "refs/guard/deltas/1/odd",
            "refs/guard/deltas/x/y/z/w",
            "refs/guard/deltas/07/zero/a",
            "refs/guard/deltas/flat",
        ):
            lab.deliver(two, delta(1, "odd"), ref)
    else:
        entry = {"symlink": f"120000 blob {blob}", "submodule": f"160000 commit {lab.rev(two)}"}.get(kind)
        tree = lab.git(two, "mktree", "-z", input=f"{entry}\todd\0".encode() if entry else b"")
        lab.put_ref(two, where, lab.git(two, "commit-tree", "-m", "odd", tree))
    lab.guard(one, "merge")
    assert digest(delta(1, "good")) in lab.merged(lab.hub)
    assert lab.stats(lab.hub) == (0, 0, 0)
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")
    lab.commit_push(one, inbox_file(2, "next"))
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def test_a_delta_commit_on_top_of_main_delivers_the_delta_and_not_the_repository(lab: Lab) -> None:
    """A ref whose commit has the whole repository in its tree delivers its delta; no other file becomes one."""
    one, two = lab.fleet("one", "two")
    data = delta(1, "s1", posts_created=[post(1)])
    commit = lab.commit(two, {name_of(1, "s1"): data})
    lab.put_ref(two, f"refs/guard/deltas/1/s1/{digest(data)[:16]}", commit)
    value = lab.guard(one, "merge", "--json").json
    assert lab.merged(lab.hub) == {digest(data)}
    assert value["rejected"] == []


def test_nothing_of_the_clone_is_touched(lab: Lab) -> None:
    """A merge with staged, unstaged and untracked work around leaves index, work tree and branches as they are."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1"))
    lab.git(one, "branch", "other")
    lab.write(one, {"README.md": "edited\n", "staged.txt": "s\n", "untracked.txt": "u\n", "state/agents.json": "{}"})
    lab.git(one, "add", "staged.txt", "state/agents.json")
    before = lab.picture(one)
    lab.guard(one, "merge")
    assert lab.picture(one) == before
    assert lab.rev(lab.hub, "main") != lab.rev(one)


def _remedy(lab: Lab, here: Path, said: str) -> int:
    """Run the first command that is named as the fix; its exit status."""
    fix = re.search(r"fix: (.*)", said)
    assert fix
    return lab.run(here, "sh", "-c", fix[1], env={"PATH": f"{Path(sys.executable).parent}:{lab.env['PATH']}"}).code


@pytest.mark.parametrize("moved", [False, True])
def test_the_remedy_for_undelivered_deltas_works(lab: Lab, moved: bool) -> None:
    """Uncommitted deltas are named with a command that delivers them, and refuses what is none."""
    one, two = lab.fleet("one", "two")
    if moved:
        lab.commit_push(two, inbox_file(1, "other"))
    lab.write(one, inbox_file(1, "un committed", posts_created=[]) | inbox_file(1, "uncommitted"))
    said = lab.guard(one, "merge")
    assert "frame-1-uncommitted.json" in said.err
    assert _remedy(lab, one, said.err) == 1
    lab.guard(two, "merge")
    assert digest(delta(1, "uncommitted")) in lab.merged(lab.hub)
    assert "frame-1-un committed.json" in lab.guard(one, "merge").err


@pytest.mark.parametrize("moved", [False, True])
def test_the_remedy_for_unpushed_deltas_works(lab: Lab, moved: bool) -> None:
    """A delta that is committed and not pushed is named; its remedy works although the merge itself moved the hub."""
    one, two = lab.fleet("one", "two")
    if moved:
        lab.commit_push(two, inbox_file(1, "other"))
    lab.commit(one, inbox_file(1, "unpushed"))
    said = lab.guard(one, "merge")
    assert "frame-1-unpushed.json" in said.err
    assert _remedy(lab, one, said.err) == 0
    lab.guard(two, "merge")
    assert digest(delta(1, "unpushed")) in lab.merged(lab.hub)


def test_more_than_five_uncommitted_deltas_are_all_delivered_by_the_remedy(lab: Lab) -> None:
    """The remedy's command delivers every uncommitted delta, however many there are."""
    (one,) = lab.fleet("one")
    lab.write(one, {path: data for number in range(9) for path, data in inbox_file(1, f"s{number}").items()})
    assert _remedy(lab, one, lab.guard(one, "merge").err) == 0
    lab.guard(one, "merge")
    assert len(lab.merged(lab.hub)) == 9


@pytest.mark.parametrize("where", ["docs", "state", INBOX])
def test_a_subdirectory_is_as_good_as_the_top(lab: Lab, where: str) -> None:
    """merge, verify and frame say and do the same wherever in the work tree they are started."""
    one, two = lab.fleet("one", "two")
    (one / "docs").mkdir()
    lab.commit_push(two, inbox_file(1, "s1", posts_created=[post(1)]))
    assert "delivered" in lab.guard(one / where, "frame").out
    lab.guard(one / where, "merge")
    assert lab.merged(lab.hub) == {digest(delta(1, "s1", posts_created=[post(1)]))}
    lab.git(one, "pull", "-q")
    assert "1 merge and" in lab.guard(one / where, "verify").out
    assert "1 merge and" in lab.guard(one, "verify", "-C", where, "main~2..main").out
    lab.commit(one, inbox_file(2, "unpushed"))
    assert "frame-2-unpushed.json" in lab.guard(one / where, "merge").err


def test_a_copy_of_the_remotes_branch_that_a_power_loss_emptied(lab: Lab) -> None:
    """git fetches nothing beside it and cannot delete it: the remedy that is named helps."""
    here, other = lab.fleet("here", "other")
    lab.commit_push(other, inbox_file(1, "s"))
    lab.git(here, "pack-refs", "--all", "--prune")
    broken = here / ".git/refs/remotes/origin/main"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes(b"")
    said = lab.guard(here, "merge", code=2).err
    assert lab.run(here, "sh", "-c", said.rpartition("fix: ")[2]).code == 0
    assert lab.guard(here, "merge", "--json").json["merged"]


def test_a_hub_without_the_branch_gets_it_from_the_local_one(lab: Lab) -> None:
    """On an empty hub the local branch is the snapshot, and its merge is what creates the hub's branch."""
    here = lab.lone()
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(here, "remote", "add", "origin", str(lab.hub))
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    begun = time.monotonic()
    lab.guard(here, "merge")
    assert time.monotonic() - begun < 15
    assert lab.stats(lab.hub) == (1, 0, 0)


def test_a_linked_worktree_and_a_bare_clone_merge_as_well(lab: Lab) -> None:
    """The merge runs in a linked worktree and in a bare clone of the hub."""
    one, two = lab.fleet("one", "two")
    lab.git(one, "worktree", "add", "-q", "-b", "side", str(lab.root / "linked"))
    lab.commit_push(two, inbox_file(1, "s1"))
    lab.guard(lab.root / "linked", "merge")
    lab.commit_push(two, inbox_file(2, "s1"))
    bare = lab.root / "bare.git"
    lab.git(lab.root, "clone", "-q", "--bare", str(lab.hub), str(bare))
    lab.guard(bare, "merge")
    assert lab.load(lab.hub, "state/frame_counter.json") == {"frame": 2}
    lab.git(one, "pull", "-q")
    lab.guard(lab.root / "linked", "verify", "main~4..main")


def test_formatting_and_unknown_state_stay(lab: Lab) -> None:
    """A merge changes only what it counts: other state files and the spelling of what was there stay."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(1, "zoe", "new")]))
    lab.guard(one, "merge")
    assert lab.show(lab.hub, "state/notes.json") == STATE["state/notes.json"].encode()
    agents = lab.show(lab.hub, "state/agents.json").decode()
    assert "caf\u00e9 \u2014 and more" in agents
    assert list(lab.load(lab.hub, "state/agents.json")["agents"]) == ["ada", "bob", "cyd", "zoe"]
    assert not lab.show(lab.hub, "state/stats.json").endswith(b"\n")
    removed = [
        line
        for line in lab.git(lab.hub, "diff", "main^", "main", "--", "state/channels.json").splitlines()
        if line.startswith("-")
    ]
    assert len(removed) <= 4
