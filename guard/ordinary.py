"""Which commits of a range no rule has anything against, told at a glance: a push brings a thousand of them.

What is not certain here is left to the judge, who has the last word and needs several times as long. A commit is
ordinary where it says whose it is, adds or changes plain files that no rule watches by name, and none of them holds the
marker of an unfinished merge.
"""

import re

from guard.git.reader import contents
from guard.policy import FILE, Policy, matcher
from guard.shell.scripts import may_be_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.git import Repo

KNOWS = frozenset(
    (
        *("G101", "G102", "G103", "G104", "G105", "G106", "G107", "G108"),
        *("G201", "G202", "G203", "G204", "G205", "G301", "G302", "G303", "G401", "G501", "G502"),
    )
)
"""The rules that what follows has in mind. G201, G203 to G205, G501 and G502 look at clones, never at commits."""

_SUBJECT = re.compile(rb"\[S[0-9]{1,9}\] [^:\n]{0,200}?[A-Za-z0-9][^:\n]{0,200}:[^\n]{0,200}?[A-Za-z0-9]")
_PLAIN = (b"000000", b"100644")


def others(repo: "Repo", old: str, new: str, policy: Policy) -> tuple[list[str], int]:
    """The commits of `old`..`new` that are not ordinary, parents first, and how many commits there are.

    `policy` is the one that judges them all. From the first commit on that changes guard.toml, none is ordinary.
    """
    watched = _watched(policy)
    found: dict[str, None] = {}
    blobs: dict[bytes, list[str]] = {}
    number, looser = 0, False
    for commit, parents, message, files in _commits(repo, old, new):
        number += 1
        looser = looser or any(path == FILE.encode() for _, path in files)
        if looser or parents != 1 or not _said(message, policy) or not all(_plain(*file, watched) for file in files):
            found[commit] = None
            continue
        for head, _ in files:
            blobs.setdefault(head.split(b" ")[3], []).append(commit)
    names = list(blobs)
    for name, data in zip(names, contents(repo, [name.decode() for name in names]), strict=True):
        if data is None or b"<<<<<<<" in data:
            found.update(dict.fromkeys(blobs[name]))
    return list(found), number


def _commits(repo: "Repo", old: str, new: str) -> "Iterator[tuple[str, int, bytes, list[tuple[bytes, bytes]]]]":
    """Commits as (name, number of parents, message, files as git's raw output has them), parents first."""
    fixed = ("--raw", "--no-renames", "--no-abbrev", "--no-ext-diff", "--ignore-submodules=none", "--encoding=UTF-8")
    words = ("--topo-order", "--reverse", "--root", "--diff-merges=combined", new, f"^{old}")
    records = repo.log("--format=commit:%H %P%x00%B%x00", *fixed, *words)
    commit, parents, message = "", 0, b""
    files: list[tuple[bytes, bytes]] = []
    for record in records:
        if record.startswith(b":"):
            files.append((record, next(records)))
        elif record.startswith((b"commit:", b"\ncommit:")):
            if commit:
                yield commit, parents, message, files
            commit, *rest = record.decode().removeprefix("\n").removeprefix("commit:").split()
            parents, message, files = len(rest), next(records), []
        elif record.startswith(b"\n:"):
            files.append((record[1:], next(records)))
    if commit:
        yield commit, parents, message, files


def _said(message: bytes, policy: Policy) -> bool:
    """Whether a message is good, and claims nothing that must be looked at."""
    return (not policy.prefix or _SUBJECT.match(message) is not None) and b"Guard-" not in message


def _plain(head: bytes, path: bytes, watched: "re.Pattern[str]") -> bool:
    """Whether a file that is added or changed is of no rule's concern but for markers in it."""
    old_mode, mode, _, _, _ = head[1:].split(b" ")
    if old_mode not in _PLAIN or mode != b"100644":
        return False
    try:
        name = path.decode()
    except UnicodeDecodeError:
        return False
    return watched.match(name) is None and not may_be_script(name, "100644")


def _watched(policy: Policy) -> "re.Pattern[str]":
    """What is judged by its name: protected files, what looks like data, and what declared counts hang on."""
    globs = {glob for globs in policy.append_globs().values() for glob in globs}
    counted = {
        each for count in policy.counts for each in (count.file, count.source.partition("#")[0], count.files) if each
    }
    folders = ["state/**", f"{policy.inbox}**"]
    named = matcher([*policy.canonical, *policy.append_rows, *policy.append_sections, *globs, *counted, *folders, FILE])
    return re.compile(rf"(?s:.*\.json\Z)|{named.pattern}")
