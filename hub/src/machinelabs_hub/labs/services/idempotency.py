"""Do a create once, however often it is asked: the first answer is kept under its key."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from machinelabs_hub.errors import BadInput, Conflict
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.idempotency import UNANSWERED, IdempotencyTable, Kept, claimed

HOURS: Final = 24
"""How long an answer is kept."""

LONGEST_KEY: Final = 255


class BadKey(BadInput):
    """An `Idempotency-Key` that cannot be one."""

    code = "bad_idempotency_key"


class KeyReused(BadInput):
    """The key came with another request before."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came with another request before. Take a new key for what is new."
        )


class KeyInUse(Conflict):
    """The first request with this key is not answered yet."""

    code = "idempotency_key_in_use"

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is under way. Ask again in a moment."
        )


class KeyDone(Conflict):
    """The first request with this key was done, and its answer was lost."""

    code = "idempotency_key_done"

    def __init__(self, made: str) -> None:
        super().__init__(
            f"This was done before and made {made}, but the site stopped before it could answer. "
            "Nothing was done again."
        )


class OnceService:
    """The keys of one person."""

    def __init__(self, *, tools: Tools, person: str) -> None:
        self._clock = tools.clock
        self._person = person
        self._table = IdempotencyTable(sessions=tools.sessions)

    def begin(self, key: str) -> Kept | None:
        """Claim a key; return what is kept under it if it was used before.

        Raises:
            BadKey: it is empty, too long, or has what a header cannot hold.
            KeyInUse: the first request is under way.
            KeyDone: the first request was done and never answered.
        """
        if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
            raise BadKey(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters.")
        now = self._clock()
        self._table.purge(now - timedelta(hours=HOURS))
        kept = self._table.claim(self._person, key, now)
        if kept is not None and kept.status is None:
            raise KeyInUse
        if kept is not None and kept.status == UNANSWERED:
            raise KeyDone(kept.body)
        return kept

    def claimed(self, key: str) -> AbstractContextManager[None]:
        """Let what the block makes be noted under the key that it began with."""
        return claimed(self._person, key)

    def end(self, key: str, request: str, status: int, body: bytes) -> None:
        """Keep the answer to a request that made something."""
        self._table.keep(self._person, key, Kept(request, status, body.decode()))

    def release(self, key: str) -> None:
        """Forget a key whose request made nothing, so that it can be asked again.

        If it did make something, the key says so from now on.
        """
        self._table.release(self._person, key)


def recover(tools: Tools) -> None:
    """Release the keys of requests that ended with the process before this one."""
    IdempotencyTable(sessions=tools.sessions).release_all()
