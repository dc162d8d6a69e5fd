"""pre-push, pre-rebase and reference-transaction: what would move, before it moves."""

import os
import sys
from collections.abc import Sequence

from guard.commandline import split, verdict
from guard.errors import GuardError
from guard.finding import Finding
from guard.git import Repo
from guard.hooks import framework, surroundings, watch
from guard.hooks.commit import bulk
from guard.judge import judge
from guard.rules.autostash import RULE as AUTOSTASH
from guard.rules.stash import RULE as STASH

RESCUE = "refs/guard/rescue/"

_HARD = ("G101", "G103", "G107", "G108", "G202")
"""What a commit that passed by its hooks (--no-verify, rebase, cherry-pick) is judged by when a branch takes it."""


def before_move(repo: Repo, _arguments: Sequence[str], as_json: bool) -> int:
    """reference-transaction: judge what branches would take, before they do."""
    command = surroundings.command()
    lines = _told("reference-transaction", "OLD NEW REF", [line.split(" ", 2) for line in _stdin()], (0, 1))
    folder = surroundings.folder(repo)
    findings: list[Finding] = []
    judged = 0
    branches = {new for _, new, ref in lines if ref.startswith("refs/heads/")}
    for old, new, ref in lines:
        if ref in ("refs/stash", "MERGE_AUTOSTASH"):
            findings += _stash(repo, ref, new, command)
        elif ref == "ORIG_HEAD":
            if split(command)[0] in ("merge", "pull"):
                for oid in (name.removeprefix("GITHEAD_") for name in os.environ if name.startswith("GITHEAD_")):
                    found, number = _taken(repo, repo.resolve("HEAD"), oid, [])
                    findings, judged = findings + found, judged + number
        elif _is_commit(new) and not (ref == "HEAD" and new in branches):
            was = old if _is_commit(old) else repo.resolve(ref)
            if was == new or ((was is None or ref == "HEAD") and _known(repo, new)):
                continue  # gc packs it, or another name is given to what is here: nothing comes in
            found, number = _taken(repo, was, new, command)
            findings, judged = findings + found, judged + number
            if found:
                _put_back(repo, new, command)
            elif split(command)[0] == "commit":
                if was:
                    watch.move(repo, folder, was, new)
                if verdict(command) != "commit-paths":
                    (folder / "bulk").unlink(missing_ok=True)  # let pass, once
    return surroundings.tell(findings, judged, as_json=as_json)


def _stdin() -> list[str]:
    return [line for line in os.fsdecode(sys.stdin.buffer.read()).split("\n") if line]


def _told(hook: str, form: str, lines: list[list[str]], oids: tuple[int, int]) -> list[list[str]]:
    """The lines that git writes to a hook, in fields; raises `GuardError` for what git never writes."""
    fields = form.count(" ") + 1
    for line in lines:
        if len(line) != fields or not all(_is_object(line[place]) for place in oids):
            said = ascii(" ".join(line))
            said = said if len(said) <= 80 else f"{said[:80]}..."
            why = f"git writes lines of the form {form} to this hook; nothing was judged"
            raise GuardError("usage", f"guard-hook {hook} cannot read {said} on its input", why, "let git call it")
    return lines


def _is_object(oid: str) -> bool:
    return (len(oid) in (40, 64) and not oid.strip("0123456789abcdef")) or oid.startswith("ref:")


def _is_commit(oid: str) -> bool:
    return bool(oid.strip("0")) and not oid.startswith("ref:")


def _known(repo: Repo, commit: str) -> bool:
    """Whether a branch, here or on a remote, has a commit already."""
    return not repo.run("rev-list", "--max-count=1", commit, "--not", "--branches", "--remotes").strip()


def _stash(repo: Repo, ref: str, new: str, command: Sequence[str]) -> list[Finding]:
    """The last wall behind post-index-change: the work is kept under a ref of its own before it is refused."""
    if not _is_commit(new):
        return []
    sub, rest = split(command)
    if sub == "stash" and rest and rest[0] in ("store", "pop", "apply", "drop", "branch", "import"):
        return []
    repo.call("update-ref", f"{RESCUE}{new}", new)
    rule = STASH if ref == "refs/stash" else AUTOSTASH
    finding = Finding(
        "", f"{ref} is not written; what it would hold is kept as {RESCUE}{new}", f"git stash apply {new}"
    )
    return [rule.stamp(finding)]


