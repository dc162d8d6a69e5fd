"""`guard sync`: what others have published comes into the current branch; uncommitted work stays byte for byte."""

import shlex

from guard.bring_in import Brought, bring_in
from guard.change import Change
from guard.errors import GuardError
from guard.finding import Finding, exit_code
from guard.git import Repo
from guard.git.under_way import refuse_under_way
from guard.hub.local import Local
from guard.judge import judge
from guard.observe import file_of, reading
from guard.observe.commits import commits
from guard.plan import policy_at
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report, number


def run(repo: Repo, report: Report) -> int:
    """Bring the state branch of the hub into the current branch.

    Returns 1 where both sides conflict, a rule refuses the merge, or markers came in; raises `GuardError` where it
    cannot be done, with nothing changed.
    """
    branch = _possible(repo)
    policy = policy_at(repo, repo.resolve("HEAD"))
    place = hub(repo, policy, ())
    local = isinstance(place, Local)
    upstream = policy.branch if local else f"{policy.remote}/{policy.branch}"
    if local and branch == policy.branch:
        report.say(f"nothing to bring in: there is no remote, so {branch} itself is what the others build on")
        here = repo.resolve("HEAD") or ""
        return _result(report, branch, upstream, Brought(here, here), [])
    with report.working(f"bringing in {upstream}"):
        tip = place.read().tip
        if tip is None:
            raise GuardError("usage", f"{upstream} has no commit yet", "", f"git push {policy.remote} {policy.branch}")
        findings: list[Finding] = []

        def refused(commit: str) -> bool:
            findings[:] = _judged(repo, tip, commit)
            return bool(findings)

        kind = "branch" if local else "remote-tracking branch"
        done = bring_in(repo, tip, f"Merge {kind} '{upstream}' into {branch}", refused)
        if done.how in ("fast-forward", "merge"):
            findings = _markers(repo, policy, done)
    return _result(report, branch, upstream, done, findings)


def _possible(repo: Repo) -> str:
    """The current branch; raises `GuardError` where there is nothing that upstream could come into."""
    if repo.bare:
        raise GuardError("usage", "a bare repository has no files to bring anything into", "", "git fetch")
    refuse_under_way(repo, "what comes in would get into the middle of it; nothing was changed")
    unmerged = sorted({line.partition("\t")[2] for line in repo.run("ls-files", "-u", "-z").split("\0") if line})
    if unmerged:
        raise GuardError(
            "state",
            f"{', '.join(unmerged[:5])} unmerged",
            "an autostash or a merge failed here; what comes in would hide that; nothing was changed",
            "resolve them, then git add -- FILE; guard doctor says more",
        )
    branch = repo.branch()
    if not branch:
        raise GuardError(
            "usage", "HEAD is on no branch", "what comes in would be found by nobody", "git switch -c NAME, then again"
        )
    if repo.resolve("HEAD") is None:
        raise GuardError("usage", f"{branch} has no commit yet", "there is nothing to bring anything into", "git pull")
    return branch


def _judged(repo: Repo, tip: str, commit: str) -> list[Finding]:
    """What the rules find in a merge; what it joins was judged where it was made."""
    for each in commits(repo, tip, commit):
        if each.change.commit == commit:
            return judge(each.change, each.policy, parts=("content",))
    return []


def _markers(repo: Repo, policy: Policy, done: Brought) -> list[Finding]:
    """Markers in the files that came in, though nothing conflicted: somebody has committed them."""
    change = Change([file_of(each) for each in done.files], read=reading(repo))
    return judge(change, policy, codes=("G106",))


def _result(report: Report, branch: str, upstream: str, done: Brought, findings: list[Finding]) -> int:
    """Say what came of it; returns the exit code."""
    code = 1 if done.conflicts or done.unmerged else exit_code(findings)
    if done.how == "nothing":
        if branch != upstream:
            report.say(f"up to date: {branch} has all of {upstream}")
    elif done.how == "conflict":
        for path in done.conflicts:
            report.say(f"{path}: changed here and in {upstream}")
        report.say("  why: only who knows both changes can join them; nothing was changed here")
        name = shlex.quote(f"join-{branch.replace('/', '-')}")
        there = f"git worktree add -b {name} ../{name} && cd ../{name} && git merge {shlex.quote(upstream)}"
        report.say(f"  fix: {there}; resolve, git add, git commit; then here: git merge --ff-only {name}")
    elif done.how == "refused":
        report.say(f"{upstream} cannot be brought in: the merge would not pass; nothing was changed")
    else:
        what = f"{number(done.commits, 'commit')}, {number(len(done.files), 'file')}"
        report.say(f"brought in {what} from {upstream} ({done.how}): {branch} is at {done.new[:12]}")
    for finding in findings:
        report.say(finding.text())
    if done.unmerged:
        report.warn(f"unmerged though git reported success: {', '.join(done.unmerged[:10])}")
    if done.rescue:
        paths = ", ".join(done.changed[:5])
        report.warn(f"{paths} changed meanwhile; what it was before is kept: git stash apply {done.rescue}")
    report.result(
        {
            "branch": branch,
            "upstream": upstream,
            "old": done.old,
            "new": done.new,
            "how": done.how,
            "commits": done.commits,
            "files": [each.path for each in done.files],
            "conflicts": done.conflicts,
            "unmerged": done.unmerged,
            "changed": done.changed,
            "rescue": done.rescue,
            "findings": [finding.value() for finding in findings],
            "exit": code,
        }
    )
    return code
