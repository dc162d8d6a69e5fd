"""Retention: what a merge may take out of the inbox, what it must leave there, and that nothing is lost by it."""

import json
from pathlib import Path

import pytest
from walks.lab import INBOX, Lab, delta, digest, inbox_file, name_of, post


def _fleet(lab: Lab, keep: int | None = None) -> Path:
    """A clone of a hub whose policy keeps so many frames."""
    seed = lab.lone("seed", adopt=False)
    lab.adopt(seed, "" if keep is None else f"keep_frames = {keep}\n")
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(seed, "push", "-q", str(lab.hub), "HEAD:refs/heads/main")
    return lab.clone("one")


def _frames(lab: Lab) -> list[int]:
    """The frames of the deltas in the hub's inbox."""
    return sorted(int(name.split("-")[1]) for name in lab.inbox(lab.hub) - {".gitkeep"})


def _verified(lab: Lab, here: Path) -> None:
    lab.git(here, "pull", "-q")
    lab.guard(here, "verify")


def _in_history(lab: Lab, data: bytes) -> bool:
    blob = lab.git(lab.hub, "hash-object", "--stdin", input=data)
    return blob in lab.git(lab.hub, "rev-list", "--objects", "main")


def _forged(lab: Lab, here: Path, merge: str, changes: dict[str, str | None]) -> str:
    """A commit like a merge commit on its parent, with some files (path -> object, None: gone) other than in it."""
    index = {"GIT_INDEX_FILE": str(lab.root / "forged-index")}
    lab.git(here, "read-tree", merge, env=index)
    for path, oid in changes.items():
        words = ("--add", "--cacheinfo", f"100644,{oid},{path}") if oid else ("--force-remove", "--", path)
        lab.git(here, "update-index", *words, env=index)
    tree = lab.git(here, "write-tree", env=index)
    message = lab.git(here, "log", "-1", "--format=%B", merge)
    return lab.git(here, "commit-tree", "-p", f"{merge}^", "-m", message, tree)


@pytest.mark.parametrize(("keep", "stay"), [(None, 7), (0, 0), (2, 2), (10**9, 99)])
def test_the_inbox_holds_the_kept_frames_after_every_merge(lab: Lab, keep: int | None, stay: int) -> None:
    """Whatever number of frames is kept, each merge leaves exactly the newest so many; pages and history hold all."""
    one = _fleet(lab, keep)
    made = {frame: delta(frame, "s", posts_created=[post(frame)]) for frame in range(1, 10)}
    for first in (1, 4, 7):
        last = first + 2
        before = _frames(lab)
        lab.commit_push(one, {name_of(frame, "s"): made[frame] for frame in range(first, last + 1)})
        said = lab.guard(one, "merge", "--json").json
        assert _frames(lab) == list(range(max(1, last - stay + 1), last + 1))
        gone = {*before, *range(first, last + 1)} - set(_frames(lab))
        assert said["dropped"] == [name_of(frame, "s") for frame in sorted(gone)]
    assert lab.merged(lab.hub) == set(map(digest, made.values()))
    assert all(_in_history(lab, data) for data in made.values())
    tip = lab.rev(lab.hub, "main")
    assert "nothing to merge" in lab.guard(one, "merge").out
    assert lab.rev(lab.hub, "main") == tip
    _verified(lab, one)


def test_a_late_delta_of_an_old_frame_leaves_with_the_merge_that_records_it(lab: Lab) -> None:
    """By file it lies in the parent's tree and may go at once; by ref it enters first, so that history has its bytes,
    and goes with the next merge. Its ref is gone with the push that brought it in."""
    one = _fleet(lab)
    lab.commit_push(one, inbox_file(20, "s"))
    lab.guard(one, "merge")
    by_file, by_ref = delta(2, "late", posts_created=[post(1)]), delta(3, "later", posts_created=[post(2)])
    lab.commit_push(one, {name_of(2, "late"): by_file})
    lab.deliver(one, by_ref)
    assert lab.guard(one, "merge", "--json").json["dropped"] == [name_of(2, "late")]
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    assert lab.inbox(lab.hub) == {".gitkeep", "frame-20-s.json", Path(name_of(3, "later", by_ref)).name}
    lab.commit_push(one, inbox_file(21, "s"))
    assert lab.guard(one, "merge", "--json").json["dropped"] == [name_of(3, "later", by_ref)]
    assert {digest(by_file), digest(by_ref)} <= lab.merged(lab.hub)
    assert _in_history(lab, by_file)
    assert _in_history(lab, by_ref)
    assert lab.stats(lab.hub) == (2, 0, 0)
    lab.deliver(one, by_ref)  # at least once is often enough
    assert "nothing to merge" in lab.guard(one, "merge").out
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    _verified(lab, one)


