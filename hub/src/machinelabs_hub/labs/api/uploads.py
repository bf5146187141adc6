"""Take an upload in: JSON in one part, a tar in the other, written to disk as it comes."""

import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from machinelabs_hub.db.engine import DiskFull
from machinelabs_hub.errors import BadInput, TooLarge
from machinelabs_hub.labs.errors import BadRequest
from machinelabs_hub.settings import Limits, Settings
from machinelabs_hub.sites import Files

LARGEST_JSON: Final = 256 * 1024
_PER_FILE: Final = 4096
"""Bytes of a tar beside a file's content: its headers and what fills its last block."""

Body = TypeVar("Body", bound=BaseModel)


class BadUpload(BadInput):
    """A request that is not multipart, or lacks a part."""

    code = "bad_upload"


class UploadTooLarge(TooLarge):
    """More bytes than any lab may have."""

    code = "upload_too_large"


@dataclass(slots=True)
class Upload:
    """What was sent: the JSON part and a tar on disk, gone with the request."""

    said: bytes
    files: BinaryIO

    def body(self, kind: type[Body]) -> Body:
        """Return the JSON part as `kind`.

        Raises:
            BadRequest: names the field.
        """
        try:
            return kind.model_validate_json(self.said)
        except ValidationError as error:
            fault = error.errors()[0]
            name = ".".join(str(part) for part in fault["loc"])
            reason = str(fault["msg"]).removeprefix("Value error, ")
            where = f"`{name}`: " if name else ""
            raise BadRequest(f"{where}{reason}.", field=name) from error


@asynccontextmanager
async def upload(request: Request, settings: Settings, *, said: str) -> AsyncIterator[Upload]:
    """Read the parts `said` (JSON) and `files` (a tar) of a request.

    Raises:
        BadUpload: a part is missing, or this is not multipart.
        UploadTooLarge: over what any lab may have.
        DiskFull: there is no room for it.
    """
    folder = Files(settings.data).labs / "spool"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _spool(folder) as file:
            sink = _Sink(said=said, file=file, most=most_bytes(settings.limits))
            await _read(request, sink)
            file.flush()
            file.seek(0)
            yield Upload(bytes(sink.json), file)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull from error
        raise


def most_bytes(limits: Limits) -> int:
    """Return how many bytes the tar of the largest lab can have."""
    return (limits.lab_mib << 20) + limits.lab_files * _PER_FILE + (1 << 20)


@dataclass(slots=True)
class _Sink:
    said: str
    file: BinaryIO
    most: int
    json: bytearray = field(default_factory=bytearray)
    seen: set[str] = field(default_factory=set)
    _name: str = ""
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _taken: int = 0

    def on_part_begin(self) -> None:
        self._name = ""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        if self._name not in {self.said, "files"}:
            raise BadUpload(f"Send the parts `{self.said}` and `files`, and no others.")
        if self._name in self.seen:
            raise BadUpload(f"The part `{self._name}` was sent twice.")
        self.seen.add(self._name)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == self.said:
            self.json += data[start:end]
            if len(self.json) > LARGEST_JSON:
                raise UploadTooLarge(f"The part `{self.said}` is far too large.")
            return
        self._taken += end - start
        if self._taken > self.most:
            raise UploadTooLarge(
                f"The files are larger together than {self.most >> 20} MiB, more than any lab "
                "may have here."
            )
        self.file.write(memoryview(data)[start:end])


def _spool(folder: Path) -> BinaryIO:
    # It has no name on the disk, so nothing of it outlives the process.
    return tempfile.TemporaryFile(dir=folder)


async def _read(request: Request, sink: _Sink) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise BadUpload(
            f"Send multipart/form-data with the parts `{sink.said}` (JSON) and `files` (a tar)."
        )
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": sink.on_part_begin,
            "on_header_field": sink.on_header_field,
            "on_header_value": sink.on_header_value,
            "on_header_end": sink.on_header_end,
            "on_headers_finished": sink.on_headers_finished,
            "on_part_data": sink.on_part_data,
        },
    )
    try:
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise BadUpload("The upload is broken or was cut short. Send it again.") from error
    for part in (sink.said, "files"):
        if part not in sink.seen:
            raise BadUpload(f"The part `{part}` is missing.")
