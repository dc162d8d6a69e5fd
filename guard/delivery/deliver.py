"""Delivery: deltas from the outbox to the hub, each in effect once, however often and from wherever it is sent.

By ref, each delta is a ref of its own that nobody else writes, so no two writers ever contend. By branch, all that wait
are one commit on the tip of the state branch, made again on every newer tip until it is in. Either way a delta leaves
the outbox when the hub has it and not before; index, work tree and branches of this clone stay as they are.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard import identity
from guard.backoff import backoff
from guard.bring_in import AS_GUARD
from guard.delivery import outbox
from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import NewCommit, write_commit
from guard.git.objects import blob_id, object_id
from guard.history import delivered
from guard.hub.hub import DELTA_REFS, Hub, Snapshot
from guard.hub.local import Local
from guard.inbox import by_small_letters
from guard.leases.recording import author_of
from guard.plan import policy_at
from guard.policy import Policy, Way
from guard.publish import REFUSED_TRIES, TRIES, Offer, hub, publish
from guard.report import number
from guard.restore import recorded_digests
from merge.delta import digest_of, file_name, split_name
from merge.fold import page_path

CANDIDATE = "refs/guard/delivery/candidate"
"""Where a commit of deltas stands in this clone until it is on the branch."""

BRANCH_TRIES = 1000
"""For the branch: who loses has lost to somebody who won, so all get in as long as the hub takes anything at all."""

AT_ONCE = 100
"""So many refs go in one push, whose command line must not grow too long."""


@dataclass(frozen=True)
class Packed:
    """A delta of the outbox, read."""

    frame: int
    stream: str
    data: bytes

    @property
    def digest(self) -> str:
        """The sha256 of its bytes."""
        return digest_of(self.data)

    @property
    def ref(self) -> str:
        """The ref that delivers it."""
        return f"{DELTA_REFS}{self.frame}/{self.stream}/{self.digest[:16]}"


@dataclass
class Sent:
    """What came of a delivery: where each delta of the outbox is at the hub now, and why the others wait."""

    where: dict[Path, str] = field(default_factory=dict)
    """A ref, or a path of the state branch; empty where another process has sent it meanwhile."""
    errors: dict[Path, GuardError] = field(default_factory=dict)

    def failed(self, paths: Iterable[Path], error: GuardError) -> None:
        """Note why these wait."""
        self.errors.update((path, error) for path in paths if path not in self.where)


def deliver(repo: Repo, policy: Policy, paths: Sequence[Path], by: Way | None = None) -> Sent:
    """Bring deltas of the outbox to the hub, by the policy's way where none is asked for; those that are there go.

    Without a remote they become refs here, whichever way was asked for: the branch may be checked out. What the hub
    does not take stays in the outbox, and what went wrong is returned, not raised.
    """
    sent = Sent()
    packed: dict[Path, Packed] = {}
    for path in paths:
        try:
            packed[path] = _unpacked(path)
        except FileNotFoundError:
            sent.where[path] = ""
        except OSError as error:
            why = "it is not delivered, and takes no other along"
            fix = f"ls -l {path}"
            sent.errors[path] = GuardError("state", f"{path} cannot be read: {error.strerror}", why, fix)
        except GuardError as error:
            sent.errors[path] = error
    if packed:
        kinds = sorted({f"deltas/{each.frame}/{each.stream}" for each in packed.values()})
        try:
            place = hub(repo, policy, kinds)
            if (by or policy.deliver_by) == "refs" or isinstance(place, Local):
                _by_refs(repo, place, packed, sent)
            else:
                _by_branch(repo, place, packed, sent)
        except GuardError as error:
            sent.failed(packed, error)
    for path in sent.where:
        path.unlink(missing_ok=True)
    return sent


def _unpacked(path: Path) -> Packed:
    """A file of the outbox; raises `GuardError` where its name says something else than its bytes."""
    data = path.read_bytes()
    digest = digest_of(data)
    named = split_name(path.name, digest)
    if named is None or file_name(*named, digest) != path.name:
        why = "a delta keeps its digest in its name, and this one has changed since; it is not delivered"
        raise GuardError("state", f"{path} does not hold what its name says", why, f"guard delta check {path}")
    return Packed(*named, data)


# --- what is there already -------------------------------------------------------------------------------------


class Held:
    """The deltas that the hub has, as a snapshot shows it."""

    def __init__(self, repo: Repo, policy: Policy, tip: str | None, refs: Mapping[str, str]) -> None:
        self._repo = repo
        self._policy = policy
        self._tip = tip
        self._refs = refs
        self._pages: dict[str, set[str]] = {}
        inbox = policy.inbox
        self.names = {path[len(inbox) :]: oid for _, oid, path in repo.tree(tip, inbox)} if tip else {}
        """The inbox of the state branch: name -> blob."""
        self._blobs = {oid: name for name, oid in self.names.items()}
        self._folded = by_small_letters(self.names)
        self._top = None if repo.bare else repo.top()

    def where(self, delta: Packed) -> str:
        """Where a delta is already: the page that records it, a file of the inbox, a ref; empty where nowhere."""
        page = page_path(delta.frame, self._policy.laws)
        if page not in self._pages:
            data = self._repo.reader.read(f"{self._tip}:{page}") if self._tip else None
            self._pages[page] = recorded_digests(data) if data is not None else set()
        if delta.digest in self._pages[page]:
            return page
        name = self._blobs.get(blob_id(delta.data, self._repo.hash))
        if name is not None:
            return self._policy.inbox + name
        return _ref_of(self._repo, self._refs, delta)

    def free(self, delta: Packed, taken: Iterable[str]) -> str:
        """The name that a delta gets in the inbox: no name is ever given to other bytes.

        Raises `GuardError` where the stream's id differs from another's only in case.
        """
        plain, further = (file_name(delta.frame, delta.stream, digest) for digest in ("", delta.digest))
        for name in (plain, further):
            twin = next((other for other in self._folded.get(name.lower(), ()) if other != name), None)
            if twin is not None:
                why = "they are one file on macOS and Windows"
                fix = "give the stream an id of its own, and write a new delta"
                raise GuardError("state", f"{name} and {twin} differ only in case", why, fix)
        return further if plain in self.names or plain in taken or self._lies_here(plain) else plain

    def _lies_here(self, name: str) -> bool:
        """Whether the work tree has an uncommitted file of that name: `git pull` would refuse to write over it."""
        if self._top is None:
            return False
        path = self._policy.inbox + name
        committed = self._repo.reader.find(f"HEAD:{path}") is not None
        return not committed and os.path.lexists(self._top / path)


def _ref_of(repo: Repo, refs: Mapping[str, str], delta: Packed) -> str:
    """The ref that holds a delta's very bytes; empty where none does."""
    if refs.get(delta.ref) == object_id(*_alone(delta, repo.hash)[-1], repo.hash):
        return delta.ref
    wanted = blob_id(delta.data, repo.hash)
    mine = {ref: oid for ref, oid in refs.items() if ref.startswith(delta.ref)}
    return next((each.origin for each in delivered(repo, mine, DELTA_REFS) if each.oid == wanted), "")


