"""The revisions of a lab, the newest first, with what one may do with each."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.frame import frame, numbered
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/{owner}/{name}/revisions", include_in_schema=False)
def revisions(
    request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "", restored: str = ""
) -> Response:
    """Give the list."""
    lab = ctx.labs.get(owner, name)
    said = ""
    if restored.isdecimal():
        said = f"r{restored} is restored: r{lab.revision} has its files."
    return _list(request, ctx, lab, cursor=cursor, said=said)


@router.post("/{owner}/{name}/@{number}/restore", include_in_schema=False)
def restore(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    number: str,
    base: Annotated[str, Form()] = "",
) -> Response:
    """Publish the files of a revision again, as the next one."""
    lab = ctx.labs.get(owner, name)
    wanted = numbered(f"@{number}")
    if not base.isdecimal():
        raise NoPage
    try:
        ctx.revisions.restore(owner, name, wanted, base=int(base))
    except MachineLabsError as error:
        return _list(request, ctx, lab, trouble=str(error), status=error.status)
    return RedirectResponse(f"{lab_url(lab)}/revisions?restored={wanted}", HTTPStatus.SEE_OTHER)


def _list(
    request: Request,
    ctx: Context,
    lab: Lab,
    *,
    cursor: str = "",
    said: str = "",
    trouble: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    found = ctx.revisions.list(lab, cursor=cursor)
    more = f"{lab_url(lab)}/revisions?{urlencode({'cursor': found.next})}" if found.next else ""
    return page(
        "revisions.html",
        request,
        ctx,
        status=status,
        revisions=found.items,
        first=not cursor,
        more=more,
        may_restore=ctx.labs.may(Action.EDIT, lab),
        said=said,
        trouble=trouble,
        **frame(ctx, lab, "revisions"),
    )
