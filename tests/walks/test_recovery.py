"""Nothing is lost, nothing counts twice: versions that were overwritten, splits of arrival, sides and merges."""

import random

import pytest
from walks.lab import INBOX, Lab, comment, delta, digest, inbox_file, name_of, post


def test_versions_overwritten_or_deleted_before_their_merge_are_recovered(lab: Lab) -> None:
    """Every version that any commit put into the inbox is in the page, and the output says which were recovered
    from where."""
    one, two = lab.fleet("one", "two")
    versions = [delta(1, "s1", posts_created=[post(number)]) for number in range(1, 5)]
    commits = [lab.commit_push(two, {name_of(1, "s1"): data}) for data in versions]
    gone = delta(1, "gone", comments_added=[comment("c")])
    commits.append(lab.commit_push(two, {name_of(1, "gone"): gone}))
    lab.commit_push(two, {name_of(1, "gone"): None})
    value = lab.guard(one, "merge", "--json").json
    assert {entry["commit"] for entry in value["recovered"]} == {*commits[:3], commits[4]}
    assert lab.merged(lab.hub) == {digest(data) for data in [*versions, gone]}
    assert lab.stats(lab.hub) == (4, 1, 0)
    lab.git(one, "pull", "-q")
    assert lab.guard(one, "verify", "--json").json["problems"] == []


def test_a_version_that_was_put_back_is_not_counted_twice(lab: Lab) -> None:
    """A, B, A again, before and after merges: each counts once."""
    (one,) = lab.fleet("one")
    first, second = (delta(1, "s1", posts_created=[post(number)], reactions_added=[1]) for number in (1, 2))
    for data in (first, second, first):
        lab.commit_push(one, {name_of(1, "s1"): data})
    lab.guard(one, "merge")
    for data in (second, first):
        lab.commit_push(one, {name_of(1, "s1"): data})
        assert lab.guard(one, "merge").out == "nothing to merge\n"
    assert lab.stats(lab.hub) == (2, 0, 2)


def test_a_version_overwritten_after_its_merge_does_not_hide_the_new_one(lab: Lab) -> None:
    """Overwriting a merged delta with other bytes merges those too: a correction is a new delta."""
    (one,) = lab.fleet("one")
    for number in (1, 2, 3):
        lab.commit_push(one, inbox_file(1, "s1", posts_created=[post(number)]))
        lab.guard(one, "merge")
    assert lab.stats(lab.hub) == (3, 0, 0)
    assert len(lab.merged(lab.hub)) == 3


def test_a_version_that_only_a_side_branch_had(lab: Lab) -> None:
    """Versions written and removed on a side branch come in with the git merge of that branch."""
    (one,) = lab.fleet("one")
    lab.git(one, "checkout", "-q", "-b", "side")
    hidden, kept = delta(1, "hidden", posts_created=[post(1)]), delta(1, "kept", posts_created=[post(2)])
    lab.commit(one, {name_of(1, "hidden"): hidden, name_of(1, "kept"): delta(1, "kept")})
    lab.commit(one, {name_of(1, "hidden"): None, name_of(1, "kept"): kept})
    lab.git(one, "checkout", "-q", "main")
    lab.commit_push(one, inbox_file(2, "main"))
    lab.guard(one, "merge")
    lab.git(one, "pull", "-q")
    lab.git(one, "merge", "-q", "--no-ff", "-m", "side", "side")
    lab.git(one, "push", "-q", "origin", "main")
    lab.guard(one, "merge")
    assert lab.merged(lab.hub) == {digest(data) for data in (hidden, kept, delta(1, "kept"), delta(2, "main"))}
    lab.git(one, "pull", "-q")
    assert lab.guard(one, "verify", "--json").json["problems"] == []


@pytest.mark.parametrize("how", ["ours", "theirs", "evil-both", "evil-third", "evil-drops"])
def test_two_sides_write_one_name(lab: Lab, how: str) -> None:
    """The same name on two sides, however the conflict is resolved: both versions and the resolution are merged."""
    (one,) = lab.fleet("one")
    ours, theirs = (delta(1, "s1", posts_created=[post(number)]) for number in (1, 2))
    lab.git(one, "checkout", "-q", "-b", "side")
    lab.commit(one, {name_of(1, "s1"): theirs})
    lab.git(one, "checkout", "-q", "main")
    lab.commit(one, {name_of(1, "s1"): ours})
    expected = {ours, theirs}
    if how in ("ours", "theirs"):
        lab.git(one, "merge", "-q", *(["-s", "ours"] if how == "ours" else ["-X", "theirs"]), "-m", how, "side")
    else:
        lab.git(one, "merge", "-q", "--no-commit", "side", code=None)
        third = delta(1, "s1", posts_created=[post(3)])
        extra = delta(1, "extra", posts_created=[post(4)])
        if how == "evil-drops":
            lab.git(one, "rm", "-qf", name_of(1, "s1"))
        else:
            lab.write(one, {name_of(1, "s1"): third if how == "evil-third" else ours, name_of(1, "extra"): extra})
            lab.git(one, "add", INBOX)
            expected |= {extra, third} if how == "evil-third" else {extra}
        lab.git(one, "commit", "-q", "-m", how)
    lab.git(one, "push", "-q", "origin", "main")
    lab.guard(one, "merge")
    assert lab.merged(lab.hub) == {digest(data) for data in expected}
    assert lab.stats(lab.hub) == (len(expected), 0, 0)
    lab.git(one, "pull", "-q")
    assert "1 merge and" in lab.guard(one, "verify", "main~1..main").out


