"""Let a bounded number of starts go on at once, first come first served."""

import asyncio
from collections import deque
from functools import cache


class StartQueue:
    """Turns for starts. A holder must `leave`, whatever became of its start."""

    def __init__(self, *, slots: int) -> None:
        self._slots = slots
        self._holders: set[object] = set()
        self._waiting: deque[tuple[object, asyncio.Future[None]]] = deque()

    async def enter(self, who: object) -> None:
        """Wait for a turn."""
        if len(self._holders) < self._slots and not self._waiting:
            self._holders.add(who)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((who, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self.leave(who)
            raise

    def leave(self, who: object) -> None:
        """Give the turn, or the place in the queue, back. Doing so twice does nothing."""
        self._holders.discard(who)
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not who)
        while self._waiting and len(self._holders) < self._slots:
            following, turn = self._waiting.popleft()
            if not turn.done():
                self._holders.add(following)
                turn.set_result(None)

    def place(self, who: object) -> int:
        """Return `who`'s place in the line, from 1; 0 where they do not wait."""
        waiting = (entry[0] for entry in self._waiting)
        return next((n for n, one in enumerate(waiting, start=1) if one is who), 0)


@cache
def shared_queue(slots: int) -> StartQueue:
    """Return this process's one queue of this size."""
    return StartQueue(slots=slots)
