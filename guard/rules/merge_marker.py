"""A file holds the lines that git writes where it could not merge.

A failed autostash leaves exactly this and exits 0: no MERGE_HEAD, no error, and `git add -A && git commit` then makes
the markers everybody's. A JSON file with markers stops every merge of the fleet.

Refused:
    $ printf 'one\n<<<<<<< Updated upstream\ntwo\n=======\nthree\n>>>>>>> Stashed changes\n' > notes.txt
    $ git add -- notes.txt
    $ git commit -m "[S1] notes: two"

Instead:
    $ printf 'one\ntwo\nthree\n' > notes.txt
    $ git add -- notes.txt
    $ git commit -m "[S1] notes: two and three"

In state, in JSON and in append-only files any marker is refused; elsewhere a file must look unmerged: all three kinds
of markers, in their order.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding at the first marker of every file that has gained some."""
    for file in change.files:
        if not file.new_mode.startswith("100"):
            continue
        data = change.read(file.new)
        if data is None or (b"<<<<<<<" not in data and b">>>>>>>" not in data and b"\n=======" not in data):
            continue
        strict = policy.in_inbox(file.path) or policy.is_canonical(file.path) or file.path.endswith(".json")
        line = _marker(data, strict=strict or policy.append_only(file.path) is not None)
        old = change.read(file.old) if line and not file.added else None
        if line and (old is None or not _marker(old, strict=strict)):
            yield Finding(
                file.path, "it holds the markers of an unfinished merge", "resolve them, then git add it", line
            )


def _marker(data: bytes, *, strict: bool) -> int:
    """The line of the first marker, 0 for none; not `strict` asks for <<<<<<<, ======= and >>>>>>> in this order."""
    wanted = [b"<<<<<<<", b"=======", b">>>>>>>"]
    seen = first = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        head, rest = line[:7], line[7:]
        if (head not in wanted and head != b"|||||||") or (rest.strip() and not rest.startswith(b" ")):
            continue
        if head == b"=======" and rest.strip():
            continue
        if strict and (head != b"=======" or seen):
            return first or number
        if head == wanted[seen]:
            first = first or number
            seen += 1
            if seen == len(wanted):
                return first
    return 0


RULE = Rule(
    "G106",
    "merge-marker",
    "a failed autostash exits 0 and leaves markers; committed, they stop everybody who reads the file",
    check,
)
