"""`guard doctor`: whether the hooks really work here, what is broken or left over, and what of it can be repaired."""

import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from guard.doctor.scratch import scratch, tries
from guard.doctor.wiring import Wiring, look
from guard.errors import GuardError
from guard.git import Repo
from guard.git.under_way import under_way
from guard.hooks import HOOKS, registered, strict
from guard.hooks import install as hooks
from guard.index import repair, shared, stale_lock
from guard.plan import policy_at, policy_on_disk
from guard.policy import FILE, Policy, parse, pathspec
from guard.report import Report, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard.doctor.attack import Bypass
    from guard.doctor.walls import Walls


@dataclass(frozen=True)
class Found:
    """One thing that was looked at. `state` is ok, warning, problem, fixed or unknown."""

    what: str
    state: str
    said: str
    fix: str = ""


def run(repo: Repo, report: Report, *, fix: bool, attack: bool) -> int:
    """Examine, and repair what is safe to repair where `fix` asks for it; returns 1 where a problem is left."""
    found: list[Found] = []
    with report.working("examining") as progress:
        for each in _all(repo, fix=fix):
            progress(f"examining: {each.what}")
            found.append(each)
    ways, around = _attacked(repo, report) if attack else ([], None)
    report.table(("what", "state", "found"), [(each.what, each.state, each.said) for each in found])
    for each in found:
        if each.fix and each.state != "fixed":
            report.say(f"{each.what}: {each.said.partition(chr(10))[0]}")
            report.say(f"  fix: {each.fix}")
    value: dict[str, object] = {"checks": [asdict(each) for each in found]}
    wrong = [way for way in ways if way.passes and (way.by_hooks or not (way.found_by or way.on_files))]
    code = 1 if wrong or any(each.state == "problem" for each in found) else 0
    if around is not None:
        _tell_ways(report, ways, around)
        value |= {"attacks": [{**asdict(way), "open": way.open} for way in ways], "walls": around.value()}
    report.result({**value, "exit": code})
    return code


def _attacked(repo: Repo, report: Report) -> "tuple[list[Bypass], Walls]":
    """Every known way around the hooks, tried on a scratch clone, and the walls beside them."""
    from guard.doctor.attack import bypasses
    from guard.doctor.walls import walls  # here: only this needs agents, server and GitPython

    wiring = look(repo)
    around = walls(repo, wiring)
    ways = []
    with report.working("attacking") as progress:
        for way in bypasses(repo, wiring, around):
            progress(f"attacked: {way.how}")
            ways.append(way)
    return ways, around


def _tell_ways(report: Report, ways: "list[Bypass]", around: "Walls") -> None:
    rows = []
    for way in ways:
        state = "OPEN" if way.open else "passes" if way.passes else "refused" if way.tried else "not tried"
        kept = ", ".join(wall for wall in way.stands if wall != "merge audit")
        could = ", ".join(wall for wall in way.closes if wall not in way.stands)
        rows.append((way.how, state, kept, way.found_by, could))
    report.table(
        ("a way around the hooks", "in this clone", "kept out by", "found afterwards by", "would be closed by"), rows
    )
    there = {
        "server hook": f"in {around.server}" if around.server else "not seen (guard server install, on the server)",
        "required check": f"{', '.join(around.checks)}: nothing here says whether it is required"
        if around.checks
        else "no jobs (guard init --ci github)",
        "merge audit": "at every guard merge, and where guard verify runs: it finds, and keeps nothing out",
        "agent hook": ", ".join(around.tools) or "no tool asks (guard agent install)",
        "strict mode": "on" if around.strict else f"off (strict = true below [hooks] in {FILE})",
    }
    report.table(("wall", "here"), list(there.items()))
    number_open = sum(way.open for way in ways)
    manners = sum(way.passes and {*way.stands} - {"merge audit"} == {"agent hook"} for way in ways)
    alone = f"; {manners} of those that pass this clone only by the hooks of agents, which bind nobody else"
    report.say(
        f"{number(number_open, 'way')} open here: nothing keeps out what comes so; what finds it afterwards is above"
        if number_open
        else f"all are kept out{alone if manners else ''}"
    )