# --- by ref ----------------------------------------------------------------------------------------------------


def _by_refs(repo: Repo, place: Hub, packed: Mapping[Path, Packed], sent: Sent) -> None:
    """Together, as that is fewest pushes; one by one where the hub refuses, so that one takes no other along."""
    paths = list(packed)
    for start in range(0, len(paths), AT_ONCE):
        batch = paths[start : start + AT_ONCE]
        try:
            sent.where.update(_refs(repo, place, {path: packed[path] for path in batch}, REFUSED_TRIES))
        except GuardError as error:
            if error.kind == "network" or len(batch) == 1:
                raise
            for path in batch:
                try:
                    sent.where.update(_refs(repo, place, {path: packed[path]}, 2))
                except GuardError as refused:
                    sent.failed([path], refused)


def _refs(repo: Repo, place: Hub, packed: Mapping[Path, Packed], refusals: int) -> dict[Path, str]:
    """Deliver by refs, all in one push. A first push asks nobody what is there: it is seldom needed, and costs."""
    where: dict[Path, str] = {}
    names = {path: delta.ref for path, delta in packed.items()}
    commits = {path: _written(repo, delta) for path, delta in packed.items()}
    said, refused = "", 0
    for wait in backoff(TRIES):
        left = {path: commits[path] for path in packed if path not in where}
        verdict, said = place.move(None, None, {names[path]: (None, commit) for path, commit in left.items()})
        if verdict == "won":
            return where | {path: names[path] for path in left}
        refused = refused + 1 if verdict == "refused" else 0
        if refused >= refusals:
            break
        refs = place.read().refs
        for path in left:
            if there := _ref_of(repo, refs, packed[path]):
                where[path] = there
            elif names[path] in refs:  # other bytes stand where these belong
                names[path] = f"{DELTA_REFS}{packed[path].frame}/{packed[path].stream}/{packed[path].digest}"
        if len(where) == len(packed):
            return where
        time.sleep(wait)
    raise GuardError(
        "contention",
        f"{place.name} does not take {number(len(packed), 'delta')}: {said}",
        "nothing is lost: they wait in the outbox",
        "guard delta push, or guard delta push --by branch",
    )


_BY = f"{AS_GUARD['GIT_COMMITTER_NAME']} <{AS_GUARD['GIT_COMMITTER_EMAIL']}> 0 +0000"


def _alone(delta: Packed, hash_name: str) -> list[tuple[str, bytes]]:
    """The (kind, content) of a commit of one file, which comes last: the same on every machine, so that whoever sends
    it twice has sent it once, and whoever sees its name need not look inside."""
    name = file_name(delta.frame, delta.stream, delta.digest)
    tree = b"100644 %s\0%s" % (name.encode(), bytes.fromhex(blob_id(delta.data, hash_name)))
    head = f"tree {object_id('tree', tree, hash_name)}\nauthor {_BY}\ncommitter {_BY}\n"
    commit = f"{head}\ndelta of {delta.stream}, frame {delta.frame}\n".encode()
    return [("blob", delta.data), ("tree", tree), ("commit", commit)]


