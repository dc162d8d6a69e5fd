"""The only file that starts git.

Every call is a list of words, never a shell line; names come NUL-separated; nothing here reads what git says to
people except to repeat it. Reading never takes optional locks, so that a look does not stop a neighbour's commit.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

from guard.errors import GuardError, Unseen

NULL = "0" * 40
"""An object name that stands for no object, of any hash once `Repo.null` has its length."""

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
    "GIT_MERGE_AUTOEDIT": "no",
    # A replace ref or a graft would make two machines read two histories, and this one what is not pushed.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull + "/none",  # a file that cannot be there: git gives advice on every other
}

_LOCATION = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
"""What git tells its hooks of where they run; guard may mean another work tree than the hook's."""

_UNFINISHED = (
    *(("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert")),
    *(("rebase-merge", "rebase"), ("rebase-apply/applying", "am"), ("rebase-apply", "rebase")),
)
"""What git keeps in a work tree's folder while something is under way."""

_COMMITTER = re.compile(r" (-?\d{1,18}) [+-]\d+$")


class Change(NamedTuple):
    """One path that differs: modes are octal strings, `000000` where the path is absent on that side."""

    old_mode: str
    new_mode: str
    old: str
    new: str
    status: str
    path: str


class Commit(NamedTuple):
    """What is known of a commit. `time` is the committer's, in seconds since 1970; `author` is `Name <mail>`."""

    id: str
    tree: str
    parents: tuple[str, ...]
    time: int
    message: str
    author: str = ""


