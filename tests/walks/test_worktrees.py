"""`guard worktree`: made forty at once, removed only when nothing is lost by it, swept after any death."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from walks.lab import Lab, inbox_file

RESCUE = "refs/guard/rescue"


def _record(here: Path) -> list[dict[str, Any]]:
    """What is noted of work trees."""
    return [json.loads(path.read_text()) for path in sorted((here / ".git/guard/worktrees").glob("*.json"))]


def _dead() -> int:
    """The number of a process that was there."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def _orphan(lab: Lab, here: Path, *names: str) -> list[Path]:
    """Work trees whose owner was killed."""
    owner = subprocess.Popen(["sleep", "600"])
    try:
        paths = [here.with_name(name) for name in names]
        for path in paths:
            lab.guard(here, "worktree", "add", str(path), "--owner", str(owner.pid))
    finally:
        owner.kill()
        owner.wait()
    return paths


def _rescued(lab: Lab, here: Path, path: str) -> list[str]:
    """What any rescue ref has at a path."""
    found = []
    for oid in lab.refs(here, RESCUE).values():
        for commit in (oid, f"{oid}^2"):  # what was staged
            said = lab.run(here, "git", "cat-file", "-p", f"{commit}:{path}")
            found += [said.out] if said.code == 0 else []
    return found


