"""`guard restore`: canonical files again as a good commit had them, with every delta that was merged since."""

import posixpath
import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import NewCommit, write_commit
from guard.history import RESTORE_TRAILER
from guard.hub.hub import Hub, Snapshot
from guard.plan import LAST_SECOND, Tree, policy_at, start
from guard.policy import Policy
from guard.publish import CANDIDATE, Offer, hub, publish
from guard.report import Report, number
from guard.restore import counts, rebuild
from guard.verify.range import dirty_at, verify, wrong_rev
from guard.verify.recompute import newest_merge
from guard.verify.verified import VERIFIED, reached


class _Job:
    def __init__(self, repo: Repo, paths: Sequence[str], to: str | None, report: Report) -> None:
        self.repo = repo
        self.paths = paths
        self.to = to
        self.report = report
        self.rev = ""
        self.deltas = 0
        self.changed: dict[str, tuple[dict[str, int], dict[str, int]]] = {}

    def offer(self, snapshot: Snapshot) -> Offer | None:
        """The restoring commit on top of the tip; None where the files are right already."""
        tip = snapshot.tip
        if tip is None:
            raise GuardError("usage", "there is no commit to restore from", "the state branch has none", "git fetch")
        policy = policy_at(self.repo, tip)
        _restorable(policy, self.paths)
        self.rev = self._rev(policy, tip)
        wrong = wrong_rev(self.repo, policy, self.rev, tip)
        if wrong:
            raise GuardError("usage", wrong, "only a state that the branch had, and that verifies, can be restored")
        self._verified(policy)
        rebuilt = rebuild(self.repo, policy, self.rev, tip, newest_merge(self.repo, policy, self.rev))
        self.deltas = rebuilt.deltas
        now = Tree(self.repo, tip)
        wanted = _with_recounted(policy, self.paths)
        present = {path for _, _, path in self.repo.tree(tip, "") if policy.is_canonical(path)}
        files: dict[str, bytes | None] = {}
        known = present | rebuilt.files.keys()
        for asked in self.paths:
            if not any(_within(path, asked) for path in known):
                raise GuardError(
                    "usage",
                    f"{asked} is neither in {self.rev[:12]}, to restore from, nor in {tip[:12]}, now",
                    "a mistyped name must not look like a file that is as it should be",
                    f"git ls-tree -r --name-only {self.rev[:12]} (shows which files there are)",
                )
        for path in sorted(known):
            if not any(_within(path, each) for each in wanted):
                continue
            good = rebuilt.files.get(path)
            if good != now.get(path):
                files[path] = good
                self.changed[path] = (counts(now.get(path)), counts(good))
        if not files:
            return None
        parent = self.repo.commit(tip)
        message = f"guard: restore {', '.join(files)[:60]}\n\n{RESTORE_TRAILER}: {self.rev}\n"
        new = NewCommit(tip, policy.author, max(0, min(parent.time, LAST_SECOND)), message, files)
        return Offer(write_commit(self.repo, new, CANDIDATE))

    def _rev(self, policy: Policy, tip: str) -> str:
        """The commit to restore from: asked for, or the last one before the files went wrong."""
        if self.to is not None:
            rev = self.repo.resolve(self.to)
            if rev is None:
                raise GuardError(
                    "usage",
                    f"{self.to} is not a commit here",
                    "there is nothing to rebuild from; nothing was changed",
                    "guard restore PATH --to REV, or without --to",
                )
            return rev
        good = newest_merge(self.repo, policy, tip) or policy.baseline
        if good is None or self.repo.resolve(good) is None:
            why = "no merge was made yet and guard.toml names no baseline, so nothing says which state was right"
            raise GuardError("usage", "there is no verified state to start from", why, "guard restore PATH --to REV")
        wrong = {
            problem.commit
            for problem in verify(self.repo, self._since(policy, tip, good), tip).problems
            if problem.code == "G101" and any(_within(problem.path, asked) for asked in self.paths)
        }
        line = self.repo.run("rev-list", "--first-parent", "--reverse", tip).split()
        for before, commit in pairwise(line):
            if commit in wrong or (wrong & self._merged_in(before, commit)):
                return before
        return tip

    def _since(self, policy: Policy, tip: str, good: str) -> str | None:
        """Where to begin to look: what was verified here, else adoption. A merge folds on what it finds, so the
        newest good merge may itself stand on a file that was wrong before."""
        verified = reached(self.repo, VERIFIED, tip)
        if verified is not None:
            return verified
        baseline = policy.baseline
        return baseline if baseline and self.repo.resolve(baseline) else start(policy) or good

    def _merged_in(self, before: str, commit: str) -> set[str]:
        """The commits that a commit of the first-parent line brought in."""
        if len(self.repo.commit(commit).parents) < 2:
            return set()
        return set(self.repo.run("rev-list", f"{before}..{commit}").split())

    def _verified(self, policy: Policy) -> None:
        wrong = dirty_at(self.repo, policy, self.rev)
        if wrong:
            raise GuardError(
                "state",
                f"{self.rev[:12]} does not verify: {', '.join(sorted(wrong)[:5])}",
                "restoring from it would restore what is wrong in it",
                f"guard restore {' '.join(map(shlex.quote, sorted(wrong)[:5]))}",
            )


