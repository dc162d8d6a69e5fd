"""git -> `Change`: what an index, a commit, a range of commits or files on disk would alter.

The commit hook loads this at every judgement: what only some changes need is imported where they need it.
"""

import os
import posixpath
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from itertools import islice
from pathlib import Path

from guard.certain import FAILURES as UNCERTAIN
from guard.certain import frame_of
from guard.change import NONE, Bulk, Change, File
from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.objects import Change as Difference
from guard.git.objects import blob_id, parse_raw
from guard.git.reader import Reader
from guard.identity import heard
from guard.identity import session as own_session
from guard.policy import FILE, Policy, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard.neighbours import Neighbours
    from guard.verify.range import Canonical  # a commit hook seldom recomputes anything

EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
"""git's names of the tree without files."""


def file_of(difference: Difference, side: int = 0) -> File:
    """A line of git's raw output, of a comparison with one of the parents, as rules see it."""
    return File(difference.path, difference.old_mode, difference.new_mode, difference.old, difference.new, side)


def reading(repo: Repo) -> Callable[[str], bytes | None]:
    """How blobs are read: None for one that is not there."""
    return lambda oid: repo.reader.read(oid) if oid.strip("0") else None


# --- the index -------------------------------------------------------------------------------------------------


def staged(
    repo: Repo,
    policy: Policy,
    *,
    index: str | None = None,
    command: Sequence[str] = (),
    others: Sequence[str] = (),
    head: str = "HEAD",
) -> Change:
    """What a commit of the index would alter.

    `index` is another index file than the repository's own, `others` are commits that are merged, `head` is the commit
    that it was made from, where that is known: such an index takes back nothing that it does not mean to.
    """
    env = {"GIT_INDEX_FILE": index} if index else {}
    differences = _staged(repo, head, env, check=False)
    born = differences is not None
    if differences is None:
        differences = _staged(repo, EMPTY_TREE[repo.hash], env) or []
    joined = (_merge_heads(repo) or others) if born else []
    names = [head, *joined]
    sides = [differences, *(_staged(repo, name, env) or [] for name in joined)]
    files = _answered(sides, _Bases(repo, names)) if joined else [file_of(each) for each in differences]
    at = {each.path: file_of(each) for each in differences}
    read = reading(repo)
    session = own_session(repo) or ""

    @cache
    def near() -> "Neighbours":
        from guard.neighbours import Neighbours  # here: not every judgement gets so far

        return Neighbours(repo, policy, session, new, names)

    def old(path: str, side: int = 0, /) -> bytes | None:
        return repo.reader.read(f"{names[side]}:{path}") if born else None

    def new(path: str) -> bytes | None:
        if path in at:
            return None if at[path].deleted else read(at[path].new)
        return old(path)

    listing = _listing(repo, head if born else None)
    return Change(
        files,
        read=read,
        old=old,
        new=new,
        listing=listing,
        listed=_after(listing, list(at.values())),
        foreign=lambda: _foreign_in_index(repo, policy, names, sides),
        recorded=_Recorded(repo, policy, head),
        counter=counter(repo, policy, head) if any(policy.in_inbox(file.path) for file in files) else None,
        instant=time.time(),
        bulk=bulk(repo),
        command=command,
        parents=len(names),
        session=session,
        lanes=lambda: near().lanes() if heard(repo) else (),
        elsewhere=lambda file: near().elsewhere(file),
        undoes=lambda file: near().undoes(file) if head == "HEAD" else "",
    )


def _staged(repo: Repo, commit: str, env: Mapping[str, str], *, check: bool = True) -> list[Difference] | None:
    """How the index differs from a commit; None where there is none and `check` is not set."""
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev", commit, "--")
    done = repo.call(*words, env=env, check=check)
    return parse_raw(done.stdout.decode(errors="surrogateescape")) if done.returncode == 0 else None


def _listing(repo: Repo, commit: str | None) -> Callable[[str], list[str]]:
    """Every path below a folder of a commit, asked for once."""
    return cache(lambda folder: [path for _, _, path in repo.tree(commit, folder)] if commit else [])


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
    return Bulk(command, [f"{posixpath.normpath(line)}/" for line in lines[1:] if line] if kind == "folders" else ())


def _merge_heads(repo: Repo) -> list[str]:
    try:
        return (repo.git_dir / "MERGE_HEAD").read_text().split()
    except OSError:
        return []