def test_deltas_that_no_page_records_stay(lab: Lab) -> None:
    """What lay in the inbox at adoption is in no page of ours, and stays however old it gets; so do other files."""
    kept = {name_of(1, "before"): delta(1, "before"), f"{INBOX}/README.md": b"ours\n", f"{INBOX}/frame-x.txt": b"-\n"}
    seed = lab.lone("seed", adopt=False)
    lab.commit(seed, kept)
    lab.adopt(seed)
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(seed, "push", "-q", str(lab.hub), "HEAD:refs/heads/main")
    one = lab.clone("one")
    for frame in (2, 30):
        lab.commit_push(one, inbox_file(frame, "s"))
        lab.guard(one, "merge")
    names = {Path(path).name for path in kept}
    assert lab.inbox(lab.hub) == {".gitkeep", "frame-30-s.json", *names}
    assert lab.merged(lab.hub) == {digest(delta(2, "s")), digest(delta(30, "s"))}
    _verified(lab, one)


def test_every_version_of_a_rewritten_delta_is_recorded_before_its_file_goes(lab: Lab) -> None:
    """A name that was overwritten twice, before its merge and after it: three versions in the page, none in the way."""
    one = _fleet(lab, 2)
    versions = [delta(1, "s", posts_created=[post(number)]) for number in (1, 2, 3)]
    lab.commit_push(one, {name_of(1, "s"): versions[0]})
    lab.commit_push(one, {name_of(1, "s"): versions[1]})
    lab.guard(one, "merge")
    lab.commit_push(one, {name_of(1, "s"): versions[2], **inbox_file(2, "s")})
    assert lab.guard(one, "merge", "--json").json["dropped"] == []
    lab.commit_push(one, inbox_file(3, "s"))
    assert lab.guard(one, "merge", "--json").json["dropped"] == [name_of(1, "s")]
    assert set(map(digest, versions)) <= lab.merged(lab.hub)
    assert lab.stats(lab.hub) == (3, 0, 0)
    assert all(_in_history(lab, data) for data in versions)


@pytest.mark.parametrize("name", ["frame-1-a..b.json", "frame-1-s.json", "deep/frame-1-s.json"])
def test_a_rejected_file_goes_like_a_delta_where_its_frame_is_known(lab: Lab, name: str) -> None:
    """What is no delta is recorded with its reason; where its name says a frame, it goes with that frame, wherever
    it is recorded, and without one it stays. Whoever removes one by hand is not stopped."""
    one = _fleet(lab, 2)
    lab.commit_push(one, {f"{INBOX}/{name}": b"garbage\n", **inbox_file(1, "t")})
    lab.guard(one, "merge")
    assert name in lab.inbox(lab.hub)
    lab.commit_push(one, inbox_file(9, "s"))
    dropped = lab.guard(one, "merge", "--json").json["dropped"]
    goes = name.startswith("frame-1-")
    assert dropped == sorted([*([f"{INBOX}/{name}"] if goes else []), name_of(1, "t")])
    assert (name in lab.inbox(lab.hub)) == (not goes)
    _verified(lab, one)


