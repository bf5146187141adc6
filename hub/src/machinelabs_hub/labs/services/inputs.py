"""Fetch inputs for runs: each address by one download at a time, however many runs want it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from machinelabs_hub.errors import BadInput, MachineLabsError
from machinelabs_hub.labs.models.inputs import Fetched
from machinelabs_hub.labs.outside import Outside
from machinelabs_hub.labs.services.download import MIB, Abandoned, Bounds, Download
from machinelabs_hub.labs.storage.fetched import FetchedStore
from machinelabs_hub.names import shown
from machinelabs_hub.run_settings import Inputs

WANTED_SECONDS: Final = 30.0
"""A download that nobody asked about for so long is given up."""

TOLD_SECONDS: Final = 5.0
"""So long its end is told to whoever waits for it; who asks later begins another."""


class InputWrongHash(BadInput):
    """An input is not what the lab's `ml.yaml` says that it is."""

    code = "input_wrong_hash"


class InputState(StrEnum):
    """How far an input is."""

    FETCHING = "fetching"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an input is.

    Attributes:
        received: bytes of it that are here.
        total: bytes that it has; 0: not known yet.
        is_kept: it was here before anybody asked.
        refusal: why it is not to be had; None unless it was refused.
    """

    state: InputState
    received: int = 0
    total: int = 0
    sha256: str = ""
    is_kept: bool = False
    refusal: MachineLabsError | None = None


def ready(sha256: str, size: int, *, is_kept: bool) -> Standing:
    """Return the standing of an input that is here."""
    return Standing(InputState.READY, size, size, sha256, is_kept=is_kept)


def refused(error: MachineLabsError) -> Standing:
    """Return the standing of an input that cannot be had."""
    return Standing(InputState.REFUSED, refusal=error)


class InputDesk:
    """Where runs ask for what is on the web. Methods return at once; threads fetch."""

    def __init__(
        self,
        *,
        outside: Outside,
        store: FetchedStore,
        settings: Inputs,
        clock: Callable[[], datetime],
    ) -> None:
        self.outside = outside
        self._store = store
        self._clock = clock
        self._bounds = Bounds(
            most_bytes=min(settings.largest_mib * MIB, store.most_bytes),
            seconds=settings.minutes * 60.0,
        )
        self._slots = threading.BoundedSemaphore(settings.at_once)
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._is_open = True

    def ask(self, url: str, asked: str) -> Standing:
        """Tell how far an address is; one that is not here begins to be fetched.

        Args:
            url: of the web.
            asked: the sha256 that it must have; empty: any.
        """
        found = self._store.find(url)
        if found is not None and asked == found.sha256:
            self._store.use(url, self._clock())
            return ready(found.sha256, found.size, is_kept=True)
        with self._lock:
            job = self._jobs.get(url)
            if job is None or job.is_stale or not job.still_holds(found):
                job = self._begin(url)
            job.wanted_at = time.monotonic()
        standing = job.standing(asked)
        if standing.state is InputState.READY:
            self._store.use(url, self._clock())
        return standing

    def close(self) -> None:
        """Give up what is being fetched."""
        self._is_open = False

    def _begin(self, url: str) -> "_Job":
        job = _Job()
        job.download = Download(
            url,
            outside=self.outside,
            store=self._store,
            bounds=self._bounds,
            clock=self._clock,
            is_wanted=lambda: self._is_open and job.is_wanted,
        )
        self._jobs = {name: one for name, one in self._jobs.items() if not one.is_stale}
        self._jobs[url] = job
        # A daemon: what half came is dropped at the next start, and no stop waits for a host.
        threading.Thread(target=self._work, args=(job,), daemon=True, name="input").start()
        return job

    def _work(self, job: "_Job") -> None:
        try:
            with self._slot(job):
                job.found = job.download.run()
        except Abandoned:
            job.is_given_up = True
        except MachineLabsError as error:
            job.refusal = error
        except Exception as error:
            # Who waits for it is told, also of a fault of ours; the thread's own hook logs it.
            name = type(error).__name__
            job.refusal = MachineLabsError(f"The site failed to fetch it ({name}).")
            raise
        finally:
            job.ended_at = time.monotonic()

    @contextmanager
    def _slot(self, job: "_Job") -> Iterator[None]:
        while not self._slots.acquire(timeout=1):
            if not (self._is_open and job.is_wanted):
                raise Abandoned
        try:
            yield
        finally:
            self._slots.release()


@dataclass(eq=False)
class _Job:
    """A download and its end."""

    download: Download = field(init=False)
    wanted_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None
    found: Fetched | None = None
    refusal: MachineLabsError | None = None
    is_given_up: bool = False

    @property
    def is_wanted(self) -> bool:
        return time.monotonic() - self.wanted_at < WANTED_SECONDS

    @property
    def is_stale(self) -> bool:
        if self.ended_at is None:
            return False
        return self.is_given_up or time.monotonic() - self.ended_at > TOLD_SECONDS

    def still_holds(self, kept: Fetched | None) -> bool:
        """Tell whether what it brought, if anything, is still kept."""
        return self.found is None or (kept is not None and kept.sha256 == self.found.sha256)

    def standing(self, asked: str) -> Standing:
        if self.ended_at is None:
            received, total = self.download.received, self.download.total
            return Standing(InputState.FETCHING, received, max(received, total) if total else 0)
        if self.found is None:
            return refused(self.refusal) if self.refusal else Standing(InputState.FETCHING)
        if asked and asked != self.found.sha256:
            return refused(_wrong(self.download.url, asked, self.found.sha256))
        return ready(self.found.sha256, self.found.size, is_kept=False)


def _wrong(url: str, asked: str, found: str) -> InputWrongHash:
    where = shown(url.partition("?")[0], 200)
    return InputWrongHash(
        f"{where} is not what ml.yaml says: its SHA-256 is {found}, and should be {asked}. "
        "Ask whoever keeps it, or write the new one into ml.yaml."
    )
