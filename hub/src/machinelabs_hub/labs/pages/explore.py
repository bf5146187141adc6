"""The first page: find labs by words and tags, newest first."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.models.page import LabQuery, Sort
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.words import ORDERS
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

_TAGS = 24


@router.get("/", include_in_schema=False)
def explore(
    request: Request, ctx: Ctx, q: str = "", tag: str = "", sort: str = "", cursor: str = ""
) -> Response:
    """Give the page, or for htmx only the part of it that changes."""
    order = Sort(sort) if sort in ORDERS else Sort.NEWEST
    found = ctx.labs.list(LabQuery(q=q, tag=tag, sort=order, cursor=cursor))
    asked = {"q": q, "tag": tag, "sort": sort}
    more = {name: value for name, value in asked.items() if value} | {"cursor": found.next}
    values: dict[str, Any] = {
        "items": cards_of(ctx, found.items),
        "more": f"{LABS_PREFIX}/?{urlencode(more)}" if found.next else "",
        "q": q,
        "tag": tag,
    }
    if "hx-request" in request.headers and "hx-history-restore-request" not in request.headers:
        part = "cards.html" if cursor else "results.html"
        answer = page(part, request, ctx, **values)
    else:
        answer = page(
            "explore.html",
            request,
            ctx,
            tags=ctx.search.tags(_TAGS),
            sort=order.value,
            orders=ORDERS,
            **values,
        )
    answer.headers["Vary"] = "HX-Request"
    return answer
