"""Reading many objects: one `git cat-file --batch`, kept running or run once over a list."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from guard.errors import GuardError, Unseen
from guard.git.objects import Object

if TYPE_CHECKING:
    from guard.git import Repo


class Reader:
    """`git cat-file --batch`, kept running: objects by name, in one process."""

    def __init__(self, repo: "Repo") -> None:
        self._repo = repo
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = self._repo.start(
            "cat-file", "--batch", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        widen(process.stdout)
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


def contents(repo: "Repo", names: Sequence[str]) -> Iterator[bytes | None]:
    """The contents of many objects, in order, at git's own speed; None for what is missing or beyond `repo.most`."""
    if not names:
        return
    with scratch() as asked:
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        process = repo.start(
            "cat-file", "--batch", "--buffer", stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
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
            if repo.most is not None and size > repo.most:
                repo.left_out.add(name)
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


def scratch() -> IO[bytes]:
    """A file for what one process leaves to another: in memory where the system can, which is there much sooner."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("guard"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def _pass_over(pipe: IO[bytes], size: int) -> None:
    """Read bytes and keep none."""
    while size > 0 and (chunk := pipe.read(min(size, 1 << 20))):
        size -= len(chunk)


def widen(pipe: IO[bytes] | None) -> None:
    """Let a pipe hold a mebibyte where the system can: git works ahead in it while we work."""
    try:
        import fcntl

        if pipe is not None:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        pass  # another system, or this user has too many wide pipes already: slower, and no worse
