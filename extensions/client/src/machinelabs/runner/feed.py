"""Tell the site what happens, in order, nothing lost and nothing twice, and hear when to stop.

Events get their numbers when they are sent; a batch that was not answered is sent again as it was.
"""

import asyncio
import json
import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from machinelabs.runner.service import FIRST_WAIT, LONGEST_WAIT, Dismissed, Refused, Service
from machinelabs.runner.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BEAT_SECONDS: Final = 2.0
"""How long the site hears nothing at most: it learns that we live, we learn whether to stop."""

GATHER_SECONDS: Final = 0.04
"""From the beginning of one sending to that of the next: what is printed within goes together."""

MOST_BYTES: Final = 256 << 10
MOST_EVENTS: Final = 500
MOST_TEXT: Final = 32 << 10
LARGEST_OUTPUT: Final = 4 << 20
STREAMS: Final = frozenset({"stdout", "stderr"})
PRINTED: Final = STREAMS | {"output", "update", "clear"}


class Feed:
    """The one way from the run to the site."""

    def __init__(self, service: Service) -> None:
        self.stop_ordered = asyncio.Event()
        self.on_key: Callable[[str], None] = _nobody_asked
        """Hears of the keys that the site has given to the run's person, by their hashes."""
        self.gpu: Mapping[str, int] = {}
        """What the site said last that we do on our GPUs."""
        self.is_heard = True
        """Whether the last try reached the site."""
        self._service = service
        self._spool = Spool(_dropped)
        self._open: dict[str, Any] | None = None
        """Text that was printed last, to which more may come."""
        self._batch: list[bytes] = []
        self._rest: list[bytes] = []
        """What follows the batch, after one that the site did not take as it was."""
        self._gave_way = False
        self._is_full = False
        """Whether the site keeps nothing more that is printed: why send it?"""
        self._next = 1
        self._sent_at = -math.inf
        self._news = asyncio.Event()
        self._all_told = asyncio.Event()
        self._all_told.set()

    @property
    def waiting(self) -> int:
        """How many bytes wait to be sent."""
        return self._spool.size

    def print(self, stream: str, text: str, cell: int | None = None) -> None:
        """Tell what was printed to `stdout` or `stderr`."""
        if self._is_full:
            return
        where = {} if cell is None else {"cell": cell}
        for at in range(0, len(text), MOST_TEXT):
            part = text[at : at + MOST_TEXT]
            last = self._open
            if (
                last
                and (last["kind"], last.get("cell")) == (stream, cell)
                and len(last["text"]) + len(part) <= MOST_TEXT
            ):
                last["text"] += part
            else:
                self._close_text()
                self._open = _event(stream, text=part, **where)
        self._wake()

    def put(self, kind: str, **fields: Any) -> None:
        """Tell something else."""
        if self._is_full and kind in PRINTED:
            return
        self._close_text()
        self._spool.append(_line(_event(kind, **fields)))
        self._wake()

    async def run(self) -> None:
        """Send, for ever.

        Raises:
            Dismissed: the site does not know this run any more.
        """
        wait = FIRST_WAIT
        while True:
            if not self._batch:
                await self._gather()
            try:
                await self._send()
            except httpx.TransportError:
                self.is_heard = False
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            except Refused as error:
                self._give_way(error)
            else:
                self.is_heard, wait = True, FIRST_WAIT

    async def drain(self) -> None:
        """Wait until the site has everything that was told so far."""
        await self._all_told.wait()

    def close(self) -> None:
        """Forget what could not be sent."""
        self._spool.close()

    async def _gather(self) -> None:
        self._gave_way = False
        if self._rest:
            self._batch, self._rest = self._rest[:1], self._rest[1:]
            return
        if not self._news.is_set():
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                return
        # After a silence nothing waits; while much is printed, the sending itself gathers.
        await asyncio.sleep(max(self._sent_at + GATHER_SECONDS - time.monotonic(), 0))
        self._sent_at = time.monotonic()
        self._news.clear()
        self._close_text()
        self._batch = self._spool.take(most_bytes=MOST_BYTES, most_lines=MOST_EVENTS)
        if self._spool.size:
            self._news.set()

    async def _send(self) -> None:
        numbered = (
            b'{"n":%d,%s' % (number, line.rstrip()[1:])
            for number, line in enumerate(self._batch, self._next)
        )
        told = await self._service.tell(self._next, b"[" + b",".join(numbered) + b"]")
        if told.stop:
            self.stop_ordered.set()
        if told.key:
            self.on_key(told.key)
        self.gpu = told.gpu
        self._is_full = self._is_full or told.full
        # What the site has of the batch is done; where it has less than it said, we follow it.
        del self._batch[: max(told.next - self._next, 0)]
        self._next = told.next
        if not (self._batch or self._rest or self._open or self._spool.size):
            self._all_told.set()

    def _give_way(self, error: Refused) -> None:
        """Find the event that the site does not take, and say so in its place."""
        if len(self._batch) > 1:
            self._rest = self._batch[1:] + self._rest
            del self._batch[1:]
        elif self._batch:
            text = f"Something that was put out could not be logged: {error}"
            self._batch = [_line(_event("note", text=text))] if not self._gave_way else []
            self._gave_way = not self._gave_way
        else:
            raise Dismissed(str(error)) from error

    def _close_text(self) -> None:
        if self._open is not None:
            self._spool.append(_line(self._open))
            self._open = None

    def _wake(self) -> None:
        self._all_told.clear()
        self._news.set()


def _nobody_asked(_key_hash: str) -> None:
    """Do nothing with a key: this run has no door."""


def _event(kind: str, **fields: Any) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"at": at, "kind": kind, **fields}


def _line(event: dict[str, Any]) -> bytes:
    line = _json(event)
    if len(line) > LARGEST_OUTPUT:
        size = f"{len(line) / 1e6:.0f} MB"
        line = _json({**event, "output": _too_large(size)} if "output" in event else _event(
            "note", text=f"Something of {size} was too large for the log."))  # fmt: skip
    return line + b"\n"


def _json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return _json(_finite(value))
    # Half of a surrogate pair is no text that anybody could store.
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _too_large(size: str) -> dict[str, Any]:
    text = f"[This output of {size} is only in the executed notebook.]"
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}


def _dropped(lines: int, size: int) -> bytes:
    text = (
        f"[{size / 1e6:.1f} MB of the log ({lines} entries) are missing here: "
        "more was put out than could be sent.]"
    )
    return _line(_event("note", text=text))
