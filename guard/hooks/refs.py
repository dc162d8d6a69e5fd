"""pre-push, pre-rebase and reference-transaction: what would move, before it moves."""

import os
import sys
from collections.abc import Sequence

from guard import observe
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


def before_move(arguments: Sequence[str], as_json: bool) -> int:
    """reference-transaction: judge what branches would take, before they do."""
    if list(arguments[:1]) != ["prepared"]:
        return 0
    repo = Repo()
    if not surroundings.installed(repo):
        return 0
    command = surroundings.command()
    lines = [line.split(" ", 2) for line in os.fsdecode(sys.stdin.buffer.read()).split("\n") if line]
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
    repo.close()
    return surroundings.tell(findings, judged, as_json=as_json)


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
    for each in observe.commits(repo, base, new):
        number += 1
        direct = each.change.commit == new and committing
        codes = list(_HARD if direct else _HARD[:4])
        if direct:
            each.change.commit = ""  # nothing has moved yet: what helps is what helps before a commit
            each.change.bulk = bulk(repo, command)
            codes.append("G201")
        for finding in judge(each.change, each.policy, codes=codes, allowed=dict(each.change.allowances)):
            finding.commit = each.change.commit
            finding.fix = _way_out(finding, command) or finding.fix
            found.append(finding)
    return found, number


def _way_out(finding: Finding, command: Sequence[str]) -> str:
    """What helps against a commit that only this clone has: it is taken back; empty where something else does."""
    sub = split(command)[0]
    if not finding.commit or finding.code == "G401":
        return ""
    if sub in ("cherry-pick", "rebase", "am"):
        return f"git {sub} --abort"
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
    if here and repo.call("diff-index", "--cached", "--quiet", new, check=False).returncode == 0:
        if sub == "reset" and not {"--hard", "--keep", "--merge"} & set(rest):
            words: tuple[str, ...] = ("read-tree", here)  # it moved the index alone, and files are their authors'
        else:
            words = ("read-tree", "-m", "-u", new, here)
        done = repo.call(*words, check=False)
        if done.returncode == 0:
            print(f"guard: index and files are at {here[:12]} again", file=sys.stderr)
        else:
            said = done.stderr.decode(errors="replace").strip()
            print(f"guard: the index stays at {new[:12]} ({said}); git reset puts it back", file=sys.stderr)


def before_rebase(_arguments: Sequence[str], as_json: bool) -> int:
    """pre-rebase: an autostash that was taken already is given back before the rebase is refused."""
    repo = Repo()
    if not surroundings.installed(repo):
        return 0
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
    repo.close()
    return 0


def before_push(arguments: Sequence[str], as_json: bool) -> int:
    """pre-push: judge every commit that a ref would bring to the remote and that none of its refs has."""
    from guard.commands.check import in_commits  # here: other hooks need none of it

    repo = Repo()
    if not surroundings.installed(repo):
        return 0
    policy = watch.current_policy(repo, surroundings.folder(repo))
    text = os.fsdecode(sys.stdin.buffer.read())
    if framework.running() and not text.strip():
        text = framework.pushed(repo)
    findings: list[Finding] = []
    judged = 0
    remote = arguments[0] if arguments else os.environ.get("PRE_COMMIT_REMOTE_NAME") or policy.remote
    names = (f"refs/remotes/{remote}/{policy.branch}", f"refs/remotes/{policy.remote}/{policy.branch}", policy.baseline)
    upstream = next((name for name in names if name and repo.resolve(name)), "HEAD")
    for line in filter(None, text.split("\n")):
        _, new, ref, old, *_ = [*line.split(" "), "", "", ""]
        if not _is_commit(new) or not (ref.startswith("refs/heads/") or not ref):
            continue
        base = _base(repo, old if _is_commit(old) and repo.resolve(old) else upstream, None, new)
        found, number = in_commits(observe.commits(repo, base, new), ())
        for finding in found:
            finding.fix = _way_out(finding, ["git", "push"]) or finding.fix
        findings, judged = findings + found, judged + number
    repo.close()
    return surroundings.tell(findings, judged, as_json=as_json)


def bring_up_to_date(_arguments: Sequence[str], _as_json: bool) -> int:
    """post-checkout, post-merge: write down what the shims must know; never refuses."""
    repo = Repo()
    if surroundings.installed(repo):
        watch.refresh(repo, surroundings.folder(repo))
    repo.close()
    return 0
