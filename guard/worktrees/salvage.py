"""What of a linked work tree is nowhere else, and keeping it under rescue refs: asked before anything is removed.

`git worktree remove --force` and `git branch -D` have destroyed thousands of commits. So a work tree goes only when
every file in it is committed or known to be elsewhere, and every commit that only it could name is reachable from a ref
that stays: what was pushed, the state branch, a rescue ref.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guard.bring_in import AS_GUARD, RESCUE
from guard.errors import GuardError
from guard.git import Repo
from guard.git.objects import blob_id
from guard.index.shared import NO_HOOKS
from guard.policy import Policy
from guard.worktrees.inputs import digest

MOST_IGNORED = 64 << 20
"""Bytes of ignored files that are salvaged; who keeps more there has to say what is to become of it."""

_AS_THEY_ARE = (*NO_HOOKS, "-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false")
"""For git to look at every file itself."""

_NOTES = (
    *("ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "MERGE_AUTOSTASH"),
    *(f"rebase-{kind}/{name}" for kind in ("merge", "apply") for name in ("autostash", "orig-head", "stopped-sha")),
)
"""Files of a work tree's git directory that name commits."""

_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")


@dataclass(frozen=True)
class Place:
    """A linked work tree: its folder, its own git directory, and the branches that go with it."""

    path: Path
    git_dir: Path
    branches: tuple[str, ...] = ()
    tip: str = ""
    """The commit that it was made at."""
    cut_off: bool = False
    """Whether making or removing it was cut off: then files that are missing are nobody's work."""
    saved: Mapping[str, str] = field(default_factory=dict)
    """Path -> SHA-256 of files that are known to be elsewhere."""
    ignored: bool = True
    """Whether what is ignored counts as work."""

    @property
    def env(self) -> dict[str, str]:
        """The environment in which git works there, also where the folder's own .git is damaged."""
        return {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.path)}


@dataclass
class Held:
    """What is nowhere else: paths as git spells them, commits, and why nobody may remove the work tree at all."""

    files: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    unfinished: str = ""
    hindrance: str = ""
    copies: list[str] = field(default_factory=list)
    """Files that are there, not committed, and known to be elsewhere."""
    hidden: list[str] = field(default_factory=list)
    """Files that git was told not to look at, and that differ."""

    def words(self) -> str:
        """What there is, for people; empty for nothing."""
        said = [self.hindrance, self.unfinished]
        if self.files:
            more = f" and {len(self.files) - 3} more" if len(self.files) > 3 else ""
            said.append(f"not committed: {', '.join(self.files[:3])}{more}")
        if self.commits:
            said.append(f"not pushed: {', '.join(each[:12] for each in self.commits[:3])}")
        return "; ".join(filter(None, said))


def look(repo: Repo, policy: Policy, place: Place) -> Held:
    """What a work tree and its branches hold that is nowhere else; nothing is changed."""
    held = Held(commits=commits(repo, policy, place))
    held.unfinished = next((f"{name} is there" for name in _UNFINISHED if (place.git_dir / name).exists()), "")
    with _private(repo) as index:
        env = dict(place.env)
        if place.cut_off or not (place.git_dir / "index").exists():
            commit = _head(repo, place) or place.tip
            env["GIT_INDEX_FILE"] = str(index)
            repo.call(*NO_HOOKS, "read-tree", commit, env={**env, "GIT_DIR": str(repo.common_dir)})
            env["GIT_DIR"] = str(repo.common_dir) if not _head(repo, place) else env["GIT_DIR"]
        _files(repo, place, env, held)
    return held


def keep(repo: Repo, place: Place, held: Held) -> list[str]:
    """Keep what a work tree holds under rescue refs; returns their names. The work tree is not touched."""
    commits = list(held.commits)
    if held.files:
        head = _head(repo, place)  # the parent of what is made now
        commits = [*(each for each in commits if each != head), _salvaged(repo, place, held)]
    refs = []
    for commit in commits:
        repo.run("update-ref", f"{RESCUE}{commit}", commit)
        refs.append(f"{RESCUE}{commit}")
    return refs


# --- files -----------------------------------------------------------------------------------------------------


def _files(repo: Repo, place: Place, env: Mapping[str, str], held: Held) -> None:
    """What is not committed, and what else lies in the way."""
    if not place.path.is_dir():
        staged = repo.call("diff-index", "--cached", "--name-only", "-z", "HEAD", "--", env=env, check=False)
        names = staged.stdout.decode(errors="surrogateescape").split("\0")
        held.files = [] if place.cut_off else [name for name in names if name]
        return
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    kind = "traditional" if place.ignored else "no"
    size = 0
    for line in repo.run(*_AS_THEY_ARE, *words, f"--ignored={kind}", env=env).split("\0"):
        state, path = line[:2], line[3:]
        if not path or (place.cut_off and _begun(repo, place, path)):
            continue
        if state in ("??", "!!") and path.endswith("/"):
            held.hindrance = f"{path} is a repository of its own"
        elif path in place.saved and digest(place.path / path) == place.saved[path]:
            held.copies.append(path)
        else:
            held.files.append(path)
            if state == "!!" and os.path.lexists(place.path / path):
                size += (place.path / path).lstat().st_size
    if size > MOST_IGNORED:
        held.hindrance = f"{size >> 20} MiB of ignored files are in it"
    held.hidden = [path for path in _hidden(repo, place, env) if path not in held.files]
    held.files += held.hidden


