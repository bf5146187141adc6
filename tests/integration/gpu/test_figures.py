"""What the Hub writes of claims, counted for Prometheus: counters only grow, over restarts too."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import uuid4

import pytest

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Claim, Holder, Observed
from machinelabs_hub.labs.models.metrics import Family, Labels, Spread
from machinelabs_hub.labs.storage.metrics import WAIT_SECONDS, MetricTable
from machinelabs_hub.plans.model import Session, Use
from machinelabs_hub.plans.usage import UsageTable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def flavour() -> str:
    """A flavour of this test's own: the database may hold claims of others."""
    return f"gpu-{uuid4().hex[:8]}"


def values(sessions: Sessions, name: str) -> dict[Labels, float | Spread]:
    families: tuple[Family, ...] = MetricTable(sessions=sessions).families(NOW)
    return next(dict(one.values) for one in families if one.name == name)


def waits(sessions: Sessions, flavour: str) -> Spread:
    found = values(sessions, "machinelabs_gpu_wait_seconds")[(("flavour", flavour),)]
    assert isinstance(found, Spread)
    return found


def ended(sessions: Sessions) -> dict[str, float]:
    found = values(sessions, "machinelabs_gpu_claims_ended_total")
    return {
        labels[0][1]: value for labels, value in found.items() if isinstance(value, float | int)
    }


def granted(ledger: Ledger, flavour: str, *, waited: float) -> Claim:
    return ledger.grant(
        Holder("ada"), flavour, (f"GPU-{flavour}",), 1, NOW, since=NOW - timedelta(seconds=waited)
    )


def test_waits_are_spread_over_their_bounds_and_outlive_claims_and_hub(
    sessions: Sessions, flavour: str
) -> None:
    for waited in (0.0, 1.0, 4.25, 700.0, 100_000.5):
        ledger = Ledger(sessions)
        claim = granted(ledger, flavour, waited=waited)
        ledger.end(claim.id, "stopped", NOW)
    found = waits(sessions, flavour)
    assert (found.count, found.sum) == (5, 100_705.75)
    below = dict(found.at_most)
    assert [below[bound] for bound in (1, 5, 600, 1200, 86_400)] == [2, 3, 3, 4, 4]
    assert tuple(below) == WAIT_SECONDS


def test_a_clock_that_was_set_back_makes_no_wait_of_less_than_nothing(
    sessions: Sessions, flavour: str
) -> None:
    ledger = Ledger(sessions)
    ledger.end(granted(ledger, flavour, waited=-60).id, "stopped", NOW)
    assert waits(sessions, flavour).sum == 0


def test_a_claim_that_ended_and_is_held_after_all_takes_nothing_back(
    sessions: Sessions, flavour: str
) -> None:
    ledger = Ledger(sessions)
    claim = granted(ledger, flavour, waited=30)
    ledger.end(claim.id, "gone", NOW)
    before, counted = waits(sessions, flavour), ended(sessions)
    late = Observed("c-late", claim.holder, claim.id, flavour, claim.uuids, 1)
    ledger.reconcile([late], before=ledger.live(), starting=frozenset(), whys={}, now=NOW)
    assert claim.id in {one.id for one in ledger.live()}
    # The engine held it already: nobody stood in line for it again.
    assert waits(sessions, flavour) == before
    assert ended(sessions) == counted
    ledger.end(claim.id, "stopped", NOW)
    assert ended(sessions)["gone"] == counted["gone"]
    assert ended(sessions)["stopped"] == counted["stopped"] + 1


def test_charged_seconds_are_summed_as_they_are_whatever_the_order(
    sessions: Sessions, flavour: str
) -> None:
    table = UsageTable(sessions=sessions)

    def total() -> float:
        found = values(sessions, "machinelabs_charged_seconds_total")[(("kind", "gpu"),)]
        assert isinstance(found, float)
        return found

    before = total()
    for number in range(30):
        session = Session(f"{flavour}-{number}", "ada", "", flavour, Fraction(1, 3))
        spent = session.charge(0.3 * 10 ** (number % 7))
        table.save([Use(session, "2026-11", NOW - timedelta(hours=1), NOW, spent)])
    added = sum(0.1 * 10 ** (number % 7) for number in range(30))
    # To the millisecond, of each session.
    assert total() - before == pytest.approx(added, abs=0.03)
    assert total() * 1000 == pytest.approx(round(total() * 1000), abs=1e-6)
