"""Where labs are and where they were. Every method is one transaction and may block."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.members import FormerAddressRow, MemberRow
from machinelabs_hub.labs.models.access import group_of
from machinelabs_hub.labs.models.address import FormerAddress, NewAddress
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import MemberKind, Role
from machinelabs_hub.labs.storage.listing import live
from machinelabs_hub.labs.storage.rows import Details, lab_of, set_details


class AddressTable:
    """Rows of former addresses, and the two columns that are the present one."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def find(self, owner: str, name: str) -> Lab | None:
        """Return the lab that left this address last, if it is not in the trash, or None."""
        with self._sessions() as db:
            left = select(FormerAddressRow.lab_id).where(
                FormerAddressRow.owner == owner, FormerAddressRow.name == name
            )
            row = db.scalar(live().where(LabRow.id == left.scalar_subquery()))
            return None if row is None else lab_of(row)

    def of(self, lab: Lab) -> tuple[FormerAddress, ...]:
        """Return the former addresses of a lab, the oldest first."""
        with self._sessions() as db:
            wanted = select(FormerAddressRow).where(FormerAddressRow.lab_id == lab.id)
            rows = db.scalars(wanted.order_by(FormerAddressRow.left_at, FormerAddressRow.name))
            return tuple(FormerAddress(row.owner, row.name, row.left_at) for row in rows)

    def move(self, lab: Lab, to: NewAddress, details: Details, at: datetime) -> Lab | None:
        """Give a lab another address; its present one leads there from now on.

        Who owned it until now stays an editor. None: it is gone, or moved at this moment.

        Raises:
            RowClash: there is another lab.
        """
        with self._sessions() as db:
            here = (LabRow.id == lab.id, LabRow.owner == lab.owner, LabRow.name == lab.name)
            row = db.scalar(live().where(*here))
            if row is None:
                return None
            # A lab may come back to an address of its own, or leave one that another left before.
            own = and_(FormerAddressRow.lab_id == lab.id, _at(to.owner, to.name))
            db.execute(delete(FormerAddressRow).where(or_(own, _at(lab.owner, lab.name))))
            db.add(FormerAddressRow(owner=lab.owner, name=lab.name, lab_id=lab.id, left_at=at))
            row.owner, row.name = to.owner, to.name
            # Its words are found under the new address.
            set_details(row, details)
            if to.owner != lab.owner:
                _hand_over(db, lab, to, at)
            db.flush()
            db.refresh(row)
            return lab_of(row)

    def put_back(self, lab: Lab, former: Iterable[FormerAddress]) -> None:
        """Add former addresses of a lab as its store has them; the last that left has one."""
        with self._sessions() as db:
            for old in former:
                row = db.get(FormerAddressRow, (old.owner, old.name))
                if row is None:
                    row = FormerAddressRow(
                        owner=old.owner, name=old.name, lab_id=lab.id, left_at=old.left_at
                    )
                    db.add(row)
                elif row.left_at < old.left_at:
                    row.lab_id, row.left_at = lab.id, old.left_at


def _at(owner: str, name: str) -> ColumnElement[bool]:
    return and_(FormerAddressRow.owner == owner, FormerAddressRow.name == name)


def _hand_over(db: Session, lab: Lab, to: NewAddress, at: datetime) -> None:
    """Make the one who gives an editor; who takes needs no role beside being the owner."""
    kind, name = _member(to.owner)
    is_taker = (MemberRow.lab_id == lab.id, MemberRow.kind == kind, MemberRow.name == name)
    db.execute(delete(MemberRow).where(*is_taker))
    kind, name = _member(lab.owner)
    db.merge(
        MemberRow(
            lab_id=lab.id, kind=kind, name=name, role=Role.EDITOR, added_by=to.by, added_at=at
        )
    )


def _member(owner: str) -> tuple[MemberKind, str]:
    group = group_of(owner)
    return (MemberKind.PERSON, owner) if group is None else (MemberKind.GROUP, group)
