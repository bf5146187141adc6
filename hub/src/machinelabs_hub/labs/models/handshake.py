"""A program that waits for its person to say yes in a browser. Pure."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# No letter that is easily taken for another or for a digit, and no vowels: no words come about.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_HALF: Final = 4


@dataclass(frozen=True, slots=True)
class Handshake:
    """`person` is who answered; None while it waits."""

    code: str
    device: str
    expires_at: datetime
    person: str | None = None


def new_code() -> str:
    """Return a code that people compare: `BCDF-GHJK`."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def read_code(text: str) -> str:
    """Return a code as it is kept, however it was typed."""
    letters = "".join(char for char in text.upper() if char.isalnum())
    return f"{letters[:_HALF]}-{letters[_HALF:]}"[:16]


def read_device(text: str) -> str:
    """Return what a program says of its machine, fit to be shown."""
    shown = "".join(char for char in text if char.isprintable())
    return " ".join(shown.split())[:60] or "a computer"
