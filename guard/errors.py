"""The one error of this project: what reaches the top is worded for the person who has to act on it."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["usage", "policy", "git", "network", "contention", "state"]
"""Where the cause lies: the command line, guard.toml, git, the way to the remote, another writer, files or refs."""


class GuardError(Exception):
    """Something could not be judged or done.

    `what` says what failed, `why` what that means or prevents, `fix` a command or an edit that helps; the last two
    may be empty. `exit_code` is the process's: 2, or 3 where a claim found that somebody else holds it.
    """

    def __init__(self, kind: "Kind", what: str, why: str = "", fix: str = "", exit_code: "Literal[2, 3]" = 2) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.why = why
        self.fix = fix
        self.exit_code = exit_code

    def text(self) -> str:
        """The error as people read it, without a final newline."""
        lines = [f"guard: {self.what}"]
        lines += [f"  {label}: {said}" for label, said in (("why", self.why), ("fix", self.fix)) if said]
        return "\n".join(lines)


OLDER = "this guard is older than the merge"
"""What is said where a merge was made by an engine that is not known here."""


def way_on(what: str, otherwise: str) -> str:
    """What helps where something could not be judged: mostly more history, sometimes a newer guard."""
    return "upgrade guard, then guard verify" if OLDER in what else otherwise


class Unseen(GuardError):
    """The answer lies in history or contents that this clone does not have: who reads on can say so and go on."""

    def __init__(self, what: str, why: str = "", fix: str = "git fetch --unshallow") -> None:
        super().__init__("git", what, why, fix)
