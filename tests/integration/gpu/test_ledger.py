"""The ledger: nothing is granted twice, nothing is forgotten over a restart of the Hub."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.gpus import ClaimRow
from machinelabs_hub.gpu.ledger import DeviceHeld, Ledger
from machinelabs_hub.gpu.model import Claim, Holder, Observed
from machinelabs_hub.gpu.reconcile import GRACE

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(sessions: Sessions) -> Ledger:
    """A ledger whose claims of other tests have ended."""
    before = Ledger(sessions)
    for claim in before.live():
        before.end(claim.id, "stopped", NOW)
    return before


def granted(ledger: Ledger, name: str, *uuids: str, share: int = 1) -> Claim:
    return ledger.grant(Holder(name), "gpu-small", uuids, share, NOW)


def seen(claim: Claim, container: str) -> Observed:
    return Observed(
        container=container,
        holder=claim.holder,
        claim=claim.id,
        flavour=claim.flavour,
        uuids=claim.uuids,
        share=claim.share,
    )


def follow(
    ledger: Ledger,
    *observed: Observed,
    before: tuple[Claim, ...] | None = None,
    now: datetime = NOW,
    whys: dict[str, str] | None = None,
) -> None:
    lived = ledger.live() if before is None else before
    ledger.reconcile(observed, before=lived, starting=frozenset(), whys=whys or {}, now=now)


def why(sessions: Sessions, key: str) -> str:
    with sessions() as db:
        row = db.scalars(select(ClaimRow).where(ClaimRow.id == key)).one()
        return row.why if row.ended_at else "lives"


def test_a_claim_outlives_the_hub_with_all_that_is_known_of_it(
    sessions: Sessions, ledger: Ledger
) -> None:
    claim = granted(ledger, "ada", "GPU-1", "GPU-0", share=2)
    ledger.bind(claim.id, "c1")
    ledger.ready(claim.id, NOW)
    ledger.opened(claim.id, NOW + timedelta(minutes=1))
    (found,) = Ledger(sessions).live()
    assert found == Claim(
        id=claim.id,
        holder=Holder("ada"),
        flavour="gpu-small",
        uuids=("GPU-0", "GPU-1"),
        share=2,
        granted_at=NOW,
        container="c1",
        ready_at=NOW,
        opened_at=NOW + timedelta(minutes=1),
    )


def test_a_card_is_granted_once(ledger: Ledger) -> None:
    granted(ledger, "ada", "GPU-0")
    with pytest.raises(DeviceHeld):
        granted(ledger, "bob", "GPU-0")
    with pytest.raises(DeviceHeld):
        granted(ledger, "bob", "GPU-0", share=4)
    assert [claim.holder.user for claim in ledger.live()] == ["ada"]


def test_shares_of_a_card_fill_it_and_no_more(ledger: Ledger) -> None:
    for name in ("ada", "bob", "cyd"):
        granted(ledger, name, "GPU-0", share=3)
    with pytest.raises(DeviceHeld):
        granted(ledger, "dan", "GPU-0", share=64)


def test_what_ended_is_free_and_stays_in_the_records(sessions: Sessions, ledger: Ledger) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    ledger.end(claim.id, "idle", NOW)
    ledger.end(claim.id, "stopped", NOW)
    assert why(sessions, claim.id) == "idle"
    granted(ledger, "bob", "GPU-0")
    assert [one.holder.user for one in Ledger(sessions).live()] == ["bob"]


def test_a_container_that_is_gone_frees_its_card(sessions: Sessions, ledger: Ledger) -> None:
    claim, other = granted(ledger, "ada", "GPU-0"), granted(ledger, "bob", "GPU-1")
    ledger.bind(claim.id, "c1")
    ledger.bind(other.id, "c2")
    follow(ledger, seen(other, "c2"))
    assert why(sessions, claim.id) == "gone"
    assert why(sessions, other.id) == "lives"


def test_an_order_says_why_a_claim_ended(sessions: Sessions, ledger: Ledger) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    ledger.bind(claim.id, "c1")
    follow(ledger, whys={claim.id: "hours"})
    assert why(sessions, claim.id) == "hours"


def test_a_start_that_died_with_its_hub_frees_its_card_after_its_grace(
    sessions: Sessions, ledger: Ledger
) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    follow(ledger)
    assert why(sessions, claim.id) == "lives"
    follow(ledger, now=NOW + GRACE)
    assert why(sessions, claim.id) == "not_started"


def test_a_claim_of_after_the_look_is_not_judged(ledger: Ledger) -> None:
    before = ledger.live()
    claim = granted(ledger, "ada", "GPU-0")
    ledger.bind(claim.id, "c1")
    follow(ledger, before=before)
    follow(ledger, seen(claim, "c1"), before=before)
    assert [one.id for one in ledger.live()] == [claim.id]


def test_a_container_that_was_made_during_the_look_is_not_missed(ledger: Ledger) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    before = ledger.live()
    ledger.bind(claim.id, "c1")
    follow(ledger, before=before)
    follow(ledger, seen(claim, "c1"))
    assert [(one.id, one.container) for one in ledger.live()] == [(claim.id, "c1")]


def test_a_claim_that_ended_during_the_look_does_not_come_back(ledger: Ledger) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    ledger.bind(claim.id, "c1")
    before = ledger.live()
    ledger.end(claim.id, "stopped", NOW)
    later = granted(ledger, "bob", "GPU-0")
    follow(ledger, seen(claim, "c1"), before=before)
    assert [one.id for one in ledger.live()] == [later.id]


def test_a_container_that_nobody_has_a_claim_for_is_adopted(
    sessions: Sessions, ledger: Ledger
) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    ledger.end(claim.id, "stopped", NOW)
    by_hand = Observed("c7", Holder("", "by-hand"), "", "", ("GPU-2",), 1)
    follow(ledger, seen(claim, "c1"), by_hand)
    assert {(one.container, one.uuids) for one in Ledger(sessions).live()} == {
        ("c1", ("GPU-0",)),
        ("c7", ("GPU-2",)),
    }
    with pytest.raises(DeviceHeld):
        granted(ledger, "bob", "GPU-2")
    follow(ledger)
    assert ledger.live() == ()


def test_a_copy_of_a_container_leaves_the_claim_with_the_first(ledger: Ledger) -> None:
    claim = granted(ledger, "ada", "GPU-0")
    ledger.bind(claim.id, "c1")
    follow(ledger, seen(claim, "c1"), seen(claim, "c2"))
    assert {one.container: one.id == claim.id for one in ledger.live()} == {
        "c1": True,
        "c2": False,
    }
