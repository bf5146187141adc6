"""Keys with which people look into their runs: each opens the door of one run, once and soon.

A key is good for a minute, so it is kept in memory: a service that begins anew has given none, and
whoever asks again gets another.
"""

import hashlib
import secrets
import threading
import time
from typing import Final

KEY_SECONDS: Final = 60.0


class DoorKeys:
    """The last key of each run, by its hash, until its container has had time to hear of it."""

    def __init__(self) -> None:
        self._hashes: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def make(self, run: int) -> str:
        """Return a new key."""
        key, now = secrets.token_urlsafe(32), time.monotonic()
        hashed = hashlib.sha256(key.encode()).hexdigest()
        with self._lock:
            kept = {one: found for one, found in self._hashes.items() if found[1] > now}
            self._hashes = kept | {run: (hashed, now + KEY_SECONDS)}
        return key

    def hash_of(self, run: int) -> str:
        """Return the hash of a run's key; empty: nobody asked for one lately."""
        with self._lock:
            found, until = self._hashes.get(run, ("", 0.0))
        return found if time.monotonic() < until else ""
