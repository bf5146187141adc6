"""`/labs/{owner}/{name}/runs/{number}/publish`: the executed notebook as the next revision."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.bodies import RevisionBody
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/runs", tags=["runs"], route_class=Once)


class RunPublishBody(BaseModel):
    """What is said of the revision."""

    model_config = ConfigDict(extra="forbid", strict=True)

    message: Annotated[
        str, Field(max_length=5000, description="Empty: it names the run and what it executed.")
    ] = ""


@router.post(
    "/{number}/publish",
    status_code=201,
    responses={
        200: {"model": RevisionBody, "description": "The newest has this notebook already."},
        **refusals(403, 404, 409, 413, 507),
    },
)
def publish_run(
    response: Response,
    ctx: Ctx,
    owner: Owner,
    name: Name,
    number: RunNumber,
    body: RunPublishBody | None = None,
) -> RevisionBody:
    """Publish the notebook that a run executed as the lab's next revision.

    409 `stale_revision` if the lab has a newer revision than the one that was executed.
    """
    said = body or RunPublishBody()
    lab = ctx.labs.get(owner, name)
    revision, is_new = ctx.run_publish.publish(lab, number, message=said.message)
    response.status_code = 201 if is_new else 200
    return RevisionBody.of(revision)
