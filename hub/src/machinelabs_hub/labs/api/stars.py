"""`/labs/{owner}/{name}/star` and `/featured`: what people like, what admins show first."""

from fastapi import APIRouter
from pydantic import BaseModel

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}", tags=["stars"])


class StarsBody(BaseModel):
    """The stars of a lab, and whether yours is among them."""

    stars: int
    is_mine: bool


@router.put("/star", responses=refusals(403, 404))
def star_lab(ctx: Ctx, owner: Owner, name: Name) -> StarsBody:
    """Give your star to a lab; a second one changes nothing."""
    return _stars(ctx.stars.star(owner, name), is_mine=True)


@router.delete("/star", responses=refusals(403, 404))
def unstar_lab(ctx: Ctx, owner: Owner, name: Name) -> StarsBody:
    """Take your star from a lab."""
    return _stars(ctx.stars.unstar(owner, name), is_mine=False)


@router.put("/featured", status_code=204, responses=refusals(403, 404))
def feature_lab(ctx: Ctx, owner: Owner, name: Name) -> None:
    """Put a public lab on the first page (admins only)."""
    ctx.stars.feature(owner, name)


@router.delete("/featured", status_code=204, responses=refusals(403, 404))
def unfeature_lab(ctx: Ctx, owner: Owner, name: Name) -> None:
    """Take a lab from the first page (admins only)."""
    ctx.stars.unfeature(owner, name)


def _stars(lab: Lab, *, is_mine: bool) -> StarsBody:
    return StarsBody(stars=lab.stars, is_mine=is_mine)