class Object(NamedTuple):
    """An object as git has it: its name, `blob`, `tree`, `commit` or `tag`, and its content."""

    id: str
    kind: str
    data: bytes


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
            process = _spawn(
                self.command(*words),
                stdin=subprocess.PIPE if input is not None else None,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment(env),
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

    def transfer(self, *words: str, patience: float) -> "subprocess.CompletedProcess[bytes]":
        """Run `git fetch` or `git push`, and end it when it has said nothing for `patience` seconds.

        It is made to tell its progress, so that a long transfer is not taken for one that hangs; that is left out of
        what is returned. It is given up at the latest after twice as long without a word. Raises `GuardError` of kind
        `network` then: whether the other side took what was sent nobody knows.
        """
        process = _spawn(
            self.command(words[0], "--progress", *words[1:]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
            apart=not _asked(),
        )
        with process:
            heard = 0
            while True:
                try:
                    out, said = process.communicate(timeout=patience)
                    break
                except subprocess.TimeoutExpired as late:
                    before, heard = heard, len(late.output or b"") + len(late.stderr or b"")
                    if heard == before:
                        raise _silent(process, words[0], patience) from None
        return subprocess.CompletedProcess(words, process.returncode, out, _without_progress(said))

    def command(self, *words: str) -> list[str]:
        """The words of a git command in this repository."""
        return ["git", "-C", str(self.directory), "-c", "core.quotePath=false", *words]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a git command; a git that has nobody to ask fails instead of waiting."""
        given = os.environ if self._inherited else {k: v for k, v in os.environ.items() if k not in _LOCATION}
        env = {**given, **_QUIET, **(more or {})}
        if not sys.stdin or not sys.stdin.isatty():
            env.setdefault("GIT_TERMINAL_PROMPT", "0")
        return env

    def hook(self, name: str, *arguments: str, env: Mapping[str, str]) -> "subprocess.CompletedProcess[bytes]":
        """Run the repository's own hook as git does: at the top, in the caller's environment and `env`.

        Returns the finished process, with all that was said as its output; 0 where there is no such hook.
        """
        base = ["git", "-C", str(self.directory)]
        words = [*base, "hook", "run", "--ignore-missing", name, "--", *arguments]
        done = self._hook(words, env, None)
        if done.returncode == 0 or b"'hook' is not a git command" not in done.stdout:
            return done
        asked = [*base, "rev-parse", "--show-toplevel", "--git-path", f"hooks/{name}"]  # before git 2.36
        said = subprocess.run(asked, capture_output=True, env=self.environment(), check=False).stdout.decode(
            errors="surrogateescape"
        )
        top, path = said.removesuffix("\n").rsplit("\n", 1)
        path = os.path.join(os.path.abspath(self.directory), path)  # noqa: PTH100, PTH118 - nothing is to be resolved
        if not os.access(path, os.X_OK):
            return subprocess.CompletedProcess([path], 0, b"", b"")
        return self._hook([path, *arguments], {**env, "GIT_DIR": str(self.git_dir)}, top)

    def _hook(
        self, words: list[str], env: Mapping[str, str], where: str | None
    ) -> "subprocess.CompletedProcess[bytes]":
        given = os.environ if self._inherited else {k: v for k, v in os.environ.items() if k not in _LOCATION}
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**given, "GIT_PREFIX": "", **env},
            cwd=where,
            check=False,
        )

    @property
    def unfinished(self) -> str | None:
        """What was begun in this work tree and not ended: `merge`, `cherry-pick`, `revert`, `rebase` or `am`."""
        for name, what in _UNFINISHED:
            if (self.git_dir / name).exists():
                return what
        return None

    # --- reading -----------------------------------------------------------------------------------------------

    def contents(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """The contents of many objects, in order, at git's own speed; None for one that is missing or beyond `most`."""
        if not names:
            return
        with _scratch() as asked:
            asked.write("".join(f"{name}\n" for name in names).encode())
            asked.seek(0)
            process = _spawn(
                self.command("cat-file", "--batch", "--buffer"),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self.environment(),
            )
        assert process.stdout is not None
        try:
            for name in names:
                header = process.stdout.readline()
                if not header:
                    raise Unseen(f"git cannot read {name}", "it is damaged", "git fsck")
                if header.endswith((b" missing\n", b" ambiguous\n", b" submodule\n")):
                    yield None
                    continue
                size = int(header.rpartition(b" ")[2])
                if self.most is not None and size > self.most:
                    self.left_out.add(name)
                    _pass_over(process.stdout, size + 1)
                    yield None
                    continue
                data = process.stdout.read(size + 1)
                if len(data) != size + 1:
                    raise Unseen(f"git cannot read {name}", "it is damaged", "git fsck")
                yield data[:-1]
        finally:
            process.kill()
            process.stdout.close()
            process.wait()

    @property
    def reader(self) -> "Reader":
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
        with _scratch() as said, _scratch() as asked:
            asked.write(input or b"")
            asked.seek(0)
            process = _spawn(
                self.command(*words),
                stdin=asked if input is not None else None,
                stdout=subprocess.PIPE,
                stderr=said,
                env=self.environment(env),
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


class Reader:
    """`git cat-file --batch`, kept running: objects by name, in one process."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = _spawn(
            self._repo.command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._repo.environment(),
        )
        _widen(process.stdout)
        return process

    def read(self, name: str) -> bytes | None:
        """The content of an object (`oid`, `commit:path`); None where it is missing."""
        if "\n" in name:  # a line is a question here; such a name is asked for by itself
            done = self._repo.call("cat-file", "-p", name, check=False)
            return done.stdout if done.returncode == 0 else None
        found = self.find(name)
        return found.data if found is not None else None

    def find(self, name: str) -> Object | None:
        """The object that a name of one line stands for now; None where there is none."""
        return next(self.find_many([name]))

    def find_many(self, names: Sequence[str]) -> Iterator[Object | None]:
        """Several objects, in order; asked for ahead, so that git works while we do."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        step = 64  # two steps on their way keep git busy, and are too few to fill up both pipes
        batches = [names[start : start + step] for start in range(0, len(names), step)]
        for place, batch in enumerate(batches):
            try:
                for asked in batches[:2] if place == 0 else batches[place + 1 : place + 2]:
                    stdin.write("".join(f"{name}\n" for name in asked).encode(errors="surrogateescape"))
                stdin.flush()
            except BrokenPipeError:
                pass  # it is told below, where the answer does not come
            for name in batch:
                header = stdout.readline()
                if not header:  # it died of the question
                    self._process.kill()
                    self.close()
                    self._process = self._started()
                    why = "it is damaged, or this is a partial clone whose remote cannot be reached"
                    raise Unseen(f"git cannot read {name.removesuffix('^{commit}')}", why, "git fetch, or git fsck")
                if header.endswith((b" missing\n", b" ambiguous\n", b" submodule\n")):
                    yield None
                    continue
                oid, kind, size = header.decode().split(" ")
                if self._repo.most is not None and int(size) > self._repo.most:
                    self._repo.left_out.add(oid)
                    _pass_over(stdout, int(size) + 1)
                    yield None
                    continue
                data = stdout.read(int(size))
                if stdout.read(1) != b"\n":
                    raise GuardError("git", f"object {name} cannot be read whole", "", "git fsck")
                yield Object(oid, kind, data)

    def close(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except BrokenPipeError:  # questions were still on their way to a process that is dead
                pass
        self._process.wait()


def _scratch() -> IO[bytes]:
    """A file for what one process leaves to another: in memory where the system can, which is there much sooner."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("guard"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _pass_over(pipe: IO[bytes], size: int) -> None:
    """Read bytes and keep none."""
    while size > 0 and (chunk := pipe.read(min(size, 1 << 20))):
        size -= len(chunk)


def parse_commit(name: str, data: bytes) -> Commit:
    """A commit object, read."""
    head, _, message = data.decode(errors="surrogateescape").partition("\n\n")
    tree, parents, time, author = "", [], 0, ""
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key == "author":
            author = value.rpartition(">")[0] + ">"
        elif key == "committer":
            match = _COMMITTER.search(value)
            time = int(match[1]) if match else 0  # other tools have written worse
    return Commit(name, tree, tuple(parents), time, message, author)


def parse_tree(data: bytes, hash_name: str) -> set[str]:
    """The names of files and folders in a tree object; a submodule is neither."""
    names = set()
    at, id_length = 0, 32 if hash_name == "sha256" else 20
    while at < len(data):
        end = data.index(b"\0", at)
        if not data.startswith(b"160000 ", at):
            names.add(data[data.index(b" ", at) + 1 : end].decode(errors="surrogateescape"))
        at = end + 1 + id_length
    return names


def parse_raw(out: str) -> list[Change]:
    """The changes in `--raw -z` output."""
    fields = out.split("\0")[:-1]
    changes = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old, new, status = head.lstrip(":").split(" ")
        changes.append(Change(old_mode, new_mode, old, new, status, path))
    return changes


def _last(said: bytes) -> str:
    """The last line of what git said, where it is not only that there is no repository."""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines and "not a git repository" not in lines[-1] else ""


def _spawn(words: list[str], *, apart: bool = False, **more: Any) -> "subprocess.Popen[bytes]":
    """Start git, `apart` in a session of its own.

    Where it is to be shielded it does not hear of Ctrl-C or of a terminal that is closed from its first moment on:
    what is blocked here stays blocked in what is started.
    """
    if not Repo.shielded:
        return subprocess.Popen(words, start_new_session=apart, **more)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        return subprocess.Popen(words, start_new_session=True, **more)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _asked() -> bool:
    """Whether there is a terminal on which somebody may be asked for a password; a session of its own has none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _silent(process: "subprocess.Popen[bytes]", word: str, patience: float) -> GuardError:
    """End a git whose other side says nothing, and with it what it had started (ssh and the like), where that is in a
    session of its own; elsewhere such a one may outlive it for a while, and holds up nobody.
    """
    own = os.getpgid(process.pid) == process.pid
    for kind in (signal.SIGTERM, signal.SIGKILL):  # asked first, git takes its locks away
        with contextlib.suppress(ProcessLookupError):
            if own:
                os.killpg(process.pid, kind)
            else:
                process.send_signal(kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
    return GuardError(
        "network",
        f"`git {word}` was given up: the other side has said nothing for {patience:g} s",
        "a machine that hangs must not hold up this one; what was to be sent is still here",
        "run the command again; [repository] timeout in guard.toml says how long to wait",
    )


_PROGRESS = re.compile(rb"(remote: +)?([A-Z][a-z]+[a-z ]*: +\d+(%|,|\Z)|Total \d+ |Delta compression using)")


def _without_progress(said: bytes) -> bytes:
    """What git said, without the lines that tell how far it was."""
    lines = re.split(rb"[\r\n]+", said)
    return b"".join(line.rstrip() + b"\n" for line in lines if line.strip() and not _PROGRESS.match(line))


def failure(words: Iterable[str], code: int, said: str) -> GuardError:
    """The error for a git command that failed."""
    command = " ".join(["git", *words][:6])
    lines = [line for line in said.strip().splitlines() if line]
    return GuardError("git", f"`{command}` failed (exit {code})", "; ".join(lines[-3:]), "")


class NewCommit(NamedTuple):
    """A commit to be written: what it says, and the files in which it differs from its parent.

    `files` maps a path to its content, or to None to take it away. `time` is seconds since 1970, +0000.
    """

    parent: str | None
    author: str
    time: int
    message: str
    files: Mapping[str, bytes | None]


class Importer:
    """`git fast-import`, running: writes objects without touching any index, work tree or branch.

    Contents may be handed over while others are still being made, so that git compresses them meanwhile.
    """

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._marks: dict[str, tuple[bytes, int]] = {}
        self._handed = 1  # mark 1 is the commit's
        import tempfile  # here, as above

        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        """git, started when there is something to write."""
        if self._running is None:
            self._running = _spawn(
                self._repo.command("fast-import", "--quiet", "--force", "--done", "--date-format=raw", "--depth=0"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=self._repo.environment(),
            )
            _widen(self._running.stdin)
        return self._running

    def add(self, path: str, data: bytes) -> None:
        """Hand over a file's content; the last one of a path counts."""
        self._handed += 1
        self._marks[path] = (data, self._handed)
        self._write(b"blob\nmark :%d\ndata %d\n" % (self._handed, len(data)), data, b"\n")

    def commit(self, new: NewCommit, ref: str) -> str:
        """Write the commit and move `ref` to it; returns its name, the same on every machine for the same `new`."""
        who = f"{new.author} {new.time} +0000"
        message = new.message.encode(errors="surrogateescape")
        head = f"commit {ref}\nmark :1\nauthor {who}\ncommitter {who}\ndata {len(message)}\n"
        for path, data in new.files.items():
            if data is not None and self._marks.get(path, (None, 0))[0] != data:
                self.add(path, data)
        if new.parent is None:
            self._repo.call("update-ref", "-d", ref, check=False)  # else it would go on from what the ref holds
        self._write(head.encode(), message, b"\n", f"from {new.parent}\n".encode() if new.parent else b"")
        for path, data in sorted(new.files.items()):
            if data is None:
                self._write(b"D %s\n" % _quoted(path))
            else:
                self._write(b"M 100644 :%d %s\n" % (self._marks[path][1], _quoted(path)))
        self._write(b"get-mark :1\ndone\n")
        out, _ = self._process.communicate()
        oid = out.decode().strip()
        # Another merge in this clone may hold the ref's lock: the commit is written all the same.
        if not oid or (self._process.returncode != 0 and self._repo.resolve(oid) is None):
            raise self._failure()
        return oid

    def stop(self) -> None:
        """Give up: no ref moves, and what was handed over is nobody's."""
        if self._running is not None and self._running.poll() is None:
            self._running.kill()
            self._running.communicate()
        self._said.close()

    def _write(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        try:
            for part in parts:
                self._process.stdin.write(part)
        except BrokenPipeError:
            self._process.communicate()
            raise self._failure() from None

    def _failure(self) -> GuardError:
        self._said.seek(0)
        said = self._said.read().decode(errors="replace")
        return failure(["fast-import"], self._process.returncode, said)


def write_commit(repo: Repo, new: NewCommit, ref: str) -> str:
    """Write a commit's objects, and move `ref` to it; returns its name."""
    importer = Importer(repo)
    try:
        return importer.commit(new, ref)
    finally:
        importer.stop()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold a mebibyte where the system can: git works ahead in it while we work."""
    try:
        import fcntl

        if pipe is not None:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        pass  # another system, or this user has too many wide pipes already: slower, and no worse


def _quoted(path: str) -> bytes:
    data = path.encode(errors="surrogateescape")
    if b'"' not in data and b"\n" not in data and b"\\" not in data:
        return data
    return b'"%s"' % data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")


def blob_id(data: bytes, hash_name: str) -> str:
    """The name that git gives to a blob."""
    return object_id("blob", data, hash_name)


def object_id(kind: str, data: bytes, hash_name: str) -> str:
    """The name that git gives to an object."""
    import hashlib  # here, as above

    digest = hashlib.new(hash_name, b"%s %d\0" % (kind.encode(), len(data)))
    digest.update(data)
    return digest.hexdigest()
