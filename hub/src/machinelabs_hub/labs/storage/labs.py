"""The index of labs: find, list, add, change. Every method is one transaction and may block."""

from datetime import datetime

from sqlalchemy import func, not_, or_, select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.member import Role
from machinelabs_hub.labs.models.page import LabQuery, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.models.texts import Texts
from machinelabs_hub.labs.storage.counts import recount
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.listing import listed, live, owned_by, shared_with
from machinelabs_hub.labs.storage.rows import (
    Details,
    NewLab,
    changed,
    lab_of,
    revision_row,
    row_of,
    set_details,
)
from machinelabs_hub.labs.storage.search import page_of


class LabTable:
    """Rows of labs as `Lab`s. Who may see them is the services' to decide, but for lists."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def ping(self) -> None:
        """Ask the database for nothing; it raises if it does not answer."""
        with self._sessions() as db:
            db.execute(select(1))

    def find(self, owner: str, name: str) -> Lab | None:
        """Return the lab that is not in the trash, or None."""
        with self._sessions() as db:
            row = db.scalar(live().where(LabRow.owner == owner, LabRow.name == name))
            return None if row is None else lab_of(row)

    def get(self, uid: str) -> Lab | None:
        """Return a lab by the name of its ref, also from the trash."""
        with self._sessions() as db:
            row = db.scalar(select(LabRow).where(LabRow.uid == uid))
            return None if row is None else lab_of(row)

    def forks(self, lab: Lab, viewer: Person | None, query: LabQuery) -> Page[Lab]:
        """Return the forks of `lab` that `viewer` may see in a list."""
        with self._sessions() as db:
            wanted = [LabRow.trashed_at.is_(None), LabRow.parent_id == lab.id]
            return page_of(db, query, wanted, [listed(viewer)])

    def shared(self, viewer: Person, query: LabQuery) -> Page[Lab]:
        """Return the labs that are shared with `viewer` or a group of theirs."""
        with self._sessions() as db:
            wanted = [LabRow.trashed_at.is_(None), shared_with(viewer), not_(owned_by(viewer))]
            return page_of(db, query, wanted, [listed(viewer)])

    def fork_of(self, lab: Lab, owner: str) -> Lab | None:
        """Return the newest fork of `lab` that `owner` holds, or None."""
        with self._sessions() as db:
            wanted = live().where(LabRow.parent_id == lab.id, LabRow.owner == owner)
            row = db.scalars(wanted.order_by(LabRow.id.desc()).limit(1)).first()
            return None if row is None else lab_of(row)

    def texts_of(self, lab: Lab) -> Texts:
        """Return what the newest files of a lab say, as it is found by them."""
        said = select(LabTextRow.readme, LabTextRow.notebook).where(LabTextRow.lab_id == lab.id)
        with self._sessions() as db:
            readme, notebook = db.execute(said).one_or_none() or ("", "")
            return Texts(readme, notebook, lab.language, lab.has_outputs)

    def all_of(self, owner: str) -> tuple[Lab, ...]:
        """Return every lab of a person, without those in the trash."""
        with self._sessions() as db:
            rows = db.scalars(live().where(LabRow.owner == owner).order_by(LabRow.id))
            return tuple(lab_of(row) for row in rows)

    def names_of(self, owner: str) -> frozenset[str]:
        """Return the names of a person's labs, without those in the trash."""
        with self._sessions() as db:
            wanted = select(LabRow.name).where(LabRow.owner == owner, LabRow.trashed_at.is_(None))
            return frozenset(db.scalars(wanted))

    def count_for(self, owner: str, viewer: Person | None) -> int:
        """Count the labs of `owner` that `viewer` may see in a list."""
        with self._sessions() as db:
            wanted = live().where(LabRow.owner == owner, listed(viewer))
            return db.scalar(select(func.count()).select_from(wanted.subquery())) or 0

    def add(self, new: NewLab) -> Lab:
        """Add a lab with its first revision.

        Raises:
            RowClash: the owner has a lab of this name.
        """
        with self._sessions() as db:
            row = row_of(new)
            db.add(row)
            db.flush()
            db.add(revision_row(row.id, new.first))
            recount(db, row.parent_id)
            note(db, f"{new.owner}/{new.name}")
            db.flush()
            db.refresh(row)
            return lab_of(row)

    def put_back(
        self, new: NewLab, revisions: tuple[Revision, ...], trashed_at: datetime | None
    ) -> Lab:
        """Add a lab as its store has it: all its revisions, r1 first, in the trash or not.

        Raises:
            RowClash: the owner has a lab of this name.
        """
        newest = revisions[-1]
        with self._sessions() as db:
            row = row_of(new)
            row.revision = newest.number
            row.files_count = newest.files_count
            row.size_bytes = newest.size_bytes
            row.updated_at = newest.created_at
            row.trashed_at = trashed_at
            db.add(row)
            db.flush()
            db.add_all(revision_row(row.id, revision) for revision in revisions)
            recount(db, row.parent_id)
            db.flush()
            db.refresh(row)
            return lab_of(row)

    def change(self, lab: Lab, details: Details, at: datetime) -> Lab | None:
        """Give a lab new details; None: it is gone."""
        with self._sessions() as db:
            row = db.scalar(live().where(LabRow.id == lab.id))
            if row is None:
                return None
            set_details(row, details)
            row.updated_at = at
            db.flush()
            recount(db, row.parent_id)
            return lab_of(row)

    def trash(self, lab: Lab, at: datetime) -> bool:
        """Move a lab to the trash; False: it was gone already."""
        return self._set_trashed(lab, at)

    def restore(self, lab: Lab) -> bool:
        """Take a lab out of the trash; False: it was not there.

        Raises:
            RowClash: the owner has another lab of this name by now.
        """
        return self._set_trashed(lab, None)

    def trashed(self, owner: str) -> tuple[Lab, ...]:
        """Return the labs of an owner in the trash, the last deleted first."""
        with self._sessions() as db:
            wanted = select(LabRow).where(LabRow.owner == owner, LabRow.trashed_at.is_not(None))
            rows = db.scalars(wanted.order_by(LabRow.trashed_at.desc(), LabRow.id.desc()))
            return tuple(lab_of(row) for row in rows)

    def trashed_for(self, viewer: Person, *, skip: int = 0, limit: int) -> tuple[Lab, ...]:
        """Return the labs in the trash that `viewer` owned, the last deleted first."""
        with self._sessions() as db:
            own = or_(owned_by(viewer), shared_with(viewer, Role.OWNER))
            wanted = select(LabRow).where(own, LabRow.trashed_at.is_not(None))
            ordered = wanted.order_by(LabRow.trashed_at.desc(), LabRow.id.desc())
            return tuple(lab_of(row) for row in db.scalars(ordered.offset(skip).limit(limit)))

    def trashed_before(self, at: datetime) -> tuple[Lab, ...]:
        """Return all labs that went to the trash before `at`."""
        with self._sessions() as db:
            rows = db.scalars(select(LabRow).where(LabRow.trashed_at < at).order_by(LabRow.id))
            return tuple(lab_of(row) for row in rows)

    def purge(self, lab: Lab, *, is_named: bool) -> bool:
        """Forget a lab of the trash; its forks go on naming it if `is_named`."""
        with self._sessions() as db:
            row = db.scalar(
                select(LabRow).where(LabRow.id == lab.id, LabRow.trashed_at.is_not(None))
            )
            if row is None:
                return False
            left = update(LabRow).where(LabRow.parent_id == lab.id)
            if is_named:
                # The name that it had last, which may not be the one it was forked under.
                db.execute(left.values(parent_owner=row.owner, parent_name=row.name))
            else:
                nothing = {"parent_owner": None, "parent_name": None, "parent_revision": None}
                db.execute(left.values(nothing))
            db.delete(row)
            return True

    def uids_of_forks(self, lab: Lab) -> tuple[str, ...]:
        """Return the refs of all forks of a lab, also of those in the trash."""
        with self._sessions() as db:
            return tuple(db.scalars(select(LabRow.uid).where(LabRow.parent_id == lab.id)))

    def in_store(self, store: str) -> tuple[Lab, ...]:
        """Return the labs whose content is in `store`, in the trash or not."""
        with self._sessions() as db:
            rows = db.scalars(select(LabRow).where(LabRow.store == store).order_by(LabRow.id))
            return tuple(lab_of(row) for row in rows)

    def places(self) -> tuple[tuple[str, str], ...]:
        """Return ref and path of every lab, also of those in the trash."""
        with self._sessions() as db:
            rows = db.execute(select(LabRow.uid, LabRow.owner, LabRow.name).order_by(LabRow.id))
            return tuple((uid, f"{owner}/{name}") for uid, owner, name in rows)

    def others_in(self, lab: Lab) -> int:
        """Count the labs that share the store of `lab`, in the trash or not."""
        with self._sessions() as db:
            wanted = select(func.count()).where(LabRow.store == lab.store, LabRow.id != lab.id)
            return db.scalar(wanted) or 0

    def _set_trashed(self, lab: Lab, at: datetime | None) -> bool:
        was = LabRow.trashed_at.is_(None) if at else LabRow.trashed_at.is_not(None)
        with self._sessions() as db:
            change = update(LabRow).where(LabRow.id == lab.id, was).values(trashed_at=at)
            done = changed(db, change)
            if done:
                recount(db, db.scalar(select(LabRow.parent_id).where(LabRow.id == lab.id)))
            return done
