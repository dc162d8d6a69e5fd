"""git -> `Change`: what an index, a commit, a range of commits or files on disk would alter."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, cached_property

from guard.change import NONE, Bulk, Change, File
from guard.errors import GuardError
from guard.git import Change as Difference
from guard.git import Repo, parse_raw
from guard.plan import Tree, frame_counter, policy_at, start
from guard.policy import FILE, Policy
from guard.verify import Canonical, canonical

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""git's names of the tree without files."""


def file_of(difference: Difference) -> File:
    """A line of git's raw output as rules see it."""
    return File(difference.path, difference.old_mode, difference.new_mode, difference.old, difference.new)


def reading(repo: Repo) -> Callable[[str], bytes | None]:
    """How blobs are read: None for one that this clone does not have; nothing is fetched for it."""
    return lambda oid: repo.reader.read(oid) if oid and set(oid) != {"0"} else None


# --- the index -------------------------------------------------------------------------------------------------


def staged(repo: Repo, policy: Policy, *, index: str | None = None, command: Sequence[str] = ()) -> Change:
    """What a commit of the index would alter. `index` is another index file than the repository's own."""
    env = {"GIT_INDEX_FILE": index} if index else {}
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev")
    done = repo.call(*words, "HEAD", "--", env=env, check=False)
    born = done.returncode == 0
    if not born:
        done = repo.call(*words, EMPTY_TREE[repo.hash], "--", env=env)
    files = [file_of(each) for each in parse_raw(done.stdout.decode(errors="surrogateescape"))]
    at = {file.path: file for file in files}
    read = reading(repo)

    def old(path: str) -> bytes | None:
        return repo.reader.read(f"HEAD:{path}") if born else None

    def new(path: str) -> bytes | None:
        if path in at:
            return None if at[path].deleted else read(at[path].new)
        return old(path)

    @cache
    def listing(folder: str) -> list[str]:
        return [path for _, _, path in repo.tree("HEAD", folder)] if born else []

    return Change(
        files,
        read=read,
        old=old,
        new=new,
        listing=listing,
        listed=_after(listing, files),
        foreign=lambda: _foreign_in_index(repo, policy, files, env),
        recorded=lambda file: recorded(repo, policy, "HEAD", file),
        counter=_counter(repo, policy, "HEAD") if any(policy.in_inbox(file.path) for file in files) else None,
        instant=time.time(),
        bulk=bulk(repo),
        command=command,
        parents=2 if born and (repo.git_dir / "MERGE_HEAD").exists() else 1,
    )


def _after(before: Callable[[str], list[str]], files: Sequence[File]) -> Callable[[str], list[str]]:
    """The listing after a change, from the one before it."""

    def listed(folder: str) -> list[str]:
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        paths = dict.fromkeys(before(folder))
        for file in files:
            if file.path.startswith(prefix):
                paths.pop(file.path, None)
                if not file.deleted:
                    paths[file.path] = None
        return list(paths)

    return listed


def bulk(repo: Repo) -> Bulk | None:
    """How the index was written, where the hook noted that it was in bulk; the note is gone when there is none."""
    try:
        lines = (repo.git_dir / "guard" / "bulk").read_text(errors="surrogateescape").split("\n")
    except OSError:
        return None
    kind, _, command = lines[0].partition(" ")
    return Bulk(command, [line for line in lines[1:] if line] if kind == "folders" else ())


def _foreign_in_index(repo: Repo, policy: Policy, files: Sequence[File], env: Mapping[str, str]) -> dict[str, str]:
    """Canonical paths whose staged bytes are not those of a parent that holds the newest state."""
    differs = [file.path for file in files if policy.is_canonical(file.path)]
    others = _merge_heads(repo)
    if not others:
        what = "canonical state is changed outside the merge"
        return dict.fromkeys(differs, what)
    names = ["HEAD", *others]
    changed = {name: _canonical_in_index(repo, policy, name, env) for name in names}
    newest = _newest(repo, policy, names)
    if newest is None:
        return {"": "it joins two states of which neither contains the other"}
    what = f"it differs from the newest state that this merge joins, {newest[:12]}'s"
    return dict.fromkeys(changed[newest], what)


