"""Plans: who has which, what it lets a person start, and the sentences that refuse."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from machinelabs_hub.catalog.model import Flavour, Gpu
from machinelabs_hub.gpu_settings import DEFAULT_PLANS, GroupPlan, Plan, Plans
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import Grant, Hours, Kind, Session, Use
from machinelabs_hub.plans.policy import (
    FlavourNotInPlan,
    HoursUsedUp,
    TooManyServers,
    cards_of,
    check_start,
    has_end,
    plan_of,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CPU = Flavour(name="cpu-small", title="Small", cpu=1, memory_mib=2048)
GPU = Flavour(name="gpu-small", title="Small, with a GPU", cpu=2, memory_mib=8192, gpu=Gpu())
PLANS = Plans(
    groups=(GroupPlan(group="vision", plan="supporter"), GroupPlan(group="visitors", plan="guest"))
)
GUEST, MEMBER = DEFAULT_PLANS[:2]


def used(hours: float, *, cards: Fraction = Fraction(1), since: datetime = NOW) -> Use:
    session = Session(id="s", user="ada", server="", flavour="gpu-small", cards=cards)
    until = since + timedelta(hours=hours / float(cards or 1))
    return Use(session, f"{since:%Y-%m}", since, until, session.charge((until - since).seconds))


def start(budget: Budget, flavour: Flavour = GPU, servers: int | None = 0) -> None:
    check_start(budget, flavour, servers=servers, now=NOW)


def test_everybody_has_the_default_plan_and_admins_theirs() -> None:
    assert plan_of(PLANS, groups=(), is_admin=False).name == "member"
    assert plan_of(PLANS, groups=("visitors",), is_admin=True).name == "admin"


def test_whoever_is_in_several_groups_has_the_plan_that_stands_last() -> None:
    assert plan_of(PLANS, groups=("vision", "visitors"), is_admin=False).name == "supporter"
    assert plan_of(PLANS, groups=("visitors",), is_admin=False).name == "guest"


def test_a_size_that_a_plan_lacks_is_refused_with_what_to_do() -> None:
    plan = Plan(name="small", title="Small", flavours=("cpu-small",))
    start(Budget(plan=plan), CPU)
    with pytest.raises(FlavourNotInPlan, match=r"not part of your plan, “Small”.* another size"):
        start(Budget(plan=plan))


def test_a_plan_without_gpu_hours_starts_no_gpu_unless_an_admin_granted_some() -> None:
    with pytest.raises(HoursUsedUp, match=r"has no GPU hours\. Choose a size without a GPU"):
        start(Budget(plan=GUEST))
    start(Budget(plan=GUEST, grants=(Grant("2026-11", gpu_hours=1),)))
    with pytest.raises(HoursUsedUp):
        start(Budget(plan=GUEST, grants=(Grant("2026-10", gpu_hours=1),)))


def test_used_up_hours_refuse_the_gpu_and_leave_the_processor() -> None:
    budget = Budget(plan=MEMBER, uses=(used(20, since=NOW - timedelta(days=2)),))
    with pytest.raises(HoursUsedUp, match=r"used the 20 GPU hours .* anew on 1 December"):
        start(budget)
    start(budget, CPU)


def test_hours_of_last_month_do_not_count() -> None:
    start(Budget(plan=MEMBER, uses=(used(20, since=NOW - timedelta(days=30)),)))


def test_in_a_rolling_window_hours_come_back_by_and_by() -> None:
    plan = Plan(name="rolling", title="Rolling", gpu_hours=20, rolling_days=7)
    recent, old = (used(20, since=NOW - timedelta(days=days)) for days in (3, 8))
    start(Budget(plan=plan, uses=(old,)))
    with pytest.raises(HoursUsedUp, match="counts for 7 days, then it comes back"):
        start(Budget(plan=plan, uses=(recent,)))


def test_so_many_servers_run_at_once_as_the_plan_says() -> None:
    start(Budget(plan=GUEST), CPU, 1)
    with pytest.raises(TooManyServers, match="allows 2 servers at once, and 2 are running"):
        start(Budget(plan=GUEST), CPU, 2)
    with pytest.raises(TooManyServers, match="allows no servers"):
        start(Budget(plan=GUEST.model_copy(update={"servers": 0})), CPU)


def test_a_plan_has_runs_or_has_none() -> None:
    start(Budget(plan=GUEST), CPU, None)
    with pytest.raises(TooManyServers, match="allows no runs"):
        start(Budget(plan=GUEST.model_copy(update={"runs": 0})), CPU, None)


@pytest.mark.parametrize(
    ("gpu", "cards"),
    [
        (None, Fraction(0)),
        (Gpu(), Fraction(1)),
        (Gpu(count=2), Fraction(2)),
        (Gpu(share=4), Fraction(1, 4)),
        (Gpu(profile="1g.10gb"), Fraction(1, 7)),
        (Gpu(profile="3g.40gb", count=2), Fraction(6, 7)),
        (Gpu(profile="2g.12gb"), Fraction(1, 2)),
        (Gpu(profile="4g.20gb"), Fraction(4, 7)),
    ],
)
def test_of_a_card_its_part_is_charged(gpu: Gpu | None, cards: Fraction) -> None:
    assert cards_of(gpu) == cards


def test_only_hours_that_are_counted_run_out() -> None:
    assert has_end(MEMBER, Kind.GPU)
    assert not has_end(MEMBER, Kind.CPU)
    assert has_end(GUEST, Kind.CPU)


def test_processor_hours_and_gpu_hours_are_counted_apart() -> None:
    budget = Budget(plan=GUEST, uses=(used(10, cards=Fraction(0), since=NOW - timedelta(days=1)),))
    assert budget.used(NOW) == Hours(cpu_seconds=36_000)
