"""Metering: what is charged over looks, crashes, unknown engines and month ends."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from machinelabs_hub.plans.meter import Live, Meter
from machinelabs_hub.plans.model import Hours, Session

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
QUARTER = Session(id="c1", user="ada", server="", flavour="gpu-quarter", cards=Fraction(1, 4))
PLAIN = Session(id="c2", user="ada", server="cpu", flavour="cpu-small")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def live(session: Session, ready: float = 0, ran_since: float | None = -5) -> Live:
    return Live(session, at(ready), None if ran_since is None else at(ran_since))


def total(*meters: Meter) -> Hours:
    """Add up what the meters left, the later one's rows in place of the earlier one's."""
    rows = {(row.session.id, row.month): row for meter in meters for row in meter.changed()}
    return sum((row.hours for row in rows.values()), Hours())


def test_each_second_counts_by_its_part_of_the_card() -> None:
    meter = Meter()
    for second in range(1, 101):
        meter.look([live(QUARTER), live(PLAIN)], now=at(second))
    assert total(meter) == Hours(cpu_seconds=100, gpu_seconds=25)


def test_time_before_the_server_is_ready_is_free() -> None:
    meter = Meter()
    meter.look([live(PLAIN, ready=50)], now=at(100))
    assert total(meter) == Hours(cpu_seconds=50)


def test_a_session_over_a_months_end_is_split() -> None:
    meter, end = Meter(), datetime(2026, 12, 1, tzinfo=UTC)
    since = end - timedelta(seconds=40)
    one = Live(PLAIN, since, since)
    meter.look([one], now=since)
    meter.look([one], now=end + timedelta(seconds=20))
    november, december = sorted(meter.changed(), key=lambda row: row.month)
    assert (november.month, november.hours.cpu_seconds, november.is_open) == ("2026-11", 40, False)
    assert (december.month, december.hours.cpu_seconds, december.is_open) == ("2026-12", 20, True)


def test_what_ran_while_the_hub_was_away_was_used() -> None:
    first = Meter()
    first.look([live(PLAIN)], now=at(30))
    second = Meter(first.changed())
    second.look([live(PLAIN)], now=at(3600))
    assert total(first, second) == Hours(cpu_seconds=3600)


def test_what_nobody_knows_is_not_charged() -> None:
    first = Meter()
    first.look([live(PLAIN)], now=at(30))
    gone = Meter(first.changed())
    gone.look([], now=at(3600))
    assert total(first, gone) == Hours(cpu_seconds=30)
    ended = Meter(first.changed())
    ended.look([], ends={"c2": at(600)}, now=at(3600))
    assert total(first, ended) == Hours(cpu_seconds=600)
    again = Meter(first.changed())
    again.look([live(PLAIN, ran_since=3000)], now=at(3600))
    assert total(first, again) == Hours(cpu_seconds=630)


def test_an_engine_that_says_nothing_neither_charges_nor_closes() -> None:
    meter = Meter()
    meter.look([live(PLAIN)], now=at(30))
    meter.look([], unsure=[("ada", "cpu")], now=at(300))
    assert meter.live == (PLAIN,)
    assert total(meter) == Hours(cpu_seconds=30)
    # It is back and says since when the container runs.
    meter.look([live(PLAIN, ran_since=200)], now=at(400))
    assert total(meter) == Hours(cpu_seconds=230)


def test_an_adopted_server_waits_for_the_engines_word() -> None:
    meter = Meter()
    meter.look([live(PLAIN, ran_since=None)], now=at(30))
    assert not meter.live
    meter.look([live(PLAIN)], now=at(40))
    assert total(meter) == Hours(cpu_seconds=40)


def test_a_clock_that_goes_back_charges_nothing_twice() -> None:
    meter = Meter()
    for second in (100, 50, 100):
        meter.look([live(PLAIN)], now=at(second))
    assert total(meter) == Hours(cpu_seconds=100)


def test_rows_stay_to_be_saved_until_they_are() -> None:
    meter = Meter()
    assert meter.look([live(PLAIN)], now=at(10))
    rows = meter.changed()
    assert not meter.look([live(PLAIN)], now=at(20))
    meter.saved(rows)
    assert [row.until for row in meter.changed()] == [at(20)]
    meter.saved(meter.changed())
    assert not meter.changed()
