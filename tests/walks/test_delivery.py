"""`guard delta push`: every delta reaches the hub and counts once, whoever races, dies, refuses or does not answer."""

import contextlib
import json
import os
import re
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from walks.lab import INBOX, Lab, Said, delta, digest, inbox_file, name_of, post
from walks.test_races import LIAR, _git, _script

WAYS = ("refs", "branch")


def _push(lab: Lab, here: Path, *words: str, code: int | None = 0, env: dict[str, str] | None = None) -> dict[str, Any]:
    """Deliver; the summary."""
    summary: dict[str, Any] = lab.guard(here, "delta", "push", "--json", *words, code=code, env=env).json
    return summary


def _outbox(here: Path) -> list[str]:
    return sorted(path.name for path in (here / ".git/guard/outbox").glob("frame-*.json"))


def _at_hub(lab: Lab, where: Path | None = None) -> list[bytes]:
    """The bytes of every delta at the hub, by file and by ref, as often as it is there."""
    hub = where or lab.hub
    found = [lab.show(hub, f"{INBOX}/{name}") for name in lab.inbox(hub) if name.endswith(".json")]
    for oid in lab.refs(hub, "refs/guard/deltas").values():
        found += [lab.show(hub, path, oid) for path in lab.paths(hub, oid)]
    return found


def _by(lab: Lab, here: Path, way: str) -> None:
    """Make a way the policy's."""
    text = (here / "guard.toml").read_text()
    lab.commit_push(here, {"guard.toml": f'{text}[delivery]\nby = "{way}"\n'})