def _clean(lab: Lab, here: Path) -> None:
    """Nothing is left of any work tree."""
    assert lab.git(here, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert _record(here) == []
    assert set(lab.refs(here, "refs/heads")) == {"refs/heads/main"}


def test_forty_at_once(lab: Lab) -> None:
    """Forty processes that make work trees at the same moment all succeed, each at the hub's newest commit."""
    here, other = lab.fleet("here", "other")
    newest = lab.commit_push(other, {"new.txt": "new\n"})
    said = lab.together((here, ("worktree", "add", str(lab.root / f"w{number}"), "--json"), {}) for number in range(40))
    assert [each.code for each in said] == [0] * 40, [each.err for each in said if each.code]
    for number in range(40):
        assert (lab.root / f"w{number}" / "new.txt").read_text() == "new\n"
        assert lab.rev(lab.root / f"w{number}") == newest
        assert lab.git(lab.root / f"w{number}", "status", "--porcelain") == ""
    assert len(_record(here)) == 40
    assert {note["state"] for note in _record(here)} == {"made"}


def test_one_place_asked_for_by_many(lab: Lab) -> None:
    """One of them has it, and its note is the winner's: those who came too late write nothing over it."""
    here = lab.lone()
    path = here.with_name("wanted")
    words = ("worktree", "add", str(path), "--owner", str(os.getpid()), "--branch")
    codes = [said.code for said in lab.together((here, (*words, f"b{number}"), {}) for number in range(8))]
    assert sorted(codes) == [0, *[2] * 7]
    [note] = _record(here)
    assert (note["state"], note["branch"]) == ("made", f"b{codes.index(0)}")
    assert note["owner"]["pid"] == os.getpid()


def test_forty_seven_stale_ones_in_one_call(lab: Lab) -> None:
    """The 47 of the incident: what a killed owner left is gone after one sweep, branches and notes too."""
    here, _ = lab.fleet("here", "other")
    script = (
        "import sys\nfrom pathlib import Path\nfrom guard.git import Repo\nfrom guard.owner import this\n"
        "from guard.worktrees.add import add\nfrom guard.worktrees.notes import Note\n"
        "repo = Repo()\nhead = repo.resolve('HEAD')\n"
        "for n in range(47):\n    note = Note('', '', '', owner=this())\n"
        "    add(repo, Path(sys.argv[1], f'w{n}'), f'b{n}', head, note)\n"
    )
    assert lab.run(here, sys.executable, "-c", script, str(lab.root)).code == 0
    assert len(_record(here)) == 47
    due = [each for each in lab.guard(here, "orient", "--json").json["due"] if "work tree" in each["what"]]
    assert [(each["what"][:40], each["fix"]) for each in due] == [
        ("47 work trees that nobody has any more: ", "guard worktree sweep")
    ]
    said = lab.guard(here, "worktree", "sweep", "--json").json
    assert (len(said["removed"]), said["kept"]) == (47, [])
    assert "work tree" not in lab.guard(here, "orient").out
    _clean(lab, here)
    assert not any((lab.root / f"w{number}").exists() for number in range(47))
    assert lab.refs(here, RESCUE) == {}


def test_a_living_owner_keeps_its_work_tree(lab: Lab) -> None:
    """Owner, start time and host are noted; as long as that process lives nothing is swept, and afterwards it is."""
    here = lab.lone()
    owner = subprocess.Popen(["sleep", "600"])
    try:
        lab.guard(here, "worktree", "add", str(lab.root / "w"), "--owner", str(owner.pid))
        [note] = _record(here)
        assert note["owner"]["pid"] == owner.pid
        assert note["owner"]["began"]
        assert note["owner"]["host"].startswith(os.uname().nodename)
        assert lab.guard(here, "worktree", "sweep", "--json").json["removed"] == []
        [shown] = lab.guard(here, "worktree", "list", "--json").json["worktrees"]
        assert shown["state"] == "live"
        assert f"process {owner.pid}" in shown["why"]
    finally:
        owner.kill()
        owner.wait()
    assert len(lab.guard(here, "worktree", "sweep", "--json").json["removed"]) == 1
    _clean(lab, here)


def test_a_number_that_another_process_has_now_is_no_owner(lab: Lab) -> None:
    """The same process number with another start is somebody else: the work tree is an orphan."""
    here = lab.lone()
    lab.guard(here, "worktree", "add", str(lab.root / "w"), "--owner", str(os.getpid()))
    [path] = (here / ".git/guard/worktrees").glob("*.json")
    note = json.loads(path.read_text())
    note["owner"]["began"] = "another"
    path.write_text(json.dumps(note))
    assert len(lab.guard(here, "worktree", "sweep", "--json").json["removed"]) == 1


def test_without_an_owner_signs_of_life_count(lab: Lab) -> None:
    """A work tree of nobody's in particular stays for the lease time after the last sign of life, then it goes."""
    here = lab.lone()
    path = lab.root / "w"
    lab.guard(here, "worktree", "add", str(path))
    assert lab.guard(here, "worktree", "sweep", "--json").json["removed"] == []
    [note] = (here / ".git/guard/worktrees").glob("*.json")

    def age() -> None:
        for each in (note, *(here / ".git/worktrees/w").rglob("*")):
            os.utime(each, (1, 1))

    age()
    lab.guard(path, "config")  # any command of guard in it is a sign of life
    assert lab.guard(here, "worktree", "sweep", "--json").json["removed"] == []
    age()
    assert len(lab.guard(here, "worktree", "sweep", "--json").json["removed"]) == 1
    _clean(lab, here)


def test_somebody_at_work_in_it_keeps_it(lab: Lab) -> None:
    """A process whose current folder is in a work tree keeps it, whoever owned it."""
    here = lab.lone()
    [path] = _orphan(lab, here, "w")
    worker = subprocess.Popen(["sleep", "600"], cwd=path)
    try:
        assert lab.guard(here, "worktree", "sweep", "--json").json["removed"] == []
        said = lab.guard(here, "worktree", "remove", str(path), code=2)
        assert f"process {worker.pid} works in it" in said.out
    finally:
        worker.kill()
        worker.wait()
    assert len(lab.guard(here, "worktree", "sweep", "--json").json["removed"]) == 1


def _untracked(lab: Lab, path: Path) -> str:
    lab.write(path, {"deep/new.txt": "work\n"})
    return "deep/new.txt"


def _modified(lab: Lab, path: Path) -> str:
    lab.write(path, {"README.md": "work\n"})
    return "README.md"


def _ignored(lab: Lab, path: Path) -> str:
    lab.write(path, {"own.secret": "work\n"})
    lab.git(path, "config", "core.excludesFile", str(lab.root / "excludes"))
    (lab.root / "excludes").write_text("*.secret\n")
    return "own.secret"


def _staged_alone(lab: Lab, path: Path) -> str:
    lab.write(path, {"staged.txt": "work\n"})
    lab.git(path, "add", "staged.txt")
    (path / "staged.txt").unlink()
    return "staged.txt"


def _assumed(lab: Lab, path: Path) -> str:
    lab.git(path, "update-index", "--assume-unchanged", "README.md")
    return _modified(lab, path)


def _skipped(lab: Lab, path: Path) -> str:
    lab.git(path, "update-index", "--skip-worktree", "README.md")
    return _modified(lab, path)


def _hidden_by_configuration(lab: Lab, path: Path) -> str:
    lab.git(path, "config", "status.showUntrackedFiles", "no")
    return _untracked(lab, path)


def _committed(lab: Lab, path: Path) -> str:
    lab.commit(path, {"made.txt": "work\n"})
    return "made.txt"


def _detached(lab: Lab, path: Path) -> str:
    lab.git(path, "checkout", "-q", "--detach")
    return _committed(lab, path)


def _detached_and_left(lab: Lab, path: Path) -> str:
    """A commit that nothing but the reflog of this work tree's HEAD names."""
    name = _detached(lab, path)
    lab.git(path, "checkout", "-q", "--detach", "origin/main")
    return name


def _reset(lab: Lab, path: Path) -> str:
    name = _committed(lab, path)
    lab.git(path, "reset", "-q", "--hard", "HEAD^")
    return name


def _left_branch(lab: Lab, path: Path) -> str:
    """A commit on the branch that guard made, with another one checked out since."""
    name = _committed(lab, path)
    lab.git(path, "checkout", "-q", "--detach", "origin/main")
    return name


def _conflicted(lab: Lab, path: Path) -> str:
    lab.git(path, "checkout", "-q", "-b", "other")
    lab.commit(path, {"README.md": "other\n"})
    lab.git(path, "checkout", "-q", "-")
    lab.commit(path, {"README.md": "mine\n"})
    lab.git(path, "merge", "-q", "other", code=1)
    lab.write(path, {"README.md": "work\n"})
    return "README.md"


WORKS = [
    *(_untracked, _modified, _ignored, _staged_alone, _assumed, _skipped, _hidden_by_configuration),
    *(_committed, _detached, _detached_and_left, _reset, _left_branch, _conflicted),
]


@pytest.mark.parametrize("work", WORKS, ids=lambda each: each.__name__.strip("_"))
def test_whatever_is_nowhere_else_is_kept_first(lab: Lab, work: Any) -> None:
    """Sweep leaves it and says why; remove keeps it under a rescue ref that it names, and then the work tree goes."""
    here, _ = lab.fleet("here", "other")
    [path] = _orphan(lab, here, "w")
    name = work(lab, path)
    swept = lab.guard(here, "worktree", "sweep", "--json").json
    assert swept["removed"] == []
    [kept] = swept["kept"]
    assert "is gone; " in kept["reason"]
    assert kept["fix"].startswith("guard worktree remove ")
    assert path.exists()
    said = lab.guard(here, "worktree", "remove", str(path), "--json").json
    [removed] = said["removed"]
    assert set(removed["rescue"]) == set(lab.refs(here, RESCUE)) != set()
    assert "work\n" in _rescued(lab, here, name)
    assert not path.exists()
    assert _record(here) == []
    assert "refs/heads/w" not in lab.refs(here, "refs/heads")
    lab.git(here, "fsck", "--no-dangling")


def test_what_is_pushed_needs_no_rescue(lab: Lab) -> None:
    """A clean work tree whose commits are on the remote leaves nothing behind, neither branch nor rescue ref."""
    here, _ = lab.fleet("here", "other")
    [path] = _orphan(lab, here, "w")
    _committed(lab, path)
    lab.git(path, "push", "-q", "-u", "origin", "HEAD:refs/heads/w")
    assert len(lab.guard(here, "worktree", "sweep", "--json").json["removed"]) == 1
    _clean(lab, here)
    assert lab.refs(here, RESCUE) == {}
    assert lab.git(here, "config", "branch.w.remote", code=1) == ""


def test_sweep_can_rescue(lab: Lab) -> None:
    """With --rescue an orphan that holds something goes too, kept under a rescue ref."""
    here = lab.lone()
    [path] = _orphan(lab, here, "w")
    name = _untracked(lab, path)
    assert len(lab.guard(here, "worktree", "sweep", "--rescue", "--json").json["removed"]) == 1
    assert _rescued(lab, here, name) == ["work\n"]
    _clean(lab, here)


def test_what_guard_did_not_make_is_listed_and_left(lab: Lab) -> None:
    """A work tree of plain git is nobody's to sweep; removed by name it is as safe as any other."""
    here = lab.lone()
    path = lab.root / "plain"
    lab.git(here, "worktree", "add", "-q", "-b", "plain", str(path))
    lab.write(path, {"new.txt": "work\n"})
    [kept] = lab.guard(here, "worktree", "sweep", "--json").json["kept"]
    assert kept["reason"] == "guard did not make it"
    lab.guard(here, "worktree", "remove", str(path))
    assert _rescued(lab, here, "new.txt") == ["work\n"]
    assert not path.exists()
    assert "refs/heads/plain" in lab.refs(here, "refs/heads")  # a branch that guard did not make is not guard's


def test_locked_and_nested_ones_stay(lab: Lab) -> None:
    """A lock of git's own, and a repository inside, are reasons to stay that no rescue ref answers."""
    here = lab.lone()
    locked, nested = _orphan(lab, here, "locked", "nested")
    lab.git(here, "worktree", "lock", "--reason", "on a stick", str(locked))
    lab.git(nested, "init", "-q", "inner")
    lab.write(nested, {"inner/x": "work\n"})
    said = lab.guard(here, "worktree", "remove", str(locked), str(nested), code=2)
    assert "it is locked" in said.out
    assert "inner/ is a repository of its own" in said.out
    assert lab.guard(here, "worktree", "sweep", "--json").json["removed"] == []
    assert (nested / "inner/x").read_text() == "work\n"


def test_a_folder_that_is_gone_takes_nothing_with_it(lab: Lab) -> None:
    """Somebody removed the folder by hand: the branch's commits and what was staged are kept, the rest goes."""
    here, _ = lab.fleet("here", "other")
    bare, full = _orphan(lab, here, "bare", "full")
    _committed(lab, full)
    lab.write(full, {"staged.txt": "work\n"})
    lab.git(full, "add", "staged.txt")
    for path in (bare, full):
        lab.run(lab.root, "rm", "-rf", str(path))
    due = [each for each in lab.guard(here, "orient", "--json").json["due"] if "work tree" in each["what"]]
    assert [(each["what"][:31], each["fix"]) for each in due] == [
        ("2 work trees without a folder: ", "guard worktree sweep")
    ]
    swept = lab.guard(here, "worktree", "sweep", "--json").json
    assert [each["path"] for each in swept["removed"]] == [str(bare)]
    lab.guard(here, "worktree", "remove", str(full))
    assert _rescued(lab, here, "made.txt")
    assert _rescued(lab, here, "staged.txt") == ["work\n"]
    _clean(lab, here)


# --- inputs ----------------------------------------------------------------------------------------------------


def _inputs(lab: Lab, *globs: str, files: dict[str, str]) -> Path:
    here = lab.lone(adopt=False)
    lab.commit(here, {"guard.toml": f"worktree.copy = {json.dumps(globs)}\n"})
    lab.write(here, files)
    return here


def test_declared_inputs_are_copied_and_compared(lab: Lab) -> None:
    """What is not committed, or edited, comes along with its mode; unchanged copies need no rescue at the end."""
    files = {"own/a.env": "a\n", "own/deep/b.env": "b\n", "README.md": "edited\n", "own/not.txt": "x\n"}
    here = _inputs(lab, "own/**/*.env", "README.md", files=files)
    (here / "own/a.env").chmod(0o755)
    (here / "own/link.env").symlink_to("a.env")
    path = lab.root / "w"
    said = lab.guard(here, "worktree", "add", str(path), "--json").json
    assert set(said["copied"]) == {"own/a.env", "own/deep/b.env", "README.md", "own/link.env"}
    assert (path / "README.md").read_text() == "edited\n"
    assert (path / "own/deep/b.env").read_text() == "b\n"
    assert (path / "own/a.env").stat().st_mode & 0o777 == 0o755
    assert (path / "own/link.env").readlink() == Path("a.env")
    assert not (path / "own/not.txt").exists()
    lab.guard(here, "worktree", "remove", str(path))
    assert lab.refs(here, RESCUE) == {}
    assert not path.exists()


def test_a_copy_that_was_changed_is_work(lab: Lab) -> None:
    """An input that somebody edited in the work tree is rescued like everything else."""
    here = _inputs(lab, "own.env", files={"own.env": "a\n"})
    path = lab.root / "w"
    lab.guard(here, "worktree", "add", str(path))
    (path / "own.env").write_text("work\n")
    lab.guard(here, "worktree", "remove", str(path))
    assert _rescued(lab, here, "own.env") == ["work\n"]


def test_frame_406_a_missing_input_is_an_error(lab: Lab) -> None:
    """A declared input that is not there makes no work tree, exit 2, and names it; nothing is left."""
    here = _inputs(lab, "own.env", "more/*.env", files={"own.env": "a\n"})
    said = lab.guard(here, "worktree", "add", str(lab.root / "w"), code=2)
    assert "more/*.env is not there" in said.err
    assert not (lab.root / "w").exists()
    _clean(lab, here)


def test_no_copy_leaves_the_work_tree(lab: Lab) -> None:
    """A folder that is a symbolic link at the commit is not written through: error, nothing outside, nothing left."""
    here = _inputs(lab, "own/a.env", files={})
    (lab.root / "outside").mkdir()
    (here / "own").symlink_to(lab.root / "outside")
    lab.git(here, "add", "own")
    lab.git(here, "commit", "-q", "-m", "[S1] lab: a link")
    (here / "own").unlink()
    lab.write(here, {"own/a.env": "a\n"})
    said = lab.guard(here, "worktree", "add", str(lab.root / "w"), code=2)
    assert "own is a symbolic link" in said.err
    assert list((lab.root / "outside").iterdir()) == []
    _clean(lab, here)


# --- deaths ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["add", "remove"])
def test_killed_at_any_moment(lab: Lab, command: str) -> None:
    """SIGKILL for guard and git while a work tree is made or removed: the next sweep leaves nothing of it."""
    here, _ = lab.fleet("here", "other")
    lab.commit_push(here, {f"many/{number}.txt": f"{number}\n" for number in range(2000)})
    path = lab.root / "w"
    for number in range(10):
        if command == "remove":
            [path] = _orphan(lab, here, f"w{number}")
            assert path.exists()
            folder = here / ".git" / "worktrees" / path.name
            _until(lab.start(here, "worktree", "remove", str(path), start_new_session=True), folder, "gone", number)
        else:
            path = lab.root / f"w{number}"
            words = ("worktree", "add", str(path), "--at", "HEAD", "--owner", str(os.getpid()))
            _until(lab.start(here, *words, start_new_session=True), path, "there", number)
            for note in _record(here):
                if note["state"] == "made":  # it was too late: all of it is there
                    assert lab.git(path, "status", "--porcelain") == ""
                    lab.guard(here, "worktree", "remove", str(path))
        said = lab.guard(here, "worktree", "sweep", "--json").json
        assert said["kept"] == [], said
        assert not path.exists()
        _clean(lab, here)
    assert lab.refs(here, RESCUE) == {}
    lab.git(here, "fsck", "--no-dangling")


def _until(process: subprocess.Popen, folder: Path, wanted: str, number: int) -> None:
    """Kill a process group some moments after a folder comes, or begins to go."""
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        if wanted == "there" and folder.exists():
            break
        if wanted == "gone" and (folder.parent.parent / "guard" / "worktrees").exists():
            notes = (folder.parent.parent / "guard" / "worktrees").glob("*.json")
            if any('"removing"' in note.read_text() for note in notes):
                break
        time.sleep(0.001)
    time.sleep(number * 0.004)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    time.sleep(0.05)


@pytest.mark.parametrize("made_by", ["guard", "git"])
def test_a_head_that_was_never_written_stops_no_fetch(lab: Lab, made_by: str) -> None:
    """`git worktree add` killed before HEAD had a commit: every fetch of this clone would fail from then on. What guard
    was making goes by itself; of another's the way out is named, and it is one."""
    here, other = lab.fleet("here", "other")
    if made_by == "guard":
        [path] = _orphan(lab, here, "half")
        [note] = (here / ".git/guard/worktrees").glob("*.json")
        note.write_text(json.dumps({**json.loads(note.read_text()), "state": "making"}))
    else:
        path = lab.root / "half"
        lab.git(here, "worktree", "add", "-q", "--no-checkout", "--lock", "-b", "half", str(path))
    (here / ".git/worktrees/half/HEAD").write_text(f"{'0' * 40}\n")
    lab.commit_push(other, inbox_file(1, "s"))
    assert "bad object worktrees/half/HEAD" in lab.run(here, "git", "fetch", "origin").err
    if made_by == "git":
        said = lab.guard(here, "merge", code=2).err
        assert lab.run(here, "sh", "-c", said.partition("fix: ")[2]).code == 0
    lab.guard(here, "merge")
    assert not path.exists()
    lab.git(here, "fetch", "origin")


def test_two_sweeps_at_once(lab: Lab) -> None:
    """Sweeps that run at the same moment remove each work tree once, and none of them fails."""
    here, _ = lab.fleet("here", "other")
    _orphan(lab, here, *(f"w{number}" for number in range(6)))
    said = lab.together([(here, ("worktree", "sweep", "--json"), {})] * 4)
    assert [each.code for each in said] == [0] * 4
    assert [each.json["kept"] for each in said] == [[]] * 4
    _clean(lab, here)


def test_errors_that_a_person_can_act_on(lab: Lab) -> None:
    """A name that is taken, a folder that is none, a process that is none: exit 2, why, and what to do."""
    here = lab.lone()
    lab.guard(here, "worktree", "add", str(lab.root / "w"))
    for words in (
        ("add", str(lab.root / "w")),
        ("add", str(lab.root / "v"), "--branch", "main"),
        ("add", str(lab.root / "v"), "--branch", "a..b"),
        ("add", str(lab.root / "v"), "--owner", str(_dead())),
        ("add", str(lab.root / "v"), "--at", "nothing"),
        ("remove", str(here)),
        ("remove", str(lab.root / "v")),
    ):
        said = lab.guard(here, "worktree", *words, code=2)
        assert "guard: " in said.err, words
        assert not (lab.root / "v").exists()
    assert "where this command runs" in lab.guard(lab.root / "w", "worktree", "remove", ".", code=2).err
