"""`/labs`: find, publish, read, change and delete labs."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.asked import Asked
from machinelabs_hub.labs.api.bodies import LabBody, LabChangeBody, LabDraftBody, LabsBody
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.match import IfMatch, etag, matched
from machinelabs_hub.labs.api.multipart import described
from machinelabs_hub.labs.api.uploads import upload
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST, LabQuery, Sort
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.session import parts_of

router = APIRouter(tags=["labs"], route_class=Once)


@router.get("/labs", responses=refusals(), response_model=LabsBody)
async def list_labs(
    request: Request,
    ctx: Ctx,
    asked: Asked,
    sort: Annotated[
        Literal["relevance", "newest", "updated", "stars", "forks", "trending"] | None,
        Query(description="Left out: the best fit for words, else the newest."),
    ] = None,
    cursor: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> Response:
    """List public labs and your own, a page at a time."""
    ctx.search.check_rate(asked)
    order = Sort(sort) if sort else None
    query = replace(asked, sort=order, cursor=cursor, limit=limit)
    # What is made here is right: FastAPI would check all of it again.
    body = await parts_of(request).searching.take(_listed, ctx, query)
    return Response(body, media_type="application/json")


def _listed(ctx: Context, query: LabQuery) -> str:
    return LabsBody.of(ctx, ctx.labs.list(query)).model_dump_json()


@router.post(
    "/labs",
    status_code=201,
    responses=refusals(403, 409, 413, 507),
    openapi_extra=described("lab", LabDraftBody),
)
async def publish_lab(request: Request, response: Response, ctx: Ctx) -> LabBody:
    """Publish a new lab; its first revision is r1."""
    ctx.labs.check_may_publish()
    async with upload(request, ctx.settings, said="lab") as sent:
        draft = sent.body(LabDraftBody).draft()
        lab = await run_in_threadpool(ctx.labs.publish, draft, sent.files)
    response.headers["ETag"] = etag(lab)
    return LabBody.of(ctx, lab)


@router.get("/labs/{owner}/{name}", responses=refusals(404))
def get_lab(response: Response, ctx: Ctx, owner: Owner, name: Name) -> LabBody:
    """Read a lab; its `ETag` changes with its details and its revisions."""
    lab = ctx.labs.get(owner, name)
    response.headers["ETag"] = etag(lab)
    return LabBody.of(ctx, lab)


@router.patch("/labs/{owner}/{name}", responses=refusals(403, 404, 412))
def change_lab(
    response: Response,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    body: LabChangeBody,
    if_match: IfMatch = "",
) -> LabBody:
    """Change what a lab is called, who may read it, what it starts with.

    When a private lab is opened for the first time, its earlier revisions stay with its members,
    unless `whole_history` is true.
    """
    with matched(ctx, owner, name, if_match):
        lab = ctx.labs.change(owner, name, body.change())
    response.headers["ETag"] = etag(lab)
    return LabBody.of(ctx, lab)


@router.delete("/labs/{owner}/{name}", status_code=204, responses=refusals(403, 404, 412))
def delete_lab(ctx: Ctx, owner: Owner, name: Name, if_match: IfMatch = "") -> None:
    """Move a lab to the trash, from where its owner can restore it for some days."""
    with matched(ctx, owner, name, if_match):
        ctx.labs.delete(owner, name)
