"""The ticket with which the labs service has the Hub start a run: its format, made and verified.

The labs service knows who may run what; the spawner only verifies. A ticket is for one server and
one start: `b64url(JSON) . b64url(HMAC-SHA256)`, by a key that both read from DATA/secrets.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from machinelabs_hub.errors import NotAllowed

KEY: Final = "run_ticket_key"
"""The name of the key among the site's secrets."""

RUN_PREFIX: Final = "run-"
"""Servers of the Hub whose names begin so are runs, and no others are."""

LONGEST: Final = 4096


class BadTicket(NotAllowed):
    """A run was asked for without a ticket that fits."""

    code = "bad_ticket"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to start one run."""

    run: int
    user: str
    server: str
    image: str
    flavour: str
    code: str
    """What the run's container shows once, to be taken for this run."""
    exp: int
    """Until when the Hub may accept it, in seconds since 1970."""


def server_of(run: int) -> str:
    """Return the name of a run's server."""
    return f"{RUN_PREFIX}{run}"


def run_of(server: str) -> int:
    """Return the run that a server is, by its name; 0: it is none."""
    number = server.removeprefix(RUN_PREFIX)
    return int(number) if is_run(server) and number.isdecimal() else 0


def is_run(server: str) -> bool:
    """Tell whether a server is a run, by its name."""
    return server.startswith(RUN_PREFIX)


def sign(ticket: Ticket, key: str) -> str:
    """Return a ticket as text."""
    body = _encode(json.dumps(asdict(ticket), separators=(",", ":")).encode())
    return f"{body}.{_encode(_seal(body, key))}"


def verify(text: object, key: str, *, now: datetime) -> Ticket:
    """Return the ticket that `sign` made.

    Raises:
        BadTicket: it is none of ours, or its time is over.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        raise BadTicket("Runs are started on the pages of labs, or with `ml run`.")
    body, _, seal = text.partition(".")
    try:
        is_ours = hmac.compare_digest(_decode(seal), _seal(body, key))
        ticket = _read(json.loads(_decode(body))) if is_ours else None
    except (binascii.Error, ValueError, TypeError, KeyError):
        ticket = None
    if ticket is None:
        raise BadTicket("This ticket for a run was not made by this site.")
    if now.timestamp() >= ticket.exp:
        raise BadTicket("This ticket for a run is too old. Start the run again.")
    return ticket


def _read(said: dict[str, Any]) -> Ticket:
    return Ticket(
        run=int(said["run"]),
        user=str(said["user"]),
        server=str(said["server"]),
        image=str(said["image"]),
        flavour=str(said["flavour"]),
        code=str(said["code"]),
        exp=int(said["exp"]),
    )


def _seal(body: str, key: str) -> bytes:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).digest()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
