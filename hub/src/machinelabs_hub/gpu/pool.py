"""What is left of each device, kept in order, so that a choice need not look at all of them."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice

from machinelabs_hub.gpu.model import Claim, Gpu, Want
from machinelabs_hub.gpu.policy import NOTHING, WHOLE, suits, usable

Entry = tuple[Fraction, int, str]
"""What is left of a device, its memory, its uuid: the order in which devices are chosen."""


class Pool:
    """The usable devices and what is left of them. `fit` gives what `policy.choose` gives."""

    def __init__(self, devices: Iterable[Gpu], claims: Iterable[Claim] = ()) -> None:
        self.devices = {gpu.uuid: gpu for gpu in usable(devices)}
        self._left = dict.fromkeys(self.devices, WHOLE)
        self._rooms: dict[str, dict[str, list[Entry]]] = {}
        self._tried: list[tuple[str, Fraction]] | None = None
        for gpu in self.devices.values():
            rooms = self._rooms.setdefault(gpu.profile, {})
            rooms.setdefault(gpu.node, []).append((WHOLE, gpu.memory_mib, gpu.uuid))
        for rooms in self._rooms.values():
            for room in rooms.values():
                room.sort()
        for claim in claims:
            self.take(claim.uuids, Fraction(1, claim.share))

    def left(self, uuid: str) -> Fraction:
        """Return how much of a device is left; nothing of one that is not usable."""
        return max(NOTHING, self._left.get(uuid, NOTHING))

    def take(self, uuids: Iterable[str], part: Fraction) -> None:
        """Note that `part` of each of these is held. Devices that are not usable do not count."""
        for uuid in uuids:
            if uuid in self._left:
                self._move(self.devices[uuid], self._left[uuid] - part)

    def give(self, uuids: Iterable[str], part: Fraction) -> None:
        """Note that `part` of each of these is held no more."""
        self.take(uuids, -part)

    def block(self, uuids: Iterable[str]) -> None:
        """Note that nobody else lands on these: they come last wherever devices are looked for."""
        self.take(uuids, WHOLE)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Forget at the end of the block what was noted in it."""
        self._tried = []
        try:
            yield
        finally:
            tried, self._tried = self._tried, None
            for uuid, left in reversed(tried):
                self._move(self.devices[uuid], left)

    def fit(self, want: Want) -> tuple[str, ...] | None:
        """Return the uuids of the devices that serve `want` now, or None."""
        best: list[Entry] | None = None
        for room in self._rooms.get(want.profile, {}).values():
            picked = _pick(room, want)
            if picked and (best is None or picked < best):
                best = picked
        return tuple(uuid for _, _, uuid in best) if best else None

    def nearest(self, want: Want) -> tuple[str, ...]:
        """Return the devices of one node that will serve `want` soonest: the emptiest ones.

        Empty where no node has enough devices that suit.
        """
        best: tuple[Fraction, tuple[str, ...]] | None = None
        for room in self._rooms.get(want.profile, {}).values():
            picked = list(_emptiest(room, want))
            total = sum((left for left, _, _ in picked), NOTHING)
            if len(picked) == want.count and (best is None or total > best[0]):
                best = total, tuple(uuid for _, _, uuid in picked)
        return best[1] if best else ()

    def suitable(self, want: Want) -> list[Gpu]:
        """Return the usable devices that `want` asks for, free or not."""
        return [gpu for gpu in self.devices.values() if suits(want, gpu)]

    def _move(self, gpu: Gpu, left: Fraction) -> None:
        if self._tried is not None:
            self._tried.append((gpu.uuid, self._left[gpu.uuid]))
        room = self._rooms[gpu.profile][gpu.node]
        del room[bisect_left(room, (self._left[gpu.uuid], gpu.memory_mib, gpu.uuid))]
        insort(room, (left, gpu.memory_mib, gpu.uuid))
        self._left[gpu.uuid] = left


def _pick(room: list[Entry], want: Want) -> list[Entry] | None:
    picked = []
    for entry in islice(room, bisect_left(room, (want.part, 0, "")), None):
        if entry[1] >= want.memory_mib * want.share:
            picked.append(entry)
            if len(picked) == want.count:
                return picked
    return None


def _emptiest(room: list[Entry], want: Want) -> Iterator[Entry]:
    found = 0
    for entry in reversed(room):
        if found == want.count:
            return
        if entry[1] >= want.memory_mib * want.share:
            found += 1
            yield entry
