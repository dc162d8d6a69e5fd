"""`guard rotate`: what is old in the board and the notes goes to archives beside them, in one commit."""

from guard import identity
from guard.commands.claim import desk
from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import NewCommit
from guard.hub.hub import Snapshot
from guard.leases.recording import author_of, written
from guard.leases.refs import now
from guard.policy import archive_of
from guard.publish import Offer, publish
from guard.records.rotate import rotate_rows, rotate_sections
from guard.report import Report


def run(repo: Repo, report: Report, *, lanes: int, sections: int, dry_run: bool) -> int:
    """Keep the newest closed lanes and sections where they are; all rows of open lanes stay."""
    session = identity.needed(repo)
    at = desk(repo, session, report)
    policy = at.policy
    moved: dict[str, int] = {}

    def make(snapshot: Snapshot) -> Offer | None:
        moved.clear()
        if snapshot.tip is None:
            raise GuardError("git", "there is no commit yet", "", "git commit")
        files: dict[str, bytes | None] = {}
        for path, rotate, keep in ((policy.board, rotate_rows, lanes), (policy.notes, rotate_sections, sections)):
            data, old = (repo.reader.read(f"{snapshot.tip}:{each}") for each in (path, archive_of(path)))
            if data is None:
                continue
            kept, archive = rotate(data, old, keep)
            if kept != data and archive is not None:
                moved[path] = data.count(b"\n") - kept.count(b"\n")
                files |= {path: kept, archive_of(path): archive}
        if not files or dry_run:
            return None
        what = " and ".join(f"{lines} lines of {path}" for path, lines in moved.items())
        parent = repo.commit(snapshot.tip)
        when = max(int(now().timestamp()), parent.time)
        message = f"[{session}] rotate: {what} to archive/\n"
        new = NewCommit(snapshot.tip, author_of(repo), when, message, files)
        return Offer(written(repo, new))

    publish(at.place, make, report.note)
    for path, count in moved.items():
        report.say(f"{'would move' if dry_run else 'moved'} {count} lines of {path} to {archive_of(path)}")
    if not moved:
        report.say("nothing is old enough to move")
    report.result({"moved": moved, "dry_run": dry_run, "exit": 0})
    return 0
