"""Months, windows and parts of them. Pure; every time is aware, months are those of UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from machinelabs_hub.plans.model import Hours, Use, Window


def month_of(at: datetime) -> str:
    """Return the calendar month of a moment: `2026-11`."""
    return at.astimezone(UTC).strftime("%Y-%m")


def month_window(at: datetime) -> Window:
    """Return the calendar month that holds `at`."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(begins=first, ends=(first + timedelta(days=32)).replace(day=1))


def window_at(at: datetime, rolling_days: int) -> Window:
    """Return the window that counts at the moment `at`; 0 days: the calendar month."""
    if rolling_days:
        return Window(begins=at - timedelta(days=rolling_days), ends=at)
    return month_window(at)


def split(since: datetime, until: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield the parts of a span that lie in one calendar month each: month, begin, end."""
    while since < until:
        end = min(until, month_window(since).ends)
        yield month_of(since), since, end
        since = end


def used_in(use: Use, window: Window) -> Hours:
    """Return what of a row falls into the window; a row is used up evenly over its time."""
    begin, end = max(use.since, window.begins), min(use.until, window.ends)
    whole = (use.until - use.since).total_seconds()
    inside = (end - begin).total_seconds()
    if inside <= 0 or whole <= 0:
        return Hours()
    part = inside / whole
    return Hours(use.hours.cpu_seconds * part, use.hours.gpu_seconds * part)
