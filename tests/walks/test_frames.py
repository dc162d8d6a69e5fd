"""`guard frame open` and `guard frame run`: frame after frame on several machines, whatever dies or is cut off."""

import contextlib
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from walks.killed import machine_ends
from walks.lab import GUARD, Lab
from walks.test_launch import _lives

ROSTER = "state/stream_assignments.json"

OWN = (
    f'{shlex.quote(sys.executable)} -S -c \'import json, os; e = os.environ; open(e["GUARD_DELTA"], "w").write('
    'json.dumps({"frame": int(e["GUARD_FRAME"]), "stream_id": e["GUARD_STREAM"],'
    ' "completed_at": "2026-01-02T10:00:00Z", "agents_activated": list(filter(None, e["GUARD_AGENTS"].split(",")))}))\''
)
"""A command that writes its delta as it is told."""

QUICK = ("--stagger", "0", "--interval", "0")


def _words(role: str, *options: str, script: str = OWN) -> tuple[str, ...]:
    return ("frame", "run", "--json", "--role", role, *QUICK, *options, "--", "sh", "-c", script)


def _roster(lab: Lab) -> Any:
    return lab.load(lab.hub, ROSTER)


def _counter(lab: Lab, where: Path | None = None) -> int:
    frame: int = lab.load(where or lab.hub, "state/frame_counter.json")["frame"]
    return frame


def _closes(lab: Lab, where: Path | None = None) -> list[int]:
    """The frames that merges have closed, oldest first."""
    said = lab.git(where or lab.hub, "log", "--reverse", "--format=%(trailers:key=Guard-Merge,valueonly)", "main")
    return [int(line.split("close=")[1].split()[0]) for line in said.splitlines() if "close=" in line]


def _wait_for(what: Callable[[], Any], *processes: subprocess.Popen) -> None:
    until = time.monotonic() + 90
    while not what():
        assert time.monotonic() < until
        assert [process.returncode for process in processes if process.poll() is not None] == []
        time.sleep(0.02)


