"""The forks of a lab that the reader may see, and the form that forks it to a group."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, Conflict, NotAllowed, TooLarge
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.access import Action, publishes_as
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import LabQuery
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.viewer import writer

router = APIRouter()

Text = Annotated[str, Form()]


@router.get("/{owner}/{name}/forks", include_in_schema=False)
def forks(request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "") -> Response:
    """Give the list."""
    lab = ctx.labs.get(owner, name)
    found = ctx.forks.list(lab, LabQuery(cursor=cursor))
    more = f"{lab_url(lab)}/forks?{urlencode({'cursor': found.next})}" if found.next else ""
    return page(
        "cards.html" if cursor and "hx-request" in request.headers else "forks.html",
        request,
        ctx,
        items=cards_of(ctx, found.items),
        more=more,
        **frame(ctx, lab, "forks"),
    )


@router.get("/{owner}/{name}/fork", include_in_schema=False)
def form(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Ask whose the fork is to be."""
    writer(ctx.person)
    lab = ctx.labs.get(owner, name)
    if not ctx.labs.may(Action.FORK, lab):
        raise NoPage
    return _form(request, ctx, lab)


@router.post("/{owner}/{name}/fork", include_in_schema=False)
def fork(
    request: Request, ctx: Ctx, owner: str, name: str, to_owner: Text = "", to_name: Text = ""
) -> Response:
    """Fork the lab and go to the fork, or say what is wrong."""
    try:
        made, _ = ctx.forks.fork(owner, name, to=to_name.strip(), as_=to_owner)
    except (BadInput, Conflict, NotAllowed, TooLarge) as error:
        lab = ctx.labs.get(owner, name)
        return _form(request, ctx, lab, to_owner, to_name, trouble=str(error))
    return RedirectResponse(lab_url(made), HTTPStatus.SEE_OTHER)


def _form(
    request: Request,
    ctx: Context,
    lab: Lab,
    to_owner: str = "",
    to_name: str = "",
    *,
    trouble: str = "",
) -> Response:
    mine, *groups = publishes_as(writer(ctx.person))
    return page(
        "fork.html",
        request,
        ctx,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK,
        owners=[*groups, mine],
        to_owner=to_owner,
        to_name=to_name,
        trouble=trouble,
        **frame(ctx, lab, "forks"),
    )
