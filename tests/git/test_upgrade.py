"""Merges of other engines: those of an older one verify after an upgrade, those of a newer one are not judged."""

import shutil
from pathlib import Path

import pytest
from walks.lab import INBOX, ROOT, STATE, Lab, inbox_file, post

DATA = ROOT / "tests" / "data" / "engines"
CASES = sorted(case for engine in DATA.iterdir() for case in engine.iterdir())

SECOND = '''

def _second(files, entries, laws, conforms, close=None, into=None):
    """As the first, with a line more in the counter's file."""
    outcome = fold(files, entries, laws, conforms, close, into)
    if laws.counter in outcome.files:
        outcome.files[laws.counter] += b"\\n"
    return outcome


ENGINES[2] = _second
'''


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_a_merge_as_it_was_written_then_verifies_today(lab: Lab, case: Path) -> None:
    """A commit with the bytes and the message of a golden file, made by git alone, is recomputed without a problem."""
    before = {path: data.decode() for path, data in files(case / "before").items()}
    toml = before.pop("guard.toml", "[merge]\n")
    here = lab.lone(adopt=False, files=before)
    lab.write(here, {"guard.toml": toml.replace("[merge]\n", f'[merge]\nbaseline = "{lab.rev(here)}"\n', 1)})
    lab.git(here, "add", "guard.toml")
    lab.git(here, "commit", "-q", "-m", "[S0] guard: adopt")
    inbox = "state/reports" if "state/reports" in toml else INBOX
    lab.commit(here, {f"{inbox}/{name}": data for name, data in files(case / "deltas").items()})
    lab.commit(here, files(case / "after"), (case / "commit.txt").read_text().partition("\n\n")[2])
    said = lab.guard(here, "verify", "--json").json
    assert (said["problems"], said["unseen"], said["merges"]) == ([], [], 1)


@pytest.fixture
def newer(lab: Lab) -> dict[str, str]:
    """The environment of a guard with one engine more."""
    home = lab.root / "newer"
    for name in ("guard", "merge", "schemas"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, old, new in (
        ("__init__.py", "ENGINE = 1\n", "ENGINE = 2\n"),
        ("engines.py", "", SECOND),
    ):
        path = home / "merge" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new) if old else text + new)
    return {"PYTHONPATH": str(home)}


def test_after_an_upgrade_old_merges_verify_and_new_ones_are_the_new_engines(lab: Lab, newer: dict[str, str]) -> None:
    """Each merge is recomputed with its own engine; a clone that is not upgraded says so, and merges nothing."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    lab.guard(here, "merge", env=newer)
    counter = "state/frame_counter.json"
    assert lab.show(here, counter) == STATE[counter].replace("0", "2").encode() + b"\n"
    assert "engine=2" in lab.git(here, "log", "-1", "--format=%B")
    said = lab.guard(here, "verify", "--full", "--json", env=newer).json
    assert (said["problems"], said["unseen"], said["merges"]) == ([], [], 2)
    old = lab.guard(here, "verify", "--full", code=2)
    assert "this guard is older than the merge" in old.out
    assert "engine 2 made that, and the newest engine here is 1" in old.out
    assert "fix: upgrade guard" in old.out
    assert "--unshallow" not in old.out
    assert lab.guard(here, "verify", "--full", "--json", code=2).json["problems"] == []
    lab.commit(here, inbox_file(3, "s1", posts_created=[post(3)]))
    picture = lab.picture(here)
    refused = lab.guard(here, "merge", code=2)
    assert "this guard is older than the merge" in refused.err
    assert lab.picture(here) == picture


def test_a_restore_takes_the_engine_of_the_merges_that_it_repeats(lab: Lab, newer: dict[str, str]) -> None:
    """What a newer guard restores of older merges is what the older one restores; of its own merges, its own bytes."""
    here = lab.lone()
    counter = "state/frame_counter.json"
    for frame, env in ((1, {}), (2, newer)):
        before = lab.rev(here)
        lab.commit(here, inbox_file(frame, "s1", posts_created=[post(frame)]))
        lab.guard(here, "merge", env=env)
        good = lab.show(here, counter)
        lab.commit(here, {counter: '{"frame": 77}\n', "state/agents.json": '{"agents": {}}\n'})
        lab.guard(here, "restore", "state", "--to", before, env=newer)
        assert lab.show(here, counter) == good
        lab.guard(here, "verify", "--full", env=env)
    unseen = lab.guard(here, "verify", "--full", "--json", code=None).json["unseen"]
    assert [("older than the merge" in each["what"]) for each in unseen] == [True, True]


@pytest.mark.parametrize("change", [{}, {"docs/x.md": "x\n"}])
def test_who_only_says_that_a_newer_engine_merged_stops_nobody(lab: Lab, change: dict[str, str]) -> None:
    """A trailer of engine 9 on a commit that changes nothing canonical is a forged one, and merges go on."""
    here = lab.lone()
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]))
    lab.guard(here, "merge")
    message = lab.git(here, "log", "-1", "--format=%B").replace("engine=1", "engine=9")
    lab.write(here, change)
    lab.git(here, "add", "--", *change)
    lab.git(here, "commit", "-q", "--allow-empty", "-m", message)
    lab.commit(here, inbox_file(2, "s1", posts_created=[post(2)]))
    lab.guard(here, "merge")
    assert lab.stats(here) == (2, 0, 0)
    problems = lab.guard(here, "verify", "--json", code=1).json["problems"]
    assert [problem["what"] for problem in problems] == [
        "it claims to be a merge or a restore and changes nothing canonical"
    ]
