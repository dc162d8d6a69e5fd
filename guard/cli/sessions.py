"""Commands of the group sessions: who works on what."""

from typing import Annotated

import typer

from guard.cli.base import Call, app, command


@command(app, rich_help_panel="sessions")
def start(
    call: Call,
    worktree: Annotated[
        bool, typer.Option("--worktree", help="Make a work tree and a branch of the session's own.")
    ] = False,
) -> int:
    """Begin a session: a number that no other clone gets."""
    from guard.commands.start import run

    return run(call.repo, call.report, worktree=worktree)


@command(app, rich_help_panel="sessions", example="guard claim parser --scope src/parser --intent 'a faster parser'")
def claim(
    call: Call,
    lane: Annotated[str, typer.Argument(metavar="LANE", help="The piece of work.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="PATH", help="A path, folder or glob that it is about.")
    ] = None,
    intent: Annotated[str, typer.Option("--intent", metavar="TEXT", help="What is to be done, for the others.")] = "",
) -> int:
    """Claim a lane and its paths, for this session alone.

    Exactly one of all who ask gets it. Exit 3: somebody else holds it, and is named.
    """
    from guard.commands.claim import claim as run

    return run(call.repo, lane, scope or [], intent, call.report)


@command(app, rich_help_panel="sessions")
def renew(
    call: Call,
) -> int:
    """Hold on to the session's lanes.

    Every guard command of a session does this too, when it is time.
    """
    from guard.commands.claim import renew as run

    return run(call.repo, call.report)


@command(app, rich_help_panel="sessions", example="guard release parser --status READY")
def release(
    call: Call,
    lane: Annotated[str, typer.Argument(metavar="LANE", help="A lane that the session holds.")],
    status: Annotated[
        str,
        typer.Option("--status", metavar="MERGED|ABANDONED|READY", help="How it ended; READY: for others to go on."),
    ] = "MERGED",
) -> int:
    """Let a lane go, so that others can claim its paths."""
    from guard.commands.claim import release as run

    return run(call.repo, lane, status.upper(), call.report)


@command(app, rich_help_panel="sessions")
def orient(
    call: Call,
) -> int:
    """Show what to know first: lanes, notes, what is due, what next."""
    from guard.commands.orient import run

    return run(call.repo, call.report)


@command(app, rich_help_panel="sessions")
def board(
    call: Call,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table of Markdown.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every closed lane too.")] = False,
) -> int:
    """Show who works on what: lanes by state and age."""
    from guard.commands.board import run

    return run(call.repo, call.report, watch=watch, markdown=markdown, everything=everything)


@command(app, rich_help_panel="sessions", example="guard log S150-S159")
def log(
    call: Call,
    span: Annotated[
        str | None, typer.Argument(metavar="[S150-S159]", help="A session or a range; default: this one.")
    ] = None,
) -> int:
    """Show what sessions did: their commits, files and lanes."""
    from guard.commands.log import run

    return run(call.repo, span, call.report)


@command(app, rich_help_panel="sessions")
def rotate(
    call: Call,
    lanes: Annotated[
        int, typer.Option("--keep-lanes", min=0, metavar="N", help="So many closed lanes stay on the board.")
    ] = 100,
    sections: Annotated[
        int, typer.Option("--keep-sections", min=0, metavar="N", help="So many sections stay in the notes.")
    ] = 50,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would move; write nothing.")] = False,
) -> int:
    """Move old rows and sections of board and notes to archives."""
    from guard.commands.rotate import run

    return run(call.repo, call.report, lanes=lanes, sections=sections, dry_run=dry_run)


@command(app, rich_help_panel="sessions")
def lesson(
    call: Call,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What was learned, in a line.")],
    body_file: Annotated[str, typer.Option("--body-file", metavar="FILE", help="The rest of it; - for stdin.")] = "",
) -> int:
    """Write down a lesson, under a number that nobody else gets."""
    from guard.commands.handoff import lesson as run

    return run(call.repo, title, body_file, call.report)


@command(
    app, rich_help_panel="sessions", example="guard handoff -m 'the parser caches' --next 'measure it on big files'"
)
def handoff(
    call: Call,
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What was done.")],
    next_text: Annotated[str, typer.Option("--next", metavar="TEXT", help="What is to be done next.")] = "",
    passing: Annotated[
        list[str] | None, typer.Option("--pass", metavar="LANE", help="A lane to pass on; the others are done.")
    ] = None,
    leave: Annotated[bool, typer.Option("--leave", help="Go though claimed paths are not committed.")] = False,
    learned: Annotated[str, typer.Option("--lesson", metavar="TITLE", help="A lesson to leave as well.")] = "",
) -> int:
    """End the session: push, release its lanes, tell who comes next."""
    from guard.commands.handoff import handoff as run

    return run(call.repo, message, next_text, passing or [], call.report, leave=leave, learned=learned)


@command(app, "commit", rich_help_panel="sessions", example="guard commit -m 'parser: a cache' src/parser/cache.py")
def commit_files(
    call: Call,
    paths: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Files, new, changed or gone.")] = None,
    message: Annotated[
        list[str] | None, typer.Option("-m", "--message", metavar="TEXT", help="'what: why'; again for paragraphs.")
    ] = None,
    allow: Annotated[list[str] | None, typer.Option("--allow", metavar="CODE", help="Let a rule pass, once.")] = None,
    why: Annotated[str, typer.Option("--why", metavar="REASON", help="Why it is let pass; recorded.")] = "",
) -> int:
    """Commit exactly the named files, whatever else is staged."""
    from guard.commands.commit import Options, run

    named = [str(call.directory / path) if path else "" for path in paths or []]
    return run(call.repo, Options(message or [], named, allow or [], why), call.report)


@command(app, rich_help_panel="sessions")
def sync(
    call: Call,
) -> int:
    """Bring in what others published; uncommitted work stays."""
    from guard.commands.sync import run

    return run(call.repo, call.report)
