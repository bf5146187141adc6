"""The index of revisions. Every method is one transaction and may block."""

from sqlalchemy import select, update

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow, RevisionRow
from machinelabs_hub.db.tables.search import LabTextRow
from machinelabs_hub.db.words import folded
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.revision import Revision
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.rows import Contents, changed, revision_of, revision_row


class RevisionTable:
    """Rows of revisions."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def find(self, lab: Lab, number: int) -> Revision | None:
        """Return r`number` of a lab, or None."""
        with self._sessions() as db:
            wanted = select(RevisionRow).where(
                RevisionRow.lab_id == lab.id, RevisionRow.number == number
            )
            row = db.scalar(wanted)
            return None if row is None else revision_of(row)

    def page(self, lab: Lab, *, first: int, before: int | None, limit: int) -> tuple[Revision, ...]:
        """Return at most `limit` revisions from r`first` to below r`before`, the newest first.

        None for `before` begins at the newest.
        """
        wanted = select(RevisionRow).where(
            RevisionRow.lab_id == lab.id, RevisionRow.number >= first
        )
        if before is not None:
            wanted = wanted.where(RevisionRow.number < before)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(RevisionRow.number.desc()).limit(limit))
            return tuple(revision_of(row) for row in rows)

    def all_of(self, lab: Lab) -> tuple[Revision, ...]:
        """Return the revisions of a lab, the newest first."""
        with self._sessions() as db:
            wanted = select(RevisionRow).where(RevisionRow.lab_id == lab.id)
            rows = db.scalars(wanted.order_by(RevisionRow.number.desc()))
            return tuple(revision_of(row) for row in rows)

    def add(
        self, lab: Lab, revision: Revision, contents: Contents, *, synced: int | None = None
    ) -> bool:
        """Add the next revision; False: it is not the next any more, or the lab is gone.

        `synced` is the parent's revision that it has merged in; None leaves that as it is.
        """
        step = (
            update(LabRow)
            .where(
                LabRow.id == lab.id,
                LabRow.revision == revision.number - 1,
                LabRow.trashed_at.is_(None),
            )
            .values(
                revision=revision.number,
                updated_at=revision.created_at,
                files_count=revision.files_count,
                size_bytes=revision.size_bytes,
                entrypoint=contents.entrypoint,
                image=contents.image,
                flavour=contents.flavour,
                language=contents.texts.language,
                has_outputs=contents.texts.has_outputs,
                runs_clean=contents.texts.runs_clean,
            )
        )
        if synced is not None:
            step = step.values(parent_synced=synced)
        with self._sessions() as db:
            if not changed(db, step):
                return False
            db.execute(
                update(LabTextRow)
                .where(LabTextRow.lab_id == lab.id)
                .values(
                    readme=folded(contents.texts.readme), notebook=folded(contents.texts.notebook)
                )
            )
            db.add(revision_row(lab.id, revision))
            note(db, f"r{revision.number} of {lab.path}")
            return True
