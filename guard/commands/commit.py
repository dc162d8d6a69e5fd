"""`guard commit`: exactly the named files become a commit, whatever neighbours have staged in the same work tree."""

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guard import identity
from guard.change import Change
from guard.errors import GuardError
from guard.finding import Finding, exit_code
from guard.git import Repo
from guard.git.under_way import refuse_under_way
from guard.hooks import surroundings, watch
from guard.hooks.message import recording
from guard.judge import judge
from guard.observe.index import staged
from guard.plan import policy_at
from guard.policy import Policy
from guard.private_commit import Outcome, commit
from guard.report import Report, number
from guard.rules.unprefixed_message import EXEMPT
from guard.rules.unprefixed_message import RULE as UNPREFIXED

_PREFIX = re.compile(r"\[[Ss]([0-9]{1,9})\]\s*")


@dataclass(frozen=True)
class Options:
    """What the command line asks for; the paths are as the caller spells them."""

    messages: Sequence[str]
    paths: Sequence[str]
    allow: Sequence[str] = ()
    why: str = ""


def run(repo: Repo, options: Options, report: Report) -> int:
    """Commit the named files; 0 also where they are as HEAD has them, so that a command may be run again.

    Returns 1 where a rule or a hook refuses; raises `GuardError` for what cannot be done.
    """
    _possible(repo, options)
    named = sorted({_spelled(repo, path) for path in options.paths})
    policy = _policy(repo, None)
    session = identity.needed(repo) if policy.prefix else identity.session(repo)
    allowed = _allowed(options, policy)
    message = "\n\n".join(options.messages)
    findings = _wrong_session(message, session, policy)
    if not findings:
        message = _prefixed(message, session) if policy.prefix and session else message
        findings = judge(Change(message=message), policy, parts=("message",), allowed=allowed)
    if findings:
        for finding in findings:
            finding.fix = _again(message, session, policy, options)
        return _tell(report, Outcome(None, findings=findings), named, session, "")
    if allowed:
        message = repo.run(*recording(allowed), input=f"{message}\n".encode(errors="surrogateescape"))

    def check(base: str | None, index: Path) -> list[Finding]:
        return _judged(repo, base, index, allowed)

    env = {"GUARD_ALLOW": f"{','.join(allowed)} {next(iter(allowed.values()))}"} if allowed else {}
    with report.working("committing"):
        done = commit(repo, named, message, check, env)
    return _tell(report, done, named, session, message)


def _judged(repo: Repo, base: str | None, index: Path, allowed: dict[str, str]) -> list[Finding]:
    """What the rules find in a private index: every rule that looks at content, lanes and claims among them."""
    policy = _policy(repo, base)
    change = staged(repo, policy, index=str(index.absolute()), head=base or repo.null)
    change.bulk = None  # that is said of the shared index
    findings = judge(change, policy, parts=("content",), allowed=allowed)
    for finding in findings:
        if finding.code == "G202":  # what rules advise is meant for the shared index
            finding.fix = "name fewer files; or, where it is meant: guard commit --allow G202 --why REASON ..."
    return findings


def _policy(repo: Repo, base: str | None) -> Policy:
    """The policy that judges; where guard.toml cannot be used, the newest one that can, so that it can be repaired."""
    try:
        return policy_at(repo, base or repo.resolve("HEAD"))
    except GuardError:
        return watch.current_policy(repo, surroundings.folder(repo))


def _possible(repo: Repo, options: Options) -> None:
    if repo.bare:
        raise GuardError("usage", "a bare repository has no files to commit", "", "run it in a clone")
    if not options.paths:
        fix = "guard commit -m 'what: why' FILE..."
        raise GuardError("usage", "no FILE is named", "what is not named may be somebody's unfinished work", fix)
    if not any(text.strip() for text in options.messages):
        what = "the message is empty" if options.messages else "there is no message: -m is missing"
        raise GuardError("usage", what, "", "guard commit -m 'what: why' FILE...")
    refuse_under_way(repo, "a commit made beside it would end up in the middle of it, or be taken for its result")