def _clean(lab: Lab, here: Path) -> None:
    """Nothing is left in a clone: no work tree, no branch, no note, no folder, nothing that waits; git is content."""
    assert lab.git(here, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert set(lab.refs(here, "refs/heads")) == {"refs/heads/main"}
    for name in ("worktrees", "outbox"):
        assert list((here / ".git/guard" / name).glob("*.json")) == []
    assert not here.with_name(f"{here.name}-streams").exists()
    lab.git(here, "fsck", "--strict", "--no-dangling")


# --- opening -----------------------------------------------------------------------------------------------------


def test_open_writes_only_the_roster(lab: Lab) -> None:
    """One commit with one file: the next frame, every stream of every machine, and each agent with one stream."""
    here, other = lab.fleet("here", "other")
    before = lab.rev(lab.hub, "main")
    said = lab.guard(here, "frame", "open", "--streams", "2", "--machines", "2", "--json").json
    assert said["opened"]
    assert lab.git(lab.hub, "diff-tree", "-r", "--name-only", before, "main") == ROSTER
    assert lab.git(lab.hub, "rev-parse", "main^") == before
    roster = _roster(lab)
    assert roster["frame"] == 1
    assert list(roster["streams"]) == ["m1-stream-1", "m1-stream-2", "m2-stream-1", "m2-stream-2"]
    for number in (1, 2):
        shown = lab.guard(other, "partition", "--machine", f"{number}/2", "--streams", "2", "--json").json["streams"]
        assert {name: each["agents"] for name, each in roster["streams"].items() if name in shown} == shown
    assert (roster["stream_count"], roster["total_agents"]) == (4, 3)
    assert _counter(lab) == 0  # opening advances nothing
    status = lab.guard(other, "frame", "--json").json
    assert [row["stream"] for row in status["streams"] if row["expected"]] == list(roster["streams"])
    lab.guard(here, "verify")


def test_open_again_makes_no_commit(lab: Lab) -> None:
    """The same streams again: nothing to do, on any machine, also where the state has got an agent meanwhile."""
    here, other = lab.fleet("here", "other")
    lab.guard(here, "frame", "open", "--streams", "3")
    tip = lab.rev(lab.hub, "main")
    said = lab.guard(other, "frame", "open", "--streams", "3", "--json").json
    assert (said["opened"], said["frame"]) == (False, 1)
    assert lab.rev(lab.hub, "main") == tip


def test_open_leaves_a_frame_that_is_open_with_other_streams(lab: Lab) -> None:
    """Exit 3 and not a byte changed; closing it or --force are the ways on, and both work."""
    here, other = lab.fleet("here", "other")
    lab.guard(here, "frame", "open", "--streams", "3")
    tip = lab.rev(lab.hub, "main")
    said = lab.guard(other, "frame", "open", "--streams", "4", code=3)
    assert "frame 1 is open already" in said.err
    assert "without stream-4" in said.err
    assert lab.rev(lab.hub, "main") == tip
    lab.guard(other, "frame", "open", "--streams", "4", "--force")
    assert len(_roster(lab)["streams"]) == 4
    lab.guard(other, "merge", "--frame", "1")
    assert lab.guard(here, "frame", "open", "--streams", "3", "--json").json["frame"] == 2


def test_open_of_named_streams_and_agents(lab: Lab) -> None:
    """--expect names the streams, --roster the agents; other agents are another roster then."""
    here, _ = lab.fleet("here", "other")
    (lab.root / "who").write_text("xan\nyui\n")
    words = ("frame", "open", "--expect", "east-1,west-1", "--roster", str(lab.root / "who"))
    lab.guard(here, *words)
    streams = _roster(lab)["streams"]
    assert list(streams) == ["east-1", "west-1"]
    assert sorted(agent for each in streams.values() for agent in each["agents"]) == ["xan", "yui"]
    (lab.root / "who").write_text("xan\nzed\n")
    assert "with other agents" in lab.guard(here, *words, code=3).err


def test_open_that_cannot_be(lab: Lab) -> None:
    """A frame that is not the next, two streams of one name, an id that is none, too many: exit 2, nothing written."""
    here, _ = lab.fleet("here", "other")
    tip = lab.rev(lab.hub, "main")
    for words in (
        ("--frame", "0"),
        ("--frame", "2"),
        ("--expect", "a,A"),
        ("--expect", "../x"),
        ("--streams", "1000", "--machines", "11"),
        ("--by", "luck"),
        ("--roster", "nothing"),
    ):
        assert "guard: " in lab.guard(here, "frame", "open", *words, code=2).err, words
    lab.guard(here, "frame", "run", "--role", "king", "--", "true", code=2)
    lab.guard(here, "frame", "run", "--role", "worker", code=2)
    lab.guard(here, "frame", "run", "--machine", "3/2", "--", "true", code=2)
    assert lab.rev(lab.hub, "main") == tip


def test_a_roster_of_more_streams_than_a_machine_may_start(lab: Lab) -> None:
    """Somebody's roster expects 1,001 streams here: nothing is started, and what to do is said."""
    here, other = lab.fleet("here", "other")
    expected = {f"s{number}": {"agents": []} for number in range(1001)}
    lab.commit_push(other, {ROSTER: json.dumps({"frame": 1, "streams": expected})})
    words = ("frame", "run", "--role", "worker", "--frames", "1", "--", "touch", str(lab.root / "began"))
    assert "expects 1001 streams of this machine, and 1000 are the most" in lab.guard(here, *words, code=2).err
    assert not (lab.root / "began").exists()


def test_two_open_at_once(lab: Lab) -> None:
    """Eight at once with four rosters: one is on the branch, who wanted that one gets 0, and the others learn it."""
    clones = lab.fleet(*(f"c{number}" for number in range(8)))
    started = [
        lab.start(here, "frame", "open", "--streams", str(2 + place % 4), "--json") for place, here in enumerate(clones)
    ]
    said = [lab.finish(process) for process in started]
    won = len(_roster(lab)["streams"])
    assert [each.code for each in said] == [0 if 2 + place % 4 == won else 3 for place in range(8)]
    assert len(lab.git(lab.hub, "log", "--format=%H", "--", ROSTER).split()) == 1


def test_a_roster_of_names_that_no_stream_can_have(lab: Lab) -> None:
    """Paths, lines of a message and an agent with a zero byte: nobody plays those, and no merge says them."""
    here, _ = lab.fleet("here", "other")
    odd = ["m1-/../../../x", "../x", "m1-a\n\nGuard-Merge: frames=9", "m1-.lock", "m1-" + "x" * 200]
    streams = {name: {"agents": []} for name in odd} | {"m1-stream-1": {"agents": ["ada", "b\0b"]}}
    lab.commit_push(here, {ROSTER: json.dumps({"frame": 1, "streams": streams})})
    said = lab.guard(here, *_words("worker", "--machine", "1/1", "--frames", "1")).json
    assert [row["streams"] for row in said["frames"]] == [{"m1-stream-1": "fallback"}]
    _clean(lab, here)
    lab.guard(here, "merge", "--frame", "1")
    assert "Missing" not in lab.git(lab.hub, "log", "-1", "--format=%B", "main")
    lab.guard(here, "verify")


def test_agents_that_are_nested_too_deep(lab: Lab) -> None:
    """State that cannot be read is an error that says so, for who opens and for who launches."""
    here, _ = lab.fleet("here", "other")
    deep = '{"agents": ' + '{"a": ' * 50_000 + "1" + "}" * 50_000 + "}"
    lab.commit_push(here, {"state/agents.json": deep})
    for words in (("frame", "open"), ("launch", "--", "true")):
        assert "state/agents.json cannot be read" in lab.guard(here, *words, code=2).err


def test_a_roster_that_is_no_file_stays(lab: Lab) -> None:
    """A symbolic link in the roster's place is not written through and not replaced."""
    here, _ = lab.fleet("here", "other")
    (here / ROSTER).symlink_to("agents.json")
    lab.git(here, "add", ROSTER)
    lab.git(here, "commit", "-q", "-m", "[S1] roster: elsewhere")
    lab.git(here, "push", "-q", "origin", "HEAD:main")
    tip = lab.rev(lab.hub, "main")
    assert ROSTER in lab.guard(here, "frame", "open", code=2).err
    assert lab.rev(lab.hub, "main") == tip


# --- running -----------------------------------------------------------------------------------------------------


def test_one_machine_runs_frames(lab: Lab) -> None:
    """A primary with streams of its own: three frames opened, played, merged, verified, and nothing is left."""
    here, other = lab.fleet("here", "other")
    said = lab.guard(here, *_words("primary", "--frames", "3", "--streams", "2", "--wait", "60"))
    assert [row["frame"] for row in said.json["frames"]] == [1, 2, 3]
    assert [row["streams"] for row in said.json["frames"]] == [{"stream-1": "ok", "stream-2": "ok"}] * 3
    assert [row["missing"] for row in said.json["frames"]] == [[], [], []]
    assert _closes(lab) == [1, 2, 3]
    for frame in (1, 2, 3):
        page = lab.page(lab.hub, frame)
        assert list(page["streams"]) == ["stream-1", "stream-2"]
        assert page["agents_activated"] == ["ada", "bob", "cyd"]
    lab.guard(other, "verify")
    assert lab.refs(lab.hub, "refs/guard") == {}
    _clean(lab, here)


def test_a_lone_repository_runs_frames(lab: Lab) -> None:
    """Without a remote the local branch is the hub, checked out as it is."""
    here = lab.lone()
    lab.guard(here, *_words("primary", "--frames", "2", "--wait", "60"))
    assert _closes(lab, here) == [1, 2]
    assert lab.git(here, "status", "--porcelain") == ""
    lab.guard(here, "verify")
    _clean(lab, here)


def test_workers_play_what_a_primary_opens(lab: Lab) -> None:
    """A primary that plays nothing and two workers: every frame has the streams of both, and workers end by number."""
    boss, one, two = lab.fleet("boss", "one", "two")
    workers = [
        lab.start(here, *_words("worker", "--frames", "2", "--machine", f"{number}/2"))
        for number, here in enumerate((one, two), 1)
    ]
    words = ("--streams", "2", "--machines", "2", "--frames", "2", "--interval", "0", "--wait", "120", "--json")
    said = lab.guard(boss, "frame", "run", "--role", "primary", *words)
    assert [row["missing"] for row in said.json["frames"]] == [[], []]
    for number, process in enumerate(workers, 1):
        done = lab.finish(process)
        assert (done.code, done.json["done"]) == (0, 2)
        names = {f"m{number}-stream-1": "ok", f"m{number}-stream-2": "ok"}
        assert [row["streams"] for row in done.json["frames"]] == [names, names], done.err
    for frame in (1, 2):
        assert len(lab.page(lab.hub, frame)["streams"]) == 4
    lab.guard(one, "verify")
    for here in (boss, one, two):
        _clean(lab, here)


def test_a_machine_that_dies_is_absent_and_its_late_delta_has_its_own_page(lab: Lab) -> None:
    """A worker killed mid-frame: the frame is closed without it; started again, what it had is merged where it
    belongs, at the next boundary."""
    boss, one = lab.fleet("boss", "one")
    began = lab.root / "began"
    script = f"{OWN}; [ $GUARD_FRAME = 1 ] && touch {began} && sleep 600; true"
    worker = lab.start(one, *_words("worker", "--machine", "2/2", script=script))
    options = ("--machine", "1/2", "--frames", "1")
    first = lab.start(boss, *_words("primary", *options, "--wait", "6", "--timeout", "60"))
    _wait_for(began.exists, worker)
    machine_ends(worker)
    said = lab.finish(first)
    [row] = said.json["frames"]
    assert row["missing"] == ["m2-stream-1"]
    assert list(lab.page(lab.hub, 1)["streams"]) == ["m1-stream-1"]
    again = lab.start(one, *_words("worker", "--machine", "2/2", "--frames", "1", script=script))
    said = lab.guard(boss, *_words("primary", *options, "--wait", "120"))
    assert lab.finish(again).code == 0
    [row] = said.json["frames"]
    assert (row["frame"], row["missing"], row["late"]) == (2, [], [1])
    streams = lab.page(lab.hub, 1)["streams"]
    assert streams["m2-stream-1"]["status"] == "ok"  # what it had written when it died, no fallback
    assert list(lab.page(lab.hub, 2)["streams"]) == ["m1-stream-1", "m2-stream-1"]
    assert _closes(lab) == [1, 2]
    lab.guard(boss, "verify")
    _clean(lab, one)


def test_two_primaries_never_advance_twice(lab: Lab) -> None:
    """Two at once, each for itself: every frame is closed by exactly one commit, one after the other."""
    one, two = lab.fleet("one", "two")
    started = [
        lab.start(here, *_words("primary", "--frames", "4", "--wait", "30", "--machine", f"{number}/2"))
        for number, here in enumerate((one, two), 1)
    ]
    said = [lab.finish(process) for process in started]
    assert [each.code for each in said] == [0, 0], said
    closes = _closes(lab)
    assert closes == list(range(1, _counter(lab) + 1))
    assert 4 <= len(closes) <= 8  # four of each, and most of them are the same
    own = [row["frame"] for each in said for row in each.json["frames"] if not row["by_another"]]
    assert sorted(set(own)) == closes
    lab.guard(one, "verify")
    lab.guard(one, "merge")
    for here in (one, two):
        _clean(lab, here)


def test_a_slow_primary_takes_nothing_of_the_next_frame(lab: Lab) -> None:
    """Whoever comes to close a frame that is closed leaves the next one's deltas alone: that one stays open."""
    here, other = lab.fleet("here", "other")
    lab.guard(here, "frame", "open")
    slow = lab.start(here, "frame", "run", "--frames", "1", "--interval", "0", "--wait", "60", "--json")
    assert slow.stderr is not None
    assert any(b"0 of 1 stream delivered" in line for line in slow.stderr)  # it has looked, and waits
    lab.guard(other, "merge", "--frame", "1")
    lab.guard(other, "frame", "open", "--streams", "2")
    lab.guard(other, "launch", "--stagger", "0", "--", "sh", "-c", OWN)
    said = lab.finish(slow)
    assert _counter(lab) == 1
    [row] = said.json["frames"]
    assert (row["frame"], row["by_another"]) == (1, True)


def test_a_primary_killed_anywhere_goes_on(lab: Lab) -> None:
    """Killed at random moments and started again: frames are closed one after the other, none twice, none skipped,
    and every delta that a stream wrote is in its page."""
    here, other = lab.fleet("here", "other")
    draw = random.Random("primary")
    script = f"{OWN}; echo $GUARD_FRAME >> {lab.root}/wrote"
    for _ in range(8):
        process = lab.start(here, *_words("primary", "--wait", "30", "--streams", "2", script=script))
        time.sleep(draw.uniform(0.3, 2.5))
        machine_ends(process)
    lab.guard(here, *_words("primary", "--frames", "1", "--wait", "30", "--streams", "2", script=script))
    closes = _closes(lab)
    assert [close for place, close in enumerate(closes) if close not in closes[:place]] == closes
    assert closes == list(range(1, _counter(lab) + 1))
    for frame in {int(line) for line in (lab.root / "wrote").read_text().split()}:
        assert "ok" in {each["status"] for each in lab.page(lab.hub, frame)["streams"].values()}
    lab.guard(other, "verify")
    assert lab.refs(lab.hub, "refs/guard/deltas") == {}
    _clean(lab, here)


def test_what_a_killed_worker_left_is_brought_in_though_no_frame_is_open(lab: Lab) -> None:
    """Started again between two frames, it delivers what its stream had written and takes the work tree away."""
    boss, one = lab.fleet("boss", "one")
    lab.guard(boss, "frame", "open", "--machines", "1")
    began = lab.root / "began"
    worker = lab.start(one, *_words("worker", "--machine", "1/1", script=f"{OWN}; touch {began}; sleep 600"))
    _wait_for(began.exists, worker)
    machine_ends(worker)
    lab.guard(boss, "merge", "--frame", "1")
    again = lab.start(one, *_words("worker", "--machine", "1/1"))
    _wait_for(lambda: lab.refs(lab.hub, "refs/guard/deltas"), again)
    again.send_signal(signal.SIGTERM)
    assert lab.finish(again).code == 0
    _clean(lab, one)
    lab.guard(boss, "merge")
    assert lab.page(lab.hub, 1)["streams"]["m1-stream-1"]["status"] == "ok"


def test_the_hub_is_away_for_a_while(lab: Lab) -> None:
    """A worker whose hub goes away mid-frame says so, keeps its delta, and goes on by itself when it is back."""
    boss, one = lab.fleet("boss", "one")
    gone = lab.hub.with_name("gone.git")
    lab.guard(boss, "frame", "open", "--machines", "1")
    script = f"mv {lab.hub} {gone}; {OWN}"
    worker = lab.start(one, *_words("worker", "--machine", "1/1", "--frames", "1", script=script))
    _wait_for(lambda: list((one / ".git/guard/outbox").glob("frame-*.json")), worker)
    time.sleep(1.5)
    assert worker.poll() is None
    gone.rename(lab.hub)
    said = lab.finish(worker)
    assert (said.code, said.json["waiting"]) == (0, [])
    assert "trying again until it is done" in said.err
    lab.guard(boss, "merge", "--frame", "1")
    assert list(lab.page(lab.hub, 1)["streams"]) == ["m1-stream-1"]
    _clean(lab, one)


def test_a_merge_that_closes_leaves_a_closed_frame_alone(lab: Lab) -> None:
    """What a primary asks for at the last moment: where another was faster, not even a delta that waits is taken."""
    here, other = lab.fleet("here", "other")
    code = (
        "from guard.commands.merge import Options, run; from guard.git import Repo; from guard.report import Report;"
        "run(Repo(), Options(frame=1, unless_closed=True), Report(as_json=True))"
    )
    lab.guard(other, "merge", "--frame", "1")
    lab.guard(other, "launch", "--stagger", "0", "--", "sh", "-c", OWN)
    tip = lab.rev(lab.hub, "main")
    said = lab.run(here, sys.executable, "-c", code)
    assert not said.json["merged"]
    assert (lab.rev(lab.hub, "main"), _counter(lab)) == (tip, 1)


def test_a_primary_goes_on_with_what_is_open(lab: Lab) -> None:
    """A frame that somebody opened with other streams is closed as it was opened; the next one is the primary's own."""
    here, other = lab.fleet("here", "other")
    lab.guard(other, "frame", "open", "--expect", "stream-1,east-1")
    said = lab.guard(here, *_words("primary", "--frames", "2", "--wait", "4", "--timeout", "60"))
    first, second = said.json["frames"]
    assert (first["expected"], first["missing"]) == (2, [])
    assert first["streams"] == {"east-1": "ok", "stream-1": "ok"}
    assert (second["expected"], second["streams"]) == (1, {"stream-1": "ok"})
    assert "frame 1: open already, going on with it" in said.err


def test_a_worker_leaves_what_is_not_its_own(lab: Lab) -> None:
    """A frame without a stream of this machine is not played, and said to be none of it."""
    here, other = lab.fleet("here", "other")
    lab.guard(other, "frame", "open", "--machines", "2")
    process = lab.start(here, *_words("worker", "--machine", "3/3"))
    assert process.stderr is not None
    assert any(b"no stream of machine 3/3 is expected" in line for line in process.stderr)
    (here / ".git/guard").mkdir(exist_ok=True)
    (here / ".git/guard/stop").touch()
    said = lab.finish(process)
    assert (said.code, said.json["done"]) == (0, 0)
    assert lab.refs(lab.hub, "refs/guard") == {}


def test_agents_are_those_of_the_roster(lab: Lab) -> None:
    """What a worker's streams play is what the roster says, whoever has come into the state since."""
    here, other = lab.fleet("here", "other")
    (lab.root / "who").write_text("xan\nyui\n")
    lab.guard(other, "frame", "open", "--machines", "1", "--roster", str(lab.root / "who"))
    lab.guard(here, *_words("worker", "--machine", "1/1", "--frames", "1"))
    lab.guard(other, "merge", "--frame", "1")
    assert lab.page(lab.hub, 1)["agents_activated"] == ["xan", "yui"]


def test_frames_under_hooks(lab: Lab) -> None:
    """With guard's own hooks in the clone and no session: the roster and the merges are let through, and verify."""
    here, other = lab.fleet("here", "other")
    lab.guard(here, "install")
    lab.guard(here, *_words("primary", "--frames", "2", "--wait", "60"))
    lab.git(other, "pull", "-q", "--ff-only")
    assert lab.guard(other, "check", "--range", "HEAD~4..HEAD", "--json").json["findings"] == []
    lab.guard(other, "verify")
    _clean(lab, here)


def test_the_hub_itself_opens_frames(lab: Lab) -> None:
    """A bare repository is its own hub; clones see what it opened."""
    (here,) = lab.fleet("here")
    assert lab.guard(lab.hub, "frame", "open", "--streams", "2", "--json").json["opened"]
    assert not lab.guard(here, "frame", "open", "--streams", "2", "--json").json["opened"]


# --- over a network ------------------------------------------------------------------------------------------------

SSH = """#!/bin/sh
for last; do :; done
if [ -e {root}/silent ]; then echo $$ >> {root}/hanging; sleep 120; fi
exec sh -c "$last"
"""
"""What git takes for ssh: the command runs here; while the file `silent` is there, nobody ever answers."""


def _impatient(lab: Lab, seconds: int, here: Path, *others: Path) -> None:
    """The fleet's policy gives a transfer up that has said nothing for so long."""
    policy = (here / "guard.toml").read_text()
    lab.commit_push(here, {"guard.toml": f"{policy}[repository]\ntimeout = {seconds}\n"})
    for other in others:
        lab.git(other, "pull", "-q", "--ff-only", "origin", "main")


def test_a_hub_by_ssh_that_falls_silent(lab: Lab) -> None:
    """No error, no answer: a transfer is given up, with all its processes, and made again until it gets through."""
    boss, one = lab.fleet("boss", "one")
    _impatient(lab, 2, boss, one)
    ssh = lab.root / "ssh"
    ssh.write_text(SSH.format(root=lab.root))
    ssh.chmod(0o755)
    lab.git(one, "config", "core.sshCommand", str(ssh))
    lab.git(one, "config", "remote.origin.url", f"ssh://hub.invalid{lab.hub}")
    lab.guard(boss, "frame", "open", "--machines", "1")
    hanging = lab.root / "hanging"
    words = ("--machine", "1/1", "--frames", "1")
    worker = lab.start(one, *_words("worker", *words, script=f"touch {lab.root}/silent; {OWN}"))
    _wait_for(hanging.exists, worker)
    assert worker.stderr is not None
    assert any(b"trying again until it is done" in line for line in worker.stderr)
    (lab.root / "silent").unlink()
    done = lab.finish(worker)
    assert (done.code, done.json["waiting"]) == (0, [])
    assert [row["streams"] for row in done.json["frames"]] == [{"m1-stream-1": "delivered"}]
    for pid in map(int, hanging.read_text().split()):
        assert not _lives(pid)
    lab.guard(boss, "merge", "--frame", "1")
    assert lab.page(lab.hub, 1)["streams"]["m1-stream-1"]["status"] == "ok"
    _clean(lab, one)


class Net:
    """A host with a git server, and machines that each have a cable to it: namespaces of the kernel."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.running: list[subprocess.Popen] = []
        self.enter = self._space("unshare", "-rn")
        self.sh(self.enter, "ip link set lo up")
        daemon = f"{lab.git(lab.root, '--exec-path')}/git-daemon"  # itself: `git daemon` would be its parent
        options = ("--reuseaddr", "--export-all", "--enable=receive-pack", f"--base-path={lab.root}")
        words = [*self.enter, daemon, *options, str(lab.root)]
        self.running.append(subprocess.Popen(words, env=lab.env, stdin=subprocess.DEVNULL))

    def _space(self, *words: str) -> tuple[str, ...]:
        """A namespace, for as long as a process lives in it; returns what a command begins with to run there."""
        process = subprocess.Popen(
            [*words, "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.running.append(process)
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip(f"no network of our own here: {process.communicate()[1].decode().strip()}")
        return ("nsenter", "-t", str(process.pid), "-U", "-n", "--preserve-credentials")

    def sh(self, enter: tuple[str, ...], script: str) -> str:
        """Run a line of shell in a namespace."""
        done = self.lab.run(self.lab.root, *enter, "sh", "-ec", script)
        if done.code:
            pytest.skip(f"no network of our own here: {done.err.strip()}")
        return done.out

    def machine(self, number: int) -> tuple[str, ...]:
        """A machine with a cable."""
        enter = self._space(*self.enter, "unshare", "-n")
        here, there = f"hub{number}", f"10.99.{number}.1"
        self.sh(self.enter, f"ip link add {here} type veth peer name cable netns {enter[2]}; ip link set {here} up")
        self.sh(self.enter, f"ip addr add {there}/24 dev {here}")
        self.sh(enter, f"ip link set lo up; ip link set cable up; ip addr add 10.99.{number}.2/24 dev cable")
        address = self.sh(self.enter, f"ip -o link show {here}").split("link/ether ")[1].split()[0]
        self.sh(enter, f"ip neigh replace {there} lladdr {address} dev cable nud permanent")
        return enter

    def cut(self, number: int) -> None:
        """From now on whatever a machine sends goes nowhere, without a word."""
        self.sh(self.enter, f"ip addr del 10.99.{number}.1/24 dev hub{number}")

    def mend(self, number: int) -> None:
        """The machine reaches the host again."""
        self.sh(self.enter, f"ip addr add 10.99.{number}.1/24 dev hub{number}")

    def start(self, enter: tuple[str, ...], here: Path, *words: str) -> subprocess.Popen:
        """Start guard on a machine."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*enter, *GUARD, *words], cwd=here, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=self.lab.env
        )

    def end(self) -> None:
        """Take it all away."""
        for process in self.running:
            process.kill()
            process.communicate()


