"""What a server judges before its refs move: the state branch, whole, and the refs that guard keeps beside it.

Nothing counts as judged because its objects are here already: whoever pushes a side branch first and moves the state
branch there afterwards brings everything that lies between the old tip and the new one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from guard.errors import GuardError, Unseen
from guard.finding import Finding
from guard.git import Repo
from guard.judge import allowable, judge, rules
from guard.ordinary import others
from guard.policy import FILE, Policy, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard.counts import Listing
    from guard.inbox import Fault
    from guard.observe.commits import Judged
    from guard.rule import Rule
    from guard.verify.range import Canonical

# What only some pushes need is imported where they need it: most bring ordinary commits.

REFS = "refs/guard/"
"""Below this stands what guard shares beside the branch, unless policy gives it another name; see `guard.hub`."""

LARGEST_POLICY = 64 * 1024
"""Bytes of guard.toml: people write a few thousand, and every push reads it."""

_KEPT = ("verified", "audited", "checked/", "merged/", "records/", "delivery/", "remotes/", "rescue/")

OWN = tuple(f"{REFS}{kind}" for kind in _KEPT)
"""Refs in which each repository keeps what it has seen or judged itself: nobody else tells it."""

MOST_NAMED = 5000
"""So many commits are named to git by themselves; of more, the whole range is judged."""

_DELTA = re.compile(r"(0|[1-9][0-9]{0,9})/([^/]+)/([0-9a-f]{16})", re.ASCII)


_Found = dict[tuple[str, str, str], list[Finding]]
"""What was found, by commit, code and path."""


@dataclass(frozen=True)
class Move:
    """A ref that is to move; None for no object."""

    old: str | None
    new: str | None
    ref: str


@dataclass
class Judgement:
    """What is against moves, if anything is."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[GuardError] = field(default_factory=list)
    """What is against them that is no rule's matter."""
    allowed: list[tuple[str, str, str]] = field(default_factory=list)
    """(commit, code, reason) of what trailers let pass."""
    commits: int = 0
    leaving: list[str] = field(default_factory=list)
    """Commits of deltas that go though nobody could tell whether they are merged."""

    @property
    def refused(self) -> bool:
        """Whether anything is against them."""
        return bool(self.findings or self.errors)


def judged(repo: Repo, moves: Sequence[Move], branch: str, now: float, *, together: bool = True) -> Judgement:
    """Judge the moves of one push; `branch` is the state branch, `now` the seconds since 1970.

    Not `together` says that this is one move of a push whose others cannot be seen. Raises `GuardError` for what cannot
    be judged.
    """
    moves, main = _led(repo, moves, f"refs/heads/{branch}")
    court = _Court(repo, main, now, together=together)
    court.begin(next((move.old for move in moves if move.ref == court.main), None) or repo.resolve(court.main))
    for move in moves:
        if move.ref.lower() == court.main.lower():
            court.state(move)
    court.others(moves)
    return court.said


def proposed(repo: Repo, old: str | None, new: str, now: float) -> Judgement:
    """Judge what `new` would bring to the branch that is at `old`, as a server would judge a push of it.

    Unlike a push it need not hold `old` yet: that is what a pull request is. `old` None is a branch that is not there.
    Raises `GuardError` for what cannot be judged.
    """
    court = _Court(repo, "", now, together=True)
    court.begin(old)
    court.bring(old, new)
    return court.said


def _led(repo: Repo, moves: Sequence[Move], main: str) -> tuple[list[Move], str]:
    """The moves, each of the ref that really moves, and the state branch likewise: a symbolic ref leads to another."""
    if not any(move.ref.startswith("refs/heads/") and move.ref != main for move in moves):
        return list(moves), main
    lines = repo.run("for-each-ref", "--format=%(symref) %(refname)", "refs/heads/").splitlines()
    leads = {name: target for target, _, name in (line.partition(" ") for line in lines) if target}
    return [Move(move.old, move.new, leads.get(move.ref, move.ref)) for move in moves], leads.get(main, main)


