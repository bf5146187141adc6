"""Works of a process that go on beside its web server: one that fails is begun anew."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from logging import Logger
from typing import Any, Final

RESTART_SECONDS: Final = 5.0
"""How long after its failure a work begins anew."""

Begin = Callable[[], Coroutine[Any, Any, None]]
"""Begins a work."""


@asynccontextmanager
async def kept(
    works: Mapping[str, Begin], log: Logger, *, pause: float = RESTART_SECONDS
) -> AsyncIterator[None]:
    """Let works go on for the block, each under its name; after it none of them is left.

    Args:
        works: what begins each of them.
        log: is told of each failure.
        pause: seconds from a failure to the next beginning.
    """
    tasks = [
        asyncio.create_task(_keep(name, begin, log, pause), name=name)
        for name, begin in works.items()
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(name: str, begin: Begin, log: Logger, pause: float) -> None:
    while True:
        try:
            return await begin()
        except Exception:
            # Whatever it is, it must not end the process, nor the work for good.
            log.exception("%s failed; it begins anew in %g seconds", name, pause)
        await asyncio.sleep(pause)