def _taken(repo: Repo, old: str | None, new: str, command: Sequence[str]) -> tuple[list[Finding], int]:
    """Judge the commits that a branch would take and that neither it nor upstream has."""
    from guard.observe.commits import commits  # here: most moves of refs have none to judge

    policy = watch.current_policy(repo, surroundings.folder(repo))
    committing = split(command)[0] == "commit"
    merging = not repo.bare and (repo.git_dir / "MERGE_HEAD").exists()
    parents = repo.commit(new).parents
    if committing and not merging and len(parents) == 1:
        base: str | None = parents[0]  # what is below was judged when it came
    else:
        base = _base(repo, f"refs/remotes/{policy.remote}/{policy.branch}", old, new)
    found: list[Finding] = []
    number = 0
    for each in commits(repo, base, new):
        number += 1
        direct = each.change.commit == new and committing
        codes = list(_HARD if direct else _HARD[:4])
        if direct:
            each.change.commit = ""  # nothing has moved yet: what helps is what helps before a commit
            each.change.bulk = bulk(repo, command)
            codes.append("G201")
        for finding in judge(each.change, each.policy, codes=codes, allowed=dict(each.change.allowances)):
            finding.commit = each.change.commit
            finding.fix = way_out(finding, command, merging=merging) or finding.fix
            found.append(finding)
    return found, number


def way_out(finding: Finding, command: Sequence[str], *, merging: bool = False) -> str:
    """What helps against a commit that only this clone has: it is taken back; empty where something else does.

    `merging` says that git goes on with a merge until somebody ends it.
    """
    sub = split(command)[0]
    if not finding.commit or finding.code == "G401":
        return ""
    if sub in ("cherry-pick", "rebase", "am"):
        return f"git {sub} --abort"
    if sub == "revert":
        return "git reset --merge"
    if merging and sub in ("merge", "pull"):
        return "git merge --abort"
    return f"git rebase --onto {finding.commit[:12]}^ {finding.commit[:12]}" if sub == "push" else ""


def _base(repo: Repo, upstream: str, old: str | None, new: str) -> str | None:
    """Where judging starts: what upstream has is upstream's; without one, what the branch has."""
    for known in (upstream, old):
        name = repo.resolve(known) if known else None
        base = repo.call("merge-base", name, new, check=False).stdout.decode().strip() if name else ""
        if base:
            return base
    others = repo.run("rev-list", "--max-count=1", "--topo-order", "--branches", "--remotes").strip()
    if others:
        return repo.call("merge-base", others, new, check=False).stdout.decode().strip() or None
    return None


def _put_back(repo: Repo, new: str, command: Sequence[str]) -> None:
    """Take index and files back where git moved them before it asked; uncommitted work stays as it is."""
    sub, rest = split(command)
    if sub not in ("checkout", "switch", "merge", "pull", "reset"):
        return
    if repo.bare or (repo.git_dir / "MERGE_HEAD").exists():
        return
    here = repo.resolve("HEAD")
    if not here or repo.call("diff-index", "--cached", "--quiet", new, check=False).returncode != 0:
        return
    if sub == "reset" and not {"--hard", "--keep", "--merge"} & set(rest):
        kept = []
        done = repo.call("read-tree", here, check=False)  # it moved the index alone, and files are their authors'
    else:
        kept = _not_ours(repo, here, new)
        gone = "".join(f"{path}\0" for path in kept).encode(errors="surrogateescape")
        done = repo.call("update-index", "--force-remove", "-z", "--stdin", input=gone, check=False)
        if done.returncode == 0:  # what the index does not have, git does not take away
            done = repo.call("read-tree", "-m", "-u", repo.run("write-tree").strip(), here, check=False)
    if done.returncode == 0:
        print(f"guard: index and files are at {here[:12]} again", file=sys.stderr)
    else:
        said = done.stderr.decode(errors="replace").strip()
        print(f"guard: the index stays at {new[:12]} ({said}); git reset puts it back", file=sys.stderr)
    if kept:
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
        names = ", ".join(ascii(path)[1:-1] for path in kept[:3]) + more
        print(f"guard: left as {new[:12]} has it, because it may have been here before: {names}", file=sys.stderr)
        print("  why: git writes over ignored files without asking, and before it asks any hook", file=sys.stderr)


