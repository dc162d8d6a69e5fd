"""Commands of the group frames, a machine's part: streams and their work trees."""

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from guard.cli.base import Call, app, command, one_of
from guard.errors import GuardError

Command = Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command and its words.")]
Stream = Annotated[str | None, typer.Option("--stream", metavar="ID", help="Default: GUARD_STREAM.")]
How = Annotated[str, typer.Option("--by", metavar="rendezvous|offset", help="How agents are shared out.")]
Machine = Annotated[str, typer.Option("--machine", metavar="I/M", help="Which of several machines this is.")]
Agents = Annotated[
    Path | None, typer.Option("--roster", metavar="FILE", help="The agents; default: those of the state.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="End a stream after so long, all of its processes.")
]


@command(app, rich_help_panel="frames", example="guard launch --streams 4 --timeout 600 -- ./play.sh")
def launch(
    call: Call,
    words: Command = None,
    streams: Annotated[int, typer.Option("--streams", min=1, max=1000, metavar="N", help="How many streams.")] = 1,
    frame: Annotated[
        int | None, typer.Option("--frame", min=0, metavar="N", help="Default: GUARD_FRAME, or the open one.")
    ] = None,
    machine: Machine = "",
    stagger: Annotated[
        float, typer.Option("--stagger", metavar="SECONDS", help="Between the starts of two streams.")
    ] = 3.0,
    timeout: Timeout = None,
    roster: Agents = None,
    how: How = "rendezvous",
) -> int:
    """Run a command for each stream, each in its own work tree.

    A delta is delivered for every stream: its own, or a fallback.
    """
    from guard.commands.launch import Options
    from guard.commands.launch import launch as run

    check_seconds("--stagger", stagger)
    check_seconds("--timeout", timeout)
    options = Options(words or [], streams, frame, machine, stagger, timeout, roster, how_of(how))
    return run(call.repo, options, call.report)


@command(app, "run", rich_help_panel="frames", example="guard run --stream east-1 -- ./play.sh")
def run_stream(
    call: Call,
    words: Command = None,
    stream: Stream = None,
    frame: Annotated[
        int | None, typer.Option("--frame", min=0, metavar="N", help="Default: GUARD_FRAME, or the open one.")
    ] = None,
    timeout: Timeout = None,
    roster: Agents = None,
) -> int:
    """Run a command as one stream, in this work tree.

    Its delta is delivered, or a fallback.
    """
    from guard.commands.launch import Options, run

    check_seconds("--timeout", timeout)
    return run(call.repo, Options(words or [], 1, frame, timeout=timeout, roster=roster), stream, call.report)


@command(app, rich_help_panel="frames", example="guard partition --machine 1/2 --streams 4")
def partition(
    call: Call,
    machine: Machine = "",
    streams: Annotated[
        int, typer.Option("--streams", min=0, max=1000, metavar="N", help="Share out among streams too.")
    ] = 0,
    roster: Agents = None,
    how: How = "rendezvous",
) -> int:
    """Show which agents this machine plays.

    Every machine gets the same answer, with nobody to ask.
    """
    from guard.commands.partition import run

    return run(call.repo, call.report, machine=machine, streams=streams, roster=roster, how=how_of(how))


worktrees = typer.Typer(
    help="Work trees of one's own: made, listed, removed safely.", rich_markup_mode="rich", no_args_is_help=True
)
app.add_typer(worktrees, name="worktree", rich_help_panel="frames")


@command(worktrees, "add")
def worktree_add(
    call: Call,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder, which is not there yet.")],
    branch: Annotated[str, typer.Option("--branch", "-b", metavar="NAME", help="Default: the folder's name.")] = "",
    at: Annotated[str, typer.Option("--at", metavar="REV", help="Default: the hub's newest commit.")] = "",
    owner: Annotated[
        int | None,
        typer.Option(
            "--owner",
            min=1,
            metavar="PID",
            help="Whose it is; once that process is gone, guard worktree sweep may take it.",
        ),
    ] = None,
) -> int:
    """Make a work tree with its declared inputs; safe in parallel."""
    from guard.commands.worktree import add

    return add(call.repo, call.directory / path, branch, at, owner, call.report)


@command(worktrees, "list")
def worktree_list(
    call: Call,
) -> int:
    """List work trees: whose each is, what it alone holds."""
    from guard.commands.worktree import show

    return show(call.repo, call.report)


@command(worktrees, "remove")
def worktree_remove(
    call: Call,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Linked work trees.")],
) -> int:
    """Remove work trees; what they alone hold is kept first.

    It is kept under refs/guard/rescue/, and named.
    """
    from guard.commands.worktree import take_away

    return take_away(call.repo, [call.directory / path for path in paths], call.report)


@command(worktrees, "sweep")
def worktree_sweep(
    call: Call,
    rescue: Annotated[
        bool,
        typer.Option("--rescue", help="Remove also those that hold something, after keeping it under rescue refs."),
    ] = False,
) -> int:
    """Remove work trees that nobody has and that hold nothing.

    The rest are listed, with the reason and the command.
    """
    from guard.commands.worktree import sweep

    return sweep(call.repo, call.report, rescue=rescue)


def how_of(text: str) -> Literal["rendezvous", "offset"]:
    why = "machines that share out differently would play some agents twice and others never"
    return one_of("--by", text, ("rendezvous", "offset"), why, "rendezvous")


def check_seconds(option: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise GuardError("usage", f"{option} {value} is not a time", "nothing was started", f"{option} 60")