def _within(path: str, asked: str) -> bool:
    """Whether a file is the one that was asked for, or lies in the folder that was."""
    return path == asked or path.startswith(asked.rstrip("/") + "/")


def _with_recounted(policy: Policy, paths: Sequence[str]) -> list[str]:
    """The paths, and the file of totals where it counts records of a file among them."""
    laws = policy.laws
    recounted = any(each.file in paths for each in laws.maps if each.file in laws.totals.recounts.values())
    return [*paths, *([laws.totals.file] if recounted else [])]


def _restorable(policy: Policy, paths: Sequence[str]) -> None:
    for path in paths:
        folder = path.rstrip("/") + "/x.json"
        if not (policy.is_canonical(path) or policy.is_canonical(folder)):
            name = f"guard restore PATH, with one of {', '.join(policy.canonical)}"
            raise GuardError(
                "usage",
                f"{path or 'the empty path'} is not canonical state",
                "guard restore rebuilds what only a merge may write",
                name if path in ("", ".") else f"git restore --source=REV -- {path}",
            )


def run(repo: Repo, paths: Sequence[str], to: str | None, report: Report) -> int:
    """Restore and publish; says what every file held before and holds now."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    paths = [
        posixpath.normpath(repo.prefix + path) if path and not policy.is_canonical(path) else path for path in paths
    ]
    place = hub(repo, policy)
    value = restored(repo, place, paths, to, report)
    if value["commit"] is None:
        held = f"{', '.join(paths)} holds what {value['rev'][:12]} and the deltas since make"
        report.say(f"nothing to restore: on {place.name}, {held}")
    report.result({**value, "exit": 0})
    return 0


def restored(repo: Repo, place: Hub, paths: Sequence[str], to: str | None, report: Report) -> dict[str, Any]:
    """Rebuild files and publish them; returns the commit (None where they are right already) and what was counted."""
    job = _Job(repo, paths, to, report)
    with report.working("restoring") as progress:
        _, offer = publish(place, job.offer, progress)
    value = {"rev": job.rev, "deltas": job.deltas}
    if offer is None:
        return {**value, "commit": None, "files": {}}
    report.say(
        f"restored from {job.rev[:12]} and {number(job.deltas, 'delta')} merged since: {(offer.commit or '')[:12]}"
    )
    rows = [
        (path, key, str(before.get(key, "-")), str(after.get(key, "-")))
        for path, (before, after) in sorted(job.changed.items())
        for key in (sorted(before.keys() | after.keys()) or ["-"])
    ]
    report.table(("file", "records", "before", "now"), rows, right=(2, 3))
    files = {path: {"before": before, "after": after} for path, (before, after) in job.changed.items()}
    return {**value, "commit": offer.commit, "files": files}
