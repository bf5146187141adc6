"""How often somebody may do something."""

import pytest

from machinelabs_hub.labs.services.rates import Rate, TooMany


def test_a_window_slides_and_keys_do_not_share() -> None:
    now = 0.0
    rate = Rate(count=2, seconds=60, clock=lambda: now)
    rate.take("ada", "Too often.")
    now = 30.0
    rate.take("ada", "Too often.")
    with pytest.raises(TooMany, match=r"Too often. Try again in 30 seconds") as refused:
        rate.take("ada", "Too often.")
    assert refused.value.seconds == 30
    rate.take("bob", "Too often.")
    now = 60.0
    rate.take("ada", "Too often.")
