"""Recomputing history: does every commit hold the canonical bytes that the merge makes, and nothing else?

A trailer is a claim. What counts is that the bytes can be computed again from the commit's parent and the deltas.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.objects import Change, Commit, blob_id
from guard.history import is_recount, restored, trailer
from guard.plan import Tree, policy_at, start
from guard.policy import FILE, Policy
from guard.restore import rebuild
from guard.verify.beside import deltas, texts
from guard.verify.chain import OLDER, Link, State
from guard.verify.made_good import Tip
from guard.verify.recompute import FORGED, Problem, differences, newest_claim, newest_merge
from guard.verify.records import Records
from guard.verify.signed import fault
from guard.verify.verdict import Verdict
from merge.files import BadState, recounted

# --- a range ---------------------------------------------------------------------------------------------------


def verify(
    repo: Repo, old: str | None, new: str, note: Callable[[int, int], None] = lambda _done, _all: None
) -> Verdict:
    """Judge every commit of `old`..`new`, oldest first; `old` is taken for good. None judges all of history."""
    return _Walk(repo, old, new).judge(note)


@dataclass
class Canonical:
    """What a range does to canonical state, commit by commit."""

    foreign: dict[str, dict[str, str]]
    """Commit -> path ("" for the commit as a whole) -> why its bytes are not those of a merge or a restore."""
    computed: set[str]
    """Merges and restores that were made again, byte for byte."""
    newest: dict[str, str]
    """Commit with several parents -> the one whose state contains the others'."""
    unseen: dict[str, dict[str, str]]
    """As `foreign`, where it cannot be told in this clone."""
    verdict: Verdict
    """All that was found in the range, canonical or not."""


def canonical(repo: Repo, old: str | None, new: str) -> Canonical:
    """What every commit of `old`..`new` does to canonical state, whether or not a later one makes it good."""
    walk = _Walk(repo, old, new)
    verdict = walk.judge(lambda _done, _all: None)
    foreign, unseen = _by_commit((*verdict.problems, *verdict.repaired)), _by_commit(verdict.unseen)
    return Canonical(foreign, walk.computed | walk.restored, walk.newest, unseen, verdict)


