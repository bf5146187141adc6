"""The first page: what this is for who is new, featured labs, and all labs to search and narrow."""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import LabQuery, Page, Sort
from machinelabs_hub.labs.models.words import LONGEST_TAG
from machinelabs_hub.labs.pages.cards import cards_of
from machinelabs_hub.labs.pages.filters import address, chosen_of, groups_of
from machinelabs_hub.labs.pages.look import KeptPages, page, state_of, tag_of, unchanged
from machinelabs_hub.labs.pages.words import ORDERS
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.session import parts_of

router = APIRouter()

_FEATURED: Final = 4
_kept = KeptPages(most_bytes=16 << 20)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for, as it was typed; what makes no sense narrows nothing."""

    q: str = ""
    tag: str = ""
    image: str = ""
    flavour: str = ""
    language: str = ""
    licence: str = ""
    has_outputs: str = ""
    runs_clean: str = ""
    starred_by: str = ""
    sort: str = ""
    cursor: str = ""

    @property
    def params(self) -> dict[str, str]:
        """What stands in the addresses of this page, without the place in the list."""
        return {
            "q": self.q,
            "tag": self.tag[:LONGEST_TAG],
            "image": self.image,
            "flavour": self.flavour,
            "language": self.language,
            "licence": self.licence,
            "has_outputs": "true" if self.has_outputs == "true" else "",
            "runs_clean": "true" if self.runs_clean == "true" else "",
            "starred_by": self.starred_by,
            "sort": self.sort if self.sort in ORDERS else "",
        }

    @property
    def query(self) -> LabQuery:
        """The query that it stands for, without the place in the list."""
        asked: dict[str, Any] = self.params
        for name in ("has_outputs", "runs_clean"):
            asked[name] = True if asked[name] else None
        return LabQuery(**asked | {"sort": Sort(asked["sort"]) if asked["sort"] else None})


_ASKED: Final = tuple(field.name for field in fields(Wanted))


async def _wanted(request: Request) -> Wanted:
    # Not left to FastAPI, which gives what is not async a thread of its own to wait for.
    asked = request.query_params
    return Wanted(**{name: asked[name] for name in _ASKED if name in asked})


@router.get("/", include_in_schema=False)
async def explore(
    request: Request, ctx: Ctx, wanted: Annotated[Wanted, Depends(_wanted)]
) -> Response:
    """Give the page, or for htmx only the part of it that changes."""
    return await parts_of(request).searching.take(_explore, request, ctx, wanted)


def _explore(request: Request, ctx: Context, wanted: Wanted) -> Response:
    is_part = "hx-request" in request.headers and (
        "hx-history-restore-request" not in request.headers
    )
    # Searches differ too much for one to be asked for again.
    state = None if wanted.q else state_of(ctx)
    tag = tag_of(ctx.settings.data, request.url, is_part, state)
    if state is not None and (known := unchanged(request, tag) or _kept.find(tag, request)):
        return known
    template, values = _filled(ctx, wanted, is_part=is_part)
    answer = page(template, request, ctx, **values)
    answer.headers["Vary"] = "HX-Request, Accept-Encoding"
    return answer if state is None else _kept.keep(tag, answer)


def _filled(ctx: Ctx, wanted: Wanted, *, is_part: bool) -> tuple[str, dict[str, Any]]:
    query, params = wanted.query, wanted.params
    ctx.search.check_rate(query)
    here = replace(query, cursor=wanted.cursor)
    if is_part and wanted.cursor:
        return "cards.html", _cards(ctx, ctx.search.find(here), params)
    found, facets = ctx.search.find_counted(here)
    values = _cards(ctx, found, params)
    is_first = query == LabQuery() and not wanted.cursor
    featured = _featured(ctx) if is_first else Page((), None)
    catalog = ctx.catalog
    values |= {
        "params": params,
        "q": params["q"],
        "sort": params["sort"],
        "orders": ORDERS,
        "groups": groups_of(facets, params, catalog),
        "is_bounded": facets.is_bounded,
        "chosen": chosen_of(params, catalog),
        "is_first": is_first,
        "featured": cards_of(ctx, featured.items),
    }
    return "results.html" if is_part else "explore.html", values


def _cards(ctx: Context, found: Page[Lab], params: dict[str, str]) -> dict[str, Any]:
    more = address(params, cursor=found.next) if found.next else ""
    return {"items": cards_of(ctx, found.items), "more": more}


def _featured(ctx: Ctx) -> Page[Any]:
    return ctx.search.find(LabQuery(is_featured=True, sort=Sort.UPDATED, limit=_FEATURED))
