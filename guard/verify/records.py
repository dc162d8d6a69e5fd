"""Which deltas the pages of a commit record."""

from guard.errors import Unseen
from guard.git import Repo
from guard.plan import adopted, start
from guard.policy import Policy
from guard.restore import is_recorded, recorded_digests


class Records:
    """What pages record, asked of one repository; what there was at adoption counts as recorded."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self._old: dict[str, set[str]] = {}

    def has(self, commit: str, policy: Policy, path: str, oid: str) -> bool:
        """Whether a delta is in its page, or was merged by whatever merged before guard did, at a commit.

        Raises `Unseen` where its content, or what there was at adoption, is not in this clone.
        """
        if oid in self._adopted(policy):
            return True
        data = self.repo.reader.read(oid)
        if data is None:
            raise Unseen(f"its content, {oid[:12]}, is not in this clone")
        if is_recorded(self.repo, commit, path[len(policy.inbox) :], data, policy.laws):
            return True
        first = start(policy)
        if first is not None and self.repo.resolve(first) is None:
            raise Unseen(f"whether it was merged before {first[:12]} cannot be told, which is not in this clone")
        return False

    def _adopted(self, policy: Policy) -> set[str]:
        key = policy.baseline or ""
        if key not in self._old:
            self._old[key] = adopted(self.repo, policy)
        return self._old[key]

    def all_of(self, tip: str, policy: Policy, other: str) -> bool:
        """Whether the pages of `tip` record everything that those of another commit do."""
        for change in self.repo.changes(tip, other, policy.laws.pages):
            here, there = (
                recorded_digests(self.repo.reader.read(oid) or b"") if oid != self.repo.null else set()
                for oid in (change.old, change.new)
            )
            if there - here:
                return False
        return True
