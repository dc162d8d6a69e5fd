"""`guard init`: adopting guard in a repository that is new, and in one with years behind it."""

import json
import re
from pathlib import Path

import pytest
from walks.lab import INBOX, STATE, Lab, delta, digest, inbox_file, name_of, post


def _init(lab: Lab, here: Path, *words: str) -> str:
    """Init, then the very command that it prints; returns the adoption commit."""
    said = lab.guard(here, "init", "--yes", *words)
    command = re.search(r"^  (git add .*)$", said.out, re.MULTILINE)
    assert command, said.out
    done = lab.run(here, "sh", "-c", command[1])
    assert done.code == 0, done
    assert lab.git(here, "status", "--porcelain") == ""
    return lab.rev(here)


def test_init_twice_changes_nothing(lab: Lab) -> None:
    """The second run, committed or not, with or without options, leaves every byte as it is and exits 0."""
    here = lab.lone(adopt=False)
    lab.guard(here, "init", "--yes")
    before = lab.picture(here)
    for words in ((), ("--yes",), ("--from-beginning",), ("--json",)):
        lab.guard(here, "init", *words)
        assert lab.picture(here) == before
    _init(lab, here)
    before = lab.picture(here)
    lab.guard(here, "init", "--yes")
    assert lab.picture(here) == before
    lab.commit(here, inbox_file(1, "s"))
    lab.guard(here, "merge")
    before = lab.picture(here)
    lab.guard(here, "init", "--yes")
    assert lab.picture(here) == before


@pytest.mark.parametrize("born", [False, True])
def test_a_new_repository(lab: Lab, born: bool) -> None:
    """Init in an empty repository makes the files, and the first merge and verify work."""
    here = lab.root / "new"
    here.mkdir()
    lab.git(here, "init", "-q")
    if born:
        lab.commit(here, {"README.md": "x\n"})
    _init(lab, here)
    lab.guard(here, "verify")
    lab.commit(here, inbox_file(1, "s", posts_created=[post(1)]))
    lab.guard(here, "merge")
    assert lab.stats(here) == (1, 0, 0)
    lab.guard(here, "verify")
    lab.guard(here, "verify", "HEAD~1..HEAD")


def test_what_was_there_stays(lab: Lab) -> None:
    """Init keeps an existing guard.toml's and .gitattributes' lines, CRLF and comments, and existing state."""
    here = lab.lone(adopt=False)
    toml = "# ours\r\n[delta]\r\nmax_levels = 32\r\n\r\n[merge] # here\r\nkeep_frames = 3\r\n"
    lab.commit(here, {"guard.toml": toml, ".gitattributes": "*.png binary"})
    _init(lab, here)
    text = (here / "guard.toml").read_bytes().decode()
    for line in toml.splitlines():
        assert line in text
    assert (here / ".gitattributes").read_text().startswith("*.png binary\n")
    for path, data in STATE.items():
        assert (here / path).read_text() == data
    lab.commit(here, inbox_file(1, "s"))
    lab.guard(here, "merge")
    lab.guard(here, "verify")


def _old(lab: Lab, *, counted: bool) -> tuple[Path, list[bytes]]:
    """A repository with deltas of years, some overwritten, and counters that count them or nothing."""
    here = lab.lone(adopt=False)
    found = []
    for frame in range(1, 6):
        data = delta(frame, "s", posts_created=[post(frame)], reactions_added=[1])
        found.append(data)
        lab.commit(here, {name_of(frame, "s"): data})
    second = delta(5, "s", posts_created=[post(50)], reactions_added=[2])
    found.append(second)
    lab.commit(here, {name_of(5, "s"): second})
    if counted:
        stats = json.loads(STATE["state/stats.json"]) | {"total_posts": 6, "total_reactions": 7}
        lab.commit(here, {"state/stats.json": json.dumps(stats), "state/frame_counter.json": '{"frame": 5}'})
    return here, found


def test_years_of_deltas_count_as_merged_at_the_baseline(lab: Lab) -> None:
    """After init, older deltas are not merged, not dropped, not rejected; new ones of new and old frames are."""
    here, _ = _old(lab, counted=True)
    _init(lab, here)
    assert lab.guard(here, "merge").out == "nothing to merge\n"
    lab.commit(here, inbox_file(6, "s", posts_created=[post(6)]) | inbox_file(2, "late", posts_created=[post(22)]))
    lab.guard(here, "merge")
    assert lab.stats(here) == (8, 0, 7)
    assert len(lab.merged(here)) == 2
    lab.guard(here, "verify")
    assert "late" not in lab.guard(here, "frame").out


