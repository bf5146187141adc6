"""Which errors end a card, and which are its programs' own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from machinelabs_hub.gpu.health import BAD_XIDS, PATIENCE, Failure, Watch
from machinelabs_hub.gpu.reading import CardEvent, CardReading, Trouble

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def a_card(uuid: str = "GPU-a", **changes: Any) -> CardReading:
    return CardReading(uuid=uuid, index=0, model="A100", memory_mib=40960, **changes)


@pytest.mark.parametrize("xid", [46, 48, 64, 74, 79, 95, 119, 120, 140])
def test_an_error_that_needs_a_reset_ends_the_card(xid: int) -> None:
    watch = Watch()
    assert watch.note(CardEvent("GPU-a", xid), NOW)
    found = watch.judge([a_card(), a_card("GPU-b")], NOW + SECOND)
    assert list(found) == ["GPU-a"]
    assert found["GPU-a"].why.startswith(f"Xid {xid}: ")
    assert found["GPU-a"].at == NOW


@pytest.mark.parametrize("xid", [13, 31, 32, 43, 45, 63, 68, 69, 92, 94, 109])
def test_what_a_program_brings_on_itself_does_not(xid: int) -> None:
    watch = Watch()
    assert not watch.note(CardEvent("GPU-a", xid), NOW)
    assert watch.judge([a_card()], NOW) == {}


def test_every_reason_is_a_sentence() -> None:
    watch = Watch()
    for xid in BAD_XIDS:
        watch.note(CardEvent("GPU-a", xid), NOW)
        why = watch.judge([a_card()], NOW)["GPU-a"].why
        assert why[0].isupper()
        assert why.endswith(".")


def test_a_memory_error_that_was_not_corrected_ends_the_card_whoever_tells() -> None:
    told, counted = Watch(), Watch()
    assert told.note(CardEvent("GPU-a", 0), NOW)
    assert "could not be corrected" in told.judge([a_card()], NOW)["GPU-a"].why
    assert counted.judge([a_card()], NOW) == {}
    assert counted.judge([a_card(uncorrected=1)], NOW + SECOND)["GPU-a"].at == NOW + SECOND
    # It does not happen again because it is still counted.
    assert counted.judge([a_card(uncorrected=1)], NOW + 9 * SECOND)["GPU-a"].at == NOW + SECOND
    assert (
        counted.judge([a_card(uncorrected=2)], NOW + 10 * SECOND)["GPU-a"].at == NOW + 10 * SECOND
    )


def test_errors_from_before_the_sampler_count() -> None:
    assert Watch().judge([a_card(uncorrected=3)], NOW)["GPU-a"].at == NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"trouble": Trouble.LOST},
        {"trouble": Trouble.RESET_REQUIRED},
        {"remapping_failed": True},
        {"recovery": 1},
        {"recovery": 2},
        {"recovery": 4},
    ],
)
def test_a_state_that_lasts_ends_the_card_for_as_long(changes: dict[str, Any]) -> None:
    watch = Watch()
    assert watch.judge([a_card(**changes)], NOW)["GPU-a"].at == NOW
    # Always of now: no word of an admin's is newer.
    assert watch.judge([a_card(**changes)], NOW + SECOND)["GPU-a"].at == NOW + SECOND
    assert watch.judge([a_card()], NOW + 2 * SECOND) == {}


def test_recoveries_that_concern_other_cards_leave_it() -> None:
    assert Watch().judge([a_card(recovery=3)], NOW) == {}


def test_a_silent_card_is_given_some_time() -> None:
    watch, silent = Watch(), a_card(trouble=Trouble.SILENT)
    assert watch.judge([silent], NOW) == {}
    assert watch.judge([silent], NOW + PATIENCE - SECOND) == {}
    assert watch.judge([silent], NOW + PATIENCE)["GPU-a"].why == "It does not answer the driver."
    assert watch.judge([a_card()], NOW + PATIENCE) == {}
    assert watch.judge([silent], NOW + PATIENCE + SECOND) == {}


def test_a_bad_card_takes_its_instances_along_and_no_others() -> None:
    watch = Watch()
    watch.note(CardEvent("GPU-a", 79), NOW)
    cards = [
        a_card(is_split=True),
        a_card("MIG-1", parent="GPU-a"),
        a_card("MIG-2", parent="GPU-b"),
    ]
    assert watch.judge(cards, NOW) == {
        uuid: Failure("Xid 79: it has fallen off the bus.", NOW) for uuid in ("GPU-a", "MIG-1")
    }
