"""The buttons of a lab's page that star it, and that put it on the first page."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

On = Annotated[str, Form()]


@router.post("/{owner}/{name}/star", include_in_schema=False)
def star(ctx: Ctx, owner: str, name: str, on: On = "") -> Response:
    """Give or take the reader's star."""
    lab = ctx.stars.star(owner, name) if on else ctx.stars.unstar(owner, name)
    return RedirectResponse(lab_url(lab), HTTPStatus.SEE_OTHER)


@router.post("/{owner}/{name}/featured", include_in_schema=False)
def feature(ctx: Ctx, owner: str, name: str, on: On = "") -> Response:
    """Put a lab on the first page, or take it from there."""
    if on:
        ctx.stars.feature(owner, name)
    else:
        ctx.stars.unfeature(owner, name)
    return RedirectResponse(lab_url(ctx.labs.get(owner, name)), HTTPStatus.SEE_OTHER)
