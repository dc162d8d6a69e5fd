"""What guard.toml may ask for: the frozen `Policy`, and the globs by which it names paths.

The rest of what concerns guard.toml stands beside it:

- `policy_file` reads the file: every key, and what it becomes in a `Policy`;
- `policy_table` reads one table of it, key by key;
- `policy_values` judges each value by itself;
- `policy_checks` judges values against each other, which alone is beyond `schemas/policy.schema.json`;
- `policy_problems` words what is wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from merge.laws import DEFAULT as LAWS
from merge.laws import CountLaw, Laws

FILE = "guard.toml"

Kind = Literal["rows", "sections", "files"]
"""How an append-only file grows: row by row, section by section, or as a file that is created and extended."""

Way = Literal["refs", "branch"]
"""How deltas get to the hub."""


@dataclass(frozen=True)
class Count:
    """A number that stands in a file, and what it counts.

    It stands at `pointer` of a JSON file, or is the first group of `pattern` in a text. It is the `value`, `length` or
    `sum` (that is `how`) of `source`, `<file>#<pointer>`; or how many `files` there are; or how often `matches` is
    found in them. One that is `optional` need not be there.
    """

    file: str
    pointer: str = ""
    pattern: str = ""
    how: str = ""
    source: str = ""
    files: str = ""
    matches: str = ""
    optional: bool = False

    def concerns(self, path: str) -> bool:
        """Whether a change of `path` can make the number right or wrong."""
        if path in (self.file, self.source.partition("#")[0]):
            return True
        return bool(self.files) and matcher((self.files,)).match(path) is not None

    def law(self) -> CountLaw | None:
        """How a merge counts it anew; None for what no merge can: texts, and files that are not JSON."""
        file, _, pointer = self.source.partition("#")
        if not (self.pointer and pointer):
            return None
        return CountLaw(self.file, keys(self.pointer), self.how, file, keys(pointer))  # type: ignore[arg-type]


def keys(pointer: str) -> tuple[str, ...]:
    """The keys of a JSON pointer (RFC 6901)."""
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:])


COUNTS = (
    Count("state/agents.json", "/_meta/count", how="length", source="state/agents.json#/agents", optional=True),
    Count("state/stats.json", "/total_agents", how="length", source="state/agents.json#/agents", optional=True),
    Count("state/stats.json", "/total_channels", how="length", source="state/channels.json#/channels", optional=True),
)
"""The counts that are declared where guard.toml declares none."""


@dataclass(frozen=True)
class Policy:
    """What a repository asks of guard. The defaults here are those of an absent guard.toml.

    Paths are as git spells them, relative to the top and with slashes. In a glob `*` and `?` stay within one part of
    a path and `**`, which is a part of its own, stands for parts at any depth.
    """

    branch: str = "main"
    remote: str = "origin"
    refs: str = "refs/guard/"
    """Under which name the remote keeps what guard's own refs hold: for hosts that take branches alone."""
    timeout: int = 120
    """A fetch or push that says nothing for so many seconds is given up."""
    canonical: tuple[str, ...] = ("state/*.json", "state/frames/**", "state/posts/**", "state/registers/**")
    """Globs of what only a merge may change."""
    canonical_except: tuple[str, ...] = ("state/stream_assignments.json",)
    inbox: str = "state/stream_deltas/"
    """The folder of the deltas, with its final slash."""
    append_rows: tuple[str, ...] = ("tasks/SWARM-LANES.md", "memory/INDEX.md")
    append_sections: tuple[str, ...] = ("tasks/NEXT.md",)
    append_files: tuple[str, ...] = ("memory/lessons/*.md",)
    roster: str = "state/stream_assignments.json"
    """The file that lists a frame's expected streams."""
    baseline: str | None = None
    """The commit from which on canonical state is protected, or zeros; None where nothing was adopted yet."""
    from_beginning: bool = False
    """Whether deltas from before the baseline are merged too."""
    keep_frames: int = 7
    """Merged deltas of this many newest frames stay in the inbox."""
    author: str = "guard merge <merge@guard.invalid>"
    signers: str = ""
    """The file of the SSH keys that may sign merges; empty where merges need no signature."""
    prefix: bool = True
    """Whether a subject must say `[S<N>] what: why`."""
    exempt_authors: tuple[str, ...] = ()
    """Authors, as `Name <mail>`, whose subjects need no prefix: bots."""
    most_deletions: int = 20
    """A commit that deletes more files than this is a mass deletion."""
    deletion_folder: int = 10
    """In a folder of so many files or more, deleting more than half of them is one too."""
    never_allow: tuple[str, ...] = ()
    """Codes that GUARD_ALLOW may not let pass."""
    strict: bool = False
    """Whether bulk staging, and what throws uncommitted work away, are refused at the moment they are asked for."""
    shell_target: str = "bash3.2"
    """The oldest bash that scripts must run on, as `bash<major>.<minor>`."""
    shell_macos: str = "12"
    """The oldest macOS whose commands scripts must do with, as `<major>` or `<major>.<minor>`."""
    deliver_by: Way = "refs"
    """How deltas get to the hub: each by a ref of its own, or as files in a commit on the state branch."""
    copy: tuple[str, ...] = ()
    """Globs of files that are not committed, or not as they are here, and that every new work tree is to have."""
    counts: tuple[Count, ...] = COUNTS
    lease_minutes: int = 120
    """So long a claim holds without a sign of life from its session."""
    lease_tolerance: int = 2
    """So many minutes the clocks of two machines may differ: a lease is taken over only that long after its end."""
    board: str = "tasks/SWARM-LANES.md"
    """The table in which lanes are visible to everybody."""
    notes: str = "tasks/NEXT.md"
    """What sessions leave to those who come after them."""
    sessions: str = "memory/INDEX.md"
    """The file with a row for every session that ended."""
    lessons: str = "memory/lessons/"
    """The folder of the lessons, one file each, with its final slash."""
    laws: Laws = LAWS

    def is_canonical(self, path: str) -> bool:
        """Whether only a merge may change `path`. The inbox, the roster and guard.toml never are canonical."""
        return self._canonical.match(path) is not None

    def in_inbox(self, path: str) -> bool:
        """Whether `path` lies below the inbox."""
        return path.startswith(self.inbox)

    def append_only(self, path: str) -> Kind | None:
        """How `path` grows if it is append-only, else None; where several globs match: rows, sections, files.

        An archive (`archive_of`) grows as the file does whose rows or sections are moved there.
        """
        return next((kind for kind, globs in self._append_only if globs.match(path)), None)

    def append_globs(self) -> dict[Kind, tuple[str, ...]]:
        """The globs of what is append-only, by how it grows; those of archives stand last."""
        rows, sections = (
            (*globs, *(archive_of(glob) for glob in globs if not glob.endswith("**")))  # ** names its archives itself
            for globs in (self.append_rows, self.append_sections)
        )
        return {"rows": rows, "sections": sections, "files": self.append_files}

    @cached_property
    def _canonical(self) -> re.Pattern[str]:
        never = _alternatives((*self.canonical_except, self.roster, FILE, f"{self.inbox}**"))
        return re.compile(f"(?!{never})" + _alternatives(self.canonical))

    @cached_property
    def _append_only(self) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
        asked: dict[Kind, tuple[str, ...]] = {
            "rows": self.append_rows,
            "sections": self.append_sections,
            "files": self.append_files,
        }
        kinds = [*asked.items(), *self.append_globs().items()]  # what was asked for goes before what follows from it
        return tuple((kind, matcher(globs)) for kind, globs in kinds)


