"""Commands of the group enforcement elsewhere: servers, and the agents' own tools."""

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.base import Call, app, command

servers = typer.Typer(help="The hook of a repository that is pushed to.", rich_markup_mode="rich", no_args_is_help=True)
app.add_typer(servers, name="server", rich_help_panel="enforcement elsewhere")


Bare = Annotated[Path, typer.Argument(metavar="PATH", help="The bare repository.")]


@command(servers, "install", example="guard server install /srv/git/fleet.git")
def server_install(
    call: Call,
    path: Bare,
    branch: Annotated[
        str, typer.Option("--branch", metavar="NAME", help="The state branch; default: as guard.toml says.")
    ] = "",
    hook: Annotated[
        str, typer.Option("--hook", metavar="NAME", help="update, where the host runs no pre-receive.")
    ] = "pre-receive",
) -> int:
    """Judge every push before its refs move; safe to repeat."""
    from guard.commands.server import at
    from guard.commands.server import install as run

    return run(at(call.directory / path), call.report, branch=branch, hook=hook)


@command(servers, "uninstall")
def server_uninstall(
    call: Call,
    path: Bare,
) -> int:
    """Take the hook away and put back what was there."""
    from guard.commands.server import at
    from guard.commands.server import uninstall as run

    return run(at(call.directory / path), call.report)


agents = typer.Typer(
    help="The agents' own tools: hooks that judge before a command runs.", rich_markup_mode="rich", no_args_is_help=True
)
app.add_typer(agents, name="agent", rich_help_panel="enforcement elsewhere")

Tools = Annotated[
    list[str] | None, typer.Argument(metavar="[TOOL]...", help="claude, codex, gemini, cursor, copilot, or all.")
]


@command(agents, "install")
def agent_install(
    call: Call,
    tools: Tools = None,
) -> int:
    """Write guard's hooks into the tools' configurations.

    Without a name: of those that are in use here. A block goes into AGENTS.md.
    """
    from guard.commands.agent import install as run

    return run(call.repo, tools or [], call.report)


@command(agents, "uninstall")
def agent_uninstall(
    call: Call,
    tools: Tools = None,
) -> int:
    """Take them out again; what others wrote there stays."""
    from guard.commands.agent import uninstall as run

    return run(call.repo, tools or [], call.report)


@agents.command("hook")
def agent_hook(
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="claude, codex, gemini, cursor or copilot.")],
) -> None:
    """Answer one question of a tool; guard-hook agent is faster."""
    from guard.hooks.agent import run as answer

    raise typer.Exit(answer([tool]))
