"""`/trash`: labs that were deleted in the last days, to be restored."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import LabBody
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/trash", tags=["trash"])


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


class TrashBody(BaseModel):
    """Some deleted labs, and where the next ones begin (null: these were the last)."""

    items: list[TrashedBody]
    next: str | None


@router.get("", responses=refusals(403))
def list_trash(
    ctx: Ctx,
    cursor: Annotated[str, Query(max_length=400)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> TrashBody:
    """List the deleted labs that you may restore, the last deleted first."""
    page = ctx.trash.list(cursor=cursor, limit=limit)
    return TrashBody(items=[TrashedBody.of(lab) for lab in page.items], next=page.next)


@router.post("/{owner}/{name}/restore", responses=refusals(403, 404, 409, 413))
def restore_lab(ctx: Ctx, owner: Owner, name: Name) -> LabBody:
    """Take back the lab of this address that was deleted last, whole."""
    return LabBody.of(ctx, ctx.trash.restore(owner, name))
