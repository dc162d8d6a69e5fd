"""`guard status`: is this clone protected, and by which layers."""

from typing import Any

from guard import identity
from guard.commands import init
from guard.doctor.wiring import Wiring, look
from guard.errors import GuardError
from guard.git import Repo
from guard.hooks import HOOKS
from guard.hooks.registered import NAMES, SINCE
from guard.plan import Tree, frame_counter, policy_at
from guard.policy import Policy
from guard.report import Report, number


def run(repo: Repo, report: Report) -> int:
    """Print a line a layer; it is no check, so it exits 0 whatever it finds (`guard doctor` checks)."""
    wiring = look(repo)
    lacking: list[str] = []
    policy, adopted = _policy(repo, lacking)
    tip, branch = _branch(repo, policy)
    at_work = _session(repo)
    rows = [
        ("policy", *adopted),
        ("hooks", *_hooks(wiring, lacking)),
        ("hooks by configuration", *_by_config(wiring)),
        ("strict mode", *_strict(wiring, lacking, wanted=policy.strict)),
        ("python of the hooks", *_python(wiring, lacking)),
        ("pre-commit framework", *_framework(wiring)),
        ("autostash", *_autostash(wiring, lacking)),
        ("state branch", *branch),
        ("frame", *_frame(repo, tip, policy)),
        ("session", *at_work),
        ("server and CI", "unknown", "guard doctor --attack looks for both"),
    ]
    partly = wiring.framework_judges and not wiring.judges
    fix = _fix(repo, policy, partly=partly) if lacking else ""
    if lacking:
        head = f"partly protected, by the framework's {', '.join(wiring.framework)}" if partly else "not protected"
        report.say(f"{head}: {'; '.join(lacking)}")
        report.say(f"  fix: {fix}")
    else:
        report.say("protected: commits and refs are judged in this clone")
    report.table(("what", "state", "detail"), rows)
    layers = [{"layer": what, "state": state, "detail": detail} for what, state, detail in rows]
    told = {"protected": not lacking, "partly": bool(lacking) and partly, "lacking": lacking, "fix": fix}
    report.result({**told, "layers": layers, "session": identity.normal(at_work[0]), "exit": 0})
    return 0


def _session(repo: Repo) -> tuple[str, str]:
    """Which session is at work here, and who says so."""
    try:
        name = identity.session(repo)
    except GuardError as error:
        return "unknown", error.what
    if name is None:
        return "no session", ""
    if name == identity.recorded(repo):
        return name, "guard start gave it to this work tree"
    return name, f"{identity.VARIABLE} says so"


def _fix(repo: Repo, policy: Policy, *, partly: bool) -> str:
    """The command that helps against most of what is lacking."""
    commit = init.uncommitted(repo) if policy.baseline is None and not repo.bare else ""
    return commit or ("guard install" if partly or policy.baseline is not None else "guard init")


def _policy(repo: Repo, lacking: list[str]) -> tuple[Policy, tuple[str, str]]:
    head = repo.resolve("HEAD")
    try:
        policy = policy_at(repo, head)
    except GuardError as error:
        lacking.append("guard.toml cannot be used")
        return Policy(), ("cannot be used", error.what)
    if policy.baseline is None:
        if init.uncommitted(repo):
            lacking.append("what guard init wrote is not committed yet, so canonical state may be changed by anybody")
            return policy, (
                "not committed",
                "guard.toml states a baseline; every other rule judges until it is committed",
            )
        lacking.append("no baseline, so canonical state may be changed by anybody (G101 is off)")
        return policy, ("not adopted", "no baseline in a committed guard.toml; every other rule judges")
    since = policy.baseline[:12] if policy.baseline.strip("0") else "the beginning"
    return policy, ("adopted", f"canonical state is protected from {since} on")


