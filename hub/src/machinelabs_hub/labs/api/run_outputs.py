"""`/labs/{owner}/{name}/runs/{number}/outputs`: what a run put out, and the executed notebook."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.ranges import part_of
from machinelabs_hub.labs.api.raw import SHOWN, bytes_of, file_headers, type_of
from machinelabs_hub.labs.api.run_bodies import RunOutputBody, RunOutputsBody
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.page import MOST
from machinelabs_hub.labs.models.run import RunOutput
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/runs/{number}", tags=["runs"])


@router.get("/outputs", responses=refusals(404))
def list_run_outputs(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: RunNumber,
    cursor: Annotated[str, Query(max_length=6000, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> RunOutputsBody:
    """List the files that a run put out so far, by path."""
    run = ctx.runs.get(ctx.labs.get(owner, name), number)
    found = ctx.runs.outputs(run, cursor=cursor, limit=limit)
    return RunOutputsBody(items=[RunOutputBody.of(one) for one in found.items], next=found.next)


@router.get(
    "/outputs/{path:path}",
    response_class=StreamingResponse,
    responses=refusals(404) | bytes_of("The file.", "application/octet-stream", *SHOWN),
)
def read_run_output(
    request: Request, ctx: Ctx, owner: Owner, name: Name, number: RunNumber, path: str
) -> Response:
    """Read one file that a run put out, or a part of it (`Range`)."""
    run = ctx.runs.get(ctx.labs.get(owner, name), number)
    return _file(request, ctx, ctx.runs.output(run, path))


@router.get(
    "/notebook",
    response_class=StreamingResponse,
    responses=refusals(404) | bytes_of("The notebook.", "application/octet-stream"),
)
def read_run_notebook(
    request: Request, ctx: Ctx, owner: Owner, name: Name, number: RunNumber
) -> Response:
    """Read the executed notebook."""
    run = ctx.runs.get(ctx.labs.get(owner, name), number)
    return _file(request, ctx, ctx.runs.notebook(run))


def _file(request: Request, ctx: Context, output: RunOutput) -> Response:
    headers = file_headers(output.name, output.sha256) | {"Accept-Ranges": "bytes"}
    tag, asked = headers["ETag"], request.headers
    if tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    part = part_of(asked.get("range", ""), output.size, tag=tag, if_range=asked.get("if-range", ""))
    if part is None:
        headers["Content-Length"] = str(output.size)
        pieces = ctx.runs.content(output)
        return StreamingResponse(pieces, headers=headers, media_type=type_of(output.name))
    headers["Content-Length"] = str(part.size)
    last = part.start + part.size - 1
    headers["Content-Range"] = f"bytes {part.start}-{last}/{output.size}"
    pieces = ctx.runs.content(output, start=part.start, size=part.size)
    return StreamingResponse(pieces, 206, headers=headers, media_type=type_of(output.name))
