"""Have the engine fetch builds that it lacks, in a lane that no other start waits in."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from machinelabs_hub.catalog.model import Build
from machinelabs_hub.errors import NotFound, Unavailable
from machinelabs_hub.names import shown
from machinelabs_hub.spawn.ending import amount
from machinelabs_hub.spawn.engine import EngineFailed, connect, translated

AT_ONCE: Final = 2
"""How many images are fetched at once; of one image there is one fetch, whoever waits for it."""

SILENCE_SECONDS: Final = 120
"""An engine that says nothing for so long while it fetches has failed."""

TELL_SECONDS: Final = 0.5

MIB: Final = 2**20


class ImageNotFetched(Unavailable):
    """The site's registry did not give the image."""

    code = "image_not_fetched"


@dataclass(slots=True)
class Progress:
    """How much of an image has come, layer by layer, as the engine tells it."""

    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Bytes that came and bytes in all, by the layer's id."""

    def note(self, line: Mapping[str, Any]) -> None:
        """Take one line of what the engine says."""
        layer, status = str(line.get("id", "")), line.get("status")
        detail = line.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self.layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif layer in self.layers and status in {"Download complete", "Pull complete"}:
            self.layers[layer] = (self.layers[layer][1], self.layers[layer][1])

    @property
    def sentence(self) -> str:
        """What the waiting page says."""
        # The engine asks for layers while others come: it does not know all of them at first.
        came = sum(come for come, _ in list(self.layers.values())) // MIB
        total = sum(size for _, size in list(self.layers.values())) // MIB
        if not total:
            return "Fetching the image"
        return f"Fetching the image: {amount(came)} of {amount(total)}"


class FetchLane:
    """Fetches builds from one registry to one engine."""

    def __init__(self, *, socket: str, registry: str) -> None:
        self._socket = socket
        self._registry = registry
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        self._under_way: dict[str, tuple[Progress, asyncio.Future[None]]] = {}

    async def fetch(self, build: Build, tell: Callable[[str], None]) -> None:
        """Return when the engine has the build; `tell` hears sentences meanwhile.

        Whoever stops waiting does not stop the fetch: the next one has use of it.

        Raises:
            ImageNotFetched: the registry does not give it.
            EngineTrouble: the engine does not answer.
        """
        if build.id not in self._under_way:
            progress = Progress()
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self._pool, self._pull, build, progress)
            work.add_done_callback(lambda done: self._forget(build.id, done))
            self._under_way[build.id] = (progress, work)
        progress, work = self._under_way[build.id]
        while not work.done():
            tell(progress.sentence)
            await asyncio.wait([work], timeout=TELL_SECONDS)
        work.result()

    def _forget(self, key: str, done: asyncio.Future[None]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            # Nobody may have waited for it to its end.
            done.exception()

    def _pull(self, build: Build, progress: Progress) -> None:
        try:
            translated(lambda: self._pull_and_check(build, progress))
        except (NotFound, EngineFailed) as error:
            raise _not_fetched(build, str(error).rstrip(".")) from error

    def _pull_and_check(self, build: Build, progress: Progress) -> None:
        name, _, version = build.tag.rpartition(":")
        repository = f"{self._registry}/{name}"
        with closing(connect(self._socket, seconds=SILENCE_SECONDS)) as client:
            for line in client.pull(repository, tag=version, stream=True, decode=True):
                if "error" in line:
                    raise _not_fetched(build, line["error"])
                progress.note(line)
            found: dict[str, Any] = client.inspect_image(f"{repository}:{version}")  # type: ignore[no-untyped-call]
            if found["Id"] != build.id:
                raise _not_fetched(build, "it has another image under this name")
            client.tag(build.id, name, version)


def _not_fetched(build: Build, why: str) -> ImageNotFetched:
    return ImageNotFetched(
        f"The site's registry did not give the image {build.tag}: {shown(str(why), 200)}. Try "
        "again, choose another image, or tell the people who run this site."
    )


@cache
def shared_lane(socket: str, registry: str) -> FetchLane:
    """Return this process's one lane for these settings."""
    return FetchLane(socket=socket, registry=registry)
