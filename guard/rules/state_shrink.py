r"""A canonical file no longer parses, lost records or fields, or its totals fell while nothing was removed.

A merge only ever adds. A state file that becomes smaller was written by something that had not read it whole: a
failed `git show` redirected into the file, a copy from before, a branch that took `ours`. It happened in frame 407.

Refused:
    $ echo '{}' > state/stats.json
    $ git add -- state/stats.json
    $ git commit -m "[S1] stats: from the start"

Instead:
    $ git restore --staged --worktree -- state/stats.json

To take records back to an earlier state in the open, use `guard restore`. This rule judges without a baseline too.
"""

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for every canonical file that became smaller."""
    files = [file for file in change.files if policy.is_canonical(file.path) and not file.added]
    if change.computed or not files:
        return
    import shlex

    for file in files:
        path = shlex.quote(file.path)
        if change.commit:  # without a baseline there is nothing that guard could restore from
            fix = f"guard restore {path}" if policy.baseline else f"git restore --source {change.commit}^ -- {path}"
        else:
            fix = "git merge --abort" if change.parents > 1 else f"git restore --staged --worktree -- {path}"
        if not file.plain:
            what = "a canonical file is gone" if file.deleted else "a canonical file is no regular file any more"
            yield Finding(file.path, what, fix)
            continue
        if not file.path.endswith(".json") or not file.old_mode.startswith("100"):
            continue
        old, new = change.read(file.old), change.read(file.new)
        if old is None or new is None:
            yield unread(file.path, file.old if old is None else file.new)
            continue
        what = shrunk(old, new)
        if what:
            yield Finding(file.path, what, fix, 1)


def shrunk(old: bytes, new: bytes) -> str:
    """What a JSON file lost, in words; empty for nothing."""
    from merge import values

    try:
        before = values.parse(old)
    except values.BadJson:
        return ""  # it cannot become worse
    try:
        after = values.parse(new)
    except values.BadJson as error:
        return f"it cannot be read any more: {error}"
    lost = list(_lost(before, after))
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        return f"it lost {', '.join(lost[:3])}{more}"
    fallen = list(_fallen(before, after))
    return f"{fallen[0]} fell while nothing was removed" if fallen else ""


def _lost(old: "Any", new: "Any") -> "Iterator[str]":
    """The places that `old` has and `new` lacks; a list loses its length."""
    todo = [(old, new, "")]  # no recursion: a file may nest as deep as it likes
    while todo:
        before, after, place = todo.pop()
        if isinstance(before, dict):
            below = []
            for key, value in before.items():
                where = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
                if not isinstance(after, dict) or key not in after:
                    yield f"#{where}"
                elif isinstance(value, dict | list):
                    below.append((value, after[key], where))
            todo += reversed(below)
        elif isinstance(before, list):
            now = len(after) if isinstance(after, list) else 0
            if now < len(before):
                yield f"{len(before) - now} of {len(before)} items of #{place or '/'}"


def _fallen(old: "Any", new: "Any") -> "Iterator[str]":
    """Integers at the top and in `_meta` that became smaller."""
    for place, before, after in (("", old, new), ("/_meta", _member(old), _member(new))):
        for key, value in before.items() if isinstance(before, dict) else ():
            now = after.get(key) if isinstance(after, dict) else None
            if type(value) is int and type(now) is int and now < value:
                yield f"#{place}/{key} ({value} to {now})"


def _member(value: "Any") -> "Any":
    return value.get("_meta") if isinstance(value, dict) else None


RULE = Rule(
    "G107",
    "state-shrink",
    "merges only add: state that becomes smaller was overwritten by something that had not read it, as in frame 407",
    check,
)
