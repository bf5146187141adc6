"""Wait for what a test expects, a little at a time."""

import time
from collections.abc import Callable

STEP = 0.1


def wait_until(true: Callable[[], object], *, seconds: float, what: str) -> float:
    """Return after how many seconds `true()` held; fail with `what` if it never did."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(STEP)
    return time.monotonic() - began
