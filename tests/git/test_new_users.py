"""What a new user ran into: remedies that work as printed, tables that can be copied from, every problem at once."""

import json
import shlex

from walks.hooked import EDITED, STATE_FILE, guarded
from walks.lab import INBOX, Lab, name_of


def test_the_fix_of_a_file_on_disk_mends_it(lab: Lab) -> None:
    """`guard check PATH` of edited state, staged or not: its command leaves nothing to find; a new file is named."""
    here = lab.lone()
    for stage in (False, True):
        lab.write(here, {STATE_FILE: EDITED})
        if stage:
            lab.git(here, "add", "--", STATE_FILE)
        [finding] = lab.guard(here, "check", STATE_FILE, "--json", code=1).json["findings"]
        assert lab.run(here, *shlex.split(finding["fix"])).code == 0
        assert lab.guard(here, "check", STATE_FILE, "--json").json["findings"] == []
    lab.write(here, {"state/new.json": "{}\n"})
    [finding] = lab.guard(here, "check", "state/new.json", "--json", code=1).json["findings"]
    assert "state/new.json" in finding["fix"]
    assert "git restore" not in finding["fix"]


def test_rules_go_by_name_too(lab: Lab) -> None:
    """--rule takes codes and names, mixed, in any case; one that is not there is exit 2 and names them all."""
    here = lab.lone()
    lab.write(here, {STATE_FILE: EDITED, "a.json": "<<<<<<< ours\n"})
    lab.git(here, "add", "--", STATE_FILE, "a.json")
    for words, codes in (("canonical-write", {"G101"}), ("Canonical-Write,g106", {"G101", "G106"}), ("G106", {"G106"})):
        found = lab.guard(here, "check", "--rule", words, "--json", code=1).json["findings"]
        assert {each["code"] for each in found} == codes
    error = lab.guard(here, "check", "--rule", "canonical-writes", "--json", code=2).json["error"]
    assert "canonical-writes" in error["what"]
    assert error["why"]
    assert "G101 canonical-write" in error["fix"]


def test_every_problem_of_a_policy_is_a_finding(lab: Lab) -> None:
    """Three mistakes in guard.toml are three findings, each with its own key."""
    here = lab.lone()
    text = (here / "guard.toml").read_text()
    lab.write(here, {"guard.toml": text + "keep_frames = -1\nkeepframes = 2\n[mesages]\nprefix = 1\n"})
    lab.git(here, "add", "--", "guard.toml")
    found = lab.guard(here, "check", "--rule", "G108", "--json", code=1).json["findings"]
    assert [each["message"].split(": ")[1] for each in found] == ["merge.keep_frames", "merge.keepframes", "mesages"]
    assert all("  " not in each["message"] for each in found)


def test_an_allowance_that_names_no_rule(lab: Lab) -> None:
    """GUARD_ALLOW=blah is told how it is meant, and sent to no rule that does not exist."""
    here = guarded(lab)
    for value in ("blah", "202 why", "G2", "bulk-add why"):
        said = lab.run(here, "git", "commit", "--allow-empty", "-m", "[S1] x: y", env={"GUARD_ALLOW": value})
        assert said.code != 0
        assert "why:" in said.err
        assert "GUARD_ALLOW='G202 why'" in said.err
        assert "guard explain" not in said.err


def test_all_that_is_wrong_with_a_delta_is_said_at_once(lab: Lab) -> None:
    """Name, time, frame, schema and set of one file: five findings, not one after the other is mended."""
    here = lab.lone()
    value = {"frame": 9, "stream_id": "s2", "posts_created": {}, "set": {"state/frame_counter.json#/frame": 1}}
    lab.write(here, {name_of(1, "s1"): json.dumps(value)})
    found = lab.guard(here, "delta", "check", INBOX, "--json", code=1).json["findings"]
    places = [each["message"].partition(":")[0] for each in found]
    assert sorted(set(places)) == ["$.completed_at", "$.frame", "$.posts_created", "$.set", "$.stream_id"]
    assert len(places) == len(set(places))
    lab.write(here, {name_of(1, "s1"): "{"})
    assert len(lab.guard(here, "delta", "check", INBOX, "--json", code=1).json["findings"]) == 1


def test_tables_follow_columns(lab: Lab) -> None:
    """COLUMNS counts where no terminal is; no name is cut, however narrow it is."""
    here = lab.lone()
    for width in (40, 60, 80, 200):
        out = lab.guard(here, "config", env={"COLUMNS": str(width)}).out
        for name in ("state/stream_assignments.json", "merge.from_beginning", "state/agents.json#/_meta/count"):
            assert name in out
        if width >= 80:
            assert max(map(len, out.split("\n"))) <= width
    assert "state/channels.json#/channels" in out
    assert "slug" not in out


def test_every_usage_error_says_why(lab: Lab) -> None:
    """What is wrong, why that matters, what to do: none of the three is empty."""
    here = lab.lone()
    lab.git(lab.root, "init", "-q", "--bare", "bare.git")
    lab.git(lab.root, "init", "-q", "empty")
    bare, empty = lab.root / "bare.git", lab.root / "empty"
    for where, words in (
        (here, "check --staged --range a..b"),
        (here, "check --rule G999"),
        (here, "check --range HEAD"),
        (here, "check --range nope..HEAD"),
        (here, "check /"),
        (here, "check nope"),
        (here, "explain G999"),
        (here, "verify nope"),
        (here, "verify nope..HEAD"),
        (here, "restore state --to nope"),
        (here, "restore README.md"),
        (here, "delta check nope"),
        (here, "delta new --stream x --frame 9999999999"),
        (here, "merge --wait inf"),
        (here, "nonsense"),
        (here, "check --nonsense"),
        (bare, "check"),
        (bare, "counts"),
        (bare, "delta new --stream x"),
        (bare, "init --yes"),
        (empty, "verify"),
        (lab.root, "verify"),
    ):
        error = lab.guard(where, *words.split(), "--json", code=2).json["error"]
        assert error["what"], words
        assert error["why"], words
        assert error["fix"], words
