"""The index of runs: add, find, list, and their changes of state. Each method is a transaction."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from machinelabs_hub import tickets
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import WaitRow
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.runs import RunChangeRow, RunRow
from machinelabs_hub.db.tables.sweeps import SweepRunRow
from machinelabs_hub.labs.models.dataset import Use
from machinelabs_hub.labs.models.inputs import RunInput
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Reason, Run, RunChange, RunState
from machinelabs_hub.labs.models.schedule import Turn
from machinelabs_hub.labs.storage import schedules
from machinelabs_hub.labs.storage.dataset_versions import add_uses
from machinelabs_hub.labs.storage.idempotency import note
from machinelabs_hub.labs.storage.rows import changed, lab_of
from machinelabs_hub.labs.storage.run_inputs import add_inputs


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to add; it is queued."""

    person: str
    revision: int
    path: str
    image: str
    image_id: str
    flavour: str
    parameters: dict[str, Any]
    inputs: tuple[RunInput, ...]
    name: str
    note: str
    at: datetime
    datasets: tuple[Use, ...] = ()
    hold: bool = False
    turn: Turn | None = None
    """Of the schedule that orders it."""


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs of a lab, from where on.

    Attributes:
        first: the first revision whose runs may be seen.
        person: empty: everybody's.
        hidden_by: only deleted ones: those that this person started ("" is everybody); None: none
            of them.
        sweep: only those of the sweep of this id.
    """

    first: int = 1
    state: RunState | None = None
    person: str = ""
    hidden_by: str | None = None
    before: int | None = None
    limit: int = 24
    sweep: int | None = None


class RunTable:
    """Rows of runs. Who may see them is the services' to decide."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def add(self, lab: Lab, new: NewRun) -> Run:
        """Add a run under the lab's next number.

        Raises:
            RowClash: another got this number at the same moment.
            TurnTaken: the schedule that orders it did so already.
        """
        with self._sessions() as db:
            row = put_run(db, lab, new)
            if new.turn is not None:
                schedules.order(db, new.turn, row.number)
            note(db, f"the run {lab.path}#{row.number}")
            db.flush()
            return _run(row, lab.path)

    def find(self, lab: Lab, number: int) -> Run | None:
        """Return the run of this number, also a deleted one, or None."""
        return self._one(_runs().where(RunRow.lab_id == lab.id, RunRow.number == number))

    def get(self, run_id: int) -> Run | None:
        """Return a run by its id, or None."""
        return self._one(_runs().where(RunRow.id == run_id))

    def lab_of(self, run: Run) -> Lab | None:
        """Return the lab of a run, also from the trash; None: it is purged."""
        with self._sessions() as db:
            row = db.get(LabRow, run.lab_id)
            return None if row is None else lab_of(row)

    def page(self, lab: Lab, query: RunQuery) -> tuple[Run, ...]:
        """Return runs of a lab, the newest first."""
        wanted = _runs().where(RunRow.lab_id == lab.id, RunRow.revision >= query.first)
        if query.hidden_by is None:
            wanted = wanted.where(RunRow.hidden_at.is_(None))
        else:
            wanted = wanted.where(RunRow.hidden_at.is_not(None))
        for person in filter(None, (query.person, query.hidden_by)):
            wanted = wanted.where(RunRow.person == person)
        if query.state is not None:
            wanted = wanted.where(RunRow.state == query.state)
        if query.before is not None:
            wanted = wanted.where(RunRow.number < query.before)
        if query.sweep is not None:
            of_it = select(SweepRunRow.run_id).where(SweepRunRow.sweep_id == query.sweep)
            wanted = wanted.where(RunRow.id.in_(of_it))
        return self._all(wanted.order_by(RunRow.number.desc()).limit(query.limit))

    def of_person(
        self, person: str, *, is_over: bool | None, before: int | None, limit: int
    ) -> tuple[Run, ...]:
        """Return runs that a person started, without deleted ones, the newest first."""
        wanted = _runs().where(RunRow.person == person, RunRow.hidden_at.is_(None))
        if is_over is not None:
            states = [state for state in RunState if state.is_final is is_over]
            wanted = wanted.where(RunRow.state.in_(states))
        if before is not None:
            wanted = wanted.where(RunRow.id < before)
        return self._all(wanted.order_by(RunRow.id.desc()).limit(limit))

    def count(self, lab: Lab, *, first: int) -> int:
        """Count the runs of a lab, of revisions from `first` on, without deleted ones."""
        wanted = select(func.count()).where(
            RunRow.lab_id == lab.id, RunRow.revision >= first, RunRow.hidden_at.is_(None)
        )
        with self._sessions() as db:
            return db.scalar(wanted) or 0

    def changes(self, runs: Collection[int]) -> dict[int, tuple[RunChange, ...]]:
        """Return the changes of state of runs by their ids, the first first."""
        wanted = select(RunChangeRow).where(RunChangeRow.run_id.in_(runs))
        found: dict[int, tuple[RunChange, ...]] = dict.fromkeys(runs, ())
        with self._sessions() as db:
            for row in db.scalars(wanted.order_by(RunChangeRow.id)):
                change = RunChange(RunState(row.state), row.at, row.sentence)
                found[row.run_id] = (*found[row.run_id], change)
        return found

    def count_queued(self, person: str) -> int:
        """Count the runs of a person that wait."""
        with self._sessions() as db:
            wanted = select(func.count()).where(
                RunRow.person == person, RunRow.state == RunState.QUEUED
            )
            return db.scalar(wanted) or 0

    def count_before(self, run: Run) -> int:
        """Count the runs that its person ordered earlier and that are not over yet."""
        with self._sessions() as db:
            wanted = select(func.count()).where(
                RunRow.person == run.person, RunRow.id < run.id, RunRow.is_settled.is_(False)
            )
            return db.scalar(wanted) or 0

    def place_in_line(self, run: Run) -> str:
        """Return the Hub's sentence on why a run that starts waits; empty: it does not."""
        here = (run.person, tickets.server_of(run.id))
        with self._sessions() as db:
            row = db.get(WaitRow, here)
            return "" if row is None else row.why

    def unsettled(self) -> tuple[Run, ...]:
        """Return the runs that are not over, or whose servers are not gone, the oldest first."""
        return self._all(_runs().where(RunRow.is_settled.is_(False)).order_by(RunRow.id))

    def of_trashed_labs(self) -> tuple[Run, ...]:
        """Return the runs that go on, or are held, though their labs are in the trash."""
        wanted = _runs().where(RunRow.is_settled.is_(False), RunRow.stop_at.is_(None))
        goes_on = or_(RunRow.state.not_in(_FINAL), _HELD)
        return self._all(wanted.where(goes_on, LabRow.trashed_at.is_not(None)))

    def of_code(self, run_id: int, *, code_hash: str, token_hash: str) -> Run | None:
        """Return the run that this code is of, if it was not used for another token, or None."""
        wanted = _runs().where(RunRow.id == run_id, RunRow.token_hash.in_(("", token_hash)))
        return self._one(wanted.where(RunRow.code_hash == code_hash)) if code_hash else None

    def of_token(self, run_id: int, token_hash: str) -> Run | None:
        """Return the run that this token is of, or None."""
        wanted = _runs().where(RunRow.id == run_id, RunRow.token_hash == token_hash)
        return self._one(wanted) if token_hash else None

    def set_code(self, run: Run, code_hash: str) -> bool:
        """Keep the hash of the code of a run that is about to be started."""
        step = _of(run).where(RunRow.state == run.state, RunRow.token_hash == "")
        return self._set(step.values(code_hash=code_hash))

    def start(self, run: Run, at: datetime) -> bool:
        """Note that the Hub took a queued run; False: it is not queued any more."""
        step = _of(run).where(RunRow.state == RunState.QUEUED)
        values = {"state": RunState.STARTING, "started_at": at}
        return self._set(step.values(values), RunChange(RunState.STARTING, at), run)

    def exchange(self, run: Run, *, code_hash: str, token_hash: str, at: datetime) -> bool:
        """Take a run's code for its token, once: it runs. False: the code is used or too late."""
        step = _of(run).where(
            RunRow.code_hash == code_hash,
            RunRow.token_hash == "",
            RunRow.state.in_((RunState.QUEUED, RunState.STARTING)),
        )
        values = {"state": RunState.RUNNING, "token_hash": token_hash, "running_at": at}
        if run.started_at is None:
            values["started_at"] = at
        return self._set(step.values(values), RunChange(RunState.RUNNING, at), run)

    def end(
        self,
        run: Run,
        state: RunState,
        reason: Reason | None,
        at: datetime,
        *,
        held_until: datetime | None = None,
    ) -> bool:
        """Put a run into a final state; False: it is in one already."""
        values = {
            "state": state,
            "ended_at": at,
            "held_until": held_until,
            "silent_since": None,
            # The Hub knows nothing of one that never had a code.
            "is_settled": and_(RunRow.state == RunState.QUEUED, RunRow.code_hash == ""),
            "reason": None if reason is None else asdict(reason),
        }
        step = _of(run).where(RunRow.state == run.state, RunRow.state.not_in(_FINAL))
        sentence = reason.sentence if reason else ""
        return self._set(step.values(values), RunChange(state, at, sentence), run)

    def order_stop(self, run: Run, by: str, at: datetime) -> bool:
        """Order a run to stop, or to be held no more; False: it is over, or was ordered to."""
        goes_on = or_(RunRow.state.not_in(_FINAL), _HELD)
        step = _of(run).where(goes_on, RunRow.stop_at.is_(None))
        return self._set(step.values(stop_at=at, stop_by=by))

    def set_silent(self, run: Run, since: datetime | None) -> bool:
        """Note since when nobody can know how a run is; None: one knows again."""
        return self._set(_of(run).where(RunRow.state.not_in(_FINAL)).values(silent_since=since))

    def settle(self, run: Run) -> bool:
        """Note that a run is over and that its server is gone."""
        step = _of(run).where(RunRow.state.in_(_FINAL))
        return self._set(step.values(is_settled=True, code_hash="", token_hash=""))

    def change(self, run: Run, *, name: str | None, note: str | None) -> bool:
        """Give a run a name, a note; None leaves it."""
        said = {"name": name, "note": note}
        values = {key: value for key, value in said.items() if value is not None}
        return not values or self._set(_of(run).values(values))

    def set_notebook(self, run: Run, sha256: str, size: int) -> bool:
        """Keep which blob is the executed notebook."""
        return self._set(_of(run).values(notebook=sha256, notebook_bytes=size))

    def hide(self, run: Run, at: datetime | None, by: str = "") -> bool:
        """Delete a run so that it can be restored (None: restore it)."""
        return self._set(_of(run).values(hidden_at=at, hidden_by=by))

    def purge(self, before: datetime) -> int:
        """Forget the runs that were deleted before a moment; return how many."""
        old = delete(RunRow).where(RunRow.hidden_at < before, RunRow.is_settled.is_(True))
        with self._sessions() as db:
            return cast("CursorResult[Any]", db.execute(old)).rowcount

    def forget(self, person: str) -> None:
        """Mark that who started runs left: another of the same name must not be taken for them."""
        with self._sessions() as db:
            step = update(RunRow).where(RunRow.person == person)
            db.execute(step.values(person=f"{person} (left)"))

    def _set(self, step: Any, change: RunChange | None = None, run: Run | None = None) -> bool:
        with self._sessions() as db:
            done = changed(db, step)
            if done and change is not None and run is not None:
                row = RunChangeRow(
                    run_id=run.id, state=change.state, at=change.at, sentence=change.sentence
                )
                db.add(row)
            return done

    def _one(self, wanted: Select[RunRow, str, str]) -> Run | None:
        found = self._all(wanted)
        return found[0] if found else None

    def _all(self, wanted: Select[RunRow, str, str]) -> tuple[Run, ...]:
        with self._sessions() as db:
            rows = db.execute(wanted)
            return tuple(_run(row, f"{owner}/{name}") for row, owner, name in rows)


