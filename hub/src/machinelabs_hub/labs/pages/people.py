"""A person's page: their labs, the last changed first."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.models.page import LabQuery, Sort
from machinelabs_hub.labs.pages.addresses import person_url
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()


@router.get("/{owner}", include_in_schema=False)
def person(request: Request, ctx: Ctx, owner: str, cursor: str = "") -> Response:
    """Give a person's page."""
    profile = ctx.people.get(owner)
    found = ctx.labs.list(LabQuery(owner=owner, sort=Sort.UPDATED, cursor=cursor))
    return page(
        "cards.html" if "hx-request" in request.headers and cursor else "person.html",
        request,
        ctx,
        profile=profile,
        itself=ctx.person is not None and ctx.person.name == profile.name,
        items=cards_of(ctx, found.items),
        more=f"{person_url(owner)}?{urlencode({'cursor': found.next})}" if found.next else "",
    )
