"""`guard install` and `guard uninstall`: the hooks of this clone."""

import sys
from pathlib import Path

from guard.git import Repo
from guard.hooks import install as hooks
from guard.hooks import registered, strict
from guard.report import Report


def install(repo: Repo, report: Report, *, into_hooks_path: bool) -> int:
    """Install the hooks and say what was written."""
    done = hooks.install(repo, into_hooks_path=into_hooks_path)
    tell(repo, report, done)
    if not done.written and not done.settings and not done.own:
        report.say(f"guard is installed in {done.hooks} already")
    code = 2 if done.refused else 0
    report.result({**value(done), "exit": code})
    return code


def tell(repo: Repo, report: Report, done: hooks.Done) -> None:
    """Say what an installation wrote."""
    for name in done.displaced:
        report.say(f"kept your {name} as {name}{hooks.DISPLACED}; it runs after guard's")
    if done.written:
        report.say(f"wrote {', '.join(done.written)} into {done.hooks}")
    if done.own:
        report.say(
            f"wrote {registered.folder(repo)} and hook.guard-* into this clone's configuration: git 2.54 and newer run"
            " these hooks wherever core.hooksPath leads"
        )
    _tell_kept(report, done)
    for said in done.settings:
        why = _WHY.get(said.partition(" ")[0], "an autostash that fails leaves markers and exits 0")
        report.say(f"set {said} in this clone's configuration: {why}")
    if _in_cache(Path(sys.prefix)):
        report.warn(
            f"the hooks start {sys.executable}, which lies in a cache and goes when that is emptied; for good:"
            " pipx install good-neighbor && guard install"
        )
    if done.refused:
        print(done.refused, file=sys.stderr)
    elif not done.strict and (done.written or done.own):
        report.say(
            "strict mode is off: with strict = true below [hooks] in guard.toml, git add -A and what throws uncommitted"
            " work away are refused at once (docs/hooks.md)"
        )


def _in_cache(folder: Path) -> bool:
    """Whether a folder lies where `uvx` and `pipx run` put what they take away again."""
    return not {".cache", "Caches"}.isdisjoint(folder.parts) or any(
        (parent / "CACHEDIR.TAG").exists() for parent in folder.parents
    )


_WHY = {strict.KEY: "strict mode, as guard.toml asks"}


def _tell_kept(report: Report, done: hooks.Done) -> None:
    for name in done.kept:
        hook = name.partition(hooks.EDITED)[0]
        report.warn(
            f"{hook} held lines that are not guard's: kept as {name}, and not run any more; put them into"
            f" {hook.removesuffix('.legacy')}{hooks.DISPLACED}, which runs after guard's"
        )


def uninstall(repo: Repo, report: Report) -> int:
    """Take the hooks away and say what was put back."""
    done = hooks.uninstall(repo)
    if done.written:
        report.say(f"took {', '.join(done.written)} out of {done.hooks}")
    for name in done.displaced:
        report.say(f"put your {name} back")
    for name in done.kept:
        report.warn(f"{name.partition(hooks.EDITED)[0]} held lines that are not guard's: kept as {name}")
    if done.own:
        report.say(f"took {', '.join(done.own)} out of this clone's configuration")
    for said in done.settings:
        report.say(f"configuration: {said}")
    if not done.written and not done.own:
        report.say("guard is not installed here")
    report.result({**value(done), "exit": 0})
    return 0


def value(done: hooks.Done) -> dict[str, object]:
    """What was done, as --json tells it."""
    lists = {"displaced": done.displaced, "settings": done.settings, "kept": done.kept, "own": done.own}
    return {"hooks": str(done.hooks), "files": done.written, **lists, "strict": done.strict, "refused": done.refused}
