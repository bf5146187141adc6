"""Stop a server after its people saved: tell it, wait for its word, stop it.

The server's own part hears of it within two seconds, lets kernels and open browsers finish and
save, writes what kernels had put out into the notebooks, and confirms.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files
from machinelabs_hub.spawn.orders import stop_server

WAIT: Final = timedelta(seconds=45)
"""How long a server has to save before it is stopped all the same."""

ASK_SECONDS: Final = 0.5


async def farewell(
    app: Any,
    notices: NoticeTable,
    notice: Notice,
    *,
    why: str,
    sentence: str,
    clock: Callable[[], datetime],
    wait: timedelta = WAIT,
) -> bool:
    """Let a server save, then stop it; return whether there was one.

    Args:
        app: the Hub.
        notices: where the server hears of it.
        notice: what its people were told.
        why: what ended it, in one word, as `ClaimRow.why` lists them.
        sentence: what its person is told on the start page.
        clock: tells the time.
        wait: how long the server has to save.
    """
    final = await asyncio.to_thread(notices.make_final, notice, clock())
    until = (final.final_at or clock()) + wait
    while clock() < until and not await asyncio.to_thread(notices.is_confirmed, final):  # noqa: ASYNC110 - said in the database
        await asyncio.sleep(ASK_SECONDS)
    try:
        return await stop_server(app, Holder(notice.user, notice.server), why, sentence)
    finally:
        await asyncio.to_thread(notices.end, final, clock())


async def start_again(settings: Settings, holder: Holder, options: dict[str, str]) -> None:
    """Order a server to start, as its person would on the start page."""
    token = Files(settings.data).secret("operator_api_token")
    address = f"{Addresses(settings).hub_local}/hub/api/users/{holder.user}/"
    address += f"servers/{holder.server}" if holder.server else "server"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = await http.post(address, headers={"Authorization": f"token {token}"}, json=options)
        answer.raise_for_status()
