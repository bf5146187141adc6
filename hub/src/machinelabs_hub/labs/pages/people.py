"""The page of a person or a group, their labs last changed first; what is shared with one."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.models.access import group_of, publishes_as
from machinelabs_hub.labs.models.page import LabQuery, Sort
from machinelabs_hub.labs.pages.addresses import person_url
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

_SHARED = 6


@router.get("/shared", include_in_schema=False)
def shared(request: Request, ctx: Ctx, cursor: str = "", left: str = "") -> Response:
    """Give all that is shared with the reader."""
    found = ctx.people.shared(LabQuery(sort=Sort.UPDATED, cursor=cursor))
    more = f"{LABS_PREFIX}/shared?{urlencode({'cursor': found.next})}" if found.next else ""
    template = "cards.html" if "hx-request" in request.headers and cursor else "shared.html"
    said = "You left the lab." if left else ""
    return page(template, request, ctx, items=cards_of(ctx, found.items), more=more, said=said)


@router.get("/{owner}", include_in_schema=False)
def person(request: Request, ctx: Ctx, owner: str, cursor: str = "") -> Response:
    """Give the page of a person or of `@group`."""
    profile = ctx.people.get(owner)
    found = ctx.labs.list(LabQuery(owner=owner, sort=Sort.UPDATED, cursor=cursor))
    me = ctx.person
    itself = me is not None and me.name == profile.name
    liked = ctx.search.find(LabQuery(starred_by=profile.name, sort=Sort.UPDATED, limit=_SHARED))
    got = ctx.people.shared(LabQuery(sort=Sort.UPDATED, limit=_SHARED)) if itself else None
    return page(
        "cards.html" if "hx-request" in request.headers and cursor else "person.html",
        request,
        ctx,
        profile=profile,
        itself=itself,
        is_group=group_of(profile.name) is not None,
        groups=publishes_as(me)[1:] if me and itself else (),
        shared=cards_of(ctx, got.items) if got else [],
        more_shared=bool(got and got.next),
        starred=cards_of(ctx, liked.items),
        more_starred=liked.next is not None,
        items=cards_of(ctx, found.items),
        more=f"{person_url(owner)}?{urlencode({'cursor': found.next})}" if found.next else "",
    )
