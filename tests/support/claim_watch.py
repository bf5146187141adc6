"""Watch an engine and a site's claims from outside, and judge afterwards what went on.

Nothing of the hub's takes part: containers are known by the engine's own events, claims by their
rows in the database.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.support.card_engine import CardEngine

STEP = 0.5
LATE = 0.5
"""The engine's word that a container ended, or is gone, comes up to so long after the fact, seconds.

It has been seen to list a container no more 0.2 s before it told so."""


@dataclass
class Container:
    """A container that was made with cards; times are the engine's, in seconds."""

    id: str
    claim: str
    user: str
    uuids: tuple[str, ...]
    share: int
    made: float
    started: float | None = None
    died: float | None = None
    gone: float | None = None


@dataclass(frozen=True)
class Overlap:
    """More of a card was held than there is, from a moment on."""

    uuid: str
    at: float
    containers: tuple[str, ...]


@dataclass
class Watch:
    """Follows one engine and one database on threads of its own, from `begin` to `end`."""

    engine: CardEngine
    database: Path
    is_excused: Callable[[str], bool]
    """Whether a claim of this person may be without a container now: a start is under way, the
    hub is down, or the engine does not answer."""
    containers: dict[str, Container] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    """When each claim was first seen to have ended."""
    reopened: set[str] = field(default_factory=set)
    longest: float = 0.0
    """The longest that a claim was without a living container and without an excuse, seconds."""
    leaked: set[str] = field(default_factory=set)
    _alone_since: dict[str, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _client: Any = None
    _stream: Any = None
    _troubles: list[BaseException] = field(default_factory=list)

    def begin(self) -> None:
        self._client = self.engine.client()
        self._stream = self._client.events(filters={"type": "container"}, decode=True)
        for work in (self._hear, self._compare):
            thread = threading.Thread(target=self._carefully, args=(work,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def end(self) -> None:
        self._stop.set()
        self._stream.close()
        for thread in self._threads:
            thread.join(20)
        self._client.close()
        if self._troubles:
            raise self._troubles[0]

    def _carefully(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as trouble:  # noqa: BLE001 - raised at the end, on the test's thread
            if not self._stop.is_set():
                self._troubles.append(trouble)

    # Containers.

    def _hear(self) -> None:
        for event in self._stream:
            labels, at = event["Actor"]["Attributes"], event["timeNano"] / 1e9
            if "machinelabs.claim" not in labels:
                continue
            key = event["Actor"]["ID"]
            if event["Action"] == "create":
                self.containers[key] = Container(
                    id=key,
                    claim=labels["machinelabs.claim"],
                    user=labels["machinelabs.user"],
                    uuids=(),
                    share=int(labels["machinelabs.share"]),
                    made=at,
                )
            else:
                word = {"start": "started", "die": "died", "destroy": "gone"}.get(event["Action"])
                if word and key in self.containers:
                    setattr(self.containers[key], word, at)

    # Claims.

    def _compare(self) -> None:
        with (
            closing(self.engine.client()) as client,
            closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db,
        ):
            while not self._stop.wait(STEP):
                rows = db.execute("select id, user, ended_at from claims").fetchall()
                running = client.containers(filters={"label": "machinelabs.claim"})
                living = {row["Labels"]["machinelabs.claim"] for row in running}
                self._judge(rows, living, time.monotonic())

    def _judge(self, rows: list[tuple[str, str, str | None]], living: set[str], now: float) -> None:
        for key, user, ended_at in rows:
            if ended_at:
                self.ended.setdefault(key, _seconds(ended_at))
            elif key in self.ended:
                self.reopened.add(key)
            if ended_at or key in living or self.is_excused(user):
                self._alone_since.pop(key, None)
                continue
            alone = now - self._alone_since.setdefault(key, now)
            self.longest = max(self.longest, alone)
            if alone > 30:
                self.leaked.add(key)

    # Judgements.

    def learn_cards(self) -> None:
        """Take from the database which cards each container's claim has."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            for key, uuid in db.execute("select claim_id, uuid from claim_devices"):
                for one in self.containers.values():
                    if one.claim == key:
                        one.uuids = (*one.uuids, uuid)

    def overlaps(self, *, running: bool) -> list[Overlap]:
        """Return when more of a card was held than there is: by what ran, or by what was there."""
        found = []
        for uuid in {uuid for one in self.containers.values() for uuid in one.uuids}:
            moments: list[tuple[float, int, Container]] = []
            for one in self.containers.values():
                begin, end = (one.started, one.died) if running else (one.made, one.gone)
                surely = (end or float("inf")) - (0 if running else LATE)
                if uuid in one.uuids and begin is not None and begin < surely:
                    moments += [(begin, 1, one), (surely, 0, one)]
            found += _beyond(uuid, sorted(moments, key=lambda moment: moment[:2]))
        return found

    def freed_alive(self) -> list[Container]:
        """Return the containers that lost their claim before they started, or while they ran."""
        return [
            one
            for one in self.containers.values()
            if one.claim in self.ended
            and one.started is not None
            and self.ended[one.claim] < max(one.started, (one.died or float("inf")) - LATE)
        ]

    def freed_early(self) -> list[Container]:
        """Return the containers that lost their claim while they were there in any state."""
        return [
            one
            for one in self.containers.values()
            if one.claim in self.ended and self.ended[one.claim] < (one.gone or float("inf")) - LATE
        ]


def _beyond(uuid: str, moments: Iterable[tuple[float, int, Container]]) -> list[Overlap]:
    held: dict[str, Fraction] = {}
    found = []
    for at, is_begin, one in moments:
        if not is_begin:
            held.pop(one.id, None)
            continue
        held[one.id] = Fraction(1, one.share)
        if sum(held.values()) > 1:
            found.append(Overlap(uuid, at, tuple(sorted(held))))
    return found


def _seconds(stored: str) -> float:
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()