def archive_of(path: str) -> str:
    """Where what is old in a file that grows by rows or sections is moved to: its name in `archive/` beside it."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}archive/{name}"


def parse(data: bytes | None) -> Policy:
    """The policy that guard.toml states; None is the absent file.

    Raises `GuardError` of kind `policy` that names every problem with its key path.
    """
    if data is None:
        return Policy()
    from guard.policy_file import read  # here: it imports this module

    return read(data)


# --- globs -----------------------------------------------------------------------------------------------------


def matcher(globs: Iterable[str]) -> re.Pattern[str]:
    """One pattern for several globs; its `match` is not None exactly for the paths that one of them names."""
    return re.compile(_alternatives(globs))


def _alternatives(globs: Iterable[str]) -> str:
    patterns = "|".join(map(_pattern, globs))
    return rf"(?:{patterns or '(?!)'})\Z"  # an empty alternation would match the empty path


def _pattern(glob: str) -> str:
    """The first fit of what stands between two `**` will do, as between two stars: so none is ever tried again."""
    runs: list[list[str]] = [[]]
    for part in glob.split("/"):
        if part != "**":
            runs[-1].append(_part(part))
        elif runs[-1] or len(runs) == 1:  # of several in a row one is enough
            runs.append([])
    first, *others = runs
    if not others:
        return "/".join(first)
    *middle, last = others
    above = "".join(f"{part}/" for part in first)
    above += "".join(f"(?>(?:[^/]+/)*?{'/'.join(run)}/)" for run in middle)
    return above + (f"(?:[^/]+/)*{'/'.join(last)}" if last else "(?s:.+)")


def _part(part: str) -> str:
    """A part of a path. The first fit of what stands between two stars will do, so none is ever tried again."""
    first, *others = ("".join("[^/]" if c == "?" else re.escape(c) for c in piece) for piece in part.split("*"))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle) + f"[^/]*{last}"


def shell_pattern(glob: str) -> str:
    """A glob as a pattern of sh's `case`, where `*` crosses slashes: it may name more, never less.

    `?` is a byte to some shells and `**/` may be nothing, so both become `*`; of many, which some shells take forever
    to fit, the first and last are enough.
    """
    pieces = re.split(r"\*\*/|\*|\?", glob)
    inner = [piece for piece in pieces[1:-1] if piece]
    kept = [pieces[0], *(inner if len(inner) < 3 else []), pieces[-1]] if len(pieces) > 1 else pieces
    return "*".join("'" + piece.replace("'", "'\\''") + "'" if piece else "" for piece in kept)


def pathspec(glob: str) -> str:
    """A glob as git takes it: it may name more, never less. To git `?` is a byte, and a letter may have several."""
    return f":(top,glob){glob.replace('?', '*')}"


def sample_of(glob: str) -> str:
    """A path that a glob names; the glob itself where it is a plain path."""
    return glob.replace("**", "x").replace("*", "x").replace("?", "x")


def beginning_of(glob: str) -> str:
    """What every path that a glob names begins with: its folders up to the first that is a pattern; all of a path."""
    head = re.split(r"[*?]", glob, maxsplit=1)[0]
    return head if head == glob else head[: head.rfind("/") + 1]


def is_plain(glob: str) -> bool:
    """Whether a glob is a plain path."""
    return glob == sample_of(glob)
