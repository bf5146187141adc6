"""`/people` and `/me`: who asks, who others are, the trash of one's own."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import LabBody
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.people import LabsOfLeaver
from machinelabs_hub.labs.services.viewer import signed_in

router = APIRouter(tags=["people"])


class MeBody(BaseModel):
    """Who asks."""

    name: str
    display_name: str
    admin: bool
    groups: list[str]


class PersonBody(BaseModel):
    """A person; `labs_count` counts what you may see."""

    name: str
    display_name: str
    labs_count: int
    joined_at: datetime


class RemovedBody(BaseModel):
    """What became of the labs of a person who is gone."""

    name: str
    labs_to_trash: int


class TrashedBody(BaseModel):
    """A deleted lab that can be restored."""

    owner: str
    name: str
    title: str
    trashed_at: datetime

    @classmethod
    def of(cls, lab: Lab) -> Self:
        """Return the JSON of a lab in the trash."""
        return cls(
            owner=lab.owner,
            name=lab.name,
            title=lab.title,
            trashed_at=lab.trashed_at or lab.updated_at,
        )


@router.get("/me", responses=refusals())
def get_me(ctx: Ctx) -> MeBody:
    """Tell who asks."""
    person = signed_in(ctx.person)
    return MeBody(
        name=person.name,
        display_name=person.display_name,
        admin=person.admin,
        groups=list(person.groups),
    )


@router.get("/me/trash", responses=refusals(403))
def list_trash(ctx: Ctx) -> list[TrashedBody]:
    """List your deleted labs, the last deleted first."""
    return [TrashedBody.of(lab) for lab in ctx.trash.list()]


@router.post("/me/trash/{name}/restore", responses=refusals(403, 404, 409))
def restore_lab(ctx: Ctx, name: Name) -> LabBody:
    """Take back the lab of this name that you deleted last."""
    return LabBody.of(ctx, ctx.trash.restore(signed_in(ctx.person).name, name))


@router.get("/people/{name}", responses=refusals(404))
def get_person(ctx: Ctx, name: Owner) -> PersonBody:
    """Read about a person."""
    found = ctx.people.get(name)
    return PersonBody(
        name=found.name,
        display_name=found.display_name,
        labs_count=found.labs_count,
        joined_at=found.joined_at,
    )


@router.delete("/people/{name}", responses=refusals(403))
def remove_person(
    ctx: Ctx,
    name: Owner,
    labs: Annotated[
        Literal["trash", "keep"], Query(description="What becomes of their labs.")
    ] = "trash",
) -> RemovedBody:
    """Forget a person whose account is deleted (admins only)."""
    count = ctx.people.remove(name, LabsOfLeaver(labs))
    return RemovedBody(name=name, labs_to_trash=count)
