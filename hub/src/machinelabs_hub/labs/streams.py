"""Streams that go on for as long as somebody reads: each ends by itself, whatever happens to it."""

import logging
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from machinelabs_hub.errors import MachineLabsError

log = logging.getLogger("machinelabs.labs")

SSE: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Nobody on the way may keep it, or hold it back."""

Piece = TypeVar("Piece", str, bytes)


async def ended(pieces: AsyncIterator[Piece], what: str) -> AsyncIterator[Piece]:
    """Yield the pieces; where they fail, end the answer as if it were whole.

    An answer that is only broken off stays open at its reader for ever: the proxy passes on what
    comes and no word of the break. Whoever reads events asks again at the end, and is told then.
    """
    try:
        async for piece in pieces:
            yield piece
    except MachineLabsError as error:
        # They may not read it any more, or the database or the disk is away.
        log.info("%s ended: %s", what, error)
    except Exception:
        log.exception("%s ended: a fault of the program", what)