def put_run(db: Session, lab: Lab, new: NewRun) -> RunRow:
    """Add a run under the lab's next number, in the transaction of `db`."""
    last = select(func.max(RunRow.number)).where(RunRow.lab_id == lab.id)
    row = RunRow(
        lab_id=lab.id,
        number=(db.scalar(last) or 0) + 1,
        person=new.person,
        name=new.name,
        note=new.note,
        revision=new.revision,
        path=new.path,
        image=new.image,
        image_id=new.image_id,
        flavour=new.flavour,
        parameters=new.parameters,
        is_to_hold=new.hold,
        state=RunState.QUEUED,
        created_at=new.at,
    )
    db.add(row)
    db.flush()
    db.add(RunChangeRow(run_id=row.id, state=RunState.QUEUED, at=new.at))
    add_inputs(db, row.id, new.inputs)
    add_uses(db, row.id, new.datasets)
    return row


_HELD = and_(RunRow.held_until.is_not(None), RunRow.is_settled.is_(False))
_FINAL = tuple(state for state in RunState if state.is_final)


def _runs() -> Select[RunRow, str, str]:
    return select(RunRow, LabRow.owner, LabRow.name).join(LabRow, LabRow.id == RunRow.lab_id)


def _of(run: Run) -> Any:
    return update(RunRow).where(RunRow.id == run.id)


def _run(row: RunRow, lab: str) -> Run:
    return Run(
        id=row.id,
        lab_id=row.lab_id,
        number=row.number,
        lab=lab,
        person=row.person,
        name=row.name,
        note=row.note,
        revision=row.revision,
        path=row.path,
        image=row.image,
        image_id=row.image_id,
        flavour=row.flavour,
        parameters=row.parameters,
        state=RunState(row.state),
        is_settled=row.is_settled,
        created_at=row.created_at,
        started_at=row.started_at,
        running_at=row.running_at,
        ended_at=row.ended_at,
        silent_since=row.silent_since,
        stop_at=row.stop_at,
        stop_by=row.stop_by,
        reason=_reason(row.reason),
        is_to_hold=row.is_to_hold,
        held_until=row.held_until,
        notebook=row.notebook,
        notebook_bytes=row.notebook_bytes,
        hidden_at=row.hidden_at,
    )


def _reason(kept: dict[str, Any] | None) -> Reason | None:
    if kept is None:
        return None
    return Reason(**kept | {"traceback": tuple(kept.get("traceback") or ())})
