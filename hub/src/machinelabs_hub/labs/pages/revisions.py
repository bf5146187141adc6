"""The revisions of a lab, the newest first."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/{owner}/{name}/revisions", include_in_schema=False)
def revisions(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Give the list."""
    lab = ctx.labs.get(owner, name)
    values = frame(ctx, lab, "revisions")
    return page("revisions.html", request, ctx, revisions=ctx.revisions.list(lab), **values)
