"""Where the contents of a range of commits are read: ahead, and never over the network where nobody asked for that."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from guard.git import Repo
from guard.git.reader import Reader


class Contents:
    """Where the contents of a range are read; `missing` are the blobs that were not there."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._ahead: Reader | None = None
        self._expected: Iterator[str] = iter(())
        self._coming: Iterator[bytes | None] = iter(())
        self._next: str | None = None
        self.missing: set[str] = set()

    def read(self, name: str) -> bytes | None:
        """A blob's bytes, by its id or as `<commit>:<path>`; None where it is not there."""
        if not name.strip("0"):
            return None
        if name == self._next:
            data = next(self._coming)
            self._next = next(self._expected, None)
        else:
            data = self._repo.reader.read(name)
        if data is None and ":" not in name:
            self.missing.add(name)
        return data

    def expect(self, names: Sequence[str]) -> None:
        """Say what will be read next, in this order: git works ahead on it, in a process of its own."""
        if self._ahead is not None and self._next is not None:  # it did not come to that, and the answers are not ours
            self.close()
        if self._ahead is None:
            self._ahead = Reader(self._repo)
        self._expected, self._coming = iter(names), (each and each.data for each in self._ahead.find_many(names))
        self._next = next(self._expected, None)

    def close(self) -> None:
        """End what was started."""
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = self._next = None


@contextmanager
def present(repo: Repo) -> Iterator[Contents]:
    """The contents that this clone has. In a partial clone git would fetch whatever it lacks, one by one."""
    asked = ("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$")
    if repo.call(*asked, check=False).returncode != 0:
        contents = Contents(repo)
        try:
            yield contents
        finally:
            contents.close()
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # a repository with the same objects that knows no remote
        repo.run("init", "-q", "--bare", f"--object-format={repo.hash}", "--template=", folder)
        objects = os.fspath((repo.common_dir / "objects").absolute())
        quoted = '"' + objects.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"\n'
        Path(folder, "objects", "info").mkdir(exist_ok=True)
        Path(folder, "objects", "info", "alternates").write_bytes(os.fsencode(quoted))
        beside = Repo(folder)
        contents = Contents(beside)
        try:
            yield contents
        finally:
            contents.close()
            beside.close()
