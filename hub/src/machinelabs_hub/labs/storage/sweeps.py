"""The index of sweeps: add one with all its runs, find, list. Each method is a transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.runs import RunRow
from machinelabs_hub.db.tables.sweeps import SweepRow, SweepRunRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.sweep import Grid, Sweep
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.runs import NewRun, put_run


class SweepTable:
    """Rows of sweeps. Who may see them is the services' to decide."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(
        self, lab: Lab, runs: Sequence[NewRun], *, grid: Grid, name: str, at: datetime
    ) -> tuple[Sweep, tuple[int, ...]]:
        """Add a sweep and all its runs, or nothing; return it and the ids of the runs.

        Raises:
            RowClash: another took one of the numbers at the same moment.
        """
        with self._sessions() as db:
            last = select(func.max(SweepRow.number)).where(SweepRow.lab_id == lab.id)
            row = SweepRow(
                lab_id=lab.id,
                number=(db.scalar(last) or 0) + 1,
                name=name,
                revision=runs[0].revision,
                path=runs[0].path,
                grid={key: list(values) for key, values in grid.items()},
                created_at=at,
            )
            db.add(row)
            db.flush()
            made = tuple(put_run(db, lab, new).id for new in runs)
            db.add_all(SweepRunRow(run_id=run, sweep_id=row.id) for run in made)
            note(db, f"the sweep {row.number} of {lab.path}")
            db.flush()
            return _sweep(row, lab), made

    def find(self, lab: Lab, number: int) -> Sweep | None:
        """Return the sweep of this number, or None."""
        wanted = select(SweepRow).where(SweepRow.lab_id == lab.id, SweepRow.number == number)
        with self._sessions() as db:
            row = db.scalar(wanted)
            return None if row is None else _sweep(row, lab)

    def page(self, lab: Lab, *, first: int, before: int | None, limit: int) -> tuple[Sweep, ...]:
        """Return sweeps of a lab, of revisions from `first` on, the newest first."""
        wanted = select(SweepRow).where(SweepRow.lab_id == lab.id, SweepRow.revision >= first)
        if before is not None:
            wanted = wanted.where(SweepRow.number < before)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(SweepRow.number.desc()).limit(limit))
            return tuple(_sweep(row, lab) for row in rows)

    def states(self, sweeps: Sequence[Sweep]) -> dict[int, dict[str, int]]:
        """Return how many runs of each sweep are in which state, without deleted ones, by id."""
        found: dict[int, dict[str, int]] = {one.id: {} for one in sweeps}
        wanted = (
            select(SweepRunRow.sweep_id, RunRow.state, func.count())
            .join(RunRow, RunRow.id == SweepRunRow.run_id)
            .where(SweepRunRow.sweep_id.in_(found), RunRow.hidden_at.is_(None))
            .group_by(SweepRunRow.sweep_id, RunRow.state)
        )
        with self._sessions() as db:
            for sweep, state, count in db.execute(wanted):
                found[sweep][state] = count
        return found

    def of(self, run: Run) -> int | None:
        """Return the number of the sweep that a run is of, or None."""
        wanted = select(SweepRow.number).join(SweepRunRow, SweepRunRow.sweep_id == SweepRow.id)
        with self._sessions() as db:
            return db.scalar(wanted.where(SweepRunRow.run_id == run.id))

    def purge(self) -> int:
        """Forget the sweeps whose runs were all purged; return how many."""
        empty = SweepRow.id.not_in(select(SweepRunRow.sweep_id))
        with self._sessions() as db:
            return cast("CursorResult[Any]", db.execute(delete(SweepRow).where(empty))).rowcount


def _sweep(row: SweepRow, lab: Lab) -> Sweep:
    return Sweep(
        id=row.id,
        number=row.number,
        lab=lab.path,
        name=row.name,
        revision=row.revision,
        path=row.path,
        grid={key: list(values) for key, values in row.grid.items()},
        created_at=row.created_at,
    )
