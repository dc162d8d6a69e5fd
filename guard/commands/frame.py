"""`guard frame`: which frame is open, who delivered, who is expected, late or rejected."""

from guard import history
from guard.errors import Unseen
from guard.git import Repo
from guard.history import Arrival, arrivals
from guard.hub.hub import DELTA_REFS, Snapshot
from guard.plan import Tree, adopted, frame_counter, open_frame, policy_at, roster, streams_of
from guard.policy import Policy
from guard.publish import hub
from guard.report import Report, number, rejected, rejection
from guard.schema import conforms
from guard.verify.recompute import newest_claim, newest_merge
from merge.delta import Delta, Invalid, read

_COLUMNS = ("stream", "state", "delivered", "expected", "deltas")


def run(repo: Repo, frame: int | None, report: Report, *, fetch: bool) -> int:
    """Show a frame, by default the roster's where it is not closed yet, else the next one, else the newest."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    place = hub(repo, policy)
    here = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or repo.resolve("HEAD")
    snapshot = place.read() if fetch else Snapshot(here)
    policy = policy_at(repo, snapshot.tip)
    tree = Tree(repo, snapshot.tip)
    counter = frame_counter(tree, policy.laws)
    rostered, expected = roster(tree, policy)
    if frame is None:
        frame = open_frame(rostered, counter)
    waiting = unmerged(repo, policy, snapshot.tip, snapshot.deltas, report)
    rows = _rows(tree, policy, frame, expected if rostered == frame else [], waiting)
    late = sorted(
        {(entry.frame, entry.stream) for entry in waiting if isinstance(entry, Delta) and entry.frame <= counter}
    )
    bad = [rejection(entry, policy.inbox) for entry in waiting if isinstance(entry, Invalid)]
    _tell(report, counter, frame, rows, late, bad)
    report.result(
        {
            "counter": counter,
            "frame": frame,
            "streams": [dict(zip(_COLUMNS, row, strict=True)) for row in rows],
            "late": [{"frame": at, "stream": stream} for at, stream in late],
            "rejected": bad,
            "unmerged": len(waiting),
            "exit": 0,
        }
    )
    return 0


def unmerged(
    repo: Repo, policy: Policy, tip: str | None, deltas: dict[str, str], report: Report
) -> list[Delta | Invalid]:
    """What the next merge would take in, judged."""
    if tip is None:
        return []
    whole = True
    try:
        beyond = newest_merge(repo, policy, tip)
    except Unseen as error:
        whole = False
        report.warn(f"{error.what}\n  why: deltas that were overwritten before are not shown\n  fix: {error.fix}")
        beyond = newest_claim(repo, policy, tip)
    found: list[Arrival] = arrivals(repo, policy, tip, beyond)
    found += history.delivered(repo, deltas, DELTA_REFS)
    old = adopted(repo, policy)
    fresh = [arrival for arrival in found if arrival.oid not in old]
    judged = (read(entry, conforms("delta"), policy.laws) for entry in history.entries(repo, fresh))
    tree = Tree(repo, tip)
    return [entry for entry in judged if whole or not _in_page(tree, policy, entry)]


def _in_page(tree: Tree, policy: Policy, entry: Delta | Invalid) -> bool:
    """Whether a page records a delta."""
    streams = streams_of(tree, entry.frame, policy.laws) if entry.frame is not None else {}
    return any(entry.digest in stream["deltas"] for stream in streams.values())


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
    bad: list[dict[str, str]],
) -> None:
    came = sum(1 for row in rows if row[1] != "missing")
    due = [row for row in rows if row[3]]
    told = number(came, "stream")
    if due:
        came_due = sum(1 for row in due if row[1] != "missing")
        told = f"{came_due} of {number(len(due), 'expected stream')}"
        told += f" and {number(came - came_due, 'other')}" if came > came_due else ""
    closed = f"the last closed frame is {counter}" if counter >= 0 else "no frame is closed yet"
    report.say(f"frame {frame}: {told}; {closed}")
    shown = [[name, state, time, "yes" if due else "", str(number)] for name, state, time, due, number in rows]
    report.table(_COLUMNS, shown, right=(4,))
    for at, stream in late:
        report.say(f"late: {stream} of frame {at}; the next merge puts it into its own frame's page")
    for entry in bad:
        report.say(rejected(entry))
