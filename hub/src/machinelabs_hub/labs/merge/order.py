"""In which order the cells of two states stand together."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from machinelabs_hub.labs.merge.align import rising

Key = int
"""Names a cell on all sides."""


def moved(base: Sequence[Key], side: Sequence[Key]) -> frozenset[Key]:
    """Return the cells that `side` moved: as few as explain its order."""
    places = {key: at for at, key in enumerate(base)}
    kept = [key for key in side if key in places]
    stayed = {kept[at] for at in rising([places[key] for key in kept])}
    return frozenset(key for key in kept if key not in stayed)


def merge_order(
    base: Sequence[Key], mine: Sequence[Key], theirs: Sequence[Key], *, kept: AbstractSet[Key]
) -> list[Key]:
    """Return the order of the `kept` cells: mine, with what they moved, added and held.

    What both put into one place stands one after the other, mine first.
    """
    chain = _Chain(key for key in mine if key in kept)
    own_moves, their_moves = moved(base, mine), moved(base, theirs)
    new = set(mine) - set(base) - set(theirs)
    before: Key | None = None
    for key in theirs:
        if key not in kept:
            continue
        if key in chain and (key in own_moves or key not in their_moves):
            before = key
            continue
        if key in chain:
            chain.remove(key)
        before = chain.put(key, after=before, past=new)
    return list(chain)


class _Chain:
    """Keys in an order into which one can put more at any place."""

    def __init__(self, keys: Iterator[Key]) -> None:
        self._next: dict[Key | None, Key | None] = {None: None}
        self._back: dict[Key | None, Key | None] = {None: None}
        for key in keys:
            self._link(self._back[None], key, None)

    def __contains__(self, key: Key) -> bool:
        return key in self._next

    def __iter__(self) -> Iterator[Key]:
        key = self._next[None]
        while key is not None:
            yield key
            key = self._next[key]

    def put(self, key: Key, *, after: Key | None, past: AbstractSet[Key]) -> Key:
        """Put `key` behind `after` (None: the beginning) and behind what of `past` follows it."""
        behind = self._next[after]
        while behind is not None and behind in past:
            after, behind = behind, self._next[behind]
        self._link(after, key, behind)
        return key

    def remove(self, key: Key) -> None:
        """Take `key` out."""
        before, behind = self._back.pop(key), self._next.pop(key)
        self._next[before], self._back[behind] = behind, before

    def _link(self, before: Key | None, key: Key, behind: Key | None) -> None:
        self._next[before] = self._back[behind] = key
        self._back[key], self._next[key] = before, behind
