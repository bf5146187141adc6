"""A reservation of GPUs as an admin makes it and everybody may see it."""

from dataclasses import dataclass
from datetime import datetime

from machinelabs_hub.gpu.reservations import Occurrence, Reservation


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation, who made it when, and when it holds next."""

    row: Reservation
    by: str
    at: datetime
    next: Occurrence | None = None
    """The occurrence that holds now or comes next; None: it is over."""
