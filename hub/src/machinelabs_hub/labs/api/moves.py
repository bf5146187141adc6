"""`/labs/{owner}/{name}/move`: rename a lab, give it to somebody else."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import LabBody
from machinelabs_hub.labs.security import Ctx

router = APIRouter(tags=["labs"])


class MoveBody(BaseModel):
    """Where a lab goes; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Annotated[
        str | None,
        Field(max_length=255, description="A person's name, or `@group`.", examples=["@vision"]),
    ] = None
    name: Annotated[str | None, Field(max_length=200, examples=["numbers"])] = None


@router.post("/labs/{owner}/{name}/move", responses=refusals(403, 404, 409, 413))
def move_lab(ctx: Ctx, owner: Owner, name: Name, body: MoveBody) -> LabBody:
    """Give a lab another name or another owner; its old address answers 308 from then on.

    Who owned it until then stays an editor of it.
    """
    lab = ctx.moves.move(owner, name, to_owner=body.owner or "", to_name=body.name or "")
    return LabBody.of(ctx, lab)
