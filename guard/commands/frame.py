"""`guard frame`: which frame is open, who delivered, who is expected, late or rejected."""

from guard import history
from guard.git import Repo
from guard.history import Arrival, arrivals
from guard.plan import Tree, frame_counter, policy_at, roster, streams_of
from guard.policy import Policy
from guard.publish import DELTA_REFS, hub
from guard.report import Report
from guard.schema import conforms
from guard.verify import newest_merge
from merge.delta import Delta, Invalid, read


def run(repo: Repo, frame: int | None, report: Report, *, fetch: bool) -> int:
    """Show a frame, by default the roster's where it is not closed yet, else the next one, else the newest."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    place = hub(repo, policy.branch, policy.remote)
    if fetch:
        snapshot_tip, deltas = (snapshot := place.read()).tip, snapshot.deltas
    else:
        snapshot_tip, deltas = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or repo.resolve("HEAD"), {}
    policy = policy_at(repo, snapshot_tip)
    tree = Tree(repo, snapshot_tip)
    counter = frame_counter(tree, policy.laws)
    rostered, expected = roster(tree, policy)
    if frame is None:
        frame = rostered if rostered is not None and rostered > counter else counter + 1
    unmerged = _unmerged(repo, policy, snapshot_tip, deltas)
    rows = _rows(tree, policy, frame, expected if rostered == frame else [], unmerged)
    late = sorted(
        {(entry.frame, entry.stream) for entry in unmerged if isinstance(entry, Delta) and entry.frame <= counter}
    )
    bad = [entry for entry in unmerged if isinstance(entry, Invalid)]
    _tell(report, counter, frame, rows, late, bad)
    report.result(
        {
            "counter": counter,
            "frame": frame,
            "streams": [dict(zip(("stream", "state", "delivered", "expected", "deltas"), row, strict=True)) for row in rows],
            "late": [{"frame": at, "stream": stream} for at, stream in late],
            "rejected": [{"file": entry.name, "reason": entry.reason, "detail": entry.detail} for entry in bad],
            "unmerged": len(unmerged),
            "exit": 0,
        }
    )
    return 0


def _unmerged(repo: Repo, policy: Policy, tip: str | None, deltas: dict[str, str]) -> list[Delta | Invalid]:
    """What the next merge would take in, judged."""
    if tip is None:
        return []
    found: list[Arrival] = arrivals(repo, policy, tip, newest_merge(repo, policy, tip))
    found += history.delivered(repo, deltas, DELTA_REFS)
    adopted = {oid for _, oid, _ in repo.tree(policy.baseline, policy.inbox)} if _known(repo, policy.baseline) else set()
    fresh = [arrival for arrival in found if policy.from_beginning or arrival.oid not in adopted]
    return [read(entry, conforms("delta"), policy.laws) for entry in history.entries(repo, fresh)]


def _known(repo: Repo, commit: str | None) -> bool:
    return commit is not None and repo.resolve(commit) is not None


def _rows(
    tree: Tree, policy: Policy, frame: int, expected: list[str], unmerged: list[Delta | Invalid]
) -> list[tuple[str, str, str, bool, int]]:
    """One row a stream: id, state, time, whether it is expected, how many deltas."""
    merged = streams_of(tree, frame, policy.laws)
    waiting: dict[str, list[Delta | Invalid]] = {}
    for entry in unmerged:
        if entry.frame == frame and entry.stream is not None:
            waiting.setdefault(entry.stream, []).append(entry)
    rows = []
    for stream in sorted({*merged, *waiting, *expected}):
        here = waiting.get(stream, [])
        good = [entry for entry in here if isinstance(entry, Delta)]
        if stream in merged:
            state, time = f"merged {merged[stream]['status']}", str(merged[stream].get("completed_at") or "")
        elif good:
            state, time = "delivered", max(entry.moment for entry in good)[2]
        else:
            state, time = ("rejected" if here else "missing"), ""
        number = len(merged.get(stream, {}).get("deltas", ())) + len(here)
        rows.append((stream, state, time, stream in expected, number))
    return rows


def _tell(
    report: Report,
    counter: int,
    frame: int,
    rows: list[tuple[str, str, str, bool, int]],
    late: list[tuple[int, str]],
    bad: list[Invalid],
) -> None:
    came = sum(1 for row in rows if row[1] != "missing")
    wanted = sum(1 for row in rows if row[3])
    of = f" of {wanted} expected" if wanted else ""
    report.say(f"frame {frame}: {came} streams{of}; the last closed frame is {counter}")
    shown: list[list[str]] = [[s, state, time, "yes" if due else "", str(number)] for s, state, time, due, number in rows]
    report.table(("stream", "state", "delivered", "expected", "deltas"), shown, right=(4,))
    for at, stream in late:
        report.say(f"late: {stream} of frame {at}; the next merge puts it into its own frame's page")
    for entry in bad:
        report.say(f"rejected: {entry.name}: {entry.reason}{': ' + entry.detail if entry.detail else ''}")