def _by_commit(problems: Iterable[Problem]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for problem in problems:
        if problem.code == "G101":
            found.setdefault(problem.commit, {})[problem.path] = problem.what
    return found


def dirty_at(repo: Repo, policy: Policy, commit: str) -> frozenset[str]:
    """The canonical files that do not verify at a commit, from adoption up to it."""
    first = policy.baseline if policy.baseline and set(policy.baseline) != {"0"} else None
    if first is not None and not repo.is_ancestor(first, commit):
        first = None
    walk = _Walk(repo, first, commit)
    walk.judge(lambda _done, _all: None)
    return walk.states[commit].dirty if commit in walk.states else frozenset()


class _Walk:
    """One verification of a range."""

    def __init__(self, repo: Repo, old: str | None, new: str) -> None:
        self.repo = repo
        self.old = old
        self.verdict = Verdict(tip=new)
        self.states: dict[str, State] = {}
        self.records = Records(repo)
        self.apart: dict[str, list[str]] = {}  # commits that join two states -> their parents
        self.computed: set[str] = set()  # merges that were made again: they may drop deltas
        self.restored: set[str] = set()  # restores that were made again, and ways back to good bytes
        self.newest: dict[str, str] = {}  # commits with several parents -> the one with the newest state
        self.edge = repo.edge()
        self.policy = cache(self._policy)
        self._known_before = cache(self._merge_before)
        if old is not None:
            self.states[old] = State(Link(old, 0, None))

    def judge(self, note: Callable[[int, int], None]) -> Verdict:
        commits = self._commits()
        for done, (commit, parents, changes) in enumerate(commits):
            note(done, len(commits))
            self.verdict.commits += 1
            if commit in self.edge:
                self.verdict.begun.append(commit)
                self.states[commit] = State(Link(commit, 0, None))
            elif len(parents) > 1:
                self._several_parents(commit, parents)
            else:
                self._one_parent(commit, parents[0] if parents else None, changes)
        note(len(commits), len(commits))
        tip = self.verdict.tip
        Tip(self.records, tip, self.policy(tip), self._state(tip).dirty, self.apart).sort_out(self.verdict)
        return self.verdict

    def _commits(self) -> list[tuple[str, list[str], list[Change]]]:
        """The commits of the range with their parents and, for those with one, what they change."""
        words = ("--topo-order", "--reverse", "--no-diff-merges", "--root", self.verdict.tip)
        return list(self.repo.history(*words, *([f"^{self.old}"] if self.old else [])))

    def _policy(self, commit: str | None) -> Policy:
        """The policy at a commit; where guard.toml cannot be read, the one before it: nothing is free because of it."""
        try:
            return policy_at(self.repo, commit)
        except Unseen:
            raise
        except GuardError:
            parents = self.repo.commit(commit or "").parents
            return self.policy(parents[0]) if parents else Policy()

    def _state(self, commit: str | None) -> State:
        if commit is None:
            return State(OLDER)
        return self.states.get(commit) or State(Link(commit, -1, None))

    def _beyond(self, link: Link, policy: Policy) -> tuple[str | None, bool]:
        """The newest merge up to a state, and whether it is known to be right; only a merge has to ask for it."""
        if link.merge is not None:
            return link.merge, link.merge in self.computed
        merge, sure = self._known_before(link.root) if link.root else (None, True)
        first = start(policy)
        return merge or (first if first is not None and self.repo.resolve(first) else None), sure

    def _merge_before(self, root: str) -> tuple[str | None, bool]:
        """The newest merge up to where what is known begins: one that can be made again, else what says it is one."""
        policy = self.policy(root)
        if root not in self.edge:
            try:
                return newest_merge(self.repo, policy, root), True
            except Unseen:
                pass
        return newest_claim(self.repo, policy, root), False

    def _one_parent(self, commit: str, parent: str | None, changes: list[Change]) -> None:
        policy = self.policy(parent)
        before = self._state(parent)
        canonical = [change for change in changes if policy.is_canonical(change.path)]
        self.states[commit] = before
        if canonical and policy.baseline:
            self._canonical(self.repo.commit(commit), {change.path for change in canonical}, before)
        elif policy.baseline is None and self.policy(commit).baseline is not None:
            self._adoption(commit, canonical)
        elif policy.baseline and not canonical:
            self._empty_claim(commit)
        self._baseline(commit, policy)
        if any(change.path == FILE for change in changes):
            try:
                policy_at(self.repo, commit)
            except GuardError as error:
                self.verdict.problem(commit, FILE, "G108", "; ".join(error.what.split("\n  ")).replace(":; ", ": ", 1))
        if commit not in self.computed:
            deltas(self.records, self.verdict, commit, policy, changes)
        texts(self.repo, self.verdict, commit, policy, changes, changes)

    def _baseline(self, commit: str, policy: Policy) -> None:
        """The baseline that was there before a commit stays what it is."""
        now = self.policy(commit).baseline
        if policy.baseline and not now:
            what = "it takes the baseline away: canonical state is not protected from here on"
            self.verdict.problem(commit, FILE, "G108", what)
        elif policy.baseline and now != policy.baseline:
            what = "it moves the baseline: what was delivered before it would count as merged"
            self.verdict.problem(commit, FILE, "G108", what)

    def _canonical(self, commit: Commit, paths: set[str], before: State) -> None:
        """A commit that changes canonical files: a merge's, a restore's, a way back, or nobody's."""
        link = before.link
        rev = restored(commit.message)
        if is_recount(commit.message) and not self._miscounted(commit, paths):
            self.restored.add(commit.id)
            self.verdict.restores += 1
            self.states[commit.id] = State(link.then(commit.id, link.merge), before.dirty)
            return
        if rev is not None:
            try:
                problems = self._restore(commit, rev, paths)
                self.verdict.restores += not problems
            except Unseen as error:
                self.verdict.cannot_see(commit.id, "", "G101", f"what it restores cannot be made again: {error.what}")
                problems = []
            if not problems:
                self.restored.add(commit.id)
                self.states[commit.id] = State(link.then(commit.id, link.merge), before.dirty - paths)
                return
        elif before.dirty and self._back(commit.id, paths, before):
            self.restored.add(commit.id)
            # A merge on top of an edit holds the edit: what was wrong in it is wrong again.
            self.states[commit.id] = State(link, before.dirty - (paths - self._state(link.commit).dirty))
            return
        else:
            try:
                problems = self._differences(commit, link)
            except Unseen as error:
                if trailer(commit.message) is not None:
                    self.verdict.cannot_see(commit.id, "", "G101", error.what)
                    self.states[commit.id] = State(link.then(commit.id, commit.id), before.dirty)
                    return
                problems = [Problem(commit.id, "", "G101", error.what)]  # a merge always says that it is one
            if not problems:
                self.verdict.merges += 1
                unsigned = fault(self.repo, self.policy(commit.parents[0]), commit.id, commit.parents[0])
                if unsigned:
                    self.verdict.problem(commit.id, "", "G101", f"it is the merge's, but {unsigned}")
                self.computed.add(commit.id)
                self.states[commit.id] = State(link.then(commit.id, commit.id), before.dirty)
                return
            if trailer(commit.message) is None:
                problems = [Problem(commit.id, path, "G101", "changed outside a merge") for path in sorted(paths)]
        if all(problem.what.startswith(FORGED) for problem in problems):
            self.verdict.problems += problems
            self.states[commit.id] = State(link.then(commit.id, link.merge), before.dirty)
            return
        for problem in problems:  # where its message is what tells, everything that it wrote is wrong
            named = [problem.path] if problem.path else sorted(paths)
            self.verdict.problems += [Problem(commit.id, path, problem.code, problem.what) for path in named]
        self.states[commit.id] = State(link, before.dirty | paths)

    def _differences(self, commit: Commit, link: Link) -> list[Problem]:
        """Where a commit differs from the merge; raises `Unseen` where that hangs on what this clone does not have."""
        beyond, sure = self._beyond(link, self.policy(commit.parents[0]))
        problems = differences(self.repo, commit, beyond)
        if problems and not sure:
            raise Unseen(f"whether it is the merge's hangs on {str(beyond)[:12]}, which cannot be made again here")
        return problems

    def _miscounted(self, commit: Commit, paths: set[str]) -> bool:
        """Whether a recount holds other bytes than counting its parent's files anew gives."""
        parent = commit.parents[0]
        try:
            files = recounted(Tree(self.repo, parent), self.policy(parent).laws)
        except BadState:
            return True
        expected = {path: blob_id(data, self.repo.hash) for path, data in files.items()}
        actual = {change.path: change.new for change in self.repo.changes(parent, commit.id) if change.path in paths}
        return expected != actual

    def _back(self, commit: str, paths: set[str], before: State) -> bool:
        """Whether a commit puts files back to the last good state's bytes."""
        good = before.link.commit
        return bool(good) and not self.repo.changes(good, commit, *sorted(paths))

    def _restore(self, commit: Commit, rev: str, paths: set[str]) -> list[Problem]:
        parent = commit.parents[0]
        policy = self.policy(parent)
        wrong = wrong_rev(self.repo, policy, rev, parent)
        if wrong:
            return [Problem(commit.id, "", "G101", wrong)]
        if self.states[rev].dirty if rev in self.states else dirty_at(self.repo, policy, rev):
            return [Problem(commit.id, "", "G101", f"{rev[:12]}, which it restores, does not verify itself")]
        try:
            rebuilt = rebuild(self.repo, policy, rev, parent, newest_merge(self.repo, policy, rev))
        except Unseen:
            raise
        except GuardError as error:
            return [Problem(commit.id, "", "G101", error.what)]
        actual = {change.path: change.new for change in self.repo.changes(parent, commit.id)}
        problems = []
        for path in sorted(paths):
            data = rebuilt.files.get(path)
            expected = blob_id(data, self.repo.hash) if data is not None else self.repo.null
            if actual[path] != expected:
                what = f"it holds other bytes than {rev[:12]} and the deltas since"
                problems.append(Problem(commit.id, path, "G101", what))
        return problems

    def _adoption(self, commit: str, canonical: list[Change]) -> None:
        """The commit that adopts guard may create canonical files that are missing, and change none."""
        for change in canonical:
            if change.old_mode != "000000":
                self.verdict.problem(commit, change.path, "G101", "changed by the commit that adopts guard")
        before = self._state(commit)
        changed = {change.path for change in canonical if change.old_mode != "000000"}
        self.states[commit] = State(before.link.then(commit, before.link.merge), before.dirty | changed)

    def _empty_claim(self, commit: str) -> None:
        """A trailer on a commit that changes nothing canonical claims a merge that did not happen."""
        if commit in self._claiming:
            message = self.repo.commit(commit).message
            if trailer(message) or restored(message):
                what = "it claims to be a merge or a restore and changes nothing canonical"
                self.verdict.problem(commit, "", "G101", what)

    @cached_property
    def _claiming(self) -> set[str]:
        """The commits of the range whose message has one of the trailers."""
        words = ["--grep=^Guard-Merge:", "--grep=^Guard-Restore:", "--format=%H", self.verdict.tip]
        return {record.decode().strip() for record in self.repo.log(*words, *([f"^{self.old}"] if self.old else []))}

    def _several_parents(self, commit: str, parents: list[str]) -> None:
        """A git merge holds the canonical bytes of the parent whose state contains the others'."""
        states = [(self._state(parent), parent) for parent in parents]
        state, parent = max(states, key=lambda pair: pair[0].link.depth)
        if state.link.depth < 0:
            state, parent = self._newest_before(states)
        apart = [other for other, _ in states if not state.link.contains(other.link)]
        unseen = bool(apart) and bool(self.edge) and any(each.link.root != state.link.root for each in apart)
        if unseen:  # where they parted is not here: the pages say what each of them holds
            state, parent, apart = self._by_pages(commit, states)
        self.states[commit] = state
        self.newest[commit] = parent
        policy = self.policy(parent)
        if not policy.baseline:
            return
        self._baseline(commit, policy)
        if apart and unseen:
            what = "where the states that it joins parted is not in this clone, and neither records all of the other's"
            self.verdict.cannot_see(commit, "", "G101", what)
        elif apart:
            self.verdict.problem(commit, "", "G101", "it joins two states of which neither contains the other")
            self.apart[commit] = parents
        compared = [self.repo.changes(each, commit) for each in parents]
        wrong = {change.path for change in compared[parents.index(parent)] if policy.is_canonical(change.path)}
        for path in sorted(wrong):
            self.verdict.problem(commit, path, "G101", f"it differs from {parent[:12]}, the newest state it joins")
        self.states[commit] = State(state.link, state.dirty | wrong)
        # What differs from every parent is the joining commit's own doing; what a parent had may not go either way.
        own = set.intersection(*({change.path for change in changes} for changes in compared))
        gone = [change for changes in compared for change in changes if change.new_mode == "000000"]
        mine = [change for change in compared[0] if change.path in own and change.new_mode != "000000"]
        deltas(self.records, self.verdict, commit, policy, [*mine, *{change.path: change for change in gone}.values()])
        for changes in compared:
            texts(
                self.repo, self.verdict, commit, policy, [change for change in changes if change.path in own], changes
            )

    def _newest_before(self, states: list[tuple[State, str]]) -> tuple[State, str]:
        """Of parents whose states are all from before the range, the one that contains the others' where one does: a
        branch may have taken in what the range's beginning was some time ago."""
        for state, parent in states:
            if all(self._came_before(other.link.commit, state.link.commit) for other, _ in states):
                return state, parent
        return states[0]

    def _came_before(self, old: str, new: str) -> bool:
        """Whether a commit's state is contained in that of another."""
        if old in ("", new) or self.repo.is_ancestor(old, new):
            return True
        if not new:
            return False
        base = self.repo.run("merge-base", old, new, check=False).strip()
        policy = self.policy(old)
        return bool(base) and not any(policy.is_canonical(each.path) for each in self.repo.changes(base, old))

    def _by_pages(self, commit: str, states: list[tuple[State, str]]) -> tuple[State, str, list[State]]:
        """The parent whose pages record all that the others' do, else the one whose bytes a join has; and the rest."""
        for state, parent in states:
            policy = self.policy(parent)
            if all(self.records.all_of(parent, policy, other) for _, other in states):
                return state, parent, []
        kept = [
            (state, parent)
            for state, parent in states
            if not any(self.policy(parent).is_canonical(each.path) for each in self.repo.changes(parent, commit))
        ]
        state, parent = (kept or states)[0]
        return state, parent, [other for other, name in states if name != parent]


def wrong_rev(repo: Repo, policy: Policy, rev: str, tip: str) -> str | None:
    """Why canonical files may not be restored from `rev`, None where they may; raises `Unseen` where it is not here."""
    if repo.resolve(rev) is None:
        if repo.edge():
            raise Unseen(f"{rev[:12]} is not in this clone")
        return f"{rev[:12]} is not in this clone"
    older = [f"^{parent}" for parent in repo.commit(rev).parents if rev not in repo.edge()]
    if rev not in repo.run("rev-list", "--first-parent", tip, *older).split():
        return f"{rev[:12]} is not on the branch's first-parent line: what it holds was never the branch's state"
    baseline = start(policy)
    if baseline is not None and repo.resolve(baseline) and not repo.is_ancestor(baseline, rev):
        return f"{rev[:12]} is older than the adoption of guard"
    return None
