"""Start and stop servers with cards while hub and engine fail: what claims must outlast."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
from tests.support.card_site import CardSite
from tests.support.engine_proxy import Mode

PEOPLE = 6
FAULTS = (Mode.FAILS, Mode.HANGS, Mode.REFUSES)
PATIENCE = 300.0
STEP = 0.4


class End(StrEnum):
    """How a cycle's server ends."""

    STOPPED = "stopped by its person"
    KILLED = "docker kill"
    REMOVED = "docker rm -f"
    CANCELLED = "stopped while it starts"
    BROKEN = "its image cannot start"


EVERY = 5
"""One disaster falls in so many cycles; the first ones are one of each kind."""


class Disaster(StrEnum):
    """What befalls the site."""

    HUB = "kill -9 of the hub"
    ENGINE = "the engine fails, hangs or refuses"
    HOOK = "the GPU hook fails"


@dataclass
class Storm:
    """`cycles` starts and stops by some people at once, with disasters among them."""

    site: CardSite
    cycles: int
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    disasters: Counter[str] = field(default_factory=Counter)
    _begun: int = 0
    _due: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _disaster: threading.Lock = field(default_factory=threading.Lock)
    _calm_from: float = 0.0
    _is_calm: bool = True
    _states: dict[str, dict[str, Any]] = field(default_factory=dict)
    _troubles: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        """Go through all cycles, then heal all and stop all servers."""
        people = [f"p{number}" for number in range(PEOPLE)]
        for person in people:
            self.site.make_user(person)
        workers = [
            threading.Thread(target=self._carefully, args=(self._person, person), daemon=True)
            for person in people
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self._heal()
        for person in people:
            self._until_gone(person)
        if self._troubles:
            raise self._troubles[0]

    def is_excused(self, person: str) -> bool:
        """Whether a claim of this person may be without a container that runs, at this moment."""
        if not self._is_calm:
            return True
        return bool(self._server(person).get("pending"))

    def _carefully(self, work: Callable[[str], None], person: str) -> None:
        try:
            work(person)
        except BaseException as trouble:  # noqa: BLE001 - raised at the end, on the test's thread
            self._troubles.append(trouble)

    # One person.

    def _person(self, person: str) -> None:
        while (number := self._next()) is not None and not self._troubles:
            chance = random.Random(f"{self.seed}/{number}")  # noqa: S311 - nothing secret
            self._befall(number, chance)
            end = chance.choices(list(End), weights=(40, 18, 18, 12, 12))[0]
            self._cycle(person, end, chance)
            self.done[end] += 1

    def _next(self) -> int | None:
        with self._lock:
            if self._begun == self.cycles:
                return None
            self._begun += 1
            return self._begun

    def _cycle(self, person: str, end: End, chance: random.Random) -> None:
        options = {
            "image": "broken" if end is End.BROKEN else "tiny",
            "flavour": chance.choices(("whole", "half", "pair"), weights=(5, 4, 1))[0],
        }
        self._try(lambda: self.site.operator("POST", f"/users/{person}/server", json=options))
        if end is End.CANCELLED:
            time.sleep(chance.uniform(0, 1.5))
        else:
            self._wait(lambda: not self._server(person).get("pending"), "the start ends")
        name = self.site.container_name(person)
        if end is End.KILLED:
            self.site.cards.run("kill", name)
        if end is End.REMOVED:
            self.site.cards.run("rm", "-f", name)
        if end in {End.KILLED, End.REMOVED} and chance.random() < 0.5:
            # The hub is to notice by itself.
            with suppress(AssertionError):
                self._wait(lambda: not self._server(person), "its end is noticed", seconds=25)
        self._until_gone(person)

    def _until_gone(self, person: str) -> None:
        def is_gone() -> bool:
            if not self._server(person):
                return True
            self._try(lambda: self.site.operator("DELETE", f"/users/{person}/server"))
            time.sleep(0.3)
            return False

        self._wait(is_gone, "the server is gone")

    def _server(self, person: str) -> dict[str, Any]:
        """What the hub says of a person's server; what it said last while it is down."""
        with suppress(httpx.HTTPError):
            answer = self.site.operator("GET", f"/users/{person}")
            if answer.is_success:
                found: dict[str, Any] = answer.json().get("servers", {}).get("", {})
                self._states[person] = found
        return self._states.get(person, {})

    def _try(self, ask: Callable[[], httpx.Response]) -> None:
        for _ in range(600):
            with suppress(httpx.HTTPError):
                ask()
                return
            time.sleep(0.1)
        raise AssertionError("the hub stays away")

    def _wait(self, true: Callable[[], bool], what: str, *, seconds: float = PATIENCE) -> None:
        until = time.monotonic() + seconds
        while not true():
            if time.monotonic() > until:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(STEP)

    # Disasters.

    def _befall(self, number: int, chance: random.Random) -> None:
        with self._lock:
            self._due += number % EVERY == 0
            # One that comes while another lasts waits for a later cycle.
            if not self._due or not self._disaster.acquire(blocking=False):
                return
            self._due -= 1
            struck = sum(self.disasters.values())
            kinds = list(Disaster)
            kind = kinds[struck] if struck < len(kinds) else chance.choices(kinds, (7, 10, 3))[0]
            self.disasters[kind] += 1
        if kind is Disaster.HUB:
            self._strike(self._kill_hub)
        elif kind is Disaster.ENGINE:
            mode, seconds = chance.choice(FAULTS), chance.uniform(1, 8)
            self._strike(lambda: self._fault(mode, seconds))
        else:
            self._strike(self._refuse)

    def _strike(self, strike: Callable[[], None]) -> None:
        def work() -> None:
            try:
                self._is_calm = False
                strike()
            except BaseException as trouble:  # noqa: BLE001 - raised at the end
                self._troubles.append(trouble)
            finally:
                self._is_calm = True
                self._disaster.release()

        threading.Thread(target=work, daemon=True).start()

    def _kill_hub(self) -> None:
        self.site.kill_hub()
        self.site.start_hub()

    def _fault(self, mode: Mode, seconds: float) -> None:
        self.site.cards.proxy.switch(mode)
        time.sleep(seconds)
        self.site.cards.proxy.switch(Mode.WELL)

    def _refuse(self) -> None:
        self.site.cards.refuse_cards(refuses=True)
        time.sleep(3)
        self.site.cards.refuse_cards(refuses=False)

    def _heal(self) -> None:
        with self._disaster:
            self.site.cards.proxy.switch(Mode.WELL)
            self.site.cards.refuse_cards(refuses=False)
