"""The ways around the hooks that are known, tried on a scratch clone of a real repository against what guards it.

The clone borrows the repository's objects and has its policy, its state branch and its hooks; its hub has the hook of
the real remote where that can be seen. Nothing is written outside of one temporary folder.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from guard import ci
from guard.agents.tools import NAMES, tool
from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import write_commit
from guard.hooks import HOOKS, agent, install_hub, registered, strict
from guard.hooks.install import RUNNER, ours
from guard.plan import Tree, frame_counter, policy_at, work_out
from guard.policy import FILE, sample_of
from guard.scratch import NO_HOOKS, Scratch, copy_hooks, copy_own, environment, scratch
from guard.server import Move, judged, proposed
from guard.verify.range import verify
from guard.verify.recompute import newest_merge
from guard.wiring import Wiring

_MESSAGE = "[S1] doctor: a try"
_AWAY = ("-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True)
class Bypass:
    """One way around the hooks, tried: whether it passes here, and what is against it.

    `by_hooks` says that the hooks are there to refuse it. `found_by` are the commands that name it afterwards. `closes`
    are the walls that refuse it where they stand, `stands` those of them that stand here.
    """

    how: str
    by_hooks: bool
    passes: bool
    found_by: str = ""
    closes: list[str] = field(default_factory=list)
    stands: list[str] = field(default_factory=list)
    tried: bool = True
    """False where this repository lacks what the way needs."""
    on_files: bool = False
    """Whether it is about files that are not committed: no command finds that afterwards."""

    @property
    def open(self) -> bool:
        """Whether nothing here keeps it out."""
        return self.passes and not [wall for wall in self.stands if wall != "merge audit"]


@dataclass(frozen=True)
class Walls:
    """What stands around a repository beside its hooks."""

    server: Path | None
    """The folder of hooks of a remote whose disk can be seen, where guard's hook is among them."""
    checks: list[str]
    """The CI hosts whose check the state branch has; whether it is required is said nowhere in a clone."""
    tools: list[str]
    """The agents' tools that ask guard here."""
    strict: bool

    def value(self) -> dict[str, object]:
        """As programs read it."""
        return {**vars(self), "server": str(self.server) if self.server else None}


def walls(repo: Repo, wiring: Wiring) -> Walls:
    """Look what stands around a repository; nothing is tried yet."""
    policy = policy_at(repo, repo.resolve("HEAD"))
    url = repo.run("remote", "get-url", policy.remote, check=False).removesuffix("\n")
    state = _state(repo)

    def read(path: str) -> bytes | None:
        return repo.reader.read(f"{state}:{path}") if state else None

    def asks(name: str) -> bool:
        try:  # as the tool finds it
            return not repo.bare and b"guard-agent" in (repo.top() / tool(name).FILE).read_bytes()
        except OSError:
            return False

    on = wiring.strict(wanted=policy.strict)[0] == "on"
    return Walls(_hooks_of(repo, url), ci.present(read), [name for name in NAMES if asks(name)], on)


def _state(repo: Repo) -> str | None:
    """The newest known commit of the state branch."""
    head = repo.resolve("HEAD")
    policy = policy_at(repo, head)
    names = (f"refs/remotes/{policy.remote}/{policy.branch}", f"refs/heads/{policy.branch}")
    return next((commit for name in names if (commit := repo.resolve(name))), head)


def _hooks_of(repo: Repo, url: str) -> Path | None:
    """The folder of a remote's hooks, where it is on a disk here and guard's is among them."""
    path = unquote(urlsplit(url).path) if url.startswith("file://") else url
    if not path or (":" in path.split("/")[0] and not url.startswith("file://")):
        return None
    place = Path(repo.top() if not repo.bare else repo.git_dir) / path
    for folder in (place / "hooks", place / ".git/hooks"):
        if any(ours(folder / name) and os.access(folder / name, os.X_OK) for name in install_hub.HOOKS):
            return folder
    return None


# --- the place where it is tried ---------------------------------------------------------------------------------


