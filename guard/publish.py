"""The shared write: move a branch from the tip that was read to a new commit, or learn that somebody was faster.

Truth is a ref on the hub: the remote, or, without one, this repository's own branch. Every write is a compare-and-swap
on what was read. Nothing here touches an index or a work tree, except that a branch that is checked out here, where
this repository is itself the hub, goes forward the way `git merge --ff-only` takes it.
"""

import os
import random
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from guard.errors import GuardError
from guard.git import Repo, failure
from guard.policy import Policy

REFS = "refs/guard/"
"""Below this stands everything that guard shares beside the branch; policy may give it another name on the remote."""
DELTA_REFS = f"{REFS}deltas/"
CANDIDATE = "refs/guard/merged/candidate"

TRIES = 40
"""Against others. Measured: 24 clones that push three times each to one branch need up to about 30 tries each."""
REFUSED_TRIES = 8
"""Against a hub that answers and says no: a hook may have its bad moment, but it may also mean it."""

Verdict = Literal["won", "lost", "refused"]


Move = tuple[str | None, str | None]
"""The commit that a ref was read at and the one it goes to; None for a ref that is not there."""


@dataclass
class Snapshot:
    """What the hub held when it was asked: the tip of the state branch, and guard's own refs of the kinds asked for."""

    tip: str | None
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def deltas(self) -> dict[str, str]:
        """The refs that deliver deltas."""
        return self.below("deltas")

    def below(self, kind: str) -> dict[str, str]:
        """The refs of one kind."""
        return {ref: oid for ref, oid in self.refs.items() if ref.startswith(f"{REFS}{kind}/")}


class Hub(Protocol):
    """Where the state branch lives."""

    name: str
    atomic: bool
    """Whether a branch and refs move in one step here, or the branch by itself."""

    def read(self) -> Snapshot:
        """What it holds now; its objects are in this clone afterwards."""

    def move(self, old: str | None, new: str | None, refs: Mapping[str, Move]) -> tuple[Verdict, str]:
        """Move the branch from `old` to `new` (None: leave it) and guard's own `refs`, all or nothing.

        Returns the verdict and, unless it was won, what was said.
        """


def hub(repo: Repo, policy: Policy, kinds: Sequence[str] = ("deltas",)) -> Hub:
    """The hub of a repository: its remote if it has one, else itself. `kinds` are those of the refs that are read."""
    remotes = repo.remotes()
    remote = policy.remote
    if remotes.get(remote):
        return Remote(repo, policy, kinds)
    others = sorted(remotes)
    if others:
        raise GuardError(
            "usage",
            f"there is no remote {remote} here, but {', '.join(others)}",
            "a merge that only this clone has would split the state in two",
            f'git remote rename {others[0]} {remote}, or [repository] remote = "{others[0]}" in guard.toml',
        )
    return Local(repo, policy.branch, kinds)


def copies(policy: Policy) -> str:
    """Where the refs that the remote was last seen with are kept, under the same names."""
    return f"{REFS}remotes/{policy.remote}/"


def last_seen(repo: Repo, policy: Policy) -> Snapshot:
    """What the remote held when it was read last; nobody is asked."""
    tip = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}") or repo.resolve(f"refs/heads/{policy.branch}")
    prefix = copies(policy) if repo.remotes().get(policy.remote) else REFS
    return Snapshot(tip, {REFS + ref[len(prefix) :]: oid for ref, oid in repo.refs(prefix).items()})


_HALF_MADE = "bad object worktrees/"
"""What git says beside a work tree that is being made or removed; where that was killed, it says so for ever."""

_PASSING = ("cannot lock ref", "unable to update local ref", _HALF_MADE)
"""What git says of a neighbour in this clone who is at the same ref, or at a work tree: it passes."""


