"""`guard doctor`: broken things are found, repaired only where that is safe, and never at the price of work."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from walks.hooked import BY_CONFIG
from walks.lab import ROOT, Lab

from guard.doctor.ways import WAYS
from guard.git import Repo
from guard.hooks import HOOKS
from guard.index import repair, stale_lock


def _doctor(lab: Lab, here: Path, *words: str, code: int | None = None, env: dict[str, str] | None = None) -> Any:
    """What doctor found, by what it looked at; its exit code is 1 exactly where a problem is left."""
    told = lab.guard(here, "doctor", "--json", *words, code=code, env=env).json
    found = {each["what"]: each for each in told["checks"]}
    if "attacks" not in told:
        assert told["exit"] == int(any(each["state"] == "problem" for each in found.values()))
    return found


@pytest.fixture
def here(lab: Lab) -> Path:
    """An adopted repository with guard installed."""
    made = lab.lone()
    lab.guard(made, "init", "--yes")
    lab.git(made, "add", "--", ".gitattributes")
    lab.git(made, "commit", "-q", "-m", "[S0] guard: adopt")
    return made


def test_a_sound_clone_is_sound(lab: Lab, here: Path) -> None:
    """Everything is ok, the hooks were really run, nothing in the clone changes, and the scratch folder is gone."""
    lab.write(here, {"README.md": "mine\n"})
    (lab.root / "tmp").mkdir()
    before = lab.picture(here), sorted((here / ".git").rglob("*"))
    found = _doctor(lab, here, code=0, env={"TMPDIR": str(lab.root / "tmp")})
    assert {each["state"] for each in found.values()} == {"ok"}
    assert "git stash is refused" in found["hooks at work"]["said"]
    assert (lab.picture(here), sorted((here / ".git").rglob("*"))) == before
    assert list((lab.root / "tmp").iterdir()) == []
    _doctor(lab, here, "--fix", code=0)
    assert lab.picture(here) == before[0]
    linked = lab.root / "linked tree"
    lab.git(here, "worktree", "add", "-q", "-b", "other", str(linked))
    _doctor(lab, linked, code=0)


# --- hooks -----------------------------------------------------------------------------------------------------


def _gone(here: Path) -> None:
    (here / ".git/hooks/pre-commit").unlink()


def _not_executable(here: Path) -> None:
    (here / ".git/hooks/post-index-change").chmod(0o644)


def _emptied(here: Path) -> None:
    (here / ".git/hooks/reference-transaction").write_text("#!/bin/sh\n# guard hook reference-transaction\nexit 0\n")


def _library_gone(here: Path) -> None:
    (here / ".git/hooks/guard-lib").unlink()


def _python_gone(here: Path) -> None:
    lib = here / ".git/hooks/guard-lib"
    lib.write_text(re.sub(r"^guard_py=.*$", "guard_py='/nowhere/python3'", lib.read_text(), flags=re.MULTILINE))


def _package_gone(here: Path) -> None:
    runner = here / ".git/hooks/guard-run.py"
    runner.write_text(re.sub(r"^sys\.path.*$", "", runner.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("spoil", [_gone, _not_executable, _emptied, _library_gone, _python_gone, _package_gone])
def test_hooks_that_do_not_work_are_found_and_written_again(
    lab: Lab, here: Path, spoil: Callable[[Path], None]
) -> None:
    """Whatever keeps a hook from judging is a problem, and --fix mends it."""
    spoil(here)
    found = _doctor(lab, here, code=1)
    assert "problem" in {found["hooks"]["state"], found.get("hooks at work", found["hooks"])["state"]}
    found = _doctor(lab, here, "--fix", code=0)
    assert found["hooks"]["state"] == "fixed"
    assert found["hooks at work"]["state"] == "ok"


def test_hooks_path_is_told_and_not_touched(lab: Lab, here: Path) -> None:
    """With core.hooksPath elsewhere the hooks never run: a problem with its remedy, which --fix leaves to people."""
    lab.git(here, "config", "core.hooksPath", str(lab.root / "elsewhere"))
    for words in ([], ["--fix"]):
        found = _doctor(lab, here, *words, code=0 if BY_CONFIG else 1)
        assert found["hooks"]["state"] == ("warning" if BY_CONFIG else "problem")
        assert "core.hooksPath" in found["hooks"]["said"]
    assert "--into-hooks-path" in found["hooks"]["fix"]
    assert lab.git(here, "config", "core.hooksPath") == str(lab.root / "elsewhere")


def test_people_s_own_hooks_are_not_run_in_the_scratch_repository(lab: Lab) -> None:
    """A hook that guard displaced belongs to the real repository: doctor does not run it."""
    here = lab.lone()
    hook = here / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho ran >>'{lab.root}/ran'\n")
    hook.chmod(0o755)
    lab.guard(here, "install")
    _doctor(lab, here, code=0)
    assert not (lab.root / "ran").exists()


def test_another_guard_and_two_of_them(lab: Lab, here: Path) -> None:
    """Hooks that run a guard from another folder are a warning; a hook that calls another hook of guard's is a
    problem."""
    runner = here / ".git/hooks/guard-run.py"
    (lab.root / "elsewhere").symlink_to(ROOT)
    before = runner.read_text()
    runner.write_text(before.replace(repr(str(ROOT)), repr(str(lab.root / "elsewhere"))))
    assert str(lab.root / "elsewhere") in _doctor(lab, here, code=0)["two installs"]["said"]
    runner.write_text(before)
    (here / ".git/hooks/pre-commit.guard-displaced").write_text((here / ".git/hooks/pre-commit").read_text())
    assert "pre-commit" in _doctor(lab, here, code=1)["two installs"]["said"]


# --- configuration, policy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["rebase.autoStash", "merge.autoStash", "pull.autoStash"])
@pytest.mark.parametrize("scope", ["global", "local"])
def test_autostash_of_any_scope_is_found_and_overridden(lab: Lab, here: Path, key: str, scope: str) -> None:
    """A setting that lets git stash by itself is a problem where it counts; --fix overrides it in this clone."""
    config = lab.root / "global"
    env = {"GIT_CONFIG_GLOBAL": str(config)}
    file = str(config if scope == "global" else here / ".git/config")
    lab.git(here, "config", "--file", file, "--unset-all", key, code=None)
    lab.git(here, "config", "--file", file, key, "true")
    if scope == "global":
        lab.git(here, "config", "--local", "--unset-all", key, code=None)
    found = _doctor(lab, here, env=env, code=1)["autostash"]
    assert (found["state"], scope in found["said"]) == ("problem", True)
    assert _doctor(lab, here, "--fix", env=env)["autostash"]["state"] == "fixed"
    assert lab.git(here, "config", "--get", key, env=env) == "false"


def test_policy_problems(lab: Lab, here: Path) -> None:
    """A guard.toml that cannot be used is a problem before it is committed; no baseline is a warning."""
    text = (here / "guard.toml").read_text()
    lab.write(here, {"guard.toml": text + "[mesages]\n"})
    assert "mesages" in _doctor(lab, here, code=1)["policy"]["said"]
    other = lab.lone("other", adopt=False)
    lab.guard(other, "install")
    found = _doctor(lab, other, code=0)
    assert (found["policy"]["state"], found["policy"]["fix"]) == ("warning", "guard init")


# --- what is left behind ---------------------------------------------------------------------------------------


def test_stashes_and_autostashes_are_named_and_kept(lab: Lab) -> None:
    """Stash entries, a rebase's autostash and rescued work are warnings; nothing of them is touched by --fix."""
    here = lab.lone()
    lab.write(here, {"README.md": "stashed\n"})
    lab.git(here, "stash")
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"x.txt": "other\n"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"x.txt": "main\n"})
    lab.write(here, {"README.md": "autostashed\n"})
    lab.git(here, "rebase", "--autostash", "other", code=1)
    lab.git(here, "update-ref", "refs/guard/rescue/1", "HEAD")
    lab.guard(here, "install")
    for words in ([], ["--fix"]):
        found = _doctor(lab, here, *words)["leftover work"]
        assert found["state"] == "warning"
        for text in ("rebase-merge keeps an autostash", "git stash list shows 1", "refs/guard/rescue/ shows 1"):
            assert text in found["said"]
    assert (here / ".git/rebase-merge/autostash").exists()
    assert lab.git(here, "stash", "list").count("\n") == 0


