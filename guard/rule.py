"""What a rule is."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from guard.change import Change
    from guard.finding import Finding
    from guard.policy import Policy

    Check = Callable[[Change, Policy], Iterable[Finding]]


class Rule:
    """One rule: a stable code, the name of the offence, the incident behind it, and a generator that finds it.

    `why` goes with every finding that brings none of its own. `part` says what of a change it looks at: its files
    (`content`), its message, or the command that makes it (`command`). `since` is the version that brought it.
    """

    __slots__ = ("check", "code", "name", "part", "since", "why")

    def __init__(
        self, code: str, name: str, why: str, check: "Check", part: str = "content", since: str = "0.1.0"
    ) -> None:
        self.code = code
        self.name = name
        self.why = why
        self.check = check
        self.part = part
        self.since = since

    @property
    def allowable(self) -> bool:
        """Whether a person may let it pass once, with GUARD_ALLOW."""
        return allowable(self.code)

    def stamp(self, finding: "Finding") -> "Finding":
        """Put the rule's name on a finding; its own why stays."""
        finding.code, finding.name, finding.why = self.code, self.name, finding.why or self.why
        return finding

    def document(self) -> "Any":
        """The docstring of the rule's file: what, why, an example that is refused, what to do instead."""
        import sys

        return sys.modules[self.check.__module__].__doc__ or ""


def allowable(code: str) -> bool:
    """Whether a person may let the rule of this code pass once, as far as no policy forbids it."""
    return code.startswith("G2") or code == "G401"
