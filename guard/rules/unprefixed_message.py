"""The subject does not say which session did what: `[S<N>] what: why`.

With many writers on one branch the number in the subject is how a person finds whom to ask, and how the log of a
session is put together.

Refused:
    $ echo mine > mine.txt
    $ git add -- mine.txt
    $ git commit -m "a file"

Instead:
    $ git commit -m "[S1] mine: a file"

Where a session is at work (`GUARD_SESSION`, or what `guard start` recorded), the number must be its own. Exempt are
merges, reverts, `fixup!`, `squash!` and `amend!`, the merge job's own commits, and authors listed in
`[messages] exempt`. `[messages] prefix = false` turns it off.
"""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from guard.change import Change
    from guard.policy import Policy

EXEMPT = ("Merge ", 'Revert "', "Reapply ", "fixup! ", "squash! ", "amend! ")
"""How subjects begin that need no prefix: git wrote them, or takes them out again."""


def check(change: "Change", policy: "Policy") -> "Iterator[Finding]":
    """A finding for a subject without its prefix."""
    if change.message is None or not policy.prefix or change.computed or change.parents > 1:
        return
    lines = [line for line in change.message.split("\n") if line.strip()]
    said = lines if change.commit else [line for line in lines if not line.startswith("#")]  # git takes those out
    subject = (said or lines or [""])[0].strip()
    if not subject or subject.startswith(EXEMPT) or change.author in policy.exempt_authors:
        return
    import shlex  # here: hooks load this at every commit

    if prefixed(subject):
        number, _, rest = subject[2:].partition("] ")
        if change.session and not change.commit and f"S{int(number)}" != change.session:
            fix = f"git commit -m {shlex.quote(f'[{change.session}] {rest}')}"
            yield Finding("", f"the subject says S{int(number)}, and {change.session} is at work here", fix)
        return
    if change.unseen():  # perhaps a merge's: G101 says what it takes to tell
        return
    fix = f"git commit -m {shlex.quote(_mended(subject, change))}"
    if change.commit:
        fix = f"git rebase -i {change.commit[:12]}^"
    yield Finding("", f"the subject is {subject[:72]!r}, not [S<number>] what: why", fix)


def prefixed(subject: str) -> bool:
    """Whether a subject is `[S<N>] what: why`."""
    head, closed, rest = subject.partition("] ")
    number = head[2:]
    what, colon, why = rest.partition(":")
    return bool(
        closed
        and head.startswith("[S")
        and number.isascii()
        and number.isdigit()
        and colon
        and what.strip()
        and why.strip()
    )


def _mended(subject: str, change: "Change") -> str:
    """A subject with what it lacks: a session's number, and what was worked on, by the first file that changes."""
    head, closed, rest = subject.partition("]")
    digits = head.removeprefix("[S") if closed and head.startswith("[S") else ""
    number = change.session[1:] or (digits if digits.isascii() and digits.isdigit() else "1")
    said = (rest if closed and head.startswith("[") else subject).strip(" :") or "why"
    what, colon, why = said.partition(":")
    if colon and what.strip() and why.strip():
        return f"[S{number}] {said}"
    name = change.files[0].path.rpartition("/")[2].partition(".")[0] if change.files else ""
    return f"[S{number}] {name.lower() or 'work'}: {said}"


RULE = Rule(
    "G401",
    "unprefixed-message",
    "with many writers on one branch, the session's number is how one finds whom to ask",
    check,
    part="message",
)
