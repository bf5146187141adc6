"""Since when a card idles, and its use by the minute."""

from datetime import UTC, datetime, timedelta

import pytest

from machinelabs_hub.gpu.sample import CardPoint
from machinelabs_hub.labs.models.gpus import by_minute, idle_since

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def points(*used: float | None) -> tuple[CardPoint, ...]:
    """Return a point each twenty seconds from noon on."""
    return tuple(
        CardPoint(
            at=NOON + timedelta(seconds=20 * number),
            sm_percent=percent,
            memory_used_mib=None,
            temperature_c=None,
            power_w=None,
        )
        for number, percent in enumerate(used)
    )


@pytest.mark.parametrize(
    ("used", "held", "seconds"),
    [
        ((90, 0, 0, 0), 0, 20),
        ((0, 0, 90), 0, None),
        ((0, 0, 0), 0, 0),
        # What was before it was held is not its holder's idleness.
        ((0, 0, 0, 0), 30, 40),
        # A moment without a figure neither ends nor begins it.
        ((90, 0, None, 0, None), 0, 20),
        ((None, None), 0, None),
        ((), 0, None),
    ],
)
def test_a_card_idles_since_it_last_computed_for_its_holder(
    used: tuple[float | None, ...], held: int, seconds: int | None
) -> None:
    found = idle_since(points(*used), NOON + timedelta(seconds=held))
    assert found == (None if seconds is None else NOON + timedelta(seconds=seconds))


def test_use_is_averaged_by_the_minute_over_the_figures_that_there_are() -> None:
    found = by_minute(points(10, 20, None, None, None, None, 0, 0, 90))
    assert found == {NOON: 15, NOON + timedelta(minutes=2): 30}
