"""Commands of the group frames: deltas, merges, what is open and what is over."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from guard.cli.base import HERE, AsJson, Call, Directory, Quiet, answer, app, command, one_of
from guard.cli.streams import Stream, check_seconds, how_of
from guard.errors import GuardError
from guard.report import Report


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise GuardError(
            "usage",
            f"--expect-file {path} cannot be read: {reason}",
            "without it nobody knows which streams to wait for, and which are missing",
            "guard merge --expect-file FILE, a text with one stream id a line",
        ) from None


@command(app, rich_help_panel="frames", example="guard merge --frame 412 --expect east-1,west-1 --wait 60")
def merge(
    call: Call,
    frame: Annotated[int | None, typer.Option("--frame", min=0, metavar="N", help="The frame to close.")] = None,
    expect: Annotated[str, typer.Option("--expect", metavar="ID,ID", help="Streams that should deliver.")] = "",
    expect_file: Annotated[
        Path | None, typer.Option("--expect-file", metavar="FILE", help="A file with one such stream a line.")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for them.")] = 0,
    push: Annotated[bool, typer.Option("--push/--no-push", help="Publish the merge, or only write it.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1: a delta was rejected or an edit slipped in.")
    ] = False,
    heal: Annotated[bool, typer.Option("--heal", help="First rebuild state that was written outside a merge.")] = False,
) -> int:
    """Merge every delta into the state, in one commit.

    Anyone can make that commit again from its parent: guard verify does.
    """
    from guard.commands.merge import Options, run

    if not math.isfinite(wait):  # what compares with nothing is below no minimum
        why = "so long could nobody wait, and nothing was merged"
        raise GuardError("usage", f"--wait {wait} is not a time", why, "guard merge --wait 60")
    streams = [name.strip() for name in expect.split(",")] + _lines(expect_file)
    expected = list(dict.fromkeys(filter(None, streams)))
    return run(call.repo, Options(frame, expected, wait, push, dry_run, strict, heal), call.report)


@command(app, rich_help_panel="frames", example="guard verify origin/main~20..origin/main")
def verify(
    call: Call,
    span: Annotated[
        str | None, typer.Argument(metavar="[RANGE]", help="OLD..NEW; default: since last verified.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="From the adoption on, whatever was verified before.")] = False,
) -> int:
    """Recompute history: every canonical byte must be the merge's."""
    from guard.commands.verify import run

    return run(call.repo, span, call.report, full=full)


@command(app, rich_help_panel="frames")
def counts(
    call: Call,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the right numbers: staged, or as a recount of state.")
    ] = False,
) -> int:
    """Show the declared counts: what they say, and what there is."""
    from guard.commands.counts import run

    return run(call.repo, call.report, fix=fix)


frames = typer.Typer(help="Frames: who delivered, who is expected; open and run them.", rich_markup_mode="rich")
app.add_typer(frames, name="frame", rich_help_panel="frames", invoke_without_command=True)

Frame = Annotated[int | None, typer.Option("--frame", min=0, metavar="N", help="The frame; default: the open one.")]
Fetch = Annotated[bool, typer.Option("--fetch/--no-fetch", help="Ask the remote first.")]


