"""Commands of the group set up: adopt guard, install it, ask it."""

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.base import Call, app, command


@command(app, rich_help_panel="set up")
def init(
    call: Call,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Merge every delta of history too.")] = False,
    pre_commit: Annotated[
        bool, typer.Option("--pre-commit", help="Write guard into .pre-commit-config.yaml too.")
    ] = False,
    ci: Annotated[
        str, typer.Option("--ci", metavar="github|gitlab", help="Write the host's jobs that judge and merge too.")
    ] = "",
) -> int:
    """Adopt guard here and install its hooks; safe to repeat."""
    from guard.commands.init import Options, run

    return run(call.repo, call.report, Options(yes, from_beginning, pre_commit, ci))


@command(app, rich_help_panel="set up")
def install(
    call: Call,
    into_hooks_path: Annotated[
        bool, typer.Option("--into-hooks-path", help="Install where core.hooksPath says, beside what is there.")
    ] = False,
) -> int:
    """Install the hooks in this clone; safe to repeat."""
    from guard.commands.install import install as run

    return run(call.repo, call.report, into_hooks_path=into_hooks_path)


@command(app, rich_help_panel="set up")
def uninstall(
    call: Call,
) -> int:
    """Take the hooks away again, and put back what stood there."""
    from guard.commands.install import uninstall as run

    return run(call.repo, call.report)


@command(app, rich_help_panel="set up")
def status(
    call: Call,
) -> int:
    """Say whether this clone is protected, and by which layers."""
    from guard.commands.status import run

    return run(call.repo, call.report)


@command(app, rich_help_panel="set up")
def doctor(
    call: Call,
    fix: Annotated[bool, typer.Option("--fix", help="Repair what is provably safe to repair.")] = False,
    attack: Annotated[
        bool, typer.Option("--attack", help="Try the known ways around the hooks, in a scratch repository.")
    ] = False,
) -> int:
    """Try out whether the hooks work here; find what is broken."""
    from guard.commands.doctor import run

    return run(call.repo, call.report, fix=fix, attack=attack)


@command(app, rich_help_panel="set up")
def config(
    call: Call,
) -> int:
    """Show the policy that counts, and where each value is from."""
    from guard.commands.config import run

    return run(call.repo, call.report)


@command(app, rich_help_panel="set up", example="guard check --range origin/main..HEAD")
def check(
    call: Call,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Files or folders on disk.")] = None,
    staged: Annotated[bool, typer.Option("--staged", help="Judge what is staged; the default.")] = False,
    span: Annotated[
        str | None, typer.Option("--range", metavar="OLD..NEW", help="Judge every commit of a range.")
    ] = None,
    pushed: Annotated[
        bool, typer.Option("--pushed", help="With --range: as a server would, by the policy of OLD.")
    ] = False,
    rule: Annotated[str, typer.Option("--rule", metavar="CODE,CODE", help="Only these rules, by code or name.")] = "",
    github: Annotated[
        bool, typer.Option("--github", envvar="GITHUB_ACTIONS", help="Print annotations for GitHub's diff view.")
    ] = False,
) -> int:
    """Say what the rules refuse: in the index, commits or files."""
    from guard.commands.check import run

    chosen = [word.strip() for word in rule.split(",") if word.strip()]
    named = [str(call.directory / path) for path in paths or []]
    judging = {"staged": staged, "github": github, "pushed": pushed}
    return run(call.repo, call.report, span=span, paths=named, chosen=chosen, **judging)


@command(app, rich_help_panel="set up", anywhere=True, example="guard explain G101")
def explain(
    call: Call,
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="G101, or canonical-write; default: all.")
    ] = None,
) -> int:
    """Explain a rule: what it refuses, why, what to do instead."""
    from guard.commands.explain import run

    return run(code, call.report)


@command(app, rich_help_panel="set up", anywhere=True)
def demo(
    call: Call,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Work in DIR and leave it.")] = None,
) -> int:
    """Show it all on an invented fleet: a crash, a wipe, the repair."""
    from guard.demo import run

    return run(keep, call.report)
