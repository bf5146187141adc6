"""Rows of schedules: add, list, pause, and take their turns. Each method is a transaction."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.schedules import ScheduleRow
from machinelabs_hub.errors import Conflict
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.labs.models.schedule import Schedule, Times, Turn
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.rows import changed


class TurnTaken(Conflict):
    """The schedule's turn was taken already, or it was paused or deleted at this moment."""

    code = "turn_taken"

    def __init__(self) -> None:
        super().__init__("The schedule was changed at the same moment. Look at it again.")


class ScheduleTable:
    """Rows of schedules. Who may see and change them is the services' to decide."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(
        self, lab: Lab, person: str, times: Times, draft: RunDraft, *, at: datetime
    ) -> Schedule:
        """Add a schedule that orders from now on."""
        with self._sessions() as db:
            row = ScheduleRow(
                lab_id=lab.id,
                person=person,
                cron=times.cron,
                zone=times.zone,
                draft=asdict(draft),
                created_at=at,
                next_at=times.after(at)[0],
            )
            db.add(row)
            db.flush()
            note(db, f"the schedule {row.id} of {lab.path}")
            return _schedule(row, lab.path)

    def find(self, lab: Lab, number: int) -> Schedule | None:
        """Return a schedule of a lab, or None."""
        wanted = _schedules().where(ScheduleRow.lab_id == lab.id, ScheduleRow.id == number)
        return next(iter(self._all(wanted)), None)

    def page(
        self, lab: Lab, *, person: str, before: int | None, limit: int
    ) -> tuple[Schedule, ...]:
        """Return schedules of a lab, the last made first; `person` empty: everybody's."""
        wanted = _schedules().where(ScheduleRow.lab_id == lab.id)
        if person:
            wanted = wanted.where(ScheduleRow.person == person)
        if before is not None:
            wanted = wanted.where(ScheduleRow.id < before)
        return self._all(wanted.order_by(ScheduleRow.id.desc()).limit(limit))

    def count_of(self, person: str) -> int:
        """Count the schedules of a person, in all labs."""
        wanted = select(func.count()).where(ScheduleRow.person == person)
        with self._sessions() as db:
            return db.scalar(wanted) or 0

    def due(self, now: datetime, limit: int) -> tuple[Schedule, ...]:
        """Return schedules whose turn it is, those that wait longest first."""
        wanted = _schedules().where(ScheduleRow.next_at <= now)
        return self._all(wanted.order_by(ScheduleRow.next_at, ScheduleRow.id).limit(limit))

    def skip(self, turn: Turn, why: str) -> bool:
        """Take a turn without an order; False: it was taken already."""
        with self._sessions() as db:
            return _take(db, turn, last_why=why)

    def pause(self, schedule: Schedule, by: str, why: str, at: datetime | None) -> bool:
        """Let a schedule order nothing; `at`: its turn came, and this came of it."""
        values: dict[str, Any] = {"next_at": None, "paused_by": by, "last_why": why}
        if at is not None:
            values["last_at"] = at
        return self._set(_of(schedule).where(ScheduleRow.next_at.is_not(None)), values)

    def resume(self, schedule: Schedule, next_at: datetime) -> bool:
        """Let a paused schedule order again, from `next_at` on."""
        values = {"next_at": next_at, "paused_by": "", "last_why": ""}
        return self._set(_of(schedule).where(ScheduleRow.next_at.is_(None)), values)

    def remove(self, schedule: Schedule) -> bool:
        """Delete a schedule; the runs that it ordered stay."""
        with self._sessions() as db:
            return changed(db, delete(ScheduleRow).where(ScheduleRow.id == schedule.id))

    def forget(self, person: str) -> None:
        """Delete the schedules of somebody whose account is deleted."""
        with self._sessions() as db:
            db.execute(delete(ScheduleRow).where(ScheduleRow.person == person))

    def _set(self, step: Any, values: dict[str, Any]) -> bool:
        with self._sessions() as db:
            return changed(db, step.values(values))

    def _all(self, wanted: Select[ScheduleRow, str, str]) -> tuple[Schedule, ...]:
        with self._sessions() as db:
            rows = db.execute(wanted)
            return tuple(_schedule(row, f"{owner}/{name}") for row, owner, name in rows)


def order(db: Session, turn: Turn, run: int) -> None:
    """Take a turn in the transaction that adds the run of this number.

    Raises:
        TurnTaken: it was taken already, so the run must not be added.
    """
    if not _take(db, turn, last_run=run, last_why=""):
        raise TurnTaken


def _take(db: Session, turn: Turn, **values: Any) -> bool:
    step = update(ScheduleRow).where(
        ScheduleRow.id == turn.schedule, ScheduleRow.next_at == turn.due_at
    )
    return changed(db, step.values(next_at=turn.next_at, last_at=turn.at, **values))


def _schedules() -> Select[ScheduleRow, str, str]:
    wanted = select(ScheduleRow, LabRow.owner, LabRow.name)
    return wanted.join(LabRow, LabRow.id == ScheduleRow.lab_id)


def _of(schedule: Schedule) -> Any:
    return update(ScheduleRow).where(ScheduleRow.id == schedule.id)


def _schedule(row: ScheduleRow, lab: str) -> Schedule:
    return Schedule(
        id=row.id,
        lab_id=row.lab_id,
        lab=lab,
        person=row.person,
        times=Times(row.cron, row.zone),
        draft=RunDraft(**row.draft),
        created_at=row.created_at,
        next_at=row.next_at,
        paused_by=row.paused_by,
        last_at=row.last_at,
        last_run=row.last_run,
        last_why=row.last_why,
    )
