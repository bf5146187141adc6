"""Accounts of the site's own: make, check, disable, and the pause after failures."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from machinelabs_hub.auth import passwords, throttle
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import AccountRow, FailureRow
from machinelabs_hub.errors import NotAllowed, NotFound
from machinelabs_hub.settings import Local

Clock = Callable[[], datetime]

WRONG: Final = (
    "That name and password do not go together. Check both, or ask an admin for a link "
    "to set a new password."
)


class WrongPassword(NotAllowed):
    """No account has this name and password; which of the two is wrong stays unsaid."""

    code = "wrong_password"


class AccountDisabled(NotAllowed):
    """The password is right, but an admin switched the account off."""

    code = "account_disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in with a password of this site."""

    name: str
    display_name: str
    created_at: datetime
    signed_in_at: datetime | None
    is_disabled: bool


def now_utc() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


class Accounts:
    """The table of accounts. Every method is one transaction and may block."""

    def __init__(self, *, sessions: SessionMaker, rule: Local, clock: Clock = now_utc) -> None:
        self._sessions = sessions
        self._rule = rule
        self._clock = clock

    def sign_in(self, name: str, password: str, *, address: str) -> Account:
        """Return the account if the password is right; failures count for name and address.

        Raises:
            TooManyAttempts: before anything is looked at.
            WrongPassword: also when there is no such account, after as long a time.
            AccountDisabled: only to who knows the password.
        """
        name_hash = _hashed(name)
        with self._sessions() as db:
            self._check_pause(db, name_hash, address)
            row = db.get(AccountRow, name)
            kept = row.password if row else None
        if not passwords.verify(kept, password):
            self._fail(name_hash, address)
            raise WrongPassword(WRONG)
        with self._sessions() as db:
            return self._enter(db, name, password, name_hash, address)

    def find(self, name: str) -> Account | None:
        """Return the account called `name`, if there is one."""
        with self._sessions() as db:
            row = db.get(AccountRow, name)
            return _account(row) if row else None

    def list(self) -> dict[str, Account]:
        """Return all accounts by name."""
        with self._sessions() as db:
            return {row.name: _account(row) for row in db.scalars(select(AccountRow))}

    def ensure(self, name: str, password: str) -> None:
        """Make the first admin's account unless it is there; its password is not touched."""
        with self._sessions() as db:
            if db.get(AccountRow, name) is None:
                db.add(new_row(name, password, self._clock()))

    def _enter(
        self, db: Session, name: str, password: str, name_hash: str, address: str
    ) -> Account:
        row = db.get(AccountRow, name)
        if row is None:
            raise WrongPassword(WRONG)
        if row.disabled_at:
            raise AccountDisabled(
                f"The account “{name}” is switched off. Ask an admin of this site."
            )
        if passwords.is_outdated(row.password):
            row.password = passwords.hash_password(password)
        row.signed_in_at = self._clock()
        db.execute(
            delete(FailureRow).where(
                FailureRow.address == address, FailureRow.name_hash == name_hash
            )
        )
        return _account(row)

    def _check_pause(self, db: Session, name_hash: str, address: str) -> None:
        now = self._clock()
        oldest = now - timedelta(minutes=self._rule.failure_minutes)
        db.execute(delete(FailureRow).where(FailureRow.at <= oldest))
        rows = db.scalars(select(FailureRow).where(FailureRow.address == address))
        failures = [throttle.Failure(name_hash=row.name_hash, at=row.at) for row in rows]
        throttle.check_pause(failures, name_hash=name_hash, now=now, rule=self._rule)

    def _fail(self, name_hash: str, address: str) -> None:
        with self._sessions() as db:
            db.add(FailureRow(name_hash=name_hash, address=address, at=self._clock()))


def new_row(name: str, password: str, now: datetime) -> AccountRow:
    """Return the row of a new account; `password` has been checked."""
    kept = passwords.hash_password(password)
    return AccountRow(name=name, password=kept, display_name="", created_at=now, password_at=now)


def row_of(db: Session, name: str) -> AccountRow:
    """Return the row called `name`.

    Raises:
        NotFound: there is none.
    """
    row = db.get(AccountRow, name)
    if row is None:
        raise NotFound(f"There is no account called “{name}”.")
    return row


def _account(row: AccountRow) -> Account:
    return Account(
        name=row.name,
        display_name=row.display_name,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
        is_disabled=row.disabled_at is not None,
    )


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
