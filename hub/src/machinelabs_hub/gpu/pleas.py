"""Whom a reservation asks for their GPUs: servers that run when it begins are not stopped. Pure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from machinelabs_hub.gpu.model import Claim, Gpu
from machinelabs_hub.gpu.policy import suits
from machinelabs_hub.gpu.turns import Kept
from machinelabs_hub.plans.model import Notice

KIND = "reserved"
_LETTERS = 32


def pleas(
    kept: Iterable[Kept], *, devices: Collection[Gpu], claims: Sequence[Claim], now: datetime
) -> dict[str, Notice]:
    """Return what the holders of GPUs that reservations wait for are told, by the notice's id.

    Of those who hold such GPUs, and are nobody's slot themselves, the ones who hold them longest
    are told, and no more of them than it takes.
    """
    found: dict[str, Notice] = {}
    asked: set[str] = set()
    for one in kept:
        suiting = {gpu.uuid for gpu in devices if suits(one.slots.want, gpu)}
        needed = len(one.awaited)
        for claim in _holders(claims, suiting):
            if needed <= 0:
                break
            if claim.id in asked:
                continue
            asked.add(claim.id)
            needed -= len(suiting.intersection(claim.uuids))
            notice = _notice(one, claim, now)
            found[notice.id] = notice
    return found


def _holders(claims: Sequence[Claim], devices: set[str]) -> Iterator[Claim]:
    for claim in sorted(claims, key=lambda claim: (claim.granted_at, claim.id)):
        if not claim.reservation and devices.intersection(claim.uuids):
            yield claim


def _notice(one: Kept, claim: Claim, now: datetime) -> Notice:
    row, begins = one.slots.row, one.slots.now.starts_at
    begun = "has begun" if begins <= now else f"begins at {_clock(begins, row.zone)}"
    return Notice(
        id=f"{row.id}-{claim.id}"[:_LETTERS],
        user=claim.holder.user,
        server=claim.holder.server,
        kind=KIND,
        sentence=f"{row.called} {begun} and needs the GPU of this server. It is not stopped for "
        "that: save your work and stop it as soon as you can.",
        at=now,
    )


def _clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M} ({zone.replace('_', ' ')})"
