"""`/labs/{owner}/{name}/forks`: copy a lab to yours, list who did."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import ForkBody, LabBody, LabsBody
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST, LabQuery
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/forks", tags=["forks"], route_class=Once)


@router.get("", responses=refusals(404))
def list_forks(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> LabsBody:
    """List the public forks of a lab, and yours."""
    lab = ctx.labs.get(owner, name)
    return LabsBody.of(ctx, ctx.forks.list(lab, LabQuery(cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    responses={
        200: {"model": LabBody, "description": "The fork that you have already."},
        **refusals(403, 404, 409, 413, 507),
    },
)
def fork_lab(
    response: Response, ctx: Ctx, owner: Owner, name: Name, body: ForkBody | None = None
) -> LabBody:
    """Copy the newest revision of a lab to yours or a group's, or find the fork that is there."""
    said = body or ForkBody()
    lab, is_new = ctx.forks.fork(owner, name, to=said.name or "", as_=said.owner or "")
    response.status_code = 201 if is_new else 200
    return LabBody.of(ctx, lab)