class Remote:
    """A hub that is pushed to."""

    atomic = True

    def __init__(self, repo: Repo, policy: Policy, kinds: Sequence[str]) -> None:
        self.repo = repo
        self.policy = policy
        self.name = policy.remote
        self.ref = f"refs/heads/{policy.branch}"
        self.tracking = f"refs/remotes/{policy.remote}/{policy.branch}"
        self.kinds = kinds
        self.copies = copies(policy)
        self.prefix = policy.refs
        self.patience = policy.timeout
        self._held: str | None = None

    def read(self) -> Snapshot:
        """Fetch the branch and the delivering refs; raises `GuardError` when the hub cannot be reached."""
        branch = f"+{self.ref}:{self.tracking}"
        said = self._fetch(branch)
        if "couldn't find remote ref" in said:  # a hub where nobody pushed the branch yet
            said = self._fetch()
            self.repo.call("update-ref", "-d", self.tracking, check=False)
        if said:
            raise GuardError(
                "network",
                f"{self.name} cannot be read: {said}",
                "what the others pushed is not known, so nothing was done",
                _without(self.repo, said) or f"{_broken(self.repo, said)}git fetch {self.name}",
            )
        kept = self.repo.refs(*(f"{self.copies}{kind}" for kind in self.kinds)) if self.kinds else {}
        self._held = self.repo.resolve(self.tracking)
        tip = self._held or self.repo.resolve(self.ref)
        _must_have(self.repo, tip, self.ref, self.name)
        return Snapshot(tip, {REFS + ref[len(self.copies) :]: oid for ref, oid in kept.items()})

    def _fetch(self, *refspecs: str) -> str:
        """Fetch; returns what git said where it failed."""
        words = ["fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-auto-maintenance"]
        own = [f"+{self.prefix}{kind}/*:{self.copies}{kind}/*" for kind in self.kinds]
        words += ["--no-recurse-submodules", self.name, *refspecs, *own]
        said = ""
        for attempt, wait in enumerate(backoff(16)):  # fetches in one clone meet when forty work trees are made at once
            done = self.repo.transfer(*words, patience=self.patience)
            said = done.stderr.decode(errors="replace").strip() if done.returncode else ""
            if not any(each in said for each in _PASSING):
                break
            if _HALF_MADE in said and attempt == 2:
                from guard.worktrees.remove import mend  # here: it stands on what this file says

                mend(self.repo, self.policy)
            elif _HALF_MADE in said and attempt == 8:
                break  # nobody takes so long to make one
            time.sleep(wait)
        return said

    def move(self, old: str | None, new: str | None, refs: Mapping[str, Move]) -> tuple[Verdict, str]:
        """Push with a lease on everything that was read; raises `GuardError` where no answer comes."""
        words = ["push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no"]
        refspecs = []
        if new is not None:
            words.append(f"--force-with-lease={self.ref}:{self._held or ''}")
            refspecs.append(f"{new}:{self.ref}")
        for ref, (read, wanted) in refs.items():
            there = self.prefix + ref.removeprefix(REFS)
            words.append(f"--force-with-lease={there}:{read or ''}")
            refspecs.append(f"{wanted or ''}:{there}")
        if len(refspecs) > 1:
            words.append("--atomic")
        done = self.repo.transfer(*words, self.name, *refspecs, patience=self.patience)
        said = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode == 0:
            self._remember(new, refs)
            return "won", ""
        # A lost answer looks like a lost race, so the hub itself is asked who won.
        now = self.read()
        if new is not None and now.tip is not None and self.repo.is_ancestor(new, now.tip):
            return "won", ""
        if new is None and all(now.refs.get(ref) == wanted for ref, (_, wanted) in refs.items()):
            return "won", ""
        same = now.tip == old if new is not None else all(now.refs.get(ref) == read for ref, (read, _) in refs.items())
        return ("refused" if same else "lost"), _told(said)

    def _remember(self, new: str | None, refs: Mapping[str, Move]) -> None:
        """Take over what was pushed into what is known of the remote; the next fetch would do it too."""
        lines = [f"update {self.tracking} {new}"] if new is not None else []
        for ref, (_, wanted) in refs.items():
            copy = self.copies + ref.removeprefix(REFS)
            lines.append(f"update {copy} {wanted}" if wanted else f"delete {copy}")
        self.repo.call("update-ref", "--stdin", input="".join(f"{line}\n" for line in lines).encode(), check=False)


