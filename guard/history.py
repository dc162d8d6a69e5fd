"""What history says about deltas and merges: which files came into the inbox, and how far they are merged."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from guard.errors import Unseen
from guard.git import Repo
from guard.git.objects import Commit
from guard.git.reader import Reader
from guard.policy import Policy
from merge.delta import Entry, digest_of, frame_in_name
from merge.names import is_candidate

MERGE_TRAILER = "Guard-Merge"
RESTORE_TRAILER = "Guard-Restore"
RECOUNT_TRAILER = "Guard-Recount"

_TRAILER = re.compile(
    r"^Guard-Merge: frames=([0-9]{1,10}(?:,[0-9]{1,10})*) close=([0-9]{1,10}) deltas=([0-9]{1,10})"
    r" digest=([0-9a-f]{64}) engine=([0-9]{1,4})$",
    re.MULTILINE | re.ASCII,
)
_RESTORE = re.compile(r"^Guard-Restore: ([0-9a-f]{40}|[0-9a-f]{64})$", re.MULTILINE)

_KINDS: dict[str, Literal["file", "symlink", "submodule"]] = {"120000": "symlink", "160000": "submodule"}


class Trailer(NamedTuple):
    """What a merge commit claims of itself."""

    frames: tuple[int, ...]
    close: int
    deltas: int
    digest: str
    engine: int

    def text(self) -> str:
        """The trailer's line."""
        frames = ",".join(map(str, self.frames))
        return (
            f"{MERGE_TRAILER}: frames={frames} close={self.close} deltas={self.deltas}"
            f" digest={self.digest} engine={self.engine}"
        )


class Arrival(NamedTuple):
    """A file that came into the inbox: its name below it, its mode and object, and which commit or ref brought it."""

    name: str
    mode: str
    oid: str
    origin: str

    def entry(self, data: bytes | None) -> Entry:
        """The file as the fold takes it; `data` is None for a submodule, which has no bytes here."""
        kind = _KINDS.get(self.mode, "file")
        name = self.name.encode(errors="surrogateescape").decode(errors="backslashreplace")  # it is recorded in JSON
        return Entry(name, self.oid.encode() if kind == "submodule" or data is None else data, kind)


def trailer(message: str) -> Trailer | None:
    """The last `Guard-Merge` line of a commit message, None where there is none."""
    found = None
    for match in _TRAILER.finditer(message):
        frames = tuple(map(int, match[1].split(",")))
        found = Trailer(frames, int(match[2]), int(match[3]), match[4], int(match[5]))
    return found


def restored(message: str) -> str | None:
    """The commit that a `Guard-Restore` line names."""
    found = _RESTORE.findall(message)
    return found[-1] if found else None


def is_recount(message: str) -> bool:
    """Whether a commit says that it counts canonical files anew."""
    return any(line.startswith(f"{RECOUNT_TRAILER}: ") for line in message.split("\n"))


def arrivals(repo: Repo, policy: Policy, tip: str, beyond: str | None) -> list[Arrival]:
    """Every file that any commit of `beyond`..`tip` put into the inbox, over all parents, each blob once a name.

    So versions that were overwritten or deleted since are found too.
    """
    words = ["--diff-merges=separate", "--full-history", "--diff-filter=d", tip, *([f"^{beyond}"] if beyond else [])]
    found: dict[tuple[str, str], Arrival] = {}
    for commit, _, changes in repo.history(*words, "--", policy.inbox):
        for change in changes:
            name = change.path[len(policy.inbox) :]
            if is_candidate(name):
                found[name, change.new] = Arrival(name, change.new_mode, change.new, commit)
    return list(found.values())


def delivered(repo: Repo, refs: dict[str, str], prefix: str) -> list[Arrival]:
    """The deltas that refs below `prefix` hold: `<frame>/<stream>/<digest16>`, a commit with the delta in its tree.

    A file from a ref gets the name of a further run, from what the ref says and from its own digest.
    """
    found = []
    for ref, oid in sorted(refs.items()):
        frame, _, rest = ref[len(prefix) :].partition("/")
        stream, _, wanted = rest.rpartition("/")
        blobs = [(blob, data) for blob in _blobs(repo, oid, frame) if (data := repo.reader.read(blob)) is not None]
        meant = [(blob, data) for blob, data in blobs if digest_of(data)[:16] == wanted]
        for blob, data in meant or blobs:
            name = f"frame-{frame}-{stream}--{digest_of(data)[:16]}.json".replace("/", "_")
            found.append(Arrival(name, "100644", blob, ref))
    return found


def _blobs(repo: Repo, oid: str, frame: str) -> list[str]:
    """The deltas of a frame that an object holds: it itself, or files in its tree by their names."""
    kind = repo.run("cat-file", "-t", oid).strip()
    if kind == "blob":
        return [oid]
    held = [(mode, blob, path) for mode, blob, path in repo.tree(oid, "") if mode != "160000"]
    return [blob for _, blob, path in held if path.rpartition("/")[2].startswith(f"frame-{frame}-")]


def entries(repo: Repo, found: list[Arrival]) -> Iterator[Entry]:
    """The files as the fold takes them, frame by frame, read one after the other so that few are held at once."""
    ordered = sorted(found, key=lambda arrival: (frame_in_name(arrival.name), arrival.name, arrival.oid))
    blobs = [arrival for arrival in ordered if arrival.mode != "160000"]
    reader = Reader(repo)  # of its own: canonical files are asked for while these are on their way
    try:
        contents = reader.find_many([arrival.oid for arrival in blobs])
        for arrival in ordered:
            if arrival.mode == "160000":
                yield arrival.entry(None)
            else:
                content = next(contents)
                if content is None:
                    raise Unseen(f"the content of {arrival.name} ({arrival.oid}) is not in this clone", "", "git fetch")
                yield arrival.entry(content.data)
    finally:
        reader.close()


def claims(repo: Repo, tip: str, beyond: str | None) -> Iterator[Commit]:
    """Commits of `beyond`..`tip` that say they are merges, newest first."""
    words = ("--topo-order", f"--grep=^{MERGE_TRAILER}:", "--format=%H", tip, *([f"^{beyond}"] if beyond else []))
    for record in repo.log(*words):
        yield repo.commit(record.decode().strip())
