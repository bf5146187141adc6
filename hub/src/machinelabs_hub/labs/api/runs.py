"""`/labs/{owner}/{name}/runs`: order, list, read, stop, rename, delete and restore runs."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.concurrency import run_in_threadpool

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, etag_of_run, matched_run
from machinelabs_hub.labs.api.run_bodies import (
    RunBody,
    RunChangeBody,
    RunDoorBody,
    RunDraftBody,
    RunFormBody,
    RunsBody,
    StateName,
)
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.run import RunDraft, RunState
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/runs", tags=["runs"], route_class=Once)

RunNumber = Annotated[int, Path(ge=1, lt=2**31, description="A run's number.", examples=[1])]


@router.get("", responses=refusals(404))
def list_runs(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    state: Annotated[StateName | None, Query(description="Left out: all of them.")] = None,
    person: Annotated[str, Query(max_length=255, description="Only what they started.")] = "",
    hidden: Annotated[  # noqa: FBT002 - a query has no positions
        bool, Query(description="Deleted ones that you may restore, instead of the others.")
    ] = False,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> RunsBody:
    """List the runs of a lab that you may see, the newest first."""
    lab = ctx.labs.get(owner, name)
    wanted = RunState(state) if state else None
    found = ctx.runs.list(
        lab, state=wanted, person=person, hidden=hidden, cursor=cursor, limit=limit
    )
    return RunsBody.of(ctx, lab, found)


@router.post("", status_code=201, responses=refusals(403, 404, 409, 413))
def order_run(ctx: Ctx, owner: Owner, name: Name, body: RunDraftBody) -> RunBody:
    """Order a run of a lab; it waits for its turn."""
    lab = ctx.labs.get(owner, name)
    return RunBody.of(ctx, lab, ctx.runs.order(lab, body.draft()))


@router.get("/form", responses=refusals(404))
def get_run_form(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    revision: Annotated[
        int | None, Query(ge=1, lt=2**31, description="Left out: the newest.")
    ] = None,
    path: Annotated[
        str, Query(max_length=1000, description="A notebook or a script. Empty: the entry point.")
    ] = "",
) -> RunFormBody:
    """Say what an order of a run begins with, and which values its file takes."""
    lab = ctx.labs.get(owner, name)
    return RunFormBody.of(ctx.runs.form(lab, RunDraft(revision=revision, path=path)))


@router.get("/{number}", responses=refusals(404))
def get_run(ctx: Ctx, owner: Owner, name: Name, number: RunNumber, response: Response) -> RunBody:
    """Read a run; its `ETag` changes with what people may change of it, not as it goes on."""
    lab = ctx.labs.get(owner, name)
    run = ctx.runs.get(lab, number)
    response.headers["ETag"] = etag_of_run(run)
    return RunBody.of(ctx, lab, run)


@router.patch("/{number}", responses=refusals(403, 404, 412))
def change_run(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: RunNumber,
    body: RunChangeBody,
    response: Response,
    if_match: IfMatch = "",
) -> RunBody:
    """Give a run a name, or a note."""
    lab = ctx.labs.get(owner, name)
    with matched_run(ctx, lab, number, if_match):
        run = ctx.runs.change(lab, number, name=body.name, note=body.note)
    response.headers["ETag"] = etag_of_run(run)
    return RunBody.of(ctx, lab, run)


@router.post("/{number}/stop", responses=refusals(403, 404))
def stop_run(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> RunBody:
    """Order a run to stop; what it put out so far is kept. One that is over stays as it is."""
    lab = ctx.labs.get(owner, name)
    return RunBody.of(ctx, lab, ctx.runs.stop(lab, number))


@router.post("/{number}/look", responses=refusals(403, 404, 409))
async def look_into_run(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> RunDoorBody:
    """Open the kernel of a run of yours in JupyterLab: while it runs, and while it is held."""
    lab = await run_in_threadpool(ctx.labs.get, owner, name)
    run = await run_in_threadpool(ctx.runs.get, lab, number)
    return RunDoorBody(url=await ctx.run_doors.way_in(lab, run, ctx.hub.servers))


@router.delete("/{number}", status_code=204, responses=refusals(403, 404, 409))
def delete_run(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> Response:
    """Delete a run that is over; it can be restored for some days."""
    lab = ctx.labs.get(owner, name)
    ctx.runs.hide(lab, number)
    return Response(status_code=204)


@router.post("/{number}/restore", responses=refusals(403, 404))
def restore_run(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> RunBody:
    """Take a deletion back."""
    lab = ctx.labs.get(owner, name)
    return RunBody.of(ctx, lab, ctx.runs.restore(lab, number))
