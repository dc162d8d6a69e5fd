"""`guard delta` and `guard frame`: what people and programs see of deltas and of the open frame."""

import json
import re
import shlex

import pytest
from walks.lab import INBOX, Lab, delta, digest, inbox_file, name_of, post


def test_a_new_delta_is_valid_and_lies_at_its_place(lab: Lab) -> None:
    """`delta new` prints the path of a delta of the open frame that check accepts and a merge takes in."""
    here = lab.lone()
    said = lab.guard(here, "delta", "new", "--stream", "s1", env={"GUARD_AGENTS": "ada,bob cyd"})
    path = said.out.strip()
    assert path == str(here / name_of(1, "s1"))
    value = json.loads((here / name_of(1, "s1")).read_text())
    assert (value["frame"], value["stream_id"], value["agents_activated"]) == (1, "s1", ["ada", "bob", "cyd"])
    assert lab.guard(here, "delta", "check", path).out == "1 delta, all good\n"
    lab.git(here, "add", "--", path)
    lab.git(here, "commit", "-q", "-m", "delta")
    lab.guard(here, "merge", "--strict")
    assert lab.merged(here) == {digest((here / name_of(1, "s1")).read_bytes())}


def test_frame_and_stream_come_from_the_environment_or_the_roster(lab: Lab) -> None:
    """GUARD_STREAM and GUARD_FRAME count unless options say otherwise; without them the roster's open frame does."""
    here = lab.lone()
    env = {"GUARD_STREAM": "env", "GUARD_FRAME": "5"}
    assert lab.guard(here, "delta", "new", "--json", env=env).json["path"].endswith("frame-5-env.json")
    assert (
        lab.guard(here, "delta", "new", "--frame", "6", "--stream", "opt", env=env)
        .out.strip()
        .endswith("frame-6-opt.json")
    )
    lab.commit(here, {"state/stream_assignments.json": '{"frame": 4, "streams": {"s1": []}}'})
    assert lab.guard(here, "delta", "new", env={"GUARD_STREAM": "x"}).out.strip().endswith("frame-4-x.json")
    assert "which stream" in lab.guard(here, "delta", "new", code=2).err
    for bad in ("nonsense", "-1", "10000000000000000000000000"):
        lab.guard(here, "delta", "new", env={"GUARD_STREAM": "y", "GUARD_FRAME": bad}, code=2)


@pytest.mark.parametrize(
    "stream", ["../../x", "a/b", "", ".hidden", "x.lock", "x.", "a..b", "n" * 129, "caf\u00e9", "a b", "-x"]
)
def test_a_stream_that_cannot_name_files_and_refs_is_refused(lab: Lab, stream: str) -> None:
    """No path is built from a stream id that is none; nothing is written."""
    here = lab.lone()
    for command in ("new", "fallback"):
        lab.guard(here, "delta", command, f"--stream={stream}", code=2)
    assert lab.git(here, "status", "--porcelain") == ""
    assert sorted(path.name for path in lab.root.iterdir()) == ["home", "lone"]


def test_a_delta_is_never_written_over(lab: Lab) -> None:
    """A second `new` is exit 2 and changes nothing; a second `fallback` gets a name of its own."""
    here = lab.lone()
    lab.guard(here, "delta", "new", "--stream", "s1")
    before = lab.picture(here)
    assert "there already" in lab.guard(here, "delta", "new", "--stream", "s1", code=2).err
    assert lab.picture(here) == before
    first = lab.guard(here, "delta", "fallback", "--stream", "s1", "--reason", "timeout", "--json").json
    assert first["path"].endswith(f"--{first['digest'][:16]}.json")
    value = json.loads((here / first["path"]).read_text())
    assert value["posts_created"] == value["comments_added"] == []
    assert value["_meta"]["status"] == "fallback"
    lab.guard(here, "delta", "check", INBOX)
    assert not [path for path in (here / INBOX).iterdir() if path.name.endswith(".part")]


