"""Labs that the reader deleted, to be restored."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import Conflict
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/trash", include_in_schema=False)
def trash(request: Request, ctx: Ctx) -> Response:
    """Give the list."""
    return _trash(request, ctx)


@router.post("/trash", include_in_schema=False)
def restore(
    request: Request, ctx: Ctx, owner: Annotated[str, Form()], name: Annotated[str, Form()]
) -> Response:
    """Take a lab back and go to it."""
    try:
        lab = ctx.trash.restore(owner, name)
    except Conflict as error:
        return _trash(request, ctx, trouble=str(error))
    return RedirectResponse(lab_url(lab), 303)


def _trash(request: Request, ctx: Context, *, trouble: str = "") -> Response:
    return page(
        "trash.html",
        request,
        ctx,
        trashed=ctx.trash.list(),
        trash_days=ctx.settings.limits.trash_days,
        trouble=trouble,
    )
