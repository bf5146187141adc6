"""Read the site's cards and who holds them, for those who only look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import CardRow, ClaimRow


@dataclass(frozen=True, slots=True)
class Held:
    """One server's part of a card."""

    user: str
    server: str
    flavour: str
    share: int
    """1: the whole of it; n: 1/n of its memory."""
    since: datetime
    opened_at: datetime | None
    """When somebody first used the server; None: not yet."""


@dataclass(frozen=True, slots=True)
class HeldCard:
    """A card or instance, as the Hub last wrote it, and who holds it."""

    row: CardRow
    holders: tuple[Held, ...]


def held_cards(sessions: SessionMaker) -> tuple[HeldCard, ...]:
    """Return all cards and instances, those of one card together."""
    with sessions() as db:
        cards = db.scalars(select(CardRow)).all()
        claims = db.scalars(select(ClaimRow).where(ClaimRow.ended_at.is_(None))).all()
    order = sorted(cards, key=lambda row: (row.node, row.parent or row.uuid, row.uuid))
    return tuple(HeldCard(row, tuple(_of(row.uuid, claims))) for row in order)


def _of(uuid: str, claims: Iterable[ClaimRow]) -> Iterable[Held]:
    for claim in claims:
        if any(device.uuid == uuid for device in claim.devices):
            yield Held(
                user=claim.user,
                server=claim.server,
                flavour=claim.flavour,
                share=claim.share,
                since=claim.granted_at,
                opened_at=claim.opened_at,
            )
