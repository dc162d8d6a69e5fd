"""`guard merge`: every unmerged delta into canonical state, in one commit that anyone can recompute."""

import gc
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from guard import history
from guard.adoption.adopt import counters
from guard.commands.restore import restored
from guard.commands.verify import WHY, place_of
from guard.delivery.undelivered import undelivered
from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.importer import Importer
from guard.history import Arrival
from guard.hub.hub import DELTA_REFS, Hub, Snapshot
from guard.hub.local import Local
from guard.plan import Plan, Tree, frame_counter, open_frame, policy_at, roster, streams_of, work_out
from guard.policy import Policy
from guard.publish import CANDIDATE, Offer, hub, publish
from guard.report import Report, number, rejected, rejection
from guard.schema import check_stream, conforms
from guard.verify.audit import audit, healable
from guard.verify.recompute import CHECKED, newest_merge
from guard.verify.signed import signed
from guard.verify.verified import note
from merge import values
from merge.delta import valid_stream

POLL = 2.0
"""Seconds between two looks at the hub while waiting for streams."""


@dataclass
class Options:
    """What the command line says."""

    frame: int | None = None
    expect: Sequence[str] = ()
    wait: float = 0
    push: bool = True
    dry_run: bool = False
    strict: bool = False
    heal: bool = False
    unless_closed: bool = False
    """Leave everything as it is where `frame` is closed already: what came since is of the next one."""


@dataclass
class _Made:
    """The last merge that was worked out, so that a lost race need not fold again."""

    snapshot: Snapshot
    plan: Plan | None
    commit: str | None = None


class _Handing(dict[str, bytes]):
    """Files of a fold, handed to git as they are made: it compresses a page while the next one is folded."""

    def __init__(self, importer: Importer) -> None:
        super().__init__()
        self._importer = importer

    def __setitem__(self, path: str, data: bytes) -> None:
        super().__setitem__(path, data)
        self._importer.add(path, data)


@dataclass
class _Job:
    repo: Repo
    place: Hub
    options: Options
    report: Report
    made: _Made | None = None
    delivered: list[Arrival] = field(default_factory=list)
    healed: dict[str, Any] | None = None
    looked: str | None = None
    """The commit up to which nothing is wrong that `--heal` can mend."""

    def offer(self, snapshot: Snapshot) -> Offer | None:
        """The merge commit on top of what was read."""
        if self.options.unless_closed and self._closed(snapshot.tip):
            self.made = _Made(snapshot, None)
            return None
        again = self._again(snapshot)
        self.made = _Made(snapshot, again)
        if self.options.dry_run:
            self.made.plan = again or self.plan(snapshot, {})
            return None
        importer = Importer(self.repo)
        try:
            plan = self.made.plan = again or self.plan(snapshot, _Handing(importer))
            if plan is not None:
                new = plan.commit()
                self.made.commit = signed(self.repo, plan.policy, importer.commit(new, CANDIDATE), new, CANDIDATE)
        finally:
            importer.stop()
        done = {arrival.origin for arrival in self.delivered}
        return Offer(self.made.commit, {ref: (oid, None) for ref, oid in snapshot.deltas.items() if ref in done})

    def _closed(self, tip: str | None) -> bool:
        """Whether the frame that is to be closed is closed."""
        counter = frame_counter(Tree(self.repo, tip), policy_at(self.repo, tip).laws)
        return self.options.frame is not None and self.options.frame <= counter

    def plan(self, snapshot: Snapshot, into: dict[str, bytes]) -> Plan | None:
        """Fold everything that is unmerged."""
        committed(self.repo, snapshot.tip, self.place.name)
        policy = policy_at(self.repo, snapshot.tip)
        came = history.delivered(self.repo, snapshot.deltas, DELTA_REFS)
        self.delivered = [arrival for arrival in came if not self._taken(snapshot.tip, policy, arrival)]
        beyond = newest_merge(self.repo, policy, snapshot.tip)
        if beyond is None:
            adopted_or_new(self.repo, snapshot.tip, policy)
        return work_out(self.repo, snapshot.tip, policy, beyond, self.delivered, self.options.frame, into)

    def _taken(self, tip: str | None, policy: Policy, arrival: Arrival) -> bool:
        """Whether another file has the name that a delivered delta gets: it stays a ref until that is sorted out."""
        held = self.repo.call("rev-parse", "--verify", "--quiet", f"{tip}:{policy.inbox}{arrival.name}", check=False)
        other = held.stdout.decode().strip()
        if other in ("", arrival.oid):
            return False
        self.report.warn(f"{arrival.origin} is not merged: its name {arrival.name} is taken by another file")
        return True

    def _again(self, snapshot: Snapshot) -> Plan | None:
        """The plan of the last try, where what came since touches nothing that it was made from."""
        before = self.made
        if before is None or before.plan is None or before.snapshot.deltas != snapshot.deltas:
            return None
        old, new = before.snapshot.tip, snapshot.tip
        if old is None or new is None or not self.repo.is_ancestor(old, new):
            return None
        policy = before.plan.policy
        own = ("guard.toml", policy.roster)
        for change in self.repo.changes(old, new):
            if change.path in own or policy.is_canonical(change.path) or policy.in_inbox(change.path):
                return None
        if history.arrivals(self.repo, policy, new, old):  # also those that came and went
            return None
        before.plan.parent = self.repo.commit(new)
        return before.plan


