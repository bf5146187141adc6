"""`/limits`, `/licences`, `/catalog`: what the site takes and offers."""

from fastapi import APIRouter
from pydantic import BaseModel

from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.models.licences import LICENCES
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.settings import Limits

router = APIRouter(tags=["site"])


class LicenceBody(BaseModel):
    """An SPDX identifier and what people call it."""

    id: str
    title: str


class LicencesBody(BaseModel):
    """All licences, the suggested one first; `next` is always null."""

    items: list[LicenceBody]
    next: str | None = None


class ImageBody(BaseModel):
    """An image that a lab can name."""

    name: str
    title: str
    description: str


class FlavourBody(BaseModel):
    """A size that a lab can name."""

    name: str
    title: str
    cpu: float
    memory_mib: int
    gpu: bool


class CatalogBody(BaseModel):
    """Images and flavours, in the order in which people see them."""

    images: list[ImageBody]
    flavours: list[FlavourBody]


@router.get("/limits", responses=refusals())
def get_limits(ctx: Ctx) -> Limits:
    """Tell the limits of the site."""
    return ctx.settings.limits


@router.get("/licences", responses=refusals())
def list_licences(_ctx: Ctx) -> LicencesBody:
    """List the licences that a lab may have, the suggested one first."""
    found = [LicenceBody(id=licence.id, title=licence.title) for licence in LICENCES]
    return LicencesBody(items=found)


@router.get("/catalog", responses=refusals())
def get_catalog(ctx: Ctx) -> CatalogBody:
    """List the images and the flavours of the site."""
    return CatalogBody(
        images=[
            ImageBody(name=image.name, title=image.title, description=image.description)
            for image in ctx.catalog.offered
        ],
        flavours=[
            FlavourBody(
                name=flavour.name,
                title=flavour.title,
                cpu=flavour.cpu,
                memory_mib=flavour.memory_mib,
                gpu=flavour.gpu is not None,
            )
            for flavour in ctx.catalog.flavours
        ],
    )
