"""Every engine that ever wrote a merge commit, by the number in the commit's trailer: none is ever taken out.

A merge is made with the newest and recomputed with its own. So a guard that is upgraded still verifies every old merge.
`docs/merge.md` says how an engine is added.
"""

from merge.fold import fold

ENGINES = {1: fold}
"""Number -> fold. The newest is `merge.ENGINE`; what each of them makes stands under `tests/data/engines`."""
