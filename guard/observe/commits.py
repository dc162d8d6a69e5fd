"""What every commit of a range alters, each judged by the policy of its old side."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice

from guard.change import Change, File
from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.objects import Change as Difference
from guard.git.objects import parse_raw
from guard.observe import Recorded, listing_after, listing_of
from guard.observe.contents import Contents
from guard.observe.joins import Bases, answered
from guard.policy import FILE, Policy, parse, pathspec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard.verify.range import Canonical  # a commit hook seldom recomputes anything


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
    globs = (*policy.canonical, *grows)
    return [f":(top,literal){FILE}", f":(top,literal){policy.inbox.rstrip('/')}", *map(pathspec, globs)]


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
        for file in answered(sides, Bases(self._repo, each.parents, specs)):
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

        listing = listing_of(self._repo, parent)
        touched = bool(policy.baseline) and any(policy.is_canonical(file.path) for file in files)
        return Change(
            files,
            read=read,
            old=old,
            new=lambda path: read(f"{each.id}:{path}"),
            listing=listing,
            listed=listing_after(listing, files) if len(each.parents) < 2 else listing_of(self._repo, each.id),
            commit=each.id,
            message=each.message,
            author=each.author,
            foreign=lambda: self.state.foreign.get(each.id, {}),
            unseen=(lambda: self.state.unseen.get(each.id, {})) if touched else dict,
            recorded=Recorded(self._repo, policy, each.id),
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
