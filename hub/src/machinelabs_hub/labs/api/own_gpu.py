"""`/me/gpu`: what one of your servers holds of the site's GPUs, and does there."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from machinelabs_hub.gpu.model import Health
from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.hours import Server
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.own_gpu import OwnGpu
from machinelabs_hub.plans.model import HOUR, Kind

router = APIRouter(tags=["hours"])

LONGEST_SECONDS = 1800


class GpuCardBody(BaseModel):
    """A card or MIG instance of your server; null: it cannot be seen now, or is not told."""

    uuid: str
    model: str
    profile: Annotated[str, Field(description="Of a MIG instance; empty for a card.")]
    memory_mib: int
    part_mib: Annotated[int, Field(description="How much of its memory is yours.")]
    health: Health
    why: str
    sm_percent: int | None
    memory_used_mib: int | None
    others_mib: Annotated[
        int | None,
        Field(description="What all others hold of a shared card, together."),
    ]


class GpuPointBody(BaseModel):
    """What your server did at a moment of the past, on all of its cards."""

    at: datetime
    sm_percent: Annotated[float | None, Field(description="The mean over its cards.")]
    memory_mib: float | None


class GpuHeldBody(BaseModel):
    """What your server holds."""

    flavour: str
    share: Annotated[int, Field(description="1: the whole of each card; n: 1/n of its memory.")]
    since: datetime
    cards: list[GpuCardBody]
    points: list[GpuPointBody]
    plan_title: str
    left_hours: Annotated[float | None, Field(description="GPU hours; null: there is no end.")]
    ends_at: Annotated[
        datetime | None,
        Field(description="When they run out if what runs goes on; null: not foreseeable."),
    ]


class OwnGpuBody(BaseModel):
    """`held` is null where your server has no GPU."""

    held: GpuHeldBody | None
    sentence: Annotated[str, Field(description="Why something is null; empty if nothing is.")]


@router.get("/me/gpu", responses=refusals())
def get_own_gpu(
    ctx: Ctx,
    server: Server = "",
    seconds: Annotated[
        int, Query(ge=0, le=LONGEST_SECONDS, description="How far back; 0: no past.")
    ] = 600,
) -> OwnGpuBody:
    """Tell what one of your servers holds of the site's GPUs, and what it does there."""
    found = ctx.own_gpu.look(server, seconds=seconds)
    return OwnGpuBody(held=_held(found), sentence=found.sentence)


def _held(found: OwnGpu) -> GpuHeldBody | None:
    held, usage = found.held, found.usage
    if held is None or usage is None:
        return None
    hours = next(row for row in usage.kinds if row.kind is Kind.GPU)
    cards = []
    for gpu in held.cards:
        use = found.uses.get(gpu.uuid)
        cards.append(
            GpuCardBody(
                uuid=gpu.uuid,
                model=gpu.model,
                profile=gpu.profile,
                memory_mib=gpu.memory_mib,
                part_mib=gpu.memory_mib // held.share,
                health=gpu.health,
                why=gpu.why,
                sm_percent=use.sm_percent if use else None,
                memory_used_mib=use.memory_mib if use else None,
                others_mib=use.others_mib if use else None,
            )
        )
    return GpuHeldBody(
        flavour=held.flavour,
        share=held.share,
        since=held.since,
        cards=cards,
        points=[
            GpuPointBody(
                at=row.at,
                sm_percent=_mean(row.sm_percent, len(cards)),
                memory_mib=row.memory_mib,
            )
            for row in found.points
        ],
        plan_title=usage.plan.title,
        left_hours=None if hours.left is None else round(hours.left / HOUR, 4),
        ends_at=hours.ends_at,
    )


def _mean(total: float | None, count: int) -> float | None:
    return None if total is None else round(total / max(count, 1), 1)
