"""Enforcement: who is told what and when, and whose servers are stopped."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from machinelabs_hub.gpu_settings import Plan, UsedUp
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.enforce import Orders, enforce
from machinelabs_hub.plans.model import Grant, Notice, Session, Use

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PLAN = Plan(name="p", title="Member", gpu_hours=10, cpu_hours=10)
CARD = Session(id="c1", user="ada", server="", flavour="gpu", cards=Fraction(1))
PLAIN = Session(id="c2", user="ada", server="second", flavour="cpu")


def budget(left: timedelta, *live: Session, kind: Session = CARD) -> Budget:
    past = timedelta(hours=10) - left
    since = NOW - timedelta(days=5)
    use = Use(kind, "2026-11", since, since + past, kind.charge(past.total_seconds()))
    return Budget(plan=PLAN, uses=(use,), live=live or (CARD,))


def order(found: Budget, told: list[Notice] | None = None, used: UsedUp = UsedUp.STOP) -> Orders:
    return enforce(found, told or [], when_used_up=used, now=NOW)


def test_nobody_is_told_anything_while_there_is_enough() -> None:
    assert order(budget(timedelta(hours=3))) == Orders()


def test_at_four_fifths_people_are_told_once() -> None:
    found = budget(timedelta(hours=1.5))
    (notice,) = order(found).put
    assert "used 85% of the 10 GPU hours of your plan, “Member”. 1.5 are left." in notice.sentence
    assert notice.stops_at is None
    assert order(found, [notice]) == Orders()


def test_ten_minutes_before_the_end_people_are_told_when_it_comes() -> None:
    found = budget(timedelta(minutes=9))
    (notice,) = order(found).put
    assert notice.stops_at == NOW + timedelta(minutes=9)
    assert "end soon" in notice.sentence
    assert order(found, [notice]) == Orders()


def test_two_servers_use_hours_twice_as_fast() -> None:
    second = replace(CARD, id="c3", server="other")
    found = order(budget(timedelta(minutes=18), CARD, second)).put
    assert [one.stops_at for one in found] == [NOW + timedelta(minutes=9)] * 2
    assert {one.server for one in found} == {"", "other"}


def test_an_end_that_moves_is_told_anew_and_one_that_is_off_is_taken_back() -> None:
    (notice,) = order(budget(timedelta(minutes=5))).put
    (moved,) = order(budget(timedelta(minutes=8)), [notice]).put
    assert (moved.id, moved.stops_at) == (notice.id, NOW + timedelta(minutes=8))
    granted = replace(budget(timedelta()), grants=(Grant("2026-11", gpu_hours=5),))
    assert order(granted, [notice]) == Orders(end=[notice])


def test_used_up_hours_stop_the_servers_that_use_them_and_no_others() -> None:
    (notice,) = order(budget(timedelta(minutes=5))).put
    found = order(budget(timedelta(), CARD, PLAIN), [notice])
    (stop,) = found.stop
    assert (stop.session, stop.notice, stop.to_cpu) == (CARD, notice, False)
    assert "used the 10 GPU hours" in stop.sentence


def test_a_site_may_let_them_go_on_without_a_gpu() -> None:
    (stop,) = order(budget(timedelta()), used=UsedUp.CPU).stop
    assert stop.to_cpu
    assert "without a GPU" in stop.notice.sentence
    poor = replace(budget(timedelta()), plan=PLAN.model_copy(update={"cpu_hours": 0.0}))
    (stop,) = order(poor, used=UsedUp.CPU).stop
    assert not stop.to_cpu
    (stop,) = order(budget(timedelta(), PLAIN, kind=PLAIN), used=UsedUp.CPU).stop
    assert not stop.to_cpu


def test_the_notices_of_a_server_that_is_gone_end() -> None:
    (notice,) = order(budget(timedelta(minutes=5))).put
    assert order(budget(timedelta(minutes=5), PLAIN), [notice]).end == [notice]
