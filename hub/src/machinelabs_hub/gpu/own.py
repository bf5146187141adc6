"""What one server holds, and what it does there: its claim held against a sample."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, ClaimRow
from machinelabs_hub.gpu.inventory import gpu_of
from machinelabs_hub.gpu.model import Gpu, Holder
from machinelabs_hub.gpu.sample import ProcessSample, Sample


@dataclass(frozen=True, slots=True)
class Own:
    """What a server holds."""

    flavour: str
    share: int
    """1: the whole of each card; n: 1/n of its memory."""
    since: datetime
    container: str
    """The engine's id; empty until there is one."""
    cards: tuple[Gpu, ...]


@dataclass(frozen=True, slots=True)
class CardUse:
    """What one container does on a card. None: the driver does not tell."""

    sm_percent: int | None
    memory_mib: int | None
    others_mib: int | None
    """What all others hold of it together; 0 where nobody else does."""


def own(sessions: SessionMaker, holder: Holder) -> Own | None:
    """Return what a server holds now, None if nothing."""
    with sessions() as db:
        claim = db.scalars(
            select(ClaimRow)
            .where(
                ClaimRow.user == holder.user,
                ClaimRow.server == holder.server,
                ClaimRow.ended_at.is_(None),
            )
            .order_by(ClaimRow.granted_at.desc())
        ).first()
        if claim is None:
            return None
        # By name, as a program in the container counts them.
        uuids = sorted(device.uuid for device in claim.devices)
        rows = {row.uuid: row for row in db.scalars(select(CardRow).where(CardRow.uuid.in_(uuids)))}
    return Own(
        flavour=claim.flavour,
        share=claim.share,
        since=claim.granted_at,
        container=claim.container,
        cards=tuple(gpu_of(rows[uuid]) for uuid in uuids if uuid in rows),
    )


def uses(held: Own, sample: Sample) -> dict[str, CardUse]:
    """Return what a server does on each of its cards that the sample tells of. Pure.

    Who else is there is told as a sum, and only of a card that is shared.
    """
    told = {card.uuid: card for card in sample.cards}
    container = sample.containers.get(held.container) if held.container else None
    mine = container.processes if container else ()
    found = {}
    for gpu in held.cards:
        card = told.get(gpu.uuid)
        if card is None or not sample.is_told:
            continue
        there = [row for row in mine if row.uuid == gpu.uuid]
        sm = _sum(row.sm_percent for row in there)
        memory = _sum(row.memory_mib for row in there)
        if held.share == 1:
            # All that it does is this server's: the card knows where it tells of no process.
            sm = card.sm_percent if sm is None else sm
            memory = card.memory_used_mib if memory is None else memory
            others: int | None = 0
        else:
            rows = _others(sample, held.container, gpu.uuid)
            others = _sum(row.memory_mib for row in rows)
        found[gpu.uuid] = CardUse(sm, memory, others)
    return found


def _others(sample: Sample, container: str, uuid: str) -> Iterable[ProcessSample]:
    for name, one in sample.containers.items():
        if name != container:
            yield from (row for row in one.processes if row.uuid == uuid)
    yield from (row for row in sample.others if row.uuid == uuid)


def _sum(figures: Iterable[int | None]) -> int | None:
    """Return the sum of what is told; None where there is something and none of it is told."""
    rows = tuple(figures)
    known = [row for row in rows if row is not None]
    return sum(known) if known or not rows else None
