"""How long a sign-in must wait after failures. Pure; the accounts keep the failures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from machinelabs_hub.auth_settings import Local
from machinelabs_hub.errors import MachineLabsError

ADDRESS_FACTOR: Final = 10
"""An address may fail this many times as often as one name from it: a class shares one."""


class TooManyAttempts(MachineLabsError):
    """Too many sign-ins failed here a short while ago."""

    code = "too_many_attempts"
    status = HTTPStatus.TOO_MANY_REQUESTS


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed sign-in from the address in question."""

    name_hash: str
    at: datetime


def check_pause(failures: Sequence[Failure], *, name_hash: str, now: datetime, rule: Local) -> None:
    """Return if one more attempt is allowed, given the failures from its address.

    Raises:
        TooManyAttempts: says for how many minutes.
    """
    window = timedelta(minutes=rule.failure_minutes)
    recent = sorted((f for f in failures if f.at > now - window), key=lambda f: f.at)
    mine = [f for f in recent if f.name_hash == name_hash]
    for found, most in ((mine, rule.failures), (recent, rule.failures * ADDRESS_FACTOR)):
        if len(found) >= most:
            free_at = found[-most].at + window
            minutes = max(1, math.ceil((free_at - now).total_seconds() / 60))
            plural = "s" if minutes > 1 else ""
            raise TooManyAttempts(
                f"Too many sign-ins failed here. Wait {minutes} minute{plural}, then try again, "
                "or ask an admin of this site."
            )