@pytest.fixture
def net(lab: Lab) -> Iterator[Net]:
    """A network; skipped where the system gives none."""
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            pytest.skip(f"no network of our own here: {tool} is not installed")
    found = Net(lab)
    yield found
    found.end()


def test_a_machine_that_is_cut_off_in_the_middle_of_a_frame(lab: Lab, net: Net) -> None:
    """Three machines and `git daemon`: the one whose packets vanish is absent, waits, and comes back by itself; its
    late delta is in its own frame's page, and the next frame has everybody again."""
    boss, *clones = lab.fleet("boss", "one", "two")
    _impatient(lab, 3, boss, *clones)
    machines = [net.machine(number) for number in (1, 2)]
    for number, here in enumerate(clones, 1):
        lab.git(here, "config", "remote.origin.url", f"git://10.99.{number}.1/hub.git")
    began, cut = lab.root / "began", lab.root / "cut"
    wait = f"touch {began}; while [ ! -e {cut} ]; do sleep 0.05; done"
    script = f'[ "$GUARD_FRAME-$GUARD_STREAM" = 1-m2-stream-1 ] && {{ {wait}; }}; {OWN}'
    options = ("--frames", "2", "--machine")
    workers = [
        net.start(machines[place], here, *_words("worker", *options, f"{place + 1}/2", script=script))
        for place, here in enumerate(clones)
    ]
    words = ("frame", "run", "--json", "--machines", "2", "--frames", "1", "--interval", "0", "--wait")
    first = lab.start(boss, *words, "12")
    _wait_for(began.exists, first, *workers)
    net.cut(2)
    cut.touch()
    [row] = lab.finish(first).json["frames"]
    assert (row["frame"], row["missing"]) == (1, ["m2-stream-1"])
    assert [process.poll() for process in workers] == [None, None]
    second = lab.start(boss, *words, "120")
    net.mend(2)
    [row] = lab.finish(second).json["frames"]
    assert (row["frame"], row["missing"], row["late"]) == (2, [], [1])
    said = [lab.finish(process) for process in workers]
    assert [each.code for each in said] == [0, 0], said
    assert "trying again until it is done" in said[1].err
    for frame in (1, 2):
        streams = lab.page(lab.hub, frame)["streams"]
        assert {name: each["status"] for name, each in streams.items()} == {"m1-stream-1": "ok", "m2-stream-1": "ok"}
    lab.guard(boss, "verify")
    for here in clones:
        _clean(lab, here)


