"""What is left of each device, kept in order, so that a choice need not look at all of them."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from machinelabs_hub.gpu.model import Claim, Gpu, Want
from machinelabs_hub.gpu.policy import usable

_WHOLE = math.lcm(*range(1, 65))
"""A whole device in units of which every share is a round number: fractions are slow."""

Entry = tuple[int, int, str]
"""What is left of a device, its memory, its uuid: the order in which devices are chosen."""


class Pool:
    """The usable devices and what is left of them. `fit` gives what `policy.choose` gives."""

    def __init__(self, devices: Iterable[Gpu], claims: Iterable[Claim] = ()) -> None:
        self.devices = {gpu.uuid: gpu for gpu in usable(devices)}
        self._left = dict.fromkeys(self.devices, _WHOLE)
        self._tried: list[tuple[str, int]] | None = None
        self._all: dict[str, list[Entry]] = {}
        """By profile."""
        self._rooms: dict[str, dict[str, list[Entry]]] = {}
        """By profile and node."""
        for gpu in self.devices.values():
            entry = _WHOLE, gpu.memory_mib, gpu.uuid
            insort(self._all.setdefault(gpu.profile, []), entry)
            insort(self._rooms.setdefault(gpu.profile, {}).setdefault(gpu.node, []), entry)
        for claim in claims:
            self.take(claim.uuids, Fraction(1, claim.share))

    def left(self, uuid: str) -> Fraction:
        """Return how much of a device is left; nothing of one that is not usable."""
        return Fraction(max(0, self._left.get(uuid, 0)), _WHOLE)

    def take(self, uuids: Iterable[str], part: Fraction) -> None:
        """Note that `part` of each of these is held. Devices that are not usable do not count."""
        units = _units(part)
        for uuid in uuids:
            if uuid in self._left:
                self._set(uuid, self._left[uuid] - units)

    def reserve(self, uuids: Iterable[str], part: Fraction) -> None:
        """`take` and, where nothing is left then, `block`."""
        units = _units(part)
        for uuid in uuids:
            left = self._left[uuid] - units
            self._set(uuid, left if left > 0 else left - _WHOLE)

    def give(self, uuids: Iterable[str], part: Fraction) -> None:
        """Note that `part` of each of these is held no more."""
        self.take(uuids, -part)

    def block(self, uuids: Iterable[str]) -> None:
        """Note that nobody else lands on these: they come last wherever devices are looked for."""
        for uuid in uuids:
            self._set(uuid, self._left[uuid] - _WHOLE)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Forget at the end of the block what was noted in it."""
        self._tried = []
        try:
            yield
        finally:
            tried, self._tried = self._tried, None
            for uuid, left in reversed(tried):
                self._set(uuid, left)

    def fit(self, want: Want) -> tuple[str, ...] | None:
        """Return the uuids of the devices that serve `want` now, or None."""
        best: list[Entry] | None = None
        units = _units(want.part)
        for room in self._rooms_for(want):
            if len(room) < want.count or room[-want.count][0] < units:
                continue
            picked = _fullest(room, want, units)
            if picked and (best is None or picked < best):
                best = picked
        return tuple(uuid for _, _, uuid in best) if best else None

    def nearest(self, want: Want) -> tuple[str, ...]:
        """Return the devices of one node that will serve `want` soonest: the emptiest ones.

        Empty where no node has enough devices that suit.
        """
        best: tuple[int, list[Entry]] | None = None
        for room in self._rooms_for(want):
            if best and (len(room) < want.count or room[-1][0] * want.count <= best[0]):
                continue
            picked = _emptiest(room, want)
            total = sum(entry[0] for entry in picked)
            if len(picked) == want.count and (best is None or total > best[0]):
                best = total, picked
        return tuple(uuid for _, _, uuid in best[1]) if best else ()

    def _rooms_for(self, want: Want) -> Iterable[list[Entry]]:
        # A single device may be anywhere: there is no need to go from node to node.
        if want.count == 1:
            return (self._all.get(want.profile, []),)
        return self._rooms.get(want.profile, {}).values()

    def _set(self, uuid: str, left: int) -> None:
        gpu, before = self.devices[uuid], self._left[uuid]
        if self._tried is not None:
            self._tried.append((uuid, before))
        for row in (self._all[gpu.profile], self._rooms[gpu.profile][gpu.node]):
            del row[bisect_left(row, (before, gpu.memory_mib, uuid))]
            insort(row, (left, gpu.memory_mib, uuid))
        self._left[uuid] = left


def _units(part: Fraction) -> int:
    return _WHOLE * part.numerator // part.denominator


def _fullest(room: list[Entry], want: Want, units: int) -> list[Entry] | None:
    picked, memory = [], want.memory_mib * want.share
    for number in range(bisect_left(room, (units, 0, "")), len(room)):
        if room[number][1] >= memory:
            picked.append(room[number])
            if len(picked) == want.count:
                return picked
    return None


def _emptiest(room: list[Entry], want: Want) -> list[Entry]:
    picked: list[Entry] = []
    memory = want.memory_mib * want.share
    for entry in reversed(room):
        if entry[1] >= memory:
            picked.append(entry)
            if len(picked) == want.count:
                break
    return picked
