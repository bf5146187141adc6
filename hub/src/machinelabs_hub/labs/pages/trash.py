"""Deleted labs and datasets that the reader may restore."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import Conflict
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()


@router.get("/trash", include_in_schema=False)
def trash(request: Request, ctx: Ctx, cursor: str = "") -> Response:
    """Give the list."""
    return _trash(request, ctx, cursor=cursor)


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


def _trash(request: Request, ctx: Context, *, cursor: str = "", trouble: str = "") -> Response:
    found = ctx.trash.list(cursor=cursor)
    return page(
        "trash.html",
        request,
        ctx,
        trashed=found.items,
        datasets=() if cursor else ctx.datasets.trashed(),
        more=f"{LABS_PREFIX}/trash?{urlencode({'cursor': found.next})}" if found.next else "",
        trash_days=ctx.settings.limits.trash_days,
        trouble=trouble,
    )
