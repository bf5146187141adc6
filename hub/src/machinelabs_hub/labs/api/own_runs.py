"""`/me/runs`: the runs that you started, of whatever lab."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.run_bodies import StateName
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.own_runs import OwnRun

router = APIRouter(prefix="/me/runs", tags=["runs"], route_class=Once)


class OwnRunBody(BaseModel):
    """A run of yours."""

    id: int
    lab: Annotated[
        str | None, Field(description="`owner/name`; null: you may not read it any more.")
    ]
    number: int
    name: str
    state: StateName
    is_final: bool
    out_of_contact: bool
    flavour: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stop_at: datetime | None

    @classmethod
    def of(cls, own: OwnRun) -> Self:
        """Return the JSON of a run of one's own."""
        run = own.run
        return cls.model_validate(
            {
                "id": run.id,
                "lab": run.lab if own.is_open else None,
                "number": run.number,
                "name": run.name,
                "state": run.state.value,
                "is_final": run.state.is_final,
                "out_of_contact": run.is_out_of_contact,
                "flavour": run.flavour,
                "created_at": run.created_at,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "stop_at": run.stop_at,
            }
        )


class OwnRunsBody(BaseModel):
    """Some runs of yours, the newest first, and where the next ones begin."""

    items: list[OwnRunBody]
    next: str | None


@router.get("", responses=refusals())
def list_own_runs(
    ctx: Ctx,
    is_over: Annotated[
        bool | None, Query(description="Left out: those that go on and those that are over.")
    ] = None,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> OwnRunsBody:
    """List the runs that you started, the newest first."""
    found = ctx.own_runs.list(is_over=is_over, cursor=cursor, limit=limit)
    return OwnRunsBody(items=[OwnRunBody.of(one) for one in found.items], next=found.next)


@router.post("/{run}/stop", responses=refusals(403, 404))
def stop_own_run(
    ctx: Ctx, run: Annotated[int, Path(ge=1, lt=2**62, description="The run's id.")]
) -> OwnRunBody:
    """Order a run of yours to stop, also where you may not read its lab any more."""
    return OwnRunBody.of(ctx.own_runs.stop(run))
