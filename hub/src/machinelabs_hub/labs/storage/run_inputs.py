"""The index of what runs take in. Every method is one transaction."""

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.inputs import RunInputRow
from machinelabs_hub.labs.models.inputs import RunInput
from machinelabs_hub.labs.models.run import Run


class RunInputTable:
    """Rows of inputs, each of one run."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def all(self, run: Run) -> tuple[RunInput, ...]:
        """Return the inputs of a run as its `ml.yaml` lists them."""
        wanted = select(RunInputRow).where(RunInputRow.run_id == run.id)
        with self._sessions() as db:
            return tuple(map(_input, db.scalars(wanted.order_by(RunInputRow.place))))

    def find(self, run: Run, name: str) -> RunInput | None:
        """Return the input of this name, or None."""
        wanted = select(RunInputRow).where(RunInputRow.run_id == run.id, RunInputRow.name == name)
        with self._sessions() as db:
            row = db.scalar(wanted)
            return None if row is None else _input(row)

    def set_content(self, run: Run, name: str, *, sha256: str, size: int) -> None:
        """Keep which content a run got as this input."""
        this = (RunInputRow.run_id == run.id, RunInputRow.name == name)
        with self._sessions() as db:
            db.execute(update(RunInputRow).where(*this).values(sha256=sha256, size_bytes=size))


def add_inputs(db: Session, run_id: int, wanted: Iterable[RunInput]) -> None:
    """Add the inputs of a run in the transaction that adds the run."""
    db.add_all(
        RunInputRow(
            run_id=run_id,
            place=place,
            name=one.name,
            url=one.url,
            asked=one.asked,
            sha256=one.sha256,
            size_bytes=one.size,
        )
        for place, one in enumerate(wanted)
    )


def _input(row: RunInputRow) -> RunInput:
    return RunInput(row.name, row.url, row.asked, row.sha256, row.size_bytes)