def _hooks(wiring: Wiring, lacking: list[str]) -> tuple[str, str]:
    where = f"in {wiring.folder}"
    if wiring.hooks_path:
        where += f" (core.hooksPath, {wiring.hooks_path[0]} configuration)"
    if not wiring.missing:
        return f"all {len(HOOKS)}", where
    if wiring.by_config and not wiring.installed:
        return "by configuration", f"not {where}: git runs them by hook.guard-*, and none that they displaced"
    if not wiring.installed:
        alone = "guard's own hooks are not installed, so nothing sees --no-verify, rebase, git stash and git add -A"
        lacking.append(alone if wiring.framework_judges else "the hooks are not installed")
        return "none", where
    lacking.append(f"hooks that do not run: {', '.join(wiring.missing)}")
    return f"{len(HOOKS) - len(wiring.missing)} of {len(HOOKS)}", f"{where}; not {', '.join(wiring.missing)}"


def _by_config(wiring: Wiring) -> tuple[str, str]:
    here = ".".join(map(str, wiring.git))
    if len(wiring.unregistered) == len(NAMES):
        return "none", ""
    if wiring.git < SINCE:
        since = ".".join(map(str, SINCE))
        return "not read", f"git {here} here does not read hook.guard-*; {since} and newer do"
    if wiring.unregistered:
        return f"{len(NAMES) - len(wiring.unregistered)} of {len(NAMES)}", f"not {', '.join(wiring.unregistered)}"
    return f"all {len(NAMES)}", f"git {here} runs them wherever core.hooksPath leads"


def _strict(wiring: Wiring, lacking: list[str], *, wanted: bool) -> tuple[str, str]:
    state, said = wiring.strict(wanted=wanted)
    if wanted and state != "on":
        lacking.append(f"strict mode is {state}")
    return state, said


def _python(wiring: Wiring, lacking: list[str]) -> tuple[str, str]:
    if not wiring.judges:
        return "none", ""
    if wiring.python_works:
        return "there", wiring.python
    lacking.append("the Python of the hooks is gone")
    return "missing", wiring.python


def _framework(wiring: Wiring) -> tuple[str, str]:
    entry = "guard is in its configuration" if wiring.framework_guard else "guard is not in its configuration"
    if wiring.framework:
        return "installed", f"{', '.join(wiring.framework)}; {entry}"
    return "not installed", entry if wiring.framework_guard else ""


def _autostash(wiring: Wiring, lacking: list[str]) -> tuple[str, str]:
    said = ", ".join(f"{key} = {value} ({scope})" for scope, key, value in wiring.autostash)
    if wiring.stashing:
        lacking.append("git stashes by itself")
        return "on", said
    return "off", said or "git's default"


def _branch(repo: Repo, policy: Policy) -> tuple[str | None, tuple[str, str]]:
    """The newest known commit of the state branch, and how the local branch stands to the remote's."""
    here = repo.resolve(f"refs/heads/{policy.branch}")
    there = repo.resolve(f"refs/remotes/{policy.remote}/{policy.branch}")
    upstream = f"{policy.remote}/{policy.branch}"
    if here is None and there is None:
        return None, (policy.branch, "there is no such branch yet")
    if there is None:
        return here, (policy.branch, "no remote has it: the local branch is the hub")
    if here is None:
        return there, (policy.branch, f"only {upstream} at {there[:12]}")
    counts = repo.run("rev-list", "--left-right", "--count", f"{here}...{there}", check=False).split()
    if len(counts) != 2:
        return there, (policy.branch, f"this clone cannot compare it with {upstream}")
    ahead, behind = map(int, counts)
    return there, (policy.branch, f"{number(behind, 'commit')} behind {upstream} as last fetched, {ahead} ahead")


def _frame(repo: Repo, tip: str | None, policy: Policy) -> tuple[str, str]:
    if tip is None:
        return "none", ""
    try:
        counter: Any = frame_counter(Tree(repo, tip), policy.laws)
    except GuardError as error:
        return "unknown", error.what
    return (str(counter), policy.laws.counter) if counter >= 0 else ("none", f"no {policy.laws.counter}")
