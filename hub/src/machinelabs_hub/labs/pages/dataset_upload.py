"""The form that uploads a version of a dataset from a browser; its script talks to the API."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.pages.datasets import dataset_url
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.security import Ctx

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
    )