class Arena:
    """A clone of the repository and hubs of it, all in one folder that goes away."""

    def __init__(self, source: Repo, wiring: Wiring, around: Walls, root: Path) -> None:
        tip = _state(source)
        if tip is None:
            why = "what is tried is a change of what the state branch holds"
            raise GuardError("usage", "there is no commit here yet", why, "git commit, then guard doctor --attack")
        self.source, self.root, self.base = source, root, tip
        self.policy = policy_at(source, tip)
        self.ref = f"refs/heads/{self.policy.branch}"
        self.env = environment(root)
        self.old = tip
        """What the hub has before the way that is tried."""
        self.hub = self._made("install_hub.git", "--bare")
        self.guarded = self._made("guarded.git", "--bare") if around.server else None
        if self.guarded and around.server:
            self._guard(self.guarded, around.server)
        self.top = self._made("clone")
        self.git("config", "remote.origin.url", str(self.hub))
        self.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        self.repo = Repo(self.top)
        copy_hooks(wiring.runs, self.repo)
        copy_own(source, self.repo)
        self.path, self.wiped = self._victim()

    def _made(self, name: str, *options: str) -> Path:
        """A repository that borrows the objects, and whose state branch is at the tip; no file is checked out."""
        place = self.root / name
        words = ("init", "-q", "--template=", f"--object-format={self.source.hash}", *options, str(place))
        self.source.call(*words, env=self.env)
        git_dir = place if options else place / ".git"
        (git_dir / "objects/info").mkdir(parents=True, exist_ok=True)
        borrowed = self.source.common_dir / "objects"
        (git_dir / "objects/info/alternates").write_text(f"{borrowed}\n", encoding="utf-8")
        if (self.source.common_dir / "shallow").exists():
            shutil.copy(self.source.common_dir / "shallow", git_dir / "shallow")
        for words in (
            ("config", "gc.auto", "0"),
            ("symbolic-ref", "HEAD", self.ref),
            ("update-ref", self.ref, self.base),
        ):
            self.run(place, *words)
        return place

    def _guard(self, place: Path, folder: Path) -> None:
        """Give a hub the hook of the real one, and what its configuration says of it."""
        (place / "hooks").mkdir(exist_ok=True)
        for name in (*install_hub.HOOKS, RUNNER):
            if (folder / name).exists() and (name == RUNNER or ours(folder / name)):
                shutil.copy2(folder / name, place / "hooks" / name)
        said = self.run(folder.parent, "config", "--local", "-z", "--get-regexp", r"^guard\.")[1]
        for line in filter(None, said.split("\0")):
            self.run(place, "config", *line.split("\n", 1))

    def _victim(self) -> tuple[str, bytes]:
        """A canonical file, and what it is to hold: a wiped one, else one that was never merged."""
        for law in self.policy.laws.maps:
            if self.repo.file(self.base, law.file) not in (None, b"{}\n"):
                return law.file, b"{}\n"
        return sample_of(self.policy.canonical[0]).replace("x.json", "by-hand.json"), b'{"by": "hand"}\n'

    # --- doing -------------------------------------------------------------------------------------------------

    def run(
        self, where: Path, *words: str, env: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, str]:
        """Run git somewhere; its exit code and what it printed."""
        given = {**os.environ, **self.env, **(env or {})}
        for key in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"):
            given.pop(key, None)
        done = subprocess.run(
            ["git", "-C", str(where), *words], env=given, input=data or b"", capture_output=True, check=False
        )
        return done.returncode, done.stdout.decode(errors="surrogateescape").strip()

    def git(self, *words: str, env: dict[str, str] | None = None, data: bytes | None = None) -> str:
        """Run git in the clone; what it printed."""
        return self.run(self.top, *words, env=env, data=data)[1]

    def again(self) -> None:
        """The clone, its hubs and its hooks as they were, and the wiped file staged."""
        self.old = self.base
        self.git(*NO_HOOKS, "symbolic-ref", "HEAD", self.ref)
        for place in filter(None, (self.top, self.hub, self.guarded)):
            self.run(place, *NO_HOOKS, "update-ref", self.ref, self.base)
        self.git(*NO_HOOKS, "update-ref", f"refs/remotes/origin/{self.policy.branch}", self.base)
        for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "index.lock", "guard/bulk"):
            (self.repo.git_dir / name).unlink(missing_ok=True)
        self.git(*NO_HOOKS, "read-tree", "--reset", self.base)
        self.stage()

    def stage(self) -> None:
        """Stage the wiped file."""
        file = self.top / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.wiped)
        self.git(*NO_HOOKS, "add", "-f", "--", self.path)

    def tip(self, where: Path) -> str | None:
        """Where the state branch of a repository went; None where it stayed."""
        code, oid = self.run(where, "rev-parse", "--verify", "-q", self.ref)
        return oid if code == 0 and oid != self.old else None

    def commit(self, *words: str, env: dict[str, str] | None = None, message: str = _MESSAGE) -> None:
        """`git commit` of what is staged, with options of git's before it and `--no-verify` behind it."""
        late = [word for word in words if word == "--no-verify"]
        self.git(*(word for word in words if word not in late), "commit", "-q", *late, "-m", message, env=env)

    def unseen(self, parent: str = "") -> str:
        """A commit of what is staged that no ref has."""
        tree = self.git("write-tree")
        return self.git("commit-tree", tree, "-p", parent or self.base, "-m", _MESSAGE)