def _without(repo: Repo, said: str) -> str:
    """The commands that end a work tree that was never finished, and holds nothing; empty where it is not about one."""
    name = said.partition(_HALF_MADE)[2].partition("/")[0]
    try:
        path = Path((repo.common_dir / "worktrees" / name / "gitdir").read_text().rstrip("\n")).parent if name else None
    except OSError:
        path = None
    if path is None:
        return ""
    quoted = shlex.quote(str(path))
    return f"git worktree unlock {quoted}; rm {quoted}/.git && rmdir {quoted} && git worktree prune"


def _broken(repo: Repo, said: str) -> str:
    """The command that removes a copy of a remote's ref that cannot be read, as after a power loss; else empty."""
    found = re.search(r"bad object (refs/remotes/\S+)", said)
    path = repo.common_dir / found[1] if found else None
    return f"rm {shlex.quote(str(path))} && " if path is not None and path.is_file() else ""


def _must_have(repo: Repo, tip: str | None, ref: str, name: str) -> None:
    """Raise `GuardError` where there are commits, but none on the state branch: policy means another branch."""
    if tip is None and repo.resolve("HEAD") is not None:
        branch = ref.removeprefix("refs/heads/")
        here = repo.run("rev-parse", "--abbrev-ref", "HEAD").strip()
        raise GuardError(
            "policy",
            f"{name} has no branch {branch}, where state would be",
            "nothing can be merged, and a wrong name must not look like nothing to do",
            f'[repository] branch = "{here}" in guard.toml, or git branch -m {here} {branch}',
        )


class Local:
    """A repository without remote: its own branch is the hub."""

    atomic = False

    def __init__(self, repo: Repo, branch: str, kinds: Sequence[str]) -> None:
        self.repo = repo
        self.name = f"the local branch {branch}"
        self.ref = f"refs/heads/{branch}"
        self.kinds = kinds

    def read(self) -> Snapshot:
        """The branch and guard's own refs."""
        tip = self.repo.resolve(self.ref)
        _must_have(self.repo, tip, self.ref, "this repository")
        return Snapshot(tip, self.repo.refs(*(f"{REFS}{kind}" for kind in self.kinds)) if self.kinds else {})

    def move(self, old: str | None, new: str | None, refs: Mapping[str, Move]) -> tuple[Verdict, str]:
        """Move the branch, checked out or not; raises `GuardError` where uncommitted work is in the way.

        A branch that is checked out goes first, by itself: the refs follow only when it has moved.
        """
        tree = self._checked_out() if new is not None else None
        if tree is not None and new is not None:
            verdict, said = fast_forward(Repo(tree), old, new)
            if verdict != "won":
                return verdict, said
            new = None
        lines = ["start"]
        if new is not None:
            lines.append(f"update {self.ref} {new} {old or self.repo.null}")
        lines += [
            f"update {ref} {wanted or self.repo.null} {read or self.repo.null}" for ref, (read, wanted) in refs.items()
        ]
        if len(lines) == 1:
            return "won", ""
        lines += ["prepare", "commit"]
        done = self.repo.call(
            "update-ref", "--stdin", input="".join(f"{line}\n" for line in lines).encode(), check=False
        )
        if done.returncode == 0:
            return "won", ""
        said = done.stderr.decode(errors="replace").strip()
        busy = "File exists" in said  # somebody holds the lock of a ref at this moment
        there = self.repo.refs(*refs) if refs else {}
        same = all(there.get(ref) == read for ref, (read, _) in refs.items())
        same = same and (new is None or self.repo.resolve(self.ref) == old)
        return ("refused" if same and not busy else "lost"), said

    def _checked_out(self) -> Path | None:
        """The work tree that has the branch checked out."""
        tree: Path | None = None
        done = self.repo.call("worktree", "list", "--porcelain", "-z", check=False)
        if done.returncode == 0:
            lines = done.stdout.decode(errors="surrogateescape").split("\0")
        else:  # before git 2.36, where a work tree with a newline in its path is not found
            lines = self.repo.run("worktree", "list", "--porcelain").splitlines()
        for line in lines:
            if line.startswith("worktree "):
                tree = Path(line[len("worktree ") :])
            elif line == f"branch {self.ref}" and tree is not None and tree.is_dir():
                return tree
        return None


