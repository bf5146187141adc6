"""Have the site keep what a run makes: while it goes on, so that nothing hangs on its end."""

import asyncio
import tempfile
from pathlib import Path, PurePosixPath
from typing import Final

from machinelabs.runner.code import Code
from machinelabs.runner.feed import Feed
from machinelabs.runner.outputs import Sender
from machinelabs.runner.service import Refused, Service

LOOK_SECONDS: Final = 4.0
REST_SECONDS: Final = 2.0
"""A file that was written to less long ago may not be whole yet."""

EARLY_BYTES: Final = 256 << 20
"""What is larger is sent at the end only: it may be written anew again and again."""

EARLY_NOTEBOOK: Final = 20 << 20
NOTEBOOK_EVERY: Final = 5
"""The notebook so far is sent at each so-manieth look."""


class Keeper:
    """Sends the outputs and the executed notebook of one run.

    Args:
        folder: the top of the lab's files.
        entrypoint: what is executed; `outputs/` is beside it.
        brought: the lab's own files by path, with their sha256.
        service: where it goes.
        feed: where it is told what is not kept.
    """

    def __init__(
        self,
        folder: Path,
        entrypoint: str,
        brought: dict[str, str],
        *,
        service: Service,
        feed: Feed,
    ) -> None:
        self._service = service
        self._feed = feed
        self._sender = Sender(
            (folder / entrypoint).parent, _beside(entrypoint, brought), service=service, feed=feed
        )
        self._sent = b""

    async def while_it_runs(self, code: Code) -> None:
        """Send what rests, for ever."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            looks += 1
            if not self._feed.is_heard:
                continue
            await self._sender.send(most_bytes=EARLY_BYTES, rested=REST_SECONDS)
            if looks % NOTEBOOK_EVERY == 0:
                await self._send_notebook(code, most_bytes=EARLY_NOTEBOOK)

    async def at_the_end(self, code: Code) -> None:
        """Send all that was not sent as it is now, and take back what is gone."""
        await self._send_notebook(code)
        await self._sender.send()
        await self._sender.take_back()

    async def _send_notebook(self, code: Code, most_bytes: int | None = None) -> None:
        content = code.executed()
        if content is None or content == self._sent:
            return
        if most_bytes is not None and len(content) > most_bytes:
            return
        try:
            with tempfile.TemporaryFile() as file:
                file.write(content)
                await self._service.put_notebook(file)
        except Refused as error:
            if most_bytes is None:
                self._feed.put("note", text=f"The executed notebook is not kept: {error}")
        else:
            self._sent = content


def _beside(entrypoint: str, files: dict[str, str]) -> dict[str, str]:
    """Return the files beside the entry point and below, by their paths from there."""
    folder = PurePosixPath(entrypoint).parent
    prefix = "" if folder == PurePosixPath() else f"{folder}/"
    return {
        path.removeprefix(prefix): sha for path, sha in files.items() if path.startswith(prefix)
    }