def _merge_heads(repo: Repo) -> list[str]:
    try:
        return (repo.git_dir / "MERGE_HEAD").read_text().split()
    except OSError:
        return []


def _canonical_in_index(repo: Repo, policy: Policy, name: str, env: Mapping[str, str]) -> list[str]:
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", name, "--")
    return [each.path for each in parse_raw(repo.run(*words, env=env)) if policy.is_canonical(each.path)]


def _newest(repo: Repo, policy: Policy, names: Sequence[str]) -> str | None:
    """Which of several commits holds the state that contains the others'; None where none does."""
    for name in names:
        others = [other for other in names if other != name]
        bases = [repo.run("merge-base", name, other).strip() for other in others]
        changed = [
            each.path
            for base, other in zip(bases, others, strict=True)
            for each in repo.changes(base, other)
            if policy.is_canonical(each.path)
        ]
        if not changed:
            return name
    return None


def recorded(repo: Repo, policy: Policy, commit: str, file: File) -> bool:
    """Whether a page at a commit records a delta."""
    from guard.restore import recorded_digests
    from merge.delta import digest_of, frame_in_name
    from merge.fold import page_path, rejected_path

    baseline = start(policy)
    if baseline and file.old in {oid for _, oid, _ in repo.tree(baseline, policy.inbox)}:
        return True
    data = repo.reader.read(file.old)
    if data is None:
        return False
    frame = frame_in_name(file.path[len(policy.inbox) :])
    where = page_path(frame, policy.laws) if frame >= 0 else rejected_path(digest_of(data), policy.laws)
    sheet = repo.reader.read(f"{commit}:{where}")
    return sheet is not None and digest_of(data) in recorded_digests(sheet)


def _counter(repo: Repo, policy: Policy, commit: str) -> int | None:
    """The newest closed frame, here or at the hub as far as it was fetched."""
    hub = f"refs/remotes/{policy.remote}/{policy.branch}"
    counters = [frame_counter(Tree(repo, name), policy.laws) for name in (commit, hub)]
    return max(counters) if max(counters) >= 0 else None


# --- commits ---------------------------------------------------------------------------------------------------


class Judged:
    """A commit of a range: its change, and the policy that judges it, which is that of its old side."""

    def __init__(self, change: Change, policy: Policy) -> None:
        self.change = change
        self.policy = policy


def commits(repo: Repo, old: str | None, new: str) -> Iterator[Judged]:
    """Every commit of `old`..`new`, parents first; all of history where `old` is None."""
    words = ("--topo-order", "--reverse", "--no-diff-merges", "--root", new, *([f"^{old}"] if old else []))
    policies = _Policies(repo)
    state = _State(repo, old, new)
    for commit, parents, differences in repo.history(*words):
        policy = policies.before(parents)
        policies.note(commit, parents, [each.path for each in differences])
        if len(parents) > 1 and any(policies.before([parent]).baseline for parent in parents):
            side = state.found.newest.get(commit, parents[0])
            policy = policies.before([side])
            yield Judged(_commit(repo, policy, commit, parents, repo.changes(side, commit), state), policy)
        else:
            yield Judged(_commit(repo, policy, commit, parents, differences, state), policy)


class _State:
    """What a range does to canonical state, worked out only where a commit touches it."""

    def __init__(self, repo: Repo, old: str | None, new: str) -> None:
        self._range = repo, old, new

    @cached_property
    def found(self) -> Canonical:
        """What was found."""
        return canonical(*self._range)