def run(repo: Repo, options: Options, report: Report) -> int:
    """Merge; returns the exit code (1 with `strict` where a delta was rejected or an edit slipped through)."""
    # Parsed deltas hold no cycles, and looking for some among a million objects is a third of the run.
    gc.disable()
    for stream in options.expect:
        check_stream(stream)
    threading.Thread(target=conforms, args=("delta",)).start()  # it takes a while to load: meanwhile git is asked
    policy = policy_at(repo, repo.resolve("HEAD"))
    place: Hub = hub(repo, policy)
    job = _Job(repo, place, options, report)
    if options.wait:
        _wait(job)
    if options.heal:
        _heal(job)
    with report.working(f"merging on {place.name}") as progress:
        if options.push and not options.dry_run:
            publish(place, job.offer, progress)
        else:
            job.offer(place.read())
    assert job.made is not None
    if options.heal and job.made.snapshot.tip != job.looked:
        _heal(job)  # what came in between lies under the merge, where a clone that remembers nothing would not look
    return _tell(job, job.made)


def committed(repo: Repo, tip: str | None, name: str) -> None:
    """Raise `GuardError` where there is a guard.toml here that the state branch does not have: it would not count."""
    if tip is None or repo.bare or repo.reader.read(f"{tip}:guard.toml") is not None:
        return
    if (repo.top() / "guard.toml").is_file():
        raise GuardError(
            "policy",
            f"guard.toml is here, but not on {name}",
            "a merge is judged by the policy that everybody has; without it, older deltas would count again",
            "git add -- guard.toml && git commit -m 'guard: adopt' -- guard.toml, and git push where there is a remote",
        )


def adopted_or_new(repo: Repo, tip: str | None, policy: Policy) -> None:
    """Raise `GuardError` where canonical state counts something already and nobody said what it counts."""
    if tip is None or policy.baseline is not None:
        return
    try:
        counted = counters(Tree(repo, tip), policy.laws)
    except values.BadJson:
        return  # the merge itself refuses it, and says why
    if counted:
        file, pointer = counted[0]
        raise GuardError(
            "state",
            f"this repository has not adopted guard, and {file}#{pointer} is not zero",
            "the deltas in its inbox may be counted there already; merging them would count them twice",
            "guard init (older deltas count as merged), or guard init --from-beginning with counters at zero",
        )


# --- looking back ----------------------------------------------------------------------------------------------


def _heal(job: _Job) -> None:
    """Rebuild, in the open, the canonical files that somebody wrote outside a merge."""
    if job.options.dry_run or not job.options.push:
        why = "what is healed is published in a commit of its own, so that everybody sees it"
        raise GuardError("usage", "--heal goes with neither --dry-run nor --no-push", why, "guard merge --heal")
    tip = job.place.read().tip
    wrong = healable(audit(job.repo, tip).problems) if tip is not None else []
    job.looked = tip
    if wrong:
        job.healed = restored(job.repo, job.place, wrong, None, job.report)
        job.looked = job.healed["commit"] or tip