def test_an_adopted_delta_that_is_copied_or_delivered_again_stays_merged(lab: Lab) -> None:
    """The bytes of a delta from before the baseline, by ref or under a further run's name, are not counted twice."""
    here, found = _old(lab, counted=True)
    _init(lab, here)
    lab.deliver(here, found[0])
    lab.commit(here, {name_of(2, "s", found[1]): found[1]})
    lab.git(here, "rm", "-q", name_of(3, "s"))
    lab.git(here, "commit", "-q", "-m", "[S1] inbox: tidy")
    lab.guard(here, "merge")
    assert lab.stats(here) == (6, 0, 7)


def test_from_beginning_merges_every_version_there_ever_was(lab: Lab) -> None:
    """With counters at zero all deltas of history are merged, overwritten ones too."""
    here, found = _old(lab, counted=False)
    _init(lab, here, "--from-beginning")
    lab.guard(here, "merge")
    assert lab.merged(here) == {digest(data) for data in found}
    assert lab.stats(here) == (6, 0, 7)
    lab.guard(here, "verify")
    assert lab.guard(here, "merge").out == "nothing to merge\n"


def test_from_beginning_with_counters_is_refused(lab: Lab) -> None:
    """Counters that count already are exit 2 with file and key, and nothing is written."""
    here, _ = _old(lab, counted=True)
    before = lab.picture(here)
    assert "state/stats.json#/total_posts" in lab.guard(here, "init", "--yes", "--from-beginning", code=2).err
    assert lab.picture(here) == before


def test_a_repository_that_nobody_adopted_is_not_counted_twice(lab: Lab) -> None:
    """Without a baseline, and with counters above zero, merge is exit 2 and names init."""
    here, _ = _old(lab, counted=True)
    before = lab.picture(here)
    assert "guard init" in lab.guard(here, "merge", code=2).err
    assert lab.picture(here) == before


def test_agents_that_were_counted_are_noticed_too(lab: Lab) -> None:
    """Totals at zero and agents with post counts: merging unadopted would count twice, so it is refused as well."""
    here, _ = _old(lab, counted=False)
    agents = json.loads(STATE["state/agents.json"])
    agents["agents"]["ada"]["post_count"] = 6
    lab.commit(here, {"state/agents.json": json.dumps(agents)})
    lab.guard(here, "merge", code=2)


def test_broken_state_is_not_adopted(lab: Lab) -> None:
    """A canonical file that cannot be read, committed or only in the work tree, keeps init from writing."""
    here = lab.lone(adopt=False)
    lab.commit(here, {"state/agents.json": "{"})
    before = lab.picture(here)
    assert "state/agents.json" in lab.guard(here, "init", "--yes", code=2).err
    assert lab.picture(here) == before


@pytest.mark.parametrize("how", ["edits", "deletes", "creates", "rewrites-delta", "separate"])
def test_the_commit_that_adopts_may_create_and_not_change(lab: Lab, how: str) -> None:
    """The adoption commit may create missing canonical files; editing or deleting state or a delta in it is refused."""
    here = lab.lone(adopt=False)
    lab.commit(here, {name_of(1, "old"): delta(1, "old")})
    lab.git(here, "rm", "-q", "state/channels.json")
    lab.git(here, "commit", "-q", "-m", "one is missing")
    lab.guard(here, "init", "--yes")
    if how == "edits":
        lab.write(here, {"state/stats.json": "{}\n"})
    elif how == "deletes":
        (here / "state/agents.json").unlink()
    elif how == "rewrites-delta":
        lab.write(here, {name_of(1, "old"): delta(1, "old", x=1)})
    elif how == "separate":
        lab.commit(here, {"guard.toml": (here / "guard.toml").read_text()})
    lab.guard(here, "uninstall")  # as in a clone without guard's hooks
    lab.git(here, "add", "--all")
    lab.git(here, "commit", "-q", "-m", "adopt")
    said = lab.guard(here, "verify", code=None)
    assert said.code == (0 if how == "creates" else 1), said


def test_init_in_a_bare_repository_or_none_is_a_usage_error(lab: Lab) -> None:
    """Exit 2 with a sentence: a bare repository, no repository."""
    lab.fleet()
    assert "work tree" in lab.guard(lab.hub, "init", code=2).err
    for command in (["init"], ["merge"], ["verify"], ["frame"], ["restore", "state"]):
        assert "not a git repository" in lab.guard(lab.root, *command, code=2).err


def test_init_from_a_subdirectory_writes_at_the_top(lab: Lab) -> None:
    """Init writes guard.toml at the top, wherever it is started."""
    here = lab.lone(adopt=False)
    lab.guard(here / "state", "init", "--yes")
    assert (here / "guard.toml").is_file()
    assert not (here / "state/guard.toml").exists()
    assert not (here / "state" / INBOX).exists()
