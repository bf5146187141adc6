"""Rows of verifications, and of what GPUs runs had. Each method is one transaction."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import aliased

from machinelabs_hub import tickets
from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.db.tables.gpus import CardRow, ClaimDeviceRow, ClaimRow
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.verifications import VerificationRow
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.verification import (
    CellResult,
    Clean,
    Conditions,
    Outcome,
    Proof,
    Same,
    Verdict,
    Verification,
)
from machinelabs_hub.labs.storage.kept import Kept, filled
from machinelabs_hub.labs.storage.rows import changed, lab_of

PAGE: Final = 500

_SAY_NOTHING: Final = (Verdict.PENDING, Verdict.VOID)


class VerificationTable:
    """What came of verifying revisions; who may see it is the services' to decide."""

    def __init__(self, *, sessions: Sessions) -> None:
        self._sessions = sessions
        self._clean: Kept[Clean] = Kept(sessions)

    def add(self, run: Run, at: datetime) -> Verification:
        """Note that a run verifies the revision that it executes."""
        with self._sessions() as db:
            row = VerificationRow(
                lab_id=run.lab_id,
                run_id=run.id,
                number=run.number,
                revision=run.revision,
                person=run.person,
                asked_at=at,
                verdict=Verdict.PENDING,
                path=run.path,
                image=run.image,
                image_id=run.image_id,
                flavour=run.flavour,
                inputs={},
                cells=[],
            )
            db.add(row)
            db.flush()
            return _verification(row)

    def pending(self) -> tuple[Verification, ...]:
        """Return the verifications whose runs had not ended when last looked at."""
        return self._all(_asked().where(VerificationRow.verdict == Verdict.PENDING))

    def waiting(self, lab: Lab, revision: int) -> Verification | None:
        """Return a verification of this revision that is not over, or None."""
        wanted = _asked().where(
            VerificationRow.lab_id == lab.id,
            VerificationRow.revision == revision,
            VerificationRow.verdict == Verdict.PENDING,
        )
        return next(iter(self._all(wanted)), None)

    def find(self, lab: Lab, number: int) -> Verification | None:
        """Return the verification that the run of this number is, or was; or None."""
        wanted = _asked().where(VerificationRow.lab_id == lab.id, VerificationRow.number == number)
        return next(iter(self._all(wanted)), None)

    def page(
        self, lab: Lab, *, first: int, before: int | None, limit: int
    ) -> tuple[Verification, ...]:
        """Return verifications of revisions from `first` on, the newest first."""
        wanted = select(VerificationRow).where(
            VerificationRow.lab_id == lab.id, VerificationRow.revision >= first
        )
        if before is not None:
            wanted = wanted.where(VerificationRow.number < before)
        return self._all(wanted.order_by(VerificationRow.number.desc()).limit(limit))

    def newest(self, labs: Collection[int]) -> dict[int, Verification]:
        """Return the last verification of the newest revision of labs, by their ids.

        Those that are not over, and those that say nothing, do not count.
        """
        if not labs:
            return {}
        found = self._all(select(VerificationRow).where(VerificationRow.id.in_(_last(labs))))
        return {one.lab_id: one for one in found}

    def clean(self, labs: Collection[int]) -> dict[int, Clean]:
        """Return what labs that run clean rest on, by their ids; each list of labs asks for it."""

        def read(missing: list[int]) -> dict[int, Clean]:
            columns = (VerificationRow.lab_id, VerificationRow.ended_at, VerificationRow.image)
            with self._sessions() as db:
                rows = db.execute(select(*columns).where(VerificationRow.id.in_(_last(missing))))
                return {lab: Clean(since, image) for lab, since, image in rows if since}

        return filled(self._clean.now(), labs, read)

    def settle(
        self, one: Verification, outcome: Outcome, conditions: Conditions, at: datetime
    ) -> bool:
        """Keep what came of a verification; its lab runs clean, or does not, from now on."""
        this = update(VerificationRow).where(
            VerificationRow.id == one.id, VerificationRow.verdict == Verdict.PENDING
        )
        with self._sessions() as db:
            done = changed(
                db,
                this.values(
                    verdict=outcome.verdict,
                    sentence=outcome.sentence,
                    cells=[asdict(cell) for cell in outcome.cells],
                    image_id=conditions.image_id,
                    gpu=conditions.gpu,
                    inputs=dict(conditions.inputs),
                    ended_at=at,
                ),
            )
            if done and outcome.verdict not in _SAY_NOTHING:
                lab = and_(LabRow.id == one.lab_id, LabRow.revision == one.revision)
                is_clean = outcome.verdict is Verdict.CLEAN
                db.execute(update(LabRow).where(lab).values(runs_clean=is_clean))
            return done

    def proofs(self, *, after: int, limit: int = PAGE) -> tuple[Proof, ...]:
        """Return what showed that labs run clean, the oldest first, a page of them.

        Of each lab that is not in the trash: the last verification of its newest revision that
        counts, if it found the lab clean. A site may have more than memory holds.

        Args:
            after: the id of a verification: only later ones.
            limit: how many.
        """
        later = aliased(VerificationRow)
        another = (
            select(later.id)
            .where(later.lab_id == VerificationRow.lab_id, later.id > VerificationRow.id)
            .where(later.revision == VerificationRow.revision, _counts(later))
        )
        row, lab = VerificationRow, LabRow
        wanted = (
            select(row.id, row.lab_id, row.image, row.image_id, row.gpu, row.inputs, row.flavour)
            .add_columns(lab.image, lab.flavour, lab.runs_clean)
            .join(LabRow, LabRow.id == VerificationRow.lab_id)
            .where(VerificationRow.revision == LabRow.revision, LabRow.trashed_at.is_(None))
            .where(VerificationRow.verdict == Verdict.CLEAN, VerificationRow.id > after)
            .where(~another.exists())
            .order_by(VerificationRow.id)
            .limit(limit)
        )
        with self._sessions() as db:
            return tuple(
                Proof(
                    verification=verification,
                    lab_id=lab_id,
                    image=image or "",
                    flavour=flavour or size,
                    then=Conditions(then, build, gpu or "", inputs),
                    runs_clean=runs_clean,
                )
                for verification, lab_id, then, build, gpu, inputs, size, image, flavour, runs_clean
                in db.execute(wanted)
            )  # fmt: skip

    def lab_of(self, one: Proof) -> Lab | None:
        """Return the lab that was found clean, unless it is gone."""
        with self._sessions() as db:
            row = db.get(LabRow, one.lab_id)
            return None if row is None or row.trashed_at is not None else lab_of(row)

    def mark(self, some: Collection[Proof], *, runs_clean: bool | None) -> None:
        """Say whether labs run clean, as far as their newest revisions are still the same."""
        found = VerificationRow.id.in_([one.verification for one in some])
        same = and_(
            VerificationRow.lab_id == LabRow.id, VerificationRow.revision == LabRow.revision
        )
        with self._sessions() as db:
            step = update(LabRow).where(found, same).values(runs_clean=runs_clean)
            db.execute(step, execution_options={"synchronize_session": False})

    def of_person(self, person: str, *, since: datetime) -> tuple[Verification, ...]:
        """Return what somebody asked for since a moment, the oldest first."""
        theirs = _asked().where(VerificationRow.person == person)
        return self._all(theirs.where(VerificationRow.asked_at >= since))

    def forget(self, person: str) -> None:
        """Mark that who asked left: another of the same name must not be taken for them."""
        with self._sessions() as db:
            step = update(VerificationRow).where(VerificationRow.person == person)
            db.execute(step.values(person=f"{person} (left)"))

    def cards_of(self, run: Run) -> tuple[str, ...]:
        """Return the models of the GPUs that a run had, by the Hub's word."""
        wanted = (
            select(CardRow.model)
            .join(ClaimDeviceRow, ClaimDeviceRow.uuid == CardRow.uuid)
            .join(ClaimRow, ClaimRow.id == ClaimDeviceRow.claim_id)
            .where(ClaimRow.user == run.person, ClaimRow.server == tickets.server_of(run.id))
        )
        with self._sessions() as db:
            return tuple(sorted(db.scalars(wanted.distinct())))

    def models(self, *, memory_mib: int, profile: str) -> tuple[str, ...]:
        """Return the models of GPUs with so much memory that the site has now."""
        wanted = select(CardRow.model).where(
            CardRow.memory_mib >= memory_mib,
            CardRow.profile == profile,
            CardRow.health != Health.FAILED.value,
        )
        with self._sessions() as db:
            return tuple(sorted(db.scalars(wanted.distinct())))

    def _all(self, wanted: Select[VerificationRow]) -> tuple[Verification, ...]:
        with self._sessions() as db:
            return tuple(map(_verification, db.scalars(wanted)))


