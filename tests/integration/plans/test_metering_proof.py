"""Ten thousand simulated sessions, a virtual clock, a real table and a hub that crashes.

What is charged is held against what every session really used, computed from its life alone.
"""

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from fractions import Fraction
from pathlib import Path

import pytest

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.migrate import upgrade
from machinelabs_hub.plans.meter import SAVE_SECONDS, Live, Meter
from machinelabs_hub.plans.model import Session
from machinelabs_hub.plans.usage import UsageTable

SAMPLE, FULL = 300, 10_000
START = datetime(2026, 1, 31, tzinfo=UTC)
EVENING = 20 * 3600.0
"""When the first session begins: a month's end is near."""
CARDS = (Fraction(0), Fraction(1), Fraction(1, 4), Fraction(2), Fraction(1, 7))


class End(Enum):
    """How a session ends."""

    STOPPED = auto()
    """The hub stops it, or learns at once that it ended."""
    EXITED = auto()
    """By itself; the engine keeps the hour."""
    REMOVED = auto()
    """Somebody removes the container: the engine knows nothing any more."""


@dataclass
class Life:
    """One session's true life, in whole and broken seconds after `START`."""

    session: Session
    ready: float
    end: float
    how: End
    pause: tuple[float, float] | None = None
    """The container is down in between, and then runs anew with the same id."""

    def runs(self, second: float) -> bool:
        inside = self.ready <= second < self.end
        return inside and not (self.pause and self.pause[0] <= second < self.pause[1])

    def ran_since(self, second: float) -> float:
        return self.pause[1] if self.pause and second >= self.pause[1] else self.ready - 3

    def truth(self) -> dict[str, float]:
        """Return the seconds that it ran, by month: counted piece by piece, no code of ours."""
        found: dict[str, float] = {}
        pieces = [(self.ready, self.end)]
        if self.pause:
            pieces = [(self.ready, self.pause[0]), (self.pause[1], self.end)]
        for begin, end in pieces:
            at = begin
            while at < end:
                day = int(at // 86_400)
                until = min(end, (day + 1) * 86_400.0)
                date = (START + timedelta(days=day)).date()
                key = f"{date.year}-{date.month:02}"
                found[key] = found.get(key, 0.0) + until - at
                at = until
        return found


@dataclass
class World:
    """All lives, and the spans in which the hub or the engine is away."""

    lives: list[Life]
    hub_away: list[tuple[float, float]]
    engine_away: list[tuple[float, float]]
    passed: int = 0
    """How many of the first lives are long over."""
    crashes: int = 0
    lost: float = 0.0
    most_lost: float = 0.0
    table: UsageTable = field(default=None)  # type: ignore[assignment]


def a_world(seed: int, count: int, *, gap: float) -> World:
    dice = random.Random(seed)  # noqa: S311
    clock, lives = EVENING, []
    for number in range(count):
        clock += dice.expovariate(1 / gap)
        length = min(dice.expovariate(1 / 5400) + 1, 40_000)
        session = Session(
            id=f"c{number}", user=f"p{dice.randrange(60)}", server=f"s{number}",
            flavour="f", cards=dice.choice(CARDS),
        )  # fmt: skip
        lives.append(Life(session, clock, clock + length, dice.choice(list(End))))
    last = max(life.end for life in lives) + 120
    hub_away = list(spans(dice, last, every=4000, length=(2, 25)))
    engine_away = list(spans(dice, last, every=9000, length=(5, 400)))
    for life in lives:
        away = next((a for a in hub_away if life.ready < a[0] - 5 and a[1] + 5 < life.end), None)
        if away and dice.random() < 0.1:
            life.pause = (away[0] + 1, (away[0] + away[1]) / 2)
        # Without the hub or the engine nothing becomes ready.
        for begin, end in sorted([*hub_away, *engine_away] * 2):
            if begin <= life.ready < end:
                life.ready = end
                life.end = max(life.end, end + 1)
    return World(lives, hub_away, engine_away)


def spans(
    dice: random.Random, last: float, *, every: float, length: tuple[float, float]
) -> Iterator[tuple[float, float]]:
    at = EVENING + dice.expovariate(1 / every) + 60
    while at < last:
        end = at + dice.uniform(*length)
        yield at, end
        at = end + 60 + dice.expovariate(1 / every)


def inside(spans: list[tuple[float, float]], second: float) -> bool:
    return any(begin <= second < end for begin, end in spans)


def play(world: World) -> None:
    """Let a hub look each second (where something can differ) and save as the real one does."""
    moments = {
        round(float(n), 3) for n in range(int(EVENING), int(_last(world)) + 40, SAVE_SECONDS)
    }
    for life in world.lives:
        moments |= {float(int(life.ready) + 1), float(int(life.end)), float(int(life.end) + 1)}
    for begin, end in (*world.hub_away, *world.engine_away):
        moments |= {begin, end, end + 1}
    meter, saved_at, away_now = Meter(world.table.open_rows()), 0.0, False
    for second in sorted(moments):
        if inside(world.hub_away, second):
            if not away_now:
                world.crashes += 1
            away_now = True
            continue
        if away_now:
            meter, away_now = Meter(world.table.open_rows()), False
        if look(world, meter, second) or second - saved_at >= SAVE_SECONDS:
            rows = meter.changed()
            world.table.save(rows)
            meter.saved(rows)
            saved_at = second


def look(world: World, meter: Meter, second: float) -> bool:
    engine = not inside(world.engine_away, second)
    running, unsure, ends = [], set(), {}
    for life in _near(world, second):
        key = (life.session.user, life.session.server)
        if not engine and life.ready <= second:
            unsure.add(key)
        elif life.runs(second):
            since = START + timedelta(seconds=life.ran_since(second))
            running.append(Live(life.session, START + timedelta(seconds=life.ready), since))
        elif life.how is not End.REMOVED and second >= life.end:
            ends[life.session.id] = START + timedelta(seconds=life.end)
    return meter.look(running, unsure=unsure, ends=ends, now=START + timedelta(seconds=second))


def _near(world: World, second: float) -> Iterator[Life]:
    # Sorted by the moment of readiness but for those that waited for the hub.
    while world.passed < len(world.lives) and world.lives[world.passed].end + 1200 < second:
        world.passed += 1
    for life in itertools.islice(world.lives, world.passed, None):
        if life.ready - 60 > second:
            return
        if life.end + 1200 > second:
            yield life


def _near_any(spans: list[tuple[float, float]], second: float) -> bool:
    return any(begin - SAVE_SECONDS <= second <= end + 2 for begin, end in spans)


def _last(world: World) -> float:
    return max(life.end for life in world.lives) + 60


def prove(tmp_path: Path, seed: int, count: int, *, gap: float) -> str:
    url = f"sqlite:///{tmp_path / 'usage.sqlite'}"
    upgrade(url)
    engine = open_engine(url)
    world = a_world(seed, count, gap=gap)
    world.table = UsageTable(sessions=session_maker(engine))
    play(world)
    charged: dict[str, dict[str, float]] = {}
    for use in world.table.all_since(START - timedelta(days=1)):
        assert not use.is_open
        parts = float(use.session.cards) or 1.0
        seconds = (use.hours.gpu_seconds or use.hours.cpu_seconds) / parts
        assert bool(use.hours.gpu_seconds) == bool(use.session.cards)
        charged.setdefault(use.session.id, {})[use.month] = seconds
    engine.dispose()
    true, error, wrong, split = 0.0, 0.0, 0.0, 0
    for life in world.lives:
        said, real = charged.get(life.session.id, {}), life.truth()
        split += len(real) > 1
        short = {month: real[month] - said.get(month, 0.0) for month in real}
        assert set(said) <= set(real)
        lost = sum(short.values())
        true += sum(real.values())
        error += abs(lost)
        wrong = max(wrong, -lost)
        if lost > 1.5:
            world.lost += lost
            # Only who was removed or begun anew while nobody looked is charged too little.
            unseen = [life.pause[0]] if life.pause else []
            unseen += [life.end] if life.how is End.REMOVED else []
            crash = [end for end in unseen if _near_any(world.hub_away, end)]
            engine_was = [end for end in unseen if _near_any(world.engine_away, end)]
            assert crash or engine_was, (life, lost)
            if not engine_was:
                world.most_lost = max(world.most_lost, lost)
    assert wrong <= 1.5, "nobody is charged for what they did not use"
    assert error < 0.01 * true
    assert world.most_lost <= 60
    return (
        f"{count} sessions, {true / 3600:.0f} hours, {split} over a month's end, {world.crashes} "
        f"crashes, {len(world.engine_away)} times without an engine: error {error / true:.4%}, "
        f"most lost in a crash {world.most_lost:.0f} s, charged too much {wrong:.1f} s at most"
    )


def test_a_sample_of_sessions_is_charged_rightly(tmp_path: Path) -> None:
    print(prove(tmp_path, 7, SAMPLE, gap=60))


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it in full")
def test_ten_thousand_sessions_are_charged_rightly(tmp_path: Path) -> None:
    print(prove(tmp_path, 11, FULL, gap=270))
