"""`/health`: whether the labs service and what it needs answer."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.session import parts_of

router = APIRouter(tags=["health"])

State = Literal["ok", "away"]


class HealthBody(BaseModel):
    """The state of each part; `status` is ok if the service can answer at all."""

    status: State
    database: State
    stores: State
    hub: State


@router.get("/health", responses={503: {"model": HealthBody, "description": "It cannot answer."}})
async def get_health(request: Request, response: Response) -> HealthBody:
    """Tell whether the service answers. Readers need the hub only to sign in."""
    parts = parts_of(request)
    database = await run_in_threadpool(_answers, parts.tools.labs.ping)
    stores = await run_in_threadpool(_answers, parts.tools.repos.ping)
    hub: State = "ok" if await parts.hub.answers() else "away"
    status: State = "ok" if database == stores == "ok" else "away"
    response.status_code = 200 if status == "ok" else 503
    response.headers["Cache-Control"] = "no-store"
    return HealthBody(status=status, database=database, stores=stores, hub=hub)


def _answers(ping: Callable[[], None]) -> State:
    try:
        ping()
    except MachineLabsError:
        return "away"
    return "ok"
