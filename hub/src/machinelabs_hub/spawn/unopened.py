"""Give back GPUs whose servers nobody opened: the next in line is at their keyboard."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jupyterhub.orm import APIToken

from machinelabs_hub.gpu.desk import GpuDesk
from machinelabs_hub.gpu.model import Claim
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.orders import spawners, stop_server

LOOK_SECONDS: Final = 5.0

WORKED: Final = timedelta(minutes=1)
"""A server that worked so long after it was ready is used, if only by a program."""


async def give_back_unopened(app: Any, desk: GpuDesk, settings: Settings) -> None:
    """Look at the servers that hold GPUs, for ever."""
    minutes = settings.gpus.unopened_minutes
    while minutes:
        await give_back_once(app, desk, limit=timedelta(minutes=minutes), now=datetime.now(UTC))
        await asyncio.sleep(LOOK_SECONDS)


async def give_back_once(app: Any, desk: GpuDesk, *, limit: timedelta, now: datetime) -> None:
    """Note which servers were opened, and stop those which were not within `limit`."""
    ready = {spawner.holder: spawner for spawner in spawners(app) if spawner.ready}
    for claim in desk.ledger.live():
        spawner = ready.get(claim.holder)
        if claim.opened_at or claim.ready_at is None or spawner is None or spawner.is_run:
            continue
        if spawner.object_id != claim.container:
            # It is another server's that has the same name, before or after.
            continue
        if was_opened(spawner, claim.ready_at):
            desk.ledger.opened(claim.id, now)
        elif now - claim.ready_at >= limit:
            await _stop(app, claim, limit)


def was_opened(spawner: Any, ready_at: datetime) -> bool:
    """Return whether somebody used the server since it was ready.

    Whoever opens a server in a browser is signed in to it by the Hub, with a token that belongs
    to this server; what the server does by itself uses none of these.
    """
    # Asked of the database: JupyterHub's own list of a client's tokens is as old as its first use.
    tokens = spawner.user.db.query(APIToken).filter_by(client_id=spawner.oauth_client_id)
    used = [token.last_activity or token.created for token in tokens]
    worked = spawner.orm_spawner.last_activity
    return any(_utc(at) >= ready_at for at in used if at) or (
        worked is not None and _utc(worked) >= ready_at + WORKED
    )


async def _stop(app: Any, claim: Claim, limit: timedelta) -> None:
    app.log.info("Nobody opened %s: its GPU goes back", claim.holder)
    minutes = round(limit.total_seconds() / 60)
    await stop_server(
        app,
        claim.holder,
        "unopened",
        f"Nobody opened your server within {minutes} minute{'' if minutes == 1 else 's'} after it "
        "was ready, so its GPU went to the next in line. Your files are as you left them.",
    )


def _utc(when: datetime) -> datetime:
    # JupyterHub stores UTC without saying so.
    return when.replace(tzinfo=UTC)