def _all(repo: Repo, *, fix: bool) -> Iterator[Found]:
    """Everything, in the order in which one thing may hinder the next."""
    policy = Policy()
    try:
        policy = policy_at(repo, repo.resolve("HEAD"))
        yield _policy(repo, policy)
    except GuardError as error:
        yield Found("policy", "problem", error.what, error.fix)
    if not repo.bare:
        yield _commits(repo, fix=fix)
        yield _lock(repo, fix=fix)
        yield _index(repo, fix=fix)
    yield _settings(repo, fix=fix)
    yield _wired(repo, fix=fix)
    wiring = look(repo)
    yield _registered(wiring)
    yield _strict(wiring, wanted=policy.strict)
    yield _installs(wiring)
    if wiring.judges:
        yield _works(repo, wiring, policy)
    yield leftovers(repo)
    if not repo.bare:
        yield markers(repo, policy)


def _policy(repo: Repo, policy: Policy) -> Found:
    if not repo.bare:
        try:
            parse(policy_on_disk(repo))
        except OSError as error:
            fix = f"git checkout HEAD -- {FILE}"
            return Found("policy", "problem", f"{FILE} of the work tree cannot be read: {error.strerror}", fix)
        except GuardError as error:
            return Found("policy", "problem", f"{FILE} of the work tree, not committed yet: {error.what}", error.fix)
    if policy.baseline is None:
        return Found("policy", "warning", "guard is not adopted: no baseline, so G101 is off", "guard init")
    if policy.baseline.strip("0") and repo.resolve(policy.baseline) is None:
        said = f"the baseline {policy.baseline[:12]} is not in this clone"
        return Found("policy", "warning", f"{said}; merge and verify need it", "git fetch --unshallow")
    return Found("policy", "ok", f"baseline {policy.baseline[:12]}")


# --- the index -------------------------------------------------------------------------------------------------


def _commits(repo: Repo, *, fix: bool) -> Found:
    """Runs of `guard commit` that died: the next one completes them, and so does this."""
    what = "guard commit"
    dead = shared.left(repo)
    if not dead:
        return Found(what, "ok", "none was cut off")
    if not fix:
        return Found(what, "problem", f"{number(len(dead), 'run')} died and may hold git's lock", "guard doctor --fix")
    said = shared.complete(repo)
    return Found(what, "fixed", "\n".join(said) or f"what {number(len(dead), 'run')} had left is gone")


def _lock(repo: Repo, *, fix: bool) -> Found:
    """A lock that nobody holds any more: it is moved away, and only where its owner must be dead."""
    found = stale_lock.look(repo.git_dir / "index.lock")
    if found is None:
        return Found("index.lock", "ok", "not there")
    if not found.proved:
        return Found("index.lock", "problem", found.said, f"when no git runs here: mv {found.path} {found.path}.stale")
    if not fix:
        return Found("index.lock", "problem", found.said, "guard doctor --fix")
    return Found("index.lock", "fixed", f"{found.said}: moved to {stale_lock.move(found).name}")


def _index(repo: Repo, *, fix: bool) -> Found:
    found = repair.examine(repo)
    if found is None:
        return Found("index", "ok", "it can be read")
    said = "; ".join(found.problems)
    if not fix:
        return Found("index", "problem", f"it is broken: {said}", "guard doctor --fix")
    try:
        done = repair.rebuild(repo)
    except GuardError as error:
        return Found("index", "problem", f"it is broken ({said}) and was not rebuilt: {error.text()}", error.fix)
    lines = [f"it was broken ({said}); rebuilt with {number(done.kept, 'path')}"]
    lines.append(f"the broken one is {done.aside.name}")
    lines += [f"staged: {path}" for path in done.staged[:20]]
    lines += [f"and {len(done.staged) - 20} more staged"] if len(done.staged) > 20 else []
    lines += [f"unknown: {each}" for each in done.unknown]
    return Found("index", "fixed", "\n".join(lines))


# --- hooks and configuration -----------------------------------------------------------------------------------