def _written(repo: Repo, delta: Packed) -> str:
    """The name of that commit, whose objects are there now."""
    return [
        repo.run("hash-object", "-w", "-t", kind, "--stdin", input=data).strip()
        for kind, data in _alone(delta, repo.hash)
    ][-1]


# --- by branch -------------------------------------------------------------------------------------------------


def _by_branch(repo: Repo, place: Hub, packed: Mapping[Path, Packed], sent: Sent) -> None:
    """All in one commit; one by one where the hub refuses that, so that one takes no other along.

    In one clone only one process at a time tries: it takes along what the others wait with.
    """
    with _turn(repo):
        gone = [path for path in packed if not path.exists()]  # somebody took it along
        sent.where.update(dict.fromkeys(gone, ""))
        mine = {path: delta for path, delta in packed.items() if path not in gone}
        if not mine:
            return
        together = mine | _others(repo, packed)
        try:
            _committed(repo, place, together, mine, sent, REFUSED_TRIES)
        except GuardError as error:
            if error.kind != "contention" or len(together) == 1:
                raise
            for path, delta in mine.items():
                try:
                    _committed(repo, place, {path: delta}, mine, sent, 2)
                except GuardError as refused:
                    sent.failed([path], refused)


def _committed(
    repo: Repo, place: Hub, packed: Mapping[Path, Packed], mine: Mapping[Path, Packed], sent: Sent, refusals: int
) -> None:
    """Get one commit in; what of others' it takes along leaves the outbox."""
    made = _Made(repo)
    publish(place, lambda snapshot: made.offer(snapshot, packed), refusals=refusals, tries=BRANCH_TRIES)
    sent.errors.update((path, error) for path, error in made.refused.items() if path in mine)
    sent.where.update((path, where) for path, where in made.where.items() if path in mine)
    for path in made.where.keys() - mine.keys():
        path.unlink(missing_ok=True)


def _others(repo: Repo, packed: Mapping[Path, Packed]) -> dict[Path, Packed]:
    """What else waits in the outbox."""
    found = {}
    for path in outbox.waiting(repo):
        if path not in packed:
            with contextlib.suppress(GuardError, OSError):
                found[path] = _unpacked(path)
    return found


class _Made:
    """The commit of deltas on one tip, and where it puts each of them."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self.where: dict[Path, str] = {}
        self.refused: dict[Path, GuardError] = {}

    def offer(self, snapshot: Snapshot, packed: Mapping[Path, Packed]) -> Offer | None:
        """A commit that adds what the tip lacks; None where it has everything."""
        if snapshot.tip is None:
            fix = "git push, so that there is a state branch"
            raise GuardError("usage", "there is no commit yet to add to", "a delta by branch is a file there", fix)
        policy = policy_at(self._repo, snapshot.tip)
        held = Held(self._repo, policy, snapshot.tip, snapshot.refs)
        files: dict[str, bytes | None] = {}
        frames: set[int] = set()
        self.where, self.refused = {}, {}
        for path, delta in packed.items():
            there = held.where(delta)
            try:
                name = there or policy.inbox + held.free(delta, {each[len(policy.inbox) :] for each in files})
            except GuardError as error:
                self.refused[path] = error
                continue
            self.where[path] = name
            if not there:
                files[name] = delta.data
                frames.add(delta.frame)
        return Offer(self._commit(snapshot.tip, files, sorted(frames)[-3:])) if files else None

    def _commit(self, tip: str, files: Mapping[str, bytes | None], frames: Iterable[int]) -> str:
        session = identity.session(self._repo) or "S0"  # nobody's: a subject must have a number
        what = f"{number(len(files), 'delta')} of frame {', '.join(map(str, frames))}"
        when = max(int(time.time()), self._repo.commit(tip).time)
        new = NewCommit(tip, _author(self._repo), when, f"[{session}] deltas: {what}\n", files)
        commit = write_commit(self._repo, new, CANDIDATE)
        for change in self._repo.changes(tip, commit):
            if change.path not in files or change.old_mode != "000000":
                why = "the inbox must be a folder of plain files; nothing was delivered"
                fix = "git mv it elsewhere, or guard delta push --by refs"
                raise GuardError("state", f"{change.path} is in the way of a delta", why, fix)
        return commit


def _author(repo: Repo) -> str:
    try:
        return author_of(repo)
    except GuardError:  # a machine that has told git no name delivers too
        return f"{AS_GUARD['GIT_AUTHOR_NAME']} <{AS_GUARD['GIT_AUTHOR_EMAIL']}>"


@contextlib.contextmanager
def _turn(repo: Repo) -> Iterator[None]:
    """Wait for one's turn among all that deliver by branch from this clone; a process that dies lets go."""
    folder = outbox.folder(repo)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "branch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
