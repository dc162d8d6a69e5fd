"""Rebuilding canonical files: the bytes of a good commit plus every delta that was merged since."""

from collections.abc import Mapping
from dataclasses import dataclass

from guard.git import Repo
from guard.history import arrivals, claims, entries, trailer
from guard.plan import Tree, bad_state, policy_at
from guard.policy import Policy
from guard.schema import conforms
from guard.verify.recompute import differences, engine_of, newest_merge
from merge import page, values
from merge.delta import digest_of, split_name
from merge.engines import ENGINES
from merge.files import BadState
from merge.fold import page_path, rejected_path
from merge.laws import Laws


@dataclass(frozen=True)
class Rebuilt:
    """Canonical files as they should be: `files` by path, and how many deltas were merged into `rev`'s bytes."""

    rev: str
    files: Mapping[str, bytes]
    deltas: int


def rebuild(repo: Repo, policy: Policy, rev: str, tip: str, beyond: str | None) -> Rebuilt:
    """The canonical files of `rev` with every delta in them that a page recorded in `rev`..`tip`.

    `beyond` is the newest good merge at `rev`. Raises `GuardError` where a canonical file of `rev` cannot be read.
    """
    recorded, close, engine = merged_since(repo, policy, rev, tip)
    found = [
        arrival
        for arrival in arrivals(repo, policy, tip, beyond)
        if arrival.mode == "160000" or digest_of(repo.reader.read(arrival.oid) or b"") in recorded
    ]
    tree = Tree(repo, rev)
    base = {path: oid for mode, oid, path in repo.tree(rev, "") if mode != "160000" and policy.is_canonical(path)}
    try:
        outcome = ENGINES[engine](tree, entries(repo, found), policy.laws, conforms("delta"), close)
    except BadState as error:
        raise bad_state(error) from None
    files = {path: tree[path] for path in base} | outcome.files
    return Rebuilt(rev, files, len(outcome.applied))


def merged_since(repo: Repo, policy: Policy, rev: str, tip: str) -> tuple[set[str], int | None, int]:
    """The digests that pages recorded in `rev`..`tip`, the newest frame that a merge there closed, and its engine.

    Whoever recorded a digest, and whatever that commit says of itself: no later merge takes a delta that a page has. A
    frame is closed by what can be made again alone.
    """
    recorded: set[str] = set()
    words = ("--topo-order", "--full-history", "--no-diff-merges", "--root", tip, f"^{rev}", "--", policy.laws.pages)
    for _, parents, changes in repo.history(*words):
        if len(parents) == 1:
            for change in changes:
                recorded |= _digests(repo, change.new) - _digests(repo, change.old)
    close: int | None = None
    engine = min(ENGINES)
    for claim in claims(repo, tip, rev):
        said = trailer(claim.message)
        if said is None or len(claim.parents) != 1 or (close is not None and said.close <= close):
            continue
        parent = claim.parents[0]
        if not differences(repo, claim, newest_merge(repo, policy_at(repo, parent), parent)):
            close = said.close
            engine = max(engine, engine_of(claim.id, said))
    return recorded, close, engine


def _digests(repo: Repo, oid: str) -> set[str]:
    data = repo.reader.read(oid) if oid != repo.null else None
    return recorded_digests(data) if data is not None else set()


def is_recorded(repo: Repo, commit: str, name: str, data: bytes, laws: Laws) -> bool:
    """Whether the pages of a commit record a file of the inbox, as merged or as rejected."""
    digest = digest_of(data)
    said = split_name(name, digest)
    where = page_path(said[0], laws) if said is not None else rejected_path(digest, laws)
    sheet = repo.reader.read(f"{commit}:{where}")
    return sheet is not None and digest in recorded_digests(sheet)


def recorded_digests(data: bytes) -> set[str]:
    """The digests that a page, or a file of rejected deltas, records; none where it is neither."""
    try:
        value = values.parse(data)
        return page.digests(data) if "streams" in value else {key for key in value if isinstance(key, str)}
    except (values.BadJson, page.NotAPage, TypeError):
        return set()


def counts(data: bytes | None) -> dict[str, int]:
    """Record counts of a JSON file: how many members each of its maps and lists has; `{}` where it cannot be read."""
    try:
        value = values.parse(data) if data is not None else {}
    except values.BadJson:
        return {}
    if not isinstance(value, dict):
        return {}
    found = {key: len(part) for key, part in value.items() if isinstance(part, dict | list) and key != "_meta"}
    return found or {"keys": len(value)}