def _in_the_way(names: list[str]) -> GuardError:
    return GuardError(
        "state",
        f"uncommitted changes are in the way: {', '.join(names)}",
        "what is published changes these files too, and what is not committed would be gone; nothing was changed",
        f"guard commit -m 'what: why' {names[0]}; or, for state, move your edit into a delta, then git restore --staged"
        f" --worktree -- {names[0]}",
    )


def fast_forward(
    repo: Repo,
    old: str | None,
    new: str,
    *,
    action: str = "guard merge",
    cut_off: bool = True,
    in_the_way: Callable[[list[str]], GuardError] = _in_the_way,
) -> tuple[Verdict, str]:
    """Take a checked-out branch forward; files that somebody changed and the move does not touch stay as they are.

    With `cut_off`, files that hold the beginning of what comes are taken for those of a run that was cut off, and
    completed. `action` is for the reflog. Raises the error that `in_the_way` makes of the names of files that git would
    have to overwrite; nothing was changed then.
    """
    done = _ff_only(repo, new, action)
    if cut_off and done.returncode != 0 and _finish_interrupted(repo, old, new, _overwritten(done.stderr)):
        done = _ff_only(repo, new, action)
    if done.returncode == 0:
        return "won", ""
    said = done.stderr.decode(errors="replace").strip()
    names = _overwritten(done.stderr)
    if names and repo.resolve("HEAD") == old:
        raise in_the_way(names)
    if names:  # somebody else took the branch forward meanwhile, and what is in the way is theirs
        return "lost", said
    if old is not None and _put_back(repo, old, new):
        raise GuardError(
            "git", f"git did not move the branch: {said}", "index and files are as they were", "see what a hook said"
        )
    if "index.lock" in said:
        return "lost", said
    if "fast-forward" in said or "cannot lock ref" in said:
        return "lost", said
    raise failure(("merge", "--no-squash", "--commit", "--ff-only", new), done.returncode, said)


def _put_back(repo: Repo, old: str, new: str) -> bool:
    """Take index and files back where git moved them to `new` and then not the branch, because a hook refused it.

    Returns whether that was so. Uncommitted changes of other files stay as they are.
    """
    paths = [change.path for change in repo.changes(old, new)]
    moved = repo.call("diff-index", "--cached", "--quiet", new, "--", *paths, check=False).returncode == 0
    if not moved or not paths or repo.resolve("HEAD") != old:
        return False
    repo.run("read-tree", "-m", "-u", new, old)
    return True


def _ff_only(repo: Repo, new: str, action: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        repo.command(
            "-c",
            "merge.autoStash=false",
            "-c",
            "merge.verifySignatures=false",
            "merge",
            "--no-squash",
            "--commit",
            "--ff-only",
            "--no-overwrite-ignore",  # what is ignored is somebody's all the same
            "--quiet",
            new,
        ),
        capture_output=True,
        env=repo.environment({"GIT_REFLOG_ACTION": action}),
        start_new_session=True,  # who kills us and our children must not cut a checkout in half
        check=False,
    )


_OVERWRITTEN = re.compile(rb"^\t(.+)$", re.MULTILINE)


