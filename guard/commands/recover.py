"""`guard recover`: what some tool put away and never gave back, listed; and one of it given back, beside the rest."""

import shlex
import time
from pathlib import Path
from typing import Any

from guard.errors import GuardError
from guard.git import Repo
from guard.report import Report, number
from guard.stranded.commits import NOWHERE
from guard.stranded.give_back import Given, branch, files, made
from guard.stranded.item import Item
from guard.stranded.search import BRANCHES, MOST_EXAMINED, Finder, Search

SHOWN = 20
NAMED = 3
"""So many paths of an item are named to people."""
IN_JSON = 100

_COLUMNS = ("name", "when", "whose", "holds", "found as")


def show(repo: Repo, report: Report, *, everything: bool, seconds: float) -> int:
    """List what was found, the newest first; it exits 0 whatever that is."""
    limit, most = (None, None) if everything else (seconds, MOST_EXAMINED)
    with report.working("looking for work that was put away") as progress:
        found = Finder(repo).search(limit, most, progress)
    items = [*found.items, *found.settled] if everything else found.items
    items.sort(key=lambda item: (-item.when, item.name))
    shown = items if everything else items[:SHOWN]
    report.table(_COLUMNS, [_row(item) for item in shown])
    if not items:
        report.say(f"nothing is stranded; looked at {'; '.join(found.looked)}")
    for line in _rest(found, len(items) - len(shown), everything=everything):
        report.say(line)
    if items:
        report.say(f"one of them back, beside what there is: guard recover {shown[0].name}")
    if found.unfinished:
        report.warn(f"{found.unfinished}: guard recover --all looks at everything")
    report.result(
        {
            "items": [_value(item) for item in shown],
            "more": len(items) - len(shown),
            "settled": 0 if everything else len(found.settled),
            "looked": found.looked,
            "unfinished": found.unfinished,
            "exit": 0,
        }
    )
    return 0


def _rest(found: Search, more: int, *, everything: bool) -> list[str]:
    lines = [f"and {more} older: guard recover --all"] if more else []
    if found.settled and not everything:
        count = number(len(found.settled), "more thing")
        lines.append(f"{count} with which nothing is lost (earlier versions, work that is here): guard recover --all")
    return lines


def give_back(repo: Repo, name: str, to: Path | None, named: str, report: Report) -> int:
    """Give one item back: as the branch `named`, or `recovered/NAME`; or as files in the folder `to`."""
    finder = Finder(repo)
    item = finder.find(name)
    if item is None:
        why = "only what guard recover lists can be given back; nothing was changed"
        raise GuardError(
            "usage", f"{name or 'the empty name'} names nothing that was put away", why, "guard recover --all"
        )
    if not finder.examine(item) and not (named and repo.resolve(f"refs/heads/{named}") == item.commit):
        has = _having(repo, item.commit)
        what = f"{item.commit[:12]} is not lost: {has} has it"
        raise GuardError("usage", what, "there is nothing to give back", f"git log -1 {item.commit[:12]}")
    if named and repo.call("check-ref-format", "--branch", named, check=False).returncode != 0:
        raise GuardError("usage", f"{named} cannot name a branch", "nothing was changed", "--branch NAME")
    if named == finder.policy.branch:
        why = "that is the branch that everybody shares; what was put away belongs beside it"
        raise GuardError("usage", f"{named} is the state branch", why, f"guard recover {item.name}")
    given = made(repo, item)
    value: dict[str, Any] = {"item": _value(item), "commit": given.commit, "base": given.base}
    if to is not None:
        count, left = files(repo, given, item, to)
        report.say(f"{item.name}: {number(count, 'file')} in {to}")
        value |= {"to": _plain(str(to)), "files": count, "branch": None}
    else:
        name, left = named or f"{BRANCHES}{item.name}", []
        new = branch(repo, given, item, name)
        report.say(f"{item.name} is the branch {name}{'' if new else ', and was before'}, at {given.commit[:12]}")
        value |= {"to": None, "branch": name, "new": new}
        for line in _next(item, given, name):
            report.say(f"  {line}")
    left += [f"{path}: its content is not here" for path in given.lacking]
    for line in left[:SHOWN]:
        report.say(f"  left out: {_line(line)}")
    still = "" if item.where[0] == NOWHERE else f"{_line(item.where[0])} is as it was; "
    report.say(f"  {still}nothing else was touched")
    report.result({**value, "left_out": list(map(_plain, left)), "exit": 0})
    return 0


def _having(repo: Repo, commit: str) -> str:
    """One ref that has a commit, for people."""
    words = ("--count=1", "--format=%(refname:short)", "--contains", commit)
    said = repo.run("for-each-ref", *words, "refs/heads", "refs/remotes", "refs/tags", check=False).strip()
    return said or "a ref"


def _next(item: Item, given: Given, name: str) -> list[str]:
    """What to do with a branch: commands that change nothing, then one that takes the work over."""
    quoted = shlex.quote(name)
    if item.stashlike:
        return [f"look: git diff {quoted}^ {quoted}", f"take it over: git stash apply {quoted}"]
    if item.commit:
        since = f"{given.base[:12]}..{quoted}" if given.base else quoted
        return [f"look: git log -p {since}", f"take it over: git cherry-pick {since}"]
    return [f"look: git diff {quoted}^ {quoted}", f"take it over: git cherry-pick --no-commit {quoted}"]


def _row(item: Item) -> tuple[str, str, str, str, str]:
    return item.name, _time(item.when), item.whose.partition(" <")[0], _holds(item), _found_as(item)


def _found_as(item: Item) -> str:
    """Where an item was found, and what it says of itself."""
    first, *more = map(_line, item.where)
    return "\n".join([f"{first}: {_line(item.subject)}" if item.subject else first, *more])


def _plain(text: str) -> str:
    """Bytes that are no UTF-8 as JSON can say them."""
    return text.encode(errors="replace").decode()


def _line(text: str) -> str:
    """A path, or what speaks of one, in one line."""
    return text.replace("\n", "?")


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""


def _holds(item: Item) -> str:
    """What is in an item, for people: how much, which paths, and what is wrong or right with it."""
    said = []
    if item.commits:
        said.append(number(item.commits, "commit"))
    if item.contents:
        added, removed = (sum(getattr(each, side) or 0 for each in item.contents) for side in ("added", "removed"))
        lines = f", +{added} -{removed}" if any(each.added is not None for each in item.contents) else ""
        more = f" and {len(item.contents) - NAMED} more" if len(item.contents) > NAMED else ""
        names = ", ".join(_line(each.path) for each in item.contents[:NAMED])
        said.append(f"{number(len(item.contents), 'file')}{lines}: {names}{more}")
    text = ", ".join(said)
    lines_ = [text] if text else []
    lines_ += [f"broken: {item.problem}"] if item.problem else []
    lines_ += [item.settled] if item.settled else []
    return "\n".join(lines_) or "nothing that can be read"


def _value(item: Item) -> dict[str, Any]:
    known = [each for each in item.contents if each.added is not None]
    return {
        "name": item.name,
        "kind": item.kind,
        "when": _time(item.when),
        "session": item.session or None,
        "author": _plain(item.author),
        "where": list(map(_plain, item.where)),
        "subject": _plain(item.subject) or None,
        "commit": item.commit or None,
        "commits": item.commits,
        "files": len(item.contents),
        "added": sum(each.added or 0 for each in known) if known else None,
        "removed": sum(each.removed or 0 for each in known) if known else None,
        "paths": [_plain(each.path) for each in item.contents[:IN_JSON]],
        "problem": _plain(item.problem) or None,
        "settled": _plain(item.settled) or None,
    }