def _look_back(job: _Job, tip: str | None) -> tuple[list[dict[str, str]], list[str]]:
    """What slipped through since the last boundary, for programs and in sentences."""
    if tip is None:
        return [], []
    try:
        problems = audit(job.repo, tip).problems
    except Unseen as error:
        return [], [f"what came since the last merge was not verified: {error.what}\n  fix: {error.fix}"]
    said = []
    wrong = set(healable(problems))
    for problem in problems:
        heals = problem.code == "G101" and problem.path in wrong
        fix = "guard merge --heal" if heals else "guard verify (says what helps)"
        what = f"{place_of(problem)}: {problem.code} {problem.what}"
        said.append(f"slipped through: {what}\n  why: {WHY[problem.code]}\n  fix: {fix}")
    return [{**vars(problem), "why": WHY[problem.code]} for problem in problems], said


# --- waiting ---------------------------------------------------------------------------------------------------


def _wait(job: _Job) -> None:
    """Wait until every expected stream of the frame has delivered, or for as long as was asked."""
    until = time.monotonic() + job.options.wait
    shown = -1
    while True:
        snapshot = job.place.read()
        policy = policy_at(job.repo, snapshot.tip)
        frame, missing, expected = _outstanding(job, snapshot, policy)
        if not expected:
            job.report.note("guard: no streams are expected (no roster of the open frame, no --expect): not waiting")
            return
        came = expected - len(missing)
        if came != shown:
            job.report.note(f"guard: frame {frame}: {came} of {expected} streams delivered")
            shown = came
        left = until - time.monotonic()
        if not missing or left <= 0:
            if missing:
                job.report.note(
                    f"guard: frame {frame}: waited {job.options.wait:g} s, going on without {_list(missing)}"
                )
            return
        time.sleep(min(POLL, left))


def _outstanding(job: _Job, snapshot: Snapshot, policy: Policy) -> tuple[int, list[str], int]:
    """The frame that is waited for, the expected streams that have not delivered, and how many are expected."""
    tree = Tree(job.repo, snapshot.tip)
    rostered, streams = roster(tree, policy)
    counter = frame_counter(tree, policy.laws)
    frame = job.options.frame
    if frame is None:
        frame = open_frame(rostered, counter)
    expected = list(job.options.expect) or (streams if rostered == frame else [])
    here = arrived(job.repo, snapshot, tree, policy, frame)
    return frame, [stream for stream in expected if stream not in here], len(expected)


def arrived(repo: Repo, snapshot: Snapshot, tree: Tree, policy: Policy, frame: int) -> set[str]:
    """The streams that have delivered in a frame, merged or not; `tree` is the snapshot's tip."""
    here = set(streams_of(tree, frame, policy.laws))
    names = [path[len(policy.inbox) :] for _, _, path in repo.tree(snapshot.tip, policy.inbox)] if snapshot.tip else []
    names += [arrival.name for arrival in history.delivered(repo, snapshot.deltas, DELTA_REFS)]
    return here | {stream for name in names if (stream := delivering(name, frame))}


def delivering(name: str, frame: int) -> str | None:
    """The stream that a file of the inbox delivers for, in a frame; None for another frame's."""
    head, tail = f"frame-{frame}-", ".json"
    if not name.startswith(head) or not name.endswith(tail):
        return None
    stream, _, suffix = name[len(head) : -len(tail)].rpartition("--")
    if not stream or len(suffix) != 16:
        stream = name[len(head) : -len(tail)]
    return stream if valid_stream(stream) else None


# --- telling ---------------------------------------------------------------------------------------------------