# --- one clone -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_what_lies_uncommitted_arrives_and_stays(lab: Lab, way: str) -> None:
    """Delivered, merged once, verified; nothing of the clone changes, and a pull is not stopped by the file."""
    one, two = lab.fleet("one", "two")
    data = delta(1, "s1", posts_created=[post(1)])
    lab.write(one, {name_of(1, "s1"): data, "loose.txt": "mine\n"})
    lab.git(one, "add", "loose.txt")
    before = lab.picture(one)
    summary = _push(lab, one, "--by", way)
    assert [each["file"] for each in summary["delivered"]] == [name_of(1, "s1")]
    assert lab.picture(one) == before
    assert _at_hub(lab) == [data]
    assert _outbox(one) == []
    again = _push(lab, one, "--by", way)
    assert (again["delivered"], len(again["already"])) == ([], 1)
    assert _at_hub(lab) == [data]
    said = lab.guard(two, "merge")
    assert lab.merged(lab.hub) == {digest(data)}
    assert said.err == ""
    assert len(_push(lab, one)["already"]) == 1  # it is in a page now
    assert lab.refs(lab.hub, "refs/guard") == {}
    assert "warning" not in lab.guard(one, "merge").err
    lab.git(one, "pull", "-q", "--ff-only")
    lab.guard(one, "verify")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_committed_and_not_pushed_arrives(lab: Lab, way: str) -> None:
    """A delta in a local commit is delivered without its branch; pushing the branch later repeats nothing."""
    one, two = lab.fleet("one", "two")
    lab.git(one, "switch", "-q", "-c", "work")
    lab.commit(one, inbox_file(1, "s1", posts_created=[post(1)]))
    before = lab.picture(one)
    assert len(_push(lab, one, "--by", way)["delivered"]) == 1
    assert lab.picture(one) == before
    lab.guard(two, "merge")
    lab.git(one, "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    lab.git(one, "push", "-q", "origin", "HEAD:main")
    lab.guard(two, "merge")
    assert lab.stats(lab.hub) == (1, 0, 0)
    lab.guard(two, "verify")


@pytest.mark.parametrize("way", WAYS)
def test_what_waits_in_the_outbox_arrives(lab: Lab, way: str) -> None:
    """What a run left in the outbox is sent by the next one, and is gone from there then."""
    one, _ = lab.fleet("one", "two")
    data = delta(1, "s1")
    lab.write(one, {f".git/guard/outbox/frame-1-s1--{digest(data)[:16]}.json": data})
    assert "still to be sent" in lab.guard(one, "merge").err
    assert len(_push(lab, one, "--by", way)["delivered"]) == 1
    assert _at_hub(lab) == [data]
    assert _outbox(one) == []


def test_the_policy_says_which_way(lab: Lab) -> None:
    """`[delivery] by` counts where --by says nothing; streams of `guard run` go the same way."""
    one, two = lab.fleet("one", "two")
    _by(lab, two, "branch")
    lab.git(one, "pull", "-q")
    lab.write(one, inbox_file(1, "s1"))
    assert _push(lab, one)["by"] == "branch"
    lab.guard(one, "run", "--stream", "s2", "--", "false")
    assert len([name for name in lab.inbox(lab.hub) if name.endswith(".json")]) == 2
    assert lab.refs(lab.hub, "refs/guard") == {}
    lab.write(one, inbox_file(1, "s3"))
    assert _push(lab, one, "--by", "refs")["by"] == "refs"
    assert len(lab.refs(lab.hub, "refs/guard")) == 1


def test_the_commit_by_branch(lab: Lab) -> None:
    """One commit for a call: the session's, on the newest tip, with new files alone; the rules find nothing in it."""
    one, two = lab.fleet("one", "two")
    tip = lab.commit_push(two, {"new.txt": "new\n"})
    lab.write(one, {path: data for n in range(3) for path, data in inbox_file(1, f"s{n}").items()})
    before = lab.picture(one)
    _push(lab, one, "--by", "branch", env={"GUARD_SESSION": "S7"})
    assert lab.git(lab.hub, "log", "--format=%s|%an|%P", "-1", "main") == f"[S7] deltas: 3 deltas of frame 1|Lab|{tip}"
    assert lab.git(lab.hub, "diff", "--name-status", tip, "main").count("A\t") == 3
    assert lab.picture(one) == before
    lab.git(two, "pull", "-q")
    lab.guard(two, "check", "--range", f"{tip}..HEAD")
    lab.write(one, inbox_file(1, "later"))
    _push(lab, one, "--by", "branch")
    assert lab.git(lab.hub, "log", "--format=%s", "-1", "main").startswith("[S0] deltas: 1 delta of")


def test_a_name_is_never_given_to_other_bytes(lab: Lab) -> None:
    """By branch a taken name means the name of a further run; both deltas are merged, none is rewritten."""
    one, two = lab.fleet("one", "two")
    first, second = (delta(1, "s1", posts_created=[post(number)]) for number in (1, 2))
    lab.commit_push(two, {name_of(1, "s1"): first})
    lab.write(one, {name_of(1, "s1"): second})
    _push(lab, one, "--by", "branch")
    assert lab.show(lab.hub, name_of(1, "s1")) == first
    assert lab.show(lab.hub, name_of(1, "s1", second)) == second
    lab.guard(two, "merge")
    assert lab.merged(lab.hub) == {digest(first), digest(second)}
    lab.guard(two, "verify")


def test_a_plain_name_where_nothing_is_in_the_way(lab: Lab) -> None:
    """By branch a delta from a commit or another folder gets the plain name."""
    one, two = lab.fleet("one", "two")
    lab.commit(one, inbox_file(1, "s1"))
    lab.write(lab.root, {"elsewhere/frame-1-s2.json": delta(1, "s2")})
    _push(lab, one, "--by", "branch")
    _push(lab, one, "--by", "branch", str(lab.root / "elsewhere/frame-1-s2.json"))
    assert {name for name in lab.inbox(lab.hub) if name.endswith("json")} == {"frame-1-s1.json", "frame-1-s2.json"}
    lab.guard(two, "merge")
    lab.git(one, "pull", "-q", "--no-rebase", "--no-edit")


@pytest.mark.parametrize("way", WAYS)
def test_invalid_ones_are_refused_and_the_rest_is_delivered(lab: Lab, way: str) -> None:
    """Garbage, a frame too far ahead, a day in the future, a case twin: named with exit 1, and none of them arrives."""
    one, _ = lab.fleet("one", "two")
    future = json.dumps({"frame": 1, "stream_id": "soon", "completed_at": "2098-01-01T00:00:00Z"}).encode()
    lab.write(
        one,
        inbox_file(1, "good")
        | inbox_file(9, "ahead")
        | inbox_file(1, "un fit")
        | {name_of(1, "bad"): b"{", name_of(1, "soon"): future, name_of(1, "GOOD"): delta(1, "GOOD")},
    )
    lab.write(one, inbox_file(1, "fine"))
    summary = _push(lab, one, "--by", way, code=1)
    assert [each["file"] for each in summary["delivered"]] == [name_of(1, "fine")]
    refused = {each["path"] for each in summary["findings"]}
    assert refused == {name_of(1, each) for each in ("bad", "soon", "good", "GOOD", "un fit")} | {name_of(9, "ahead")}
    assert {each["code"] for each in summary["findings"]} == {"G102"}
    assert _at_hub(lab) == [delta(1, "fine")]
    assert _outbox(one) == []


def test_named_files_alone(lab: Lab) -> None:
    """With FILE nothing else is delivered; a name that is not there is usage."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, inbox_file(1, "s1") | inbox_file(1, "s2"))
    _push(lab, one, name_of(1, "s2"))
    assert _at_hub(lab) == [delta(1, "s2")]
    _push(lab, one, name_of(1, "s3"), code=2)
    _push(lab, one, "--by", "pigeon", code=2)
    summary = _push(lab, one / "state", f"stream_deltas/{name_of(1, 's1').rpartition('/')[2]}")
    assert len(summary["delivered"]) == 1


def test_nothing_to_deliver(lab: Lab) -> None:
    """Exit 0 and said so, with an inbox of files that are no deltas."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, {f"{INBOX}/README.md": "read me\n"})
    assert lab.guard(one, "delta", "push").out == "nothing to deliver\n"


@pytest.mark.parametrize("way", WAYS)
def test_without_a_remote_deltas_become_refs_here(lab: Lab, way: str) -> None:
    """A lone repository: no branch moves, whichever way was asked for, and the merge takes the ref in."""
    here = lab.lone()
    lab.write(here, inbox_file(1, "s1"))
    before = lab.picture(here)
    said = lab.guard(here, "delta", "push", "--by", way)
    assert lab.picture(here) == before
    assert ("no branch is moved" in said.err) is (way == "branch")
    lab.guard(here, "merge")
    assert lab.merged(here) == {digest(delta(1, "s1"))}
    assert "warning" not in lab.guard(here, "merge").err


def test_a_ref_that_holds_other_bytes_is_not_taken_for_ours(lab: Lab) -> None:
    """Somebody's commit at the ref where ours belongs: ours goes beside it, and both are merged."""
    one, two = lab.fleet("one", "two")
    mine, other = delta(1, "s1"), delta(1, "s1", posts_created=[post(1)])
    lab.deliver(two, other, f"refs/guard/deltas/1/s1/{digest(mine)[:16]}")
    lab.write(one, {name_of(1, "s1"): mine})
    _push(lab, one)
    assert sorted(_at_hub(lab)) == sorted([mine, other])
    lab.guard(two, "merge")
    assert lab.merged(lab.hub) == {digest(mine), digest(other)}


def test_a_ref_that_another_tool_made_of_the_same_bytes_is_enough(lab: Lab) -> None:
    """The same delta under its ref in a commit of another make counts as delivered, though nobody had looked."""
    one, two = lab.fleet("one", "two")
    data = delta(1, "s1")
    ref = lab.deliver(two, data)
    lab.write(one, {f".git/guard/outbox/frame-1-s1--{digest(data)[:16]}.json": data})
    before = lab.refs(lab.hub)
    lab.guard(one, "launch", "--stagger", "0", "--", "true")
    assert lab.refs(lab.hub)[ref] == before[ref]
    assert _outbox(one) == []


@pytest.mark.parametrize("way", WAYS)
def test_an_outbox_file_that_was_cut_off_is_not_sent(lab: Lab, way: str) -> None:
    """Bytes that are not those of the name stay where they are and are named; the others go."""
    one, _ = lab.fleet("one", "two")
    data = delta(1, "s1")
    lab.write(one, {f".git/guard/outbox/frame-1-s1--{digest(data)[:16]}.json": data[:-9]} | inbox_file(1, "s2"))
    summary = _push(lab, one, "--by", way, code=1)
    assert [each["file"] for each in summary["delivered"]] == [name_of(1, "s2")]
    assert len(_outbox(one)) == 1
    assert _at_hub(lab) == [delta(1, "s2")]


def test_a_folder_that_is_none_is_not_replaced(lab: Lab) -> None:
    """By branch, where a file stands in place of the inbox at the hub, nothing is delivered and it stays."""
    one, two = lab.fleet("one", "two")
    lab.git(two, "rm", "-q", f"{INBOX}/.gitkeep")
    lab.write(two, {INBOX: "not a folder\n"})
    lab.git(two, "add", INBOX)
    lab.git(two, "commit", "-q", "-m", "[S1] a: b")
    lab.git(two, "push", "-q", "origin", "HEAD:main")
    tip = lab.rev(lab.hub, "main")
    lab.write(one, inbox_file(1, "s1"))
    assert "in the way" in lab.guard(one, "delta", "push", "--by", "branch", code=2).err
    assert lab.rev(lab.hub, "main") == tip
    assert len(_outbox(one)) == 1
    _push(lab, one)
    assert _outbox(one) == []


# --- several -------------------------------------------------------------------------------------------------------


def _race(lab: Lab, clones: Sequence[Path], words: Sequence[str]) -> list[Said]:
    """Run guard in all clones, behind a barrier: none reads the hub before all have begun."""
    gate = Path(tempfile.mkdtemp(dir=lab.root))
    script = _script(
        lab.root / "barrier/git",
        '#!/bin/sh\nfor word; do if [ "$word" = fetch ]; then : > $GATE/here-$PPID\n'
        'while [ ! -e $GATE/open ]; do sleep 0.1; done; fi; done\nexec "$REAL_GIT" "$@"\n',
    )
    env = {"PATH": f"{script.parent}:{lab.env['PATH']}", "REAL_GIT": _git(lab), "GATE": str(gate)}
    running = [lab.aside(clone, *words, env=env) for clone in clones]
    until = time.monotonic() + 120
    while len(list(gate.iterdir())) < len(clones):
        assert time.monotonic() < until
        time.sleep(0.05)
    (gate / "open").touch()
    return [each.result() for each in running]


@pytest.mark.parametrize("way", WAYS)
def test_24_clones_with_three_deltas_each_at_once(lab: Lab, way: str) -> None:
    """The bar: 72 deltas, three pushes of each of 24 clones at once; 72 arrive, once each, and are merged."""
    clones = lab.fleet(*(f"c{n}" for n in range(24)))
    sent = []
    for turn in range(3):
        for number, clone in enumerate(clones):
            data = delta(1, f"m{number}-{turn}", posts_created=[post(100 * turn + number)])
            lab.write(clone, {name_of(1, f"m{number}-{turn}"): data})
            sent.append(data)
        said = _race(lab, clones, ("delta", "push", "--quiet", "--by", way))
        assert [each.code for each in said] == [0] * 24, [each for each in said if each.code]
    assert sorted(_at_hub(lab)) == sorted(sent)
    assert [_outbox(clone) for clone in clones] == [[]] * 24
    lab.guard(clones[0], "merge")
    assert lab.stats(lab.hub) == (72, 0, 0)


@pytest.mark.parametrize("way", WAYS)
def test_in_a_clone_with_hooks(lab: Lab, way: str) -> None:
    """Where guard's own hooks are installed they let a delivery pass, and the index stays what it was."""
    one, two = lab.fleet("one", "two")
    lab.guard(one, "install")
    lab.write(one, inbox_file(1, "s1") | {"loose.txt": "mine\n"})
    lab.git(one, "add", "loose.txt")
    before = lab.picture(one)
    assert len(_push(lab, one, "--by", way)["delivered"]) == 1
    assert lab.picture(one) == before
    lab.guard(two, "merge")
    assert lab.merged(lab.hub) == {digest(delta(1, "s1"))}


@pytest.mark.parametrize("way", WAYS)
def test_one_stream_from_two_clones(lab: Lab, way: str) -> None:
    """Two machines that took the same stream id: both deltas arrive, under names of their own."""
    one, two = lab.fleet("one", "two")
    sent = []
    for number, clone in enumerate((one, two)):
        data = delta(1, "s1", posts_created=[post(number + 1)])
        lab.write(clone, {name_of(1, "s1"): data})
        sent.append(data)
    said = _race(lab, (one, two), ("delta", "push", "--by", way))
    assert [each.code for each in said] == [0, 0], said
    assert sorted(_at_hub(lab)) == sorted(sent)


@pytest.mark.parametrize("way", WAYS)
def test_one_delta_from_two_clones_and_twice_from_each(lab: Lab, way: str) -> None:
    """The very same delta sent four times at once is there once, or is one delta for the merge."""
    one, two = lab.fleet("one", "two")
    for clone in (one, two):
        lab.write(clone, inbox_file(1, "s1", posts_created=[post(1)]))
    said = _race(lab, (one, two, one, two), ("delta", "push", "--by", way))
    assert [each.code for each in said] == [0] * 4, said
    assert _at_hub(lab) == [delta(1, "s1", posts_created=[post(1)])]
    lab.guard(one, "merge")
    assert lab.stats(lab.hub) == (1, 0, 0)


def test_many_in_one_clone_take_turns(lab: Lab) -> None:
    """Eight runs in one clone by branch: whoever has its turn takes along what waits, so all arrive in few commits."""
    (one,) = lab.fleet("one")
    words = [lab.write(lab.root, {f"d/frame-1-s{n}.json": delta(1, f"s{n}")})[0] for n in range(8)]
    said = lab.together((one, ("delta", "push", "--by", "branch", str(lab.root / word)), {}) for word in words)
    assert [each.code for each in said] == [0] * 8, said
    assert sorted(_at_hub(lab)) == sorted(delta(1, f"s{n}") for n in range(8))
    assert _outbox(one) == []


def test_launched_streams_by_branch(lab: Lab) -> None:
    """`guard launch` delivers by branch where the policy says so, with eight streams that end together."""
    one, two = lab.fleet("one", "two")
    _by(lab, two, "branch")
    summary = lab.guard(one, "launch", "--json", "--streams", "8", "--stagger", "0", "--", "false").json
    assert {each["state"] for each in summary["streams"]} == {"fallback"}
    assert len(_at_hub(lab)) == 8
    assert lab.refs(lab.hub, "refs/guard") == {}
    assert _outbox(one) == []


# --- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_lost_answer(lab: Lab, way: str) -> None:
    """The push went through and its answer did not: delivered, once."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, inbox_file(1, "s1"))
    liar = _script(lab.root / "liar/git", LIAR).parent
    env = {"PATH": f"{liar}:{lab.env['PATH']}", "REAL_GIT": _git(lab)}
    assert len(_push(lab, one, "--by", way, env=env)["delivered"]) == 1
    assert _at_hub(lab) == [delta(1, "s1")]
    assert _outbox(one) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_hub_that_refuses(lab: Lab, way: str) -> None:
    """A hub that says no ends in exit 2 with its words; the deltas wait, and go once it says yes."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, inbox_file(1, "s1") | inbox_file(1, "s2"))
    hook = _script(lab.hub / "hooks/pre-receive", "#!/bin/sh\necho 'closed for the winter' >&2\nexit 1\n")
    said = lab.guard(one, "delta", "push", "--by", way, code=2)
    assert "closed for the winter" in said.err
    assert len(_outbox(one)) == 2
    hook.unlink()
    assert len(_push(lab, one, "--by", way)["delivered"]) == 2
    assert _outbox(one) == []
    assert len(_at_hub(lab)) == 2


PICKY = """#!/bin/sh
# Takes nothing that holds the delta of s2, by file or by ref.
while read -r old new ref; do
  git ls-tree -r --name-only "$new" | grep -q 'frame-1-s2' && { echo "not you" >&2; exit 1; }
done
exit 0
"""


@pytest.mark.parametrize("way", WAYS)
def test_one_that_is_refused_takes_no_other_along(lab: Lab, way: str) -> None:
    """What the hub does not want waits by itself; the others arrive."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, inbox_file(1, "s1") | inbox_file(1, "s2") | inbox_file(1, "s3"))
    _script(lab.hub / "hooks/pre-receive", PICKY)
    summary = _push(lab, one, "--by", way, code=2)
    assert {each["file"] for each in summary["delivered"]} == {name_of(1, "s1"), name_of(1, "s3")}
    [left] = summary["waiting"]
    assert "not you" in left["why"]
    assert [Path(left["file"]).name] == _outbox(one)
    assert sorted(_at_hub(lab)) == sorted([delta(1, "s1"), delta(1, "s3")])


@pytest.mark.parametrize("way", WAYS)
def test_a_hub_that_is_gone(lab: Lab, way: str) -> None:
    """Exit 2, the deltas wait in the outbox although the files are deleted meanwhile, and arrive when it is back."""
    one, _ = lab.fleet("one", "two")
    lab.write(one, inbox_file(1, "s1"))
    away = lab.hub.with_name("away.git")
    lab.hub.rename(away)
    said = lab.guard(one, "delta", "push", "--by", way, code=2)
    assert "nothing is lost: 1 delta" in said.err
    (one / name_of(1, "s1")).unlink()
    away.rename(lab.hub)
    assert len(_push(lab, one, "--by", way)["delivered"]) == 1
    assert _at_hub(lab) == [delta(1, "s1")]


@contextlib.contextmanager
def _mute() -> Iterator[str]:
    """The address of a server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/hub.git"


def test_a_hub_that_never_answers(lab: Lab) -> None:
    """Every command that asks the hub gives up after [repository] timeout, in words, with nothing lost."""
    one, two = lab.fleet("one", "two")
    text = (two / "guard.toml").read_text()
    lab.commit_push(two, {"guard.toml": f"{text}[repository]\ntimeout = 1\n"})
    lab.git(one, "pull", "-q")
    lab.write(one, inbox_file(1, "s1"))
    with _mute() as url:
        lab.git(one, "remote", "set-url", "origin", url)
        for words in (("delta", "push"), ("merge",), ("launch", "--", "true"), ("sync",)):
            said = lab.guard(one, *words, code=2)
            assert "nothing for 1 s" in said.err, (words, said)
    assert len(_outbox(one)) == 1
    lab.git(one, "remote", "set-url", "origin", str(lab.hub))
    assert len(_push(lab, one)["delivered"]) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_push_that_never_comes_back(lab: Lab, way: str) -> None:
    """A hub that reads and then hangs while it takes a push: given up, the delta waits, and arrives later once."""
    one, two = lab.fleet("one", "two")
    text = (two / "guard.toml").read_text()
    lab.commit_push(two, {"guard.toml": f"{text}[repository]\ntimeout = 1\n"})
    lab.git(one, "pull", "-q")
    lab.write(one, inbox_file(1, "s1"))
    pids = lab.root / "pids"
    hook = _script(lab.hub / "hooks/pre-receive", f"#!/bin/sh\necho $$ >> {pids}\nexec sleep 600\n")
    try:
        summary = _push(lab, one, "--by", way, code=2)
    finally:
        for pid in pids.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    assert "nothing for 1 s" in summary["waiting"][0]["why"]
    assert len(_outbox(one)) == 1
    hook.unlink()
    assert len(_push(lab, one, "--by", way)["delivered"]) == 1
    assert _at_hub(lab) == [delta(1, "s1")]


def test_a_slow_transfer_that_tells_its_progress_is_not_given_up(lab: Lab) -> None:
    """A server that takes longer than the timeout and says so meanwhile is waited for; its chatter is not shown."""
    one, two = lab.fleet("one", "two")
    text = (two / "guard.toml").read_text()
    lab.commit_push(two, {"guard.toml": f"{text}[repository]\ntimeout = 1\n"})
    lab.git(one, "pull", "-q")
    lab.write(one, inbox_file(1, "s1"))
    _script(
        lab.hub / "hooks/pre-receive",
        '#!/bin/sh\nfor n in 1 2 3 4 5 6; do echo "Checking: $n" >&2; sleep 0.5; done\n',
    )
    said = lab.guard(one, "delta", "push")
    assert "Checking" not in said.all
    assert _at_hub(lab) == [delta(1, "s1")]


KILLER = """#!/bin/sh
# Kills guard when its n-th call of git with something in the outbox is done: nothing comes of the call.
case $(echo "$OUTBOX"/frame-*) in *.json) n=$(($(cat "$COUNT" 2>/dev/null || echo 0) + 1)); echo $n > "$COUNT";; esac
"$REAL_GIT" "$@"; code=$?
[ "$n" != "$AT" ] || kill -9 $PPID
exit $code
"""


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_every_step(lab: Lab, way: str) -> None:
    """SIGKILL after each call of git since a delta is kept: it arrives with the next run, once, without its file."""
    one, two = lab.fleet("one", "two")
    killer = _script(lab.root / "killer/git", KILLER).parent
    count = lab.root / "count"
    env = {"PATH": f"{killer}:{lab.env['PATH']}", "REAL_GIT": _git(lab), "COUNT": str(count)}
    env |= {"OUTBOX": str(one / ".git/guard/outbox")}
    sent: list[bytes] = []
    step, code = 0, -signal.SIGKILL
    while code:
        step += 1
        data = delta(1, f"s{step}")
        lab.write(one, {name_of(1, f"s{step}"): data})
        sent.append(data)
        count.unlink(missing_ok=True)
        process = lab.start(one, "delta", "push", "--by", way, env={**env, "AT": str(step)})
        process.communicate(timeout=60)
        code = process.returncode
        assert code in (0, -signal.SIGKILL)
        assert len(_outbox(one)) == (1 if code else 0)
        (one / name_of(1, f"s{step}")).unlink()
        if code:
            _push(lab, one, "--by", way)
            assert _outbox(one) == []
    assert step > 4
    assert sorted(_at_hub(lab)) == sorted(sent)
    lab.guard(two, "merge")
    assert lab.merged(lab.hub) == {digest(data) for data in sent}
    stray = [ref for ref in lab.refs(one, "refs/guard") if not ref.startswith("refs/guard/remotes/")]
    assert stray == (["refs/guard/delivery/candidate"] if way == "branch" else [])
    lab.git(one, "fsck", "--no-dangling")


def test_the_remedy_that_others_name_is_this_command(lab: Lab) -> None:
    """merge and orient name what is not delivered and this command; afterwards they name nothing."""
    one, _ = lab.fleet("one", "two")
    lab.commit(one, inbox_file(1, "committed"))
    lab.write(one, inbox_file(1, "loose"))
    said = lab.guard(one, "merge")
    assert re.findall(r"fix: (.*)", said.err) == ["guard delta push"] * 2
    assert "guard delta push" in lab.guard(one, "orient").all
    assert len(_push(lab, one)["delivered"]) == 2
    assert "warning" not in lab.guard(one, "merge").err
    assert "guard delta push" not in lab.guard(one, "orient").all
    assert len(lab.merged(lab.hub)) == 2


def test_pushers_and_a_merge_job_at_once(lab: Lab) -> None:
    """Clones deliver both ways while a primary merges without pause: every delta is merged once, and all verifies."""
    *workers, primary = lab.fleet("w1", "w2", "w3", "primary")
    sent: list[bytes] = []
    failed: list[Said] = []

    def work(number: int, clone: Path) -> None:
        for turn in range(4):
            data = delta(1, f"w{number}-{turn}", posts_created=[post(10 * number + turn)])
            lab.write(clone, {name_of(1, f"w{number}-{turn}"): data})
            sent.append(data)
            said = lab.guard(clone, "delta", "push", "--by", WAYS[(number + turn) % 2], code=None)
            failed.extend([said] if said.code else [])

    threads = [threading.Thread(target=work, args=(number, clone)) for number, clone in enumerate(workers)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        lab.guard(primary, "merge")
    for thread in threads:
        thread.join()
    assert failed == []
    lab.guard(primary, "merge")
    assert lab.stats(lab.hub) == (12, 0, 0)
    assert lab.merged(lab.hub) == {digest(data) for data in sent}
    assert lab.refs(lab.hub, "refs/guard") == {}
    lab.git(primary, "pull", "-q")
    lab.guard(primary, "verify")