def _overwritten(said: bytes) -> list[str]:
    """The files that git names as being in the way."""
    return [name.decode(errors="surrogateescape") for name in _OVERWRITTEN.findall(said)]


def _finish_interrupted(repo: Repo, old: str | None, new: str, names: list[str]) -> bool:
    """Complete files that hold what the merge puts there, or its beginning: a run that was cut off wrote them.

    Returns whether that clears the way. No byte is lost, as all of them are in the merge; a file that holds anything
    else, or that somebody staged, is left alone, and with it all the others.
    """
    top = repo.top()
    completed = []
    for name in names:
        path = top / name
        wanted = repo.run("ls-tree", new, "--", name).split()
        before = repo.run("ls-tree", old, "--", name).split() if old else []
        staged = repo.run("ls-files", "--stage", "--", name).split()
        if len(wanted) < 4 or not path.is_file() or (staged and before and staged[1] != before[2]):
            return False
        data = repo.call("cat-file", "blob", wanted[2]).stdout
        if path.is_symlink() or not data.startswith(path.read_bytes()):
            return False
        completed.append((f"{wanted[0]},{wanted[2]},{name}", path, data))
    for entry, path, data in completed:  # the file first: an index that has it complete would hide that it is not
        whole = path.with_name(f"{path.name}.guard-{os.getpid()}")
        whole.write_bytes(data)
        shutil.copymode(path, whole)
        whole.replace(path)
        repo.run("update-index", "--add", "--cacheinfo", entry)
    return bool(completed)


def _told(said: str) -> str:
    """What of a failed push a person wants to read."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    untold = ("To ", "Done", "hint:", "error: failed to push some refs")
    return "; ".join(line for line in lines if line and not line.startswith(untold))[:2000]


def backoff(tries: int) -> Iterator[float]:
    """Seconds to wait after each try: exponential from 50 ms up to 2 s, full jitter."""
    for attempt in range(tries):
        yield random.uniform(0, min(2.0, 0.05 * 2 ** min(attempt, 6)))  # noqa: S311 - it keeps writers apart, and no secret


@dataclass
class Offer:
    """What somebody wants to publish: a commit on the tip that was read (None: only refs), and moves of refs."""

    commit: str | None
    refs: Mapping[str, Move] = field(default_factory=dict)


def publish(
    place: Hub,
    make: Callable[[Snapshot], Offer | None],
    note: Callable[[str], None] = lambda _: None,
    *,
    refusals: int = REFUSED_TRIES,
    still: int = TRIES,
    tries: int = TRIES,
) -> tuple[Snapshot, Offer | None]:
    """Make an offer on the hub's tip and move the branch to it; made again on every newer tip until it is in.

    Returns the snapshot that it was made on, and the offer; None where `make` had nothing to offer. Raises
    `GuardError` when the `tries` are used up, when the hub has refused `refusals` times or its tip stayed the same for
    `still` tries, or what `make` raises.
    """
    refused = stuck = 0
    last: Snapshot | None = None
    said = ""
    for attempt, wait in enumerate(backoff(tries), start=1):
        snapshot = place.read()
        offer = make(snapshot)
        if offer is None or (offer.commit is None and not offer.refs):
            return snapshot, offer
        verdict, said = place.move(snapshot.tip, offer.commit, offer.refs)
        if verdict == "won":
            return snapshot, offer
        refused = refused + 1 if verdict == "refused" else 0
        stuck = stuck + 1 if last is None or snapshot.tip == last.tip else 1
        last = snapshot
        if refused >= refusals or stuck >= still:
            break
        note(f"{place.name} moved on or refused (try {attempt}): {said or 'somebody was faster'}")
        time.sleep(wait)
    raise GuardError(
        "contention",
        f"{place.name} did not take the commit: {said}",
        "nothing was published; what was to be published is still there to be made again",
        "run the command again",
    )