def _begun(repo: Repo, place: Place, path: str) -> bool:
    """Whether a file is missing, or the beginning of what git was about to write there."""
    here = place.path / path
    if here.is_symlink() or not here.is_file():
        return not os.path.lexists(here)
    whole = repo.reader.read(f"{_head(repo, place) or place.tip}:{path}")
    return whole is not None and whole.startswith(here.read_bytes())


def _hidden(repo: Repo, place: Place, env: Mapping[str, str]) -> Iterator[str]:
    """Files that git was told not to look at (assume-unchanged, skip-worktree), and that are not what they were."""
    for line in repo.run(*_AS_THEY_ARE, "ls-files", "-v", "-s", "-z", env=env).split("\0"):
        if line[:1] != "S" and not line[:1].islower():
            continue
        head, _, path = line.partition("\t")
        _, mode, oid, _ = head.split(" ")
        here = place.path / path
        if not os.path.lexists(here) or mode == "160000":
            continue
        data = os.fsencode(here.readlink()) if here.is_symlink() else here.read_bytes()
        if blob_id(data, repo.hash) != oid:
            yield path


def _salvaged(repo: Repo, place: Place, held: Held) -> str:
    """A commit of all that lies in a work tree, as a stash would hold it: what is staged is its second parent.

    Raises `GuardError` where the files change meanwhile.
    """
    with _private(repo) as index:
        env = {**place.env, "GIT_INDEX_FILE": str(index)}
        head = _head(repo, place) or place.tip
        own = place.git_dir / "index"
        if own.exists() and not place.cut_off:
            index.write_bytes(own.read_bytes())
        else:
            repo.call(*NO_HOOKS, "read-tree", head, env=env)
        if held.hidden:
            names = "".join(f"{path}\0" for path in held.hidden).encode(errors="surrogateescape")
            for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
                repo.call(*_AS_THEY_ARE, "update-index", flag, "-z", "--stdin", input=names, env=env)
        staged = repo.call(*NO_HOOKS, "write-tree", env=env, check=False)  # it cannot where a merge is under way
        tree = staged.stdout.decode().strip()
        if place.path.is_dir():
            tree = _added(repo, place, env)
            if _added(repo, place, env) != tree:
                raise GuardError(
                    "contention", f"files of {place.path} change while they are saved", "somebody is at work there"
                )
        parents = ["-p", head]
        if staged.returncode == 0 and staged.stdout.decode().strip() not in (tree, _tree(repo, head)):
            said = f"index of {place.path.name}"
            parents += ["-p", _commit(repo, staged.stdout.decode().strip(), ["-p", head], said)]
        return _commit(repo, tree, parents, f"guard worktree: what {place.path.name} held and nobody had committed")


def _added(repo: Repo, place: Place, env: Mapping[str, str]) -> str:
    """The tree of all files."""
    force = ["--force"] if place.ignored else []
    repo.call(*_AS_THEY_ARE, "-c", "core.safecrlf=false", "add", "--all", *force, "--", ":/", env=env)
    return repo.run(*NO_HOOKS, "write-tree", env=env).strip()


def _commit(repo: Repo, tree: str, parents: Iterable[str], message: str) -> str:
    return repo.run("commit-tree", *parents, "-m", message, tree, env=AS_GUARD).strip()


def _tree(repo: Repo, commit: str) -> str:
    return repo.commit(commit).tree


@contextmanager
def _private(repo: Repo) -> Iterator[Path]:
    """A name for an index of our own."""
    folder = repo.common_dir / "guard"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="salvage-", dir=folder) as made:
        yield Path(made, "index").absolute()


# --- commits ---------------------------------------------------------------------------------------------------


def _head(repo: Repo, place: Place) -> str:
    """The commit that is checked out; empty where there is none, or making the work tree was cut off before."""
    if not (place.git_dir / "HEAD").exists():
        return ""
    done = repo.call("rev-parse", "--verify", "--quiet", "HEAD^{commit}", env=place.env, check=False)
    return done.stdout.decode().strip()


def commits(repo: Repo, policy: Policy, place: Place) -> list[str]:
    """The commits that are named by a work tree or its branches and that no lasting ref has; none has another."""
    named = {_head(repo, place)}
    for branch in place.branches:
        named.add(repo.resolve(f"refs/heads/{branch}") or "")
        named |= _walked(repo, f"refs/heads/{branch}", {})
    if place.git_dir.is_dir():
        named |= _walked(repo, "HEAD", place.env)
        notes = [place.git_dir / name for name in _NOTES]
        notes += [path for path in (place.git_dir / "refs").rglob("*") if path.is_file()]
        named |= {word for path in notes if path.is_file() for word in path.read_text(errors="replace").split()[:1]}
    known = [oid for oid in sorted(named) if len(oid) == len(repo.null) and repo.resolve(oid)]
    if not known:
        return []
    lasting = ["--remotes", f"--glob={RESCUE}*"]
    if repo.resolve(f"refs/heads/{policy.branch}") and policy.branch not in place.branches:
        lasting.append(f"refs/heads/{policy.branch}")
    asked = "".join(f"{oid}\n" for oid in known).encode()
    done = repo.call("rev-list", "--stdin", "--not", *lasting, input=asked)
    alone = set(done.stdout.decode().split())
    mine = [oid for oid in known if oid in alone]
    return repo.run("merge-base", "--independent", *mine).split() if len(mine) > 1 else mine


def _walked(repo: Repo, ref: str, env: Mapping[str, str]) -> set[str]:
    """The commits that a ref has pointed at, as its reflog knows."""
    return set(repo.call("log", "-g", "--format=%H", ref, "--", env=env, check=False).stdout.decode().split())