@contextmanager
def arena(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Arena]:
    """The place; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="guard-doctor-", ignore_cleanup_errors=True) as root:
        made = Arena(source, wiring, around, Path(root))
        try:
            yield made
        finally:
            made.repo.close()


# --- trying ------------------------------------------------------------------------------------------------------


def bypasses(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Bypass]:
    """Try every way; of what passes, say what finds it afterwards and which walls refuse it."""
    with arena(source, wiring, around) as made:
        for way in WAYS:
            made.again()
            try:
                where = way.attempt(made) or made.top
            except _NotTriedError:
                yield Bypass(way.how, way.by_hooks, passes=False, tried=False)
                continue
            tip = made.tip(where)
            if tip is None:
                yield Bypass(way.how, way.by_hooks, passes=False)
                continue
            repo = Repo(where)
            try:
                found_by, closes = _against(made, repo, tip)
            finally:
                repo.close()
            if way.command and agent.refuses(way.command.replace("BRANCH", made.policy.branch), str(made.top)):
                closes.append("agent hook")
            yield Bypass(
                way.how, way.by_hooks, True, ", ".join(found_by), closes, _standing(made, closes, around, tip, where)
            )
    yield from _on_files(source, wiring, around)


def _against(made: Arena, repo: Repo, tip: str) -> tuple[list[str], list[str]]:
    """What names a commit, and which walls refuse it: judged here and now, none of them asks which hooks ran."""
    found, closes = [], []
    back = repo.is_ancestor(tip, made.old)
    if judged(repo, [Move(made.old, tip, made.ref)], made.policy.branch, time.time()).refused:
        closes.append("server hook")
    said = proposed(repo, made.old, tip, time.time())
    if said.refused or not repo.is_ancestor(made.old, tip):  # a push that takes commits back is refused as such
        closes.append("required check")
        codes = sorted({finding.code for finding in said.findings})
        found.append(f"guard check --range ({', '.join(codes)})" if codes else "guard check --range")
    verdict = verify(repo, made.old, tip)
    if verdict.problems or back:
        closes.append("merge audit")
    if verdict.problems or verdict.repaired or back:
        found.insert(0, "guard verify" if verdict.problems or back else "guard verify (as made good)")
    return found, closes


def _standing(made: Arena, closes: list[str], around: Walls, tip: str, where: Path) -> list[str]:
    """Those walls that stand here; the server's hook is asked by a real push."""
    stands = []
    if made.guarded:
        made.run(made.guarded, "update-ref", made.ref, made.old)
        made.run(where, *NO_HOOKS, "push", "-q", "--force", "--no-verify", str(made.guarded), f"{tip}:{made.ref}")
        if made.run(made.guarded, "rev-parse", made.ref)[1] == made.old:
            stands.append("server hook")
    there = {"required check": bool(around.checks), "merge audit": True, "agent hook": bool(around.tools)}
    return stands + [wall for wall in closes if there.get(wall)]


