"""After a restart of the Hub, ask again for the starts of those who stood in line."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import httpx

from machinelabs_hub.gpu.desk import GpuDesk
from machinelabs_hub.gpu.waits import Stored
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files
from machinelabs_hub.tickets import is_run

TRIES: Final = 30
"""How many times, a second apart, a start is asked for that the Hub has no time for."""

AT_ONCE: Final = 10
"""How many are asked for at once: the Hub has other work too when it has just started."""


async def come_back(app: Any, desk: GpuDesk, settings: Settings) -> None:
    """Ask for each start as its person did; `Line.take` gives it its old place."""
    # Runs are asked for by the labs service alone, with new tickets.
    lost = [one for one in desk.line.lost() if not is_run(one.holder.server)]
    if not lost:
        return
    app.log.info("Asking again for %d starts that stood in line", len(lost))
    token = Files(settings.data).secret("operator_api_token")
    turns = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(
        base_url=f"{Addresses(settings).hub_local}/hub/api",
        headers={"Authorization": f"token {token}"},
        trust_env=False,
        timeout=30,
    ) as http:
        await asyncio.gather(*(_ask(app, desk, http, turns, one) for one in lost))


async def _ask(
    app: Any, desk: GpuDesk, http: httpx.AsyncClient, turns: asyncio.Semaphore, one: Stored
) -> None:
    holder = one.holder
    path = f"/users/{holder.user}/server"
    if holder.server:
        path = f"/users/{holder.user}/servers/{holder.server}"
    for _ in range(TRIES):
        try:
            async with turns:
                answer = await http.post(path, json=dict(one.options))
        except httpx.HTTPError as error:
            app.log.warning("%s could not be asked for again: %s", holder, error)
        else:
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
        await asyncio.sleep(1)
    else:
        return
    if answer.is_error:
        # It runs already, or is refused now: a plan, a person or a size has changed meanwhile.
        app.log.warning("%s loses the place in line: %s", holder, answer.text[:500])
        desk.line.forget(holder)
