"""`guard init`: adopt guard in this repository, and install it in this clone."""

import shlex
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from guard import ci, identity
from guard.adoption import adopt, framework_file
from guard.commands import install
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import install as hooks
from guard.policy import FILE, parse
from guard.report import Report

DISTRIBUTION = "good-neighbor"


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    yes: bool = False
    from_beginning: bool = False
    pre_commit: bool = False
    ci: str = ""
    """The CI host whose jobs are wanted too."""


def run(repo: Repo, report: Report, options: Options) -> int:
    """Write what is missing, install the hooks, and say what was done; safe to repeat.

    What adopts is written even where the hooks cannot be installed; the exit code is 2 then, and where a file of
    somebody else's stands in the place of a job that was asked for.
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
    jobs, left = _jobs(top, options.ci, files.get(FILE)) if options.ci else ({}, {})
    files |= jobs
    if files and not _confirmed(report, options, sorted(files)):
        return 2
    adopt.write(top, adopt.Adoption(files, adoption.baseline))
    for name in sorted(files):
        report.say(f"wrote {name}")
    foreign = _tell_left(report, left, options.ci)
    if options.ci == "gitlab":
        report.say("bring it in from .gitlab-ci.yml: include: [{local: .gitlab/guard.yml}]")
    value: dict[str, Any] = {"written": sorted(files), "baseline": adoption.baseline, "left": left, "next": ""}
    code = _install(repo, report, value) or (2 if foreign else 0)
    more = [framework_file.FILE] if options.pre_commit else []
    more += [name for name in ci.HOSTS.get(options.ci, ()) if left.get(name) != "foreign"]
    value["next"] = _next(repo, report, top, adoption.baseline, files, more)
    if options.ci:
        report.say(f"a job keeps nothing out until the branch requires it: docs/ci.md says what to tell {options.ci}")
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


def _jobs(top: Path, host: str, toml: bytes | None) -> tuple[dict[str, bytes], dict[str, ci.Fate]]:
    """The jobs of a CI host that are to be written, and those that are not guard's to write: whose they are."""
    from importlib.metadata import version  # here: only this asks for it

    policy = parse(toml if toml is not None else _there(top, FILE))
    files: dict[str, bytes] = {}
    left: dict[str, ci.Fate] = {}
    for name, data in ci.files(host, policy.branch, f"{DISTRIBUTION}=={version(DISTRIBUTION)}").items():
        fate = ci.fate(_there(top, name), data)
        if fate == "write":
            files[name] = data
        elif fate != "same":
            left[name] = fate
    return files, left


def _there(top: Path, name: str) -> bytes | None:
    """What a file holds, None where nothing is in its place; what is no plain file or leads elsewhere holds nothing."""
    path = top / name
    above = [top / part for part in Path(name).parents]
    if path.is_symlink() or any(part != top and (part.is_symlink() or part.is_file()) for part in above):
        return b""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def _tell_left(report: Report, left: dict[str, ci.Fate], host: str) -> list[str]:
    """Say which jobs were not written, and return those in whose place somebody else's file stands."""
    for name, fate in left.items():
        if fate == "edited":
            report.say(f"left {name}: it was edited since guard wrote it; move it away to have it written anew")
        else:
            report.warn(
                f"{name} was not written: something that is not guard's is there\n"
                f"  fix: move it to another name, then guard init --ci {host}"
            )
    return [name for name, fate in left.items() if fate == "foreign"]


def _confirmed(report: Report, options: Options, names: list[str]) -> bool:
    if options.yes or report.as_json or not sys.stdin.isatty():
        return True
    report.say(f"guard init writes {', '.join(names)}, and hooks into this clone")
    if input("Go on? [Y/n] ").strip().lower() in ("", "y", "yes"):
        return True
    report.say("nothing was written")
    return False


def _next(repo: Repo, report: Report, top: Path, baseline: str, files: Collection[str], more: list[str]) -> str:
    """Say what to commit now; returns that command, empty where everything is committed. `more` may be among it."""
    head = repo.resolve("HEAD")
    adopted = head is not None and repo.reader.read(f"{head}:{FILE}") is not None
    uncommitted = adopt.pending(repo, top, *more)
    if adopted:  # what else is not committed is somebody's work
        uncommitted = [name for name in uncommitted if name in files or name in more]
    since = "the beginning" if set(baseline) == {"0"} else baseline[:12]
    if not uncommitted:
        report.say(f"guard is adopted here already (baseline {baseline[:12]})")
        return ""
    if adopted:
        report.say("commit this with:")
    else:
        report.say(f"canonical state is protected from {since} on, once this is committed:")
    jobs = {name for paths in ci.HOSTS.values() for name in paths}
    what = "adopt" if not adopted else "ci" if jobs.issuperset(uncommitted) else "hooks"
    command = _command(repo, top, uncommitted, what)
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
