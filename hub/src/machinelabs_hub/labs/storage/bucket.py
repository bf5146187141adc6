"""A bucket of a server that speaks S3, as a place of contents. The one door to fsspec and s3fs.

It is imported only where a site asks for it: its libraries take seconds to load.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from machinelabs_hub.data_settings import Blobs
from machinelabs_hub.labs.storage.blobs import NAME, BlobMissing, PlaceAway
from machinelabs_hub.sites import Files

KEY_ID: Final = "blobs_key_id"
KEY: Final = "blobs_key"
_PIECE: Final = 4 << 20
_PARTS: Final = "0123456789abcdef"
"""A large bucket is listed in so many parts, by the beginnings of its names."""
_TRIES: Final = 3


class BucketAway(PlaceAway):
    """The bucket of contents does not answer, or not to us. Nothing is known to be lost."""

    code = "bucket_away"


class Bucket:
    """Contents below an address of S3: `FOLDER/ab/cdef…`, as in a folder."""

    def __init__(self, *, settings: Blobs, files: Files) -> None:
        self.where = settings.url
        self._root = settings.url.removeprefix("s3://").strip("/")
        said: dict[str, str] = {}
        if settings.region:
            said["region_name"] = settings.region
        self._fs = fsspec.filesystem(
            "s3",
            **_key_of(files),
            endpoint_url=settings.endpoint or None,
            client_kwargs=said,
            config_kwargs={
                "connect_timeout": 10,
                "read_timeout": 60,
                "retries": {"max_attempts": 1},
            },
            # A listing that is remembered would hide what came since.
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        self._fs.retries = _TRIES

    def size(self, sha256: str) -> int | None:
        """Return how long a content is; None: it is certainly not there."""
        with _answers():
            try:
                return int(self._fs.info(self._path(sha256))["size"])
            except FileNotFoundError:
                return None

    def read(self, sha256: str, start: int, size: int) -> Iterator[bytes]:
        """Return a part of a content, piece by piece."""
        path, end = self._path(sha256), start + size
        while start < end:
            with _answers():
                try:
                    piece = self._fs.cat_file(path, start=start, end=min(start + _PIECE, end))
                except FileNotFoundError as error:
                    raise BlobMissing from error
            if not piece:
                raise BlobMissing
            yield piece
            start += len(piece)

    def take(self, path: Path, sha256: str) -> None:
        """Put a file of this machine into its place; it is there whole, or not at all."""
        with _answers():
            try:
                self._fs.put_file(str(path), self._path(sha256))
            except FileNotFoundError as error:
                # Of the bucket: the file is ours.
                raise BucketAway from error

    def names(self, before: float) -> Iterator[str]:
        """Return the contents that were put here before a time, in seconds since 1970."""
        for part in _PARTS:
            with _answers():
                try:
                    found = self._fs.find(self._root, prefix=part, detail=True)
                except FileNotFoundError:
                    continue
            for path, known in found.items():
                name = "".join(path.rsplit("/", 2)[1:])
                if NAME.fullmatch(name) and known["LastModified"].timestamp() < before:
                    yield name

    def remove(self, sha256: str) -> None:
        """Remove a content, if it is there."""
        with _answers():
            try:
                self._fs.rm_file(self._path(sha256))
            except FileNotFoundError:
                return

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256[2:]}"


def _key_of(files: Files) -> dict[str, str]:
    """Return the key of the bucket; empty: botocore looks for one as it always does."""
    try:
        return {"key": files.secret(KEY_ID), "secret": files.secret(KEY)}
    except FileNotFoundError:
        return {}


@contextmanager
def _answers() -> Iterator[None]:
    """Turn a bucket that does not answer as it should into our error.

    s3fs gives its refusals as OSError and its lost servers as what botocore raised.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        raise BucketAway from error