def _foreign_in_index(
    repo: Repo, policy: Policy, names: Sequence[str], sides: Sequence[Sequence[Difference]]
) -> dict[str, str]:
    """Canonical paths whose staged bytes are not those of the parent that holds the newest state."""
    changed = [[each.path for each in side if policy.is_canonical(each.path)] for side in sides]
    if len(names) == 1:
        return dict.fromkeys(changed[0], "canonical state is changed outside the merge")
    if not any(changed):
        return {}
    bases = _Bases(repo, names)
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        if not any(policy.is_canonical(path) for other in others for path in bases.between(place, other)):
            what = f"it differs from the newest state that this merge joins, {name[:12]}'s"
            return dict.fromkeys(changed[place], what)
    return {"": "it joins two states of which neither contains the other"}


# --- commits that join several ---------------------------------------------------------------------------------


class _Bases:
    """What each of several commits changed since it parted from the others, worked out where it is asked for."""

    def __init__(self, repo: Repo, names: Sequence[str], specs: Sequence[str] = ()) -> None:
        self._repo = repo
        self._names = names
        self._specs = specs

    def changed(self, place: int) -> set[str]:
        """The paths that a commit changed since it parted from the rest."""
        rest = [other for other in range(len(self._names)) if other != place]
        return self._since(place, rest, place)

    def between(self, place: int, other: int) -> set[str]:
        """The paths that another commit changed since the two parted."""
        return self._since(place, [other], other)

    def _since(self, place: int, rest: Sequence[int], side: int) -> set[str]:
        words = ("merge-base", self._names[place], *(self._names[other] for other in rest))
        base = self._repo.call(*words, check=False).stdout.decode().strip() or EMPTY_TREE[self._repo.hash]
        return {each.path for each in self._repo.changes(base, self._names[side], *self._specs)}


def _answered(sides: Sequence[Sequence[Difference]], bases: _Bases) -> list[File]:
    """What a join answers for: where it is like no parent, and what a parent changed and it does not have.

    `sides` are its differences from each parent. What merely came from one parent was judged where it was made.
    """
    held = Counter(each.path for side in sides for each in side)
    files: dict[tuple[str, str, str], File] = {}
    for place, side in enumerate(sides):
        theirs = [each for each in side if held[each.path] < len(sides) and each.old_mode != NONE]
        dropped = bases.changed(place) if theirs else set()
        for each in side:
            if held[each.path] == len(sides) or (each.old_mode != NONE and each.path in dropped):
                files.setdefault((each.path, each.old_mode, each.old), file_of(each, place))
    return list(files.values())


class _Recorded:
    """Whether a page at a commit records a delta, or whatever merged before guard was adopted did."""

    def __init__(self, repo: Repo, policy: Policy, commit: str) -> None:
        self._repo = repo
        self._policy = policy
        self._commit = commit

    def __call__(self, file: File) -> bool:
        """Whether a delta that goes was merged."""
        from guard.restore import is_recorded

        if file.old in self._adopted:
            return True
        data = self._repo.reader.read(file.old)
        name = file.path[len(self._policy.inbox) :]
        return data is not None and is_recorded(self._repo, self._commit, name, data, self._policy.laws)

    @cached_property
    def _adopted(self) -> set[str]:
        from guard.plan import adopted

        return adopted(self._repo, self._policy)


def counter(repo: Repo, policy: Policy, commit: str) -> int | None:
    """The newest closed frame, here or at the hub as far as it was fetched; None where nothing readable says it."""
    names = (commit, f"refs/remotes/{policy.remote}/{policy.branch}")
    try:
        newest = max(frame_of(repo.reader.read(f"{name}:{policy.laws.counter}")) for name in names)
    except UNCERTAIN:
        from guard.plan import Tree, frame_counter

        try:
            newest = max(frame_counter(Tree(repo, name), policy.laws) for name in names)
        except GuardError:  # that file is another rule's; who adds a delta cannot mend it
            return None
    return newest if newest >= 0 else None


# --- commits ---------------------------------------------------------------------------------------------------


class Judged:
    """A commit of a range: its change, its first parent, and the policy that judges it, which is its old side's."""

    def __init__(self, change: Change, policy: Policy, parent: str = "") -> None:
        self.change = change
        self.policy = policy
        self.parent = parent


class _Logged:
    """A commit as `git log` shows it; `own` are the files in which it differs from every parent."""

    __slots__ = ("author", "id", "message", "own", "parents")

    def __init__(self, head: str) -> None:
        self.id, *self.parents = head.removeprefix("commit:").split()
        self.author = self.message = ""
        self.own: list[File] = []


