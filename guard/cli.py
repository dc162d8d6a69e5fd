"""The command line: options, then one call. Commands are imported when they are called."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from guard.errors import GuardError
from guard.report import Report

app = typer.Typer(
    name="guard",
    help="Keeps one git repository whole while many writers work on it at the same moment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Directory = Annotated[Path, typer.Option("-C", metavar="DIR", help="Run as if started in DIR.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no narration.")]

HERE = Path()


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=lambda asked: _version(asked))
    ] = False,
) -> None:
    """Keeps one git repository whole while many writers work on it at the same moment."""


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"guard {version('good-neighbor')}")
        raise typer.Exit


def _run(report: Report, command: Callable[[], int]) -> None:
    """Run a command and leave with its exit code."""
    try:
        code = command()
    except GuardError as error:
        code = report.error(error)
    except KeyboardInterrupt:
        print("guard: interrupted; nothing is half done, run the command again", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    raise typer.Exit(code)


@app.command(rich_help_panel="frames")
def merge(  # noqa: PLR0913 - the options are the contract's
    frame: Annotated[int | None, typer.Option("--frame", min=0, help="The frame to close.")] = None,
    expect: Annotated[str, typer.Option("--expect", metavar="ID,ID", help="Streams that should deliver.")] = "",
    expect_file: Annotated[Path | None, typer.Option("--expect-file", help="A file with one such stream a line.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for them.")] = 0,
    push: Annotated[bool, typer.Option("--push/--no-push", help="Publish the merge, or only write it.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 where a delta was rejected.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Merge every delta into canonical state, in one commit that anyone can recompute."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.merge import Options, run
        from guard.git import Repo

        streams = [name.strip() for name in expect.split(",")] + _lines(expect_file)
        options = Options(frame, [name for name in streams if name], wait, push, dry_run, strict)
        return run(Repo(directory), options, report)

    _run(report, command)


@app.command(rich_help_panel="frames")
def verify(
    span: Annotated[str | None, typer.Argument(metavar="[RANGE]", help="OLD..NEW; default: since last verified.")] = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Recompute history: every canonical byte must be the merge's."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.verify import run
        from guard.git import Repo

        return run(Repo(directory), span, report)

    _run(report, command)


@app.command(rich_help_panel="set up")
def init(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Merge every delta of history too.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Adopt guard in this repository; safe to repeat."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.init import run
        from guard.git import Repo

        return run(Repo(directory), report, yes=yes, from_beginning=from_beginning)

    _run(report, command)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise GuardError("usage", f"--expect-file {path} cannot be read: {error}") from None


def main() -> None:
    """The `guard` executable."""
    app()
