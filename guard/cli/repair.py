"""Commands of the group repair: what went wrong, made good."""

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.base import Call, app, command
from guard.errors import GuardError


@command(app, rich_help_panel="repair", example="guard restore state/agents.json")
def restore(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Canonical files or folders.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="REV", help="Rebuild from here; default: before it went wrong.")
    ] = None,
) -> int:
    """Rebuild state from a good commit and all deltas merged since."""
    from guard.commands.restore import run

    return run(call.repo, paths, to, call.report)


@command(app, rich_help_panel="repair")
def recover(
    call: Call,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One thing of the list; without it, the list.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Write its files into this new folder.")
    ] = None,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The new branch; default: recovered/NAME.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="List everything, however long it takes, and what is not lost too.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0, metavar="N", help="How long to look for commits that no branch has.")
    ] = 20,
) -> int:
    """Find work that was left behind; give one thing back.

    What stashes, rebases, hooks and killed commands left is found. What is there is never written over.
    """
    from guard.commands.recover import give_back, show

    if name is None and not to and not branch:
        return show(call.repo, call.report, everything=everything, seconds=seconds)
    if name is None or (to and branch) or everything:
        raise GuardError(
            "usage",
            "a new folder or a new branch is for one thing alone",
            "nothing was changed",
            "guard recover NAME [--to DIR | --branch BRANCH], or guard recover [--all] for the list",
        )
    return give_back(call.repo, name, call.directory / to if to else None, branch, call.report)
