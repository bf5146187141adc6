"""The container engine, as far as building needs it: look up, pull, import, build."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, Self, TextIO
from urllib.request import getproxies

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from machinelabs_hub.catalog.model import Build
from machinelabs_hub.images.errors import BuildFailed, DiskFull, EngineMissing

LABEL: Final = "machinelabs.image"
"""On every image that we build: its name in the catalogue."""

_SILENCE_SECONDS: Final = 10
"""A registry that says nothing for so long is no registry."""


class Engine:
    """One engine, by its address; it answers or `EngineMissing` is raised at once."""

    def __init__(self, *, socket: str) -> None:
        self._socket = socket
        try:
            self._client = docker.DockerClient(base_url=socket, version="auto", timeout=600)
        except DockerException as error:
            raise EngineMissing(
                f"No container engine answers at {socket}. Start it (`systemctl start docker`), "
                "or set `engine.socket`."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def root(self) -> Path:
        """The folder where the engine keeps its images."""
        return Path(self._client.info()["DockerRootDir"])

    def find(self, tag: str) -> Build | None:
        """Return the image called `tag`, or None."""
        found = self._inspect(tag)
        if found is None:
            return None
        return Build(id=found["Id"], tag=tag, size_mib=found["Size"] // 2**20)

    def created(self, tag: str) -> str:
        """Return when the image called `tag` was made (RFC 3339), or an empty text."""
        found = self._inspect(tag)
        return found["Created"] if found else ""

    def _inspect(self, tag: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._client.images.get(tag).attrs
        except ImageNotFound:
            return None
        return found

    def pull(self, name: str, *, tag: str) -> bool:
        """Fetch the image `name` and call it `tag`; False where no registry gives it."""
        client = docker.DockerClient(
            base_url=self._socket, version="auto", timeout=_SILENCE_SECONDS
        )
        try:
            for _ in client.api.pull(name, stream=True, decode=True):
                pass
            client.images.get(name).tag(tag)
        except (APIError, RequestException):
            return False
        finally:
            client.close()
        return True

    def load(self, archive: IO[bytes], *, tag: str) -> None:
        """Make an image called `tag` of a whole file system in a tar `archive`."""
        repository, version = tag.rsplit(":", 1)
        self._client.api.import_image_from_stream(archive, repository=repository, tag=version)

    def build(
        self,
        *,
        image: str,
        tag: str,
        context: IO[bytes],
        arguments: Mapping[str, str],
        network: bool,
        log: TextIO,
    ) -> None:
        """Build `tag` from a tar `context` with the classic builder.

        Raises:
            BuildFailed: names the step and what it said.
            DiskFull: the engine has no room left.
        """
        proxies = {f"{scheme}_proxy": url for scheme, url in getproxies().items()}
        stream = self._client.api.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            buildargs={**(proxies if network else {}), **arguments},
            labels={LABEL: image},
            network_mode="host" if network else "none",
            decode=True,
        )
        try:
            self._follow(stream, image, log)
        except APIError as error:
            raise BuildFailed(image, "The engine", str(error.explanation), log.name) from error

    def _follow(self, stream: Iterator[dict[str, str]], image: str, log: TextIO) -> None:
        step, said, fault = "The first step", "", ""
        # To the end, also after an error: the engine closes the stream, and so the connection.
        for message in stream:
            text = message.get("stream", "")
            log.write(text or message.get("error", ""))
            fault = fault or message.get("error", "")
            if text.startswith("Step "):
                step = text.strip()
            elif text.strip():
                said = text.strip().splitlines()[-1]
        if "no space left" in f"{said} {fault}".lower() and fault:
            raise DiskFull(image, str(self.root))
        if fault:
            raise BuildFailed(image, step[:120], said or fault, log.name)


def pack(folders: Mapping[str, Path | list[Path]], into: IO[bytes]) -> None:
    """Write a build context: each folder, or list of files, below its name ("" is the top)."""
    with tarfile.open(fileobj=into, mode="w|") as archive:
        for name, source in folders.items():
            files = source if isinstance(source, list) else sorted(source.iterdir())
            if name:
                top = tarfile.TarInfo(name)
                top.type, top.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(top, io.BytesIO())
            for path in files:
                archive.add(
                    path, arcname=f"{name}/{path.name}" if name else path.name, filter=_plain
                )


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    # The same files must give the same layers whoever checked them out, and when.
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
