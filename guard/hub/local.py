"""A repository without remote: its own branch is the hub."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from guard.git import Repo
from guard.hub.fast_forward import fast_forward
from guard.hub.hub import REFS, Move, Snapshot, Verdict, must_have


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
        must_have(self.repo, tip, self.ref, "this repository")
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
