"""`/labs/{owner}/{name}/sweeps`: order runs for several values, see how they go, stop them."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.run_bodies import RunDraftBody, StateName
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.run import RunState
from machinelabs_hub.labs.models.sweep import Sweep
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.sweeps import SweepRun

router = APIRouter(prefix="/labs/{owner}/{name}/sweeps", tags=["runs"], route_class=Once)

Number = Annotated[int, Path(ge=1, lt=2**31, description="A sweep's number.", examples=[1])]


class SweepDraftBody(RunDraftBody):
    """What is to be run, and the values to go over: a run for each combination."""

    grid: Annotated[
        dict[str, list[Any]],
        Field(
            fail_fast=True,
            description="The values of each parameter that has several.",
            examples=[{"rate": [0.1, 0.01], "optimizer": ["sgd", "adam"]}],
        ),
    ]


class SweepRunBody(BaseModel):
    """A run of a sweep."""

    number: Annotated[int, Field(description="Within its lab: `…/runs/{number}`.")]
    state: StateName
    parameters: dict[str, Any]
    seconds: Annotated[float | None, Field(description="How long it ran; null: it is not over.")]
    metrics: Annotated[
        dict[str, float | None],
        Field(description="The last value of each; null: it is no finite number."),
    ]

    @classmethod
    def of(cls, one: SweepRun) -> Self:
        """Return the JSON of a run of a sweep."""
        run = one.run
        took = run.ended_at and run.running_at and (run.ended_at - run.running_at).total_seconds()
        return cls.model_validate(
            {
                "number": run.number,
                "state": run.state.value,
                "parameters": run.parameters,
                "seconds": took,
                "metrics": dict(one.metrics),
            }
        )


class SweepBody(BaseModel):
    """Runs of one revision that were ordered together."""

    number: Annotated[int, Field(description="Within its lab.")]
    lab: Annotated[str, Field(description="`owner/name`.")]
    url: Annotated[str, Field(description="Its page.")]
    name: str
    revision: int
    path: str
    grid: dict[str, list[Any]]
    created_at: datetime
    states: Annotated[dict[StateName, int], Field(description="How many runs are in each.")]
    is_final: Annotated[bool, Field(description="All of its runs are over.")]

    @classmethod
    def of(cls, ctx: Context, lab: Lab, sweep: Sweep, states: dict[RunState, int]) -> Self:
        """Return the JSON of a sweep."""
        return cls.model_validate(told(ctx, lab, sweep, states))


class SweepWithRunsBody(SweepBody):
    """A sweep, and all of its runs."""

    runs: Annotated[list[SweepRunBody], Field(description="Without deleted ones.")]

    @classmethod
    def whole(cls, ctx: Context, lab: Lab, sweep: Sweep) -> Self:
        """Return the JSON of a sweep with its runs."""
        states = ctx.sweeps.states((sweep,))[sweep.id]
        runs = [SweepRunBody.of(one) for one in ctx.sweeps.runs(lab, sweep)]
        return cls.model_validate(told(ctx, lab, sweep, states) | {"runs": runs})


class SweepsBody(BaseModel):
    """Some sweeps, the newest first, and where the next ones begin."""

    items: list[SweepBody]
    next: str | None


def told(ctx: Context, lab: Lab, sweep: Sweep, states: dict[RunState, int]) -> dict[str, Any]:
    """Return what the JSON of a sweep says besides its runs."""
    return {
        "number": sweep.number,
        "lab": lab.path,
        "url": f"{ctx.addresses.labs}/{lab.path}/sweeps/{sweep.number}",
        "name": sweep.name,
        "revision": sweep.revision,
        "path": sweep.path,
        "grid": sweep.grid,
        "created_at": sweep.created_at,
        "states": {state.value: count for state, count in states.items()},
        "is_final": all(state.is_final for state in states),
    }


@router.get("", responses=refusals(404))
def list_sweeps(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> SweepsBody:
    """List the sweeps of a lab, the newest first."""
    lab = ctx.labs.get(owner, name)
    found = ctx.sweeps.list(lab, cursor=cursor, limit=limit)
    states = ctx.sweeps.states(found.items)
    items = [SweepBody.of(ctx, lab, one, states[one.id]) for one in found.items]
    return SweepsBody(items=items, next=found.next)


@router.post("", status_code=201, responses=refusals(403, 404, 409, 413))
def order_sweep(ctx: Ctx, owner: Owner, name: Name, body: SweepDraftBody) -> SweepWithRunsBody:
    """Order a run for each combination of values: all of them, or none."""
    lab = ctx.labs.get(owner, name)
    return SweepWithRunsBody.whole(ctx, lab, ctx.sweeps.order(lab, body.draft(), body.grid))


@router.get("/{number}", responses=refusals(404))
def get_sweep(ctx: Ctx, owner: Owner, name: Name, number: Number) -> SweepWithRunsBody:
    """Read a sweep and how its runs go."""
    lab = ctx.labs.get(owner, name)
    return SweepWithRunsBody.whole(ctx, lab, ctx.sweeps.get(lab, number))


@router.post("/{number}/stop", responses=refusals(403, 404))
def stop_sweep(ctx: Ctx, owner: Owner, name: Name, number: Number) -> SweepWithRunsBody:
    """Order all runs of a sweep to stop that are not over."""
    lab = ctx.labs.get(owner, name)
    return SweepWithRunsBody.whole(ctx, lab, ctx.sweeps.stop(lab, number))