# --- names -----------------------------------------------------------------------------------------------------


def _spelled(repo: Repo, path: str) -> str:
    """A path as git spells it, from the top; a symbolic link in it is followed only above the top."""
    if not path:
        raise GuardError("usage", "an empty name is no file", "", "guard commit -m 'what: why' FILE...")
    top = os.path.realpath(repo.top())
    here = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link that is to be committed
    for folder in (*reversed(here.parents), here):
        if os.path.realpath(folder) == top:
            names = here.relative_to(folder).parts
            if names[:1] and names[0].lower() == ".git":
                break
            return "/".join(names)
    raise GuardError("usage", f"{path} is no file of this work tree", "", f"name files below {top}, outside .git")


# --- the message -----------------------------------------------------------------------------------------------


def _prefixed(message: str, session: str) -> str:
    """The message with the session's number in front, once; what git wrote itself stays."""
    text = message.lstrip()
    if text.startswith(EXEMPT):
        return text
    return f"[{session}] {_PREFIX.sub('', text, count=1) if _PREFIX.match(text) else text}"


def _wrong_session(message: str, session: str | None, policy: Policy) -> list[Finding]:
    """A finding where the subject has the number of another session."""
    match = _PREFIX.match(message.lstrip())
    said = identity.normal(match[1]) if match else None
    if not policy.prefix or said is None or said == session:
        return []
    what = f"the subject says {said}, and {session} is at work here"
    return [UNPREFIXED.stamp(Finding("", what))]


def _again(message: str, session: str | None, policy: Policy, options: Options) -> str:
    """The command that says the same with a subject that passes: the one of the rule's own remedy, for git."""
    subject, *rest = options.messages[0].lstrip().split("\n", 1)
    found = judge(Change(session=session or "", message=message), policy, parts=("message",))
    mended = _PREFIX.sub("", shlex.split(found[0].fix)[-1] if found else subject, count=1)
    words = "".join(f" -m {shlex.quote(text)}" for text in ("\n".join((mended, *rest)), *options.messages[1:]))
    return f"guard commit{words} {' '.join(map(shlex.quote, options.paths))}"


def _allowed(options: Options, policy: Policy) -> dict[str, str]:
    """Code -> reason of what is let pass, by --allow and --why or by GUARD_ALLOW."""
    if bool(options.allow) != bool(options.why.strip()):
        lacking = "--why" if options.allow else "--allow"
        raise GuardError(
            "usage",
            f"{lacking} is missing: what is let pass and the reason go together",
            "both are recorded in the commit",
            "guard commit --allow G202 --why REASON -m 'what: why' FILE...",
        )
    if options.allow:
        return surroundings.allowance(policy, f"{','.join(options.allow)} {options.why}")
    return surroundings.allowance(policy)


# --- the result ------------------------------------------------------------------------------------------------


def _tell(report: Report, done: Outcome, named: Sequence[str], session: str | None, message: str) -> int:
    """Say what came of it; returns the exit code."""
    code = 1 if done.hook else exit_code(done.findings)
    for each in done.findings:
        report.say(each.text())
    if done.hook:
        report.note(f"guard: the {done.hook} hook refused; nothing was committed")
    elif done.commit is not None:
        subject = message.partition("\n")[0]
        place = done.branch or "detached HEAD"
        report.say(f"[{place} {done.commit[:12]}] {subject}: {number(len(done.paths), 'file')}")
    elif not done.findings:
        report.say(f"nothing to commit: {', '.join(named[:5])}{' and more' if len(named) > 5 else ''}: as HEAD has it")
    if done.kept:
        paths = ", ".join(done.kept[:5])
        report.warn(
            f"of {paths} something else was staged, which stays staged and is not in the commit; "
            "if nobody needs it: git restore --staged -- FILE"
        )
    value: dict[str, object] = {"commit": done.commit, "branch": done.branch, "session": session, "paths": done.paths}
    value |= {"findings": [finding.value() for finding in done.findings]} if code else {"kept": done.kept}
    report.result({**value, "exit": code})
    return code
