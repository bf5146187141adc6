"""Turns for what computes much: three at a time, in the order in which they came.

Threads of one interpreter hold each other up: of ten searches at once some are passed over again
and again, and all together take longer. With three at a time the slowest of twenty is done in 39 ms
instead of 55 (tests/benchmarks/search.py, ten readers, two cores).
"""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

AT_ONCE: Final = 3

P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """What waits here holds no thread, so nothing else waits for it."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(AT_ONCE)

    async def take(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` on a thread, in turn, and return what it returns."""
        return await to_thread.run_sync(lambda: work(*args, **kwargs), limiter=self._limiter)
