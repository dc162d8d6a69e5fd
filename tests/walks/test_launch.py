"""`guard launch` and `guard run`: every stream ends with a delta at the hub, whatever becomes of its command."""

import contextlib
import errno
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from walks.killed import machine_ends
from walks.lab import GUARD, INBOX, Lab, delta, digest

from guard.policy import Policy
from guard.streams import Job, Signals, execute

OWN = (
    f'{shlex.quote(sys.executable)} -c \'import json, os; open(os.environ["GUARD_DELTA"], "w").write(json.dumps('
    '{"frame": int(os.environ["GUARD_FRAME"]), "stream_id": os.environ["GUARD_STREAM"],'
    ' "completed_at": "2026-01-02T10:00:00Z", "agents_activated": os.environ["GUARD_AGENTS"].split(",")}))\''
)
"""A command that writes its delta as it is told."""


def _launch(lab: Lab, here: Path, script: str, *options: str, code: int | None = 0) -> dict[str, Any]:
    """Launch a line of shell; the summary."""
    words = ("launch", "--json", "--stagger", "0", *options, "--", "sh", "-c", script)
    summary: dict[str, Any] = lab.guard(here, *words, code=code).json
    return summary


def _of(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {stream["stream"]: stream for stream in summary["streams"]}


def _delivered(lab: Lab, where: Path) -> dict[str, list[dict[str, Any]]]:
    """The deltas at the hub, by stream."""
    found: dict[str, list[dict[str, Any]]] = {}
    for ref, oid in lab.refs(where, "refs/guard/deltas").items():
        [path] = lab.paths(where, oid)
        found.setdefault(ref.split("/")[4], []).append(json.loads(lab.show(where, path, oid)))
    return found


def _clean(lab: Lab, here: Path) -> None:
    """Nothing is left of any stream: no work tree, no branch, no note, no folder, nothing that waits."""
    assert lab.git(here, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert set(lab.refs(here, "refs/heads")) == {"refs/heads/main"}
    for name in ("worktrees", "outbox"):
        assert list((here / ".git/guard" / name).glob("*.json")) == []
    assert not here.with_name(f"{here.name}-streams").exists()


def _wait_for(what: Any) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_frame_in_which_everything_goes_wrong(lab: Lab) -> None:
    """Good, crashed, killed, hanging, silent and garbled streams: six deltas at the hub, merged and verified."""
    here, other = lab.fleet("here", "other")
    script = f"""case $GUARD_STREAM in
      stream-1) {OWN};;
      stream-2) exit 7;;
      stream-3) kill -9 $$;;
      stream-4) sleep 600;;
      stream-5) true;;
      stream-6) echo '{{"frame"' > "$GUARD_DELTA";;
    esac"""
    summary = _launch(lab, here, script, "--streams", "6", "--timeout", "8")
    streams = _of(summary)
    assert [streams[f"stream-{n}"]["state"] for n in range(1, 7)] == ["ok", *["fallback"] * 5]
    assert streams["stream-2"]["exit"] == 7
    assert streams["stream-3"]["signal"] == signal.SIGKILL
    assert streams["stream-4"]["timed_out"]
    found = _delivered(lab, lab.hub)
    assert set(found) == set(streams)
    reasons = {name: each["_meta"]["reason"] for name, [each] in found.items() if "_meta" in each}
    assert reasons["stream-2"] == "exit 7"
    assert reasons["stream-3"] == "signal SIGKILL"
    assert reasons["stream-4"] == "timeout after 8 s (signal SIGTERM)"
    assert reasons["stream-5"] == "no delta was written"
    assert reasons["stream-6"].startswith("invalid delta: ")
    assert {each["_meta"]["status"] for [each] in found.values() if "_meta" in each} == {"fallback"}
    [rescued] = streams["stream-6"]["rescue"]  # garbage is somebody's work too
    assert lab.show(here, f"{INBOX}/frame-1-stream-6.json", rescued) == b'{"frame"\n'
    _clean(lab, here)
    lab.guard(other, "merge")
    assert len(lab.merged(lab.hub)) == 6
    lab.guard(other, "verify")


def test_what_a_stream_is_told(lab: Lab) -> None:
    """Frame, id, agents and the delta's place are in the environment; the tree is the hub's newest; no GIT_DIR."""
    here, other = lab.fleet("here", "other")
    newest = lab.commit_push(other, {"new.txt": "new\n"})
    script = (
        f"git rev-parse HEAD >> {lab.root}/$GUARD_STREAM && env >> {lab.root}/$GUARD_STREAM && test -f new.txt && {OWN}"
    )
    summary = _launch(lab, here, script, "--streams", "2", "--machine", "2/2", "--frame", "1")
    assert [each["exit"] for each in summary["streams"]] == [0, 0], summary
    agents: list[str] = []
    for number in (1, 2):
        said = (lab.root / f"m2-stream-{number}").read_text().splitlines()
        env = dict(line.split("=", 1) for line in said[1:] if "=" in line)
        assert said[0] == newest
        assert env["GUARD_FRAME"] == "1"
        assert env["GUARD_STREAM"] == f"m2-stream-{number}"
        assert env["GUARD_DELTA"].endswith(f"/{INBOX}/frame-1-m2-stream-{number}.json")
        assert "GIT_DIR" not in env
        agents += filter(None, env["GUARD_AGENTS"].split(","))
    shown = lab.guard(here, "partition", "--machine", "2/2", "--json").json
    assert sorted(agents) == shown["agents"]
    others = lab.guard(here, "partition", "--machine", "1/2", "--json").json["agents"]
    assert sorted(agents + others) == ["ada", "bob", "cyd"]


def test_a_timeout_ends_the_whole_group_and_keeps_the_exit_status(lab: Lab) -> None:
    """What the command had started ends with it, TERM is asked first, and the status is the command's own."""
    here, _ = lab.fleet("here", "other")
    pids = lab.root / "pids"
    script = f"trap 'exit 9' TERM; (trap '' TERM; sleep 600) & echo $! > {pids}; sleep 601 & echo $! >> {pids}; wait"
    [stream] = _launch(lab, here, script, "--timeout", "3")["streams"]
    assert (stream["exit"], stream["timed_out"], stream["reason"]) == (9, True, "timeout after 3 s (exit 9)")
    assert [pid for pid in map(int, pids.read_text().split()) if _lives(pid)] == []
    _clean(lab, here)


def test_what_a_command_leaves_running_ends_with_it(lab: Lab) -> None:
    """A command that is done leaves no process of its group in the work tree that goes."""
    here, _ = lab.fleet("here", "other")
    pid = lab.root / "pid"
    [stream] = _launch(lab, here, f"sleep 600 & echo $! > {pid}; {OWN}")["streams"]
    assert (stream["state"], stream["exit"]) == ("ok", 0)
    assert not _lives(int(pid.read_text()))
    _clean(lab, here)


def test_a_signal_without_a_name_ends_a_stream_like_any_other(lab: Lab) -> None:
    """What a command had written counts when a real-time signal ended it, and its work tree goes at once."""
    here, _ = lab.fleet("here", "other")
    [stream] = _launch(lab, here, f"{OWN}; kill -40 $$")["streams"]
    assert (stream["state"], stream["signal"], stream["reason"]) == ("ok", 40, "signal 40")
    _clean(lab, here)


def test_a_command_that_cannot_be_noted_is_ended(lab: Lab) -> None:
    """Where the disk is full as a command has begun, nobody would end it later: it ends with the error."""
    pids: list[int] = []

    def full(pid: int) -> None:
        pids.append(pid)
        raise OSError(errno.ENOSPC, "No space left on device")

    job = Job(Policy(), 1, None, ("sleep", "600"), None)
    with pytest.raises(OSError, match="No space"):
        execute(job, lab.env, lab.root, None, Signals(), full)
    assert not _lives(pids[0])


def test_work_beside_the_delta_is_kept(lab: Lab) -> None:
    """A commit and a file that a stream leaves are under rescue refs before its work tree goes; crash or not."""
    here, _ = lab.fleet("here", "other")
    script = f"echo 1 > made.txt && git add made.txt && git commit -q -m '[S1] a: b' && echo 2 > loose.txt; {OWN}"
    [stream] = _launch(lab, here, script)["streams"]
    [ref] = stream["rescue"]
    assert lab.show(here, "loose.txt", ref) == b"2\n"
    assert lab.show(here, "made.txt", ref) == b"1\n"
    _clean(lab, here)


def test_a_fallback_says_where_the_output_is(lab: Lab) -> None:
    """Who sees that a command failed learns which file holds what it printed."""
    (here,) = lab.fleet("here")
    said = lab.guard(here, "launch", "--frame", "1", "--", "sh", "-c", "echo too bad >&2; exit 4")
    [line] = [line for line in said.out.splitlines() if line.startswith("stream-1: what it printed: ")]
    assert "too bad" in Path(line.partition(": what it printed: ")[2]).read_text()


def test_a_command_that_is_not_there(lab: Lab) -> None:
    """A command that cannot be started gives fallbacks that say so, and leaves nothing."""
    here, _ = lab.fleet("here", "other")
    summary = lab.guard(here, "launch", "--streams", "2", "--stagger", "0", "--json", "--", "no-such-command").json
    assert [each["state"] for each in summary["streams"]] == ["fallback", "fallback"]
    assert "no-such-command cannot be started" in _delivered(lab, lab.hub)["stream-1"][0]["_meta"]["reason"]
    _clean(lab, here)


def test_a_second_run_is_a_further_delta(lab: Lab) -> None:
    """A stream that ran before and whose delta is merged runs again: both deltas count, none is rewritten."""
    here, other = lab.fleet("here", "other")
    _launch(lab, here, OWN)
    lab.guard(other, "merge")
    lab.git(here, "pull", "-q", "--ff-only")
    assert f"{INBOX}/frame-1-stream-1" in "".join(lab.paths(lab.hub))
    again = OWN.replace("10:00:00", "11:00:00")
    [stream] = _launch(lab, here, again, "--frame", "1")["streams"]
    assert stream["state"] == "ok"
    lab.guard(other, "merge")
    lab.guard(other, "verify")
    assert len(lab.merged(lab.hub)) == 2


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cleans_up(lab: Lab, kind: signal.Signals) -> None:
    """SIGINT and SIGTERM end all streams, deliver what is there and a fallback for the rest, and leave nothing."""
    here, _ = lab.fleet("here", "other")
    script = f"[ $GUARD_STREAM = stream-1 ] && {OWN}; touch {lab.root}/began-$GUARD_STREAM; sleep 600"
    words = ("launch", "--json", "--streams", "3", "--stagger", "0", "--", "sh", "-c", script)
    process = lab.start(here, *words)
    _wait_for(lambda: len(list(lab.root.glob("began-*"))) == 3)
    process.send_signal(kind)
    said = lab.finish(process)
    assert said.code == 128 + kind
    assert said.json["interrupted"] == kind.name
    assert {name: each["state"] for name, each in _of(said.json).items()} == {
        "stream-1": "ok",
        "stream-2": "fallback",
        "stream-3": "fallback",
    }
    assert set(_delivered(lab, lab.hub)) == {"stream-1", "stream-2", "stream-3"}
    _clean(lab, here)


def test_after_sigkill_the_next_launch_goes_on(lab: Lab) -> None:
    """A launch that was killed, with one delta written and one not: the next one delivers both streams and sweeps."""
    here, _ = lab.fleet("here", "other")
    script = f"[ $GUARD_STREAM = stream-1 ] && {OWN}; touch {lab.root}/began-$GUARD_STREAM; sleep 600"
    words = ("launch", "--streams", "2", "--stagger", "0", "--", "sh", "-c", script)
    process = lab.start(here, *words)
    _wait_for(lambda: len(list(lab.root.glob("began-*"))) == 2)
    process.kill()
    process.communicate()
    notes = [json.loads(path.read_text()) for path in (here / ".git/guard/worktrees").glob("*.json")]
    assert len(notes) == 2
    swept = lab.guard(here, "worktree", "sweep", "--json").json  # their commands still live: nobody takes their trees
    assert swept["removed"] == []
    for note in notes:
        os.killpg(note["child"]["pid"], signal.SIGKILL)
    summary = _launch(lab, here, OWN, "--machine", "1/1")
    assert len(summary["earlier"]["removed"]) == 2
    found = _delivered(lab, lab.hub)
    assert set(found) == {"stream-1", "stream-2", "m1-stream-1"}
    assert "_meta" not in found["stream-1"][0]
    assert "its launch was killed" in found["stream-2"][0]["_meta"]["reason"]
    _clean(lab, here)


def _killed(lab: Lab, here: Path, script: str) -> None:
    """A launch of one stream, killed with its command once that has said it is done."""
    done = lab.root / "done"
    words = ("launch", "--stagger", "0", "--", "sh", "-c", f"{script}; touch {done}; sleep 600")
    process = lab.start(here, *words)
    _wait_for(done.exists)
    process.kill()
    process.communicate()
    [note] = (json.loads(path.read_text()) for path in (here / ".git/guard/worktrees").glob("*.json"))
    os.killpg(note["child"]["pid"], signal.SIGKILL)


def test_launches_that_find_what_a_killed_one_left(lab: Lab) -> None:
    """One of them ends its stream, and nobody adds a fallback to the delta that it had written."""
    here, _ = lab.fleet("here", "other")
    _killed(lab, here, f"{OWN}; head -c 50000000 /dev/zero > big")
    words = ("launch", "--json", "--stagger", "0", "--machine")
    started = [lab.start(here, *words, f"{number}/4", "--", "sh", "-c", OWN) for number in range(1, 5)]
    said = [lab.finish(process) for process in started]
    assert [each.code for each in said] == [0] * 4, said
    assert sum(len(each.json["earlier"]["removed"]) for each in said) == 1
    assert ["_meta" in each for each in _delivered(lab, lab.hub)["stream-1"]] == [False]
    _clean(lab, here)


def test_a_work_tree_that_has_to_stay_is_one_delta(lab: Lab) -> None:
    """Its stream is settled: however many launches find it afterwards, none makes up another fallback for it."""
    here, _ = lab.fleet("here", "other")
    script = 'here=$PWD; git worktree remove --force "$here"; mkdir -p "$here"; echo mine > "$here/work"'
    [stream] = _launch(lab, here, script)["streams"]
    assert stream["worktree"]
    for number in (1, 2):
        summary = _launch(lab, here, OWN, "--machine", f"{number}/2")
        assert len(summary["earlier"]["kept"]) == 1
    assert ["_meta" in each for each in _delivered(lab, lab.hub)["stream-1"]] == [True]
    [left] = here.with_name("here-streams").iterdir()
    assert (left / "work").read_text() == "mine\n"


def test_a_work_tree_that_has_to_stay_is_delivered_once(lab: Lab) -> None:
    """A merged delta that still lies in one is not sent to the hub again by every launch."""
    here, _ = lab.fleet("here", "other")
    [stream] = _launch(lab, here, f'{OWN}; git worktree lock "$PWD"')["streams"]
    assert "locked" in stream["worktree"]
    lab.git(Path(stream["worktree"].split(": ")[0]), "init", "-q", "nested")
    lab.git(here, "worktree", "unlock", stream["worktree"].split(": ")[0])
    lab.guard(here, "merge")
    earlier = _launch(lab, here, OWN, "--frame", "1", "--machine", "1/1")["earlier"]
    assert (len(earlier["kept"]), earlier["delivered"]) == (1, [])
    assert set(_delivered(lab, lab.hub)) == {"m1-stream-1"}


def test_a_work_tree_that_lost_its_git_file_goes(lab: Lab) -> None:
    """A command that deletes `.git` in its work tree: its delta is delivered, and nothing stays."""
    here, _ = lab.fleet("here", "other")
    [stream] = _launch(lab, here, f"{OWN}; rm .git")["streams"]
    assert (stream["state"], stream["worktree"], stream["rescue"]) == ("ok", None, [])
    _clean(lab, here)


def test_what_cannot_be_read_in_the_outbox_takes_nothing_along(lab: Lab) -> None:
    """Rubbish with a delta's name waits and is named; the other deltas that wait there are delivered."""
    here, _ = lab.fleet("here", "other")
    outbox = here / ".git/guard/outbox"
    (outbox / f"frame-1-a--{'0' * 16}.json").mkdir(parents=True)
    data = delta(1, "b")
    lab.write(outbox, {f"frame-1-b--{digest(data)[:16]}.json": data})
    said = lab.guard(here, "launch", "--json", "--", "sh", "-c", OWN)
    assert len(said.json["earlier"]["waiting"]) == 1
    assert "cannot be read" in said.err
    assert set(_delivered(lab, lab.hub)) == {"b", "stream-1"}


def test_two_launches_of_the_same_streams_in_one_clone(lab: Lab) -> None:
    """Each has work trees of its own, and every run of a stream is a delta."""
    here, _ = lab.fleet("here", "other")
    script = OWN.replace('"completed_at"', '"run": os.getppid(), "completed_at"')
    words = ("launch", "--json", "--streams", "4", "--stagger", "0", "--", "sh", "-c", f"{script}; true")
    started = [lab.start(here, *words) for _ in range(2)]
    said = [lab.finish(process) for process in started]
    assert [each.code for each in said] == [0, 0], said
    assert [each["state"] for part in said for each in part.json["streams"]] == ["ok"] * 8, said
    assert [len(runs) for runs in _delivered(lab, lab.hub).values()] == [2] * 4
    _clean(lab, here)


def test_a_hub_that_cannot_be_reached_loses_nothing(lab: Lab) -> None:
    """Cut off while streams run: exit 2, the deltas wait in the outbox, and the next launch delivers them."""
    here, _ = lab.fleet("here", "other")
    gone = lab.hub.with_name("gone.git")
    [stream] = _launch(lab, here, f"mv {lab.hub} {gone}; {OWN}", code=2)["streams"]
    assert stream["state"] == "undelivered"
    [path] = stream["undelivered"]
    assert json.loads(Path(path).read_text())["stream_id"] == "stream-1"
    gone.rename(lab.hub)
    summary = _launch(lab, here, OWN, "--machine", "1/1")
    assert len(summary["earlier"]["delivered"]) == 1
    assert set(_delivered(lab, lab.hub)) == {"stream-1", "m1-stream-1"}
    _clean(lab, here)


def test_declared_inputs_reach_every_stream(lab: Lab) -> None:
    """`[worktree] copy` comes along, unchanged copies leave no rescue ref, and a missing one makes fallbacks."""
    here, _ = lab.fleet("here", "other")
    lab.commit_push(here, {"guard.toml": (here / "guard.toml").read_text() + '[worktree]\ncopy = ["own.env"]\n'})
    lab.write(here, {"own.env": "a\n"})
    summary = _launch(lab, here, f"grep -q a own.env && {OWN}", "--streams", "2")
    assert [each["state"] for each in summary["streams"]] == ["ok", "ok"], summary
    assert lab.refs(here, "refs/guard/rescue") == {}
    (here / "own.env").unlink()
    summary = _launch(lab, here, OWN, "--machine", "1/1")
    [stream] = summary["streams"]
    assert stream["state"] == "fallback"
    assert "own.env is not there" in stream["reason"]
    _clean(lab, here)


def test_plain_lines_where_nobody_watches(lab: Lab) -> None:
    """Without a terminal each change is a line on stderr, with --quiet none, and the result is a table on stdout."""
    here, _ = lab.fleet("here", "other")
    words = ("launch", "--stagger", "0", "--", "sh", "-c", OWN)
    said = lab.guard(here, *words)
    assert [line for line in said.err.splitlines() if line.startswith("stream-1: ")] == [
        "stream-1: preparing",
        "stream-1: running",
        "stream-1: ok",
    ]
    assert "1 of 1 stream delivered, 0 by fallback" in said.out
    assert lab.guard(here, "launch", "--quiet", *words[1:]).err == ""


def test_run_is_one_stream_in_a_work_tree_that_is_there(lab: Lab) -> None:
    """`guard run` delivers the command's delta, or a fallback; nothing of the work tree changes."""
    here, _ = lab.fleet("here", "other")
    lab.write(here, {"loose.txt": "mine\n"})
    said = lab.guard(here, "run", "--stream", "night-1", "--json", "--", "sh", "-c", f"echo talk; {OWN}")
    [stream] = said.json["streams"]
    assert (stream["state"], stream["exit"]) == ("ok", 0)
    assert "talk" in said.err
    [stream] = lab.guard(here, "run", "--json", "--", "sh", "-c", "exit 4", env={"GUARD_STREAM": "night-2"}).json[
        "streams"
    ]
    assert (stream["state"], stream["exit"], stream["reason"]) == ("fallback", 4, "exit 4")
    assert set(_delivered(lab, lab.hub)) == {"night-1", "night-2"}
    assert (here / "loose.txt").read_text() == "mine\n"
    assert "talk" in lab.guard(here, "run", "--stream", "night-3", "--", "echo", "talk").out
    lab.guard(here, "run", "--", "true", code=2)


def test_a_lone_repository_is_its_own_hub(lab: Lab) -> None:
    """Without a remote the delta's ref is made here, and the next merge takes it in."""
    here = lab.lone()
    assert _of(_launch(lab, here, OWN, "--streams", "2"))["stream-2"]["state"] == "ok"
    lab.guard(here, "merge")
    assert len(lab.merged(here)) == 2
    _clean(lab, here)


def test_usage_that_starts_nothing(lab: Lab) -> None:
    """No command, a machine that is none, a frame too far ahead, a roster that is none: exit 2 and nothing is made."""
    here, _ = lab.fleet("here", "other")
    for words in (
        ("launch",),
        ("launch", "--machine", "3/2", "--", "true"),
        ("launch", "--frame", "5", "--", "true"),
        ("launch", "--timeout", "nan", "--", "true"),
        ("launch", "--stagger", "-1", "--", "true"),
        ("launch", "--roster", "nothing", "--", "true"),
        ("launch", "--by", "luck", "--", "true"),
        ("partition", "--machine", "x"),
    ):
        said = lab.guard(here, *words, code=2)
        assert "guard: " in said.err, words
    _clean(lab, here)


def test_two_clones_and_one_frame(lab: Lab) -> None:
    """The bar: 22 streams on two machines, one killed, one hanging, one garbled, and one machine cut off on the way:
    its deltas are late, 22 are accounted for, merged, verified, and no work tree is left."""
    one, two = lab.fleet("one", "two")
    way = lab.root / "way"
    way.symlink_to(lab.hub)
    lab.git(two, "config", "remote.origin.url", str(way))
    lab.guard(one, "frame", "open", "--machines", "2", "--streams", "11")
    script = f"""case $GUARD_STREAM in
      m1-stream-2) kill -9 $$;; m2-stream-3) sleep 600;; m1-stream-5) echo x > "$GUARD_DELTA";;
      m2-stream-9) until git -C {lab.hub} for-each-ref | grep -q /m2-; do sleep 0.1; done; rm -f {way}; {OWN};;
      *) {OWN};; esac"""
    started: list[subprocess.Popen] = []
    for number, here in enumerate((one, two), 1):
        words = ("launch", "--json", "--streams", "11", "--stagger", "0.05", "--machine", f"{number}/2")
        started.append(lab.start(here, *words, "--timeout", "20", "--", "sh", "-c", script))
    said = [lab.finish(process) for process in started]
    assert [each.code for each in said] == [0, 2], said
    states = {name: each["state"] for part in said for name, each in _of(part.json).items()}
    late = {name for name, state in states.items() if state == "undelivered"}
    assert {"m2-stream-3", "m2-stream-9"} <= late
    assert len(states) == 22
    merged = lab.guard(one, "merge", "--frame", "1", "--json").json
    assert set(merged["missing"]) == late
    lab.guard(one, "frame", "open", "--machines", "2", "--streams", "11")
    way.symlink_to(lab.hub)
    assert len(lab.guard(two, "delta", "push", "--json").json["delivered"]) == len(late)
    lab.guard(two, "merge", "--frame", "2")
    lab.guard(one, "verify")
    streams = lab.page(lab.hub, 1)["streams"]
    assert set(streams) == set(states)
    assert [len(each["deltas"]) for each in streams.values()] == [1] * 22
    gone = {name for name, each in streams.items() if each["status"] != "ok"}
    assert gone == {"m1-stream-2", "m1-stream-5", "m2-stream-3"}
    for here in (one, two):
        _clean(lab, here)
        lab.git(here, "fsck", "--no-dangling")


def test_a_live_table_on_a_terminal(lab: Lab) -> None:
    """On a terminal all streams stand in one table that is drawn anew, and stdout still is the one JSON object."""
    here, _ = lab.fleet("here", "other")
    ours, theirs = os.openpty()
    env = {**lab.env, "TERM": "xterm", "COLUMNS": "100"}
    words = ["launch", "--json", "--streams", "2", "--stagger", "0", "--", "sh", "-c", f"sleep 1; {OWN}"]
    process = subprocess.Popen(
        [*GUARD, *words], cwd=here, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # it is closed at the end
        while chunk := terminal.read(4096):
            seen += chunk
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, seen
    assert [each["state"] for each in json.loads(out)["streams"]] == ["ok", "ok"]
    text = seen.decode(errors="replace")
    assert "frame 1: 0 of 2 streams" in text
    assert "running" in text
    assert text.count("stream-2") > 1


def test_a_delta_that_another_launch_has_sent_counts(lab: Lab) -> None:
    """Two launches in one clone at once send each other's waiting deltas, and neither takes that for a failure."""
    here, _ = lab.fleet("here", "other")
    started = []
    for number in (1, 2):
        words = ("launch", "--json", "--streams", "4", "--stagger", "0.1", "--machine", f"{number}/2")
        started.append(lab.start(here, *words, "--", "sh", "-c", OWN))
    said = [lab.finish(process) for process in started]
    assert [each.code for each in said] == [0, 0], said
    states = {name: each["state"] for part in said for name, each in _of(part.json).items()}
    assert set(states.values()) == {"ok"}
    assert set(_delivered(lab, lab.hub)) == set(states)
    assert len(states) == 8
    _clean(lab, here)


KILLER = """#!/bin/sh
# Kills guard as it has a work tree removed: before git does what AT says, or when it is through.
case "$*" in *"$AT"*) way=$WAY;; esac
[ "$way" != before ] || { kill -9 $PPID; exit; }
"$REAL_GIT" "$@"; code=$?
[ "$way" != after ] || kill -9 $PPID
exit $code
"""


@pytest.mark.parametrize("way", ["before", "after"])
@pytest.mark.parametrize("at", ["ls-files --error-unmatch", "worktree remove"])
def test_killed_while_its_work_tree_goes(lab: Lab, at: str, way: str) -> None:
    """What the stream delivered is in its work tree still, and the next launch knows that it is elsewhere."""
    here, _ = lab.fleet("here", "other")
    killer = lab.root / "killer/git"
    killer.parent.mkdir()
    killer.write_text(KILLER)
    killer.chmod(0o755)
    real = shutil.which("git", path=lab.env["PATH"])
    env = {"PATH": f"{killer.parent}:{lab.env['PATH']}", "REAL_GIT": str(real), "AT": at, "WAY": way}
    process = lab.start(here, "launch", "--streams", "1", "--", "sh", "-c", OWN, env=env)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    gone = (at, way) == ("worktree remove", "after")
    assert len(list(here.with_name("here-streams").glob("*"))) == (0 if gone else 1)
    assert _launch(lab, here, OWN, "--machine", "2/2")["earlier"]["kept"] == []
    assert set(_delivered(lab, lab.hub)) == {"stream-1", "m2-stream-1"}
    assert lab.refs(here, "refs/guard/rescue") == {}
    _clean(lab, here)


def test_killed_at_random_moments(lab: Lab) -> None:
    """SIGKILL for the launch and all that it started: the next one leaves no work tree, and no delta is ever lost."""
    here, _ = lab.fleet("here", "other")
    draw = random.Random("launch")
    for number in range(1, 11):
        script = f"{OWN}; touch {lab.root}/done-$GUARD_STREAM; sleep 0.$((RANDOM % 10))"
        words = ("launch", "--streams", "3", "--stagger", "0.1", "--machine", f"{number}/11")
        process = lab.start(here, *words, "--", "bash", "-c", script)
        time.sleep(draw.uniform(0.2, 2.2))
        machine_ends(process)
    said = lab.guard(here, "launch", "--json", "--machine", "11/11", "--", "sh", "-c", OWN, code=None)
    assert (said.code, said.json["earlier"]["waiting"]) == (0, []), said.err
    found = _delivered(lab, lab.hub)
    for path in lab.root.glob("done-*"):
        assert any("_meta" not in each for each in found[path.name.removeprefix("done-")]), path
    _clean(lab, here)
    for oid in lab.refs(here, "refs/guard/rescue").values():  # a stream that died between opening and writing its delta
        torn = lab.git(here, "diff-tree", "-r", "--name-only", f"{oid}^", oid).split()
        assert [path for path in torn if lab.show(here, path, oid)] == [], torn
        assert {Path(path).parent.as_posix() for path in torn} == {INBOX}, torn
    lab.git(here, "fsck", "--no-dangling")
