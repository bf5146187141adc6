"""Links that let one in: invitations and new passwords. The site keeps only a token's hash."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from machinelabs_hub.auth.accounts import Account, Accounts, add_account, row_of
from machinelabs_hub.auth.clock import now_utc
from machinelabs_hub.auth.passwords import check_password, hash_password
from machinelabs_hub.auth_settings import Local
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.accounts import AccountRow, InvitationRow, ResetLinkRow
from machinelabs_hub.errors import BadInput, MachineLabsError
from machinelabs_hub.names import check_person_name

RESET_HOURS: Final = 24
MOST_USES: Final = 1000
LONGEST_DAYS: Final = 365


class LinkExpired(MachineLabsError):
    """The link was used up, has expired or was withdrawn."""

    code = "link_expired"
    status = HTTPStatus.GONE


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link with which people make accounts; its token was shown once, when it was made."""

    id: int
    name: str | None
    group: str | None
    uses_left: int
    created_by: str
    created_at: datetime
    expires_at: datetime


class Invitations:
    """Make, list, withdraw and redeem invitation links."""

    def __init__(
        self,
        *,
        sessions: SessionMaker,
        accounts: Accounts,
        rule: Local,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._accounts = accounts
        self._rule = rule
        self._clock = clock

    def create(
        self, *, by: str, name: str = "", group: str = "", uses: int = 1, days: int = 0
    ) -> str:
        """Return the token of a new invitation.

        Args:
            by: the admin who invites.
            name: the one name that it is for; empty lets the person choose.
            group: the group of who comes by it; empty is none.
            uses: how many accounts it makes; an invitation with a name makes one.
            days: how long it holds; 0 takes the site's `invitation_days`.

        Raises:
            BadInput: a name, a group or a number cannot be used.
        """
        if name:
            self._accounts.check_free(check_person_name(name), invited=True)
            uses = 1
        if group:
            check_person_name(group)
        if not 1 <= uses <= MOST_USES:
            raise BadInput(f"An invitation can make 1 to {MOST_USES} accounts, not {uses}.")
        if not 0 <= days <= LONGEST_DAYS:
            raise BadInput(f"An invitation can hold 1 to {LONGEST_DAYS} days, not {days}.")
        token, now = secrets.token_urlsafe(24), self._clock()
        with self._sessions() as db:
            db.add(
                InvitationRow(
                    token_hash=hashed(token),
                    name=name or None,
                    group=group or None,
                    uses_left=uses,
                    created_by=by,
                    created_at=now,
                    expires_at=now + timedelta(days=days or self._rule.invitation_days),
                )
            )
        return token

    def list(self) -> list[Invitation]:
        """Return the invitations that still work, newest first."""
        query = (
            select(InvitationRow)
            .where(InvitationRow.uses_left > 0, InvitationRow.expires_at > self._clock())
            .order_by(InvitationRow.id.desc())
        )
        with self._sessions() as db:
            return [_invitation(row) for row in db.scalars(query)]

    def withdraw(self, invitation_id: int) -> None:
        """Make the link useless."""
        with self._sessions() as db:
            db.execute(delete(InvitationRow).where(InvitationRow.id == invitation_id))

    def find(self, token: str) -> Invitation:
        """Return the invitation that `token` opens.

        Raises:
            LinkExpired: there is none any more.
        """
        with self._sessions() as db:
            return _invitation(self._row(db, token))

    def redeem(self, token: str, *, name: str, password: str) -> tuple[Account, str | None]:
        """Make an account; return it and the group it joins. One transaction takes one use.

        Raises:
            LinkExpired: the link does not work any more.
            WeakPassword, BadInput, NameTaken: the account cannot be made so.
        """
        invitation = self.find(token)
        name = invitation.name or name
        check_password(password, name=name, shortest=self._rule.min_password_length)
        kept = hash_password(password)
        with self._sessions() as db:
            self._accounts.check_free(name, invited=invitation.name is not None)
            taken = db.execute(
                update(InvitationRow)
                .where(InvitationRow.id == invitation.id, InvitationRow.uses_left > 0)
                .values(uses_left=InvitationRow.uses_left - 1)
                .returning(InvitationRow.id)
            )
            if taken.first() is None:
                raise _expired()
            account = add_account(db, name, kept, self._clock(), is_here=True)
            return account, invitation.group

    def _row(self, db: Session, token: str) -> InvitationRow:
        row = db.scalar(select(InvitationRow).where(InvitationRow.token_hash == hashed(token)))
        if row is None or row.uses_left < 1 or row.expires_at <= self._clock():
            raise _expired()
        return row


class ResetLinks:
    """Links that an admin makes for one person to set a new password, once."""

    def __init__(
        self, *, sessions: SessionMaker, rule: Local, clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._sessions = sessions
        self._rule = rule
        self._clock = clock

    def create(self, name: str, *, by: str) -> str:
        """Return the token of a new link; earlier links of that person stop working."""
        token = secrets.token_urlsafe(24)
        with self._sessions() as db:
            db.execute(delete(ResetLinkRow).where(ResetLinkRow.name == name))
            db.add(
                ResetLinkRow(
                    token_hash=hashed(token),
                    name=name,
                    created_by=by,
                    expires_at=self._clock() + timedelta(hours=RESET_HOURS),
                )
            )
        return token

    def find(self, token: str) -> str:
        """Return the name of the person whom `token` is for.

        Raises:
            LinkExpired: it does not work any more.
        """
        with self._sessions() as db:
            row = db.get(ResetLinkRow, hashed(token))
            if row is None or row.expires_at <= self._clock():
                raise LinkExpired("This link does not work any more. Ask an admin for a new one.")
            return row.name

    def use(self, token: str, password: str) -> str:
        """Set the password of the link's person, make the link useless, return the name.

        Raises:
            LinkExpired, WeakPassword: nothing was changed.
        """
        name = self.find(token)
        check_password(password, name=name, shortest=self._rule.min_password_length)
        kept = hash_password(password)
        with self._sessions() as db:
            gone = db.execute(
                delete(ResetLinkRow)
                .where(ResetLinkRow.token_hash == hashed(token))
                .returning(ResetLinkRow.name)
            )
            if gone.first() is None:
                raise LinkExpired("This link was used already. Ask an admin for a new one.")
            if db.get(AccountRow, name) is None:
                # Somebody whom an admin added on JupyterHub's own page has no account yet.
                add_account(db, name, kept, self._clock())
            row = row_of(db, name)
            row.password, row.password_at = kept, self._clock()
        return name


def hashed(token: str) -> str:
    """Return what is kept of `token`: it is long and random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _expired() -> LinkExpired:
    return LinkExpired(
        "This invitation does not work any more: it was used up, withdrawn or is too old. "
        "Ask the person who sent it for a new one."
    )


def _invitation(row: InvitationRow) -> Invitation:
    return Invitation(
        id=row.id,
        name=row.name,
        group=row.group,
        uses_left=row.uses_left,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
