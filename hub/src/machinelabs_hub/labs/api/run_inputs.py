"""`/labs/{owner}/{name}/runs/{number}/inputs`: what a run takes in."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/labs/{owner}/{name}/runs/{number}", tags=["runs"])


class InputBody(BaseModel):
    """A file that the run's code finds in `inputs/`."""

    name: Annotated[str, Field(description="Below `inputs/`.")]
    url: Annotated[
        str, Field(description="`https://…`, `http://…`, `run:OWNER/LAB#12/PATH` or `dataset:…`.")
    ]
    sha256: Annotated[
        str,
        Field(description="Of what the run got; empty: nothing yet, or not yours to read."),
    ]
    size: int


class DatasetUseBody(BaseModel):
    """A version of a dataset that the run uses."""

    dataset: Annotated[str, Field(description="`OWNER/NAME@v3`, as it was called then.")]
    at: Annotated[
        str, Field(description="The folder in which it lies; empty: a file of it is an input.")
    ]


class InputsBody(BaseModel):
    """All inputs of a run, as its `ml.yaml` lists them, and the datasets that it uses."""

    items: list[InputBody]
    datasets: list[DatasetUseBody]


@router.get("/inputs", responses=refusals(404))
def list_run_inputs(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> InputsBody:
    """List what a run takes in, and which content it got."""
    run = ctx.runs.get(ctx.labs.get(owner, name), number)
    return InputsBody(
        items=[
            InputBody(name=one.name, url=one.url, sha256=one.sha256, size=one.size)
            for one in ctx.runs.inputs(run)
        ],
        datasets=[DatasetUseBody(dataset=one.called, at=one.at) for one in ctx.runs.datasets(run)],
    )