def commits(
    repo: Repo,
    old: str | None,
    new: str,
    contents: "Contents | None" = None,
    state: "Callable[[], Canonical] | None" = None,
    only: Sequence[str] | None = None,
) -> Iterator[Judged]:
    """Every commit of `old`..`new`, parents first; all of history where `old` is None.

    `contents` is where contents are read; `present` is one that fetches nothing. `state` is what says what the range
    does to canonical state, for who wants to know it too. `only` are some of its commits, in their order. What a
    shallow clone begins with is left out: nobody can tell what those commits changed.
    """
    if only is not None and not only:
        return  # git would take no commit for HEAD
    begun = repo.edge()
    range_words = ("--topo-order", "--reverse", new, *([f"^{old}"] if old else []))
    words = ("--root", "--diff-merges=combined", *(range_words if only is None else ("--no-walk=unsorted", *only)))
    log = (each for each in _log(repo, *words) if each.id not in begun)
    policies = Policies(repo)
    range_ = _Range(repo, old, new, contents or Contents(repo), state)
    while batch := list(islice(log, 256)):
        for each in batch:
            policies.note(each)
        joins = _joins(repo, [each for each in batch if len(each.parents) > 1], policies)
        judged = [range_.judged(each, policies, joins.get(each.id)) for each in batch]
        if contents is not None:
            contents.expect([file.new for each in judged for file in each.change.files if file.plain])
        yield from judged


class Contents:
    """Where the contents of a range are read; `missing` are the blobs that were not there."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._ahead: Reader | None = None
        self._expected: Iterator[str] = iter(())
        self._coming: Iterator[bytes | None] = iter(())
        self._next: str | None = None
        self.missing: set[str] = set()

    def read(self, name: str) -> bytes | None:
        """A blob's bytes, by its id or as `<commit>:<path>`; None where it is not there."""
        if not name.strip("0"):
            return None
        if name == self._next:
            data = next(self._coming)
            self._next = next(self._expected, None)
        else:
            data = self._repo.reader.read(name)
        if data is None and ":" not in name:
            self.missing.add(name)
        return data

    def expect(self, names: Sequence[str]) -> None:
        """Say what will be read next, in this order: git works ahead on it, in a process of its own."""
        if self._ahead is not None and self._next is not None:  # it did not come to that, and the answers are not ours
            self.close()
        if self._ahead is None:
            self._ahead = Reader(self._repo)
        self._expected, self._coming = iter(names), (each and each.data for each in self._ahead.find_many(names))
        self._next = next(self._expected, None)

    def close(self) -> None:
        """End what was started."""
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = self._next = None


@contextmanager
def present(repo: Repo) -> Iterator[Contents]:
    """The contents that this clone has. In a partial clone git would fetch whatever it lacks, one by one."""
    asked = ("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$")
    if repo.call(*asked, check=False).returncode != 0:
        contents = Contents(repo)
        try:
            yield contents
        finally:
            contents.close()
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # a repository with the same objects that knows no remote
        repo.run("init", "-q", "--bare", f"--object-format={repo.hash}", "--template=", folder)
        objects = os.fspath((repo.common_dir / "objects").absolute())
        quoted = '"' + objects.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"\n'
        Path(folder, "objects", "info").mkdir(exist_ok=True)
        Path(folder, "objects", "info", "alternates").write_bytes(os.fsencode(quoted))
        beside = Repo(folder)
        contents = Contents(beside)
        try:
            yield contents
        finally:
            contents.close()
            beside.close()


