"""Several at once: primaries, pushers, hubs that refuse, vanish or do not answer."""

import threading
import time
from pathlib import Path

import pytest
from walks.lab import Lab, delta, digest, inbox_file, name_of, post


def _script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


BARRIER = """#!/bin/sh
# The first push of each primary waits until all of them are there.
for word; do [ "$word" = push ] && push=1; done
if [ -n "$push" ] && [ ! -e "$RACE/$ME" ]; then
  : > "$RACE/$ME"
  n=0
  while [ "$(ls "$RACE" | wc -l)" -lt "$RACERS" ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done
fi
exec "$REAL_GIT" "$@"
"""


SLOW = """#!/bin/sh
for word; do
  [ "$word" = push ] && [ ! -e "$GATE" ] && { : > "$GATE"; while [ ! -e "$GATE.go" ]; do sleep 0.05; done; }
done
exec "$REAL_GIT" "$@"
"""

LIAR = """#!/bin/sh
# A push that goes through, and whose answer is lost.
for word; do
  [ "$word" = push ] && { "$REAL_GIT" "$@" >/dev/null 2>&1; echo "fatal: the remote end hung up" >&2; exit 128; }
done
exec "$REAL_GIT" "$@"
"""

SNEAK = """#!/bin/sh
# Just before the first push, somebody else moves a ref on the hub.
for word; do
  [ "$word" = push ] && [ ! -e "$GATE" ] && { : > "$GATE"; "$REAL_GIT" -C "$HUB" update-ref "$REF" "$NEW"; }
done
exec "$REAL_GIT" "$@"
"""

REFUSER = """#!/bin/sh
# Refuses the first five pushes; an update hook is asked for each ref, and only main counts.
[ $# -eq 0 ] || [ "$1" = refs/heads/main ] || exit 0
n=$(cat "$COUNT" 2>/dev/null || echo 0)
echo $((n+1)) > "$COUNT"
[ "$n" -ge 5 ] || { echo "not now" >&2; exit 1; }
"""


def _git(lab: Lab) -> str:
    return lab.run(lab.root, "sh", "-c", "command -v git").out.strip()


def test_two_primaries_at_once_make_one_merge_ten_times(lab: Lab) -> None:
    """Both push behind a barrier, ten rounds: one merge commit each, both exit 0, every delta once."""
    one, two, worker = lab.fleet("one", "two", "worker")
    wrapper = _script(lab.root / "bin/git", BARRIER).parent
    env = {"PATH": f"{wrapper}:{lab.env['PATH']}", "REAL_GIT": _git(lab), "RACERS": "2"}
    for frame in range(1, 11):
        lab.commit_push(worker, inbox_file(frame, "s1", posts_created=[post(frame)]))
        ref = delta(frame, "byref", reactions_added=[1])
        lab.deliver(worker, ref)
        race = lab.root / f"race-{frame}"
        race.mkdir()
        said = lab.together((clone, ["merge"], {**env, "RACE": str(race), "ME": clone.name}) for clone in (one, two))
        assert [each.code for each in said] == [0, 0], said
        assert len(list(race.iterdir())) == 2, "the race did not happen"
        assert len(lab.merges(lab.hub)) == frame
        assert lab.stats(lab.hub) == (frame, 0, frame)
    assert lab.refs(lab.hub, "refs/guard") == {}
    lab.git(worker, "pull", "-q")
    lab.guard(worker, "verify")


def test_two_primaries_with_different_snapshots(lab: Lab) -> None:
    """One primary has read before a delta came, the other after: whoever wins, both deltas are merged once in the
    end."""
    one, two, worker = lab.fleet("one", "two", "worker")
    lab.commit_push(worker, inbox_file(1, "s1", posts_created=[post(1)]))
    slow = _script(
        lab.root / "slow/git",
        SLOW,
    ).parent
    gate = lab.root / "gate"
    env = {"PATH": f"{slow}:{lab.env['PATH']}", "REAL_GIT": _git(lab), "GATE": str(gate)}
    process = lab.start(one, "merge", "--json", env=env)
    while not gate.exists():
        time.sleep(0.02)
        assert process.poll() is None
    lab.commit_push(worker, inbox_file(1, "s2", posts_created=[post(2)]))
    lab.deliver(worker, delta(1, "s3", posts_created=[post(3)]))
    lab.guard(two, "merge")
    lab.commit_push(worker, inbox_file(1, "s4", posts_created=[post(4)]))
    (lab.root / "gate.go").touch()
    said = lab.finish(process)
    assert said.code == 0
    assert lab.stats(lab.hub) == (4, 0, 0)
    assert lab.merged(lab.hub) == {digest(delta(1, f"s{n}", posts_created=[post(n)])) for n in range(1, 5)}
    lab.git(worker, "pull", "-q")
    lab.guard(worker, "verify")