def test_a_side_branch_that_began_before_adoption(lab: Lab) -> None:
    """Deltas on a branch from before the baseline, merged after it, are new and are merged."""
    (one,) = lab.fleet("one")
    lab.git(one, "checkout", "-q", "-b", "side", "main~1")
    lab.commit(one, inbox_file(1, "side", posts_created=[post(1)]))
    lab.git(one, "checkout", "-q", "main")
    lab.git(one, "merge", "-q", "--no-ff", "-m", "side", "side")
    lab.git(one, "push", "-q", "origin", "main")
    lab.guard(one, "merge")
    assert lab.stats(lab.hub) == (1, 0, 0)
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


def _random_deltas(draw: random.Random) -> list[tuple[int, str, bytes]]:
    found = []
    for number in range(12):
        frame = draw.randint(1, 4)
        stream = f"s{draw.randint(1, 4)}"
        posts = [
            post(draw.randint(1, 9), draw.choice(["ada", "bob", "zoe"]), draw.choice(["general", "new"]))
            for _ in range(draw.randint(0, 3))
        ]
        comments = [
            draw.choice(
                [comment(f"c{draw.randint(1, 5)}"), {"author": "ada", "text": "same"}, f"node-{draw.randint(1, 4)}"]
            )
            for _ in range(3)
        ]
        more = (
            {"set": {f"state/agents.json#/agents/{draw.choice(['ada', 'zoe'])}/bio": f"bio {number} \u2014"}}
            if draw.random() < 0.4
            else {}
        )
        data = delta(
            frame,
            stream,
            posts_created=posts,
            comments_added=comments,
            reactions_added=[draw.randint(0, 5), "x:HEART"],
            agents_activated=draw.sample(["ada", "bob", "zoe", "\u00e9mile"], 2),
            observations={"n": number},
            odd=number,
            **more,
        )
        found.append((frame, stream, data))
    return found


@pytest.mark.parametrize("seed", range(2))
def test_many_merges_and_one_give_the_same_bytes(lab: Lab, seed: int) -> None:
    """The same deltas, in any order, split over merges, by file, overwritten file or ref: identical canonical trees."""
    draw = random.Random(seed)
    found = _random_deltas(draw)
    trees = []
    for name, batches in (("one", 1), ("many", 4), ("other", 2)):
        here = lab.lone(name)
        order = draw.sample(found, len(found))
        cut = sorted(draw.sample(range(1, len(order)), batches - 1))
        for start, end in zip([0, *cut], [*cut, len(order)], strict=True):
            for frame, stream, data in order[start:end]:
                if draw.random() < 0.3:
                    lab.deliver(here, data)
                else:
                    lab.commit(here, {name_of(frame, stream): data})
            lab.guard(here, "merge")
        assert lab.merged(here) == {digest(data) for _, _, data in found}
        assert lab.guard(here, "verify", "--json").json["problems"] == []
        trees.append(lab.canonical(here))
    assert trees[0] == trees[1] == trees[2]


def test_machines_that_merge_in_turn_agree_with_one(lab: Lab) -> None:
    """Three clones that merge in turn on one hub end at the bytes of a single merge elsewhere."""
    clones = lab.fleet("one", "two", "three")
    twin = lab.root / "twin.git"
    lab.run(lab.root, "cp", "-r", str(lab.hub), str(twin))
    files: dict[str, bytes] = {}
    for frame in range(1, 4):
        for number, clone in enumerate(clones):
            mine = inbox_file(frame, f"s{number}", posts_created=[post(frame + number)], reactions_added=[frame])
            files |= mine
            lab.commit_push(clone, mine)
        lab.guard(clones[frame % 3], "merge")
    other = lab.root / "other"
    lab.git(lab.root, "clone", "-q", str(twin), str(other))
    lab.commit_push(other, files)
    lab.guard(other, "merge")
    assert lab.canonical(twin) == lab.canonical(lab.hub)
