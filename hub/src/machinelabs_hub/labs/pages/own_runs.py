"""*My runs*: those that a person started, of whatever lab, with a way to stop each."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.run_parts import took
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.own_runs import OwnRun
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

PAGE: Final = f"{LABS_PREFIX}/-/runs"
_LIMIT: Final = 30
_CHOICES: Final = {"": ("All", None), "on": ("Not over", False), "over": ("Over", True)}


@router.get("/-/runs", include_in_schema=False)
def own_runs(request: Request, ctx: Ctx, show: str = "", cursor: str = "") -> Response:
    """Give the list, the newest first."""
    return _page(request, ctx, show, cursor)


@router.post("/-/runs/{run}/stop", include_in_schema=False)
def stop(request: Request, ctx: Ctx, run: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
    """Order one of them to stop."""
    try:
        ctx.own_runs.stop(run)
    except MachineLabsError as error:
        return _page(request, ctx, error=error)
    return RedirectResponse(PAGE, HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    ctx: Context,
    show: str = "",
    cursor: str = "",
    *,
    error: MachineLabsError | None = None,
) -> Response:
    chosen = show if show in _CHOICES else ""
    found = ctx.own_runs.list(is_over=_CHOICES[chosen][1], cursor=cursor, limit=_LIMIT)
    asked = {"show": chosen} if chosen else {}
    return page(
        "own_runs.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        current="runs",
        runs=[(one, _url(one), took(one.run)) for one in found.items],
        more=f"{PAGE}?{urlencode(asked | {'cursor': found.next})}" if found.next else "",
        page_url=PAGE,
        chosen=chosen,
        choices={value: words for value, (words, _) in _CHOICES.items()},
        sizes={flavour.name: flavour.title for flavour in ctx.catalog.flavours},
    )


def _url(one: OwnRun) -> str:
    """Return where a run is shown; empty: its lab is closed to who started it."""
    lab = quote(one.run.lab, safe="@/")
    return f"{LABS_PREFIX}/{lab}/runs/{one.run.number}" if one.is_open else ""
