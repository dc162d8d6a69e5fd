"""A hub that is pushed to."""

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from guard.backoff import backoff
from guard.errors import GuardError
from guard.git import Repo
from guard.git.transfer import transfer
from guard.hub.hub import REFS, Move, Snapshot, Verdict, must_have
from guard.policy import Policy

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
        must_have(self.repo, tip, self.ref, self.name)
        return Snapshot(tip, {REFS + ref[len(self.copies) :]: oid for ref, oid in kept.items()})

    def _fetch(self, *refspecs: str) -> str:
        """Fetch; returns what git said where it failed."""
        words = ["fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-auto-maintenance"]
        own = [f"+{self.prefix}{kind}/*:{self.copies}{kind}/*" for kind in self.kinds]
        words += ["--no-recurse-submodules", self.name, *refspecs, *own]
        said = ""
        for attempt, wait in enumerate(backoff(16)):  # fetches in one clone meet when forty work trees are made at once
            done = transfer(self.repo, *words, patience=self.patience)
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
        done = transfer(self.repo, *words, self.name, *refspecs, patience=self.patience)
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


def copies(policy: Policy) -> str:
    """Where the refs that the remote was last seen with are kept, under the same names."""
    return f"{REFS}remotes/{policy.remote}/"


def _told(said: str) -> str:
    """What of a failed push a person wants to read."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    untold = ("To ", "Done", "hint:", "error: failed to push some refs")
    return "; ".join(line for line in lines if line and not line.startswith(untold))[:2000]
