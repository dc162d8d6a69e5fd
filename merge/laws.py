"""The laws of the merge as data: which list combines how, and which canonical file follows from it.

Each law is chosen so that its result depends only on the set of deltas: a union, a maximum, a sum over
things that are counted once. The defaults are a social network's; `guard.toml` may state others.
"""

from dataclasses import dataclass, field
from typing import Literal

ACTOR = ("author", "agent", "by")


@dataclass(frozen=True)
class ListLaw:
    """How the items of one list of the deltas combine within a frame's page.

    - `one-per-key`: one entry per key; differing reports of one key stand beside it as variants. An item
      without a key counts by equality: as often as the one delta that reports it most often.
    - `additive`: every item of every delta stays; `count` names the field that says how many it stands for.
    - `set`: the union, sorted.
    - `keep`: every item of every delta stays and nothing is counted.
    """

    name: str
    law: Literal["one-per-key", "additive", "set", "keep"]
    key: tuple[str, ...] = ()
    key_type: Literal["integer", "string"] = "string"
    count: str = ""
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    index: str = ""
    """Folder of the global index: with one, a key counts once in all frames, without one, once in each."""
    attributed: bool = False
    """Keep the delta's own list in the page's `extra` too, because the union does not say who reported what."""


@dataclass(frozen=True)
class MapLaw:
    """A canonical file with a map of records that deltas add to and count up."""

    file: str
    at: str
    role: str
    listed: tuple[str, ...] = ()
    """Set lists whose strings name records too."""
    counts: dict[str, str] = field(default_factory=dict)
    """Field of a record -> the list whose new (entry, role) pairs it counts."""
    last: str = ""
    """Field that holds the latest time of a delta that names the record."""
    name: str = ""
    """Field that repeats a new record's key."""


@dataclass(frozen=True)
class TotalsLaw:
    """A canonical file of totals. Only keys that the file has are kept up."""

    file: str
    adds: dict[str, str] = field(default_factory=dict)
    """Key -> the list whose new entries it counts."""
    recounts: dict[str, str] = field(default_factory=dict)
    """Key -> the file of the `MapLaw` whose records it counts."""
    last: str = ""


@dataclass(frozen=True)
class CountLaw:
    """A number in a canonical file that every merge counts anew: `value`, `length` or `sum` (that is `how`) of what
    stands at `source` of `of`. In the `source` of a sum, the key `*` stands for every member."""

    file: str
    at: tuple[str, ...]
    how: Literal["value", "length", "sum"]
    of: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class Laws:
    """Everything the fold needs to know of a repository."""

    lists: tuple[ListLaw, ...]
    maps: tuple[MapLaw, ...]
    totals: TotalsLaw
    counter: str
    """The file whose `frame` is the newest frame that was merged or closed."""
    pages: str
    registers: str
    editable: tuple[str, ...]
    """Globs of the files a delta's `set` may edit; `*` does not cross a slash."""
    not_editable: tuple[str, ...]
    counts: tuple[CountLaw, ...] = ()
    max_bytes: int = 16 * 1024 * 1024
    max_levels: int = 64

    def counted(self, name: str) -> set[str]:
        """The roles whose pairs (entry, player) of the list `name` some file counts."""
        return {law.role for law in self.maps if name in law.counts.values()}

    def managed(self, file: str) -> set[tuple[str, ...]]:
        """Paths of keys in `file` that a law writes; `*` stands for any one key. No `set` may touch them."""
        paths: set[tuple[str, ...]] = set()
        for law in self.maps:
            if law.file == file:
                own = {*law.counts, law.last, law.name} - {""}
                paths |= {(law.at, "*", key) for key in own} | {("_meta", "count"), ("_meta", "last_updated")}
        if self.totals.file == file:
            paths |= {(key,) for key in (*self.totals.adds, *self.totals.recounts, self.totals.last) if key}
        if self.counter == file:
            paths.add(("frame",))
        return paths


DEFAULT = Laws(
    lists=(
        ListLaw("agents_activated", "set"),
        ListLaw("discussions_engaged", "set"),
        ListLaw("soul_files_updated", "set", attributed=True),
        ListLaw(
            "posts_created",
            "one-per-key",
            key=("number",),
            key_type="integer",
            roles={"actor": ACTOR, "channel": ("channel",)},
            index="state/posts",
        ),
        ListLaw("comments_added", "one-per-key", key=("id", "comment_id"), roles={"actor": ACTOR}),
        ListLaw("reactions_added", "additive", count="count", roles={"actor": ACTOR}),
        ListLaw("observations", "keep"),
    ),
    maps=(
        MapLaw(
            "state/agents.json",
            "agents",
            role="actor",
            listed=("agents_activated",),
            counts={"post_count": "posts_created", "comment_count": "comments_added"},
            last="heartbeat_last",
        ),
        MapLaw("state/channels.json", "channels", role="channel", counts={"post_count": "posts_created"}, name="slug"),
    ),
    totals=TotalsLaw(
        "state/stats.json",
        adds={
            "total_posts": "posts_created",
            "total_comments": "comments_added",
            "total_reactions": "reactions_added",
        },
        recounts={"total_agents": "state/agents.json", "total_channels": "state/channels.json"},
        last="last_updated",
    ),
    counter="state/frame_counter.json",
    pages="state/frames",
    registers="state/registers",
    editable=("state/*.json",),
    not_editable=("state/stream_assignments.json",),
)
