"""The roster: which streams a frame expects and whom each plays, written by who opens the frame and read by all.

It is one file on the state branch, `{"frame": 413, "streams": {"m1-stream-1": {"agents": ["ada"]}, ...}}`, and it is
coordination, no state: what it says is the frame after the last closed one, or nothing any more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from guard import identity
from guard.errors import GuardError
from guard.frames import partition
from guard.git import Repo
from guard.git.importer import NewCommit
from guard.hub.hub import Hub, Snapshot
from guard.leases.recording import written
from guard.leases.refs import now
from guard.plan import Tree, frame_counter, policy_at
from guard.plan import roster as named
from guard.policy import Policy
from guard.publish import Offer, publish
from guard.report import number
from guard.schema import check_stream
from merge import values

MAX_STREAMS = 10_000


@dataclass(frozen=True)
class Opening:
    """How a frame is to be opened.

    `streams` is how many each machine has, on `machines` of them (0: one machine whose streams have no prefix);
    `ids` are other names for all of them. `frame` is the only one that may be opened. What is open already with other
    streams is left as it is and refused; with `force` it is opened anew, with `keep` it is taken for what was wanted.
    """

    streams: int = 1
    machines: int = 0
    ids: Sequence[str] = ()
    frame: int | None = None
    agents: Sequence[str] | None = None
    """Who is played; None for those of the state."""
    how: partition.How = "rendezvous"
    force: bool = False
    keep: bool = False

    def shares(self, agents: Sequence[str]) -> dict[str, list[str]]:
        """Every stream with its agents."""
        if self.ids:
            return partition.parted(agents, self.ids, self.how)
        return partition.everywhere(agents, self.streams, self.machines, self.how)


@dataclass
class Opened:
    """An open frame: its number, its streams with their agents, the hub with it, and the commit, if made now."""

    frame: int
    streams: dict[str, list[str]]
    seen: Snapshot
    commit: str | None


def read(files: Mapping[str, bytes], policy: Policy) -> tuple[int | None, dict[str, list[str]]]:
    """The frame that the roster speaks of, and its streams with their agents; (None, {}) where none can be read."""
    frame, names = named(files, policy)
    found: dict[str, list[str]] = {name: [] for name in names}
    if not found:
        return frame, found
    streams = values.parse(files[policy.roster])["streams"]
    for name in found:
        said = streams[name] if isinstance(streams, dict) else None
        agents = said.get("agents") if isinstance(said, dict) else None
        if isinstance(agents, list):
            found[name] = [agent for agent in agents if isinstance(agent, str)]
    return frame, found


def render(frame: int, streams: Mapping[str, Sequence[str]]) -> bytes:
    """The roster's bytes."""
    value = {
        "frame": frame,
        "stream_count": len(streams),
        "total_agents": len({agent for agents in streams.values() for agent in agents}),
        "streams": {name: {"agents": list(agents)} for name, agents in streams.items()},
    }
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def check(opening: Opening) -> None:
    """Raise `GuardError` for streams that cannot be expected."""
    for name in opening.ids:
        check_stream(name)
    total = len(opening.ids) or opening.streams * max(opening.machines, 1)
    if len({name.lower() for name in opening.ids}) < len(opening.ids):
        why = "a stream is one writer, and some systems do not tell capital letters from small ones"
        raise GuardError("usage", "two of the expected streams are the same", why, "--expect ID,ID")
    if total > MAX_STREAMS:
        why = f"a frame has {MAX_STREAMS} of them at most"
        raise GuardError("usage", f"{total} streams are too many", why, "fewer --streams or --machines")


def open_next(repo: Repo, place: Hub, opening: Opening) -> Opened:
    """Open the frame after the last closed one: put its roster on the state branch, by compare-and-swap.

    Opened already with the same streams, nothing is written. Raises `GuardError`, with exit code 3 where somebody
    else has opened it with other streams.
    """
    check(opening)
    found: list[Opened] = []

    def offer(snapshot: Snapshot) -> Offer | None:
        found[:] = [_worked_out(repo, snapshot, opening)]
        commit = found[0].commit
        return Offer(commit) if commit is not None else None

    publish(place, offer)
    return found[0]


