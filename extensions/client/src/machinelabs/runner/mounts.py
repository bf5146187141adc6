"""Lay datasets into folders before the code begins, and tell how far each of them is."""

import asyncio
import errno
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from machinelabs.paths import fault_of, shown
from machinelabs.runner.feed import Feed
from machinelabs.runner.service import Mounted, Refused, Service, sha256_of
from machinelabs.runner.words import Mount

AT_ONCE: Final = 6
TELL_SECONDS: Final = 0.5
TRIES: Final = 3
"""So often a file that came damaged is asked for again."""
_READ: Final = 0o444
_ENTER: Final = 0o555
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM: Final = "Mount less, or ask an admin of the site for more room on the disk of runs."


class Layer:
    """Lays what the order of one run names.

    The files are this run's own copy, and cannot be written by mistake; the dataset itself is
    never within reach.

    Args:
        folder: where the code will run.
        service: the site.
        feed: hears of each step.
    """

    def __init__(self, folder: Path, *, service: Service, feed: Feed) -> None:
        self._folder = folder
        self._service = service
        self._feed = feed

    async def lay(self, mounts: Iterable[Mount]) -> None:
        """Lay all of them, one after the other.

        Raises:
            Refused: one of them cannot be had; the sentence says which and why.
        """
        for mount in mounts:
            if fault := fault_of(mount.at):
                raise Refused(f"The dataset {mount.dataset} cannot be laid: {fault}")
            one = _Mounting(mount, self._folder / mount.at, service=self._service, feed=self._feed)
            try:
                await one.lay()
            except Refused as error:
                one.tell("failed", code=error.code, text=str(error))
                raise Refused(f"The dataset {mount.dataset}: {error}", error.code) from error
            except OSError as error:
                why = error.strerror or type(error).__name__
                one.tell("failed", text=why)
                full = f" {_NO_ROOM}" if error.errno in _FULL else ""
                raise Refused(f"{mount.dataset} cannot be written: {why}.{full}") from error


class _Mounting:
    """One of them, on its way."""

    def __init__(self, mount: Mount, folder: Path, *, service: Service, feed: Feed) -> None:
        self._mount = mount
        self._folder = folder
        self._service = service
        self._feed = feed
        self._received = 0
        self._told_at = 0.0

    async def lay(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.tell("copying")
        coming: asyncio.Queue[Mounted | None] = asyncio.Queue(AT_ONCE)
        workers = [asyncio.create_task(self._work(coming)) for _ in range(AT_ONCE)]
        feeding = asyncio.create_task(self._list(coming))
        tasks = (feeding, *workers)
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(_close, self._folder)
        self._received = self._mount.size
        self.tell("done", is_kept=True, sha256="")

    async def _list(self, coming: asyncio.Queue[Mounted | None]) -> None:
        async for file in self._service.list_mounted(self._mount.place):
            await coming.put(file)
        for _ in range(AT_ONCE):
            await coming.put(None)

    async def _work(self, coming: asyncio.Queue[Mounted | None]) -> None:
        while (file := await coming.get()) is not None:
            await self._fetch(file)

    async def _fetch(self, file: Mounted) -> None:
        if fault := fault_of(file.path):
            raise Refused(f"“{shown(file.path)}” cannot be laid: {fault}")
        path, had = self._folder / file.path, 0

        def copied(received: int) -> None:
            nonlocal had
            self._received += received - had
            had = received
            if time.monotonic() - self._told_at >= TELL_SECONDS:
                self.tell("copying")

        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w+b") as into:
            for _ in range(TRIES):
                await self._service.fetch_mounted(self._mount.place, file, into, copied)
                if (await asyncio.to_thread(sha256_of, into))[0] == file.sha256:
                    return
                into.seek(0)
                into.truncate()
        raise Refused(f"the site could not give “{shown(file.path)}” whole. Try again later.")

    def tell(self, state: str, **more: object) -> None:
        self._told_at = time.monotonic()
        self._feed.put(
            "input",
            name=f"{self._mount.at}/",
            state=state,
            received=self._received,
            total=self._mount.size,
            **more,
        )


def _close(folder: Path) -> None:
    """Take the right to write from all that lies in a folder."""
    for path in folder.rglob("*"):
        path.chmod(_ENTER if path.is_dir() else _READ)
    folder.chmod(_ENTER)
