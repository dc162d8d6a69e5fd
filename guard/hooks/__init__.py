"""What git and pre-commit call, through the shims and the executable `guard-hook`: one judgement, one exit code.

0: nothing against it; 1: a rule refuses; 2: it could not be judged, which refuses too.
"""

import gc
import os
import sys

HOOKS = (
    *("pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "pre-push", "pre-rebase"),
    *("post-index-change", "reference-transaction", "post-checkout", "post-merge"),
)
"""The hooks that guard installs."""


def main() -> None:
    """The executable `guard-hook NAME ARGUMENT...`."""
    gc.set_threshold(50_000)  # most hooks end before it pays to look for garbage; a long push still does
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - contextlib costs as much as two gits
            stream.flush()
        except (OSError, AttributeError):  # nobody reads it, or nobody ever could
            pass
    os._exit(code)  # what Python would tidy up goes with the process, and takes as long as several gits


def run(words: list[str]) -> int:
    """Run one hook; what goes wrong is worded for people, and refuses."""
    if words[:1] == ["agent"]:
        from guard.hooks.agent import run as answer

        return answer(words[1:])
    added = os.environ.get("GUARD_ADDED")
    if added and words == ["pre-commit"] and _is_session(os.environ.get("GUARD_SESSION", "S1")):
        from guard.hooks.quick import certain

        if certain(added, os.environ.get("GIT_DIR", ".git")):
            return 0
    from guard.errors import GuardError

    as_json = "--json" in words
    name, *arguments = [word for word in words if word != "--json"] or [""]
    try:
        return _judged(name, arguments, as_json)
    except GuardError as error:
        print(error.text(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # whatever it is, nothing was judged, and people must not read a stack trace
        if os.environ.get("GUARD_DEBUG"):
            raise
        print(f"guard: {name} could not be judged: {type(error).__name__}: {error}", file=sys.stderr)
        print("  why: what cannot be judged is refused; this is a fault of guard's own", file=sys.stderr)
        print("  fix: GUARD_DEBUG=1 shows where; please report it", file=sys.stderr)
        return 2


def _is_session(text: str) -> bool:
    """Whether a text is certainly a session's name: for any other the judge has words."""
    number = text[1:]
    return text[:1] == "S" and 0 < len(number) < 10 and number.isascii() and number.isdigit() and number[0] != "0"


def _judged(name: str, arguments: list[str], as_json: bool) -> int:
    handler = _handler(name)
    if name == "reference-transaction" and arguments[:1] != ["prepared"]:
        return 0  # only then can a move be refused
    from guard.git import Repo
    from guard.hooks import surroundings

    repo = Repo()
    try:
        return int(handler(repo, arguments, as_json)) if surroundings.installed(repo) else 0
    finally:
        repo.close()


def _handler(name: str):  # type: ignore[no-untyped-def]  # importing the type would cost every hook
    if name in ("pre-commit", "pre-merge-commit"):
        from guard.hooks import commit

        return commit.before_commit if name == "pre-commit" else commit.before_merge
    if name in ("commit-msg", "prepare-commit-msg"):
        from guard.hooks import message

        return message.judge_message if name == "commit-msg" else message.prepare
    if name in ("pre-push", "pre-rebase", "reference-transaction", "refresh", "post-checkout", "post-merge"):
        from guard.hooks import refs

        return {
            "pre-push": refs.before_push,
            "pre-rebase": refs.before_rebase,
            "reference-transaction": refs.before_move,
        }.get(name, refs.bring_up_to_date)
    if name in ("pre-receive", "update"):
        from guard.hooks import receive

        return receive.before_receive if name == "pre-receive" else receive.before_update
    from guard.errors import GuardError

    raise GuardError("usage", f"guard-hook knows no {name or 'hook without a name'}", "", f"one of: {', '.join(HOOKS)}")
