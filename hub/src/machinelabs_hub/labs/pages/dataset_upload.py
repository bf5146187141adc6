"""The form that uploads a version of a dataset from a browser; its script talks to the API."""

import contextlib
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.pages.datasets import dataset_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.dataset_uploads import NoUpload

router = APIRouter()


@router.get("/datasets/{owner}/{name}/upload", include_in_schema=False)
def upload(request: Request, ctx: Ctx, owner: str, name: str) -> Response:
    """Give the form to those who may use it."""
    found = ctx.datasets.get(owner, name)
    if not ctx.datasets.may(Action.EDIT, found):
        raise NotAllowed(f"Only editors and owners upload to {found.path}. Ask {found.owner}.")
    return page(
        "dataset_upload.html",
        request,
        ctx,
        current="datasets",
        dataset=found,
        url=dataset_url(found),
        most=ctx.settings.datasets,
        uploads=ctx.dataset_uploads.open(owner, name),
    )


@router.post("/datasets/{owner}/{name}/upload/give-up", include_in_schema=False)
def give_up(ctx: Ctx, owner: str, name: str, upload: Annotated[str, Form()] = "") -> Response:
    """Give up an upload of the reader's, and show what is left; one that is gone is gone."""
    found = ctx.datasets.get(owner, name)
    with contextlib.suppress(NoUpload):
        ctx.dataset_uploads.give_up(ctx.dataset_uploads.get(owner, name, upload))
    return RedirectResponse(f"{dataset_url(found)}/upload", HTTPStatus.SEE_OTHER)
