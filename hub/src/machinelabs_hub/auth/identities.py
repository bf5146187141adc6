"""Who an identity provider's subject is here: a name once given is theirs for ever.

Providers let people change their names, and two providers' names may be spelled alike here, so
the subject decides who somebody is and rights are never taken from a name of this site.
"""

import re
import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.auth.former import FormerNames
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import AccountRow, IdentityRow
from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import RESERVED, check_person_name

LONGEST: Final = 28
"""Letters of a name that is made from a login, so that a number fits behind it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as their provider knows them."""

    provider: str
    subject: str
    login: str


def name_from_login(login: str) -> str:
    """Return a name for `login`: `Jane.Doe@example.org` becomes `jane-doe`.

    Raises:
        BadInput: nothing of it can be used.
    """
    local = login.strip().partition("@")[0] if "@" in login.strip()[1:] else login.strip()
    plain = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    name = re.sub(r"^[0-9-]+", lambda digits: f"u{digits.group().strip('-')}", name)
    name = name[:LONGEST].strip("-")
    if not name:
        raise BadInput(
            "Your provider's name for you has no letter or digit that a user name here can use. "
            "Ask an admin of this site."
        )
    return check_person_name(f"{name}-1" if name in RESERVED else name)


class Identities:
    """The table of identities. Every method is one transaction and may block."""

    def __init__(
        self,
        *,
        sessions: SessionMaker,
        former: FormerNames,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._former = former
        self._clock = clock
        # Two newcomers who would get the same name must not both find it free.
        self._one_at_a_time = threading.Lock()

    def owns_login(self, who: Identity) -> bool:
        """Whether nobody else came with this login before: then its rights are theirs."""
        with self._sessions() as db:
            row = db.scalar(
                select(IdentityRow).where(
                    IdentityRow.provider == who.provider,
                    IdentityRow.login == who.login.casefold(),
                )
            )
            return row is None or row.subject == who.subject

    def name_of(self, who: Identity) -> str:
        """Return the person's name here; a new person gets one that nobody has or had.

        Raises:
            BadInput: the provider's name cannot be turned into one.
        """
        with self._one_at_a_time, self._sessions() as db:
            row = db.get(IdentityRow, (who.provider, who.subject))
            if row is not None:
                return row.name
            name = self._free_name(db, name_from_login(who.login))
            db.add(
                IdentityRow(
                    provider=who.provider,
                    subject=who.subject,
                    login=who.login.casefold(),
                    name=name,
                    created_at=self._clock(),
                )
            )
            return name

    def remove(self, name: str) -> None:
        """Forget who was called `name`."""
        with self._sessions() as db:
            db.execute(delete(IdentityRow).where(IdentityRow.name == name))

    def _free_name(self, db: Session, wanted: str) -> str:
        taken = set(db.scalars(select(IdentityRow.name))) | set(db.scalars(select(AccountRow.name)))
        number, name = 1, wanted
        while name in taken or self._former.holds(name):
            number += 1
            name = f"{wanted}-{number}"
        return name
