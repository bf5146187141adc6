"""Accounts of the site's own: make, check, change, disable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from machinelabs_hub.auth import passwords
from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.auth.failures import Failures
from machinelabs_hub.auth.former import FormerNames
from machinelabs_hub.auth_settings import Local
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import AccountRow, ResetLinkRow
from machinelabs_hub.errors import Conflict, NotAllowed, NotFound
from machinelabs_hub.names import check_person_name

WRONG: Final = (
    "That name and password do not go together. Check both, or ask an admin for a link "
    "to set a new password."
)
_SIGN_UP: Final = "\0sign-up"


class WrongPassword(NotAllowed):
    """No account has this name and password; which of the two is wrong stays unsaid."""

    code = "wrong_password"


class AccountDisabled(NotAllowed):
    """The password is right, but an admin switched the account off."""

    code = "account_disabled"


class NameTaken(Conflict):
    """Somebody has, had or is to have this name."""

    code = "person_name_taken"


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in with a password of this site."""

    name: str
    display_name: str
    created_at: datetime
    signed_in_at: datetime | None
    is_disabled: bool


class Accounts:
    """The table of accounts. Every method is one transaction and may block."""

    def __init__(
        self,
        *,
        sessions: SessionMaker,
        rule: Local,
        failures: Failures,
        former: FormerNames,
        kept_names: frozenset[str] = frozenset(),
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._rule = rule
        self._failures = failures
        self._former = former
        self._kept_names = kept_names
        self._clock = clock

    def sign_in(self, name: str, password: str, *, address: str) -> Account:
        """Return the account if the password is right; failures count for name and address.

        Raises:
            TooManyAttempts: before anything is looked at.
            WrongPassword: also when there is no such account, after as long a time.
            AccountDisabled: only to who knows the password.
        """
        self._failures.check(name, address=address)
        with self._sessions() as db:
            row = db.get(AccountRow, name)
            kept = row.password if row else None
        if not passwords.verify(kept, password):
            self._failures.add(name, address=address)
            raise WrongPassword(WRONG)
        self._failures.forget(name, address=address)
        with self._sessions() as db:
            row = row_of(db, name)
            if row.disabled_at:
                raise AccountDisabled(
                    f"The account “{name}” is switched off. Ask an admin of this site."
                )
            if passwords.is_outdated(row.password):
                row.password = passwords.hash_password(password)
            row.signed_in_at = self._clock()
            return _account(row)

    def sign_up(self, name: str, password: str, *, address: str) -> Account:
        """Make an account without an invitation, a few from one address at a time.

        Raises:
            TooManyAttempts, WeakPassword, BadInput, NameTaken: none was made.
        """
        passwords.check_password(password, name=name, shortest=self._rule.min_password_length)
        self._failures.check(_SIGN_UP, address=address)
        self.check_free(name, invited=False)
        kept = passwords.hash_password(password)
        with self._sessions() as db:
            account = add_account(db, name, kept, self._clock(), is_here=True)
        self._failures.add(_SIGN_UP, address=address)
        return account

    def check_free(self, name: str, *, invited: bool) -> None:
        """Return if a new person may be called `name`.

        Args:
            name: as it was written.
            invited: an admin named this person, so a kept or former name is theirs.

        Raises:
            BadInput: nobody can be called so.
            NameTaken: somebody is, was or is to be called so.
        """
        check_person_name(name)
        if self.find(name):
            raise NameTaken(f"The name “{name}” is taken. Choose another.")
        if not invited and (name in self._kept_names or self._former.holds(name)):
            raise NameTaken(f"The name “{name}” is kept for somebody. Choose another.")

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
                add_account(db, name, passwords.hash_password(password), self._clock())

    def change_password(self, name: str, *, old: str, new: str, address: str) -> None:
        """Set a new password for who knows the old one; guesses count as failed sign-ins.

        Raises:
            TooManyAttempts, WrongPassword, WeakPassword: nothing was changed.
        """
        passwords.check_password(new, name=name, shortest=self._rule.min_password_length)
        self.sign_in(name, old, address=address)
        kept = passwords.hash_password(new)
        with self._sessions() as db:
            row = row_of(db, name)
            row.password, row.password_at = kept, self._clock()

    def set_display_name(self, name: str, display_name: str) -> None:
        """Say what the person is called in full; empty takes the user name."""
        with self._sessions() as db:
            row_of(db, name).display_name = display_name

    def set_disabled(self, name: str, *, is_disabled: bool) -> None:
        """Switch the account off or on."""
        with self._sessions() as db:
            row_of(db, name).disabled_at = self._clock() if is_disabled else None

    def remove(self, name: str) -> None:
        """Forget the account and its links."""
        with self._sessions() as db:
            db.execute(delete(ResetLinkRow).where(ResetLinkRow.name == name))
            db.execute(delete(AccountRow).where(AccountRow.name == name))


def add_account(
    db: Session, name: str, kept: str, now: datetime, *, is_here: bool = False
) -> Account:
    """Add an account with the password hash `kept`, of somebody who is signed in at once or not.

    Raises:
        NameTaken: somebody was faster.
    """
    row = AccountRow(
        name=name,
        password=kept,
        display_name="",
        created_at=now,
        password_at=now,
        signed_in_at=now if is_here else None,
    )
    db.add(row)
    try:
        db.flush()
    except IntegrityError as error:
        raise NameTaken(f"The name “{name}” is taken. Choose another.") from error
    return _account(row)


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
