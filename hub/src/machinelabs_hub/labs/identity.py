"""Who asks: the Hub says whose a token is; browsers keep theirs in a sealed cookie."""

import base64
import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken

from machinelabs_hub import scopes
from machinelabs_hub.labs.hubapi import HubApi, HubAway
from machinelabs_hub.labs.models.person import Person

FRESH_SECONDS: Final = 30
"""How long the Hub's word on a token holds; so long may a revoked one still be used."""

STALE_SECONDS: Final = 600
"""How long it holds while the Hub does not answer: people go on over a restart of the Hub."""

_MOST: Final = 10_000


class Seal:
    """Closes what a browser keeps for us, so that it can neither read nor change it."""

    def __init__(self, *, secret: str) -> None:
        self._key = hashlib.sha256(f"labs seal {secret}".encode()).digest()
        self._box = Fernet(base64.urlsafe_b64encode(self._key))

    def close(self, values: dict[str, Any]) -> str:
        """Return `values` sealed."""
        return self._box.encrypt(json.dumps(values).encode()).decode()

    def open(self, text: str, *, max_age: int) -> dict[str, Any] | None:
        """Return what was sealed at most `max_age` seconds ago, or None."""
        try:
            opened = json.loads(self._box.decrypt(text.encode(), ttl=max_age))
        except (InvalidToken, ValueError):
            return None
        return opened if isinstance(opened, dict) else None

    def mark(self, text: str) -> str:
        """Return a mark of `text` that only we can make."""
        return hmac.new(self._key, f"mark {text}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person | None
    at: float


class Identities:
    """Tokens and whose they are, remembered for a moment."""

    def __init__(
        self,
        *,
        hub: HubApi,
        on_seen: Callable[[Person], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._on_seen = on_seen
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def person_of(self, token: str) -> Person | None:
        """Return whose `token` is; None: nobody's who may use the labs.

        Raises:
            HubAway: nobody can say.
        """
        key, now = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest(), self._clock()
        known = self._known.get(key)
        if known and now - known.at < FRESH_SECONDS:
            return known.person
        try:
            model = await self._hub.whoami(token)
        except HubAway:
            if known and known.person and now - known.at < STALE_SECONDS:
                return known.person
            raise
        person = model and person_from(model)
        if person and model and not person.is_service and "groups" not in model:
            # The token of a container does not tell of groups, and a plan hangs on them.
            person = replace(person, standing=await self._hub.standing(person.name))
        self._known[key] = _Known(person or None, now)
        self._known.move_to_end(key)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        if person and not person.is_service:
            self._on_seen(person)
        return person or None

    def forget(self, token: str) -> None:
        """Ask the Hub anew the next time."""
        self._known.pop(hashlib.sha256(token.encode("utf-8", "replace")).hexdigest(), None)


def person_from(model: dict[str, Any]) -> Person | None:
    """Return the person of a Hub's user model; None: the token is not for the labs."""
    held, name = frozenset(model.get("scopes") or ()), str(model.get("name") or "")
    if not name or not held & {scopes.ACCESS_LABS, "access:services"}:
        return None
    is_service = model.get("kind") == "service"
    # The token inside a container is in reach of whatever runs there, so it is never an admin's.
    is_servers = any(scope.startswith("access:servers!server=") for scope in held)
    may_write = not is_service and _holds(held, scopes.WRITE_LABS, name)
    may_read = may_write or _holds(held, scopes.READ_LABS, name)
    if not (may_read or is_service):
        return None
    return Person(
        name=name,
        display_name=name,
        admin=bool(model.get("admin")) and not is_servers and not is_service,
        groups=tuple(sorted(model.get("groups") or ())),
        may_write=may_write,
        is_service=is_service,
        may_remove=scopes.LABS_OF_LEAVERS in held,
    )


def _holds(held: Iterable[str], scope: str, name: str) -> bool:
    return bool({scope, f"{scope}!user={name}"} & set(held))