# --- ending ------------------------------------------------------------------------------------------------------


def _running(lab: Lab, here: Path, *options: str) -> subprocess.Popen:
    """A primary whose stream is at work and ends when the file `go` is there."""
    script = f"touch {lab.root}/began; while [ ! -e {lab.root}/go ]; do sleep 0.05; done; {OWN}"
    process = lab.start(here, *_words("primary", "--wait", "60", *options, script=script))
    _wait_for((lab.root / "began").exists, process)
    return process


@pytest.mark.parametrize("how", ["default", "named"])
def test_a_stop_file_ends_it_after_the_frame(lab: Lab, how: str) -> None:
    """The frame under way is played and merged, then it ends with 0; while the file is there, no frame is begun."""
    here, _ = lab.fleet("here", "other")
    file = here / ".git/guard/stop" if how == "default" else lab.root / "halt"
    options = () if how == "default" else ("--stop-file", str(file))
    process = _running(lab, here, *options)
    file.touch()
    time.sleep(0.3)
    (lab.root / "go").touch()
    said = lab.finish(process)
    assert (said.code, said.json["done"]) == (0, 1)
    assert "stop file" in said.json["ended"]
    assert (_counter(lab), _roster(lab)["frame"]) == (1, 1)
    again = lab.guard(here, *_words("primary", *options))
    assert (again.json["done"], _roster(lab)["frame"]) == (0, 1)
    _clean(lab, here)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_frame(lab: Lab, kind: signal.Signals) -> None:
    """Once: the streams go on to their end, the frame is merged, and it ends with 0."""
    here, _ = lab.fleet("here", "other")
    process = _running(lab, here)
    process.send_signal(kind)
    time.sleep(0.3)
    assert process.poll() is None
    (lab.root / "go").touch()
    said = lab.finish(process)
    assert (said.code, said.json["ended"], said.json["done"]) == (0, kind.name, 1)
    assert lab.page(lab.hub, 1)["streams"]["stream-1"]["status"] == "ok"
    _clean(lab, here)