def _settings(repo: Repo, *, fix: bool) -> Found:
    stashing = look(repo).stashing
    if not stashing:
        return Found("autostash", "ok", "git does not stash by itself")
    said = ", ".join(f"{key} = {value} ({scope} configuration)" for scope, key, value in stashing)
    names = {key.lower(): key for key in ("rebase.autoStash", "merge.autoStash", "pull.autoStash")}
    commands = [f"git config --local {names.get(key, key)} false" for _, key, _ in stashing]
    if fix:
        for _, key, _ in stashing:
            repo.call("config", "--local", names.get(key, key), "false")
        if not look(repo).stashing:
            return Found("autostash", "fixed", f"{said}: overridden in this clone")
        commands = [f"git config --{scope} --unset {names.get(key, key)}" for scope, key, _ in look(repo).stashing]
    return Found("autostash", "problem", said, " && ".join(commands))


def _wired(repo: Repo, *, fix: bool) -> Found:
    before = _lacking(look(repo))
    if fix:
        try:
            done = hooks.install(repo)
        except GuardError as error:
            wiring = look(repo)
            elsewhere = wiring.by_config and not wiring.installed
            return Found("hooks", "warning" if elsewhere else "problem", error.what, error.fix)
        after = _lacking(look(repo))
        if not after and (before or done.written or done.own or done.settings):
            written = f"wrote {', '.join((*done.written, *done.own, *done.settings))}"
            kept = [f"{each} keeps lines that are not guard's" for each in done.kept]
            return Found("hooks", "fixed", "\n".join([f"{before}: {written}" if before else written, *kept]))
        before = after
    wiring = look(repo)
    if before and wiring.by_config and not wiring.installed:
        return Found("hooks", "warning", f"{before}; the configuration runs them (hook.guard-*)", "guard install")
    if before:
        partly = wiring.framework_judges and not wiring.installed
        return Found("hooks", "warning" if partly else "problem", before, "guard install")
    where = f"all {len(HOOKS)} in {wiring.folder}"
    if wiring.hooks_path:
        where += f" (core.hooksPath of the {wiring.hooks_path[0]} configuration)"
    return Found("hooks", "ok", where)


def _registered(wiring: Wiring) -> Found:
    """The hooks by configuration, which only a newer git runs."""
    here = ".".join(map(str, wiring.git))
    if wiring.git < registered.SINCE:
        return Found("hooks by configuration", "ok", f"git {here} does not read them")
    if wiring.by_config:
        return Found("hooks by configuration", "ok", f"git {here} runs them wherever core.hooksPath leads")
    off = ", ".join(wiring.unregistered)
    said = f"not {off}: where core.hooksPath leads elsewhere, these do not run"
    return Found("hooks by configuration", "warning", said, "guard install; git config --get-regexp 'hook.guard-.*'")


def _strict(wiring: Wiring, *, wanted: bool) -> Found:
    state, said = wiring.strict(wanted=wanted)
    if state in ("on", "off"):
        return Found("strict mode", "ok", f"{state}: {said}" if said else state)
    fix = "guard install"
    if state == "somebody else's":
        fix = f"git config --local {strict.KEY} false && guard install, or strict = false in {FILE}"
    return Found("strict mode", "warning" if state == "left over" else "problem", f"{state}: {said}", fix)


def _lacking(wiring: Wiring) -> str:
    if not wiring.installed and wiring.framework_judges:
        types = ", ".join(wiring.framework)
        return f"the framework runs guard as {types}; nothing sees --no-verify, rebase, git stash and git add -A"
    if not wiring.installed:
        at = f": core.hooksPath says {wiring.hooks_path[1]} ({wiring.hooks_path[0]})" if wiring.hooks_path else ""
        return f"guard's hooks are not where git looks for them{at}"
    if wiring.missing:
        return f"git would not run {', '.join(wiring.missing)}"
    if not wiring.python_works:
        return f"the Python that they start is gone: {wiring.python or 'guard-lib names none'}"
    return ""


