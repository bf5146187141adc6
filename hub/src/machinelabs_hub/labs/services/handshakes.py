"""Sign programs in: begin, say yes or no, fetch the token once."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from machinelabs_hub.db.engine import RowClash
from machinelabs_hub.errors import NotFound
from machinelabs_hub.labs.models.handshake import Handshake, new_code, read_code, read_device
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.handshakes import HandshakeTable

MINUTES: Final = 10
"""How long a code can be answered, and after a yes its token be fetched."""

_TRIES: Final = 5


class NoHandshake(NotFound):
    """No program waits with this code, or not any more."""

    code = "no_handshake"

    def __init__(self) -> None:
        super().__init__(
            f"No program waits for this code. Codes are good for {MINUTES} minutes and once: "
            "begin again with ml login."
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """What a program is given: the secret stays with it, the code is for its person."""

    secret: str
    handshake: Handshake


class HandshakeService:
    """Programs and their people."""

    def __init__(self, *, tools: Tools) -> None:
        self._clock = tools.clock
        self._rate = tools.handshakes
        self._table = HandshakeTable(sessions=tools.sessions)

    def begin(self, device: str, *, address: str) -> Begun:
        """Let a program wait.

        Args:
            device: what it says of its machine.
            address: whence it asks; counted.

        Raises:
            TooMany: there were very many from this address.
        """
        self._rate.take(address, "There were very many sign-ins from your address.")
        secret, now = secrets.token_urlsafe(32), self._clock()
        for left in reversed(range(_TRIES)):
            handshake = Handshake(new_code(), read_device(device), now + timedelta(minutes=MINUTES))
            try:
                self._table.add(handshake, secret_hash=_hash(secret), now=now)
            except RowClash:
                if not left:
                    raise
            else:
                return Begun(secret, handshake)
        raise NoHandshake

    def waiting(self, code: str) -> Handshake:
        """Return the program that waits with this code.

        Raises:
            NoHandshake: none does.
        """
        found = self._table.find(read_code(code), self._clock())
        if found is None:
            raise NoHandshake
        return found

    def grant(self, code: str, name: str, sealed: bytes) -> None:
        """Keep the sealed token that a person grants, until the program fetches it."""
        self._answer(code, name, sealed)

    def refuse(self, code: str, name: str) -> None:
        """Keep a person's no."""
        self._answer(code, name, None)

    def fetch(self, secret: str) -> tuple[Handshake, bytes | None]:
        """Return how a program's sign-in stands; its sealed token is given out once.

        Raises:
            NoHandshake: it is too old, or was fetched before.
        """
        found = self._table.take(_hash(secret), self._clock())
        if found is None:
            raise NoHandshake
        return found

    def _answer(self, code: str, name: str, sealed: bytes | None) -> None:
        if not self._table.answer(read_code(code), name, sealed, self._clock()):
            raise NoHandshake


def _hash(secret: str) -> str:
    # What is looked up is a hash of 256 random bits: how long that takes tells nobody anything.
    return hashlib.sha256(secret.encode()).hexdigest()