def test_a_second_signal_ends_it_now(lab: Lab) -> None:
    """Twice: the streams are ended, what there is is delivered, nothing is merged; the next run closes the frame."""
    here, _ = lab.fleet("here", "other")
    process = _running(lab, here)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    said = lab.finish(process)
    assert said.code == 128 + signal.SIGTERM
    assert _counter(lab) == 0
    assert [ref.split("/")[3:5] for ref in lab.refs(lab.hub, "refs/guard/deltas")] == [["1", "stream-1"]]
    _clean(lab, here)
    (lab.root / "go").touch()
    said = lab.guard(here, *_words("primary", "--frames", "1", "--wait", "30"))
    assert [row["frame"] for row in said.json["frames"]] == [1]
    assert lab.page(lab.hub, 1)["streams"]["stream-1"]["status"] == "fallback"


def test_ctrl_c_at_any_moment(lab: Lab) -> None:
    """Ctrl-C reaches git and whatever else is in the foreground: the run ends by itself, nothing is lost or left."""
    here, other = lab.fleet("here", "other")
    draw = random.Random("ctrl-c")
    script = f"{OWN}; echo $GUARD_FRAME >> {lab.root}/wrote"
    for _ in range(8):
        process = lab.start(here, *_words("primary", "--wait", "30", script=script), start_new_session=True)
        time.sleep(draw.uniform(0.8, 3))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        said = lab.finish(process)
        assert said.code in (0, 130), (said.code, said.err)  # 130: it had not begun
    lab.guard(here, *_words("primary", "--frames", "1", "--wait", "30", script=script))
    assert _closes(lab) == list(range(1, _counter(lab) + 1))
    for frame in {int(line) for line in (lab.root / "wrote").read_text().split()}:
        assert lab.page(lab.hub, frame)["streams"]["stream-1"]["status"] == "ok"
    lab.guard(other, "verify")
    _clean(lab, here)