def _log(repo: Repo, *words: str) -> Iterator[_Logged]:
    """Commits with their message and what they change, from one git."""
    fixed = ("--raw", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=none", "--encoding=UTF-8")
    records = repo.log("--format=commit:%H %P%x00%an <%ae>%x00%B%x00", *fixed, *words)
    texts = (record.decode(errors="surrogateescape") for record in records)
    commit: _Logged | None = None
    for text in texts:
        said = text.removeprefix("\n")
        if said.startswith("commit:"):
            if commit is not None:
                yield commit
            commit = _Logged(said)
            commit.author, commit.message = next(texts), next(texts)
        elif said.startswith(":") and commit is not None:
            commit.own += _raw(said, next(texts))
    if commit is not None:
        yield commit


def _raw(head: str, path: str) -> list[File]:
    """A line of raw output as files, one for each parent that it is compared with."""
    number = len(head) - len(head.lstrip(":"))
    fields = head[number:].split(" ")
    modes, oids = fields[: number + 1], fields[number + 1 : 2 * number + 2]
    sides = list(zip(modes[:-1], oids[:-1], strict=True))
    return [File(path, mode, modes[-1], oid, oids[-1], sides.index((mode, oid))) for mode, oid in dict.fromkeys(sides)]


_Join = tuple[list[list[Difference]], list[str]]
"""How a commit differs from each of its parents in what policies name, and the pathspecs that say what that is."""


def _joins(repo: Repo, merges: Sequence[_Logged], policies: "Policies") -> dict[str, _Join]:
    """The differences of each merge from each of its parents, from one git for all of them."""
    pairs = [(each.id, parent) for each in merges for parent in each.parents]
    if not pairs:
        return {}
    specs = list(dict.fromkeys(spec for _, parent in pairs for spec in _specs(policies.before([parent]))))
    words = ("diff-tree", "--stdin", "--always", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", "--", *specs)
    asked = "".join(f"{commit} {parent}\n" for commit, parent in pairs)
    found: dict[str, _Join] = {each.id: ([], specs) for each in merges}
    fields = iter(repo.run(*words, input=asked.encode()).split("\0"))
    side: list[Difference] = []
    for field in fields:
        if field.startswith(":"):
            side += parse_raw(f"{field}\0{next(fields)}\0")
        elif field:
            side = []
            found[field][0].append(side)
    return found


def _specs(policy: Policy) -> list[str]:
    """Pathspecs of what a policy watches by path."""
    grows = (glob for globs in policy.append_globs().values() for glob in globs)
    globs = (f":(top,glob){glob}" for glob in (*policy.canonical, *grows))
    return [f":(top,literal){FILE}", f":(top,literal){policy.inbox.rstrip('/')}", *globs]


class _Range:
    """What is known of a range while its commits are judged."""

    def __init__(
        self,
        repo: Repo,
        old: str | None,
        new: str,
        contents: Contents,
        state: "Callable[[], Canonical] | None",
    ) -> None:
        self._repo = repo
        self._ends = old, new
        self._read = contents.read
        self._state = state

    @cached_property
    def state(self) -> "Canonical":
        """What the range does to canonical state: worked out only where a commit touches it."""
        from guard.verify.range import canonical

        return self._state() if self._state else canonical(self._repo, *self._ends)

    def judged(self, each: _Logged, policies: "Policies", join: _Join | None) -> Judged:
        """A commit, and the policy of its old side."""
        if join is not None:
            return self._join(each, policies, *join)
        policy = policies.before(each.parents)
        return Judged(self._change(each, policy, each.own), policy, "".join(each.parents[:1]))

    def _join(self, each: _Logged, policies: "Policies", sides: list[list[Difference]], specs: list[str]) -> Judged:
        """A commit with several parents: as `guard verify` judges it, and by what it has of neither or dropped."""
        before = [policies.before([parent]) for parent in each.parents]
        paths = {difference.path for side in sides for difference in side}
        side = each.parents[0]
        touched = any(policy.baseline for policy in before) and any(
            path == FILE or policy.is_canonical(path) for policy in before for path in paths
        )
        if touched:
            side = self.state.newest.get(each.id, side)
        policy = policies.before([side])
        known = {(file.path, file.old_mode, file.old): file for file in each.own}
        for file in _answered(sides, _Bases(self._repo, each.parents, specs)):
            known.setdefault((file.path, file.old_mode, file.old), file)
        change = self._change(each, policy, list(known.values()))
        change.foreign = (lambda: self.state.foreign.get(each.id, {})) if touched else dict
        change.unseen = (lambda: self.state.unseen.get(each.id, {})) if touched else dict
        return Judged(change, policy, each.parents[0])

    def _change(self, each: _Logged, policy: Policy, files: Sequence[File]) -> Change:
        """A commit as a change of its first parent."""
        parent = each.parents[0] if each.parents else None
        read = self._read

        def old(path: str, side: int = 0, /) -> bytes | None:
            return read(f"{each.parents[side]}:{path}") if each.parents else None

        listing = _listing(self._repo, parent)
        touched = bool(policy.baseline) and any(policy.is_canonical(file.path) for file in files)
        return Change(
            files,
            read=read,
            old=old,
            new=lambda path: read(f"{each.id}:{path}"),
            listing=listing,
            listed=_after(listing, files) if len(each.parents) < 2 else _listing(self._repo, each.id),
            commit=each.id,
            message=each.message,
            author=each.author,
            foreign=lambda: self.state.foreign.get(each.id, {}),
            unseen=(lambda: self.state.unseen.get(each.id, {})) if touched else dict,
            recorded=_Recorded(self._repo, policy, each.id),
            computed=touched and each.id in self.state.computed,
            parents=len(each.parents),
        )


class Policies:
    """The policy at each commit of a walk: read again only where guard.toml changed."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._known: dict[str | None, Policy] = {None: Policy()}
        self._stated: dict[bytes | None, Policy] = {}  # by what guard.toml holds: it seldom changes

    def before(self, parents: Sequence[str]) -> Policy:
        """The policy that judges a commit with these parents."""
        parent = parents[0] if parents else None
        if parent not in self._known:
            self._known[parent] = self._read(parent)
        return self._known[parent]

    def note(self, commit: _Logged) -> None:
        """Remember the policy at a commit."""
        same = len(commit.parents) == 1 and all(file.path != FILE for file in commit.own)
        self._known[commit.id] = self.before(commit.parents) if same else self._read(commit.id)

    def _read(self, commit: str | None) -> Policy:
        try:
            data = self._repo.file(commit, FILE) if commit else None
            if data not in self._stated:
                self._stated[data] = parse(data)
            return self._stated[data]
        except Unseen:
            raise
        except GuardError:  # what cannot be read frees nothing: the policy before it judges on
            parents = self._repo.commit(commit or "").parents
            return self.before(parents) if parents else Policy()


# --- files on disk ---------------------------------------------------------------------------------------------


def on_disk(repo: Repo, policy: Policy, paths: Sequence[str]) -> tuple[Change, int]:
    """Files of the work tree as if they were to be committed, and how many were looked at.

    `paths` are files or folders as git spells them, from the top, which is the empty one. What git ignores is looked
    at only where it is named. Raises `GuardError` for a path that is neither on disk nor in HEAD.
    """
    born = repo.resolve("HEAD") is not None
    before = {path: (mode, oid) for mode, oid, path in repo.tree("HEAD", "")} if born else {}
    top = repo.top()
    names = dict.fromkeys(name for path in paths for name in _names(repo, top, path, before))
    contents: dict[str, bytes] = {}
    files: list[File] = []
    named: list[File] = []
    for path in names:
        old_mode, old = before.get(path, (NONE, ""))
        new_mode, data = _look(top / path)
        new = blob_id(data, repo.hash) if new_mode != NONE else ""
        if old_mode == "160000":  # a submodule: what lies in it is its own
            continue
        differs = new != old or new_mode[:3] != old_mode[:3]
        contents[new] = data
        (files if differs else named).append(File(path, old_mode, new_mode, old, new))
    read = reading(repo)
    at = {file.path: file for file in files}

    def find(oid: str) -> bytes | None:
        return contents[oid] if oid in contents else read(oid)

    def old_file(path: str, _side: int = 0, /) -> bytes | None:
        return find(before[path][1]) if path in before else None

    def new_file(path: str) -> bytes | None:
        return (find(at[path].new) if not at[path].deleted else None) if path in at else old_file(path)

    def listing(folder: str) -> list[str]:
        return [path for path in before if path.startswith(f"{folder.rstrip('/')}/")] if folder else list(before)

    what = "canonical state is changed outside the merge"
    change = Change(
        files,
        read=find,
        old=old_file,
        new=new_file,
        listing=listing,
        listed=_after(listing, files),
        foreign=lambda: {file.path: what for file in files if policy.is_canonical(file.path)},
        recorded=_Recorded(repo, policy, "HEAD"),
        counter=counter(repo, policy, "HEAD"),
        instant=time.time(),
        named=named,
    )
    return change, len(names)


def _look(path: Path) -> tuple[str, bytes]:
    """The mode and the content of what lies at a path."""
    if path.is_symlink():
        return "120000", os.fsencode(path.readlink())
    if not path.is_file():
        return NONE, b""
    return "100755" if path.stat().st_mode & 0o100 else "100644", path.read_bytes()


def _names(repo: Repo, top: Path, path: str, before: Collection[str]) -> list[str]:
    """The files at a path: itself, or those below it, on disk or in HEAD."""
    here = top / path
    if path and (path in before or here.is_symlink() or (here.exists() and not here.is_dir())):
        return [path]
    prefix = f"{path}/" if path else ""
    spec = f":(top,literal){path}" if path else ":/"
    listed = repo.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", spec).split("\0")
    found = [name for name in (*listed, *before) if name.startswith(prefix) and name and not name.endswith("/")]
    if not found and not here.is_dir():
        raise GuardError(
            "usage", f"there is no file {path}, neither here nor in HEAD", "nothing was judged", "guard check PATH..."
        )
    return found
