"""What all commands of the command line share: the program, -C, --json and --quiet, and how an error is told."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from guard.errors import GuardError
from guard.report import Report

if TYPE_CHECKING:
    from guard.git import Repo

ORDER = [
    "init", "install", "uninstall", "status", "doctor", "config", "check", "explain", "demo",
    "start", "orient", "claim", "commit", "sync", "renew", "release", "lesson", "handoff", "board", "log", "rotate",
    "delta", "merge", "verify", "frame", "launch", "run", "partition", "worktree", "counts",
    "restore", "recover",
    "server", "agent",
]  # fmt: skip
"""In which order `guard --help` shows the commands, and so their groups; what is not named comes last."""


class _Commands(TyperGroup):
    """The commands as people look for them, not as the code below happens to define them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, in `ORDER`."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = typer.Typer(
    name="guard",
    cls=_Commands,
    help="Keeps one git repository whole while many writers work on it at the same moment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _folder(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise GuardError(
            "usage",
            f"-C {path}: there is no folder of that name",
            "the folder says which repository is meant, so nothing was done",
            "-C DIR, with a folder that is there",
        )
    if path is not None:
        _named.append(path)
    return path


DIRECTORY = typer.Option("-C", metavar="DIR", callback=_folder, show_default=False, help="Run as if started in DIR.")

Directory = Annotated[Path, DIRECTORY]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print no progress on stderr; results, warnings and errors stay."),
]

HERE = Path()

_named = [HERE]
"""The folders that -C named; the last one is where the command works."""


# --- a command -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One call of a command: where it works, and how it tells what it found."""

    directory: Path
    report: Report

    @property
    def repo(self) -> "Repo":
        """The repository there."""
        return self.repository(Path())

    def repository(self, path: Path) -> "Repo":
        """The repository at a path from there."""
        from guard.git import Repo

        return Repo(self.directory / path)


_Word = TypeVar("_Word", bound=str)


def one_of(option: str, text: str, words: tuple[_Word, ...], why: str, fix: _Word) -> _Word:
    """The word that an option was given, which must be one of these."""
    for word in words:
        if text == word:
            return word
    raise GuardError("usage", f"{option} {text}: it is {' or '.join(words)}", why, f"{option} {fix}")


_Command = TypeVar("_Command", bound=Callable[..., int])

_SHARED = [
    inspect.Parameter("directory", inspect.Parameter.KEYWORD_ONLY, default=HERE, annotation=Directory),
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=AsJson),
    inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet),
]


def command(
    on: typer.Typer, name: str | None = None, *, anywhere: bool = False, example: str = "", **said: Any
) -> Callable[[_Command], _Command]:
    """Make a command of a function that takes a `Call` and its own options, and returns the exit code.

    -C, --json and --quiet come by themselves; without -C where the command works `anywhere`. The first paragraph of its
    docstring is its line in `guard --help`; an example stands below its own help. Typer reads options from
    a function's signature, so what it is given has one that holds them all.
    """

    def add(function: _Command) -> _Command:
        own = list(inspect.signature(function).parameters.values())[1:]
        parameters = [*own, *_SHARED[1 if anywhere else 0 :]]

        def full(**given: Any) -> None:
            directory = given.pop("directory", HERE)
            report = Report(as_json=given.pop("as_json"), quiet=given.pop("quiet"))
            answer(report, lambda: function(Call(directory, report), **given))

        full.__doc__ = function.__doc__
        full.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        full.__annotations__ = {each.name: each.annotation for each in parameters}
        epilog = f"Example: [bold]{example}[/bold]" if example else None
        on.command(name or function.__name__, epilog=epilog, **said)(full)
        return function

    return add


def answer(report: Report, command: Callable[[], int]) -> None:
    """Run a command and leave with its exit code."""
    try:
        code = command()
    except GuardError as error:
        code = report.error(error)
    except (KeyboardInterrupt, EOFError):  # EOFError: of who was asked something
        print("guard: interrupted; nothing is half done, run the command again", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:
        code = report.error(_unwritten(error))
    _keep_leases()
    raise typer.Exit(code)


def _unwritten(error: OSError) -> GuardError:
    """The error for what the system did not let us do: a full disk, a folder that may not be written."""
    names = [str(name) for name in (error.filename, error.filename2) if name]
    where = f"{' to '.join(names)}: " if names else ""
    why = "what was done before that stands, and nothing is half done"
    return GuardError("state", f"{where}{error.strerror or error}", why, "make room or way there, and run it again")


def _keep_leases() -> None:
    """Renew the leases of the session at work, where half of their time is gone: this is its sign of life."""
    from guard import identity
    from guard.git import Repo
    from guard.owner import beat

    try:
        repo = Repo(_named[-1])
        beat(repo.git_dir, repo.common_dir)
        session = identity.due(repo)
    except (GuardError, OSError):
        return
    if session is not None:
        from guard.leases.keeping import keep

        keep(repo, session)
