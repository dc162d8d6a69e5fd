"""`guard counts`: the declared counts, what they say and what there is; `--fix` writes the right numbers."""

from collections.abc import Callable
from pathlib import Path

from guard.change import Change
from guard.counts import FIX, State, place, remedy, repaired, source, states
from guard.errors import GuardError, Unseen
from guard.git import Repo
from guard.git.importer import NewCommit, write_commit
from guard.history import RECOUNT_TRAILER
from guard.hub.hub import Snapshot
from guard.observe.index import staged
from guard.plan import LAST_SECOND, Tree, bad_state, policy_at
from guard.policy import Policy
from guard.publish import CANDIDATE, Offer, hub, publish
from guard.report import Report, number
from merge.files import BadState, recounted


def run(repo: Repo, report: Report, *, fix: bool) -> int:
    """Show every declared count as the index has it; returns 1 where one is wrong and stays so."""
    if repo.bare:
        why = "they are read from the index, which a bare repository does not have"
        raise GuardError("usage", "counts are shown in a clone with a work tree", why, f"git clone {repo.git_dir}")
    policy = policy_at(repo, repo.resolve("HEAD"))
    change = staged(repo, policy)
    found = list(states(policy.counts, _reading(repo, change), change.listed))
    wrong = [state for state in found if state.drifts]
    report.table(
        ("count", "says", "there are", "of", ""),
        [
            (place(each.declared), _shown(each.stated), _shown(each.actual), source(each.declared), _mark(each))
            for each in found
        ],
        right=(1, 2),
    )
    repairs = _fix(repo, policy, wrong, report) if fix and wrong else []
    for each in wrong:
        way = remedy(each, policy)
        if not fix or way != FIX:
            report.say(f"{each.problem or f'{place(each.declared)}: wrong'}; {way}")
    code = 1 if wrong and (not fix or any(state.problem for state in wrong)) else 0
    value = [
        {"count": place(each.declared), "stated": each.stated, "actual": each.actual, "of": source(each.declared)}
        | {"drifts": each.drifts, "problem": each.problem}
        for each in found
    ]
    report.result({"counts": value, "fixed": repairs, "exit": code})
    return code


def _reading(repo: Repo, change: Change) -> Callable[[str], bytes | None]:
    """How files of the index are read: None for one that is not there, `Unseen` for one whose content is not here."""

    def read(path: str) -> bytes | None:
        data = change.new(path)
        if data is None and repo.run("ls-files", "--", f":(top,literal){path}"):
            why = "what it holds cannot be counted, and that must not look like nothing to count"
            raise Unseen(f"the content of {path} is not in this clone", why, "git fetch, or git fsck")
        return data

    return read


def _shown(value: int | None) -> str:
    return "-" if value is None else f"{value}"


def _mark(state: State) -> str:
    if state.problem:
        return state.problem
    return "wrong" if state.drifts else "" if state.stated is not None else "not there"


def _fix(repo: Repo, policy: Policy, wrong: list[State], report: Report) -> list[str]:
    """Repair what can be: canonical files by a recount that verify makes again, others by a staged edit."""
    done = []
    canonical = [state for state in wrong if policy.baseline and policy.is_canonical(state.declared.file)]
    for state in wrong:
        if state not in canonical and not state.problem and state.actual is not None:
            _stage(repo, state)
            done.append(place(state.declared))
            report.say(f"staged {state.declared.file}: {state.stated} is {state.actual} now")
    if canonical:
        job = _Recount(repo, policy)
        with report.working("recounting") as progress:
            _, offer = publish(hub(repo, policy), job.offer, progress)
        done += job.files
        said = f"recounted {', '.join(job.files)} in a commit that guard verify makes again"
        report.say(said if offer else "canonical counts are right at the hub already: git pull")
    if done:
        report.note(f"guard: {number(len(done), 'count')} repaired")
    return done


def _stage(repo: Repo, state: State) -> None:
    """Put the right number into the index, and into the file on disk; what else differs there stays as it is."""
    name = state.declared.file
    mode, oid = repo.run("ls-files", "--stage", "--", name).split()[:2]
    assert state.actual is not None
    data = repaired(state.declared, repo.reader.read(oid) or b"", state.actual)
    blob = repo.run("hash-object", "-w", "--stdin", input=data).strip()
    repo.call("update-index", "--cacheinfo", f"{mode},{blob},{name}")
    path: Path = repo.top() / name
    part = path.with_name(f".{path.name}.guard-part")
    for _ in range(20):
        mine = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if mine is None:
            return
        try:
            part.write_bytes(repaired(state.declared, mine, state.actual))
        except (AssertionError, ValueError):
            return  # the file on disk is being rewritten; it stays its author's
        part.chmod(path.stat().st_mode & 0o777)
        if path.read_bytes() == mine:  # nobody wrote meanwhile
            part.replace(path)
            return
    part.unlink()  # it is written all the time: the index has the right number, and the file keeps its author's


class _Recount:
    """The commit that counts canonical files anew, on whatever the tip is."""

    def __init__(self, repo: Repo, policy: Policy) -> None:
        self.repo = repo
        self.policy = policy
        self.files: list[str] = []

    def offer(self, snapshot: Snapshot) -> Offer | None:
        """The commit on top of the tip; None where every count is right."""
        tip = snapshot.tip
        if tip is None:
            return None
        policy = policy_at(self.repo, tip)
        try:
            files = recounted(Tree(self.repo, tip), policy.laws)
        except BadState as error:
            raise bad_state(error) from None
        self.files = sorted(files)
        if not files:
            return None
        parent = self.repo.commit(tip)
        message = f"guard: recount {', '.join(self.files)[:60]}\n\n{RECOUNT_TRAILER}: {len(files)}\n"
        time = max(0, min(parent.time, LAST_SECOND))
        return Offer(write_commit(self.repo, NewCommit(tip, policy.author, time, message, dict(files)), CANDIDATE))
