"""The command line: options, then one call. Commands are imported when they are called."""

import errno
import math
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from guard.errors import GuardError
from guard.report import Report, quiet_stdout

ORDER = [
    "init", "install", "uninstall", "status", "doctor", "config", "check", "explain", "demo",
    "start", "orient", "claim", "renew", "release", "commit", "lesson", "handoff", "board", "log", "rotate", "sync",
    "delta", "merge", "verify", "frame", "partition", "launch", "run", "worktree", "counts",
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


_directory = typer.Option("-C", metavar="DIR", callback=_folder, help="Run as if started in DIR.")

Directory = Annotated[Path, _directory]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print no progress and no waiting on stderr; results, warnings and errors stay."
    ),
]

HERE = Path()

_named = [HERE]
"""The folders that -C named; the last one is where the command works."""


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"guard {version('good-neighbor')}")
        raise typer.Exit


@app.callback()
def top(
    directory: Annotated[Path | None, _directory] = None,
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


def _run(report: Report, command: Callable[[], int]) -> None:
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
        from guard.keeping import keep

        keep(repo, session)


@app.command(rich_help_panel="frames")
def merge(
    frame: Annotated[int | None, typer.Option("--frame", min=0, help="The frame to close.")] = None,
    expect: Annotated[str, typer.Option("--expect", metavar="ID,ID", help="Streams that should deliver.")] = "",
    expect_file: Annotated[
        Path | None, typer.Option("--expect-file", help="A file with one such stream a line.")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait so long for them.")] = 0,
    push: Annotated[bool, typer.Option("--push/--no-push", help="Publish the merge, or only write it.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1: a delta was rejected or an edit slipped in.")
    ] = False,
    heal: Annotated[bool, typer.Option("--heal", help="First rebuild state that was written outside a merge.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Merge every delta into canonical state, in one commit that anyone can recompute."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.merge import Options, run
        from guard.git import Repo

        if not math.isfinite(wait):  # what compares with nothing is below no minimum
            why = "so long could nobody wait, and nothing was merged"
            raise GuardError("usage", f"--wait {wait} is not a time", why, "guard merge --wait 60")
        streams = [name.strip() for name in expect.split(",")] + _lines(expect_file)
        expected = list(dict.fromkeys(filter(None, streams)))
        return run(Repo(directory), Options(frame, expected, wait, push, dry_run, strict, heal), report)

    _run(report, command)


@app.command(rich_help_panel="frames")
def verify(
    span: Annotated[
        str | None, typer.Argument(metavar="[RANGE]", help="OLD..NEW; default: since last verified.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="From the adoption on, whatever was verified before.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Recompute history: every canonical byte must be the merge's."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.verify import run
        from guard.git import Repo

        return run(Repo(directory), span, report, full=full)

    _run(report, command)


@app.command(rich_help_panel="set up")
def init(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Merge every delta of history too.")] = False,
    pre_commit: Annotated[
        bool, typer.Option("--pre-commit", help="Write guard into .pre-commit-config.yaml too.")
    ] = False,
    ci: Annotated[
        str, typer.Option("--ci", metavar="github|gitlab", help="Write the host's jobs that judge and merge too.")
    ] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Adopt guard in this repository and install its hooks in this clone; safe to repeat."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.init import Options, run
        from guard.git import Repo

        return run(Repo(directory), report, Options(yes, from_beginning, pre_commit, ci))

    _run(report, command)


@app.command(rich_help_panel="set up")
def install(
    into_hooks_path: Annotated[
        bool, typer.Option("--into-hooks-path", help="Install where core.hooksPath says, beside what is there.")
    ] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Install the hooks in this clone; safe to repeat."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.install import install as run
        from guard.git import Repo

        return run(Repo(directory), report, into_hooks_path=into_hooks_path)

    _run(report, command)


@app.command(rich_help_panel="set up")
def uninstall(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Take the hooks away again, and put back what stood there."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.install import uninstall as run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


@app.command(rich_help_panel="frames")
def counts(
    fix: Annotated[
        bool, typer.Option("--fix", help="Write the right numbers: staged, or as a recount of state.")
    ] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the declared counts: what they say, and what there is."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.counts import run
        from guard.git import Repo

        return run(Repo(directory), report, fix=fix)

    _run(report, command)


@app.command(rich_help_panel="set up")
def status(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Say whether this clone is protected, and by which layers."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.status import run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


@app.command(rich_help_panel="set up")
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what is provably safe to repair.")] = False,
    attack: Annotated[
        bool, typer.Option("--attack", help="Try the known ways around the hooks, in a scratch repository.")
    ] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Try out whether the hooks work here, and find what is broken or left over."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.doctor import run
        from guard.git import Repo

        return run(Repo(directory), report, fix=fix, attack=attack)

    _run(report, command)


@app.command(rich_help_panel="set up")
def config(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Show the policy that counts here, and where each value comes from."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.config import run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


@app.command(rich_help_panel="set up")
def check(
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
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what the rules refuse: in the index, in a range of commits, or in files."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.check import run
        from guard.git import Repo

        chosen = [word.strip() for word in rule.split(",") if word.strip()]
        named = [str(directory / path) for path in paths or []]
        judging = {"staged": staged, "github": github, "pushed": pushed}
        return run(Repo(directory), report, span=span, paths=named, chosen=chosen, **judging)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def start(
    worktree: Annotated[
        bool, typer.Option("--worktree", help="Make a work tree and a branch of the session's own.")
    ] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Begin a session: get its number, which no other clone gets."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.start import run
        from guard.git import Repo

        return run(Repo(directory), report, worktree=worktree)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def claim(
    lane: Annotated[str, typer.Argument(metavar="LANE", help="The piece of work.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="PATH", help="A path, folder or glob that it is about.")
    ] = None,
    intent: Annotated[str, typer.Option("--intent", help="What is to be done, for the others.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Claim a lane: exactly one of all who ask gets it (exit 3: somebody else holds it)."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.claim import claim as run
        from guard.git import Repo

        return run(Repo(directory), lane, scope or [], intent, report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def renew(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Renew the session's lanes; every guard command of a session does it too, when it is time."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.claim import renew as run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def release(
    lane: Annotated[str, typer.Argument(metavar="LANE", help="A lane that the session holds.")],
    status: Annotated[
        str, typer.Option("--status", metavar="MERGED|ABANDONED", help="How it ended; READY: for others to go on.")
    ] = "MERGED",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Release a lane, so that others can claim its paths."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.claim import release as run
        from guard.git import Repo

        return run(Repo(directory), lane, status.upper(), report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def orient(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Show what a session needs at its start: lanes, newest notes, what is due, what comes next."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.orient import run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def board(
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table of Markdown.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every closed lane too.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show who works on what: lanes by state and age."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.board import run
        from guard.git import Repo

        return run(Repo(directory), report, watch=watch, markdown=markdown, everything=everything)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def log(
    span: Annotated[
        str | None, typer.Argument(metavar="[S150-S159]", help="A session or a range; default: this one.")
    ] = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show what sessions did: their commits, files and lanes."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.log import run
        from guard.git import Repo

        return run(Repo(directory), span, report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def rotate(
    lanes: Annotated[int, typer.Option("--keep-lanes", min=0, help="So many closed lanes stay on the board.")] = 100,
    sections: Annotated[int, typer.Option("--keep-sections", min=0, help="So many sections stay in the notes.")] = 50,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would move; write nothing.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Move old rows and sections to archives beside the board and the notes."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.rotate import run
        from guard.git import Repo

        return run(Repo(directory), report, lanes=lanes, sections=sections, dry_run=dry_run)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def lesson(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What was learned, in a line.")],
    body_file: Annotated[str, typer.Option("--body-file", metavar="F", help="The rest of it; - for stdin.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write down a lesson, as a file with a number that nobody else gets."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.handoff import lesson as run
        from guard.git import Repo

        return run(Repo(directory), title, body_file, report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def handoff(
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What was done.")],
    next_text: Annotated[str, typer.Option("--next", metavar="T", help="What is to be done next.")] = "",
    passing: Annotated[
        list[str] | None, typer.Option("--pass", metavar="LANE", help="A lane to pass on; the others are done.")
    ] = None,
    leave: Annotated[bool, typer.Option("--leave", help="Go though claimed paths are not committed.")] = False,
    learned: Annotated[str, typer.Option("--lesson", metavar="TITLE", help="A lesson to leave as well.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """End the session: push its commits, release its lanes, and tell those who come next."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.handoff import handoff as run
        from guard.git import Repo

        return run(Repo(directory), message, next_text, passing or [], report, leave=leave, learned=learned)

    _run(report, command)


@app.command(rich_help_panel="set up")
def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="G101, or canonical-write; default: all.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain a rule: what it refuses, why, what to do instead."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.explain import run

        return run(code, report)

    _run(report, command)


@app.command(rich_help_panel="repair")
def restore(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Canonical files or folders.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="REV", help="Rebuild from here; default: before it went wrong.")
    ] = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Rebuild canonical files from a good commit and every delta merged since."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.restore import run
        from guard.git import Repo

        return run(Repo(directory), paths, to, report)

    _run(report, command)


@app.command(rich_help_panel="repair")
def recover(
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
        float, typer.Option("--seconds", min=0, help="How long to look for commits that no branch has.")
    ] = 20,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find work that stashes, rebases, hooks or killed commands left behind; give one back beside the rest."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.recover import give_back, show
        from guard.git import Repo

        if name is None and not to and not branch:
            return show(Repo(directory), report, everything=everything, seconds=seconds)
        if name is None or (to and branch) or everything:
            raise GuardError(
                "usage",
                "a new folder or a new branch is for one thing alone",
                "nothing was changed",
                "guard recover NAME [--to DIR | --branch BRANCH], or guard recover [--all] for the list",
            )
        return give_back(Repo(directory), name, directory / to if to else None, branch, report)

    _run(report, command)


@app.command("commit", rich_help_panel="sessions")
def commit_files(
    paths: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Files, new, changed or gone.")] = None,
    message: Annotated[
        list[str] | None, typer.Option("-m", "--message", metavar="TEXT", help="'what: why'; again for paragraphs.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option("--allow", metavar="CODE", help="Let a rule pass, once.")] = None,
    why: Annotated[str, typer.Option("--why", metavar="REASON", help="Why it is let pass; recorded.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Commit exactly the named files, whatever neighbours have staged in the same work tree."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.commit import Options, run
        from guard.git import Repo

        named = [str(directory / path) if path else "" for path in paths or []]
        return run(Repo(directory), Options(message or [], named, allow or [], why), report)

    _run(report, command)


@app.command(rich_help_panel="sessions")
def sync(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Bring in what others have published; uncommitted work stays as it is."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.sync import run
        from guard.git import Repo

        return run(Repo(directory), report)

    _run(report, command)


frames = typer.Typer(
    help="Frames: who delivered and who is expected; open the next one, run them.", rich_markup_mode="rich"
)
app.add_typer(frames, name="frame", rich_help_panel="frames", invoke_without_command=True)

Frame = Annotated[int | None, typer.Option("--frame", min=0, help="The frame; default: the open one.")]
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
        frame_status(frame, fetch, directory, as_json, quiet)
    elif (frame, fetch, directory, as_json, quiet) != (None, True, HERE, False, False):
        raise GuardError(
            "usage",
            f"options stand before {context.invoked_subcommand}",
            "there they would not count, and another frame or repository would be shown than is meant",
            f"guard frame {context.invoked_subcommand} [OPTIONS]",
        )


@frames.command("status")
def frame_status(
    frame: Frame = None,
    fetch: Fetch = True,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show a frame: who delivered, who is expected, late or rejected."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.frame import run
        from guard.git import Repo

        return run(Repo(directory), frame, report, fetch=fetch)

    _run(report, command)


@frames.command("open")
def frame_open(
    streams: Annotated[int, typer.Option("--streams", min=1, max=1000, help="How many on each machine.")] = 1,
    machines: Annotated[
        int,
        typer.Option(
            "--machines", min=0, show_default=False, help="How many; default: one, whose streams have no m1-."
        ),
    ] = 0,
    expect: Annotated[str, typer.Option("--expect", metavar="ID,ID", help="Streams of these names instead.")] = "",
    frame: Annotated[int | None, typer.Option("--frame", min=0, help="Only if this is the next one.")] = None,
    roster: Annotated[Path | None, typer.Option("--roster", metavar="FILE", help="The agents.")] = None,
    how: Annotated[
        str, typer.Option("--by", metavar="rendezvous|offset", help="How they are shared out.")
    ] = "rendezvous",
    force: Annotated[bool, typer.Option("--force", help="Change the streams of a frame that is open.")] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Open the next frame: say on the state branch which streams are expected, and whom each plays."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.frame_open import run
        from guard.git import Repo

        return run(Repo(directory), _opening(streams, machines, expect, frame, how, force), roster, report)

    _run(report, command)


@frames.command("run")
def frame_run(
    words: Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command and its words.")] = None,
    role: Annotated[str, typer.Option("--role", metavar="primary|worker", help="Who opens and merges.")] = "primary",
    count: Annotated[int | None, typer.Option("--frames", min=1, metavar="K", help="End after K frames.")] = None,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", help="From one frame's start to the next.")
    ] = 300.0,
    wait: Annotated[
        float | None, typer.Option("--wait", metavar="SECONDS", help="How long a frame waits; default: the interval.")
    ] = None,
    streams: Annotated[int, typer.Option("--streams", min=1, max=1000, help="How many on each machine.")] = 1,
    machines: Annotated[
        int, typer.Option("--machines", min=0, show_default=False, help="How many; default: as --machine says.")
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
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run frames one after the other: open and merge them (primary), or play along (worker)."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.frame_run import Options, run
        from guard.git import Repo

        for option, value in (
            ("--interval", interval),
            ("--wait", wait),
            ("--stagger", stagger),
            ("--timeout", timeout),
        ):
            _seconds(option, value)
        opening = _opening(streams, machines, "", None, how, False)
        return run(
            Repo(directory),
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
            report,
        )

    _run(report, command)


def _role(text: str) -> Literal["primary", "worker"]:
    if text == "primary":
        return "primary"
    if text == "worker":
        return "worker"
    why = "who is neither would open frames, or wait for nobody"
    raise GuardError("usage", f"--role {text}: it is primary or worker", why, "--role worker")


def _opening(streams: int, machines: int, expect: str, frame: int | None, how: str, force: bool) -> Any:
    from guard.roster import Opening

    ids = [name.strip() for name in expect.split(",") if name.strip()]
    return Opening(streams, machines, ids, frame, how=_how(how), force=force)


@frames.command("history")
def frame_history(
    frames: Annotated[str | None, typer.Option("--frames", metavar="A-B", help="These frames.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="So many of the newest.")] = 50,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Draw a page there, too.")] = None,
    fetch: Fetch = True,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the frames that are over: streams, counts, late ones, how long; as a table and as a page to look at."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.frame_history import Options, run
        from guard.git import Repo

        where = directory / html if html is not None else None
        return run(Repo(directory), Options(frames, last, where, fetch), report)

    _run(report, command)


deltas = typer.Typer(help="Deltas: begin, check, deliver, fall back.", rich_markup_mode="rich", no_args_is_help=True)
app.add_typer(deltas, name="delta", rich_help_panel="frames")

Stream = Annotated[str | None, typer.Option("--stream", metavar="ID", help="Default: GUARD_STREAM.")]


@deltas.command("check")
def delta_check(
    paths: Annotated[list[str], typer.Argument(metavar="FILE...", help="Deltas, or folders of them.")],
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with deltas: file, place, reason, remedy."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.delta import check
        from guard.git import Repo

        try:
            repo = Repo(directory)
        except GuardError:
            repo = None  # a delta can be judged anywhere; only the open frame is not known then
        return check(repo, [str(directory / path) for path in paths], report)

    _run(report, command)


@deltas.command("new")
def delta_new(
    frame: Frame = None,
    stream: Stream = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a delta to fill in, and print its path."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.delta import new
        from guard.git import Repo

        return new(Repo(directory), frame, stream, report)

    _run(report, command)


@deltas.command("push")
def delta_push(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Default: all not delivered.")] = None,
    by: Annotated[str, typer.Option("--by", metavar="refs|branch", help="Default: \\[delivery] by, else refs.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Deliver deltas to the hub: those named, or all of this work tree that the hub does not have."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.delta_push import run
        from guard.git import Repo

        return run(Repo(directory), [str(directory / path) for path in paths or ()], by, report)

    _run(report, command)


@deltas.command("fallback")
def delta_fallback(
    frame: Frame = None,
    stream: Stream = None,
    reason: Annotated[str, typer.Option("--reason", help="Why there is no better one.")] = "",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the delta of a stream that delivered nothing, and print its path."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.delta import fallback
        from guard.git import Repo

        return fallback(Repo(directory), frame, stream, reason, report)

    _run(report, command)


worktrees = typer.Typer(
    help="Work trees of one's own: made, listed, removed safely.", rich_markup_mode="rich", no_args_is_help=True
)
app.add_typer(worktrees, name="worktree", rich_help_panel="frames")


@worktrees.command("add")
def worktree_add(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder, which is not there yet.")],
    branch: Annotated[str, typer.Option("--branch", "-b", metavar="NAME", help="Default: the folder's name.")] = "",
    at: Annotated[str, typer.Option("--at", metavar="REV", help="Default: the hub's newest commit.")] = "",
    owner: Annotated[
        int | None,
        typer.Option("--owner", min=1, metavar="PID", help="Whose it is: once that process is gone, so is it."),
    ] = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a work tree with its declared inputs; any number at once."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.worktree import add
        from guard.git import Repo

        return add(Repo(directory), directory / path, branch, at, owner, report)

    _run(report, command)


@worktrees.command("list")
def worktree_list(directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """List work trees: whose each is, and what it holds that is nowhere else."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.worktree import show
        from guard.git import Repo

        return show(Repo(directory), report)

    _run(report, command)


@worktrees.command("remove")
def worktree_remove(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Linked work trees.")],
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove work trees; what is nowhere else is kept under rescue refs first."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.worktree import take_away
        from guard.git import Repo

        return take_away(Repo(directory), [directory / path for path in paths], report)

    _run(report, command)


@worktrees.command("sweep")
def worktree_sweep(
    rescue: Annotated[
        bool,
        typer.Option("--rescue", help="Remove also those that hold something, after keeping it under rescue refs."),
    ] = False,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove the work trees that nobody has any more and that hold nothing of their own; list the rest."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.worktree import sweep
        from guard.git import Repo

        return sweep(Repo(directory), report, rescue=rescue)

    _run(report, command)


Command = Annotated[list[str] | None, typer.Argument(metavar="-- CMD...", help="The command and its words.")]
How = Annotated[str, typer.Option("--by", metavar="rendezvous|offset", help="How agents are shared out.")]
Machine = Annotated[str, typer.Option("--machine", metavar="I/M", help="Which of several machines this is.")]
Agents = Annotated[
    Path | None, typer.Option("--roster", metavar="FILE", help="The agents; default: those of the state.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="End a stream after so long, all of its processes.")
]


def _how(text: str) -> Literal["rendezvous", "offset"]:
    if text == "rendezvous":
        return "rendezvous"
    if text == "offset":
        return "offset"
    why = "machines that share out differently would play some agents twice and others never"
    raise GuardError("usage", f"--by {text}: it is rendezvous or offset", why, "--by rendezvous")


def _seconds(option: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise GuardError("usage", f"{option} {value} is not a time", "nothing was started", f"{option} 60")


@app.command(rich_help_panel="frames")
def launch(
    words: Command = None,
    streams: Annotated[int, typer.Option("--streams", min=1, max=1000, help="How many streams.")] = 1,
    frame: Annotated[int | None, typer.Option("--frame", min=0, help="Default: GUARD_FRAME, or the open one.")] = None,
    machine: Machine = "",
    stagger: Annotated[
        float, typer.Option("--stagger", metavar="SECONDS", help="Between the starts of two streams.")
    ] = 3.0,
    timeout: Timeout = None,
    roster: Agents = None,
    how: How = "rendezvous",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a command once for each stream, each in a work tree of its own, and deliver a delta for every one."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.launch import Options
        from guard.commands.launch import launch as run
        from guard.git import Repo

        _seconds("--stagger", stagger)
        _seconds("--timeout", timeout)
        options = Options(words or [], streams, frame, machine, stagger, timeout, roster, _how(how))
        return run(Repo(directory), options, report)

    _run(report, command)


@app.command("run", rich_help_panel="frames")
def run_stream(
    words: Command = None,
    stream: Stream = None,
    frame: Annotated[int | None, typer.Option("--frame", min=0, help="Default: GUARD_FRAME, or the open one.")] = None,
    timeout: Timeout = None,
    roster: Agents = None,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run a command as one stream in this work tree, and deliver its delta or a fallback."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.launch import Options, run
        from guard.git import Repo

        _seconds("--timeout", timeout)
        return run(Repo(directory), Options(words or [], 1, frame, timeout=timeout, roster=roster), stream, report)

    _run(report, command)


@app.command(rich_help_panel="frames")
def partition(
    machine: Machine = "",
    streams: Annotated[int, typer.Option("--streams", min=0, max=1000, help="Share out among streams too.")] = 0,
    roster: Agents = None,
    how: How = "rendezvous",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show which agents a machine plays: the same answer on every machine, with nobody to ask."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.partition import run
        from guard.git import Repo

        return run(Repo(directory), report, machine=machine, streams=streams, roster=roster, how=_how(how))

    _run(report, command)


@app.command(rich_help_panel="set up")
def demo(
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Work in DIR and leave it.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the main job on an invented fleet: workers, a crash, a twin, a wipe and its repair."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.demo import run

        return run(keep, report)

    _run(report, command)


servers = typer.Typer(help="The hook of a repository that is pushed to.", rich_markup_mode="rich", no_args_is_help=True)
app.add_typer(servers, name="server", rich_help_panel="enforcement elsewhere")

Bare = Annotated[Path, typer.Argument(metavar="PATH", help="The bare repository.")]


@servers.command("install")
def server_install(
    path: Bare,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The state branch; default: as guard.toml says.")
    ] = "",
    hook: Annotated[
        str, typer.Option("--hook", metavar="NAME", help="update, where the host runs no pre-receive.")
    ] = "pre-receive",
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Judge every push to a bare repository before its refs move; safe to repeat."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.server import at
        from guard.commands.server import install as run

        return run(at(directory / path), report, branch=branch, hook=hook)

    _run(report, command)


@servers.command("uninstall")
def server_uninstall(
    path: Bare,
    directory: Directory = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Take the hook away and put back what was there."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.server import at
        from guard.commands.server import uninstall as run

        return run(at(directory / path), report)

    _run(report, command)


agents = typer.Typer(
    help="The agents' own tools: hooks that judge before a command runs.", rich_markup_mode="rich", no_args_is_help=True
)
app.add_typer(agents, name="agent", rich_help_panel="enforcement elsewhere")

Tools = Annotated[
    list[str] | None, typer.Argument(metavar="[TOOL]...", help="claude, codex, gemini, cursor, copilot, or all.")
]


@agents.command("install")
def agent_install(
    tools: Tools = None, directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Write guard's hooks into the tools' configurations (default: those in use here), and a block into AGENTS.md."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.agent import install as run
        from guard.git import Repo

        return run(Repo(directory), tools or [], report)

    _run(report, command)


@agents.command("uninstall")
def agent_uninstall(
    tools: Tools = None, directory: Directory = HERE, as_json: AsJson = False, quiet: Quiet = False
) -> None:
    """Take guard's hooks out of the tools' configurations again; what others wrote there stays."""
    report = Report(as_json=as_json, quiet=quiet)

    def command() -> int:
        from guard.commands.agent import uninstall as run
        from guard.git import Repo

        return run(Repo(directory), tools or [], report)

    _run(report, command)


@agents.command("hook")
def agent_hook(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="claude, codex, gemini, cursor or copilot.")],
) -> None:
    """Answer one question of a tool, as `guard-hook agent TOOL` does in less time."""
    from guard.hooks.agent import run as answer

    raise typer.Exit(answer([tool]))


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


def _answer() -> int:
    """Run what the command line asks for; returns the exit code. What it gets wrong is told like every other error."""
    try:
        return app(prog_name="guard", standalone_mode=False) or 0
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode gets question marks, not an error
    try:
        sys.exit(_answer())
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EBADF):
            raise
        quiet_stdout()  # nobody can read what is printed
    finally:
        try:
            sys.stdout.flush()
        except (OSError, AttributeError):
            quiet_stdout()
