"""Hear from the engine that something happened to a site's containers."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import docker.errors
import requests

from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.engine import LOOK_SECONDS, connect
from machinelabs_hub.spawn.plan import LABEL_SITE

AGAIN_SECONDS: Final = 1.0
"""How long after it was lost the engine's stream is asked for again."""

WORDS: Final = ("create", "start", "die", "destroy")
"""What can happen to a container that others care for."""

log = logging.getLogger("machinelabs.spawn")


async def container_events(settings: Settings) -> AsyncIterator[str]:
    """Yield what happens to the site's containers, for ever: one of `WORDS`, or `connected`.

    After `connected` anything may have happened: the stream was not there before.
    """
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str] = asyncio.Queue()

    def tell(word: str) -> None:
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(heard.put_nowait, word)

    listener = _Listener(settings, tell)
    listener.start()
    try:
        while True:
            yield await heard.get()
    finally:
        listener.end()


class _Listener(threading.Thread):
    """Reads the engine's stream of events, which blocks; asks for it again when it ends."""

    def __init__(self, settings: Settings, tell: Any) -> None:
        super().__init__(name="engine events", daemon=True)
        self._settings = settings
        self._tell = tell
        self._ended = threading.Event()
        self._stream: Any = None

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except (docker.errors.DockerException, requests.RequestException, OSError) as error:
                log.info("The engine's events are not heard: %s", error)
            self._ended.wait(AGAIN_SECONDS)

    def end(self) -> None:
        """Stop listening; does not wait for it."""
        self._ended.set()
        with suppress(Exception):
            self._stream.close()

    def _listen(self) -> None:
        client = connect(self._settings.engine.socket, seconds=LOOK_SECONDS)
        label = f"{LABEL_SITE}={self._settings.engine.prefix}"
        filters = {"type": "container", "label": label, "event": list(WORDS)}
        try:
            self._stream = client.events(filters=filters, decode=True)
            self._tell("connected")
            for event in self._stream:
                if self._ended.is_set():
                    return
                self._tell(str(event["Action"]))
        finally:
            client.close()