class _NotTriedError(Exception):
    """This repository lacks what a way needs."""


@dataclass(frozen=True)
class Way:
    """A way around: what it is, how it is gone, whether hooks are there to refuse it, what an agent would type.

    `attempt` returns the repository whose state branch it means to move, None for the clone.
    """

    how: str
    attempt: Callable[[Arena], Path | None]
    by_hooks: bool = False
    command: str = ""


def _by(*words: str, message: str = _MESSAGE, **env: str) -> Callable[[Arena], Path | None]:
    def attempt(made: Arena) -> None:
        made.commit(*words, env=env, message=message)

    return attempt


def _plumbing(made: Arena) -> None:
    made.git("update-ref", made.ref, made.unseen())


def _imported(made: Arena) -> None:
    who = "guard doctor <doctor@guard.invalid> 1767600000 +0000"
    head = f"commit {made.ref}\nauthor {who}\ncommitter {who}\ndata {len(_MESSAGE)}\n{_MESSAGE}\nfrom {made.base}\n"
    body = f"M 100644 inline {made.path}\ndata {len(made.wiped)}\n".encode() + made.wiped + b"\n"
    made.git("fast-import", "--quiet", "--force", data=head.encode() + body)


def _renamed(made: Arena) -> None:
    git = shutil.which("git")
    words = ["x", "-C", str(made.top), "commit", "-q", "--no-verify", "-m", _MESSAGE]
    subprocess.run(words, executable=git, env={**os.environ, **made.env}, capture_output=True, check=False)


def _trapped(made: Arena) -> None:
    script = "trap '' TERM; git commit -q --no-verify -m \"$0\""
    words = ["sh", "-c", script, _MESSAGE]
    subprocess.run(words, cwd=made.top, env={**os.environ, **made.env}, capture_output=True, check=False)


def _dropped(made: Arena) -> None:
    """`merge -s ours` of an upstream that has merged a delta meanwhile; not tried where none can be merged."""
    frame = max(frame_counter(Tree(made.repo, made.base), made.policy.laws), 0) + 1
    name = f"frame-{frame}-doctor.json"
    value = {
        "frame": frame,
        "stream_id": "doctor",
        "completed_at": "2026-01-01T00:00:00Z",
        "agents_activated": ["doctor"],
    }
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    blob = made.git("hash-object", "-w", "--stdin", data=json.dumps(value).encode())
    made.git(*NO_HOOKS, "update-index", "--add", "--cacheinfo", f"100644,{blob},{made.policy.inbox}{name}")
    delivered = made.unseen()
    try:
        plan = work_out(
            made.repo, delivered, made.policy, newest_merge(made.repo, made.policy, delivered), [], None, {}
        )
    except GuardError:
        raise _NotTriedError from None
    if plan is None:
        raise _NotTriedError
    upstream = write_commit(made.repo, plan.commit(), "refs/guard/merged/candidate")
    made.git(*NO_HOOKS, "update-ref", f"refs/remotes/origin/{made.policy.branch}", upstream)
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    own = made.git("commit-tree", f"{made.base}^{{tree}}", "-p", made.base, "-m", _MESSAGE)
    made.git(*NO_HOOKS, "update-ref", made.ref, own)
    made.git("merge", "-q", "--no-verify", "-s", "ours", "-m", "Merge upstream", upstream)
    if made.git("rev-parse", made.ref) == own:
        made.git(*NO_HOOKS, "update-ref", made.ref, made.base)
    else:
        made.old = upstream


def _configured(made: Arena) -> None:
    made.git("config", "core.hooksPath", os.devnull)
    made.commit()
    made.git("config", "--unset-all", "core.hooksPath")


def _by_global(made: Arena) -> None:
    file = made.root / "global"
    file.write_text(f"[core]\n\thooksPath = {os.devnull}\n", encoding="utf-8")
    made.commit(env={"GIT_CONFIG_GLOBAL": str(file)})