def test_markers_and_a_failed_autostash(lab: Lab) -> None:
    """Markers in shared files are a problem, and so are unmerged paths where nothing is being merged (frame 407)."""
    here = lab.lone()
    lab.commit(here, {"notes.txt": "one\n"})
    lab.write(here, {"notes.txt": "two\n"})
    lab.git(here, "stash")
    lab.commit(here, {"notes.txt": "three\n"})
    lab.git(here, "stash", "pop", code=1)
    lab.guard(here, "install")
    found = _doctor(lab, here, code=1)["markers"]
    assert (found["state"], "notes.txt unmerged" in found["said"]) == ("problem", True)
    lab.write(here, {"state/agents.json": "{\n<<<<<<< ours\n}\n"})
    assert "state/agents.json" in _doctor(lab, here, code=1)["markers"]["said"]


def test_a_lock_of_a_dead_process_is_moved_and_one_of_a_living_is_not(lab: Lab, here: Path) -> None:
    """A lock is named with its age; --fix moves it only where it is old and no older process is a git."""
    lock = here / ".git/index.lock"
    lock.write_bytes(b"")
    found = _doctor(lab, here, "--fix", code=1)["index.lock"]  # too young
    assert (found["state"], "second" in found["said"]) == ("problem", True)
    assert lock.exists()
    old = time.time() - 7200
    os.utime(lock, (old, old))
    if not Path("/proc/self/stat").exists():
        pytest.skip("without /proc nothing can be proved")
    probe = stale_lock.look(lock)
    assert probe is not None
    if not probe.proved:
        pytest.skip(f"a process of this machine is in the way: {probe.said}")
    assert "2 hours" in _doctor(lab, here, code=1)["index.lock"]["said"]
    assert lock.exists()
    found = _doctor(lab, here, "--fix", code=0)["index.lock"]
    assert found["state"] == "fixed"
    assert not lock.exists()
    assert len(list((here / ".git").glob("index.lock.stale-*"))) == 1


