"""`guard install` and `guard uninstall`: the hooks of this clone."""

from guard.git import Repo
from guard.hooks import install as hooks
from guard.report import Report


def install(repo: Repo, report: Report, *, into_hooks_path: bool) -> int:
    """Install the hooks and say what was written."""
    done = hooks.install(repo, into_hooks_path=into_hooks_path)
    tell(report, done)
    if not done.written and not done.settings:
        report.say(f"guard is installed in {done.hooks} already")
    report.result({**_value(done), "exit": 0})
    return 0


def tell(report: Report, done: hooks.Done) -> None:
    """Say what an installation wrote."""
    for name in done.displaced:
        report.say(f"kept your {name} as {name}{hooks.DISPLACED}; it runs after guard's")
    if done.written:
        report.say(f"wrote {', '.join(done.written)} into {done.hooks}")
    for said in done.settings:
        report.say(f"set {said} in this clone's configuration: an autostash that fails leaves markers and exits 0")


def uninstall(repo: Repo, report: Report) -> int:
    """Take the hooks away and say what was put back."""
    done = hooks.uninstall(repo)
    if done.written:
        report.say(f"took {', '.join(done.written)} out of {done.hooks}")
    for name in done.displaced:
        report.say(f"put your {name} back")
    for said in done.settings:
        report.say(f"configuration: {said}")
    if not done.written:
        report.say("guard is not installed here")
    report.result({**_value(done), "exit": 0})
    return 0


def _value(done: hooks.Done) -> dict[str, object]:
    return {"hooks": str(done.hooks), "files": done.written, "displaced": done.displaced, "settings": done.settings}