def _lame(made: Arena) -> None:
    folder = made.repo.git_dir / "hooks"
    there = [folder / name for name in HOOKS if (folder / name).exists()]
    modes = {path: path.stat().st_mode for path in there}
    for path in there:
        path.chmod(0o644)
    made.commit()
    for path, mode in modes.items():
        path.chmod(mode)


def _moved(made: Arena) -> None:
    folder, away = made.repo.git_dir / "hooks", made.repo.git_dir / "hooks.away"
    folder.rename(away)
    made.commit()
    away.rename(folder)


def _library(made: Arena) -> None:
    import git  # GitPython: only this needs it

    repo = git.Repo(made.top)
    who = git.Actor("guard doctor", "doctor@guard.invalid")
    try:
        repo.index.commit(_MESSAGE, author=who, committer=who, skip_hooks=True)
    except (git.exc.GitError, OSError, ValueError):
        pass  # as with a format of refs that it does not know: then this way is closed
    finally:
        repo.close()


def _by_hand(made: Arena) -> None:
    file = made.repo.git_dir / made.ref
    if file.parent.is_dir():  # not where refs are kept in tables
        file.write_text(f"{made.unseen()}\n", encoding="utf-8")


def _copied(made: Arena) -> Path:
    copy = made.root / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(made.repo.git_dir, copy / ".git", ignore=shutil.ignore_patterns("hooks"))
    made.run(copy, *NO_HOOKS, "commit", "-q", "-m", _MESSAGE)
    return copy


def _cloned(made: Arena) -> Path:
    clone = made.root / "fresh"
    shutil.rmtree(clone, ignore_errors=True)
    made.run(made.root, "clone", "-q", "--no-checkout", "--template=", str(made.hub), str(clone))
    made.run(clone, "read-tree", made.base)
    (clone / made.path).parent.mkdir(parents=True, exist_ok=True)
    (clone / made.path).write_bytes(made.wiped)
    made.run(clone, "add", "-f", "--", made.path)
    made.run(clone, "commit", "-q", "-m", _MESSAGE)
    return clone


def _pushed(made: Arena) -> Path:
    made.git("push", "-q", "--no-verify", "origin", f"{made.unseen()}:{made.ref}")
    return made.hub


def _laundered(made: Arena) -> Path:
    bad = made.unseen()
    made.git("push", "-q", "--no-verify", "origin", f"{bad}:refs/heads/doctor/side")
    join = made.git(
        "commit-tree", made.git("rev-parse", f"{bad}^{{tree}}"), "-p", made.base, "-p", bad, "-m", "Merge side"
    )
    made.git("push", "-q", "--no-verify", "origin", f"{join}:{made.ref}")
    return made.hub


def _touched(made: Arena) -> None:
    made.commit(*_AWAY, *registered.OFF)
    made.git(*NO_HOOKS, "revert", "--no-edit", "HEAD")


def _taken_back(made: Arena) -> Path:
    parent = made.git("rev-parse", "--verify", "-q", f"{made.base}^")
    if not parent:
        raise _NotTriedError
    made.git("push", "-q", "--force", "--no-verify", "origin", f"{parent}:{made.ref}")
    return made.hub


def _emptied(made: Arena) -> None:
    made.git(*NO_HOOKS, "read-tree", "--reset", made.base)
    blob = made.git("rev-parse", "--verify", "-q", f"{made.base}:{FILE}")
    made.git(*NO_HOOKS, "read-tree", "--empty")
    if blob:
        made.git(*NO_HOOKS, "update-index", "--add", "--cacheinfo", f"100644,{blob},{FILE}")
    made.commit(*_AWAY, *registered.OFF)


_PATH = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": os.devnull}
_FORGED = f"{_MESSAGE}\n\nGuard-Merge: frames=1 close=1 deltas=0 digest={'0' * 64} engine=1"
_OFF = "git -c core.hooksPath=/dev/null commit"

