"""`guard orient`: what a session needs to know at its start, on one screen."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from guard import identity
from guard.commands.board import COLUMNS, rows, value
from guard.commands.claim import known
from guard.commands.doctor import leftovers, markers
from guard.commands.frame import unmerged
from guard.counts import place, states
from guard.delivery.undelivered import undelivered
from guard.git import Repo
from guard.hub.hub import Snapshot
from guard.leases.recording import NEXT
from guard.leases.refs import KINDS, now
from guard.leases.seen import EXPIRED, Seen, seen
from guard.plan import Tree, frame_counter
from guard.policy import Policy
from guard.records import notes
from guard.report import Report, number
from guard.worktrees.trees import Tree as Worktree
from guard.worktrees.trees import life, trees
from merge.delta import Delta
from merge.files import BadState
from merge.values import BadJson

NOTES = 3
"""So many of the newest sections are shown."""
LANES = 12
"""So many lanes are shown."""


@dataclass
class Due:
    """Something that somebody should see to, and the command for it."""

    what: str
    fix: str


def run(repo: Repo, report: Report) -> int:
    """Print it; it exits 0 whatever is due, and says so where the hub could not be asked."""
    session = identity.session(repo)
    policy, snapshot, held, asked = known(repo, report, (*KINDS, "deltas"))
    tip = snapshot.tip
    lanes = [each for each in seen(held, repo.reader.read(f"{tip}:{policy.board}"), policy, now()) if each.open]
    newest = notes.newest(repo.reader.read(f"{tip}:{policy.notes}"), NOTES)
    found = due(repo, policy, snapshot, lanes, report)
    first = suggestion(repo, session, lanes)
    _head(report, repo, policy, session, tip)
    mine = [each for each in lanes if each.session == session]
    shown = [*mine, *(each for each in lanes if each not in mine)][:LANES]
    if shown:
        report.table(COLUMNS, rows(shown))
        if len(lanes) > LANES:
            report.say(f"and {number(len(lanes) - LANES, 'open lane')} more: guard board")
    else:
        report.say("no lane is open")
    if newest:
        report.say(f"newest notes ({policy.notes}):")
    for section in newest:
        report.say(f"  {section.heading}")
        if wanted := _wanted(section):
            report.say(f"    next: {wanted}")
    if found:
        report.say("due:")
    for each in found:
        report.say(f"  {each.what}\n    fix: {each.fix}")
    report.say(f"next: {first}")
    report.result(
        {
            "session": session,
            "asked": asked,
            "tip": tip,
            "lanes": [value(each) for each in lanes],
            "notes": [
                {"heading": each.heading, "session": each.session, "next": _wanted(each), "line": each.line}
                for each in newest
            ],
            "due": [{"what": each.what, "fix": each.fix} for each in found],
            "next": first,
            "exit": 0,
        }
    )
    return 0


def _wanted(section: notes.Section) -> str:
    """What a section of the notes asks for next, where a hand-off wrote it; a line of it."""
    for line in section.body.split("\n"):
        if line.startswith(NEXT):
            text = line.removeprefix(NEXT)
            return text if len(text) <= 200 else f"{text[:197]}..."
    return ""


def _head(report: Report, repo: Repo, policy: Policy, session: str | None, tip: str | None) -> None:
    head = repo.branch().encode(errors="replace").decode()
    where = f"{head or 'a detached HEAD'} in {repo.top() if not repo.bare else repo.git_dir}"
    try:
        counter = frame_counter(Tree(repo, tip), policy.laws) if tip else -1
    except (BadState, BadJson):
        counter = -1
    frame = f"; the last closed frame is {counter}" if counter >= 0 else ""
    report.say(f"{session or 'no session'} on {where}{_behind(repo, tip)}{frame}")


def _behind(repo: Repo, tip: str | None) -> str:
    if tip is None or repo.resolve("HEAD") is None:
        return ""
    counts = repo.run("rev-list", "--left-right", "--count", f"HEAD...{tip}", check=False).split()
    if len(counts) != 2 or counts == ["0", "0"]:
        return ""
    said = [f"{counts[1]} behind" if counts[1] != "0" else "", f"{counts[0]} ahead" if counts[0] != "0" else ""]
    return f", {' and '.join(filter(None, said))}"


def due(repo: Repo, policy: Policy, snapshot: Snapshot, lanes: list[Seen], report: Report) -> list[Due]:
    """What somebody should see to."""
    found = []
    for each in lanes:
        if each.state == EXPIRED:
            scope = " ".join(f"--scope {shlex.quote(path)}" for path in each.scope)
            what = f"the lease of {each.session} on {each.lane} ended {each.expires}"
            found.append(Due(what, f"guard claim {shlex.quote(each.lane)} {scope}"))
    found += _deltas(repo, policy, snapshot, report)
    found += [Due(*_parts(said)) for said in undelivered(repo, policy, snapshot.tip, snapshot.deltas)]
    found += _trees(repo, policy)
    if snapshot.tip is not None:
        read = Tree(repo, snapshot.tip).get
        for state in states(
            policy.counts, read, lambda folder: [path for _, _, path in repo.tree(f"{snapshot.tip}", folder)]
        ):
            if state.drifts:
                said = state.problem or f"says {state.stated}, and there are {state.actual}"
                found.append(Due(f"{place(state.declared)} {said}", "guard counts --fix"))
    if not repo.bare:
        for look in (markers(repo, policy), leftovers(repo)):
            if look.state in ("problem", "warning"):
                found.append(Due(look.said.replace("\n", "; "), look.fix))
    return found


def _parts(said: str) -> tuple[str, str]:
    what, _, fix = said.partition("\n  fix: ")
    return what, fix


def _deltas(repo: Repo, policy: Policy, snapshot: Snapshot, report: Report) -> list[Due]:
    """Deltas that no merge has taken in yet."""
    try:
        waiting = unmerged(repo, policy, snapshot.tip, snapshot.deltas, report)
        counter = frame_counter(Tree(repo, snapshot.tip), policy.laws)
    except (BadState, BadJson):
        return [Due("canonical state cannot be read", "guard verify")]
    late = sum(1 for each in waiting if isinstance(each, Delta) and each.frame <= counter)
    if not waiting:
        return []
    said = f"{number(len(waiting), 'delta')} not merged yet" + (f", {late} of them late" if late else "")
    return [Due(said, "guard merge")]


def _trees(repo: Repo, policy: Policy) -> list[Due]:
    """Work trees of this clone whose folder is gone, or that guard made and nobody has any more."""
    known = [tree for tree in trees(repo) if tree.git_dir is not None and tree.locked is None]
    gone = [tree for tree in known if not tree.path.exists()]
    ours = [tree for tree in known if tree.note is not None and tree not in gone]
    left = [tree for tree in ours if life(repo, policy, tree)[0] == "orphan"]
    sentences = (("without a folder", gone), ("that nobody has any more", left))
    return [
        Due(f"{number(len(found), 'work tree')} {what}: {_some(found)}", "guard worktree sweep")
        for what, found in sentences
        if found
    ]


def _some(found: list[Worktree]) -> str:
    rest = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(str(tree.path) for tree in found[:5]) + rest


def suggestion(repo: Repo, session: str | None, lanes: list[Seen]) -> str:
    """The command that comes next."""
    if session is None:
        return "guard start --worktree"
    if not any(each.session == session and each.held for each in lanes):
        if (
            not repo.bare
            and repo.git_dir == repo.common_dir
            and Path(repo.common_dir).name == ".git"
            and len(lanes) > 0
        ):
            return "guard start --worktree  # others are at work; a work tree of its own keeps theirs and yours apart"
        return "guard claim LANE --scope PATH --intent 'what is to be done'"
    stale = [each for each in lanes if each.session == session and each.state == EXPIRED]
    if stale:
        return "guard renew"
    return "guard commit -m 'what: why' FILE..., and at the end guard handoff -m 'what was done'"
