"""Bring a run's inputs into `inputs/` before its code begins, and tell how far each of them is."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from machinelabs.paths import fault_of, shown
from machinelabs.runner.feed import Feed
from machinelabs.runner.service import Refused, Service, sha256_of

FOLDER: Final = "inputs"
AT_ONCE: Final = 3
TELL_SECONDS: Final = 0.5
FIRST_ASK: Final = 0.1
LONGEST_ASK: Final = 1.0
TRIES: Final = 5
"""So often the site may drop what it said to be there before we had it."""


class Bringer:
    """Brings what the order of one run names.

    Args:
        folder: where the code will run.
        service: the site, which fetches; this container may have no way to the web.
        feed: hears of each step.
    """

    def __init__(self, folder: Path, *, service: Service, feed: Feed) -> None:
        self._folder = folder / FOLDER
        self._service = service
        self._feed = feed
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def bring(self, names: Iterable[str]) -> None:
        """Bring all of them.

        Raises:
            Refused: one of them cannot be had; the sentence says which and why.
        """
        tasks = [asyncio.create_task(self._bring(name)) for name in names]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _bring(self, name: str) -> None:
        if fault := fault_of(name):
            raise Refused(f"The input “{shown(name)}” cannot be brought: {fault}")
        async with self._slots:
            one = _Input(name, self._folder / name, service=self._service, feed=self._feed)
            try:
                await one.bring()
            except Refused as error:
                one.tell("failed", code=error.code, text=str(error))
                raise Refused(f"The input “{shown(name)}”: {error}", error.code) from error
            except OSError as error:
                why = error.strerror or type(error).__name__
                one.tell("failed", text=why)
                raise Refused(f"The input “{shown(name)}” cannot be written: {why}.") from error


class _Input:
    """One of them, on its way."""

    def __init__(self, name: str, path: Path, *, service: Service, feed: Feed) -> None:
        self._name = name
        self._path = path
        self._service = service
        self._feed = feed
        self._received = 0
        self._total = 0
        self._told = ("", 0)
        self._told_at = 0.0

    async def bring(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w+b") as file:
            for _ in range(TRIES):
                sha256, is_kept = await self._until_ready()
                if not await self._service.fetch_input(self._name, file, sha256, self._copied):
                    continue
                if (await asyncio.to_thread(sha256_of, file))[0] == sha256:
                    self._received = self._total
                    self.tell("done", is_kept=is_kept, sha256=sha256)
                    return
                file.seek(0)
                file.truncate()
        raise Refused("the site could not give it whole. Try again later.")

    async def _until_ready(self) -> tuple[str, bool]:
        wait = FIRST_ASK
        while True:
            found = await self._service.ask_input(self._name)
            if found.state == "refused":
                raise Refused(found.message, found.code)
            self._received, self._total = found.received, found.total
            if found.state == "ready":
                return found.sha256, found.is_kept
            self._tell_sometimes("fetching")
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LONGEST_ASK)

    def _copied(self, received: int) -> None:
        self._received = received
        self._tell_sometimes("copying")

    def _tell_sometimes(self, state: str) -> None:
        now = time.monotonic()
        is_news = (state, self._received) != self._told
        if is_news and (state != self._told[0] or now - self._told_at >= TELL_SECONDS):
            self.tell(state)
            self._told_at = now

    def tell(self, state: str, **more: object) -> None:
        self._told = (state, self._received)
        self._feed.put(
            "input",
            name=self._name,
            state=state,
            received=self._received,
            total=self._total,
            **more,
        )