@frames.callback(invoke_without_command=True)
def frame_default(
    context: typer.Context,
    frame: Frame = None,
    fetch: Fetch = True,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the open frame: who delivered, who is expected, late or rejected."""
    if context.invoked_subcommand is None:
        call = Call(directory, Report(as_json=as_json, quiet=quiet))
        answer(call.report, lambda: frame_status(call, frame, fetch=fetch))
    elif (frame, fetch, directory, as_json, quiet) != (None, True, HERE, False, False):
        raise GuardError(
            "usage",
            f"options stand before {context.invoked_subcommand}",
            "there they would not count, and another frame or repository would be shown than is meant",
            f"guard frame {context.invoked_subcommand} [OPTIONS]",
        )


@command(frames, "status")
def frame_status(
    call: Call,
    frame: Frame = None,
    fetch: Fetch = True,
) -> int:
    """Show a frame: who delivered, who is expected, late or rejected."""
    from guard.commands.frame import run

    return run(call.repo, frame, call.report, fetch=fetch)


@command(frames, "open", example="guard frame open --machines 2 --streams 4")
def frame_open(
    call: Call,
    streams: Annotated[
        int, typer.Option("--streams", min=1, max=1000, metavar="N", help="How many on each machine.")
    ] = 1,
    machines: Annotated[
        int,
        typer.Option(
            "--machines",
            min=0,
            metavar="M",
            show_default=False,
            help="How many; default: one, without m1- in the names of streams.",
        ),
    ] = 0,
    expect: Annotated[str, typer.Option("--expect", metavar="ID,ID", help="Streams of these names instead.")] = "",
    frame: Annotated[
        int | None, typer.Option("--frame", min=0, metavar="N", help="Only if this is the next one.")
    ] = None,
    roster: Annotated[Path | None, typer.Option("--roster", metavar="FILE", help="The agents.")] = None,
    how: Annotated[
        str, typer.Option("--by", metavar="rendezvous|offset", help="How they are shared out.")
    ] = "rendezvous",
    force: Annotated[bool, typer.Option("--force", help="Change the streams of a frame that is open.")] = False,
) -> int:
    """Open the next frame: who is expected, and plays whom.

    One commit on the state branch says so: the roster.
    """
    from guard.commands.frame_open import run

    return run(call.repo, _opening(streams, machines, expect, frame, how, force), roster, call.report)


@command(frames, "run", example="guard frame run --machine 1/2 --streams 4 -- ./play.sh")
def frame_run(
    call: Call,
    words: Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command and its words.")] = None,
    role: Annotated[str, typer.Option("--role", metavar="primary|worker", help="Who opens and merges.")] = "primary",
    count: Annotated[int | None, typer.Option("--frames", min=1, metavar="K", help="End after K frames.")] = None,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", help="From one frame's start to the next.")
    ] = 300.0,
    wait: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="How long a frame waits; default: the interval.")
    ] = None,
    streams: Annotated[
        int, typer.Option("--streams", min=1, max=1000, metavar="N", help="How many on each machine.")
    ] = 1,
    machines: Annotated[
        int,
        typer.Option(
            "--machines", min=0, metavar="M", show_default=False, help="How many; default: as --machine says."
        ),
    ] = 0,
    machine: Annotated[str, typer.Option("--machine", metavar="I/M", help="Which of several machines this is.")] = "",
    stagger: Annotated[
        float, typer.Option("--stagger", metavar="SECONDS", help="Between the starts of two streams.")
    ] = 3.0,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="End a stream after so long; default: as --wait."),
    ] = None,
    roster: Annotated[Path | None, typer.Option("--roster", metavar="FILE", help="The agents.")] = None,
    how: Annotated[
        str, typer.Option("--by", metavar="rendezvous|offset", help="How they are shared out.")
    ] = "rendezvous",
    stop_file: Annotated[
        Path | None, typer.Option("--stop-file", metavar="PATH", help="End when it is there; default: .git/guard/stop.")
    ] = None,
) -> int:
    """Run frames one after the other, as primary or worker.

    A primary opens and merges them and plays its own streams; a worker plays along.
    """
    from guard.commands.frame_loop import Options
    from guard.commands.frame_run import run

    for option, value in (
        ("--interval", interval),
        ("--wait", wait),
        ("--stagger", stagger),
        ("--timeout", timeout),
    ):
        check_seconds(option, value)
    opening = _opening(streams, machines, "", None, how, False)
    return run(
        call.repo,
        Options(
            _role(role),
            words or [],
            opening,
            count,
            interval,
            wait,
            machine,
            stagger,
            timeout,
            roster,
            stop_file,
        ),
        call.report,
    )


@command(frames, "history", example="guard frame history --last 20 --html frames.html")
def frame_history(
    call: Call,
    frames: Annotated[str | None, typer.Option("--frames", metavar="A-B", help="These frames.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="So many of the newest.")] = 50,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Draw a page there, too.")] = None,
    fetch: Fetch = True,
) -> int:
    """Show the frames that are over: a table, and a page to look at."""
    from guard.commands.frame_history import Options, run

    where = call.directory / html if html is not None else None
    return run(call.repo, Options(frames, last, where, fetch), call.report)


def _role(text: str) -> Literal["primary", "worker"]:
    why = "who is neither would open frames, or wait for nobody"
    return one_of("--role", text, ("primary", "worker"), why, "worker")


def _opening(streams: int, machines: int, expect: str, frame: int | None, how: str, force: bool) -> Any:
    from guard.frames.roster import Opening

    ids = [name.strip() for name in expect.split(",") if name.strip()]
    return Opening(streams, machines, ids, frame, how=how_of(how), force=force)


deltas = typer.Typer(help="Deltas: begin, check, deliver, fall back.", rich_markup_mode="rich", no_args_is_help=True)
app.add_typer(deltas, name="delta", rich_help_panel="frames")


@command(deltas, "new", example="guard delta new --frame 412 --stream east-1")
def delta_new(
    call: Call,
    frame: Frame = None,
    stream: Stream = None,
) -> int:
    """Write a delta to fill in, and print its path."""
    from guard.commands.delta import new

    return new(call.repo, frame, stream, call.report)


@command(deltas, "check")
def delta_check(
    call: Call,
    paths: Annotated[list[str], typer.Argument(metavar="FILE...", help="Deltas, or folders of them.")],
) -> int:
    """Say what is wrong with deltas: file, place, reason, remedy."""
    from guard.commands.delta import check

    try:
        repo = call.repo
    except GuardError:
        repo = None  # a delta can be judged anywhere; only the open frame is not known then
    return check(repo, [str(call.directory / path) for path in paths], call.report)


@command(deltas, "push")
def delta_push(
    call: Call,
    paths: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Default: all not delivered.")] = None,
    by: Annotated[str, typer.Option("--by", metavar="refs|branch", help="Default: \\[delivery] by, else refs.")] = "",
) -> int:
    """Deliver deltas to the hub.

    Those that are named, or all of this work tree that the hub does not have.
    """
    from guard.commands.delta_push import run

    return run(call.repo, [str(call.directory / path) for path in paths or ()], by, call.report)


@command(deltas, "fallback")
def delta_fallback(
    call: Call,
    frame: Frame = None,
    stream: Stream = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why there is no better one.")] = "",
) -> int:
    """Write the delta of a stream that delivered nothing."""
    from guard.commands.delta import fallback

    return fallback(call.repo, frame, stream, reason, call.report)
