"""The only folder that starts git: `Repo` here, and beside it what few ask for.

Every call is a list of words, never a shell line; names come NUL-separated; nothing here reads what git says to
people except to repeat it. Reading never takes optional locks, so that a look does not stop a neighbour's commit.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from guard.errors import GuardError, Unseen
from guard.git.objects import Change, Commit, parse_commit, parse_raw, parse_tree
from guard.git.reader import Reader, scratch

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "GIT_MERGE_AUTOEDIT": "no",
    # A replace ref or a graft would make two machines read two histories, and this one what is not pushed.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull + "/none",  # a file that cannot be there: git gives advice on every other
    # How the caller wants paths read would make patterns names, which no file has: nothing would be found.
    **dict.fromkeys((f"GIT_{how}_PATHSPECS" for how in ("LITERAL", "GLOB", "NOGLOB", "ICASE")), "0"),
}

_LOCATION = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
"""What git tells its hooks of where they run; guard may mean another work tree than the hook's."""


class Repo:
    """One repository, bare or not, seen from one directory."""

    shielded: ClassVar[bool] = False
    """Whether git runs in sessions of its own: Ctrl-C on a terminal reaches all that run there, and who decides by
    itself when to end needs a git that goes on until then. Nobody can be asked for a password meanwhile."""

    def __init__(self, directory: Path | str = ".") -> None:
        self.directory = Path(directory)
        self._inherited = False
        found = _where_a_hook_runs() if str(directory) == "." else None
        bare, self.hash, up, self.prefix, git_dir = found or self._ask()
        self.git_dir = Path(git_dir)
        """What belongs to this work tree alone."""
        self.directory = self.directory / up  # pathspecs are relative to where git runs
        self.bare = bare == "true"
        self.null = "0" * (64 if self.hash == "sha256" else 40)
        self._reader: Reader | None = None
        self.most: int | None = None
        """Contents of more bytes than this are not read, as if this clone lacked them; None: all are."""
        self.left_out: set[str] = set()
        """The objects that were larger than that."""

    def _ask(self) -> tuple[str, str, str, str, str]:
        """What git says of where it runs, as `__init__` takes it."""
        asked = ("is-bare-repository", "show-object-format", "show-cdup", "show-prefix", "absolute-git-dir")
        words = ("rev-parse", *(f"--{name}" for name in asked))
        done = self.call(*words, check=False)
        given = str(self.directory) == "." and "GIT_DIR" in os.environ
        if given and (done.returncode != 0 or _elsewhere(_located(done.stdout)[4])):
            self._inherited = True  # somebody keeps a repository's files elsewhere, and says where
            done = self.call(*words, check=False)
        if done.returncode != 0:
            raise GuardError(
                "git",
                f"{os.path.abspath(self.directory)} is not a git repository",  # noqa: PTH100 - a path as people wrote it
                _last(done.stderr) or "guard judges what git has committed, staged or is about to push",
                "run guard inside a repository, or name one: guard -C DIR ...",
            )
        return _located(done.stdout)

    @cached_property
    def common_dir(self) -> Path:
        """What all work trees of the repository share."""
        try:
            link = (self.git_dir / "commondir").read_text(errors="surrogateescape").removesuffix("\n")
        except OSError:
            return self.git_dir
        return Path(os.path.normpath(self.git_dir / link))

    def run(
        self, *words: str, input: bytes | None = None, env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        """Run git and return its standard output, decoded; raises `GuardError` when it fails."""
        return self.call(*words, input=input, env=env, check=check).stdout.decode(errors="surrogateescape")

    def call(
        self,
        *words: str,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        pass_fds: Sequence[int] = (),
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run git and return the finished process; raises `GuardError` when it fails and `check` is set.

        git keeps the descriptors `pass_fds` open: a lock on one of them lasts for as long as either of us lives.
        """
        try:
            process = self.start(
                *words,
                stdin=subprocess.PIPE if input is not None else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                pass_fds=pass_fds,
                apart="update-ref" in words,  # who kills us must not leave the lock of a ref behind
            )
        except FileNotFoundError:
            why = "guard reads and writes nothing but through git"
            raise GuardError("git", "git is not installed, or not on PATH", why, "install git 2.31 or newer") from None
        with process:
            try:
                out, said = process.communicate(input)
            except BaseException:
                process.kill()
                raise
        done = subprocess.CompletedProcess(process.args, process.returncode, out, said)
        if check and done.returncode != 0:
            raise failure(words, done.returncode, done.stderr.decode(errors="replace"))
        return done

    def start(
        self, *words: str, env: Mapping[str, str] | None = None, apart: bool = False, **more: Any
    ) -> "subprocess.Popen[bytes]":
        """Start git, `apart` in a session of its own; `more` is for `subprocess.Popen`.

        Where it is to be shielded it does not hear of Ctrl-C or of a terminal that is closed from its first moment on:
        what is blocked here stays blocked in what is started.
        """
        line, given = self.command(*words), self.environment(env)
        if not self.shielded:
            return subprocess.Popen(line, env=given, start_new_session=apart, **more)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
        try:
            return subprocess.Popen(line, env=given, start_new_session=True, **more)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def command(self, *words: str) -> list[str]:
        """The words of a git command in this repository."""
        return ["git", "-C", str(self.directory), "-c", "core.quotePath=false", *words]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a git command; a git that has nobody to ask fails instead of waiting."""
        env = {**self.given(), **_QUIET, **(more or {})}
        if not sys.stdin or not sys.stdin.isatty():
            env.setdefault("GIT_TERMINAL_PROMPT", "0")
        return env

    def given(self) -> Mapping[str, str]:
        """The caller's environment, without what names another repository."""
        return os.environ if self._inherited else {k: v for k, v in os.environ.items() if k not in _LOCATION}

    # --- reading -----------------------------------------------------------------------------------------------

    @property
    def reader(self) -> Reader:
        """The object reader of this repository, started at its first use."""
        if self._reader is None:
            self._reader = Reader(self)
        return self._reader

    def close(self) -> None:
        """End what was started."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def config(self, key: str) -> str | None:
        """A configuration value, None where it is not set."""
        done = self.call("config", "--get", key, check=False)
        return done.stdout.decode().rstrip("\n") if done.returncode == 0 else None

    def resolve(self, name: str) -> str | None:
        """The commit that a name stands for, None where there is none."""
        name += "^{commit}"
        if "\n" in name:
            done = self.call("rev-parse", "--verify", "--quiet", "--end-of-options", name, check=False)
            return done.stdout.decode().strip() or None
        found = self.reader.find(name)  # the process runs anyway; a ref is looked up anew at every question
        return found.id if found is not None else None

    def branch_ref(self) -> str:
        """The ref of the branch that HEAD is on, also of one without a commit; empty where HEAD is on none."""
        out = self.call("symbolic-ref", "--quiet", "HEAD", check=False).stdout
        return out.decode(errors="surrogateescape").removesuffix("\n")

    def branch(self) -> str:
        """The branch that HEAD is on, by its short name; empty where HEAD is on none."""
        return self.branch_ref().removeprefix("refs/heads/")

    def remotes(self) -> dict[str, bool]:
        """The names of the remotes, and whether each has a URL."""
        found: dict[str, bool] = {}
        for line in self.run("config", "-z", "--get-regexp", r"^remote\..*\.", check=False).split("\0")[:-1]:
            name, _, key = line.partition("\n")[0].removeprefix("remote.").rpartition(".")
            found[name] = key == "url" or found.get(name, False)
        return found

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Refs below any of some prefixes, with the object each points to."""
        out = self.run("for-each-ref", "--format=%(objectname) %(refname)", *prefixes)
        return {name: oid for oid, name in (line.split(" ", 1) for line in out.splitlines())}

    def commit(self, name: str) -> Commit:
        """A commit, read."""
        data = self.reader.read(name)
        if data is None:
            raise Unseen(f"commit {name} is not in this clone", "", "git fetch --unshallow, or fetch it")
        return parse_commit(name, data)

    def file(self, commit: str, path: str) -> bytes | None:
        """A file at the top of a commit, None where there is none; raises `Unseen` where its content is not here."""
        found = self.reader.find(f"{commit}:{path}")
        if found is not None and found.kind == "blob":
            return found.data
        top = self.reader.find(f"{commit}^{{tree}}") if found is None else None
        if found is None and (top is None or path not in parse_tree(top.data, self.hash)):
            if top is None and self.resolve(commit) is not None:
                raise Unseen(
                    f"the tree of {commit[:12]} is not in this clone", "nothing in it can be judged", "git fetch"
                )
            return None
        if found is not None:
            raise GuardError(
                "state", f"{path} is a folder in {commit[:12]}", "it can only be a file", f"git rm -r {path}"
            )
        raise Unseen(
            f"the content of {path} in {commit[:12]} is not in this clone", "nothing can stand in", "git fetch"
        )

    def changes(self, old: str, new: str, *paths: str) -> list[Change]:
        """What differs between two trees."""
        return parse_raw(
            self.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, "--", *paths)
        )

    def tree(self, commit: str, folder: str) -> list[tuple[str, str, str]]:
        """The (mode, object, path) of everything below a folder of a commit; of everything for an empty name."""
        out = self.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([folder] if folder else []))
        entries = []
        for line in out.split("\0")[:-1]:
            head, path = line.split("\t", 1)
            mode, _, oid = head.split(" ")
            entries.append((mode, oid, path))
        return entries

    def edge(self) -> set[str]:
        """The commits with which a shallow clone begins: nobody can tell here what they changed."""
        try:
            return set((self.common_dir / "shallow").read_text().split())
        except OSError:
            return set()

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is `new` or one of its ancestors."""
        return self.call("merge-base", "--is-ancestor", old, new, check=False).returncode == 0

    def top(self) -> Path:
        """The work tree's top folder; raises `GuardError` in a bare repository, and below .git."""
        done = self.call("rev-parse", "--show-toplevel", check=False)
        if done.returncode != 0:
            why = "a bare repository and a .git folder have history, and no files of a work tree"
            raise GuardError("usage", "this is not inside a work tree", why, "-C DIR, with a folder of a work tree")
        return Path(done.stdout.decode(errors="surrogateescape").removesuffix("\n"))

    def log(self, *words: str) -> Iterator[bytes]:
        """The NUL-separated records of `git log` with these words, as they come, whatever the configuration says.

        Raises `GuardError` at the end where git could not read all of it; stopping early ends git.
        """
        fixed = ("-c", "grep.patternType=basic", "-c", "log.showRoot=true", "-c", "diff.relative=false", "log", "-z")
        yield from self.records(b"\0", *fixed, "--no-show-signature", "--no-mailmap", *words)

    def records(
        self, end: bytes, *words: str, input: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """What git writes, record by record, as it comes; `end` is what stands behind each.

        Raises `GuardError` at the end where git could not say all of it; stopping early ends git.
        """
        with scratch() as said, scratch() as asked:
            asked.write(input or b"")
            asked.seek(0)
            process = self.start(
                *words, stdin=asked if input is not None else None, stdout=subprocess.PIPE, stderr=said, env=env
            )
            assert process.stdout is not None
            try:
                rest = b""
                while chunk := os.read(process.stdout.fileno(), 1 << 16):
                    *records, rest = (rest + chunk).split(end)
                    yield from records
                if rest:
                    yield rest
                if process.wait() != 0:
                    said.seek(0)
                    while words[0] == "-c":
                        words = words[2:]
                    raise failure(words, process.returncode, said.read().decode(errors="replace"))
            finally:
                process.kill()
                process.stdout.close()
                process.wait()

    def history(self, *words: str) -> Iterator[tuple[str, list[str], list[Change]]]:
        """Commits as (name, parents, changes); a commit that is compared with several parents comes several times."""
        fixed = (
            "--format=commit:%H %P",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            "--no-ext-diff",
            "--ignore-submodules=none",
        )
        commit: tuple[str, list[str], list[Change]] | None = None
        head = ""
        for record in self.log(*fixed, *words):
            text = record.decode(errors="surrogateescape")
            if head:
                if commit is not None:
                    commit[2].extend(parse_raw(f"{head}\0{text}\0"))
                head = ""
                continue
            text = text.lstrip("\n")
            if text.startswith("commit:"):
                if commit is not None:
                    yield commit
                name, *parents = text[len("commit:") :].split()
                commit = (name, parents, [])
            elif text.startswith(":"):
                head = text
        if commit is not None:
            yield commit


def _located(out: bytes) -> tuple[str, str, str, str, str]:
    """The answers of `git rev-parse` that `Repo._ask` asks for."""
    said = out.decode(errors="surrogateescape").removesuffix("\n")
    bare, kind, rest = said.split("\n", 2)
    up, rest = ("", rest) if rest.startswith("\n/") else rest.split("\n", 1)  # no work tree: one line less
    # Names may hold newlines: the prefix is empty or ends with a slash, and the folder begins with one.
    end = 0 if rest.startswith("\n/") else rest.index("/\n/") + 1
    return bare, kind, up, rest[:end], rest[end + 1 :]


def _where_a_hook_runs() -> tuple[str, str, str, str, str] | None:
    """What `Repo._ask` would say, without a process: git runs hooks at the top of a work tree. None where in doubt."""
    if "GUARD_GIT_PID" not in os.environ:
        return None
    said = os.environ.get("GIT_DIR", ".git")
    try:
        own = ".git"
        if os.path.isfile(own):  # noqa: PTH113 - pathlib is slower
            own = Path(own).read_text(errors="surrogateescape").removeprefix("gitdir: ").removesuffix("\n")
        if os.path.realpath(said) != os.path.realpath(own):
            return None
        common = Path(said, "commondir")
        shared = Path(said, common.read_text(errors="surrogateescape").removesuffix("\n")) if common.exists() else said
        config = Path(shared, "config").read_text(errors="surrogateescape")
    except OSError:
        return None
    if re.search(r"(?im)^\s*(bare\s*=\s*true|worktreeconfig|\[include)", config):
        return None
    kind = "sha256" if re.search(r"(?im)^\s*objectformat\s*=\s*\"?sha256", config) else "sha1"
    return "false", kind, "", "", os.path.abspath(said)  # noqa: PTH100 - no symlink is to be resolved


def _elsewhere(found: str) -> bool:
    """Whether a hook was called for another repository than the one that it stands in."""
    return "GUARD_GIT_PID" in os.environ and os.path.realpath(found) != os.path.realpath(os.environ["GIT_DIR"])


def _last(said: bytes) -> str:
    """The last line of what git said, where it is not only that there is no repository."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines and "not a git repository" not in lines[-1] else ""


def failure(words: Iterable[str], code: int, said: str) -> GuardError:
    """The error for a git command that failed."""
    command = " ".join(["git", *words][:6])
    lines = [line for line in said.strip().splitlines() if line]
    return GuardError("git", f"`{command}` failed (exit {code})", "; ".join(lines[-3:]), "")
