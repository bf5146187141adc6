"""The forks of a lab that the reader may see."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.models.page import LabQuery
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


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