@pytest.mark.parametrize("name", ["frame-1-a..b.json", "frame-1-s.json", "nothing.json"])
def test_a_rejected_file_that_is_recorded_may_be_removed_by_hand(lab: Lab, name: str) -> None:
    """A file that is recorded as rejected is as good as merged: neither hook nor verify holds it in the inbox."""
    one = _fleet(lab)
    lab.guard(one, "install")
    lab.git(one, "commit", "-q", "--no-verify", "--allow-empty", "-m", "[S1] lab: nothing")
    lab.git(one, "push", "-q", "--no-verify", "origin", "HEAD:main")
    lab.write(one, {f"{INBOX}/{name}": b"garbage\n"})
    lab.git(one, "add", "-f", "--", f"{INBOX}/{name}")
    lab.git(one, "commit", "-q", "--no-verify", "-m", "[S1] lab: garbage")
    lab.git(one, "push", "-q", "--no-verify", "origin", "HEAD:main")
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    lab.git(one, "rm", "-q", "--", f"{INBOX}/{name}")
    lab.git(one, "commit", "-q", "-m", "[S1] lab: clean up")
    lab.git(one, "push", "-q", "origin", "HEAD:main")
    lab.guard(one, "verify")


def test_verify_tells_a_merge_that_drops_too_much_from_one_that_drops_less(lab: Lab) -> None:
    """Dropping a kept frame's delta, or one that nobody recorded, is not what the merge makes; leaving one that could
    go harms nobody; putting other bytes in its place does."""
    seed = lab.lone("seed", adopt=False)
    lab.commit(seed, {name_of(1, "before"): delta(1, "before")})
    lab.adopt(seed)
    lab.git(lab.root, "init", "-q", "--bare", str(lab.hub))
    lab.git(seed, "push", "-q", str(lab.hub), "HEAD:refs/heads/main")
    one = lab.clone("one")
    lab.commit_push(one, {path: data for frame in (2, 8) for path, data in inbox_file(frame, "s").items()})
    lab.guard(one, "merge")
    lab.commit_push(one, inbox_file(9, "s"))
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    good = lab.rev(one)
    assert name_of(2, "s") not in lab.paths(one, good)
    other = lab.git(one, "hash-object", "-w", "--stdin", input=b"{}\n")
    old = lab.git(one, "hash-object", "-w", "--stdin", input=delta(2, "s"))
    for path, oid, code in ((name_of(8, "s"), None, 0), (name_of(1, "before"), None, 0), (name_of(2, "s"), other, 1)):
        commit = _forged(lab, one, good, {path: oid})
        said = lab.guard(one, "check", "--range", f"{good}^..{commit}", "--json", code=1)
        assert (path, "G101") in {(each["path"], each["code"]) for each in said.json["findings"]}
        told = lab.guard(one, "verify", commit, "--json", code=code).json["repaired"]  # the pages have what was taken
        assert (commit, path, "G101") in {(each["commit"], each["path"], each["code"]) for each in told}
    less = _forged(lab, one, good, {name_of(2, "s"): old})
    lab.guard(one, "check", "--range", f"{good}^..{less}")
    assert lab.guard(one, "verify", less, "--json").json["repaired"] == []


def test_the_number_kept_is_the_policy_of_the_parent(lab: Lab) -> None:
    """Keeping more or fewer frames counts from the next merge on, and older merges are judged by what held then."""
    one = _fleet(lab, 2)
    for frame in range(1, 5):
        lab.commit_push(one, inbox_file(frame, "s"))
        lab.guard(one, "merge")
    assert _frames(lab) == [3, 4]
    text = lab.show(lab.hub, "guard.toml").decode()
    for keep, expected in ((4, [3, 4, 5]), (0, [])):
        lab.commit_push(one, {"guard.toml": text.replace("keep_frames = 2", f"keep_frames = {keep}")}, "[S1] keep: so")
        lab.commit_push(one, inbox_file(5 if keep else 6, "s"))
        lab.guard(one, "merge")
        assert _frames(lab) == expected
    _verified(lab, one)


def test_a_frame_that_is_closed_empty_drops_what_is_too_old_then(lab: Lab) -> None:
    """The counter moves without a delta too; what is kept is counted from it."""
    one = _fleet(lab, 1)
    lab.commit_push(one, inbox_file(1, "s"))
    lab.guard(one, "merge")
    assert _frames(lab) == [1]
    said = lab.guard(one, "merge", "--frame", "2", "--json").json
    assert (said["counter"], said["dropped"]) == (2, [name_of(1, "s")])
    assert json.loads(lab.show(lab.hub, "state/frame_counter.json"))["frame"] == 2
    _verified(lab, one)
