"""What the merge makes on top of a commit: the one computation behind `guard merge` and `guard verify`."""

import errno
import hashlib
import os
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.importer import NewCommit
from guard.git.objects import Commit, parse_tree
from guard.history import Arrival, Trailer, arrivals, entries
from guard.policy import FILE, Policy, parse
from guard.schema import conforms
from merge import ENGINE, page, values
from merge.delta import MAX_FRAME, digest_of, frame_in_name, split_name, valid_stream
from merge.engines import ENGINES
from merge.files import BadState, templates
from merge.fold import Outcome, page_path, rejected_path
from merge.laws import Laws
from merge.names import is_candidate
from merge.order import NEVER

LAST_SECOND = 4102444799
"""2099-12-31T23:59:59Z: deltas write times of any year, and no commit gets a later one."""


_SHORT = {"posts_created": "posts", "comments_added": "comments"}
"""How a subject calls the default lists; others by their own names."""


class Tree(Mapping[str, bytes]):
    """The files of a commit, fetched as they are asked for."""

    def __init__(self, repo: Repo, commit: str | None) -> None:
        self._repo = repo
        self._commit = commit
        self._known: dict[str, bytes | None] = {}
        self._folders: dict[str, set[str]] = {}

    def __getitem__(self, path: str) -> bytes:
        if path not in self._known:
            self._known[path] = self._repo.reader.read(f"{self._commit}:{path}") if self._holds(path) else None
        data = self._known[path]
        if data is None:
            if self._holds(path) and "\n" not in path:
                self._lacks(path)
            raise KeyError(path)
        return data

    def _holds(self, path: str) -> bool:
        """Whether there may be such a file. A merge asks for many that are new, and for each folder only once."""
        folder, _, name = path.rpartition("/")
        if self._commit is None or "\n" in folder:
            return self._commit is not None
        if folder not in self._folders:
            found = self._repo.reader.find(f"{self._commit}:{folder}")
            if found is None and (self._holds(folder) if folder else self._repo.resolve(self._commit) is not None):
                self._lacks(folder)
            names = parse_tree(found.data, self._repo.hash) if found is not None and found.kind == "tree" else set()
            self._folders[folder] = names
        return name in self._folders[folder]

    def _lacks(self, path: str) -> None:
        """Something is there, and its content is not: nobody may take it for absent."""
        raise Unseen(
            f"the content of {path or 'the top folder'} in {str(self._commit)[:12]} is not in this clone",
            "taking it for absent would wipe what it holds",
            "git fetch, or git fsck",
        )

    def __iter__(self) -> Iterator[str]:
        return iter([path for _, _, path in self._repo.tree(self._commit, "")] if self._commit else [])

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass
class Plan:
    """A merge that is worked out and not yet written."""

    parent: Commit | None
    policy: Policy
    outcome: Outcome
    files: dict[str, bytes | None] = field(default_factory=dict)
    """Path -> content, None for a file that leaves the inbox."""
    close: int = 0
    missing: list[str] = field(default_factory=list)
    """Streams that the roster expects in the closed frame and no page has."""
    recovered: list[Arrival] = field(default_factory=list)
    """Merged versions that the tip's inbox no longer holds."""
    engine: int = ENGINE

    @property
    def trailer(self) -> Trailer:
        """What the commit says of itself."""
        digests = self.outcome.digests
        joined = "".join(f"{digest}\n" for digest in digests)
        frames = tuple(sorted(self._frames())) or (self.close,)
        return Trailer(frames, self.close, len(digests), hashlib.sha256(joined.encode()).hexdigest(), self.engine)

    def _frames(self) -> set[int]:
        rejected = {invalid.frame for invalid in self.outcome.rejected if invalid.frame is not None}
        return {delta.frame for delta in self.outcome.applied} | rejected

    @property
    def time(self) -> int:
        """The commit's time: the newest of its deltas, never before its parent's."""
        seconds = self.outcome.newest[0] if self.outcome.newest != NEVER else 0
        return max(0, min(max(seconds, self.parent.time if self.parent else 0), LAST_SECOND))

    def subject(self) -> str:
        """The commit message's first line."""
        streams = len({(delta.frame, delta.stream) for delta in self.outcome.applied})
        frame = max([delta.frame for delta in self.outcome.applied], default=self.close)
        counted = [(len(self.outcome.players.get(law.role, ())), law.at) for law in self.policy.laws.maps[:1]]
        lists = [law.name for law in self.policy.laws.lists if law.law == "one-per-key"]
        counted += [(self.outcome.entries[name], _SHORT.get(name, name)) for name in lists]
        said = ", ".join(f"{number} {what}" for number, what in [(streams, "streams"), *counted])
        return f"[F{frame}] merge: {said}"

    def message(self) -> str:
        """The whole commit message."""
        missing = f"Missing: {', '.join(self.missing)}\n\n" if self.missing else ""
        return f"{self.subject()}\n\n{missing}{self.trailer.text()}\n"

    def commit(self) -> NewCommit:
        """The commit to write."""
        parent = self.parent.id if self.parent else None
        return NewCommit(parent, self.policy.author, self.time, self.message(), self.files)


