"""What guard says when it is used wrongly: what, why and fix for people, one JSON object for programs, no silence."""

import json
import shlex

import pytest
from walks.lab import INBOX, Lab, delta, inbox_file, name_of


@pytest.mark.parametrize(
    "words",
    [
        "merge --nonsense",
        "nonsense",
        "verify a b c",
        "restore",
        "merge --frame x",
        "delta check",
        "delta nonsense",
        "demo --nonsense",
        "merge -C nowhere",
        "delta check -C nowhere x.json",
        "merge --wait nan",
        "merge --expect-file nowhere",
    ],
)
def test_a_usage_error_is_one_json_object(lab: Lab, words: str) -> None:
    """With --json every usage error has the shape of all errors on stdout; people get the same words on stderr."""
    here = lab.lone()
    said = lab.guard(here, *shlex.split(words), "--json", code=2)
    error = said.json["error"]
    assert said.json["exit"] == 2
    assert error["kind"] == "usage"
    assert error["what"]
    assert error["fix"]
    plain = lab.guard(here, *shlex.split(words), code=2)
    assert plain.out == ""
    assert plain.err == said.err
    assert plain.err.startswith(f"guard: {error['what']}\n")
    assert f"  fix: {error['fix']}\n" in plain.err


def test_a_folder_that_is_not_there(lab: Lab) -> None:
    """-C at the top and at a command: the folder is named, with or without --json, and no repository is spoken of."""
    for words in (["-C", "nowhere", "merge"], ["merge", "-C", "nowhere"], ["-C", "hub", "merge"]):
        (lab.root / "hub").write_text("a file\n")
        error = lab.guard(lab.root, *words, "--json", code=2).json["error"]
        assert error["kind"] == "usage"
        assert "no folder" in error["what"]
        assert words[words.index("-C") + 1] in error["what"]
        assert error["fix"]


def test_options_before_a_subcommand_are_not_ignored(lab: Lab) -> None:
    """What would not count there is refused and says where it belongs."""
    here = lab.lone()
    for words in (["--json"], ["--frame", "1"], ["-C", str(here)], ["--quiet"], ["--no-fetch"]):
        assert "before status" in lab.guard(here, "frame", *words, "status", code=2).err
    assert lab.guard(here, "frame", "--json", "status", code=2).json["exit"] == 2


def test_help_is_still_help(lab: Lab) -> None:
    """--help and --version are exit 0; a group without a command shows its help."""
    assert lab.guard(lab.root, "--version").out.startswith("guard ")
    assert "Usage" in lab.guard(lab.root, "merge", "--help").out
    assert "check" in lab.guard(lab.root, "delta", code=2).all
    assert "merge" in lab.guard(lab.root, code=2).all


def test_a_network_error_speaks_of_its_own_command(lab: Lab) -> None:
    """A hub that cannot be reached: no command but merge speaks of merging."""
    [one] = lab.fleet("one")
    lab.hub.rename(lab.root / "gone.git")
    for words in (["frame"], ["restore", "state"], ["merge"]):
        error = lab.guard(one, *words, "--json", code=2).json["error"]
        assert error["kind"] == "network"
        assert "merged" not in error["why"]
        assert error["fix"] == "git fetch origin"


def test_a_command_without_stream_names_itself(lab: Lab) -> None:
    """`delta new` and `delta fallback` each say how they themselves are given a stream."""
    here = lab.lone()
    for command in ("new", "fallback"):
        error = lab.guard(here, "delta", command, "--json", code=2).json["error"]
        assert error["fix"].startswith(f"guard delta {command} --stream ")
        assert error["why"]
        error = lab.guard(here, "delta", command, "--stream", "a b", "--json", code=2).json["error"]
        assert "128" in error["why"]


