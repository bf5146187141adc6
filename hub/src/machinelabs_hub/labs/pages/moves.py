"""Rename a lab or give it away, from its settings."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, Conflict, NotAllowed, TooLarge
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.settings import editable, settings_page
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

Text = Annotated[str, Form()]


@router.post("/{owner}/{name}/move", include_in_schema=False)
def move(
    request: Request,
    ctx: Ctx,
    owner: str,
    name: str,
    to_name: Text = "",
    to_owner: Text = "",
    gives: Text = "",
    confirm: Text = "",
) -> Response:
    """Move the lab and go to its new address, or say what is wrong."""
    lab = editable(ctx, owner, name)
    if gives and confirm.strip() != lab.name:
        trouble = f"Type {lab.name} to give this lab away. Nothing was changed."
        return settings_page(request, ctx, lab, trouble=trouble)
    try:
        to = {"to_owner": to_owner.strip(), "to_name": to_name.strip()}
        moved = ctx.moves.move(owner, name, **to)
    except (BadInput, Conflict, TooLarge, NotAllowed) as error:
        return settings_page(request, ctx, lab, trouble=str(error))
    # An owner of before is an editor now, and sees the settings still.
    end = "/settings?saved=1#address" if ctx.labs.may(Action.EDIT, moved) else ""
    return RedirectResponse(lab_url(moved) + end, HTTPStatus.SEE_OTHER)
