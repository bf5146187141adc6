"""Run a site's processes together until a signal ends them."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from typing import Final

import httpx

from machinelabs_hub.errors import SetupError
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses, Files
from machinelabs_hub.up import parts, ports
from machinelabs_hub.up.journal import Journal
from machinelabs_hub.up.keeper import Keeper
from machinelabs_hub.up.steps import Steps

log = logging.getLogger("machinelabs.up")

START_SECONDS: Final = 90
TRIES: Final = 2
DOOR_PAUSE: Final = 1.0


class PartFailed(SetupError):
    """A process of the site does not come up."""

    code = "part_failed"


class Supervisor:
    """Starts, keeps and ends the processes of one site."""

    def __init__(self, *, settings: Settings, journal: Journal, steps: Steps) -> None:
        self._settings = settings
        self._journal = journal
        self._steps = steps
        self._stop = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self, greet: Callable[[], None]) -> None:
        """Start everything, call `greet` when the site can be used, wait for a signal, end all.

        Raises:
            PartFailed: a process ended again and again before the site was up.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            try:
                if await self._start(client):
                    greet()
                    await self._stop.wait()
            finally:
                await self._end()

    async def _start(self, client: httpx.AsyncClient) -> bool:
        """Start all parts at once; False if a signal came first."""
        keepers = [self._keep(part, client) for part in parts.parts_of(self._settings)]
        self._keep_door(client)
        for keeper in keepers:
            with self._steps.step(keeper.part.title):
                if not await self._is_up(keeper):
                    return False
        return True

    def _keep(self, part: parts.Part, client: httpx.AsyncClient) -> Keeper:
        after = self._restore_routes(client) if part.name == "proxy" else None
        keeper = Keeper(
            part=part,
            settings=self._settings,
            channel=self._journal.open(part.name),
            client=client,
            after=after,
        )
        self._tasks[part.name] = asyncio.create_task(keeper.run(), name=part.name)
        return keeper

    def _keep_door(self, client: httpx.AsyncClient) -> None:
        part = parts.door(self._settings)
        keeper = Keeper(
            part=part,
            settings=self._settings,
            channel=self._journal.open(part.name),
            client=client,
            before=self._gateway_is_there,
            after=lambda: self._open_door(client, part),
        )
        self._tasks[part.name] = asyncio.create_task(keeper.run(), name=part.name)

    async def _gateway_is_there(self) -> None:
        """Wait for the address of the containers' network: the engine may come up late."""
        gateway, port = Addresses(self._settings).gateway, self._settings.site.port + 4
        waited = False
        while ports.try_listen(gateway, port):
            if not waited:
                log.warning("The door waits for the address %s, port %d", gateway, port)
                waited = True
            await asyncio.sleep(DOOR_PAUSE)

    async def _open_door(self, client: httpx.AsyncClient, part: parts.Part) -> None:
        for route, target in parts.door_routes(self._settings).items():
            answer = await client.post(
                f"{part.ready}{route}", json={"target": target}, headers=dict(part.headers)
            )
            answer.raise_for_status()

    def _restore_routes(self, client: httpx.AsyncClient) -> Callable[[], "asyncio.Future[None]"]:
        token = Files(self._settings.data).secret("operator_api_token")
        url = f"{Addresses(self._settings).hub_local}/hub/api/proxy"

        async def tell() -> None:
            # A proxy that starts anew has forgotten where people's servers are; a hub that is
            # not up yet tells it by itself.
            with contextlib.suppress(httpx.HTTPError):
                await client.post(url, headers={"Authorization": f"token {token}"})

        return lambda: asyncio.ensure_future(tell())

    async def _is_up(self, keeper: Keeper) -> bool:
        ready = asyncio.create_task(keeper.ready.wait())
        stop = asyncio.create_task(self._stop.wait())
        waited = 0.0
        try:
            while not ready.done() and not stop.done():
                await asyncio.wait([ready, stop], timeout=0.5, return_when="FIRST_COMPLETED")
                waited += 0.5
                if not ready.done() and (keeper.starts > TRIES or waited > START_SECONDS):
                    raise _failure(keeper, self._settings)
            return ready.done()
        finally:
            ready.cancel()
            stop.cancel()

    async def _end(self) -> None:
        # In order: nobody is let in, then the parts that write, then their helpers.
        for names in (("proxy", "door", "culler"), ("hub", "labs"), ("sampler",)):
            tasks = [self._tasks[name] for name in names if name in self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _failure(keeper: Keeper, settings: Settings) -> PartFailed:
    path = Files(settings.data).logs / f"{keeper.part.name}.log"
    words = "\n".join(f"    {line}" for line in keeper.last_words[-8:])
    return PartFailed(
        f"{keeper.part.title} does not come up. Its log is {path}; it ends with\n{words}"
    )
