"""One run from its code to its end: exchange, fetch, execute, send, say how it ended."""

import asyncio
import contextlib
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from machinelabs.errors import HubError
from machinelabs.runner.code import Code
from machinelabs.runner.door import Door
from machinelabs.runner.feed import Feed
from machinelabs.runner.inputs import Bringer
from machinelabs.runner.keeper import Keeper
from machinelabs.runner.mounts import Layer
from machinelabs.runner.notebook import Notebook
from machinelabs.runner.processes import end_all, reap
from machinelabs.runner.script import Script
from machinelabs.runner.service import Refused, Service
from machinelabs.runner.tracking import Tracking
from machinelabs.runner.usage import Usage
from machinelabs.runner.words import STOPPED, Ended, Order, failed
from machinelabs.tar import unpack

GRACE_SECONDS: Final = 10.0
"""How long the code may take to end after it was interrupted."""

KILLED_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 5.0


class Run:
    """The run that a code is for.

    Args:
        service: the labs service.
        folder: an empty folder for the lab's files.
        grace: seconds that the code has to end by itself after it was interrupted.
        door: through which its person may look into it; None: nobody may.
    """

    def __init__(
        self,
        service: Service,
        folder: Path,
        *,
        grace: float = GRACE_SECONDS,
        door: Door | None = None,
    ) -> None:
        self._service = service
        self._folder = folder
        self._grace = grace
        self._feed = Feed(service)
        self._usage = Usage()
        self._pids: set[int] = set()
        self._brought: dict[str, str] = {}
        self._tracking: Tracking | None = None
        self._code: Code | None = None
        self._door = door
        if door is not None:
            self._feed.on_key = door.offer

    def stop(self) -> None:
        """Stop as if the site had ordered it."""
        self._feed.stop_ordered.set()

    async def run(self, code: str) -> Ended:
        """Do it all; return how it ended, which the site knows then.

        Raises:
            Dismissed: the site does not know this run, or not any more.
        """
        order = await self._service.exchange(code)
        feeding = asyncio.create_task(self._feed.run())
        beside = [asyncio.create_task(work) for work in (self._look(), reap(self._pids))]
        try:
            return await self._until_dismissed(feeding, self._work(order))
        finally:
            await self._close()
            for task in (feeding, *beside):
                task.cancel()
            await asyncio.gather(feeding, *beside, return_exceptions=True)
            self._feed.close()

    async def _until_dismissed(
        self, feeding: asyncio.Task[None], work: Coroutine[Any, Any, Ended]
    ) -> Ended:
        working = asyncio.create_task(work)
        await asyncio.wait({working, feeding}, return_when=asyncio.FIRST_COMPLETED)
        if feeding.done():
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
            feeding.result()
        return await working

    async def _work(self, order: Order) -> Ended:
        try:
            self._code = code = await self._prepare(order)
            if self._door is not None:
                self._door.lead_to(code)
            goes_on = await self._bring(order)
        except (Refused, HubError) as error:
            ended = failed(str(error), error.code)
        else:
            ended = await self._execute_and_keep(order, code) if goes_on else STOPPED
        if self._tracking is not None:
            await self._tracking.close()
        await self._feed.drain()
        await self._hold(await self._service.end(ended, holds=self._can_hold(ended)))
        return ended

    def _can_hold(self, ended: Ended) -> bool:
        # Of a kernel that ended by itself there is nothing to be seen.
        has_raised = ended.state == "failed" and ended.reason is not None and ended.reason.ename
        has_kernel = self._code is not None and self._code.kernel() is not None
        return bool(has_raised) and has_kernel and self._door is not None

    async def _hold(self, seconds: float) -> None:
        """Let its person look into it for a while, or until they had enough of it."""
        if seconds <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._feed.stop_ordered.wait()

    async def _close(self) -> None:
        """End all that the code left, and then let nobody in any more."""
        # In this order: what lives on could listen where the door was.
        if self._code is not None:
            await self._code.close()
            end_all(self._code.groups())
        if self._door is not None:
            await self._door.close()

    async def _prepare(self, order: Order) -> Code:
        with tempfile.TemporaryFile() as tar:
            await self._service.fetch_files(tar)
            self._brought = unpack(tar, self._folder)
        path = self._folder / order.entrypoint
        beside = path.parent.relative_to(self._folder)
        brought = {*self._brought, *((beside / one.at).as_posix() for one in order.mounts)}
        self._tracking = tracking = Tracking(
            self._folder, path.parent, number=order.number, brought=brought, feed=self._feed
        )
        given = tracking.given
        if order.is_notebook:
            return Notebook(
                path, order.parameters, self._feed, self._pids, self._usage, given=given
            )
        return Script(path, order.parameters, self._feed, self._pids, given=given)

    async def _bring(self, order: Order) -> bool:
        """Bring inputs and datasets; return whether the run goes on: it may be stopped."""
        beside = (self._folder / order.entrypoint).parent
        bringer = Bringer(beside, service=self._service, feed=self._feed)
        layer = Layer(beside, service=self._service, feed=self._feed)

        async def bring() -> None:
            await bringer.bring(order.inputs)
            await layer.lay(order.mounts)

        bringing = asyncio.create_task(bring())
        stop = asyncio.create_task(self._feed.stop_ordered.wait())
        try:
            await asyncio.wait({bringing, stop}, return_when=asyncio.FIRST_COMPLETED)
            if bringing.done():
                bringing.result()
            return bringing.done()
        finally:
            for task in (bringing, stop):
                task.cancel()
            await asyncio.gather(bringing, stop, return_exceptions=True)

    async def _execute_and_keep(self, order: Order, code: Code) -> Ended:
        keeper = Keeper(
            self._folder,
            order.entrypoint,
            self._brought,
            service=self._service,
            feed=self._feed,
        )
        beside = [asyncio.create_task(keeper.while_it_runs(code))]
        if self._tracking is not None:
            beside.append(asyncio.create_task(self._tracking.while_it_runs()))
        ended: Ended | None = None
        try:
            ended = await self._execute(code)
        finally:
            if ended is None or not self._can_hold(ended):
                await code.close()
                end_all(code.groups())
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        if self._tracking is not None:
            await self._tracking.at_the_end()
        await keeper.at_the_end(code)
        return ended

    async def _execute(self, code: Code) -> Ended:
        if self._feed.stop_ordered.is_set():
            return STOPPED
        working = asyncio.create_task(code.run())
        stop = asyncio.create_task(self._feed.stop_ordered.wait())
        try:
            await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            await self._stop(code, working)
            return STOPPED
        finally:
            for task in (working, stop):
                task.cancel()
            await asyncio.gather(working, stop, return_exceptions=True)

    async def _stop(self, code: Code, working: asyncio.Task[Ended]) -> None:
        await code.interrupt()
        await asyncio.wait({working}, timeout=self._grace)
        if not working.done():
            self._feed.put("note", text="The code did not end when it was interrupted: killed.")
            end_all(code.groups())
            await asyncio.wait({working}, timeout=KILLED_SECONDS)

    async def _look(self) -> None:
        while True:
            if used := {**self._usage.look(), **self._feed.gpu}:
                self._feed.put("usage", **used)
            await asyncio.sleep(LOOK_SECONDS)
