"""The index of members of labs. Every method is one transaction and may block."""

from datetime import datetime

from sqlalchemy import delete, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.members import MemberRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import Member, MemberKind, Membership, Role
from machinelabs_hub.labs.storage.rows import changed


class MemberTable:
    """Rows of members."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def all_of(self, lab: Lab) -> tuple[Membership, ...]:
        """Return whom a lab is shared with, people first, by name."""
        with self._sessions() as db:
            wanted = select(MemberRow).where(MemberRow.lab_id == lab.id)
            rows = db.scalars(wanted.order_by(MemberRow.kind.desc(), MemberRow.name))
            return tuple(_membership(row) for row in rows)

    def put(self, lab: Lab, member: Member, *, by: str, at: datetime) -> Membership:
        """Add a member, or give one another role."""
        with self._sessions() as db:
            row = db.get(MemberRow, (lab.id, member.kind.value, member.name))
            if row is None:
                row = MemberRow(lab_id=lab.id, kind=member.kind.value, name=member.name)
                db.add(row)
            row.role, row.added_by, row.added_at = member.role.value, by, at
            db.flush()
            return _membership(row)

    def remove(self, lab: Lab, kind: MemberKind, name: str) -> bool:
        """Take a member away; False: there was none."""
        with self._sessions() as db:
            gone = delete(MemberRow).where(
                MemberRow.lab_id == lab.id, MemberRow.kind == kind, MemberRow.name == name
            )
            return changed(db, gone)

    def forget(self, person: str) -> None:
        """Take a person away from all labs: another of the same name must not come into them."""
        with self._sessions() as db:
            db.execute(
                delete(MemberRow).where(
                    MemberRow.kind == MemberKind.PERSON, MemberRow.name == person
                )
            )


def _membership(row: MemberRow) -> Membership:
    member = Member(MemberKind(row.kind), row.name, Role(row.role))
    return Membership(member, row.added_by, row.added_at)
