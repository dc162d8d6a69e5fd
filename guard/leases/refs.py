"""Sessions, lanes and lessons as refs: what the hub's refs say, and the commits that say something new."""

import getpass
import os
import platform
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from guard.git import Repo
from guard.git.objects import parse_commit
from guard.leases import lease
from guard.leases.lease import Lane, Lesson, Said, Session
from guard.policy import Policy

KINDS = ("lanes", "sessions", "lessons", "claims")
_SAYING = tuple(f"refs/guard/{kind}/" for kind in ("lanes", "sessions", "lessons"))
LATEST = "refs/guard/claims/latest"
"""Moved by every claim: see `claims`."""

AUTHOR = "guard <guard@guard.invalid>"


@dataclass
class Found:
    """What the hub's refs say: ref -> (commit, what it says), and the refs that nobody can read."""

    lanes: dict[str, tuple[str, Lane]] = field(default_factory=dict)
    sessions: dict[str, tuple[str, Session]] = field(default_factory=dict)
    lessons: dict[str, tuple[str, Lesson]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def all(self) -> list[tuple[str, str, Said]]:
        """Everything, as (ref, commit, what it says)."""
        return [(ref, *said) for kind in (self.lanes, self.sessions, self.lessons) for ref, said in kind.items()]

    def live(self, now: datetime, tolerance: int) -> list[Lane]:
        """The lanes that somebody holds."""
        return [lane for _, lane in self.lanes.values() if lane.open and not lane.expired(now, tolerance)]

    def of(self, session: str) -> list[Lane]:
        """The lanes that a session holds, or held until they expired."""
        return [lane for _, lane in self.lanes.values() if lane.open and lane.session == session]


def found(repo: Repo, refs: dict[str, str]) -> Found:
    """What refs say, under the names that they have on the hub."""
    held = Found()
    named = [(ref, oid) for ref, oid in sorted(refs.items()) if ref.startswith(_SAYING)]
    for (ref, oid), said in zip(named, told(repo, [oid for _, oid in named]), strict=True):
        if said is None or said.ref != ref:
            held.unread[ref] = oid
        elif isinstance(said, Lane):
            held.lanes[ref] = oid, said
        elif isinstance(said, Session):
            held.sessions[ref] = oid, said
        else:
            held.lessons[ref] = oid, said
    return held


def told(repo: Repo, commits: Iterable[str]) -> list[Said | None]:
    """What commits say."""
    objects = repo.reader.find_many(list(commits))
    return [
        lease.read(parse_commit(each.id, each.data).message) if each is not None and each.kind == "commit" else None
        for each in objects
    ]


def history(repo: Repo, commit: str, known: Callable[[Said], bool] = lambda _: False) -> list[Said]:
    """What a ref says and said before, oldest first, as far back as what is `known` already."""
    events: list[Said] = []
    next_one: str | None = commit
    while next_one is not None:
        data = repo.reader.read(next_one)
        if data is None:
            break
        read = parse_commit(next_one, data)
        said = lease.read(read.message)
        if said is not None:
            if known(said):
                break
            events.append(said)
        next_one = read.parents[0] if read.parents else None
    return events[::-1]


def write(repo: Repo, said: Said, parent: str | None, now: datetime) -> str:
    """Write the commit that says it; returns its name. No ref moves."""
    who = f"{AUTHOR} {int(now.timestamp())} +0000"
    head = f"tree {_empty_tree(repo)}\n" + (f"parent {parent}\n" if parent else "")
    text = f"{head}author {who}\ncommitter {who}\n\n{said.message()}"
    return repo.run("hash-object", "-t", "commit", "-w", "--stdin", input=text.encode()).strip()


def _empty_tree(repo: Repo) -> str:
    """The empty tree; written where it is not kept by itself, since git knows it without having it."""
    name = {"sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}.get(repo.hash)
    if name is None or not (repo.common_dir / "objects" / name[:2] / name[2:]).exists():
        return repo.run("hash-object", "-t", "tree", "-w", "--stdin", input=b"").strip()
    return name


def renewal(repo: Repo, commit: str, said: Said, now: datetime) -> str:
    """Write what takes the place of `commit`: it says the same, later."""
    parents = repo.commit(commit).parents
    return write(repo, said, parents[0] if parents else None, now)


def now() -> datetime:
    """The time, to the second, as it is written down."""
    return datetime.now(UTC).replace(microsecond=0)


def nonce() -> str:
    """What nobody else draws."""
    return secrets.token_hex(6)


def origin(repo: Repo, session: str, policy: Policy, when: datetime) -> tuple[str, str, str, str, str, str, str, str]:
    """What every lease says first: who takes it, when, until when, and where."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in some containers
        user = ""
    branch = repo.branch().encode(errors="replace").decode()
    expires = lease.spell(when + timedelta(minutes=policy.lease_minutes))
    agent = os.environ.get("GUARD_AGENT", "") or user
    return session, nonce(), lease.spell(when), expires, agent, platform.node(), platform.system().lower(), branch
