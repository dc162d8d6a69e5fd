"""What a commit of the index would alter."""

import posixpath
import time
from collections.abc import Mapping, Sequence
from functools import cache

from guard.change import Bulk, Change, File
from guard.git import Repo
from guard.git.objects import EMPTY_TREE, parse_raw
from guard.git.objects import Change as Difference
from guard.identity import heard
from guard.identity import session as own_session
from guard.observe import Recorded, counter, file_of, listing_after, listing_of, reading
from guard.policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard.neighbours import Neighbours


def staged(
    repo: Repo,
    policy: Policy,
    *,
    index: str | None = None,
    command: Sequence[str] = (),
    others: Sequence[str] = (),
    head: str = "HEAD",
) -> Change:
    """What a commit of the index would alter.

    `index` is another index file than the repository's own, `others` are commits that are merged, `head` is the commit
    that it was made from, where that is known: such an index takes back nothing that it does not mean to.
    """
    env = {"GIT_INDEX_FILE": index} if index else {}
    differences = _staged(repo, head, env, check=False)
    born = differences is not None
    if differences is None:
        differences = _staged(repo, EMPTY_TREE[repo.hash], env) or []
    joined = (_merge_heads(repo) or others) if born else []
    names = [head, *joined]
    sides = [differences, *(_staged(repo, name, env) or [] for name in joined)]
    files = _of_a_join(repo, names, sides) if joined else [file_of(each) for each in differences]
    at = {each.path: file_of(each) for each in differences}
    read = reading(repo)
    session = own_session(repo) or ""

    @cache
    def near() -> "Neighbours":
        from guard.neighbours import Neighbours  # here: not every judgement gets so far

        return Neighbours(repo, policy, session, new, names)

    def old(path: str, side: int = 0, /) -> bytes | None:
        return repo.reader.read(f"{names[side]}:{path}") if born else None

    def new(path: str) -> bytes | None:
        if path in at:
            return None if at[path].deleted else read(at[path].new)
        return old(path)

    listing = listing_of(repo, head if born else None)
    return Change(
        files,
        read=read,
        old=old,
        new=new,
        listing=listing,
        listed=listing_after(listing, list(at.values())),
        foreign=lambda: _foreign_in_index(repo, policy, names, sides),
        recorded=Recorded(repo, policy, head),
        counter=counter(repo, policy, head) if any(policy.in_inbox(file.path) for file in files) else None,
        instant=time.time(),
        bulk=bulk(repo),
        command=command,
        parents=len(names),
        session=session,
        lanes=lambda: near().lanes() if heard(repo) else (),
        elsewhere=lambda file: near().elsewhere(file),
        undoes=lambda file: near().undoes(file) if head == "HEAD" else "",
    )


def _staged(repo: Repo, commit: str, env: Mapping[str, str], *, check: bool = True) -> list[Difference] | None:
    """How the index differs from a commit; None where there is none and `check` is not set."""
    words = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev", commit, "--")
    done = repo.call(*words, env=env, check=check)
    return parse_raw(done.stdout.decode(errors="surrogateescape")) if done.returncode == 0 else None


def bulk(repo: Repo) -> Bulk | None:
    """How the index was written, where the hook noted that it was in bulk; the note is gone when there is none."""
    try:
        lines = (repo.git_dir / "guard" / "bulk").read_text(errors="surrogateescape").split("\n")
    except OSError:
        return None
    kind, _, command = lines[0].partition(" ")
    return Bulk(command, [f"{posixpath.normpath(line)}/" for line in lines[1:] if line] if kind == "folders" else ())


def _merge_heads(repo: Repo) -> list[str]:
    try:
        return (repo.git_dir / "MERGE_HEAD").read_text().split()
    except OSError:
        return []


def _of_a_join(repo: Repo, names: Sequence[str], sides: Sequence[Sequence[Difference]]) -> list[File]:
    from guard.observe.joins import Bases, answered  # here: most commits join nothing

    return answered(sides, Bases(repo, names))


def _foreign_in_index(
    repo: Repo, policy: Policy, names: Sequence[str], sides: Sequence[Sequence[Difference]]
) -> dict[str, str]:
    """Canonical paths whose staged bytes are not those of the parent that holds the newest state."""
    changed = [[each.path for each in side if policy.is_canonical(each.path)] for side in sides]
    if len(names) == 1:
        return dict.fromkeys(changed[0], "canonical state is changed outside the merge")
    if not any(changed):
        return {}
    from guard.observe.joins import Bases

    bases = Bases(repo, names)
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        if not any(policy.is_canonical(path) for other in others for path in bases.between(place, other)):
            what = f"it differs from the newest state that this merge joins, {name[:12]}'s"
            return dict.fromkeys(changed[place], what)
    return {"": "it joins two states of which neither contains the other"}
