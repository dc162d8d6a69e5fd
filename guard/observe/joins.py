"""Commits that join several: what they answer for themselves, and what merely came from one of their parents."""

from collections import Counter
from collections.abc import Sequence

from guard.change import NONE, File
from guard.git import Repo
from guard.git.objects import EMPTY_TREE
from guard.git.objects import Change as Difference
from guard.observe import file_of


class Bases:
    """What each of several commits changed since it parted from the others, worked out where it is asked for."""

    def __init__(self, repo: Repo, names: Sequence[str], specs: Sequence[str] = ()) -> None:
        self._repo = repo
        self._names = names
        self._specs = specs

    def changed(self, place: int) -> set[str]:
        """The paths that a commit changed since it parted from the rest."""
        rest = [other for other in range(len(self._names)) if other != place]
        return self._since(place, rest, place)

    def between(self, place: int, other: int) -> set[str]:
        """The paths that another commit changed since the two parted."""
        return self._since(place, [other], other)

    def _since(self, place: int, rest: Sequence[int], side: int) -> set[str]:
        words = ("merge-base", self._names[place], *(self._names[other] for other in rest))
        base = self._repo.call(*words, check=False).stdout.decode().strip() or EMPTY_TREE[self._repo.hash]
        return {each.path for each in self._repo.changes(base, self._names[side], *self._specs)}


def answered(sides: Sequence[Sequence[Difference]], bases: Bases) -> list[File]:
    """What a join answers for: where it is like no parent, and what a parent changed and it does not have.

    `sides` are its differences from each parent. What merely came from one parent was judged where it was made.
    """
    held = Counter(each.path for side in sides for each in side)
    files: dict[tuple[str, str, str], File] = {}
    for place, side in enumerate(sides):
        theirs = [each for each in side if held[each.path] < len(sides) and each.old_mode != NONE]
        dropped = bases.changed(place) if theirs else set()
        for each in side:
            if held[each.path] == len(sides) or (each.old_mode != NONE and each.path in dropped):
                files.setdefault((each.path, each.old_mode, each.old), file_of(each, place))
    return list(files.values())
