"""The hooks wedge nobody: broken notes, an unusable policy, odd repositories and git's own housekeeping all go on."""

import shutil
import sys
from pathlib import Path

import pytest
from walks.hooked import EDITED, STATE_FILE, git, guarded, refused, unhooked
from walks.lab import Lab, inbox_file, post


def _works(lab: Lab, here: Path, code: str = "G101") -> None:
    """An ordinary commit passes, a foreign one does not."""
    lab.commit(here, {"mine.txt": f"after {next(lab.clock)}\n"}, "[S1] mine: a file")
    lab.write(here, {"mine.txt": f"after {next(lab.clock)}\n"})
    lab.git(here, "add", "mine.txt")
    lab.git(here, "commit", "-q", "-m", "[S1] mine: a file")
    lab.write(here, {STATE_FILE: EDITED})
    for more in ((), ("-n",)):
        refused(lab, here, "commit", "-m", "[S1] agents: by hand", *more, "--", STATE_FILE, code=code)
    lab.git(here, "checkout", "-q", "--", STATE_FILE)


def test_broken_notes(lab: Lab) -> None:
    """Whatever the files that guard keeps for itself hold, or if they are gone, they are believed only when whole."""
    here = guarded(lab)
    _works(lab, here)
    notes = here / ".git/guard"
    whole = (notes / "watch").read_bytes()
    assert {path.name for path in notes.iterdir()} >= {"watch", "head", "looked", "index"}
    contents = [b"\0" * 40, b")(\n", whole.replace(b"state", b"stale")[:-2]]
    contents += [whole[:cut] for cut in range(40, len(whole), len(whole) // 2)]
    for content in contents:
        (notes / "watch").write_bytes(content)
        _works(lab, here)
        assert (notes / "watch").read_bytes() in (whole, content)
    (notes / "watch").unlink()
    (notes / "watch").mkdir()
    _works(lab, here)
    (notes / "watch").rmdir()
    for name in ("head", "looked", "index", *(path.name for path in notes.glob("policy-*"))):
        (notes / name).unlink(missing_ok=True)
        (notes / name).write_bytes(b"\x80\xff garbage\n")
        _works(lab, here)
        (notes / name).unlink(missing_ok=True)
    (notes / "bulk").write_bytes(b"\xff\n\0")
    lab.git(here, "reset", "-q")
    _works(lab, here)


@pytest.mark.parametrize("text", ["[", "unknown = 1\n", "[merge]\nbaseline = 3\n"])
def test_a_policy_that_cannot_be_used(lab: Lab, text: str) -> None:
    """The newest guard.toml that can be used judges on: state stays protected, and the repair is an ordinary commit."""
    here = guarded(lab)
    good = (here / "guard.toml").read_text()
    unhooked(lab, here, {"guard.toml": text})
    _works(lab, here, "guard.toml cannot be used")
    lab.write(here, {"guard.toml": f"{text}\n# still\n"})
    refused(lab, here, "commit", "-m", "[S1] policy: worse", "--", "guard.toml", code="G108")
    lab.write(here, {"guard.toml": good})
    lab.git(here, "commit", "-q", "-m", "[S1] policy: as it was", "--", "guard.toml")
    _works(lab, here)
    unhooked(lab, here, {"guard.toml": text})
    lab.write(here, {"guard.toml": good})
    lab.git(here, "commit", "-q", "-n", "-m", "[S1] policy: as it was", "--", "guard.toml")
    _works(lab, here)


def test_a_policy_that_comes_from_upstream(lab: Lab) -> None:
    """A pull brings the new policy, and the hooks judge by it from then on."""
    one, two = lab.fleet("one", "two")
    lab.guard(two, "install")
    lab.commit_push(one, {"guard.toml": (one / "guard.toml").read_text() + "[messages]\nprefix = false\n"})
    lab.git(two, "pull", "-q")
    lab.git(two, "commit", "-q", "--allow-empty", "-m", "whatever")
    lab.git(two, "checkout", "-q", "--detach", "HEAD~2")
    refused(lab, two, "commit", "--allow-empty", "-m", "whatever", code="G401")


def test_a_repository_without_commits(lab: Lab) -> None:
    """Before the first commit the hooks judge too, and let it pass."""
    here = lab.root / "new"
    lab.git(lab.root, "init", "-q", str(here))
    lab.guard(here, "install")
    lab.write(here, {"README.md": "first\n"})
    lab.git(here, "add", "README.md")
    refused(lab, here, "commit", "-m", "whatever", code="G401")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: first")
    lab.git(here, "checkout", "-q", "--orphan", "other")
    lab.git(here, "commit", "-q", "-m", "[S1] readme: first, again")


def test_a_detached_head(lab: Lab) -> None:
    """On no branch at all, the same holds."""
    here = guarded(lab)
    lab.git(here, "checkout", "-q", "--detach")
    _works(lab, here)


def test_a_sha256_repository(lab: Lab) -> None:
    """Longer names are names."""
    here = guarded(lab, kind="sha256")
    _works(lab, here)
    lab.commit(here, inbox_file(1, "s1", posts_created=[post(1)]), "[S1] delta: one")
    lab.guard(here, "merge")
    _works(lab, here)


def test_a_reftable_repository(lab: Lab) -> None:
    """Refs need not be files."""
    here = lab.root / "table"
    if lab.run(lab.root, "git", "init", "-q", "--ref-format=reftable", str(here)).code != 0:
        pytest.skip("this git has no reftable")
    lab.write(here, {STATE_FILE: EDITED.replace("by hand", "as it was")})
    lab.git(here, "add", STATE_FILE)
    lab.git(here, "commit", "-q", "-m", "state")
    lab.adopt(here)
    lab.guard(here, "install")
    _works(lab, here)


def test_a_repository_named_by_its_environment(lab: Lab) -> None:
    """GIT_DIR and GIT_WORK_TREE, as --git-dir and --work-tree set them, mean that repository, wherever one stands."""
    here, other = guarded(lab, "here"), lab.lone("other", adopt=False)
    lab.git(here, "config", "core.bare", "false")
    lab.write(other, {STATE_FILE: EDITED, "mine.txt": "mine\n"})
    words = ("--git-dir", str(here / ".git"), "--work-tree", str(other))
    lab.git(other, *words, "add", "mine.txt")
    lab.git(other, *words, "commit", "-q", "-m", "[S1] mine: a file")
    lab.git(other, *words, "add", STATE_FILE)
    before = lab.rev(here)
    for more in ((), ("-n",)):
        said = git(lab, other, *words, "commit", *more, "-m", "[S1] agents: by hand")
        assert said.code != 0
        assert "G101" in said.err
    assert lab.rev(here) == before


def test_a_held_index_lock(lab: Lab) -> None:
    """Beside another git that holds the index, guard waits for nothing, breaks nothing and takes no lock away."""
    here = guarded(lab)
    lab.write(here, {"mine.txt": "mine\n"})
    lab.git(here, "add", "mine.txt")
    lock = here / ".git/index.lock"
    lock.write_text("")
    assert "index.lock" in git(lab, here, "commit", "-m", "[S1] mine: a file").err
    assert "index.lock" in git(lab, here, "add", "-A").err
    git(lab, here, "stash")
    assert lock.exists()
    lock.unlink()
    lab.git(here, "commit", "-q", "-m", "[S1] mine: a file")


def _count_python(lab: Lab, here: Path) -> Path:
    """Have every start of Python by a hook written down."""
    log, wrapper = lab.root / "starts", lab.root / "python"
    wrapper.write_text(f"#!/bin/sh\necho \"$4\" >>'{log}'\nexec '{sys.executable}' \"$@\"\n")
    wrapper.chmod(0o755)
    lib = here / ".git/hooks/guard-lib"
    lib.write_text(lib.read_text().replace(f"guard_py='{sys.executable}'", f"guard_py='{wrapper}'"))
    log.write_text("")
    return log


def test_housekeeping_starts_no_python(lab: Lab) -> None:
    """Fetching 200 branches, packing, cleaning up, worktrees, branches, clones and ordinary commits: all in sh."""
    one, two = lab.fleet("one", "two")
    lab.guard(two, "install")
    lab.commit(two, {"mine.txt": "1\n"}, "[S2] mine: a file")
    commits = [lab.rev(one)]
    text = "".join(f"create refs/heads/b{number} {commits[0]}\n" for number in range(200))
    lab.git(lab.hub, "update-ref", "--stdin", input=text.encode())
    log = _count_python(lab, two)
    lab.git(two, "fetch", "-q")
    assert len(lab.refs(two, "refs/remotes")) > 200
    lab.git(two, "fetch", "-q", "origin", "+refs/heads/b*:refs/heads/copy/*")
    lab.git(two, "commit", "-q", "--allow-empty", "-m", "[S2] nothing: at all")
    lab.commit(two, {"mine.txt": "2\n", "other.txt": "2\n"}, "[S2] mine: two files")
    for words in (
        ["pack-refs", "--all"], ["gc", "-q"], ["repack", "-q", "-a", "-d"], ["prune"],
        ["reflog", "expire", "--expire=now", "--all"],
        ["worktree", "add", "-q", "-b", "side", str(lab.root / "side")], ["worktree", "remove", str(lab.root / "side")],
        ["branch", "-m", "side", "aside"], ["branch", "-d", "aside"], ["tag", "v1"], ["tag", "-d", "v1"], ["status"],
        ["checkout", "-q", "-b", "new"], ["checkout", "-q", "main"], ["switch", "-q", "new"], ["switch", "-q", "main"],
        ["remote", "prune", "origin"], ["clone", "-q", str(two), str(lab.root / "clone")], ["notes", "add", "-m", "x"],
        ["bisect", "start", "HEAD", "HEAD~2"], ["bisect", "reset"], ["reset", "-q", "--hard", "HEAD~1"],
        ["rebase", "-q", "origin/main"],
        ["cherry-pick", "HEAD@{1}"], ["revert", "--no-edit", "HEAD"], ["commit", "-q", "--amend", "-m", "[S2] x: y"],
        ["fetch", "-q", "--prune"],
    ):  # fmt: skip
        said = git(lab, two, *words)
        assert said.code == 0 or words[0] in ("cherry-pick", "revert"), (words, said)
        assert log.read_text() == "", (words, log.read_text())
    assert not (lab.root / "clone/.git/hooks/pre-commit").exists()


def test_a_push_into_a_guarded_clone(lab: Lab) -> None:
    """A branch that is pushed here from elsewhere is judged like any other."""
    here = guarded(lab)
    lab.git(lab.root, "clone", "-q", str(here), "other")
    other = lab.root / "other"
    lab.commit(other, {"theirs.txt": "1\n"}, "[S1] theirs: a file")
    lab.git(other, "push", "-q", "origin", "HEAD:side")
    unhooked(lab, other, {STATE_FILE: EDITED})
    assert git(lab, other, "push", "-q", "origin", "HEAD:side").code != 0
    assert lab.rev(here, "side") == lab.rev(other, "HEAD~")


def test_hooks_without_proc(lab: Lab) -> None:
    """Where there is no /proc, as on macOS, ps says what git was asked for."""
    if lab.run(lab.root, "sh", "-c", "command -v ps").code != 0:
        pytest.skip("no ps here")
    here = guarded(lab)
    for hook in (here / ".git/hooks").iterdir():
        if not hook.name.endswith(".sample"):
            hook.write_text(hook.read_text().replace("/proc/$PPID", "/nowhere/$PPID"))
    lab.write(here, {"README.md": "changed\n", "new.txt": "1\n"})
    refused(lab, here, "stash", code="G501")
    refused(lab, here, "stash", "push", "-u", "-m", "a message", code="G501")
    lab.git(here, "add", "-A")
    for more in ((), ("-n",)):
        refused(lab, here, "commit", "-m", "[S1] all: of it", *more, code="G201")
    lab.git(here, "reset", "-q")
    refused(lab, here, "commit", "-am", "[S1] all: of it", code="G201")
    _works(lab, here)


@pytest.mark.parametrize("shell", ["bash --posix", "bash", "busybox sh", "mksh"])
def test_other_shells(lab: Lab, shell: str) -> None:
    """The hooks do the same in every shell that may be /bin/sh."""
    name, *options = shell.split()
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"no {shell} here")
    here = guarded(lab)
    for hook in (here / ".git/hooks").iterdir():
        if not hook.name.endswith(".sample"):
            hook.write_text(hook.read_text().replace("#!/bin/sh", " ".join([f"#!{program}", *options])))
    _works(lab, here)
    (here / ".git/guard/watch").write_text(")(\n")
    _works(lab, here)
    lab.write(here, {"README.md": "changed\n", "new.txt": "1\n"})
    refused(lab, here, "stash", "-u", code="G501")
    lab.git(here, "add", "-A")
    for more in ((), ("-n",)):
        refused(lab, here, "commit", "-m", "[S1] all: of it", *more, code="G201")
    lab.git(here, "reset", "-q")
    refused(lab, here, "commit", "-am", "[S1] all: of it", code="G201")
    refused(lab, here, "commit", "--allow-empty", "-m", "whatever", code="G401")
    lab.git(here, "branch", "side")
    lab.git(here, "gc", "-q")
