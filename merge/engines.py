"""Every engine that ever wrote a merge commit, by the number in the commit's trailer: none is ever taken out.

A merge is made with the newest and recomputed with its own. So a guard that is upgraded still verifies every old merge.
`docs/merge.md` says how an engine is added.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from merge.delta import Conforms, Entry
from merge.fold import Outcome, fold
from merge.laws import Laws


class Engine(Protocol):
    """What `merge.fold.fold` is."""

    def __call__(
        self,
        files: Mapping[str, bytes],
        entries: Iterable[Entry],
        laws: Laws,
        conforms: Conforms,
        close: int | None = None,
        into: dict[str, bytes] | None = None,
    ) -> Outcome:
        """Merge the entries into the files."""


ENGINES: dict[int, Engine] = {1: fold}
"""Number -> fold. The newest is `merge.ENGINE`; what each of them makes stands under `tests/data/engines`."""