def policy_at(repo: Repo, commit: str | None) -> Policy:
    """The policy that guard.toml states in a commit; the defaults where it has none."""
    return parse(repo.file(commit, FILE) if commit else None)


def policy_on_disk(repo: Repo) -> bytes | None:
    """guard.toml as it lies in the work tree, None where there is none; raises `OSError` for what is no file."""
    path = repo.top() / FILE
    if not path.exists():
        return None
    if not path.is_file():  # a pipe would never end
        raise OSError(errno.EINVAL, "it is not a regular file")
    return path.read_bytes()


def start(policy: Policy) -> str | None:
    """The commit whose history is merged already by adoption; None where everything counts."""
    if policy.from_beginning or not policy.baseline or set(policy.baseline) == {"0"}:
        return None
    return policy.baseline


def work_out(
    repo: Repo,
    parent: str | None,
    policy: Policy,
    beyond: str | None,
    delivered: list[Arrival],
    close: int | None = None,
    into: dict[str, bytes] | None = None,
    engine: int = ENGINE,
) -> Plan | None:
    """The merge of everything unmerged at `parent` and of what was `delivered` by ref; None for nothing to merge.

    `beyond` is the newest merge that is known to be right: what its history holds is merged. `close` is the frame
    to close; `into` receives files as they are made, as in `fold`; `engine` is the number of the fold. Raises
    `GuardError` where a canonical file cannot be read, or the frame cannot be closed.
    """
    tree = Tree(repo, parent)
    counter = frame_counter(tree, policy.laws)
    older = adopted(repo, policy)
    came = arrivals(repo, policy, parent, beyond) if parent else []
    found = [arrival for arrival in (*came, *delivered) if arrival.oid not in older]
    try:
        _readable(repo, tree, policy, parent, beyond)
        outcome = ENGINES[engine](tree, entries(repo, found), policy.laws, conforms("delta"), close, into)
    except BadState as error:
        raise bad_state(error) from None
    merged = max((delta.frame for delta in outcome.applied), default=counter)
    if close is not None and close > max(merged, counter + 1):
        raise GuardError(
            "usage",
            f"frame {close} cannot be closed: the last closed frame is {counter}",
            "a frame without any delta can be closed only if it is the next one",
            f"guard merge --frame {counter + 1}",
        )
    if not outcome.applied and not outcome.rejected and (close is None or close <= counter):
        return None
    plan = Plan(repo.commit(parent) if parent else None, policy, outcome, dict(outcome.files), engine=engine)
    plan.close = max(merged, 0) if close is None else close
    plan.files.update(_entering(repo, policy, outcome, tree, delivered))
    present = {path: oid for _, oid, path in repo.tree(parent, policy.inbox)} if parent else {}
    after = ChainMap(outcome.files, tree)  # type: ignore[arg-type]  # nothing writes to it
    assert outcome.counter is not None
    gone = leaving(repo, present, after, policy, outcome.counter, {arrival.oid for arrival in found})
    plan.files.update(dict.fromkeys(gone))
    plan.recovered = _recovered(found, present, policy, outcome)
    plan.missing = missing_streams(after, policy, plan.close)
    return plan


