"""A simulated week on four cards: a class of 40 and 20 researchers, the same arrivals twice.

Once as stock hubs do it: a whole card for everybody, first come first served, held until its
person stops it. Once as this site does: the line's own order, eighths of a card for the class, and
idle servers stopped by the rule that stops them on a site. Nothing is measured but the policy: the
clock is virtual, and what people do is drawn from the assumptions written here.

Students come to three classes of two hours and to two evenings; an exercise takes them 40 to 80
minutes, in which the card computes a third of the time, at an eighth of what a card can do. Half of
them stop their server afterwards, the others leave it until the next morning. Researchers start a
training on three days of five, of one to four hours with a pause of an hour in it for two of five,
and stop their server at once (a third), after some hours, or the next morning. Whoever waits four
hours gives up.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import mean
from typing import Final

from tests.benchmarks.figures import Figure, against

from machinelabs_hub.gpu.fairness import Used, late_by, recent_seconds
from machinelabs_hub.gpu.idle import Did, Idleness, follow, judge
from machinelabs_hub.gpu.model import Ask, Gpu, Holder, Want
from machinelabs_hub.gpu.pool import Pool
from machinelabs_hub.gpu.ranks import Ranks, Waiter
from machinelabs_hub.gpu.turns import next_turn
from machinelabs_hub.gpu_settings import Gpus

MONDAY: Final = datetime(2026, 11, 2, tzinfo=UTC)
TICK: Final = timedelta(minutes=1)
WEEKS: Final = 9
CARDS, STUDENTS, RESEARCHERS = 4, 40, 20
PATIENCE: Final = timedelta(hours=4)
EIGHTH, WHOLE = Want(share=8), Want()
SETTINGS: Final = Gpus()

Minutes = list[bool]
"""Of each minute of somebody's work whether the card computes."""


@dataclass(frozen=True)
class Visit:
    """Somebody comes, works, and leaves the server for `left` minutes before they stop it."""

    at: datetime
    user: str
    work: Minutes
    left: int
    is_student: bool = False


@dataclass
class Server:
    """A visit that holds a card."""

    visit: Visit
    want: Want
    uuids: tuple[str, ...]
    since: datetime
    done: int = 0
    idleness: Idleness | None = None
    did: Did = field(default=Did(MONDAY, None, 0.0, 0, 0))


@dataclass
class Outcome:
    """What came of a week."""

    useful: float = 0.0
    """Card hours in which something computed."""
    held: float = 0.0
    waits: list[float] = field(default_factory=list)
    """Minutes."""
    gave_up: int = 0


def measure(*, say: Callable[[str], None]) -> list[Figure]:
    """Simulate some weeks both ways."""
    ours, stock = [], []
    for seed in range(WEEKS):
        visits = sorted(week(random.Random(seed)), key=lambda visit: visit.at)  # noqa: S311
        ours.append(simulate(visits, is_ours=True))
        stock.append(simulate(visits, is_ours=False))
        for name, one in (("here", ours[-1]), ("whole card until stopped", stock[-1])):
            say(
                f"week {seed}, {name}: {one.held / one.useful:.1f} card hours held for a useful "
                f"one, {mean(one.waits):.0f} minutes of waiting, {one.gave_up} gave up"
            )
    return [
        against(
            "Card hours held for a useful one, whole card until stopped",
            [one.held / one.useful for one in ours],
            [one.held / one.useful for one in stock],
            unit="h",
            target=1 / 3,
        ),
        against(
            "Mean wait for a card, whole card until stopped",
            [mean(one.waits) for one in ours],
            [mean(one.waits) for one in stock],
            unit="min",
            target=1 / 3,
        ),
    ]


def week(chance: random.Random) -> Iterator[Visit]:
    """Draw who comes when."""
    for number in range(STUDENTS):
        classes = [
            timedelta(days=day, hours=14, minutes=chance.randint(0, 10)) for day in (0, 2, 4)
        ]
        evenings = [
            timedelta(days=day, hours=chance.randint(17, 21), minutes=chance.randint(0, 59))
            for day in chance.sample(range(7), 2)
        ]
        for at in classes + evenings:
            minutes = chance.randint(40, 80)
            work = [chance.random() < 1 / 3 for _ in range(minutes)]
            left = 0 if chance.random() < 1 / 2 else _until_morning(at, minutes)
            yield Visit(MONDAY + at, f"student {number}", work, left, is_student=True)
    for number in range(RESEARCHERS):
        for day in chance.sample(range(5), 3):
            at = timedelta(days=day, hours=chance.randint(8, 17), minutes=chance.randint(0, 59))
            half = chance.randint(30, 120)
            pause = 60 if chance.random() < 2 / 5 else 0
            work = [True] * half + [False] * pause + [True] * half
            left = chance.choice([0, chance.randint(60, 300), _until_morning(at, len(work))])
            yield Visit(MONDAY + at, f"researcher {number}", work, left)