def _tell(job: _Job, made: _Made) -> int:
    repo, options, report, plan = job.repo, job.options, job.report, made.plan
    policy = policy_at(repo, made.snapshot.tip)
    slipped, said = _look_back(job, job.looked or made.snapshot.tip)
    left = undelivered(repo, policy, made.snapshot.tip, made.snapshot.deltas, made.commit)
    waiting = [*left, *said]
    for warning in waiting:
        report.warn(warning)
    value: dict[str, Any] = {"merged": plan is not None, "commit": made.commit, "parent": made.snapshot.tip}
    value |= {"slipped": slipped, "healed": job.healed}
    if plan is None:
        report.say("nothing to merge")
        code = 1 if options.strict and slipped else 0
        report.result({**value, "published": False, "warnings": waiting, "exit": code})
        return code
    published = options.push and not options.dry_run
    if made.commit is not None and published:
        note(repo, CHECKED, made.commit)
        repo.call("update-ref", "-d", CANDIDATE, made.commit, check=False)  # it is on the branch now
    outcome = plan.outcome
    code = 1 if options.strict and (outcome.rejected or slipped) else 0
    missing = sorted({*plan.missing, *_unseen(repo, plan, options)})
    _say(report, plan, made, missing, published, job)
    changed = sorted(path for path, data in plan.files.items() if data is not None)
    value |= {
        "published": published,
        "dry_run": options.dry_run,
        "close": plan.close,
        "counter": outcome.counter,
        "frames": list(plan.trailer.frames),
        "streams": len({(delta.frame, delta.stream) for delta in outcome.applied}),
        "deltas": sorted(delta.digest for delta in outcome.applied),
        "entries": dict(outcome.entries),
        "rejected": [rejection(entry, plan.policy.inbox) for entry in outcome.rejected],
        "duplicate": [{"file": name, "digest": digest} for name, digest in outcome.duplicate],
        "recovered": [{"file": arrival.name, "commit": arrival.origin} for arrival in plan.recovered],
        "unplaced": outcome.unplaced,
        "missing": missing,
        "changed": changed,
        "dropped": sorted(path for path, data in plan.files.items() if data is None),
        "warnings": waiting,
        "exit": code,
    }
    report.result(value)
    return code


def _unseen(repo: Repo, plan: Plan, options: Options) -> list[str]:
    if not options.expect or plan.parent is None:
        return []
    came = set(streams_of(Tree(repo, plan.parent.id), plan.close, plan.policy.laws))
    came |= {delta.stream for delta in plan.outcome.applied if delta.frame == plan.close}
    return [stream for stream in options.expect if stream not in came]


def _say(report: Report, plan: Plan, made: _Made, missing: list[str], published: bool, job: _Job) -> None:
    outcome = plan.outcome
    report.say(plan.subject())
    added = [law.name for law in plan.policy.laws.lists if law.law == "additive"]
    said = {"reactions_added": number(outcome.entries["reactions_added"], "reaction")}
    late = sorted({delta.frame for delta in outcome.applied if delta.frame < plan.close})
    sums = [said.get(name, f"{outcome.entries[name]} {name}") for name in added]
    counted = ", ".join([number(len(outcome.applied), "delta"), *sums])
    report.say(f"  {counted}; the frame counter is {outcome.counter}")
    if late:
        report.say(f"  late: deltas of frame {_list(map(str, late))} went into their own pages")
    for arrival in plan.recovered:
        report.say(f"  recovered: {arrival.name} as {arrival.origin[:12]} had it; the inbox does not hold it any more")
    for entry in outcome.rejected:
        report.say(f"  {rejected(rejection(entry, plan.policy.inbox))}")
    if outcome.duplicate:
        report.say(f"  {len(outcome.duplicate)} files hold deltas that were merged before")
    for target in outcome.unplaced:
        report.say(f"  edit without a place: {target}")
    if missing:
        report.say(f"  missing: {_list(missing)}")
    if made.commit is None:
        for path, data in sorted(plan.files.items()):
            report.say(f"  would {'write' if data is not None else 'drop'} {path}")
        report.say("  dry run: nothing was written")
    elif published:
        where = "committed on" if isinstance(job.place, Local) else "pushed to"
        report.say(f"  {made.commit[:12]} {where} {job.place.name}")
    else:
        report.say(f"  {made.commit[:12]} written to {CANDIDATE}, not published (--no-push)")


def _list(names: Any) -> str:
    """Names in a row, the first dozen of them."""
    found = list(names)
    return ", ".join(found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "")