WAYS = (
    Way("git commit", _by(), True),
    Way("git commit --no-verify", _by("--no-verify"), True, "git commit --no-verify -m x"),
    Way("git commit-tree, git update-ref", _plumbing, True),
    Way("git fast-import", _imported, True),
    Way("a git under another name (exec -a)", _renamed, True, "bash -c 'exec -a x git commit -n -m x'"),
    Way("trap '' TERM, then git commit --no-verify", _trapped, True, "trap '' TERM; git commit -n -m x"),
    Way("variables that say it is the merge job", _by(GUARD_MERGE_JOB="1", GUARD_ALLOW="G101 the merge job"), True),
    Way("a message that says it is a merge", _by("--no-verify", message=_FORGED), True, "git commit -n -m x"),
    Way("git merge -s ours, over newer state", _dropped, True, "git merge --no-verify -s ours origin/BRANCH"),
    Way(_OFF, _by(*_AWAY), command=f"{_OFF} -m x"),
    Way("git -c core.hooksPath= commit", _by("-c", "core.hooksPath="), command="git -c core.hooksPath= commit -m x"),
    Way("the same with -c hook.guard-NAME.enabled=false", _by(*_AWAY, *registered.OFF), command=f"{_OFF} -m x"),
    Way(
        "GIT_CONFIG_COUNT with core.hooksPath",
        _by(**_PATH),
        command="GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null git commit -m x",
    ),
    Way(
        "GIT_CONFIG_PARAMETERS with core.hooksPath",
        _by(GIT_CONFIG_PARAMETERS="'core.hooksPath=/dev/null'"),
        command="GIT_CONFIG_PARAMETERS=\"'core.hooksPath=/dev/null'\" git commit -m x",
    ),
    Way("core.hooksPath in a global configuration", _by_global, command="git config --global core.hooksPath /dev/null"),
    Way("core.hooksPath in .git/config", _configured, command="git config core.hooksPath /dev/null"),
    Way("hooks that are not executable", _lame, command="chmod -x .git/hooks/*"),
    Way("the hooks' folder moved away", _moved, command="mv .git/hooks .git/hooks.away"),
    Way("GitPython, index.commit(skip_hooks=True)", _library),
    Way("a ref written as a file", _by_hand, command="echo 1 >.git/refs/heads/BRANCH"),
    Way("a copy of .git without its hooks", _copied),
    Way("a clone without guard install", _cloned),
    Way("a commit of no branch, pushed by its id", _pushed, command="git push --no-verify origin 1234567:BRANCH"),
    Way("pushed to a side branch first, then joined", _laundered, command="git push --no-verify origin side:BRANCH"),
    Way("an edit and its revert, past the hooks", _touched, command=f"{_OFF} -m x"),
    Way("git push --force of an older state", _taken_back, command="git push --force origin HEAD~1:BRANCH"),
    Way("everything deleted in one commit, past the hooks", _emptied, command=f"{_OFF} -m x"),
)


# --- work that is not committed ----------------------------------------------------------------------------------


def _on_files(source: Repo, wiring: Wiring, around: Walls) -> Iterator[Bypass]:
    """What leaves no trace that a server could see: only where it is typed can it be refused."""
    lines = {
        "git add -A, at that moment": ("add", "-A"),
        "git reset --hard, over edits": ("reset", "-q", "--hard"),
        "git stash, past the hooks": (*_AWAY, *registered.OFF, "-c", f"{strict.KEY}=false", "stash"),
    }
    with scratch(source, wiring.runs) as made:
        if around.strict:
            made.set_strict()
        for how, words in lines.items():
            made.again()
            made.write("notes.txt", "precious\n")
            before = _picture(made)
            made.git(*words)
            passes = _picture(made) != before
            closes = ["strict mode"] if "past the hooks" not in how else []
            if agent.refuses(f"git {' '.join(words)}", str(made.top)):
                closes.append("agent hook")
            stands = [wall for wall in closes if wall == "agent hook" and around.tools] if passes else []
            yield Bypass(how, False, passes, "", closes if passes else [], stands, on_files=True)


def _picture(made: Scratch) -> tuple[str, str]:
    return made.read("notes.txt"), made.git("diff", "--cached", "--name-only")[1]