def _commit(
    repo: Repo,
    policy: Policy,
    commit: str,
    parents: Sequence[str],
    differences: Sequence[Difference],
    state: _State,
) -> Change:
    files = [file_of(each) for each in differences]
    parent = parents[0] if parents else None
    read = reading(repo)
    touched = bool(policy.baseline) and any(policy.is_canonical(file.path) for file in files)
    data = repo.commit(commit)

    @cache
    def listing(folder: str) -> list[str]:
        return [path for _, _, path in repo.tree(parent, folder)] if parent else []

    return Change(
        files,
        read=read,
        old=lambda path: repo.reader.read(f"{parent}:{path}") if parent else None,
        new=lambda path: repo.reader.read(f"{commit}:{path}"),
        listing=listing,
        listed=_after(listing, files),
        commit=commit,
        message=data.message,
        author=data.author,
        foreign=lambda: state.found.foreign.get(commit, {}),
        recorded=lambda file: recorded(repo, policy, commit, file),
        computed=touched and commit in state.found.computed,
        parents=len(parents),
    )


class _Policies:
    """The policy at each commit of a walk: read again only where guard.toml changed."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._known: dict[str | None, Policy] = {None: Policy()}

    def before(self, parents: Sequence[str]) -> Policy:
        """The policy that judges a commit with these parents."""
        parent = parents[0] if parents else None
        if parent not in self._known:
            self._known[parent] = self._read(parent)
        return self._known[parent]

    def note(self, commit: str, parents: Sequence[str], paths: Collection[str]) -> None:
        """Remember the policy at a commit."""
        same = len(parents) == 1 and FILE not in paths
        self._known[commit] = self.before(parents) if same else self._read(commit)

    def _read(self, commit: str | None) -> Policy:
        try:
            return policy_at(self._repo, commit)
        except GuardError:  # what cannot be read frees nothing: the policy before it judges on
            parents = self._repo.commit(commit or "").parents
            return self.before(parents) if parents else Policy()


# --- files on disk ---------------------------------------------------------------------------------------------


def on_disk(repo: Repo, policy: Policy, paths: Sequence[str]) -> Change:
    """Files of the work tree as if they were to be committed; paths are as git spells them, from the top."""
    top = repo.top()
    contents: dict[str, bytes] = {}
    files = []
    born = repo.resolve("HEAD") is not None
    for path in paths:
        before = repo.run("ls-tree", "-z", "--full-tree", "HEAD", "--", path).rstrip("\0").split() if born else []
        old_mode, old = (before[0], before[2]) if before else (NONE, "")
        here = top / path
        if here.is_symlink():
            contents[f"disk:{path}"] = os.fsencode(here.readlink())
        elif here.is_file():
            contents[f"disk:{path}"] = here.read_bytes()
        new_mode = NONE if f"disk:{path}" not in contents else "120000" if here.is_symlink() else "100644"
        if contents.get(f"disk:{path}") != (repo.reader.read(old) if old else None):
            files.append(File(path, old_mode, new_mode, old, f"disk:{path}" if new_mode != NONE else ""))
    read = reading(repo)
    at = {file.path: file for file in files}

    def find(oid: str) -> bytes | None:
        return contents[oid] if oid in contents else read(oid)

    def old_file(path: str) -> bytes | None:
        return repo.reader.read(f"HEAD:{path}") if born else None

    def new_file(path: str) -> bytes | None:
        return (find(at[path].new) if not at[path].deleted else None) if path in at else old_file(path)

    @cache
    def listing(folder: str) -> list[str]:
        return [path for _, _, path in repo.tree("HEAD", folder)] if born else []

    return Change(
        files,
        read=find,
        old=old_file,
        new=new_file,
        listing=listing,
        listed=_after(listing, files),
        foreign=lambda: dict.fromkeys(
            [file.path for file in files if policy.is_canonical(file.path)],
            "canonical state is changed outside the merge",
        ),
        recorded=lambda file: recorded(repo, policy, "HEAD", file),
        counter=_counter(repo, policy, "HEAD"),
        instant=time.time(),
    )
