"""What a later commit of a range made good."""

from collections.abc import Mapping, Sequence

from guard.errors import GuardError, Unseen
from guard.plan import policy_at
from guard.policy import Policy
from guard.verify.recompute import Problem
from guard.verify.records import Records
from guard.verify.verdict import Verdict
from merge import values


class Tip:
    """The end of a range, asked what of the problems on the way it no longer has."""

    def __init__(
        self, records: Records, tip: str, policy: Policy, dirty: frozenset[str], apart: Mapping[str, Sequence[str]]
    ) -> None:
        self.repo = records.repo
        self.records = records
        self.tip = tip
        self.policy = policy
        self.dirty = dirty
        self.apart = apart
        """Commits that join two states -> their parents."""

    def sort_out(self, verdict: Verdict) -> None:
        """Set apart what a later commit of the range made good."""
        standing: list[Problem] = []
        for problem in verdict.problems:
            try:
                good = self._made_good(problem)
            except Unseen:
                good = False
            (verdict.repaired if good else standing).append(problem)
        verdict.problems = standing

    def _made_good(self, problem: Problem) -> bool:
        """Whether the tip no longer has what a problem says; raises `Unseen` where that cannot be told here."""
        if problem.code == "G101" and problem.path:
            return problem.path not in self.dirty
        if problem.commit in self.apart:
            return all(self.records.all_of(self.tip, self.policy, parent) for parent in self.apart[problem.commit])
        if problem.code == "G108":
            return "cannot be used" in problem.what and self._readable()
        if problem.code == "G103":
            return self._both_recorded(problem)
        return problem.code == "G106" and self._markers_gone(problem)

    def _readable(self) -> bool:
        try:
            policy_at(self.repo, self.tip)
        except GuardError:
            return False
        return True

    def _markers_gone(self, problem: Problem) -> bool:
        """Whether a file has no markers any more; a delta that has them is rejected, and that is all it can come to."""
        if self.policy.in_inbox(problem.path):
            oid = self.repo.run("rev-parse", f"{problem.commit}:{problem.path}").strip()
            return self.records.has(self.tip, self.policy, problem.path, oid)
        data = self.repo.reader.read(f"{self.tip}:{problem.path}")
        return data is None or not values.has_markers(data)

    def _both_recorded(self, problem: Problem) -> bool:
        """Whether a delta that was rewritten or deleted is in its page now, with what replaced it."""
        oids = {
            oid
            for parent in self.repo.commit(problem.commit).parents
            for change in self.repo.changes(parent, problem.commit)
            if change.path == problem.path
            for oid in (change.old, change.new)
        }
        return all(self.records.has(self.tip, self.policy, problem.path, oid) for oid in oids - {self.repo.null})
