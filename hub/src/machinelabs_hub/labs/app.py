"""Put the labs service together: parts, guards, errors, routes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.routing import Match
from starlette.types import Scope

from machinelabs_hub import __version__
from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs import errors, signin
from machinelabs_hub.labs.api import (
    compare,
    dataset_uploads,
    dataset_versions,
    datasets,
    facets,
    forks,
    git,
    gpus,
    health,
    hours,
    labs,
    members,
    metrics,
    moves,
    own_gpu,
    own_runs,
    people,
    proposals,
    reservations,
    revisions,
    run_events,
    run_inputs,
    run_outputs,
    run_publish,
    runner,
    runner_inputs,
    runner_mounts,
    runs,
    schedules,
    site,
    stars,
    sweeps,
    tracking,
    updates,
    verifications,
)
from machinelabs_hub.labs.api import handshakes as handshakes_api
from machinelabs_hub.labs.api import templates as templates_api
from machinelabs_hub.labs.api import trash as trash_api
from machinelabs_hub.labs.context import Parts
from machinelabs_hub.labs.guard import API, Guard
from machinelabs_hub.labs.hubapi import HubApi
from machinelabs_hub.labs.identity import Identities, Seal
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.pages import site as pages
from machinelabs_hub.labs.pages.failed import failed
from machinelabs_hub.labs.services import (
    gpu_uses,
    idempotency,
    reindex,
    run_strays,
    run_upkeep,
    trash,
    upkeep,
)
from machinelabs_hub.labs.services.conductor import Conductor
from machinelabs_hub.labs.services.night import NightSweep
from machinelabs_hub.labs.services.rates import Rate
from machinelabs_hub.labs.services.timekeeper import Timekeeper
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verifier import Verifier
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Files
from machinelabs_hub.works import Begin, kept

log = logging.getLogger("machinelabs.labs")

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR


def create_app(settings: Settings) -> FastAPI:
    """Return the labs service of a site; its database must be up to date."""
    tools = Tools.of(settings)
    hub = HubApi(settings=settings)
    app = FastAPI(
        title=f"{settings.site.title} labs",
        summary="Publish, read, fork and find labs.",
        version=__version__,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_life,
    )
    app.state.parts = Parts(
        tools=tools,
        hub=hub,
        identities=Identities(hub=hub, on_seen=_remember(tools)),
        seal=Seal(secret=Files(settings.data).secret("labs_seal_key")),
        visitors=Rate(count=settings.limits.requests_per_minute, seconds=60),
    )
    errors.install(app, failed)
    app.include_router(_api(), prefix=f"{API}/v1")
    app.router.routes.extend(git.routes(settings))
    app.include_router(health.router, prefix=LABS_PREFIX)
    app.include_router(signin.router, prefix=LABS_PREFIX)
    app.include_router(pages.router, prefix=LABS_PREFIX)
    app.add_middleware(Guard, settings=settings)
    return app


class _Api(APIRouter):
    """The routes of the API: none of them is tried for a page, which has as many of its own."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as any router does what lies under `API`."""
        if not scope["path"].startswith(API):
            return Match.NONE, {}
        return super().matches(scope)


def _api() -> APIRouter:
    api = _Api()
    for part in (
        handshakes_api,
        templates_api,
        site,
        people,
        hours,
        own_gpu,
        own_runs,
        gpus,
        metrics,
        reservations,
        labs,
        facets,
        stars,
        members,
        moves,
        trash_api,
        datasets,
        dataset_versions,
        dataset_uploads,
        revisions,
        tracking,
        runs,
        sweeps,
        run_events,
        run_inputs,
        run_outputs,
        run_publish,
        runner,
        runner_inputs,
        runner_mounts,
        verifications,
        schedules,
        compare,
        proposals,
        updates,
        forks,
    ):
        # Not included: FastAPI would ask each part whether it changed, at every request. What a
        # part is told beside prefix, tags and class of routes would not come along.
        api.routes.extend(part.router.routes)
    return api


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    await run_in_threadpool(idempotency.recover, parts.tools)
    settled = await run_in_threadpool(reindex.settle, parts.tools)
    await run_in_threadpool(parts.tools.blobs.clear_leftovers)
    await run_in_threadpool(parts.tools.fetched.settle)
    if settled:
        log.warning("settled %d acts that a killed process left half done", settled)
    tools, hub = parts.tools, parts.hub
    works: dict[str, Begin] = {
        "emptying the trash": partial(_empty_trash, tools),
        "tending the stores": partial(_tend, tools),
        "conducting runs": Conductor(tools=tools, hub=hub).run,
        "removing servers of no run": partial(run_strays.keep_sweeping, tools, hub),
        "keeping schedules": Timekeeper(tools=tools, standing=hub.standing).run,
        "looking at the GPUs of runs": partial(gpu_uses.keep_looking, tools),
        "verifying": Verifier(tools=tools).run,
        "the nightly sweep": NightSweep(tools=tools, standing=hub.standing).run,
    }
    try:
        async with kept(works, log):
            try:
                yield
            finally:
                # Who waits for a download holds a thread: they are told before the works end.
                tools.inputs.close()
    finally:
        await hub.close()
        tools.close()


async def _tend(tools: Tools) -> None:
    while True:
        await asyncio.sleep(_HOUR)
        try:
            tended = await run_in_threadpool(upkeep.tend, tools)
            dropped = await run_in_threadpool(run_upkeep.tend, tools)
        except MachineLabsError as error:
            log.warning("the stores were not tended: %s", error)
        else:
            if dropped:
                log.info(
                    "purged %d runs, dropped %d logs and %d contents that no run has",
                    dropped.purged,
                    dropped.logs,
                    dropped.blobs,
                )
            if tended:
                log.info("packed %d stores, dropped %d exports", tended.packed, tended.dropped)


async def _empty_trash(tools: Tools) -> None:
    while True:
        try:
            count = await run_in_threadpool(trash.empty, tools)
        except MachineLabsError as error:
            log.warning("the trash was not emptied: %s", error)
        else:
            if count:
                log.info(
                    "purged %d labs and datasets that were in the trash for long enough", count
                )
        await asyncio.sleep(_DAY)


def _remember(tools: Tools) -> Callable[[Person], None]:
    def seen(person: Person) -> None:
        tools.people.seen(person, tools.clock())

    return seen