class _Court:
    """One judgement."""

    def __init__(self, repo: Repo, main: str, now: float, *, together: bool) -> None:
        self.repo = repo
        self.main = main
        self.now = now
        self.together = together
        self.said = Judgement()
        self.tips: list[str] = []
        """Where pages may record a delta: the branch as it is, and as it may be in a moment."""
        self.policy = Policy()
        """What the branch asks for as it is, whatever is pushed."""
        self._pages: dict[tuple[str, int], set[str]] = {}

    def _refuse(self, what: str, why: str, fix: str) -> None:
        self.said.errors.append(GuardError("state", what, why, fix))

    def begin(self, tip: str | None) -> None:
        """Take what the branch holds now for good."""
        if tip is None:
            return
        self.tips.append(tip)
        try:
            self.policy = parse(self.repo.file(tip, FILE))
        except Unseen:
            raise
        except GuardError:  # it must be mended by a push: until then the policy before it judges on
            from guard.observe.commits import Policies

            self.policy = Policies(self.repo).before([tip])

    # --- the state branch --------------------------------------------------------------------------------------

    def state(self, move: Move) -> None:
        """Judge a move of the state branch."""
        name = self.main.removeprefix("refs/heads/")
        if move.ref != self.main:
            why = "some systems take the two for one, and the other one would move unjudged"
            self._refuse(f"{move.ref} is {self.main} in other letters", why, "push it under another name")
        elif move.new is None:
            why = "it is what every session works on, and what makes it again is not here"
            self._refuse(f"{name} may not be deleted", why, "git push origin HEAD:refs/heads/ANOTHER-NAME")
        elif move.old is not None and not self.repo.is_ancestor(move.old, move.new):
            why = f"what came to {name} since would be taken back from everybody: it goes forward only"
            what = f"{name} would lose commits: {move.new[:12]} does not hold {move.old[:12]}"
            self._refuse(what, why, f"git pull --rebase=false origin {name}, then git push")
        else:
            self.bring(move.old, move.new)
            if not self.said.refused:
                self.tips.append(move.new)

    def bring(self, old: str | None, new: str) -> None:
        """Judge what comes with `new` to a branch that is at `old`, or is new."""
        self._range(old or self._adoption(new), new)

    def _adoption(self, new: str) -> str | None:
        """What is taken for good of a branch that is new: what was there when it adopted guard."""
        from guard.observe.commits import Policies

        baseline = Policies(self.repo).before([new]).baseline
        if baseline is None:
            return new
        if not baseline.strip("0"):
            return None
        if self.repo.resolve(baseline) is None or not self.repo.is_ancestor(baseline, new):
            what = f"the baseline {baseline[:12]} is not in what is pushed"
            raise GuardError("policy", what, "it says from where on commits are judged", f"guard init, or edit {FILE}")
        return baseline

    def _range(self, old: str | None, new: str) -> None:
        """Judge every commit between two, each by the policy of the old tip, and by one that came in between."""
        if self.repo.edge() & set(self._between(old, new)):
            raise Unseen("what is pushed begins in the middle of its history", "nobody can tell what it changed")
        standing = self.policy if old and old in self.tips and self.repo.file(old, FILE) is not None else None
        only, self.said.commits = self._worth(old, new, standing)
        if only == []:
            return
        from guard.observe.commits import Policies, commits
        from guard.observe.contents import Contents
        from guard.verify.range import canonical

        state = cache(lambda: canonical(self.repo, old, new))
        contents = Contents(self.repo)
        found: _Found = {}
        looser = recompute = False  # whether guard.toml has changed on the way; whether anything is to be made again
        try:
            for each in commits(self.repo, old, new, contents, state, only):
                change = each.change
                policy = standing or each.policy
                self._commit(each, policy, found)
                if looser and each.policy != policy:
                    self._commit(each, each.policy, found)
                    self._add(found, each, self._freed(each, policy))
                touched = any(file.path == FILE for file in change.files)
                looser = looser or touched
                recompute = recompute or touched or "Guard-" in (change.message or "")
                recompute = recompute or any(each.policy.is_canonical(file.path) for file in change.files)
            if recompute:
                self._history(state(), found)
            if looser:
                self._usable(Policies(self.repo).before([new]), new)
        except GuardError:
            if not found:  # else there is enough to refuse it for, and that says more
                raise
        finally:
            contents.close()
        self.said.findings += [finding for same in found.values() for finding in same]

    def _worth(self, old: str | None, new: str, standing: Policy | None) -> tuple[list[str] | None, int]:
        """The commits that have to be judged, None for all, and how many there are."""
        if old is None or standing is None:
            return None, int(self.repo.run("rev-list", "--count", new, *([f"^{old}"] if old else [])))
        only, number = others(self.repo, old, new, standing)
        return (only if len(only) <= MOST_NAMED else None), number

    def _between(self, old: str | None, new: str) -> list[str]:
        return self.repo.run("rev-list", new, *([f"^{old}"] if old else [])).split() if self.repo.edge() else []

    def _commit(self, each: "Judged", policy: Policy, found: "_Found") -> None:
        """Judge a commit by a policy, as if it were made now."""
        from guard.inbox import too_far
        from guard.observe import counter

        change = each.change
        passing = dict(change.allowances)
        coming = [file for file in change.files if file.added and policy.in_inbox(file.path)]
        change.instant = self.now
        change.counter = counter(self.repo, policy, each.parent) if coming and each.parent else None
        self._add(found, each, judge(change, policy, allowed=passing))
        if change.computed:  # a merge takes in what was delivered, and that was judged where it was
            for file in coming:
                name, data = file.path[len(policy.inbox) :], change.read(file.new)
                told = too_far(file.path, name, data or b"", "file", policy, change.counter, self.now)
                self._add(found, each, _findings("G102", file.path, told))
        known = [rule for rule in rules() if rule.code in passing]
        for code in sorted(allowable(known, policy, passing)):
            said = (change.commit, code, passing[code])
            if said not in self.said.allowed:
                self.said.allowed.append(said)

    @staticmethod
    def _add(found: "_Found", each: "Judged", findings: Iterable[Finding]) -> None:
        for finding in findings:
            finding.commit = each.change.commit
            key = (finding.commit, finding.code, finding.path)
            if finding.message not in [other.message for other in found.get(key, [])]:
                found.setdefault(key, []).append(finding)

    @staticmethod
    def _freed(each: "Judged", policy: Policy) -> Iterator[Finding]:
        """Canonical files that a policy which came with the same push does not protect any more."""
        own = each.policy
        if not policy.baseline or each.change.computed:
            return
        for file in each.change.files:
            if policy.is_canonical(file.path) and not (own.baseline and own.is_canonical(file.path)):
                what = f"it is canonical by the {FILE} that the branch has; a looser one counts from the next push on"
                yield _rule("G101").stamp(Finding(file.path, what, f"push the commit that changes {FILE} by itself"))

    def _history(self, state: "Canonical", known: Iterable[tuple[str, str, str]]) -> None:
        """What recomputing the range says beyond the rules: claims without a merge, a baseline taken away, ..."""
        said, seen = state.verdict, set(known)
        for problem in (*said.problems, *said.repaired, *said.unseen):
            if (problem.commit, problem.code, problem.path) in seen:
                continue
            finding = _rule(problem.code).stamp(Finding(problem.path, problem.what))
            finding.commit, finding.unread = problem.commit, problem in said.unseen
            self.said.findings.append(finding)

    def _usable(self, policy: Policy, tip: str) -> None:
        """Refuse a policy that every later push would wait for: it is used here, once, while there is a deadline."""
        from guard.counts import states

        found = self.repo.reader.find(f"{tip}:{FILE}")
        if found is not None and len(found.data) > LARGEST_POLICY:
            what = f"it has {len(found.data)} bytes, and {LARGEST_POLICY} are the most"
            self.said.findings.append(_rule("G108").stamp(Finding(FILE, what, f"edit {FILE}")))
            return
        for _ in states(policy.counts, lambda path: self.repo.reader.read(f"{tip}:{path}"), self._paths(tip)):
            pass  # what they say is a rule's matter; here it counts that they come to an end

    def _paths(self, tip: str) -> "Listing":
        return cache(lambda folder: [path for _, _, path in self.repo.tree(tip, folder)])

    # --- what stands beside it ---------------------------------------------------------------------------------

    def others(self, moves: Sequence[Move]) -> None:
        """Judge the moves of guard's own refs; every other ref may move."""
        policy = self.policy
        shared = [move for move in moves if move.ref.startswith((REFS, policy.refs)) and move.ref != self.main]
        if not shared:
            return
        from guard import observe

        counter = observe.counter(self.repo, policy, self.tips[0]) if self.tips else None
        found = self.repo.reader.find_many([move.new for move in shared if move.new])
        kinds = iter([each and each.kind for each in found])  # the reader answers in order, and is asked more below
        for move in shared:
            kind = next(kinds) if move.new else None
            if move.new and kind != "commit":
                why = "every ref of guard's points to a commit, and whoever reads them relies on that"
                self._refuse(f"{move.ref} would not point to a commit", why, "guard claim, guard delta push")
            elif move.ref.startswith(OWN) and (move.new or move.ref.startswith(f"{REFS}rescue/")):
                why = "a repository keeps there what it has judged, seen or saved itself, and nobody else can tell it"
                self._refuse(f"{move.ref} is not for others to set", why, "push branches and tags by name")
            elif move.ref.startswith(f"{policy.refs}deltas/"):
                self._delta(move, policy, counter)

    def _delta(self, move: Move, policy: Policy, counter: int | None) -> None:
        """Judge a ref that delivers a delta: it comes once, never changes, and goes when the delta is merged."""
        if move.new and move.old and move.new != move.old:
            self._against(
                "G103", move, [("$", "a delivered delta is replaced", "deliver a correction: guard delta new")]
            )
        elif move.new:
            self._against("G102", move, self._faults(move.ref, move.new, policy, counter))
        elif move.old and not self._recorded(move.ref, move.old, policy) and not self._bad(move, policy, counter):
            if self.together:
                fault = ("$", "a delta goes that no page records yet", "guard merge")
                self._against("G103", move, [fault])
            else:
                self.said.leaving.append(move.old)

    def _against(self, code: str, move: Move, found: "Iterable[Fault]") -> None:
        self.said.findings += _findings(code, move.ref, found)

    def _bad(self, move: Move, policy: Policy, counter: int | None) -> bool:
        """Whether a delta that goes could not come today: then nothing is lost with it."""
        assert move.old is not None
        return next(iter(self._faults(move.ref, move.old, policy, counter)), None) is not None

    def _faults(self, ref: str, commit: str, policy: Policy, counter: int | None) -> "Iterator[Fault]":
        from guard.inbox import faults
        from merge.delta import digest_of, file_name

        named = _DELTA.fullmatch(ref[len(policy.refs) + len("deltas/") :])
        if named is None:
            yield "$", "no delta has this name: it is deltas/FRAME/STREAM/DIGEST", "guard delta push"
            return
        data = self._data(ref, commit, policy)
        if data is None:
            yield "$", f"it holds no delta of frame {named[1]}", "guard delta push"
        elif digest_of(data)[:16] != named[3]:
            yield "$", f"its name says {named[3]}, its content is {digest_of(data)[:16]}", "guard delta push"
        else:
            name = file_name(int(named[1]), named[2], named[3])
            yield from faults(name, name, data, "file", policy, counter, self.now)

    def _data(self, ref: str, commit: str, policy: Policy) -> bytes | None:
        """The delta that a ref delivers, as the merge would find it."""
        from guard.history import delivered
        from merge.delta import digest_of, file_name

        prefix = f"{policy.refs}deltas/"
        frame, stream, wanted = ref[len(prefix) :].split("/")
        found = self.repo.reader.find(f"{commit}:{file_name(int(frame), stream)}")
        if found is not None and found.kind == "blob" and digest_of(found.data)[:16] == wanted:
            return found.data
        held = delivered(self.repo, {ref: commit}, prefix)
        return self.repo.reader.read(held[0].oid) if held else None

    def _recorded(self, ref: str, commit: str, policy: Policy) -> bool:
        """Whether a page of the branch records what a ref delivers."""
        from merge.delta import digest_of

        named = _DELTA.fullmatch(ref[len(policy.refs) + len("deltas/") :])
        data = self._data(ref, commit, policy) if named else None
        if named is None or data is None:
            return False
        return any(digest_of(data) in self._page(tip, int(named[1]), policy) for tip in self.tips)

    def _page(self, tip: str, frame: int, policy: Policy) -> set[str]:
        from guard.restore import recorded_digests
        from merge.fold import page_path

        key = (tip, frame)
        if key not in self._pages:
            self._pages[key] = recorded_digests(self.repo.reader.read(f"{tip}:{page_path(frame, policy.laws)}") or b"")
        return self._pages[key]


def _findings(code: str, path: str, found: "Iterable[Fault]") -> list[Finding]:
    return [_rule(code).stamp(Finding(path, f"{where}: {what}", fix)) for where, what, fix in found]


def _rule(code: str) -> "Rule":
    return next(rule for rule in rules() if rule.code == code)
