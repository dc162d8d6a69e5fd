"""Making a merge commit again: is it what the merge makes on its parent, and which merge is the newest that is?"""

from collections.abc import Iterator
from dataclasses import dataclass

from guard.errors import OLDER, GuardError, Unseen, way_on
from guard.git import Repo
from guard.git.objects import Change, Commit, blob_id
from guard.history import Arrival, Trailer, trailer
from guard.plan import Plan, policy_at, start, work_out
from guard.policy import Policy
from guard.verify.verified import believed, note
from merge import ENGINE
from merge.engines import ENGINES

CHECKED = "refs/guard/checked/merge"
"""The newest merge that was made again here, so that the next run need not."""


FORGED = "its trailer is forged"
"""So a problem begins whose commit holds the merge's bytes and says something else of itself."""


@dataclass(frozen=True)
class Problem:
    """Something in history that should not be: the commit, the path, the rule's code, and what it is."""

    commit: str
    path: str
    code: str
    what: str


def differences(repo: Repo, commit: Commit, beyond: str | None) -> list[Problem]:
    """Where a merge commit differs from what the merge makes on its parent; `beyond` as in `work_out`.

    Raises `Unseen` where that could be because this clone lacks a part of the history since `beyond`, or because the
    commit says that a newer engine made it.
    """
    problems = _differences(repo, commit, beyond)
    edge = repo.edge() if problems else set()
    if edge and edge & set(repo.run("rev-list", commit.id, *([f"^{beyond}"] if beyond else [])).split()):
        raise Unseen(
            f"the merge {commit.id[:12]} cannot be made again from the history that is here",
            "it may hold deltas that were overwritten before this shallow clone begins",
        )
    return problems


def _differences(repo: Repo, commit: Commit, beyond: str | None) -> list[Problem]:
    parent = commit.parents[0]
    policy = policy_at(repo, parent)
    changes = repo.changes(parent, commit.id)
    said = trailer(commit.message)
    added = [change for change in changes if policy.in_inbox(change.path) and change.old_mode == "000000"]
    brought = [Arrival(change.path[len(policy.inbox) :], change.new_mode, change.new, "refs/") for change in added]
    engine = engine_of(commit.id, said)
    try:
        plan = work_out(repo, parent, policy, beyond, brought, said.close if said else None, engine=engine)
    except Unseen:
        raise
    except GuardError as error:
        return [Problem(commit.id, "", "G101", f"the merge cannot be made again on its parent: {error.what}")]
    if plan is None:
        return [
            Problem(
                commit.id, "", "G101", f"it says {said.text() if said else 'nothing'}, but nothing was to be merged"
            )
        ]
    problems = _different_files(repo, commit, plan, changes)
    if said is not None and not problems and said != plan.trailer:
        problems.append(Problem(commit.id, "", "G101", f"{FORGED}: the merge says {plan.trailer.text()}"))
    return problems


def engine_of(commit: str, said: Trailer | None) -> int:
    """The number of the engine with which a merge is recomputed: its own; a number that nobody ever had is forged.

    Raises `Unseen` for a newer engine than this guard has.
    """
    if said is None or said.engine <= ENGINE:
        return said.engine if said is not None and said.engine in ENGINES else ENGINE
    what = f"{OLDER} {commit[:12]}: engine {said.engine} made that, and the newest engine here is {ENGINE}"
    raise Unseen(what, "its bytes can be computed with its own engine only", way_on(what, ""))


def _different_files(repo: Repo, commit: Commit, plan: Plan, changes: list[Change]) -> list[Problem]:
    policy = plan.policy
    leaving = {path for path, data in plan.files.items() if data is None}
    expected = {path: blob_id(data, repo.hash) for path, data in plan.files.items() if data is not None}
    actual = {
        change.path: change.new
        for change in changes
        if policy.is_canonical(change.path) or policy.in_inbox(change.path)
    }
    problems = []
    for path in sorted(expected.keys() | actual.keys()):
        if path in actual and actual[path] == repo.null and path in leaving:
            continue
        if expected.get(path) != actual.get(path):
            problems.append(Problem(commit.id, path, "G101", "it holds other bytes than the merge makes"))
    modes = {change.path: change.new_mode for change in changes}
    for path in sorted(expected.keys() & actual.keys()):
        if modes[path] != "100644" and not any(problem.path == path for problem in problems):
            problems.append(Problem(commit.id, path, "G101", f"its mode is {modes[path]}"))
    return problems


def newest_merge(repo: Repo, policy: Policy, tip: str | None) -> str | None:
    """The newest merge in the history of `tip` that can be made again, else where adoption starts.

    What its history holds is merged. It is checked against its own parent, with the merge that is claimed before
    it for the boundary; `verify` checks the whole chain. Raises `Unseen` where this clone's history does not tell.
    """
    first = start(policy)
    if tip is None:
        return first
    if first is not None and repo.resolve(first) is None:
        raise Unseen(
            f"the baseline {first} is not in this clone",
            "without the history since adoption, deltas that were overwritten would be missed",
        )
    checked = believed(repo, CHECKED)
    for claim in _chain(repo, policy, tip, first):
        if claim == checked:
            return claim
        commit = repo.commit(claim)
        if _changes_nothing(repo, policy, commit):
            continue
        if len(commit.parents) == 1 and claim not in repo.edge():
            older = next(_chain(repo, policy, commit.parents[0], first), None)
            if not differences(repo, commit, older or first):
                note(repo, CHECKED, claim)
                return claim
    if first is None and repo.edge():
        raise Unseen(
            "this clone is shallow, and no merge in it tells how far the deltas are merged",
            "deltas that were overwritten before the history that is here would be missed",
        )
    return first


def _changes_nothing(repo: Repo, policy: Policy, commit: Commit) -> bool:
    """Whether a commit that says it is a merge of a newer engine is none: each merge changes canonical files."""
    said = trailer(commit.message)
    if said is None or said.engine <= ENGINE or len(commit.parents) != 1:
        return False
    return not any(policy.is_canonical(change.path) for change in repo.changes(commit.parents[0], commit.id))


def newest_claim(repo: Repo, policy: Policy, tip: str) -> str | None:
    """The newest commit in the visible history of `tip` that says it is a merge: for where none can be made again."""
    return next(_chain(repo, policy, tip, None), None)


def _chain(repo: Repo, policy: Policy, tip: str, first: str | None) -> Iterator[str]:
    """The commits that say they are merges, newest first, on the way that the pages of `tip` came.

    At a commit with several parents that is the parent with the same pages: what the others merged is not in the
    pages, and has to be merged again. It ends where no parent has them.
    """
    words = ("--topo-order", "--format=%H%x01%P%x01%(trailers:key=Guard-Merge)", tip)
    wanted: str | None = tip
    for record in repo.log(*words, *([f"^{first}"] if first else [])):
        name, parents, claim = record.decode(errors="replace").strip("\n").split("\1")
        if name != wanted:
            continue
        if claim:
            yield name
        wanted = _same_pages(repo, policy, name, tuple(parents.split()))
        if wanted is None:
            return


def _same_pages(repo: Repo, policy: Policy, commit: str, parents: tuple[str, ...]) -> str | None:
    if len(parents) < 2:
        return parents[0] if parents else None
    names = [f"{name}:{policy.laws.pages}" for name in (commit, *parents)]
    mine, *theirs = [repo.call("rev-parse", "--verify", "--quiet", name, check=False).stdout for name in names]
    return next((parent for parent, pages in zip(parents, theirs, strict=True) if pages == mine), None)