def bad_state(error: BadState) -> GuardError:
    """The refusal to merge into a canonical file that cannot be read."""
    return GuardError(
        "state",
        f"{error.path} cannot be merged into: {error.reason}",
        "taking it for empty would wipe every record in it; nothing was written",
        f"guard restore {error.path}",
    )


def frame_counter(tree: Mapping[str, bytes], laws: Laws) -> int:
    """The frame counter of a commit, -1 where there is none; raises `GuardError` where it cannot be read."""
    data = tree.get(laws.counter)
    if data is None:
        return -1
    try:
        frame = values.parse(data)["frame"]
        if type(frame) is int:
            return frame
        reason = "its frame is not an integer"
    except (values.BadJson, KeyError, TypeError) as error:
        reason = str(error)
    raise bad_state(BadState(laws.counter, reason))


def adopted(repo: Repo, policy: Policy) -> set[str]:
    """The files that lay in the inbox at adoption: merged by whatever merged before guard did."""
    baseline = start(policy)
    if baseline is None or repo.resolve(baseline) is None:
        return set()
    here = repo.tree(baseline, policy.inbox)
    return {oid for _, oid, path in here if is_candidate(path[len(policy.inbox) :])}


def _readable(repo: Repo, tree: Tree, policy: Policy, parent: str | None, beyond: str | None) -> None:
    """Raise `BadState` for a top-level canonical file that cannot be read and that somebody changed, or the fold needs.

    Only what changed since the last good merge is looked at, so that the cost does not grow with the state.
    """
    if parent is None:
        return
    if beyond is not None:
        changed = {change.path for change in repo.changes(beyond, parent, "state") if change.new_mode != "000000"}
    else:
        changed = {path for _, _, path in repo.tree(parent, "state")}
    watched = {path for path in changed if policy.is_canonical(path) and path.endswith(".json")}
    kept = [policy.laws.pages, policy.laws.registers, *(law.index for law in policy.laws.lists if law.index)]
    deep = tuple(f"{folder}/" for folder in kept)  # read by the fold, where it needs them
    before = Tree(repo, beyond)
    for path in sorted(watched | templates(policy.laws).keys()):
        if path.startswith(deep):
            continue
        if path not in tree:
            if path in templates(policy.laws) and path in before:
                raise BadState(path, f"it is gone; {str(beyond)[:12]} had it")
            continue
        try:
            values.parse(tree[path])
        except values.BadJson as error:
            raise BadState(path, str(error)) from None


def _entering(
    repo: Repo, policy: Policy, outcome: Outcome, tree: Tree, delivered: list[Arrival]
) -> dict[str, bytes | None]:
    """The files that came by ref and enter the inbox, so that their bytes are part of history."""
    recorded = set(outcome.digests)
    files: dict[str, bytes | None] = {}
    for arrival in delivered:
        data = repo.reader.read(arrival.oid)
        path = policy.inbox + arrival.name
        if data is not None and digest_of(data) in recorded and path not in tree:
            files[path] = data
    return files


