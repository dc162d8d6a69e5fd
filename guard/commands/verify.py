"""`guard verify`: recompute history and name what differs."""

import gc

from guard.change import Change
from guard.delivery.undelivered import edited
from guard.errors import GuardError, way_on
from guard.git import Repo
from guard.plan import policy_at, start
from guard.policy import Policy
from guard.report import Report, number
from guard.verify.range import verify
from guard.verify.recompute import Problem
from guard.verify.verdict import Verdict
from guard.verify.verified import VERIFIED, note, reached

WHY = {
    "G101": "canonical state may change only to the bytes that the merge computes; anything else may have lost records",
    "G103": "a committed delta is never rewritten: frame 109 lost a post and 24 comments to an overwritten file",
    "G104": "rows and sections of an append-only file are other sessions' record of what they did",
    "G108": "who may switch protection off and on again within one history may write anything in between",
    "G106": "an autostash that failed left markers behind with exit status 0, and they were committed",
}


def run(repo: Repo, span: str | None, report: Report, *, full: bool = False) -> int:
    """Judge a range, by default since the last commit that was verified here, or all of it; returns 0 or 1."""
    gc.disable()  # as in merge
    if full and span is not None and ".." in span:
        why = "a range says itself where it begins"
        raise GuardError("usage", f"--full and {span} exclude each other", why, f"guard verify {span}")
    old, new = _span(repo, span, full=full)
    with report.working("verifying") as progress:
        verdict = verify(repo, old, new, lambda done, total: progress(f"verifying commit {done} of {total}"))
    if span is None and not (verdict.problems or verdict.unseen or verdict.begun):
        note(repo, VERIFIED, new)
    warnings = [*_begun(verdict), *edited(repo, policy_at(repo, repo.resolve("HEAD")))]
    for warning in warnings:
        report.warn(warning)
    return _tell(verdict, report, old, new, _unpushed(repo, new), warnings, _allowed(repo, old, new))


def _allowed(repo: Repo, old: str | None, new: str) -> list[dict[str, str]]:
    """What trailers say was let pass in a range: commit, code, reason."""
    words = ("--grep=^Guard-Allow:", "--format=%H%x01%B", new, *([f"^{old}"] if old else []))
    found = []
    for record in repo.log(*words):
        commit, _, message = record.decode(errors="replace").strip("\n").partition("\1")
        for code, reason in Change(message=message).allowances:
            found.append({"commit": commit, "code": code, "reason": reason})
    return found


def _span(repo: Repo, span: str | None, *, full: bool) -> tuple[str | None, str]:
    """The range to judge: what came since the first commit (None: everything), up to the second."""
    if span is None:
        return _default(repo, full=full)
    if ".." in span:
        left, _, right = span.partition("..")
        if right.startswith("."):
            raise GuardError(
                "usage",
                f"{span} is no range: it has three dots",
                "a range is judged from a commit that is taken for good, and three dots name none",
                f"guard verify {left}..{right[1:]}",
            )
        old, new = (_commit(repo, left) if left else None), _commit(repo, right or "HEAD")
        if old not in (None, new) and repo.is_ancestor(new, old):
            raise GuardError(
                "usage",
                f"{span} is the wrong way round: {right or 'HEAD'} is older than {left}",
                "it holds no commit to judge, and that must not look like a clean history",
                f"guard verify {right or 'HEAD'}..{left}",
            )
        return old, new
    new = _commit(repo, span)
    return _since(repo, policy_at(repo, new), new, full=full), new


def _default(repo: Repo, *, full: bool) -> tuple[str | None, str]:
    here = repo.resolve("HEAD")
    policy = policy_at(repo, here)
    new = (
        repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}")
        or repo.resolve(f"refs/heads/{policy.branch}")
        or here
    )
    if here is not None and new is not None and repo.is_ancestor(new, here):
        new = here  # what is not pushed yet is judged too
    if new is None:
        why = "a repository without commits has no history to recompute"
        raise GuardError("usage", "there is no commit to verify", why, "git fetch, or git commit first")
    return _since(repo, policy_at(repo, new), new, full=full), new


def _since(repo: Repo, policy: Policy, new: str, *, full: bool) -> str | None:
    """The newest commit up to which all was verified here, else the baseline, else the beginning."""
    verified = None if full else reached(repo, VERIFIED, new)
    if verified is not None:
        return verified
    baseline = policy.baseline if policy.baseline and set(policy.baseline) != {"0"} else start(policy)
    if baseline is not None and repo.resolve(baseline) is None:
        if repo.edge():
            return None  # all that there is, and what it lacks is said
        raise GuardError(
            "git",
            f"the baseline {baseline[:12]} is not in this clone",
            "it says from where on commits are judged",
            f"git fetch {policy.remote} {baseline}, or guard verify OLD..NEW",
        )
    return baseline