def test_a_fallback_is_in_the_page_as_fallback_until_the_real_one_comes(lab: Lab) -> None:
    """The status of a stream is the best of its deltas."""
    here = lab.lone()
    path = lab.guard(here, "delta", "fallback", "--stream", "s1").out.strip()
    lab.git(here, "add", "--", path)
    lab.git(here, "commit", "-q", "-m", "fallback")
    lab.guard(here, "merge")
    assert lab.page(here, 1)["streams"]["s1"]["status"] == "fallback"
    data = delta(1, "s1")
    lab.commit(here, {name_of(1, "s1", data): data})
    lab.guard(here, "merge")
    assert lab.page(here, 1)["streams"]["s1"]["status"] == "ok"


BAD = {
    "frame-1-broken.json": (b"{", "not JSON"),
    "frame-1-nan.json": (delta(1, "nan").replace(b'"frame": 1', b'"frame": NaN'), "NaN"),
    "frame-1-twice.json": (delta(1, "twice").replace(b'"frame": 1', b'"frame": 1, "frame": 1'), "duplicate"),
    "frame-1-other.json": (delta(1, "elsewhere"), "frame-1-elsewhere.json"),
    "frame-1-map.json": (delta(1, "map", posts_created={}), "posts_created"),
    "frame-9-far.json": (delta(9, "far"), "more than one past"),
    "frame-1-late.json": (delta(1, "late").replace(b"2026-", b"2096-"), "more than a day ahead"),
    "frame-1-notime.json": (b'{"frame": 1, "stream_id": "notime"}', "time"),
    "frame-1-neg.json": (b'{"frame": -1, "stream_id": "neg", "completed_at": "2026-01-01T00:00:00Z"}', "frame"),
    "frame-1-edit.json": (delta(1, "edit", set={"state/stats.json#/total_posts": 1}), "counted by the merge"),
    "frame-1-marks.json": (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n", "conflict markers"),
    "frame-1-utf.json": (b'{"frame": 1, "x": "\xff"}', "UTF-8"),
    "frame-1-deep.json": (b"[" * 5000 + b"]" * 5000, "deep"),
}


def test_check_says_where_why_and_how_to_mend(lab: Lab) -> None:
    """Each bad delta: exit 1 and a G102 line with file, place and reason, then why and fix; --json says the same."""
    here = lab.lone()
    lab.write(here, {f"{INBOX}/{name}": data for name, (data, _) in BAD.items()})
    lab.write(here, inbox_file(1, "good"))
    said = lab.guard(here, "delta", "check", INBOX, code=1)
    value = lab.guard(here, "delta", "check", INBOX, "--json", code=1).json
    assert value["judged"] == len(BAD) + 1
    assert value["exit"] == 1
    for name, (_, word) in BAD.items():
        line = next((line for line in said.out.splitlines() if f"{name}:" in line), "")
        assert "G102 invalid-delta" in line, name
        assert word in line, (name, line)
        found = [each for each in value["findings"] if each["path"].endswith(name)]
        assert found, name
        for each in found:
            assert each["code"] == "G102"
            assert each["why"]
            assert each["fix"]
    assert "frame-1-good.json" not in said.out
    assert "\x1b" not in said.out


def test_the_remedy_for_a_wrong_name_works(lab: Lab) -> None:
    """The `fix` of a delta under a wrong name is a command that makes it good, and writes over nothing."""
    here = lab.lone()
    lab.write(here, {f"{INBOX}/it's odd.json": delta(1, "s1", x=1), name_of(1, "s1"): delta(1, "s1")})
    said = lab.guard(here, "delta", "check", INBOX, code=1)
    fix = re.search(r"fix: (mv .*)", said.out)
    assert fix
    assert lab.run(here, "sh", "-c", fix[1]).code == 0
    assert lab.guard(here, "delta", "check", INBOX).out == "2 deltas, all good\n"


def test_check_of_what_is_no_file(lab: Lab) -> None:
    """A missing file is exit 2; a symlink and names in two cases are findings; outside a repository check still
    judges."""
    here = lab.lone()
    lab.guard(here, "delta", "check", "nowhere.json", code=2)
    lab.write(here, inbox_file(1, "s1") | inbox_file(1, "S1"))
    (here / name_of(1, "link")).symlink_to("frame-1-s1.json")
    (here / f"{INBOX}/frame-1-dir.json").mkdir()
    said = lab.guard(here, "delta", "check", INBOX, code=1)
    for word in ("symlink", "differ only in case", "folder"):
        assert word in said.out
    lab.write(lab.root, {"loose/frame-99-s.json": delta(99, "s")})
    lab.guard(lab.root, "delta", "check", "loose/frame-99-s.json")


def test_frame_shows_who_delivered_and_who_is_missing(lab: Lab) -> None:
    """The open frame's streams with their state: delivered, by ref, fallback, rejected, missing, merged; late ones
    apart."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(two, inbox_file(1, "s1"))
    lab.guard(one, "merge")
    roster = json.dumps({"frame": 2, "streams": {"s1": [], "s2": [], "s3": [], "s4": []}})
    lab.commit_push(
        two,
        {
            "state/stream_assignments.json": roster,
            **inbox_file(2, "s1"),
            name_of(2, "s2"): b"{",
            **inbox_file(1, "tardy"),
        },
    )
    lab.deliver(two, delta(2, "s3"))
    before = lab.refs(lab.hub), lab.picture(one)
    value = lab.guard(one, "frame", "--json").json
    assert (value["counter"], value["frame"], value["exit"]) == (1, 2, 0)
    assert {row["stream"]: row["state"] for row in value["streams"]} == {
        "s1": "delivered",
        "s2": "rejected",
        "s3": "delivered",
        "s4": "missing",
    }
    assert value["late"] == [{"frame": 1, "stream": "tardy"}]
    assert [entry["file"] for entry in value["rejected"]] == ["frame-2-s2.json"]
    assert (lab.refs(lab.hub), lab.picture(one)) == before
    text = lab.guard(one, "frame").out
    assert "3 of 4 expected streams;" in text
    assert "late: tardy" in text
    lab.guard(one, "merge")
    value = lab.guard(one, "frame", "status", "--frame", "2", "--json").json
    assert {row["stream"]: row["state"] for row in value["streams"]} == {
        "s1": "merged ok",
        "s2": "merged rejected",
        "s3": "merged ok",
        "s4": "missing",
    }
    assert lab.guard(one, "frame", "--json").json["frame"] == 3


@pytest.mark.parametrize(
    "roster",
    [
        "",
        "{",
        "[]",
        '{"frame": "x", "streams": 5}',
        '{"frame": 1, "streams": [1, null, "s1"]}',
        '{"frame": 1, "streams": {"s\\u001b[31m": []}}',
    ],
)
def test_a_roster_that_cannot_be_read_stops_nobody(lab: Lab, roster: str) -> None:
    """The roster is coordination: a broken one expects nobody, for merge, frame and wait."""
    here = lab.lone()
    lab.commit(here, {"state/stream_assignments.json": roster, **inbox_file(1, "s1", posts_created=[post(1)])})
    assert "\x1b" not in lab.guard(here, "frame").all
    assert "\x1b" not in lab.guard(here, "merge", "--wait", "1").all
    assert lab.stats(here) == (1, 0, 0)


def test_help_names_the_commands_and_wrong_words_are_usage_errors(lab: Lab) -> None:
    """--help works everywhere; unknown commands and options are exit 2 without a traceback."""
    here = lab.lone()
    text = lab.guard(here, "--help").out
    for command in ("merge", "verify", "init", "restore", "frame", "delta"):
        assert command in text
    for words in ("merge --nonsense", "nonsense", "verify a b c", "delta", "restore", "merge --frame x", "delta check"):
        assert lab.guard(here, *shlex.split(words), code=None).code == 2, words
