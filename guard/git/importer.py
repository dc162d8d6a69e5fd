"""Writing commits with `git fast-import`: no index, no work tree and no branch is touched on the way."""

import subprocess
import tempfile
from collections.abc import Mapping
from typing import NamedTuple

from guard.errors import GuardError
from guard.git import Repo, failure
from guard.git.reader import widen


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
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        """git, started when there is something to write."""
        if self._running is None:
            words = ("fast-import", "--quiet", "--force", "--done", "--date-format=raw", "--depth=0")
            self._running = self._repo.start(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)
            widen(self._running.stdin)
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


def _quoted(path: str) -> bytes:
    data = path.encode(errors="surrogateescape")
    if b'"' not in data and b"\n" not in data and b"\\" not in data:
        return data
    return b'"%s"' % data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
