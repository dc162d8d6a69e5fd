"""`guard agent`: the hooks of the agents' own tools, and the page that tells agents how work is done here."""

import io
import os
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from guard import identity
from guard.agents import page, settings
from guard.agents.tools import NAMES, tool
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import install as hooks
from guard.leases.refs import found
from guard.plan import policy_at, policy_on_disk
from guard.policy import parse
from guard.publish import last_seen
from guard.report import Report

MOST = 9_000
"""So many characters of `guard orient` are an agent's context; more is put into a file by some tools."""


def install(repo: Repo, names: "list[str]", report: Report) -> int:
    """Write guard's hooks into the configurations of tools, and the block into AGENTS.md; safe to repeat."""
    top = _top(repo)
    chosen = _chosen(names, top)
    policy = parse(policy_on_disk(repo))
    texts = {}
    for name in chosen:  # all are worked out before the first is written: a broken one stops everything
        module = tool(name)
        texts[module.FILE] = settings.extended(_read(top / module.FILE), module)
    texts[page.FILE] = page.extended(_read(top / page.FILE), policy)
    written = [path for path, text in texts.items() if _write(top / path, text)]
    hooks.write_launcher(repo)
    for name in chosen:
        module = tool(name)
        what = "wrote guard's hooks into" if module.FILE in written else "guard's hooks are in"
        report.say(f"{module.TITLE}: {what} {module.FILE}")
        if module.TRUST:
            report.say(f"  {module.TRUST}")
    report.say(f"{'wrote' if page.FILE in written else 'there is'} a block for agents in {page.FILE}")
    if "claude" in chosen and (top / "CLAUDE.md").exists() and "@AGENTS.md" not in (_read(top / "CLAUDE.md") or ""):
        report.say(
            "  Claude Code reads CLAUDE.md instead while there is one: a line @AGENTS.md in it brings the block in"
        )
    if written:
        report.say("commit them, so that every clone has them: guard commit -m 'agents: hooks' " + " ".join(written))
    report.result({"tools": chosen, "files": sorted(texts), "written": written, "exit": 0})
    return 0


def uninstall(repo: Repo, names: "list[str]", report: Report) -> int:
    """Take guard's hooks out of the configurations of tools, and with the last of them the block out of AGENTS.md."""
    top = _top(repo)
    chosen = _checked(names) or list(NAMES)
    changed: dict[str, str | None] = {}
    for name in chosen:
        module = tool(name)
        text = _read(top / module.FILE)
        if text is not None and (left := settings.without(text, module)) != text:
            changed[module.FILE] = left
    others = [name for name in NAMES if name not in chosen and _has(top, name)]
    text = _read(top / page.FILE)
    if text is not None and not others and (left := page.without(text)) != text:
        changed[page.FILE] = left
    for path, left in changed.items():
        _put(top / path, left)
        report.say(f"took guard out of {path}" + (", and it away: nothing else was in it" if left is None else ""))
    if not changed:
        report.say("no tool has guard's hooks here")
    report.result({"tools": chosen, "files": sorted(changed), "exit": 0})
    return 0


def _top(repo: Repo) -> Path:
    if repo.bare:
        why = "agents work in work trees, and their tools read their hooks there"
        raise GuardError("usage", "this repository is bare", why, "guard -C WORKTREE agent install")
    return repo.top()


def _checked(names: "list[str]") -> "list[str]":
    """The tools that are named, each once; raises `GuardError` for one that guard does not know."""
    wanted = [name.lower() for name in names]
    unknown = [name for name in wanted if name not in (*NAMES, "all")]
    if unknown:
        raise GuardError(
            "usage",
            f"there are no hooks for a tool called {unknown[0]}",
            "each has a configuration of its own, so nothing was done",
            f"guard agent install {'|'.join(NAMES)}|all",
        )
    return [name for name in NAMES if name in wanted or "all" in wanted]


def _chosen(names: "list[str]", top: Path) -> "list[str]":
    """The tools that are named; without a name those that are used here, by their folder or their program."""
    if names:
        return _checked(names)
    used = [name for name in NAMES if (top / tool(name).FOLDER).is_dir() or shutil.which(tool(name).PROGRAM)]
    if not used:
        raise GuardError(
            "usage",
            "no agent's tool is in use here",
            "none has a folder in this work tree or a program on PATH, so nothing was written",
            f"guard agent install TOOL: {', '.join(NAMES)}, or all",
        )
    return used


def _has(top: Path, name: str) -> bool:
    module = tool(name)
    text = _read(top / module.FILE)
    return text is not None and settings.without(text, module) != text


def _read(path: Path) -> "str | None":
    """A file's text, None where there is none; raises `GuardError` where it is no text."""
    try:
        return path.read_bytes().decode("utf-8-sig" if path.name.endswith(".json") else "utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        why = "nothing was written: a file that cannot be read whole might lose some of it"
        raise GuardError("state", f"{path} is not UTF-8", why, f"mend {path}, then guard agent install") from None


def _write(path: Path, text: str) -> bool:
    """Write a file whole or not at all, where a symlink leads; False where it is like that already."""
    if _read(path) == text:
        return False
    _put(path, text)
    return True


def _put(path: Path, text: "str | None") -> None:
    real = Path(os.path.realpath(path))
    if text is None:
        path.unlink()
        return
    real.parent.mkdir(parents=True, exist_ok=True)
    part = real.with_name(f".{real.name}.guard-{os.getpid()}")
    try:
        part.write_bytes(text.encode())
        if real.exists():
            part.chmod(real.stat().st_mode & 0o7777)
        part.replace(real)
    finally:
        part.unlink(missing_ok=True)


# --- sessions ----------------------------------------------------------------------------------------------------


def oriented(top: str) -> str:
    """What `guard orient` says, as an agent's context."""
    from guard.commands.orient import run

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            run(Repo(top), Report(quiet=True))
        except GuardError as error:
            print(error.text())
    text = f"{out.getvalue()}{err.getvalue()}".strip()
    head = "This repository is shared by many sessions; `guard orient` says:\n"
    return head + (text if len(text) <= MOST else f"{text[:MOST]}\n... (guard orient shows the rest)")


def ended(top: str) -> str:
    """Which lanes the session at work here still holds, as last heard; empty where it holds none."""
    repo = Repo(top)
    try:
        session = identity.session(repo)
        if session is None:
            return ""
        policy = policy_at(repo, repo.resolve("HEAD"))
        open_lanes = [lane.lane for lane in found(repo, last_seen(repo, policy).refs).of(session)]
    finally:
        repo.close()
    if not open_lanes:
        return ""
    return (
        f"guard: {session} still holds {', '.join(sorted(open_lanes))}\n"
        "  why: until the lease ends nobody else can claim what it covers\n"
        "  fix: guard handoff -m 'what was done' --next 'what is not'"
    )
