"""`guard server`: the hook of a repository that is pushed to, which nobody who pushes can pass by."""

import shlex
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import install_hub
from guard.hooks.install import DISPLACED, EDITED, Done
from guard.plan import policy_at
from guard.report import Report


def at(path: Path) -> Repo:
    """The repository at a path; raises `GuardError` with what helps a server where there is none."""
    try:
        return Repo(path)
    except GuardError as error:
        fix = "guard server install PATH, the bare repository that people push to; git init --bare PATH makes one"
        raise GuardError(error.kind, error.what, error.why, fix) from None


def install(repo: Repo, report: Report, *, branch: str, hook: str) -> int:
    """Install the hook and say what was written; returns 0."""
    if hook not in install_hub.HOOKS:
        why = "git asks these two before refs move"
        raise GuardError("usage", f"there is no hook {hook} for a server", why, "--hook pre-receive, or --hook update")
    tip = repo.resolve("HEAD")
    branch = branch or repo.config("guard.branch") or policy_at(repo, tip).branch
    done = install_hub.install(repo, branch, hook)
    for name in done.displaced:
        report.say(f"kept the {name} that was there as {name}{DISPLACED}; it runs after guard's")
    if done.written:
        report.say(f"wrote {', '.join(done.written)} into {done.hooks}")
    _kept(report, done)
    for said in done.settings:
        report.say(f"set {said} in this repository's configuration")
    if not done.written and not done.settings:
        report.say(f"guard is installed in {done.hooks} already")
    report.say(
        f"{hook} judges what is pushed to {branch}; what is there already is taken for good;"
        f" to judge it: guard -C {shlex.quote(str(repo.git_dir))} verify --full"
    )
    report.result({**_value(done), "branch": branch, "hook": hook, "exit": 0})
    return 0


def uninstall(repo: Repo, report: Report) -> int:
    """Take the hook away and say what was put back; returns 0."""
    done = install_hub.uninstall(repo)
    if done.written:
        report.say(f"took {', '.join(done.written)} out of {done.hooks}")
    for name in done.displaced:
        report.say(f"put {name} back as it was")
    _kept(report, done)
    for said in done.settings:
        report.say(f"configuration: {said}")
    if not done.written:
        report.say("guard is not installed here")
    report.result({**_value(done), "exit": 0})
    return 0


def _kept(report: Report, done: Done) -> None:
    for name in done.kept:
        report.warn(f"{name.partition(EDITED)[0]} held lines that are not guard's: kept as {name}, which does not run")


def _value(done: Done) -> dict[str, object]:
    said = {"files": done.written, "displaced": done.displaced, "settings": done.settings, "kept": done.kept}
    return {"hooks": str(done.hooks), **said}
