"""What a verification found."""

from dataclasses import dataclass, field

from guard.verify.recompute import Problem


@dataclass
class Verdict:
    """What a verification found. `repaired` are problems that a later commit of the range made good.

    `unseen` is what could not be judged, because this clone lacks history or contents that it needs; `begun` are the
    commits with which a shallow clone begins, which nobody can judge there.
    """

    problems: list[Problem] = field(default_factory=list)
    repaired: list[Problem] = field(default_factory=list)
    unseen: list[Problem] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    commits: int = 0
    merges: int = 0
    restores: int = 0
    tip: str = ""

    def problem(self, commit: str, path: str, code: str, what: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(commit, path, code, what))

    def cannot_see(self, commit: str, path: str, code: str, what: str) -> None:
        """Note what cannot be judged."""
        self.unseen.append(Problem(commit, path, code, what))
