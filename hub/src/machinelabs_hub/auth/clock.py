"""The present time, as the tables keep it."""

from datetime import UTC, datetime


def now_utc() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)
