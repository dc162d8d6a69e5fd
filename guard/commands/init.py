"""`guard init`: adopt guard in this repository, and install it in this clone."""

import shlex
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from guard import adopt, framework_file, identity
from guard.commands import install
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import install as hooks
from guard.policy import FILE, parse
from guard.report import Report


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    yes: bool = False
    from_beginning: bool = False
    pre_commit: bool = False


def run(repo: Repo, report: Report, options: Options) -> int:
    """Write what is missing, install the hooks, and say what was done; safe to repeat.

    What adopts is written even where the hooks cannot be installed; the exit code is 2 then.
    """
    if repo.bare:
        raise GuardError(
            "usage",
            "guard init needs a work tree",
            "what it writes is to be committed",
            "run it in a clone, then commit and push",
        )
    top = repo.top()
    adoption = adopt.adoption(repo, top, from_beginning=options.from_beginning)
    files = dict(adoption.files)
    if options.pre_commit:
        files |= _framework(top)
    if files and not _confirmed(report, options, sorted(files)):
        return 2
    adopt.write(top, adopt.Adoption(files, adoption.baseline))
    for name in sorted(files):
        report.say(f"wrote {name}")
    value: dict[str, Any] = {"written": sorted(files), "baseline": adoption.baseline, "next": ""}
    code = _install(repo, report, value)
    value["next"] = _next(repo, report, top, adoption.baseline, files, options)
    report.result({**value, "exit": code})
    return code


def _framework(top: Path) -> dict[str, bytes]:
    """The framework's configuration, where guard is not in it yet."""
    path = top / framework_file.FILE
    try:
        old = path.read_bytes().decode() if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise GuardError("state", f"{framework_file.FILE} cannot be read: {error}") from None
    new = framework_file.extended(old)
    return {} if new == old else {framework_file.FILE: new.encode()}


def _confirmed(report: Report, options: Options, names: list[str]) -> bool:
    if options.yes or report.as_json or not sys.stdin.isatty():
        return True
    report.say(f"guard init writes {', '.join(names)}, and hooks into this clone")
    if input("Go on? [Y/n] ").strip().lower() in ("", "y", "yes"):
        return True
    report.say("nothing was written")
    return False


def _next(repo: Repo, report: Report, top: Path, baseline: str, files: Collection[str], options: Options) -> str:
    """Say what to commit now; returns that command, empty where everything is committed."""
    head = repo.resolve("HEAD")
    adopted = head is not None and repo.reader.read(f"{head}:{FILE}") is not None
    config = framework_file.FILE if options.pre_commit else FILE
    uncommitted = adopt.pending(repo, top, config)
    if adopted:  # what else is not committed is somebody's work
        uncommitted = [name for name in uncommitted if name in files or (name == config and options.pre_commit)]
    since = "the beginning" if set(baseline) == {"0"} else baseline[:12]
    if not uncommitted:
        report.say(f"guard is adopted here already (baseline {baseline[:12]})")
        return ""
    if adopted:
        report.say("commit this with:")
    else:
        report.say(f"canonical state is protected from {since} on, once this is committed:")
    command = _command(repo, top, uncommitted, "hooks" if adopted else "adopt")
    report.say(f"  {command}")
    return command


def uncommitted(repo: Repo) -> str:
    """The command that commits what `run` wrote, where guard is not adopted yet and that is all that is lacking; else
    the empty text."""
    if repo.bare:
        return ""
    top = repo.top()
    try:
        if not parse((top / FILE).read_bytes()).baseline:
            return ""
    except (OSError, GuardError):
        return ""
    ours = framework_file.FILE if framework_file.names_guard(top) else FILE
    return _command(repo, top, adopt.pending(repo, top, ours), "adopt")


def _command(repo: Repo, top: Path, names: list[str], what: str) -> str:
    """The command that commits the files; its subject is one that guard's own hooks let pass."""
    session = _session(repo)
    away = "" if Path.cwd() == top else f"cd {shlex.quote(str(top))} && "
    words = " ".join(map(shlex.quote, names))
    return f"{away}git add -- {words} && git commit -m '[{session}] guard: {what}' -- {words}{_push(repo)}"


def _session(repo: Repo) -> str:
    """The session at work here, S0 where there is none."""
    try:
        return identity.session(repo) or "S0"
    except GuardError:  # GUARD_SESSION is no session; whoever commits is told so
        return "S0"


def _push(repo: Repo) -> str:
    """How the commit gets to the remote: nothing without one, with `-u` from a branch that was never pushed."""
    remotes = repo.run("remote").split()
    if not remotes:
        return ""
    branch = repo.branch()
    if not branch or repo.run("config", "--get", f"branch.{branch}.merge", check=False).strip():
        return " && git push"
    remote = "origin" if "origin" in remotes else remotes[0]
    return f" && git push -u {shlex.quote(remote)} {shlex.quote(branch)}"


def _install(repo: Repo, report: Report, value: dict[str, Any]) -> int:
    """Install the hooks and add to `value` what came of it; returns the exit code."""
    try:
        done = hooks.install(repo)
    except GuardError as error:
        text = {"kind": error.kind, "what": error.what, "why": error.why, "fix": error.fix}
        value |= {"hooks": None, "error": text}
        print(error.text(), file=sys.stderr)
        return error.exit_code
    install.tell(repo, report, done)
    value["hooks"] = {**asdict(done), "hooks": str(done.hooks)}
    if done.written:
        report.say(f"the hooks keep notes in {repo.common_dir / 'guard'}; guard uninstall takes them away")
    return 2 if done.refused else 0