def test_a_lock_that_somebody_has_open_is_left(lab: Lab, here: Path) -> None:
    """A process that is older than the lock, or any git, may own it: then nothing is proved."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("without /proc nothing can be proved")
    lock = here / ".git/index.lock"
    code = f"import time; f = open({str(lock)!r}, 'w'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            found = _doctor(lab, here, "--fix", code=1)["index.lock"]
            assert str(holder.pid) in found["said"]
            assert lock.exists()
        finally:
            holder.kill()


def _files(here: Path) -> dict[str, bytes]:
    """The work tree, without git: it cannot read the index."""
    return {path.name: path.read_bytes() for path in here.rglob("*") if path.is_file() and ".git" not in path.parts}


# --- the index -------------------------------------------------------------------------------------------------

SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _data: b"",
    "half": lambda data: data[: len(data) // 2],
    "header": lambda data: bytes(12) + data[12:],
    "count": lambda data: data[:8] + b"\0\0\0\2" + data[12:],
    "checksum": lambda data: data[:-20] + b"x" * 20,
    "last bytes": lambda data: data[:-30],
    "page": lambda data: data[: len(data) // 3] + bytes(512) + data[len(data) // 3 + 512 :],
}
WHOLE = ("header", "checksum", "last bytes")


@pytest.mark.parametrize("how", SPOILS)
@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize("where", ["main", "linked"])
def test_a_broken_index_is_rebuilt_with_what_was_staged(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, how: str, version: str, where: str
) -> None:
    """The broken file stays beside; the work tree is untouched; what is not lost is staged as it was (all of it where
    only header or checksum broke); what is unknown is said."""
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    main = lab.lone(files={f"d{n}/f{n}.txt": f"{n}\n" for n in range(40)})
    here = main
    if where == "linked":
        here = lab.root / "linked tree"
        lab.git(main, "worktree", "add", "-q", "-b", "other", str(here))
    lab.write(here, {"a first.txt": "staged\n", "d7/f7.txt": "staged, then edited\n", "z last.txt": "only staged\n"})
    lab.git(here, "add", "--", "a first.txt", "d7/f7.txt", "z last.txt")
    lab.write(here, {"d7/f7.txt": "edited since\n"})
    (here / "z last.txt").unlink()
    lab.git(here, "rm", "-q", "--cached", "d9/f9.txt", "d38/f38.txt")
    lab.git(here, "update-index", "--chmod=+x", "d1/f1.txt")
    lab.git(here, "update-index", "--index-version", version)
    staged = lab.git(here, "ls-files", "--stage").splitlines()
    index = Path(lab.git(here, "rev-parse", "--absolute-git-dir")) / "index"
    broken = SPOILS[how](index.read_bytes())
    index.write_bytes(broken)
    files = _files(here)

    repo = Repo(here)
    found = repair.examine(repo)
    assert found is not None
    assert index.read_bytes() == broken
    done = repair.rebuild(repo)
    repo.close()
    assert done.aside.parent == index.parent
    assert done.aside.read_bytes() == broken
    now = lab.git(here, "ls-files", "--stage").splitlines()
    if how in WHOLE:
        assert now == staged
        assert set(done.staged) == {"a first.txt", "d1/f1.txt", "d38/f38.txt", "d7/f7.txt", "d9/f9.txt", "z last.txt"}
        assert not done.unknown or how == "last bytes"
    else:
        assert done.unknown
        head = lab.git(here, "ls-tree", "-r", "HEAD", "--format=%(objectmode) %(objectname) 0%x09%(path)").splitlines()
        assert set(now) <= {*staged, *head}
        if how != "empty":
            assert next(line for line in staged if "a first.txt" in line) in now
    assert _files(here) == files
    assert repair.examine(repo) is None
    assert not index.with_name("index.lock").exists()


def test_doctor_rebuilds_a_broken_index(lab: Lab, here: Path) -> None:
    """Without --fix a broken index is a problem and stays; with it, what was done and what is unknown is told."""
    lab.write(here, {"a.txt": "staged\n"})
    lab.git(here, "add", "--", "a.txt")
    index = here / ".git/index"
    broken = index.read_bytes()[:-60]
    index.write_bytes(broken)
    found = _doctor(lab, here, code=1)["index"]
    assert (found["state"], index.read_bytes()) == ("problem", broken)
    found = _doctor(lab, here, "--fix", code=0)["index"]
    assert found["state"] == "fixed"
    assert "staged: a.txt" in found["said"]
    assert "unknown: what was staged after" in found["said"]
    assert len(list((here / ".git").glob("index.corrupt-*"))) == 1
    assert lab.git(here, "diff", "--cached", "--name-only") == "a.txt"


def test_a_blob_that_is_gone_leaves_head_s_version_and_is_named(lab: Lab, here: Path) -> None:
    """An entry whose blob this clone does not have is not staged: HEAD's version is, and the path is named."""
    lab.write(here, {"README.md": "will be lost\n", "kept.txt": "kept\n"})
    lab.git(here, "add", "--", "README.md", "kept.txt")
    oid = lab.git(here, "rev-parse", ":README.md")
    (here / ".git/objects" / oid[:2] / oid[2:]).unlink()
    data = (here / ".git/index").read_bytes()
    (here / ".git/index").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    found = _doctor(lab, here, "--fix")["index"]
    assert f"README.md: what was staged, blob {oid[:12]}" in found["said"]
    assert lab.git(here, "diff", "--cached", "--name-only") == "kept.txt"


