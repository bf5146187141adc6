"""A bucket of a server that speaks S3, as a place of contents. The one door to fsspec and s3fs.

It is imported only where a site asks for it: its libraries take seconds to load.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from machinelabs_hub.data_settings import Blobs
from machinelabs_hub.labs.storage.blobs import NAME, BlobMissing, PlaceAway, PlaceOfAnother
from machinelabs_hub.sites import Files

KEY_ID: Final = "blobs_key_id"
KEY: Final = "blobs_key"
_PIECE: Final = 4 << 20
_PARTS: Final = "0123456789abcdef"
"""A large bucket is listed in so many parts, by the beginnings of its names."""
_TRIES: Final = 3
_MARK: Final = "site"
"""Beside the contents: which site they are of."""


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
        self._site_id = files.site_id
        self._lock = threading.Lock()
        self._is_marked = False
        self._is_ours = False

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
        if not self._is_marked:
            # Whose contents are here has to be said before the first of them.
            self._owner()
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

    def check_ours(self) -> None:
        """Refuse to remove anything where another site keeps its contents."""
        if self._is_ours:
            return
        if self._owner() != self._own_id():
            raise PlaceOfAnother(self.where, f"{self.where.rstrip('/')}/{_MARK}")
        self._is_ours = True

    def remove(self, sha256: str) -> None:
        """Remove a content, if it is there."""
        with _answers():
            try:
                self._fs.rm_file(self._path(sha256))
            except FileNotFoundError:
                return

    def _owner(self) -> str:
        """Return the site whose contents are here: ours, if none said so before."""
        mark = f"{self._root}/{_MARK}"
        with _answers():
            try:
                found = str(self._fs.cat_file(mark).decode("utf-8", "replace"))
            except FileNotFoundError:
                found = self._own_id()
                try:
                    self._fs.pipe_file(mark, found.encode())
                except FileNotFoundError as error:
                    raise BucketAway from error
        self._is_marked = True
        return found

    def _own_id(self) -> str:
        with self._lock:
            if not self._site_id.exists():
                new = self._site_id.with_suffix(".new")
                new.write_text(uuid4().hex, encoding="utf-8")
                new.replace(self._site_id)
            return self._site_id.read_text(encoding="utf-8")

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
