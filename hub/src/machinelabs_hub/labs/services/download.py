"""Fetch one address of the web into the site's cache: tried again, resumed, bounded, hashed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from machinelabs_hub.errors import TooLarge
from machinelabs_hub.labs.models.inputs import Fetched
from machinelabs_hub.labs.outside import Answer, CutShort, InputUnreachable, Outside
from machinelabs_hub.labs.storage.blobs import BlobWriter
from machinelabs_hub.labs.storage.fetched import FetchedStore
from machinelabs_hub.names import shown

MIB: Final = 1 << 20
TRIES: Final = 4
"""So often in a row nothing new may come."""

REST_SECONDS: Final = 10.0
"""What was asked for within that stays: whoever asked is about to read it."""

ROOM_SECONDS: Final = 120.0
"""So long a download waits for room that others take."""

_FIRST_WAIT: Final = 1.0
_STEP: Final = 64 * MIB


class InputTooLarge(TooLarge):
    """An input is larger than this site fetches, or finds no room."""

    code = "input_too_large"


class Abandoned(Exception):
    """Nobody waits for it any more."""


class _Anew(Exception):
    """What came so far is not the beginning of what comes now."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one download may take."""

    most_bytes: int
    seconds: float


class Download:
    """One address that is being fetched; `received` and `total` tell how far it is."""

    def __init__(
        self,
        url: str,
        *,
        outside: Outside,
        store: FetchedStore,
        bounds: Bounds,
        clock: Callable[[], datetime],
        is_wanted: Callable[[], bool],
    ) -> None:
        self.url = url
        self.received = 0
        self.total = 0
        """0: the host did not say."""
        self._outside = outside
        self._store = store
        self._bounds = bounds
        self._clock = clock
        self._is_wanted = is_wanted
        self._ends = time.monotonic() + bounds.seconds
        self._tag = ""
        self._changed = ""
        self._tries = 0
        self._reserved = 0

    def run(self) -> Fetched:
        """Fetch it, unless what is kept of it is still what it holds.

        Raises:
            InputNotAllowed: it is where this site fetches nothing.
            InputUnreachable: it cannot be had.
            InputTooLarge: it is too much.
            DiskFull: there is no room on the site's disk.
            Abandoned: nobody wants it any more.
        """
        known = self._store.find(self.url)
        while True:
            self.received = self.total = self._reserved = 0
            with self._store.writing() as content:
                try:
                    if self._whole(content, known):
                        return self._keep(content)
                    if known is not None:
                        self._store.refresh(self.url, self._clock())
                        return known
                except _Anew:
                    # It costs a try, or a host could lead us round for ever.
                    self._fail(CutShort("what it holds changes all the time"))

    def _whole(self, content: BlobWriter, known: Fetched | None) -> bool:
        """Write it all; False: what is known still holds."""
        while True:
            before = content.size
            try:
                return self._attempt(content, known)
            except CutShort as error:
                if content.size > before and self._validator:
                    self._tries = 0
                self._fail(error)
                if content.size and not self._validator:
                    raise _Anew from error

    def _attempt(self, content: BlobWriter, known: Fetched | None) -> bool:
        with self._outside.get(self.url, self._asks(content, known)) as answer:
            if answer.status == HTTPStatus.NOT_MODIFIED and known and not content.size:
                return False
            self._begin(answer, content)
            for piece in answer.pieces:
                self._check()
                self._reserve(content, len(piece))
                content.write(piece)
                self.received = content.size
        if content.size < self.total:
            raise CutShort("the connection broke")
        return True

    def _asks(self, content: BlobWriter, known: Fetched | None) -> Mapping[str, str]:
        if content.size:
            return {"Range": f"bytes={content.size}-", "If-Range": self._validator}
        if known is None:
            return {}
        asks = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
        return {name: value for name, value in asks.items() if value}

    def _begin(self, answer: Answer, content: BlobWriter) -> None:
        said, status = answer.headers, answer.status
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT} or status >= 500:  # noqa: PLR2004 - the host's own faults
            raise CutShort(f"the answer is {status} {_phrase(status)}")
        if content.size:
            place = f"bytes {content.size}-"
            if status != HTTPStatus.PARTIAL_CONTENT or not said.get("content-range", "").startswith(
                place
            ):
                raise _Anew
        elif status != HTTPStatus.OK:
            raise InputUnreachable(f"{self._shown} answers {status} {_phrase(status)}.")
        else:
            self._tag, self._changed = said.get("etag", ""), said.get("last-modified", "")
        length = said.get("content-length", "")
        self.total = content.size + int(length) if length.isdecimal() else 0
        self._reserve(content, self.total - content.size)

    @property
    def _validator(self) -> str:
        """What says that a part is of the same content as another; empty: nothing does."""
        return self._changed if self._tag.startswith("W/") or not self._tag else self._tag

    def _reserve(self, content: BlobWriter, more: int) -> None:
        needs = max(content.size + more, self.total)
        if needs > self._bounds.most_bytes:
            raise InputTooLarge(
                f"{self._shown} is larger than {self._bounds.most_bytes // MIB} MiB, the most that "
                "this site fetches."
            )
        if needs <= self._reserved:
            return
        # Where the host does not say how much comes, room is made ahead step by step.
        ahead = needs if self.total else min(needs + _STEP, self._bounds.most_bytes)
        ends = time.monotonic() + ROOM_SECONDS
        while not (self._takes(content, ahead) or self._takes(content, needs)):
            self._check()
            if time.monotonic() > ends:
                raise InputTooLarge(
                    f"{self._shown} finds no room: what this site fetched for runs holds "
                    f"{self._store.most_bytes // MIB} MiB at most, and runs wait for the rest of "
                    "it. Try again later."
                )
            time.sleep(0.2)

    def _takes(self, content: BlobWriter, size: int) -> bool:
        rested = self._clock() - timedelta(seconds=REST_SECONDS)
        has_room = self._store.reserve(content, size, rested=rested)
        self._reserved = size if has_room else self._reserved
        return has_room

    def _keep(self, content: BlobWriter) -> Fetched:
        found = Fetched(content.sha256, content.size, self._tag, self._changed, self._clock())
        self._store.keep(self.url, content, found)
        return found

    def _fail(self, error: CutShort) -> None:
        """Wait before the next try, if there is one."""
        self._tries += 1
        if self._tries >= TRIES:
            raise InputUnreachable(
                f"{self._shown} cannot be fetched: {error}. It was tried {TRIES} times."
            ) from error
        ends = time.monotonic() + _FIRST_WAIT * 2 ** (self._tries - 1)
        while time.monotonic() < ends:
            self._check()
            time.sleep(0.1)

    def _check(self) -> None:
        if not self._is_wanted():
            raise Abandoned
        if time.monotonic() > self._ends:
            raise InputUnreachable(
                f"{self._shown} takes longer than {self._bounds.seconds / 60:.0f} minutes."
            )

    @property
    def _shown(self) -> str:
        # A query may hold a secret, and a log has more readers than the lab's ml.yaml.
        return shown(self.url.partition("?")[0], 200)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
