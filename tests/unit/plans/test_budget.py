"""Windows, parts of them, and when hours run out, for any past and any sessions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.gpu_settings import Plan
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import Grant, Hours, Kind, Session, Use, Window
from machinelabs_hub.plans.windows import month_of, month_window, split, used_in

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)
spans = st.tuples(moments, moments).map(sorted)
cards = st.sampled_from([Fraction(1), Fraction(1, 4), Fraction(2)])


def row(since: datetime, until: datetime, parts: Fraction = Fraction(1)) -> list[Use]:
    session = Session(id=f"{since}", user="ada", server="", flavour="gpu", cards=parts)
    return [
        Use(session, month, begin, end, session.charge((end - begin).total_seconds()))
        for month, begin, end in split(since, until)
    ]


def plan(hours: float, days: int) -> Plan:
    return Plan(name="p", title="P", gpu_hours=hours, rolling_days=days)


@given(spans)
def test_the_parts_of_a_span_are_whole_and_each_in_its_month(span: list[datetime]) -> None:
    since, until = span
    parts = list(split(since, until))
    assert sum((end - begin for _, begin, end in parts), timedelta()) == until - since
    for month, begin, end in parts:
        assert month_of(begin) == month
        assert end <= month_window(begin).ends


@given(spans, moments)
def test_a_use_falls_wholly_into_the_windows_that_cover_it(
    span: list[datetime], cut: datetime
) -> None:
    far = (
        Window(datetime(2020, 1, 1, tzinfo=UTC), cut),
        Window(cut, datetime(2030, 1, 1, tzinfo=UTC)),
    )
    for use in row(span[0], span[1]):
        found = used_in(use, far[0]) + used_in(use, far[1])
        assert found.gpu_seconds == pytest.approx(use.hours.gpu_seconds, rel=1e-6, abs=1e-3)


@given(
    st.lists(st.tuples(st.floats(0, 40), st.floats(0.001, 5), cards), max_size=6),
    st.lists(cards, min_size=1, max_size=3),
    st.floats(0.5, 400),
    st.sampled_from([0, 1, 7, 30]),
)
def test_the_end_of_hours_that_is_foreseen_is_the_one_that_comes(
    past: list[tuple[float, float, Fraction]],
    running: list[Fraction],
    hours: float,
    days: int,
) -> None:
    uses = [
        use
        for ago, length, parts in past
        for use in row(NOW - timedelta(days=ago + length), NOW - timedelta(days=ago), parts)
    ]
    live = tuple(
        Session(id=f"live-{n}", user="ada", server=f"{n}", flavour="gpu", cards=parts)
        for n, parts in enumerate(running)
    )
    budget = Budget(plan=plan(hours, days), uses=tuple(uses), live=live)
    at = budget.ends_at(Kind.GPU, NOW)
    if budget.left(Kind.GPU, NOW) == 0:
        assert at == NOW
        return

    def left_at(moment: datetime) -> float:
        """Let the sessions really go on until then, and count anew."""
        more = [part for one in live for part in row(NOW, moment, one.cards)]
        found = replace(budget, uses=(*uses, *more)).left(Kind.GPU, moment)
        assert found is not None
        return found

    last = at or NOW + timedelta(days=31)
    step = (last - NOW) / 50
    for n in range(1, 50):
        assert left_at(NOW + step * n) > 0
    if at:
        assert left_at(at) == pytest.approx(0, abs=60)


def test_a_month_end_gives_new_hours_before_they_run_out() -> None:
    late = datetime(2026, 11, 30, 23, tzinfo=UTC)
    live = (Session(id="s", user="ada", server="", flavour="gpu", cards=Fraction(1)),)
    budget = Budget(plan=plan(2, 0), live=live)
    # One hour in November is left over; two in December are not enough for longer.
    assert budget.ends_at(Kind.GPU, late) == datetime(2026, 12, 1, 2, tzinfo=UTC)


def test_grants_count_in_their_month_alone() -> None:
    budget = Budget(plan=plan(2, 0), grants=(Grant("2026-11", gpu_hours=3),))
    assert budget.left(Kind.GPU, NOW) == 5 * 3600
    assert budget.left(Kind.GPU, NOW + timedelta(days=20)) == 2 * 3600


def test_a_plan_without_an_end_never_runs_out() -> None:
    endless = Budget(plan=Plan(name="p", title="P"), uses=tuple(row(NOW - timedelta(9), NOW)))
    assert endless.left(Kind.GPU, NOW) is None
    assert endless.ends_at(Kind.GPU, NOW) is None
    assert endless.share_used(Kind.GPU, NOW) == 0
    assert endless.used(NOW) == Hours(gpu_seconds=9 * 86_400)
