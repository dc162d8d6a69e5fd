"""What is about to change, or has changed: the one thing that rules look at.

An index, a commit, a message, a file on disk: each becomes a `Change`, so that no two places can judge differently.
This module and all that rules import at their top are loaded at every commit, so they import nothing costly.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Protocol

    class Old(Protocol):
        """How a file's bytes before the change are read."""

        def __call__(self, path: str, side: int = 0, /) -> bytes | None:
            """The bytes at a parent, None where the file is not there."""

    from guard.finding import Finding

NONE = "000000"
"""The mode of a path that is not there."""


class File:
    """One path that differs: modes in octal, `000000` where it is not there, and the names of the two blobs.

    `side` says which parent's file is the old one: 0 for the first.
    """

    __slots__ = ("new", "new_mode", "old", "old_mode", "path", "side")

    def __init__(self, path: str, old_mode: str, new_mode: str, old: str, new: str, side: int = 0) -> None:
        self.path = path
        self.old_mode = old_mode
        self.new_mode = new_mode
        self.old = old
        self.new = new
        self.side = side

    @property
    def plain(self) -> bool:
        """Whether there is a regular file at the path now: neither gone, nor a symlink, nor a submodule."""
        return self.new_mode.startswith("100")

    @property
    def added(self) -> bool:
        """Whether the path is new."""
        return self.old_mode == NONE

    @property
    def deleted(self) -> bool:
        """Whether the path goes."""
        return self.new_mode == NONE


class Bulk:
    """How an index was written in bulk: the command, and whether the whole tree or only folders were named."""

    __slots__ = ("command", "folders")

    def __init__(self, command: str, folders: "Sequence[str]" = ()) -> None:
        self.command = command
        self.folders = tuple(folders)


class Held:
    """A lane that a session holds: its paths are `scope`, a list of globs; `ends` is when its lease does, in UTC."""

    __slots__ = ("ends", "name", "scope", "session")

    def __init__(self, name: str, session: str, scope: "Sequence[str]", ends: str = "") -> None:
        self.name = name
        self.session = session
        self.scope = tuple(scope)
        self.ends = ends


def _nothing(_name: str, _side: int = 0) -> None:
    return None


def _nowhere(_folder: str) -> "list[str]":
    return []


class Change:
    """A change, and a way to look at what surrounds it.

    - `files`: what differs from the parent, or from HEAD; where several parents are joined, what differs from all of
      them, and what one of them changed and the join does not have, with that parent's side as the old one;
    - `read(blob)`: a blob's bytes, None where this clone does not have it;
    - `old(path, side)`, `new(path)`: a file's bytes before, at a parent (the first), and after, None where it is not
      there;
    - `listing(folder)`: every path below a folder ("" for all) before the change; `listed` likewise after it;
    - `commit`: the commit that is judged, "" where it is not made yet;
    - `message`: the commit message; None where there is none yet;
    - `foreign()`: canonical path -> why its bytes are not those of a merge or a restore ("" as path: of the commit);
    - `unseen()`: likewise, where this clone lacks what it takes to tell;
    - `recorded(file)`: whether a delta that goes, or what it was, is in a page;
    - `counter`: the newest closed frame, None where nothing says it; `instant`: seconds since 1970, None for any;
    - `bulk`: how the index was written, where that was in bulk; `command`: what was asked of git, as words;
    - `computed`: the commit was made again from its parent and the deltas, byte for byte;
    - `session`: whose it is, "" where nobody says; `lanes()`: what sessions hold now, as last heard of;
    - `elsewhere(file)`: where a new file stands already with other content, in words, "" for nowhere;
    - `undoes(file)`: whose change it silently takes back, in words, "" for nobody's;
    - `parents`: how many there are, or will be;
    - `named`: files that were asked about although they do not differ;
    - `let_pass`: what the judge found and let pass: a comment in the file says why, or it refuses nothing.
    """

    @property
    def allowances(self) -> "list[tuple[str, str]]":
        """(code, reason) of what the message's own trailers let pass; one without a reason counts for nothing."""
        lines = (self.message or "").split("\n")
        said = [line.removeprefix("Guard-Allow:").strip() for line in lines if line.startswith("Guard-Allow:")]
        return [(words[0], words[1]) for each in said if len(words := each.split(None, 1)) == 2]

    def __init__(
        self,
        files: "Iterable[File]" = (),
        *,
        read: "Callable[[str], bytes | None]" = _nothing,
        old: "Old" = _nothing,
        new: "Callable[[str], bytes | None]" = _nothing,
        listing: "Callable[[str], list[str]]" = _nowhere,
        listed: "Callable[[str], list[str]]" = _nowhere,
        commit: str = "",
        message: "str | None" = None,
        author: str = "",
        foreign: "Callable[[], Mapping[str, str]]" = dict,
        unseen: "Callable[[], Mapping[str, str]]" = dict,
        recorded: "Callable[[File], bool]" = lambda _file: False,
        counter: "int | None" = None,
        instant: "float | None" = None,
        bulk: "Bulk | None" = None,
        command: "Sequence[str]" = (),
        computed: bool = False,
        parents: int = 1,
        session: str = "",
        lanes: "Callable[[], Sequence[Held]]" = tuple,
        elsewhere: "Callable[[File], str]" = lambda _file: "",
        undoes: "Callable[[File], str]" = lambda _file: "",
        named: "Iterable[File]" = (),
    ) -> None:
        self.files = tuple(files)
        self.read = read
        self.old = old
        self.new = new
        self.listing = listing
        self.listed = listed
        self.commit = commit
        self.message = message
        self.author = author
        self.foreign = foreign
        self.unseen = unseen
        self.recorded = recorded
        self.counter = counter
        self.instant = instant
        self.bulk = bulk
        self.command = tuple(command)
        self.computed = computed
        self.parents = parents
        self.session = session
        self.lanes = lanes
        self.elsewhere = elsewhere
        self.undoes = undoes
        self.named = tuple(named)
        self.let_pass: list[Finding] = []