def test_merges_in_one_clone_at_once(lab: Lab) -> None:
    """Four merges started in one clone share its refs and locks: all exit 0, one commit."""
    one, worker = lab.fleet("one", "worker")
    lab.commit_push(worker, {path: data for n in range(5) for path, data in inbox_file(1, f"s{n}").items()})
    lab.deliver(worker, delta(1, "byref"))
    said = lab.together([(one, ["merge"], {})] * 4)
    assert [each.code for each in said] == [0] * 4, said
    assert len(lab.merges(lab.hub)) == 1
    assert len(lab.merged(lab.hub)) == 6


def test_merges_in_one_lone_repository_at_once(lab: Lab) -> None:
    """Four merges started in one checked-out repository: all exit 0, one commit, tree clean."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    said = lab.together([(here, ["merge"], {})] * 4)
    assert [each.code for each in said] == [0] * 4, said
    assert len(lab.merges(here)) == 1
    assert lab.git(here, "status", "--porcelain") == ""
    lab.guard(here, "verify")


def test_pushers_at_work_while_merging(lab: Lab) -> None:
    """Workers push files, deltas and refs without pause while two primaries merge: all is merged once and verifies."""
    *workers, one, two = lab.fleet("w1", "w2", "w3", "one", "two")
    sent: list[bytes] = []
    failed: list[str] = []

    def work(number: int, clone: Path) -> None:
        for turn in range(5):
            data = delta(turn + 1, f"w{number}", posts_created=[post(number * 100 + turn)], reactions_added=[1])
            if (turn + number) % 3 == 0:
                lab.deliver(clone, data)
                sent.append(data)
                continue
            files = {f"work-{number}-{turn}.txt": "w"} if turn % 2 else {}
            lab.commit(clone, {name_of(turn + 1, f"w{number}"): data, **files})
            sent.append(data)
            for _ in range(60):
                lab.git(clone, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main", code=None)
                if lab.run(clone, "git", "push", "-q", "origin", "HEAD:main").code == 0:
                    break
            else:
                failed.append(f"w{number} starved")

    threads = [threading.Thread(target=work, args=(number, clone)) for number, clone in enumerate(workers, 1)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for process in [lab.start(clone, "merge", "--quiet") for clone in (one, two)]:
            said = lab.finish(process)
            assert said.code == 0, said
    for thread in threads:
        thread.join()
    assert not failed
    lab.guard(one, "merge")
    assert lab.merged(lab.hub) == {digest(data) for data in sent}
    assert lab.stats(lab.hub) == (15, 0, 15)
    assert lab.refs(lab.hub, "refs/guard") == {}
    lab.git(one, "pull", "-q")
    lab.guard(one, "verify")


@pytest.mark.parametrize("hook", ["update", "pre-receive"])
def test_a_hub_that_refuses_five_pushes(lab: Lab, hook: str) -> None:
    """Five refusals in a row are no reason to give up; the merge goes in at the sixth try, with its refs."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.deliver(one, delta(1, "s2"))
    _script(lab.hub / "hooks" / hook, REFUSER)
    lab.guard(one, "merge", env={"COUNT": str(lab.root / "n")})
    assert (lab.root / "n").read_text().strip() == "6"
    assert len(lab.merged(lab.hub)) == 2
    assert lab.refs(lab.hub, "refs/guard") == {}


