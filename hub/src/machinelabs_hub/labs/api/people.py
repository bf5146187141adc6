"""`/people` and `/me`: who asks, who others are, what they share with one."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import Owner, refusals
from machinelabs_hub.labs.api.bodies import LabsBody
from machinelabs_hub.labs.models.access import publishes_as
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST, LabQuery
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
    owners: Annotated[
        list[str],
        Field(description="Whose your new lab can be: you, `@group`s of yours."),
    ]


class PersonBody(BaseModel):
    """A person or `@group`; `labs_count` counts what you may see."""

    name: str
    display_name: str
    labs_count: int
    joined_at: Annotated[datetime | None, Field(description="Null: it is a group.")]


class RemovedBody(BaseModel):
    """What became of the labs of a person who is gone."""

    name: str
    labs_to_trash: int


@router.get("/me", responses=refusals())
def get_me(ctx: Ctx) -> MeBody:
    """Tell who asks."""
    person = signed_in(ctx.person)
    return MeBody(
        name=person.name,
        display_name=person.display_name,
        admin=person.admin,
        groups=list(person.groups),
        owners=list(publishes_as(person)),
    )


@router.get("/me/shared", responses=refusals())
def list_shared(
    ctx: Ctx,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> LabsBody:
    """List the labs that others share with you or with a group of yours."""
    return LabsBody.of(ctx, ctx.people.shared(LabQuery(cursor=cursor, limit=limit)))


@router.get("/people/{name}", responses=refusals(404))
def get_person(ctx: Ctx, name: Owner) -> PersonBody:
    """Read about a person, or about `@group`."""
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