def leaving(
    repo: Repo,
    present: Mapping[str, str],
    files: Mapping[str, bytes],
    policy: Policy,
    counter: int,
    fresh: Collection[str],
) -> list[str]:
    """The inbox files (path -> object) that a merge drops: recorded in a page, of a frame that is not kept any more.

    `files` are those after the merge, `counter` is the frame counter then; `fresh` objects are recorded by it.
    """
    dropped = []
    recorded: dict[int, set[str]] = {}
    for path, oid in sorted(present.items()):
        name = path[len(policy.inbox) :]
        frame = frame_in_name(name)
        if frame < 0 or frame > counter - policy.keep_frames:
            continue
        if oid in fresh:
            dropped.append(path)
            continue
        if frame not in recorded:
            data = files.get(page_path(frame, policy.laws))
            recorded[frame] = page.digests(data) if data is not None else set()
        if not recorded[frame] and split_name(name, "") is not None:
            continue  # as it was adopted: of thousands, nobody wants to read the bytes
        data = repo.reader.read(oid)
        if data is not None and (digest_of(data) in recorded[frame] or _rejected(name, data, files, policy.laws)):
            dropped.append(path)
    return dropped


def _rejected(name: str, data: bytes, files: Mapping[str, bytes], laws: Laws) -> bool:
    """Whether a file that does not have the name of a delta is recorded as rejected."""
    digest = digest_of(data)
    sheet = files.get(rejected_path(digest, laws)) if split_name(name, digest) is None else None
    return sheet is not None and digest in values.parse(sheet)


def _recovered(found: list[Arrival], present: Mapping[str, str], policy: Policy, outcome: Outcome) -> list[Arrival]:
    merged = {delta.name for delta in outcome.applied} | {invalid.name for invalid in outcome.rejected}
    return [
        arrival
        for arrival in found
        if arrival.name in merged
        and not arrival.origin.startswith("refs/")
        and present.get(policy.inbox + arrival.name) != arrival.oid
    ]


def roster(files: Mapping[str, bytes], policy: Policy) -> tuple[int | None, list[str]]:
    """The frame that the roster speaks of, and the streams that it expects; (None, []) where there is none to read.

    The roster is coordination, not state: one that cannot be read expects nobody, and nobody is what it calls by a
    name that no stream can have. A stream's name goes into messages, and into the paths where it is played.
    """
    data = files.get(policy.roster)
    try:
        value = values.parse(data) if data is not None else {}
        frame, streams = value["frame"], list(value["streams"])
    except (values.BadJson, KeyError, TypeError):
        return None, []
    names = [name for name in streams if isinstance(name, str) and valid_stream(name)]
    return (frame if type(frame) is int else None), names


def open_frame(rostered: int | None, counter: int) -> int:
    """The frame that is worked on: the roster's where it is not closed yet, else the one after the last closed."""
    return rostered if rostered is not None and rostered > counter else counter + 1


def frame_at_work(files: Mapping[str, bytes], policy: Policy) -> int:
    """The frame of what is made here: GUARD_FRAME, else the open one; raises `GuardError` where that is no number."""
    given = os.environ.get("GUARD_FRAME", "")
    if not given:
        return open_frame(roster(files, policy)[0], frame_counter(files, policy.laws))
    if not given.isascii() or not given.isdecimal() or len(given) > len(str(MAX_FRAME)):
        why = "a delta says which frame it is of"
        raise GuardError("usage", f"GUARD_FRAME={given} is not a frame", why, "GUARD_FRAME=NUMBER, or --frame NUMBER")
    return int(given)


def streams_of(files: Mapping[str, bytes], frame: int, laws: Laws) -> dict[str, dict[str, Any]]:
    """What the page of a frame says of its streams; empty where there is no page."""
    data = files.get(page_path(frame, laws))
    if data is None:
        return {}
    try:
        streams: dict[str, dict[str, Any]] = values.parse(data)["streams"]
    except (values.BadJson, KeyError, TypeError) as error:
        raise bad_state(BadState(page_path(frame, laws), str(error))) from None
    return streams


def missing_streams(files: Mapping[str, bytes], policy: Policy, frame: int) -> list[str]:
    """The streams that the roster expects in `frame` and that its page does not have."""
    expected_frame, expected = roster(files, policy)
    if expected_frame != frame:
        return []
    came = streams_of(files, frame, policy.laws)
    return [stream for stream in expected if stream not in came]