def test_expected_streams_are_streams(lab: Lab) -> None:
    """--expect and --expect-file take stream ids alone, so that nobody waits for what cannot come; one counts once."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1"))
    lab.write(here, {"expected": "s1\n\na b\n", "bytes": b"\xff\n", "fine": "s2\ns1\ns2\n"})
    for words in (["--expect", "s1,../s2"], ["--expect-file", "expected"], ["--expect-file", "bytes"]):
        error = lab.guard(here, "merge", *words, "--json", code=2).json["error"]
        assert error["kind"] == "usage"
        assert error["why"]
        assert "Errno" not in error["what"]
    error = lab.guard(here, "merge", "--expect-file", "nowhere", "--json", code=2).json["error"]
    assert "nowhere" in error["what"]
    assert "Errno" not in error["what"]
    assert error["why"]
    said = lab.guard(here, "merge", "--expect-file", "fine", "--wait", "0.1", "--json")
    assert said.json["missing"] == ["s2"]
    assert "1 of 2 streams" in said.err


def test_ranges_that_are_none(lab: Lab) -> None:
    """A...B and a reversed range are usage errors that name the range that was meant; neither looks clean."""
    here = lab.lone()
    old, new = lab.rev(here, "HEAD~1"), lab.rev(here)
    for span in (f"{old}...{new}", f"{new}..{old}", "HEAD..HEAD~1"):
        error = lab.guard(here, "verify", span, "--json", code=2).json["error"]
        assert error["kind"] == "usage"
        assert error["why"]
        fix = shlex.split(error["fix"])
        assert fix[0] == "guard"
        lab.guard(here, *fix[1:])
    assert lab.guard(here, "verify", f"{new}..{new}").out.startswith("0 commits")
    lab.git(here, "switch", "-q", "-c", "side", old)
    lab.commit(here, {"docs/x.md": "x\n"})
    assert lab.guard(here, "verify", "main..side").out.startswith("1 commit ")


def test_restore_of_a_name_that_nothing_has(lab: Lab) -> None:
    """A mistyped file, an empty path and the whole work tree are usage errors, never "nothing to restore"."""
    here = lab.lone()
    tip = lab.rev(here)
    for path in ("state/nope.json", "state/frames/000/frame-9.json", "", "."):
        error = lab.guard(here, "restore", path, "--json", code=2).json["error"]
        assert error["kind"] == "usage"
        assert error["why"]
        assert "git restore" not in error["fix"]
    (here / "docs").mkdir()
    assert "empty" in lab.guard(here / "docs", "restore", "", code=2).err
    assert "empty" in lab.guard(here / "state", "restore", "", code=2).err
    lab.guard(here / "state", "restore", ".")
    assert lab.rev(here) == tip


def test_check_judges_what_it_is_given_once(lab: Lab) -> None:
    """A file that is named twice, or by itself and by its folder, is judged once."""
    here = lab.lone()
    lab.write(here, inbox_file(1, "s1") | {name_of(1, "s2"): b"{"})
    words = (INBOX, name_of(1, "s2"), f"./{INBOX}/../stream_deltas/frame-1-s2.json", INBOX)
    value = lab.guard(here, "delta", "check", *words, "--json", code=1).json
    assert value["judged"] == 2
    assert len(value["findings"]) == 1


def test_check_that_finds_nothing_to_judge_says_so(lab: Lab) -> None:
    """A folder without deltas is exit 2 unless it is the inbox, which may be empty; a folder elsewhere is judged."""
    here = lab.lone()
    assert lab.guard(here, "delta", "check", INBOX).out == "0 deltas, all good\n"
    lab.write(here, {"docs/x.md": "x\n", "new/frame-1-s1.json": delta(1, "s1"), "new/frame-1-s2.json": b"{"})
    for folder in ("docs", "state", "."):
        error = lab.guard(here, "delta", "check", folder, "--json", code=2).json["error"]
        assert error["kind"] == "usage"
        assert folder in error["what"]
        assert error["why"]
        assert INBOX in error["fix"]
    assert lab.guard(here, "delta", "check", "state/notes.json", "--json", code=1).json["judged"] == 1
    assert lab.guard(here, "delta", "check", "new", "--json", code=1).json["judged"] == 2


def test_a_stream_id_that_is_none_is_one_finding(lab: Lab) -> None:
    """One fault of a text is one finding, in words for people: no pattern, no piece of a schema."""
    here = lab.lone()
    bad = {"stream_id": "a b", "reactions_added": "many", "set": {"x": 1, "y": 2}}
    value = {"frame": 1, "stream_id": "s1", "completed_at": "2026-01-01T00:00:00Z"}
    for key, wrong in bad.items():
        lab.write(here, {name_of(1, "s1"): json.dumps({**value, key: wrong})})
        said = lab.guard(here, "delta", "check", INBOX, "--json", code=1).json
        messages = [finding["message"] for finding in said["findings"]]
        assert len(messages) == (len(wrong) if isinstance(wrong, dict) else 1), messages
        for message in messages:
            assert message.startswith(f"$.{key}: ")
            assert not {"^", "pattern", "schema", "anyOf"} & set(message.replace("^", " ^ ").split()), message
    lab.write(here, {name_of(1, "s1"): json.dumps({**value, "stream_id": "a b"})})
    assert "letter" in lab.guard(here, "delta", "check", INBOX, code=1).out


def test_a_rejection_names_the_file_to_check(lab: Lab) -> None:
    """merge and frame give the command that says where a delta breaks the schema, and it says so."""
    here = lab.lone()
    lab.commit(here, {name_of(1, "map"): delta(1, "map", posts_created={})})
    command = f"guard delta check {name_of(1, 'map')}"
    for words in (["frame"], ["merge", "--dry-run"]):
        assert f"frame-1-map.json: schema: `{command}` says where" in lab.guard(here, *words).out
        [entry] = lab.guard(here, *words, "--json").json["rejected"]
        assert command in entry["detail"]
    assert "posts_created" in lab.guard(here, *shlex.split(command)[1:], code=1).out


def test_a_clone_that_is_behind_is_told_to_sync(lab: Lab) -> None:
    """`guard run` goes by what this work tree has: where the frame was closed elsewhere, merging is no way on."""
    one, two = lab.fleet("one", "two")
    lab.commit_push(one, {name_of(1, "s1"): delta(1, "s1")})
    lab.guard(one, "merge")
    said = lab.guard(two, "run", "--stream", "s2", "--frame", "2", "--", "true", code=2)
    assert "guard sync" in said.err
    lab.guard(two, "sync")
    lab.guard(two, "run", "--stream", "s2", "--frame", "2", "--", "true")


@pytest.mark.parametrize("command", ["new", "fallback"])
def test_a_frame_far_ahead_is_warned_of(lab: Lab, command: str) -> None:
    """A delta for a frame beyond the open one is written, with a warning on stderr; the merge takes it."""
    here = lab.lone()
    assert lab.guard(here, "delta", command, "--stream", "s1").err == ""
    said = lab.guard(here, "delta", command, "--stream", "s1", "--frame", "9", "--quiet")
    assert "frame 9 is more than one past the last closed frame, 0" in said.err
    assert f"guard delta {command} --frame 1 --stream s1" in said.err
    path = said.out.strip()
    lab.git(here, "add", "--", path)
    lab.git(here, "commit", "-q", "-m", "delta")
    assert lab.guard(here, "merge", "--json").json["counter"] == 9


def test_quiet_silences_narration_alone(lab: Lab) -> None:
    """With --quiet every command prints the same result, its warnings and errors, and no progress or waiting."""
    here = lab.lone()
    lab.guard(here, "verify")
    lab.guard(here, "init", "--yes")
    for words in (
        ["merge", "--wait", "0.1", "--expect", "s1", "--dry-run"],
        ["verify"],
        ["frame"],
        ["frame", "status"],
        ["restore", "state"],
        ["init", "--yes"],
        ["delta", "check", INBOX],
    ):
        loud, quiet = lab.guard(here, *words), lab.guard(here, *words, "--quiet")
        assert quiet.err == ""
        assert quiet.out == loud.out
    assert lab.guard(here, "merge", "--wait", "0.1", "--expect", "s1").err
    lab.write(here, {name_of(1, "s1"): delta(1, "s1")})
    assert "not committed" in lab.guard(here, "merge", "--quiet").err
    for words in ("merge", "verify", "frame", "restore", "init", "demo", "delta check", "delta new", "delta fallback"):
        text = " ".join(lab.guard(here, *words.split(), "--help").out.replace("│", " ").split())
        assert "no progress" in text
        assert "warnings" in text


def test_frames_say_how_many_of_the_expected_came(lab: Lab) -> None:
    """A delta of a stream that nobody expects is counted beside them; a roster that differs names streams once."""
    here = lab.lone()
    lab.guard(here, "frame", "open", "--expect", "s1")
    frame = lab.guard(here, "frame", "--json").json["frame"]
    lab.deliver(here, delta(frame, "s1"))
    lab.deliver(here, delta(frame, "s9"))
    assert "1 of 1 expected stream and 1 other; " in lab.guard(here, "frame").out
    error = lab.guard(here, "frame", "open", "--streams", "2", code=3).err
    assert "open already, without stream-1 and stream-2 and with s1\n" in error
    for span in ("9-2", "x"):
        assert lab.guard(here, "frame", "history", "--frames", span, "--json", code=2).json["error"]["why"]


def test_the_server_s_hook_says_what_helps_there(lab: Lab) -> None:
    """Without a repository the remedy is about one for a server; after installing, the command that is named runs."""
    error = lab.guard(lab.root, "server", "install", "nowhere", code=2).err
    assert "fix: guard server install PATH" in error
    [here] = lab.fleet("here")
    said = lab.guard(here, "server", "install", str(lab.hub)).out
    command = shlex.split(said.rpartition("to judge it: guard ")[2])
    assert command[-2:] == ["verify", "--full"]
    lab.guard(lab.root, *command)


def test_jobs_say_that_they_have_to_be_required(lab: Lab) -> None:
    """`guard init --ci` does not leave the impression that a file in the repository keeps anything out."""
    here = lab.lone()
    lab.guard(here, "init", "--yes")
    lab.git(here, "add", "--", *lab.git(here, "ls-files", "--others", "--exclude-standard").split())
    lab.git(here, "commit", "-q", "-m", "[S0] guard: the rest")
    said = lab.guard(here, "init", "--yes", "--ci", "github").out
    assert "keeps nothing out until the branch requires it" in said
    assert "guard: ci" in said
    lab.write(here, {".github/workflows/guard.yml": "ours: 1\n"})
    assert "then guard init --ci github\n" in lab.guard(here, "init", "--ci", "github", code=2).err
