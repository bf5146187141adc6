"""Choose devices for a start. Pure functions; the ledger keeps the state."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

from machinelabs_hub.gpu.model import Claim, Gpu, Health, Room, Want

WHOLE = Fraction(1)
NOTHING = Fraction(0)


def usable(devices: Iterable[Gpu]) -> tuple[Gpu, ...]:
    """Return the devices that may be handed out: well, and not split into others."""
    rows = tuple(devices)
    split = {gpu.parent for gpu in rows if gpu.parent}
    return tuple(gpu for gpu in rows if gpu.health is Health.OK and gpu.uuid not in split)


def free(devices: Iterable[Gpu], claims: Iterable[Claim]) -> dict[str, Fraction]:
    """Return how much of each usable device nobody holds, by uuid, from 0 to 1."""
    left = {gpu.uuid: WHOLE for gpu in usable(devices)}
    for claim in claims:
        for uuid in claim.uuids:
            if uuid in left:
                left[uuid] = max(NOTHING, left[uuid] - Fraction(1, claim.share))
    return left


def suits(want: Want, gpu: Gpu) -> bool:
    """Return whether `gpu` is what `want` asks for, free or not."""
    return gpu.profile == want.profile and gpu.memory_mib >= want.memory_mib * want.share


def choose(want: Want, devices: Iterable[Gpu], claims: Iterable[Claim]) -> tuple[str, ...] | None:
    """Return the uuids of the devices that serve `want` now, or None if it has to wait.

    All are of one node. A share goes to the fullest device that has room for it, so that others
    stay whole; of equal ones the device with the least memory is taken.
    """
    rows = usable(devices)
    return fit(want, rows, free(rows, claims))


def fit(want: Want, devices: Iterable[Gpu], left: dict[str, Fraction]) -> tuple[str, ...] | None:
    """Return what `choose` returns, of usable devices and what is `left` of each."""
    fitting = [gpu for gpu in devices if suits(want, gpu) and left[gpu.uuid] >= want.part]
    rooms = [room for room in _by_node(fitting) if len(room) >= want.count]
    picked = [sorted(room, key=lambda gpu: _waste(gpu, left))[: want.count] for room in rooms]
    best = min(picked, key=lambda room: [_waste(gpu, left) for gpu in room], default=None)
    return tuple(gpu.uuid for gpu in best) if best else None


def room(want: Want, devices: Iterable[Gpu], claims: Iterable[Claim]) -> Room:
    """Return how many devices would do for `want`, and how many have room for it now."""
    rows = usable(devices)
    left = free(rows, claims)
    suitable = [gpu for gpu in rows if suits(want, gpu)]
    return Room(len(suitable), sum(1 for gpu in suitable if left[gpu.uuid] >= want.part))


def exists(want: Want, devices: Iterable[Gpu]) -> bool:
    """Return whether `want` could be served if nobody held anything and all devices were well."""
    rows = tuple(devices)
    split = {gpu.parent for gpu in rows if gpu.parent}
    suitable = [gpu for gpu in rows if suits(want, gpu) and gpu.uuid not in split]
    return any(len(room) >= want.count for room in _by_node(suitable))


def _waste(gpu: Gpu, left: dict[str, Fraction]) -> tuple[Fraction, int, str]:
    return left[gpu.uuid], gpu.memory_mib, gpu.uuid


def _by_node(devices: Iterable[Gpu]) -> Iterator[list[Gpu]]:
    rooms: dict[str, list[Gpu]] = {}
    for gpu in devices:
        rooms.setdefault(gpu.node, []).append(gpu)
    yield from rooms.values()