def test_a_hub_that_always_refuses_is_given_up_with_its_reason(lab: Lab) -> None:
    """A hook that never takes the commit ends in exit 2 with the hook's words, soon, and nothing is published."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.deliver(one, delta(1, "s2"))
    before = lab.refs(lab.hub)
    _script(lab.hub / "hooks/pre-receive", "#!/bin/sh\necho 'closed for the winter' >&2\nexit 1\n")
    begun = time.monotonic()
    said = lab.guard(one, "merge", code=2)
    assert "closed for the winter" in said.err
    assert time.monotonic() - begun < 40
    assert lab.refs(lab.hub) == before


def test_a_hub_that_cannot_be_written_is_given_up_soon(lab: Lab) -> None:
    """A transport that lets read and not write is exit 2 in seconds, not after forty tries."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.git(one, "config", "remote.origin.receivepack", "false")
    begun = time.monotonic()
    lab.guard(one, "merge", code=2)
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    "url",
    [
        "/nowhere/hub.git",
        "file:///nowhere/hub.git",
        "ssh://127.0.0.1:1/hub.git",
        "http://127.0.0.1:1/hub.git",
        "nonsense::x",
    ],
)
def test_a_hub_that_cannot_be_reached(lab: Lab, url: str) -> None:
    """Exit 2, the remote named, a remedy, and nothing merged; verify still works on what is here."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.git(one, "config", "remote.origin.url", url)
    before = lab.picture(one), lab.refs(one)
    said = lab.guard(one, "merge", code=2, env={"GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=2"})
    assert "origin" in said.err
    assert "fix:" in said.err
    assert (lab.picture(one), lab.refs(one)) == before
    lab.guard(one, "frame", code=2)
    lab.guard(one, "frame", "--no-fetch")
    lab.guard(one, "verify")


def test_a_lost_reply_is_not_a_lost_race(lab: Lab) -> None:
    """The push went through and its answer did not: exit 0, one commit, no second one."""
    (one,) = lab.fleet("one")
    lab.commit_push(one, inbox_file(1, "s1"))
    lab.deliver(one, delta(1, "s2"))
    liar = _script(
        lab.root / "liar/git",
        LIAR,
    ).parent
    env = {"PATH": f"{liar}:{lab.env['PATH']}", "REAL_GIT": _git(lab)}
    value = lab.guard(one, "merge", "--json", env=env).json
    assert value["commit"] == lab.rev(lab.hub, "main")
    assert value["published"] is True
    assert len(lab.merges(lab.hub)) == 1
    assert lab.refs(lab.hub, "refs/guard") == {}


def test_a_lost_reply_where_only_refs_were_dropped(lab: Lab) -> None:
    """The same where nothing was to be merged and only repeated deltas' refs were deleted."""
    (one,) = lab.fleet("one")
    data = delta(1, "s1")
    lab.commit_push(one, {name_of(1, "s1"): data})
    lab.guard(one, "merge")
    lab.deliver(one, data)
    liar = _script(
        lab.root / "liar/git",
        LIAR,
    ).parent
    env = {"PATH": f"{liar}:{lab.env['PATH']}", "REAL_GIT": _git(lab)}
    assert lab.guard(one, "merge", env=env).out == "nothing to merge\n"
    assert lab.refs(lab.hub, "refs/guard") == {}


def test_a_delta_ref_that_moves_while_merging_is_not_lost(lab: Lab) -> None:
    """A stream that replaces its ref between our reading and our push keeps the new content: the lease refuses,
    both are merged."""
    one, worker = lab.fleet("one", "worker")
    first, second = (delta(1, "s1", posts_created=[post(number)]) for number in (1, 2))
    ref = lab.deliver(worker, first, "refs/guard/deltas/1/s1/0123456789abcdef")
    sneak = _script(
        lab.root / "sneak/git",
        SNEAK,
    ).parent
    lab.deliver(worker, second, "refs/guard/deltas/1/s1/fedcba9876543210")
    new = lab.refs(lab.hub)["refs/guard/deltas/1/s1/fedcba9876543210"]
    lab.git(lab.hub, "update-ref", "-d", "refs/guard/deltas/1/s1/fedcba9876543210")
    env = {
        "PATH": f"{sneak}:{lab.env['PATH']}",
        "REAL_GIT": _git(lab),
        "GATE": str(lab.root / "g"),
        "HUB": str(lab.hub),
        "REF": ref,
        "NEW": new,
    }
    lab.guard(one, "merge", env=env)
    assert digest(second) in lab.merged(lab.hub)
    assert lab.refs(lab.hub, "refs/guard") == {}


def test_the_hub_is_rewound_by_force(lab: Lab) -> None:
    """After a forced push to an older commit the next merge makes the lost merge again, and it verifies."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1", posts_created=[post(1)]))
    before = lab.rev(lab.hub, "main")
    lab.guard(one, "merge")
    good = lab.canonical(lab.hub)
    lab.git(lab.hub, "update-ref", "refs/heads/main", before)
    for clone in (one, two):
        lab.guard(clone, "merge")
    assert lab.canonical(lab.hub) == good
    assert len(lab.merges(lab.hub)) == 1
