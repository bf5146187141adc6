"""Passwords: which are good enough, and how they are kept (argon2)."""

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from machinelabs_hub.errors import BadInput

LONGEST: Final = 256
LEAST_VARIETY: Final = 4

COMMON: Final = frozenset(
    {
        "password", "passwort", "motdepasse", "contrasena", "letmein", "welcome", "qwerty",
        "qwertyuiop", "qwertz", "qwertzuiop", "azerty", "azertyuiop", "asdfghjkl", "iloveyou",
        "admin", "administrator", "changeme", "secret", "trustno", "dragon", "monkey", "football",
        "jupyter", "jupyterhub", "jupyterlab", "notebook", "machinelabs", "machinelearning",
    }
)  # fmt: skip
"""Words that guessers try first, also with digits and signs around them."""

_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash("no account has this hash")


class WeakPassword(BadInput):
    """The password is one that a guesser finds."""

    code = "weak_password"


def check_password(password: str, *, name: str, shortest: int) -> str:
    """Return `password` as it is kept (normalised) if it is good enough for `name`.

    Raises:
        WeakPassword: with a sentence that says what to change.
    """
    text = normalised(password)
    if len(text) < shortest:
        raise WeakPassword(f"Use a password of at least {shortest} characters.")
    if len(text) > LONGEST:
        raise WeakPassword(f"Use a password of at most {LONGEST} characters.")
    lowered = text.lower()
    if len(set(lowered)) < LEAST_VARIETY:
        raise WeakPassword("Use a password with at least four different characters.")
    if lowered in "01234567890123456789" or lowered in "98765432109876543210":
        raise WeakPassword("A row of digits is guessed first. Choose another password.")
    core = "".join(c for c in lowered if c.isalpha())
    if core in COMMON:
        raise WeakPassword("This password is among the first that a guesser tries. Add words.")
    if name and core == "".join(c for c in name if c.isalpha()):
        raise WeakPassword("Your name with a few digits is guessed first. Choose another password.")
    return text


def normalised(password: str) -> str:
    """Return the one spelling of `password`: keyboards differ in how they compose letters."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    """Return the argon2 hash to keep."""
    return _HASHER.hash(normalised(password))


def verify(kept: str | None, password: str) -> bool:
    """Whether `password` made the hash `kept`; takes as long where there is no account (None)."""
    try:
        _HASHER.verify(_NOBODY if kept is None else kept, normalised(password[: LONGEST + 1]))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether `kept` was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(kept)