def _worked_out(repo: Repo, snapshot: Snapshot, opening: Opening) -> Opened:
    """What opening comes to on top of a tip: the commit is written, and on no branch yet."""
    if snapshot.tip is None:
        why = "a frame is opened by a commit on the state branch"
        raise GuardError("usage", "there is no commit yet to open a frame on", why, "git commit, then git push")
    policy = policy_at(repo, snapshot.tip)
    tree = Tree(repo, snapshot.tip)
    counter = frame_counter(tree, policy.laws)
    frame = counter + 1
    if opening.frame is not None and opening.frame != frame:
        said = "closed already" if opening.frame < frame else "not the next one"
        why = f"the last closed frame is {counter}, and frames are opened one after the other"
        raise GuardError("usage", f"frame {opening.frame} is {said}", why, f"guard frame open --frame {frame}")
    rostered, there = read(tree, policy)
    agents = players(tree, policy, None) if opening.agents is None else opening.agents
    streams = opening.shares(agents)
    if rostered is not None and rostered > counter:
        same = there == streams if opening.agents is not None else there.keys() == streams.keys()
        if (opening.keep or (same and not opening.force)) and rostered == frame:
            return Opened(frame, there, snapshot, None)
        if not opening.force:
            raise _taken(rostered, frame, there, streams)
    data = render(frame, streams)
    if tree.get(policy.roster) == data:
        return Opened(frame, streams, snapshot, None)
    who = identity.session(repo) or "S0"
    message = f"[{who}] frames: open {frame}, {number(len(streams), 'stream')} expected\n"
    time = max(int(now().timestamp()), repo.commit(snapshot.tip).time)
    commit = written(repo, NewCommit(snapshot.tip, policy.author, time, message, {policy.roster: data}))
    return Opened(frame, streams, Snapshot(commit, snapshot.refs), commit)


def _taken(rostered: int, frame: int, there: Mapping[str, object], streams: Mapping[str, object]) -> GuardError:
    if rostered != frame:
        return GuardError(
            "contention",
            f"the roster is of frame {rostered}, and the next one is {frame}",
            "somebody wrote it by hand, or closed frames were taken back",
            "guard frame open --force, which writes it anew",
            3,
        )
    more, less = sorted(streams.keys() - there.keys())[:3], sorted(there.keys() - streams.keys())[:3]
    unlike = [f"{word} {' and '.join(names)}" for word, names in (("without", more), ("with", less)) if names]
    return GuardError(
        "contention",
        f"frame {frame} is open already, {' and '.join(unlike) or 'with other agents'}",
        "its streams may be at work; with another roster nobody would wait for them",
        f"guard merge --wait 60 --frame {frame} closes it; guard frame open --force changes it",
        3,
    )


def players(files: Mapping[str, bytes], policy: Policy, path: Path | None) -> list[str]:
    """The agents: those of a file, by default of the state's own; none where there is none."""
    if path is not None:
        try:
            return partition.names_in(path.read_bytes(), str(path))
        except OSError as error:
            why = "without it nobody knows who is to be played"
            raise GuardError("usage", f"--roster {path}: {error.strerror}", why, "--roster FILE") from None
    law = next((each for each in policy.laws.maps if each.role == "actor"), None)
    data = files.get(law.file) if law is not None else None
    if law is None or data is None:
        return []
    try:
        value = json.loads(data)[law.at]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        why = "an agent that is not read is played by nobody"
        raise GuardError("state", f"{law.file} cannot be read: {error}", why, f"guard restore {law.file}") from None
    return partition.names_in(json.dumps(value).encode(), f"{law.file}#/{law.at}")