def _last(labs: Collection[int]) -> Select[int]:
    """Select the last verification that counts of the newest revision of each of `labs`."""
    return (
        select(func.max(VerificationRow.id))
        .join(LabRow, LabRow.id == VerificationRow.lab_id)
        .where(VerificationRow.lab_id.in_(labs), _counts(VerificationRow))
        .where(VerificationRow.revision == LabRow.revision)
        .group_by(VerificationRow.lab_id)
    )


def _counts(row: type[VerificationRow]) -> ColumnElement[bool]:
    # Not as what it may be: by the index of verdicts SQLite would look at every lab's.
    return row.verdict.not_in(_SAY_NOTHING)


def _asked() -> Select[VerificationRow]:
    return select(VerificationRow).order_by(VerificationRow.id)


def _verification(row: VerificationRow) -> Verification:
    return Verification(
        id=row.id,
        lab_id=row.lab_id,
        run_id=row.run_id,
        number=row.number,
        revision=row.revision,
        person=row.person,
        asked_at=row.asked_at,
        verdict=Verdict(row.verdict),
        sentence=row.sentence or "",
        path=row.path,
        flavour=row.flavour,
        conditions=Conditions(row.image, row.image_id, row.gpu or "", row.inputs),
        cells=tuple(
            CellResult(cell["number"], cell["title"], Same(cell["same"]), cell["why"])
            for cell in row.cells
        ),
        ended_at=row.ended_at,
    )