def _until_morning(at: timedelta, minutes: int) -> int:
    ends = at + timedelta(minutes=minutes)
    morning = timedelta(days=ends.days + 1, hours=9)
    return int((morning - ends) / timedelta(minutes=1))


class Week:
    """One week under way."""

    def __init__(self, visits: list[Visit], *, is_ours: bool) -> None:
        self.outcome = Outcome()
        self._is_ours = is_ours
        self._coming = list(reversed(visits))
        self._pool = Pool(
            Gpu(uuid=f"GPU-{number}", model="card", memory_mib=80_000) for number in range(CARDS)
        )
        self._ranks = Ranks()
        self._waiting: dict[Holder, Visit] = {}
        self._servers: dict[Holder, Server] = {}
        self._used: dict[str, list[Used]] = {}
        self._serial = 0

    @property
    def is_over(self) -> bool:
        return not (self._coming or self._waiting or self._servers)

    def tick(self, now: datetime) -> None:
        """Let a minute go by."""
        while self._coming and self._coming[-1].at <= now:
            self._come(self._coming.pop(), now)
        for waiter in [one for one in self._ranks if now - one.since >= PATIENCE]:
            self._leave(waiter, now)
            self.outcome.gave_up += 1
        while turn := next_turn(self._pool, self._ranks, ()):
            visit = self._leave(turn.waiter, now)
            want = turn.waiter.ask.want
            self._pool.take(turn.uuids, want.part)
            self._servers[turn.waiter.ask.holder] = Server(visit, want, turn.uuids, now)
        for holder, server in list(self._servers.items()):
            self._go_on(holder, server, now)

    def _come(self, visit: Visit, now: datetime) -> None:
        want = EIGHTH if self._is_ours and visit.is_student else WHOLE
        self._serial += 1
        holder = Holder(visit.user, str(self._serial))
        held = [one.want.part for one in self._servers.values() if one.visit.user == visit.user]
        recent = recent_seconds(self._used.get(visit.user, []), now)
        late = late_by(recent, holds=sum(held, 0 * EIGHTH.part), weight=1.0)
        ask = Ask(holder, f"1/{want.share}", want)
        self._ranks.add(Waiter(ask, now, late if self._is_ours else timedelta()))
        self._waiting[holder] = visit

    def _leave(self, waiter: Waiter, now: datetime) -> Visit:
        self._ranks.remove(waiter.ask.holder)
        self.outcome.waits.append((now - waiter.since) / timedelta(minutes=1))
        return self._waiting.pop(waiter.ask.holder)

    def _go_on(self, holder: Holder, server: Server, now: datetime) -> None:
        visit, hours = server.visit, TICK / timedelta(hours=1)
        computes = server.done < len(visit.work) and visit.work[server.done]
        server.done += 1
        self.outcome.held += float(server.want.part) * hours
        self.outcome.useful += computes * hours * (1 / 8 if visit.is_student else 1)
        later = now + TICK
        # Also a student who reads and types: a window that is open is no work of the container's.
        cpu = server.did.cpu_seconds or 0.0
        at = later if computes else server.did.computed_at
        server.did = Did(later, at, cpu + (30.0 if computes else 0.5), 0, 0)
        server.idleness = follow(server.idleness, server.did, later)
        limit = timedelta(minutes=SETTINGS.idle_minutes)
        idles = judge(server.idleness.busy_at, limit=limit, warning=limit, now=later).is_over
        if server.done >= len(visit.work) + visit.left or (self._is_ours and idles):
            self._stop(holder, server, later)

    def _stop(self, holder: Holder, server: Server, now: datetime) -> None:
        del self._servers[holder]
        self._pool.give(server.uuids, server.want.part)
        seconds = (now - server.since).total_seconds() * float(server.want.part)
        self._used.setdefault(server.visit.user, []).append(Used(server.since, now, seconds))
        left = server.visit.work[server.done :]
        if any(left):
            # The card went back in a pause: its person asks again when the work goes on.
            at = now + TICK * left.index(True)
            rest = replace(server.visit, at=at, work=left[left.index(True) :])
            self._coming.append(rest)
            self._coming.sort(key=lambda visit: visit.at, reverse=True)


def simulate(visits: list[Visit], *, is_ours: bool) -> Outcome:
    """Return what comes of the visits."""
    one, now = Week(visits, is_ours=is_ours), MONDAY
    while not one.is_over:
        one.tick(now)
        now += TICK
    return one.outcome
