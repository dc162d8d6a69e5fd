"""A canonical file no longer parses, lost records or fields, or its totals fell while nothing was removed.

A merge only ever adds. A state file that becomes smaller was written by something that had not read it whole: a
failed `git show` redirected into the file, a copy from before, a branch that took `ours`. It happened in frame 407.

Refused:
    $ printf '[canonical]\npaths = ["state/*.json"]\n' > guard.toml
    $ printf '{"agents": {"a": {"n": 1}, "b": {"n": 2}}}\n' > state/people.json
    $ git add -- guard.toml state/people.json
    $ git commit -m "[S1] people: two"
    $ printf '{"agents": {"a": {"n": 1}}}\n' > state/people.json
    $ git add -- state/people.json
    $ git commit -m "[S1] people: one"

Instead:
    $ git restore --staged --worktree -- state/people.json

To take records back to an earlier state in the open, use `guard restore`. This rule judges without a baseline too.
"""

from guard.finding import Finding
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
        where = f"guard restore {shlex.quote(file.path)}"
        fix = where if change.commit else f"git restore --staged --worktree -- {shlex.quote(file.path)}"
        if file.deleted:
            yield Finding(file.path, "a canonical file is gone", fix)
            continue
        old, new = change.read(file.old), change.read(file.new)
        if old is None or new is None:
            yield Finding(file.path, "its content is not in this clone, so it cannot be judged", "git fetch")
        elif file.path.endswith(".json"):
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
    lost = list(_lost(before, after, ""))
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        return f"it lost {', '.join(lost[:3])}{more}"
    fallen = list(_fallen(before, after))
    return f"{fallen[0]} fell while nothing was removed" if fallen else ""


def _lost(old: "Any", new: "Any", place: str) -> "Iterator[str]":
    """The places that `old` has and `new` lacks; a list loses its length."""
    if isinstance(old, dict):
        for key, value in old.items():
            where = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
            if not isinstance(new, dict) or key not in new:
                yield f"#{where}"
            else:
                yield from _lost(value, new[key], where)
    elif isinstance(old, list):
        now = len(new) if isinstance(new, list) else 0
        if now < len(old):
            yield f"{len(old) - now} of {len(old)} items of #{place or '/'}"


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
