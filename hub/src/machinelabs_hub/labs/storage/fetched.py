"""Contents that were fetched from the web for runs: by address in SQL, by SHA-256 on disk.

Who names an address gets what that address held, never what another address did: a digest alone
opens nothing. Room is made by forgetting the addresses that were asked for longest ago.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.inputs import FetchedRow
from machinelabs_hub.labs.models.inputs import Fetched
from machinelabs_hub.labs.storage.blobs import BlobStore, BlobWriter


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept."""

    files: int
    size: int


class FetchedStore:
    """The cache of a site, which one process keeps. Methods block.

    Args:
        sessions: the database.
        contents: where the files are.
        most_bytes: what it holds at most, together with what is being written.
    """

    def __init__(self, *, sessions: SessionMaker, contents: BlobStore, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._sessions = sessions
        self._contents = contents
        self._lock = threading.Lock()
        self._reserved: dict[BlobWriter, int] = {}

    def find(self, url: str) -> Fetched | None:
        """Return what an address held, if that is still here."""
        with self._sessions() as db:
            row = db.get(FetchedRow, _hash(url))
            if row is None or not self._contents.has(row.sha256, row.size_bytes):
                return None
            return Fetched(row.sha256, row.size_bytes, row.etag, row.last_modified, row.fetched_at)

    def has(self, sha256: str, size: int) -> bool:
        """Tell whether a content is here, whatever address it is of."""
        return self._contents.has(sha256, size)

    def read(self, sha256: str, *, start: int, size: int) -> Iterator[bytes]:
        """Return a part of a content, piece by piece.

        Raises:
            BlobMissing: it is not here any more.
        """
        return self._contents.read(sha256, start=start, size=size)

    def use(self, url: str, now: datetime) -> None:
        """Note that an address was asked for."""
        with self._sessions() as db:
            this = update(FetchedRow).where(FetchedRow.url_hash == _hash(url))
            db.execute(this.values(used_at=now))

    def digests(self, urls: Iterable[str]) -> dict[str, str]:
        """Return the content that addresses held when they were asked last, where it is known."""
        by_hash = {_hash(url): url for url in urls}
        wanted = select(FetchedRow.url_hash, FetchedRow.sha256)
        with self._sessions() as db:
            rows = db.execute(wanted.where(FetchedRow.url_hash.in_(by_hash)))
            return {by_hash[url_hash]: sha256 for url_hash, sha256 in rows}

    def refresh(self, url: str, now: datetime) -> None:
        """Note that an address still holds what it held."""
        with self._sessions() as db:
            this = update(FetchedRow).where(FetchedRow.url_hash == _hash(url))
            db.execute(this.values(used_at=now, fetched_at=now))

    @contextmanager
    def writing(self) -> Iterator[BlobWriter]:
        """Begin a content; what is not kept of it is gone at the end of the block."""
        with self._contents.writer() as content:
            try:
                yield content
            finally:
                with self._lock:
                    self._reserved.pop(content, None)

    def reserve(self, content: BlobWriter, size: int, *, rested: datetime | None = None) -> bool:
        """Make room so that a content may grow to `size` bytes; False: there is none now.

        Args:
            content: what is being written.
            size: how large it may become.
            rested: what was asked for since stays, as somebody is about to read it; None: nothing
                stays.
        """
        with self._lock:
            others = sum(held for one, held in self._reserved.items() if one is not content)
            if not self._make_room(self.most_bytes - others - size, rested):
                return False
            self._reserved[content] = size
        return True

    def keep(self, url: str, content: BlobWriter, found: Fetched) -> None:
        """Keep a content that is whole as what an address holds."""
        with self._lock:
            content.keep(found.sha256)
            row = FetchedRow(
                url_hash=_hash(url),
                sha256=found.sha256,
                size_bytes=found.size,
                etag=found.etag,
                last_modified=found.last_modified,
                fetched_at=found.at,
                used_at=found.at,
            )
            with self._sessions() as db:
                before = db.get(FetchedRow, _hash(url))
                was = before.sha256 if before else ""
                db.merge(row)
            if was and was != found.sha256:
                self._drop_unnamed(was)
            self._reserved.pop(content, None)

    def kept(self) -> Kept:
        """Return how much is kept, each content counted once."""
        each = select(FetchedRow.sha256, FetchedRow.size_bytes).distinct().subquery()
        wanted = select(func.count(), func.coalesce(func.sum(each.c.size_bytes), 0))
        with self._sessions() as db:
            files, size = db.execute(wanted.select_from(each)).one()
            return Kept(int(files), int(size))

    def settle(self) -> int:
        """Drop what a killed process left half done; call it at start, before all else."""
        self._contents.clear_leftovers()
        dropped = 0
        for sha256 in self._contents.older_than(-1):
            with self._sessions() as db:
                named = db.scalar(select(FetchedRow.url_hash).where(FetchedRow.sha256 == sha256))
            if named is None:
                self._contents.remove(sha256)
                dropped += 1
        return dropped

    def _make_room(self, most: int, rested: datetime | None) -> bool:
        """Forget the addresses that were asked for longest ago until `most` bytes hold the rest.

        Nothing is forgotten if that would not do. Whoever reads a file that goes keeps it open.
        """
        kept = (FetchedRow.url_hash, FetchedRow.sha256, FetchedRow.size_bytes, FetchedRow.used_at)
        with self._sessions() as db:
            rows = db.execute(select(*kept).order_by(FetchedRow.used_at, FetchedRow.url_hash)).all()
        names = Counter(sha256 for _, sha256, _, _ in rows)
        held = sum({sha256: size for _, sha256, size, _ in rows}.values())
        goes = []
        for url_hash, sha256, size, used_at in rows:
            if held <= most or (rested and used_at >= rested):
                break
            goes.append((url_hash, sha256))
            names[sha256] -= 1
            held -= 0 if names[sha256] else size
        if held > most:
            return False
        for url_hash, sha256 in goes:
            with self._sessions() as db:
                db.execute(delete(FetchedRow).where(FetchedRow.url_hash == url_hash))
            if not names[sha256]:
                self._contents.remove(sha256)
        return True

    def _drop_unnamed(self, sha256: str) -> None:
        with self._sessions() as db:
            named = db.scalar(select(FetchedRow.url_hash).where(FetchedRow.sha256 == sha256))
        if named is None:
            self._contents.remove(sha256)


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
