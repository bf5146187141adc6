"""Say in one sentence why somebody waits. Pure."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from machinelabs_hub.gpu.turns import Slots


@dataclass(frozen=True, slots=True)
class Counts:
    """What becomes of the devices that suit somebody; those not named here are free."""

    total: int
    broken: int
    """Drained or failed."""
    reserved: tuple[tuple[int, Slots], ...]
    """Kept free for reservations."""
    busy: int
    profile: str = ""


def sentence(counts: Counts, *, needs: int, now: datetime) -> str:
    """Return why one who needs `needs` of these devices waits, for them to read."""
    things = f"GPUs of size {counts.profile}" if counts.profile else "GPUs"
    if not counts.total:
        return f"None of this site's {things} can be used now."
    clauses = [
        (number, f"reserved for {slots.row.called} {_until(slots, now)}")
        for number, slots in counts.reserved
    ]
    clauses += [(counts.busy, "in use"), (counts.broken, "out of service")]
    left = counts.total - sum(number for number, _ in clauses)
    clauses.append((left, f"free, and you need {needs} at once" if needs > 1 else _KEPT))
    return _joined([clause for clause in clauses if clause[0] > 0], counts.total, things)


_KEPT = "kept free for whoever is before you"


def _joined(clauses: list[tuple[int, str]], total: int, things: str) -> str:
    (number, words), *others = clauses
    one = things.replace("GPUs", "GPU")
    if number == total:
        return f"The {one} is {words}." if total == 1 else f"All {total} {things} are {words}."
    said = [f"{number} of {total} {things} {_are(number)} {words}"]
    said += [f"{number} {_are(number)} {words}" for number, words in others]
    return f"{', '.join(said)}."


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _until(slots: Slots, now: datetime) -> str:
    zone = ZoneInfo(slots.row.zone)
    begins, ends = (at.astimezone(zone) for at in (slots.now.starts_at, slots.now.ends_at))
    day = "" if ends.date() == now.astimezone(zone).date() else f" on {ends.day} {ends:%B}"
    place = slots.row.zone.replace("_", " ")
    if begins > now:
        return f"from {begins:%H:%M} to {ends:%H:%M}{day} ({place})"
    return f"until {ends:%H:%M}{day} ({place})"
