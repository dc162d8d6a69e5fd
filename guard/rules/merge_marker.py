r"""A file holds the lines that git writes where it could not merge.

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

from guard.finding import Finding, unread
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding at the first marker of every file that has gained some."""
    for file in change.files:
        if not file.plain:
            continue
        kept = policy.in_inbox(file.path) or policy.is_canonical(file.path) or policy.append_only(file.path) is not None
        data = change.read(file.new)
        if data is None:
            if kept:  # elsewhere, not to know stops nobody
                yield unread(file.path, file.new)
            continue
        strict = kept or file.path.endswith(".json")
        line = marker(data, strict=strict)
        old = change.read(file.old) if line and not file.added else None
        if line and (old is None or not marker(old, strict=strict)):
            import shlex

            fix = f"resolve them, then git add -- {shlex.quote(file.path)}"
            yield Finding(file.path, "it holds the markers of an unfinished merge", fix, line)


def marker(data: bytes, *, strict: bool) -> int:
    """The line of the first marker, 0 for none; not `strict` asks for <<<<<<<, ======= and >>>>>>> in this order."""
    if b"<<<<<<<" not in data and (not strict or b">>>>>>>" not in data):
        return 0
    if not strict and b"\0" in data[:8000]:  # git writes no markers into what it takes for binary
        return 0
    wanted = (b"<<<<<<<", b"=======", b">>>>>>>")
    found: list[int] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        head = line[:7]
        if head not in wanted or line[7:8] not in (b"", b" ", b"\r"):
            continue
        if strict and head != b"=======":  # alone it underlines a heading
            return number
        if head == wanted[len(found)] and (head != b"=======" or line[7:] in (b"", b"\r")):
            found.append(number)
            if len(found) == len(wanted):
                return found[0]
    return 0


RULE = Rule(
    "G106",
    "merge-marker",
    "a failed autostash exits 0 and leaves markers; committed, they stop everybody who reads the file",
    check,
)
