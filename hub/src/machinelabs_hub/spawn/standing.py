"""Where somebody stands in the line for a GPU, in the words of the waiting page. Pure."""

from datetime import datetime
from typing import Any, Final

from machinelabs_hub.gpu.model import Waiting

MINUTE: Final = 60
HOUR: Final = 3600
TEENS: Final = (11, 12, 13)
ROUGHLY: Final = 20
"""From so many minutes on, five more or less are nobody's concern."""


def standing(place: Waiting, now: datetime) -> dict[str, Any]:
    """Return what the page shows, as JSON."""
    ordinal = f"{ordered(place.position)} in line"
    expected = place.expected_at
    likely = about((expected - now).total_seconds()) if expected else ""
    return {
        "place": ordinal,
        "likely": likely or "How long it will take is not known.",
        "expected_at": expected.isoformat(timespec="seconds") if expected else None,
        "since": place.since.isoformat(timespec="seconds"),
        "why": place.why,
        "sentence": f"You are {ordinal}{f', {likely}' if likely else ''}. {place.why}",
    }


def ordered(number: int) -> str:
    """Return the ordinal of a number: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    if number % 100 in TEENS:
        return f"{number}th"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def about(seconds: float) -> str:
    """Return a time to come as people say it."""
    if seconds < 1.5 * MINUTE:
        return "about a minute"
    minutes = round(seconds / MINUTE)
    if minutes >= ROUGHLY:
        minutes = 5 * round(minutes / 5)
    if minutes < MINUTE:
        return f"about {minutes} minutes"
    hours = round(seconds / HOUR)
    return f"about {hours} hour{'' if hours == 1 else 's'}"
