"""What a commit does beside canonical state: deltas rewritten or lost, append-only files, markers of a merge."""

from guard import appendonly
from guard.errors import Unseen
from guard.git import Repo
from guard.git.objects import Change
from guard.policy import Policy, archive_of
from guard.verify.records import Records
from guard.verify.verdict import Verdict
from merge import values
from merge.names import is_candidate


def deltas(records: Records, verdict: Verdict, commit: str, policy: Policy, changes: list[Change]) -> None:
    """Deltas that were rewritten, or deleted before a page recorded them."""
    for change in changes:
        if not policy.in_inbox(change.path) or change.old_mode == "000000":
            continue
        if not is_candidate(change.path[len(policy.inbox) :]):
            continue
        if change.new_mode != "000000":
            verdict.problem(commit, change.path, "G103", "a committed delta was rewritten")
            continue
        try:
            if not records.has(commit, policy, change.path, change.old):
                verdict.problem(commit, change.path, "G103", "a delta was deleted that no page records yet")
        except Unseen as error:
            verdict.cannot_see(commit, change.path, "G103", f"a delta was deleted: {error.what}")


def texts(repo: Repo, verdict: Verdict, commit: str, policy: Policy, changes: list[Change], side: list[Change]) -> None:
    """Append-only files that lost something, and files with the markers of an unfinished merge.

    `side` are all differences from the same parent: an archive may be among them and not be judged here.
    """
    beside = {change.path: change for change in side if change.new_mode.startswith("100")}
    for change in changes:
        kind = policy.append_only(change.path)
        if kind is not None and change.old_mode != "000000":
            old = repo.reader.read(change.old) or b""
            new = repo.reader.read(change.new) if change.new_mode != "000000" else None
            archive = beside.get(archive_of(change.path))
            read = repo.reader.read
            moved = (read(archive.old), read(archive.new)) if archive else (None, None)
            lost = appendonly.lost(kind, old, new, moved)
            if lost:
                verdict.problem(commit, change.path, "G104", lost)
        watched = kind is not None or change.path.startswith("state/") or change.path.endswith(".json")
        if watched and change.new_mode.startswith("100"):
            data = repo.reader.read(change.new)
            if data is not None and values.has_markers(data):
                verdict.problem(commit, change.path, "G106", "it holds the markers of an unfinished merge")