def test_conflicts_and_flags_survive(lab: Lab) -> None:
    """Unmerged entries, skip-worktree and intent-to-add are as before in a rebuilt index."""
    here = lab.lone()
    lab.git(here, "switch", "-q", "-c", "other")
    lab.commit(here, {"x.txt": "other\n"})
    lab.git(here, "switch", "-q", "main")
    lab.commit(here, {"x.txt": "main\n"})
    lab.git(here, "merge", "other", code=1)
    lab.git(here, "update-index", "--skip-worktree", "README.md")
    lab.write(here, {"later.txt": "later\n"})
    lab.git(here, "add", "--intent-to-add", "later.txt")
    before = lab.git(here, "ls-files", "--stage", "-t"), lab.git(here, "status", "--porcelain")
    index = here / ".git/index"
    index.write_bytes(bytes(12) + index.read_bytes()[12:])
    assert _doctor(lab, here, "--fix")["index"]["state"] == "fixed"
    assert (lab.git(here, "ls-files", "--stage", "-t"), lab.git(here, "status", "--porcelain")) == before


def test_sound_indexes_of_every_kind_are_left(lab: Lab, here: Path) -> None:
    """A split index, a sparse one, one without checksum, an untracked cache: none is called broken."""
    index = here / ".git/index"
    for words in (
        ["update-index", "--split-index"],
        ["update-index", "--no-split-index"],
        ["update-index", "--untracked-cache"],
        ["-c", "index.skipHash=true", "update-index", "--force-write-index"],
        ["sparse-checkout", "set", "--cone", "--sparse-index", "tasks"],
    ):
        lab.git(here, *words, code=None)
        before = index.read_bytes()
        assert _doctor(lab, here, "--fix", code=0)["index"]["state"] == "ok", words
        assert index.read_bytes() == before


