"""`/gpus`: the site's cards, who holds them, who waits for one; keeping cards back (admins)."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.gpu.holders import Held
from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.models.gpus import ShownCard
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/gpus", tags=["gpus"], route_class=Once)

Uuid = Annotated[
    str,
    Path(
        pattern=r"^(GPU|MIG)-[A-Za-z0-9-]{1,92}$",
        description="A card's or instance's `uuid`.",
        examples=["GPU-5f3a0c1e-8c55-4f6e-9a54-b6cf2f1f6f2d"],
    ),
]


class HolderBody(BaseModel):
    """A server that has a card, or a share of it."""

    user: str
    server: str
    flavour: str
    share: Annotated[int, Field(description="1: the whole card; n: 1/n of its memory.")]
    since: datetime
    opened_at: Annotated[datetime | None, Field(description="null: nobody has used it yet.")]


class UseBody(BaseModel):
    """What a card does now; null: the driver does not tell."""

    sm_percent: int | None
    memory_used_mib: int | None
    temperature_c: int | None
    power_w: int | None


class DrainBody(BaseModel):
    """An order to keep a card back."""

    uuid: Annotated[str, Field(description="Of an instance it may be its card's.")]
    why: str
    by: str
    at: datetime


class CardBody(BaseModel):
    """A card or MIG instance."""

    uuid: str
    model: str
    memory_mib: int
    parent: Annotated[str, Field(description="Of a MIG instance: the `uuid` of its card.")]
    profile: str
    node: str
    health: Literal["ok", "drained", "failed"]
    why: Annotated[str, Field(description="Where `health` is not ok: why.")]
    changed_at: Annotated[datetime, Field(description="When `health` changed.")]
    drain: Annotated[
        DrainBody | None, Field(description="What was ordered; it holds within seconds.")
    ]
    use: Annotated[UseBody | None, Field(description="null: `trouble` says why.")]
    holders: list[HolderBody]
    idle_since: Annotated[
        datetime | None,
        Field(
            description="Since when it computes nothing for its holders, looking back an hour; "
            "null: it computes, nobody holds it, or that is not measured."
        ),
    ]


class CardsBody(BaseModel):
    """All cards, the instances of one together; `next` is always null."""

    items: list[CardBody]
    next: str | None = None
    trouble: Annotated[
        str, Field(description="Why the use of cards cannot be told; empty: it can.")
    ]


class WaitBody(BaseModel):
    """Somebody in the line."""

    position: Annotated[int, Field(description="From 1; 0: it is being reckoned.")]
    user: str
    server: str
    flavour: str
    since: datetime
    expected_at: Annotated[datetime | None, Field(description="null: not foreseeable.")]
    why: str


class LineBody(BaseModel):
    """Who waits, whoever is next first; `next` is always null."""

    items: list[WaitBody]
    next: str | None = None


class DrainRequest(BaseModel):
    """Why a card is kept back."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, Field(min_length=1, max_length=500, examples=["A new fan on Friday"])]


@router.get("", responses=refusals(403))
def list_cards(ctx: Ctx) -> CardsBody:
    """List the site's cards: how they are, what they do, who holds them (admins only)."""
    found = ctx.gpus.cards()
    return CardsBody(items=[_card(card) for card in found.cards], trouble=found.trouble)


@router.get("/line", responses=refusals(403))
def list_line(ctx: Ctx) -> LineBody:
    """List who waits for a GPU (admins only)."""
    return LineBody(
        items=[
            WaitBody(
                position=row.position,
                user=row.user,
                server=row.server,
                flavour=row.flavour,
                since=row.since,
                expected_at=row.expected_at,
                why=row.why,
            )
            for row in ctx.gpus.line()
        ]
    )


@router.put("/{uuid}/drain", status_code=204, responses=refusals(403, 404))
def drain_card(ctx: Ctx, uuid: Uuid, body: DrainRequest) -> None:
    """Keep a card back (admins only): who holds it goes on, nobody new gets it."""
    ctx.gpus.drain(uuid, body.why)


@router.delete("/{uuid}/drain", status_code=204, responses=refusals(403, 404))
def end_drain(ctx: Ctx, uuid: Uuid) -> None:
    """Hand a card out again (admins only)."""
    ctx.gpus.end_drain(uuid)


@router.post("/{uuid}/return", status_code=204, responses=refusals(403, 404, 409))
def return_card(ctx: Ctx, uuid: Uuid) -> None:
    """Say that a card which failed is well (admins only)."""
    ctx.gpus.give_back(uuid)


def _card(card: ShownCard) -> CardBody:
    row, drain, now = card.row, card.drain, card.now
    return CardBody.model_validate(
        {
            "uuid": row.uuid,
            "model": row.model,
            "memory_mib": row.memory_mib,
            "parent": row.parent,
            "profile": row.profile,
            "node": row.node,
            "health": row.health,
            "why": row.why,
            "changed_at": row.changed_at,
            "drain": drain and DrainBody(uuid=drain.uuid, why=drain.why, by=drain.by, at=drain.at),
            "use": now
            and UseBody(
                sm_percent=now.sm_percent,
                memory_used_mib=now.memory_used_mib,
                temperature_c=now.temperature_c,
                power_w=now.power_w,
            ),
            "holders": [_holder(held) for held in card.holders],
            "idle_since": card.idle_since,
        }
    )


def _holder(held: Held) -> HolderBody:
    return HolderBody(
        user=held.user,
        server=held.server,
        flavour=held.flavour,
        share=held.share,
        since=held.since,
        opened_at=held.opened_at,
    )
