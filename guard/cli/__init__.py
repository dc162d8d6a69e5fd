"""The command line: options, then one call. Commands are imported when they are called."""

import errno
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from guard.cli import elsewhere, frames, repair, sessions, set_up, streams
from guard.cli.base import DIRECTORY, app
from guard.errors import GuardError
from guard.report import Report, complain, quiet_stdout

__all__ = ["app", "elsewhere", "frames", "main", "program", "repair", "sessions", "set_up", "streams"]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"guard {version('good-neighbor')}")
        raise typer.Exit


@app.callback()
def top(
    directory: Annotated[Path | None, DIRECTORY] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Keeps one git repository whole while many writers work on it at the same moment."""
    del version  # it has answered already
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as error:
            why = "the folder says which repository is meant, so nothing was done"
            raise GuardError(
                "usage", f"-C {directory}: {error.strerror}", why, "-C DIR, with a folder to go into"
            ) from None


_NAMED = "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"
"""What makes typer take a shell's name. Without it, --show-completion prints the script of the shell that it is started
from, whichever is asked for."""


def program() -> Any:
    """The `guard` command, with completion for a shell that is named."""
    os.environ[_NAMED] = "1"
    try:
        command = get_command(app)
    finally:
        del os.environ[_NAMED]  # what guard starts is not concerned
    own = []
    for option in command.params:
        if option.name == "show_completion":
            option.metavar, option.help = "SHELL", "Print completions: bash, zsh or fish."  # type: ignore[attr-defined]
        if option.name != "install_completion":  # guard writes nothing into people's .bashrc
            own.append(option)
    command.params = own
    return command


def _answer() -> int:
    """Run what the command line asks for; returns the exit code. What it gets wrong is told like every other error."""
    try:
        return program()(prog_name="guard", standalone_mode=False) or 0
    except GuardError as error:
        wrong = error
    except Exception as error:
        # typer's usage errors have no base class that all its versions export, but all of them have these two.
        told, context = getattr(error, "format_message", None), getattr(error, "ctx", None)
        if told is None:
            raise
        if not told():  # a group without a command: it showed its help
            return 2
        why = "the command line cannot be understood, so nothing was done"
        wrong = GuardError("usage", told(), why, f"{context.command_path if context else 'guard'} --help")
    return Report(as_json="--json" in sys.argv).error(wrong)


def main() -> None:
    """The `guard` executable."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # whoever started guard has closed it
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode gets question marks, not an error
    try:
        sys.exit(_answer())
    except KeyboardInterrupt:  # before any command began: typer was putting them together
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EBADF):
            raise
        quiet_stdout()  # nobody can read what is printed
        if error.errno != errno.EPIPE:  # it may have been more than words
            complain(f"guard: {error.strerror}")
            sys.exit(2)
    finally:
        try:
            sys.stdout.flush()
        except (OSError, AttributeError):
            quiet_stdout()