def _not_ours(repo: Repo, here: str, new: str) -> list[str]:
    """The files that came with `new` and that nobody may delete again, because one may have lain here with these bytes.

    git stops before files that it does not know, but not before ignored ones. Where it cannot be told which those were,
    it is any file that came.
    """
    changes = repo.changes(here, new)
    came = [each.path for each in changes if not each.old_mode.strip("0")]
    if not came or any(each.path.rpartition("/")[2] == ".gitignore" for each in changes):
        return came
    asked = "".join(f"{path}\0" for path in came).encode(errors="surrogateescape")
    done = repo.call("check-ignore", "--no-index", "-z", "--stdin", input=asked, check=False)
    ignored = done.stdout.decode(errors="surrogateescape").split("\0")[:-1]
    return ignored if done.returncode in (0, 1) else came


def before_rebase(repo: Repo, _arguments: Sequence[str], as_json: bool) -> int:
    """pre-rebase: an autostash that was taken already is given back before the rebase is refused."""
    for name in ("rebase-merge", "rebase-apply"):
        state = repo.git_dir / name
        try:
            oid = (state / "autostash").read_text().strip()
        except OSError:
            continue
        repo.call("update-ref", f"{RESCUE}{oid}", oid)
        done = repo.call("stash", "apply", "--index", "--quiet", oid, check=False)
        if done.returncode != 0:
            raise GuardError(
                "git",
                f"the autostash {oid[:12]} cannot be given back: {done.stderr.decode(errors='replace').strip()}",
                f"it is kept as {RESCUE}{oid}",
                "git rebase --abort",
            )
        import shutil

        shutil.rmtree(state)
        finding = Finding(
            "",
            f"an autostash is refused here; everything is as it was, and a copy is kept as {RESCUE}{oid}",
            "git commit first, then git rebase",
        )
        return surroundings.tell([AUTOSTASH.stamp(finding)], 1, as_json=as_json)
    return 0


def before_push(repo: Repo, arguments: Sequence[str], as_json: bool) -> int:
    """pre-push: judge every commit that a ref would bring to the remote and that none of its refs has."""
    from guard.commands.check import in_commits  # here: other hooks need none of it
    from guard.observe.commits import commits

    policy = watch.current_policy(repo, surroundings.folder(repo))
    lines = _told("pre-push", "REF NEW REF OLD", [line.rsplit(" ", 3) for line in _stdin()], (1, 3))
    if framework.running() and not lines:
        lines = [line.rsplit(" ", 3) for line in framework.pushed(repo).split("\n") if line]
    findings: list[Finding] = []
    judged = 0
    remote = arguments[0] if arguments else os.environ.get("PRE_COMMIT_REMOTE_NAME") or policy.remote
    names = (f"refs/remotes/{remote}/{policy.branch}", f"refs/remotes/{policy.remote}/{policy.branch}", policy.baseline)
    upstream = next((name for name in names if name and repo.resolve(name)), "HEAD")
    for _, new, ref, old in lines:
        if not _is_commit(new) or not (ref.startswith("refs/heads/") or not ref):
            continue
        base = _base(repo, old if _is_commit(old) and repo.resolve(old) else upstream, None, new)
        found, number = in_commits(commits(repo, base, new), ())
        for finding in found:
            finding.fix = way_out(finding, ["git", "push"]) or finding.fix
        findings, judged = findings + found, judged + number
    return surroundings.tell(findings, judged, as_json=as_json)


def bring_up_to_date(repo: Repo, _arguments: Sequence[str], _as_json: bool) -> int:
    """post-checkout, post-merge: write down what the shims must know; never refuses."""
    watch.refresh(repo, surroundings.folder(repo))
    return 0