def _installs(wiring: Wiring) -> Found:
    twice = [name for name in HOOKS if hooks.ours(wiring.folder / name) and _second(wiring.folder, name)]
    if twice:
        fix = "guard uninstall && guard install"
        return Found("two installs", "problem", f"guard runs twice as {', '.join(twice)}", fix)
    here = str(Path(__file__).resolve().parents[2])
    if wiring.installed and wiring.package and wiring.package != here:
        said = f"the hooks run the guard in {wiring.package}, and this one is in {here}"
        return Found("two installs", "warning", said, "guard install, with the one that is meant")
    if wiring.installed and wiring.framework_guard and wiring.framework:
        said = "guard stands in the framework's configuration too: it judges twice, its own hooks first"
        return Found("two installs", "ok", said)
    return Found("two installs", "ok", "one at most")


def _second(folder: Path, name: str) -> bool:
    return any(hooks.ours(folder / f"{name}{more}") for more in (hooks.DISPLACED, ".legacy"))


def _works(repo: Repo, wiring: Wiring, policy: Policy) -> Found:
    """Run the very hooks in a scratch repository."""
    try:
        with scratch(repo, wiring.runs) as made:
            tried = list(tries(made, strict=policy.strict and bool(wiring.fsmonitor[1])))
    except (GuardError, OSError, subprocess.SubprocessError) as error:
        return Found("hooks at work", "unknown", f"no scratch repository can be made: {error}")
    wrong = [each for each in tried if not each.right]
    if wrong:
        lines = [f"not so: {each.what}" + (f" ({_line(each.said)})" if each.said else "") for each in wrong]
        return Found("hooks at work", "problem", "\n".join(lines), "guard doctor --fix")
    return Found("hooks at work", "ok", "\n".join(each.what for each in tried))


def _line(said: str) -> str:
    """The line of an output that says most."""
    lines = said.splitlines()
    return lines[-1 if lines[0].startswith("Traceback") else 0]


# --- what was left behind --------------------------------------------------------------------------------------


def leftovers(repo: Repo) -> Found:
    """Work that git has put away and not given back."""
    lines = []
    for name in ("rebase-merge", "rebase-apply"):
        try:
            oid = (repo.git_dir / name / "autostash").read_text().strip()
        except OSError:
            continue
        lines.append(f"{name} keeps an autostash, {oid[:12]}: git rebase --continue or --abort gives it back")
    merging = repo.resolve("MERGE_AUTOSTASH")
    if merging:
        lines.append(f"a merge keeps an autostash, {merging[:12]}: git merge --continue or --abort gives it back")
    entries = repo.run("log", "--walk-reflogs", "--format=%gs", "refs/stash", "--", check=False).splitlines()
    if entries:
        lines.append(f"git stash list shows {len(entries)}: git stash apply gives one back")
    kept = repo.refs("refs/guard/rescue/")
    if kept:
        lines.append(f"git for-each-ref refs/guard/rescue/ shows {len(kept)}: git stash apply gives one back")
    if lines:
        return Found("leftover work", "warning", "\n".join(lines), "guard recover")
    return Found("leftover work", "ok", "none: no stash, no autostash")


def markers(repo: Repo, policy: Policy) -> Found:
    """Conflict markers in shared files, and unmerged paths where nothing is being merged."""
    grown = (glob for each in policy.append_globs().values() for glob in each)
    shared = [pathspec(glob) for glob in (*policy.canonical, f"{policy.inbox}**", *grown)]
    done = repo.call("grep", "-l", "-z", "-I", "-E", "-e", "^(<<<<<<<|>>>>>>>)( |$)", "--", *shared, check=False)
    if done.returncode > 1:
        return Found("markers", "unknown", done.stderr.decode(errors="replace").strip())
    paths = [path for path in done.stdout.decode(errors="surrogateescape").split("\0") if path]
    if paths:
        fix = "guard restore state, or resolve them by hand and commit"
        return Found("markers", "problem", f"conflict markers in {', '.join(paths[:10])}", fix)
    said = repo.run("ls-files", "--unmerged", "-z", check=False)
    unmerged = sorted({line.partition("\t")[2] for line in said.split("\0") if line})
    if unmerged and under_way(repo) is None:
        said = f"{', '.join(unmerged[:10])} unmerged, and nothing is being merged: an autostash failed"
        return Found("markers", "problem", said, "resolve them and git add them by name; git stash list has the work")
    return Found("markers", "ok", "none in shared files")