def test_a_worker_that_waits_ends_at_once(lab: Lab) -> None:
    """Nobody opens a frame: a signal ends a worker without more."""
    here, _ = lab.fleet("here", "other")
    process = lab.start(here, *_words("worker"))
    assert process.stderr is not None
    assert any(b"waiting for frame 1 to be opened" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    said = lab.finish(process)
    assert (said.code, said.json["done"]) == (0, 0)


def test_plain_lines_where_nobody_watches(lab: Lab) -> None:
    """Without a terminal every step is a line; the frames themselves are the result, on stdout."""
    here, _ = lab.fleet("here", "other")
    words = ("frame", "run", "--frames", "2", *QUICK, "--wait", "60", "--", "sh", "-c", OWN)
    said = lab.guard(here, *words)
    assert "frame 1: opened; 1 stream expected" in said.err
    assert "stream-1: running" in said.err
    lines = said.out.splitlines()
    assert [line.split(";")[0].rsplit(" ", 3)[0] for line in lines[:2]] == [
        "frame 1: closed by",
        "frame 2: closed by",
    ] or lines
    assert lines[-1] == "2 frames closed; ended by the number of frames"


FRAMES = int(os.environ.get("GUARD_TEST_FRAMES", "12"))
"""How many frames in a row; a second or two each, so a hundred are for who asks: GUARD_TEST_FRAMES=100."""


def test_many_frames_in_a_row_leave_everything_clean(lab: Lab) -> None:
    """Hub and clone: fsck is content, every ref is a documented one, no work tree, nothing that waits, and the inbox
    and the logs hold no more than the frames that are kept."""
    here, other = lab.fleet("here", "other")
    script = (
        'printf \'{"frame": %s, "stream_id": "%s", "completed_at": "2026-01-02T10:00:00Z"}\' '
        '$GUARD_FRAME $GUARD_STREAM > "$GUARD_DELTA"'
    )
    words = _words("primary", "--frames", str(FRAMES), "--streams", "2", "--wait", "60", script=script)
    process = lab.start(here, *words)
    out, err = process.communicate(timeout=FRAMES * 30)  # no judgement of speed: only an end to waiting
    assert process.returncode == 0, err
    assert len(json.loads(out)["frames"]) == FRAMES
    assert _closes(lab) == list(range(1, FRAMES + 1))
    lab.git(lab.hub, "fsck", "--strict")
    assert list(lab.refs(lab.hub)) == ["refs/heads/main"]
    _clean(lab, here)
    known = ("refs/heads/", "refs/remotes/origin/", "refs/guard/merged/", "refs/guard/checked/", "refs/guard/records/")
    known += ("refs/guard/verified", "refs/guard/audited")
    assert [ref for ref in lab.refs(here) if not ref.startswith(known)] == []
    assert [path.name for path in (here / ".git").rglob("*.lock")] == ["worktrees.lock"]
    assert len([name for name in lab.inbox(lab.hub) if name.startswith("frame-")]) == 2 * min(FRAMES, 7)
    assert len(list((here / ".git/guard/logs").iterdir())) == min(FRAMES, 7)
    lab.guard(other, "verify")