def _begun(verdict: Verdict) -> list[str]:
    """A sentence about where a shallow clone begins, where that is in what was judged."""
    if not verdict.begun:
        return []
    what = f"this clone is shallow: {number(len(verdict.begun), 'commit')} with which it begins, and what came before"
    return [f"{what}, could not be judged\n  fix: git fetch --unshallow"]


def _commit(repo: Repo, name: str) -> str:
    oid = repo.resolve(name)
    if oid is None:
        why = "a range begins and ends with commits of this clone; nothing was judged"
        raise GuardError("usage", f"{name} is not a commit here", why, "git fetch, then guard verify OLD..NEW")
    return oid


def _unpushed(repo: Repo, new: str) -> set[str]:
    """The judged commits that the hub does not have: what is wrong in them can be taken back before it is pushed."""
    policy = policy_at(repo, new)
    hub = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}")
    return set(repo.run("rev-list", new, f"^{hub}").split()) if hub else set()


def _fixes(problems: list[Problem], unpushed: set[str]) -> dict[Problem, str]:
    """The remedy of each problem that has one; one command for all that have the same."""
    written = [problem for problem in problems if problem.code == "G101" and problem.path]
    own = list(dict.fromkeys(problem.commit[:12] for problem in written if problem.commit in unpushed))
    paths = sorted({problem.path for problem in written if problem.commit not in unpushed})
    revert, restore = f"git revert --no-edit {' '.join(reversed(own))}", f"guard restore {' '.join(paths[:8])}"
    merge = "guard merge (it takes in every version that history has)"
    return {problem: revert if problem.commit in unpushed else restore for problem in written} | {
        problem: merge for problem in problems if problem.code == "G103"
    }


def place_of(problem: Problem) -> str:
    """Where a problem is: its commit, and the file where it is about one."""
    path = problem.path.replace("\n", "\\n")  # else a name could look like a line of its own, also to a CI host
    return f"{problem.commit[:12]}:{path}" if path else problem.commit[:12]


def _tell(
    verdict: Verdict,
    report: Report,
    old: str | None,
    new: str,
    unpushed: set[str],
    warnings: list[str],
    allowed: list[dict[str, str]],
) -> int:
    code = 1 if verdict.problems else 2 if verdict.unseen else 0
    fixes = _fixes(verdict.problems, unpushed)
    for problem in verdict.problems:
        report.say(f"{place_of(problem)}: {problem.code} {problem.what}")
    for seen in dict.fromkeys(problem.code for problem in verdict.problems):
        report.say(f"  why ({seen}): {WHY[seen]}")
    for fix in dict.fromkeys(fixes.values()):
        report.say(f"  fix: {fix}")
    for problem in verdict.unseen:
        report.say(f"{place_of(problem)}: {problem.code} could not be judged: {problem.what}")
    history = "git fetch --unshallow, or in a partial clone: git fetch --refetch"
    for fix in dict.fromkeys(way_on(problem.what, history) for problem in verdict.unseen):
        report.say(f"  fix: {fix}")
    for problem in verdict.repaired:
        report.say(f"{place_of(problem)}: {problem.code} {problem.what}; made good since")
    for each in allowed:
        report.say(f"{each['commit'][:12]}: {each['code']} was let pass: {each['reason']}")
    report.say(
        f"{number(verdict.commits, 'commit')} from {old[:12] if old else 'the beginning'} to {new[:12]}:"
        f" {number(verdict.merges, 'merge')} and {number(verdict.restores, 'restore')} recomputed,"
        f" {number(len(verdict.problems), 'problem')}{f', {len(allowed)} let pass' if allowed else ''}"
        f"{f', {len(verdict.unseen)} not to be judged here' if verdict.unseen else ''}"
    )
    report.result(
        {
            "from": old,
            "to": new,
            "commits": verdict.commits,
            "merges": verdict.merges,
            "restores": verdict.restores,
            "problems": [
                {**vars(problem), "why": WHY[problem.code], "fix": fixes.get(problem, "")}
                for problem in verdict.problems
            ],
            "unseen": [vars(problem) for problem in verdict.unseen],
            "begun": verdict.begun,
            "repaired": [vars(problem) for problem in verdict.repaired],
            "allowed": allowed,
            "warnings": warnings,
            "exit": code,
        }
    )
    return code