# --- attacks ---------------------------------------------------------------------------------------------------


BY_CONFIGURATION = {
    "git -c core.hooksPath=/dev/null commit", "git -c core.hooksPath= commit", "GIT_CONFIG_COUNT with core.hooksPath",
    "GIT_CONFIG_PARAMETERS with core.hooksPath", "core.hooksPath in a global configuration",
    "core.hooksPath in .git/config", "hooks that are not executable", "the hooks' folder moved away",
}  # fmt: skip
"""The ways that a git which reads hooks from its configuration refuses."""


def _attack(lab: Lab, here: Path, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ways that doctor tried, by name, and the walls that it saw."""
    told = lab.guard(here, "doctor", "--attack", "--json", **more).json
    return {way["how"]: way for way in told["attacks"]}, told["walls"]


def test_attack_tells_which_ways_pass_and_who_finds_them(lab: Lab, here: Path) -> None:
    """What hooks are there to refuse is refused; the known ways around pass, each is found by verify and by check; all
    of it happens elsewhere, on what this repository holds, and leaves nothing behind."""
    (lab.root / "tmp").mkdir()
    before = lab.picture(here), sorted((here / ".git").rglob("*"))
    ways, walls = _attack(lab, here, env={"TMPDIR": str(lab.root / "tmp")})
    assert (lab.picture(here), sorted((here / ".git").rglob("*"))) == before
    assert list((lab.root / "tmp").iterdir()) == []
    assert all(way["tried"] for way in ways.values())
    refused = {how for how, way in ways.items() if not way["passes"]}
    assert refused == {way.how for way in WAYS if way.by_hooks} | (BY_CONFIGURATION if BY_CONFIG else set())
    assert walls == {"server": None, "checks": [], "tools": [], "strict": False}
    for way in ways.values():
        assert way["open"] == way["passes"]
        if way["passes"] and not way["on_files"]:
            assert "guard verify" in way["found_by"]
            assert "guard check" in way["found_by"]
            assert {"server hook", "required check"} <= set(way["closes"])
    said = lab.guard(here, "doctor", "--attack").out
    assert "OPEN" in said
    assert "guard init --ci" in said


def test_attack_finds_every_way_open_where_no_hook_runs(lab: Lab, here: Path) -> None:
    """Each way does what it says: without hooks all of them pass, and none is merely refused because it failed."""
    for name in HOOKS:
        (here / ".git/hooks" / name).unlink()
    (here / ".git/guard/hooks/by-config").unlink()
    ways, _ = _attack(lab, here, code=1)
    assert [how for how, way in ways.items() if not way["passes"]] == []


def test_attack_sees_the_walls_that_stand_here(lab: Lab) -> None:
    """A remote on this disk with guard's hook is asked by real pushes; the branch's CI jobs, the agents' tools and
    strict mode are seen; then nothing that reaches a branch is open."""
    [here] = lab.fleet("here")
    lab.write(here, {"guard.toml": (here / "guard.toml").read_text() + "\n[hooks]\nstrict = true\n"})
    lab.guard(here, "init", "--yes", "--ci", "github")
    files = ["guard.toml", ".github/workflows/guard.yml", ".github/workflows/guard-merge.yml"]
    lab.git(here, "add", "--", *files)
    lab.git(here, "commit", "-q", "-m", "[S0] guard: strict, and jobs", "--", *files)
    lab.git(here, "push", "-q", "origin", "main")
    lab.guard(here, "install")
    lab.guard(here, "agent", "install", "claude")
    lab.guard(lab.root, "server", "install", str(lab.hub))
    before = lab.refs(lab.hub), sorted(lab.hub.rglob("*"))
    ways, walls = _attack(lab, here)
    assert (lab.refs(lab.hub), sorted(lab.hub.rglob("*"))) == before
    assert (walls["server"], walls["checks"]) == (str(lab.hub / "hooks"), ["github"])
    assert (walls["tools"], walls["strict"]) == (["claude"], True)
    for how, way in ways.items():
        assert not way["open"], how
        if way["passes"] and not way["on_files"]:
            assert {"server hook", "required check"} <= set(way["stands"]), how
    assert not ways["git add -A, at that moment"]["passes"]
    assert not ways["git reset --hard, over edits"]["passes"]
    said = lab.guard(here, "doctor", "--attack").out
    assert "all are kept out; 1 of those that pass this clone only by the hooks of agents" in said


def test_attack_in_a_shallow_linked_tree_of_another_branch(lab: Lab) -> None:
    """A clone without its whole history, a linked work tree, a state branch of another name: it is tried all the
    same, and what this repository lacks is said to be not tried."""
    seed = lab.lone("seed", adopt=False)
    lab.git(seed, "branch", "-m", "work/state")
    lab.guard(seed, "init", "--yes")
    lab.git(seed, "add", "--all")
    lab.git(seed, "-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "[S0] guard: adopt")
    here = lab.root / "here"
    lab.git(lab.root, "clone", "-q", "--depth=1", f"file://{seed}", str(here))
    lab.guard(here, "install")
    linked = lab.root / "linked"
    lab.git(here, "worktree", "add", "-q", "-b", "other", str(linked))
    ways, _ = _attack(lab, linked, code=None)
    assert {how for how, way in ways.items() if not way["tried"]} == {
        "git push --force of an older state", "git merge -s ours, over newer state"
    }  # fmt: skip
    assert not ways["git commit --no-verify"]["passes"]
    assert ways["a clone without guard install"]["passes"]


def test_an_entry_out_of_order_takes_no_neighbour_with_it(lab: Lab, here: Path) -> None:
    """Where the order of a broken index breaks, nothing is known: no file around it becomes a staged deletion."""
    lab.commit(here, {f"src/{number}.txt": f"{number}\n" for number in range(1, 5)}, "[S1] src: four")
    data = (here / ".git/index").read_bytes()
    (here / ".git/index").write_bytes(data.replace(b"src/2.txt", b"src/7.txt", 1))
    _doctor(lab, here, "--fix")
    gone = lab.git(here, "diff", "--cached", "--name-only", "--diff-filter=D")
    assert gone == ""
