"""The index of what runs put out. Every method is one transaction; the content is in blobs."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.inputs import RunInputRow
from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.runs import RunOutputRow, RunRow
from machinelabs_hub.labs.models.run import Held, Run, RunOutput


class RunOutputTable:
    """Rows of outputs, each of one run."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def put(self, run: Run, path: str, *, size: int, sha256: str, at: datetime) -> RunOutput:
        """Add an output, or take it in the place of the one of the same path."""
        row = RunOutputRow(run_id=run.id, path=path, size_bytes=size, sha256=sha256, created_at=at)
        with self._sessions() as db:
            return _output(db.merge(row))

    def drop(self, run: Run, path: str) -> None:
        """Remove an output, if there is one of this path."""
        wanted = (RunOutputRow.run_id == run.id, RunOutputRow.path == path)
        with self._sessions() as db:
            db.execute(delete(RunOutputRow).where(*wanted))

    def find(self, run: Run, path: str) -> RunOutput | None:
        """Return the output of this path, or None."""
        with self._sessions() as db:
            row = db.get(RunOutputRow, (run.id, path))
            return None if row is None else _output(row)

    def page(self, run: Run, *, after: str, limit: int, below: str = "") -> tuple[RunOutput, ...]:
        """Return outputs of a run by path, after the path `after`, that begin with `below`."""
        wanted = select(RunOutputRow).where(
            RunOutputRow.run_id == run.id, RunOutputRow.path > after
        )
        if below:
            # `LIKE` would take `Data/` for `data/` in SQLite.
            wanted = wanted.where(func.substr(RunOutputRow.path, 1, len(below)) == below)
        with self._sessions() as db:
            rows = db.scalars(wanted.order_by(RunOutputRow.path).limit(limit))
            return tuple(map(_output, rows))

    def held(self, run: Run, *, but: str = "") -> Held:
        """Return how much a run put out, without the output `but`."""
        with self._sessions() as db:
            return self._held(db, RunOutputRow.run_id == run.id, RunOutputRow.path != but)

    def held_of(self, runs: Collection[int]) -> dict[int, Held]:
        """Return how much each of these runs put out, by their ids."""
        size = func.coalesce(func.sum(RunOutputRow.size_bytes), 0)
        wanted = select(RunOutputRow.run_id, func.count(), size)
        wanted = wanted.where(RunOutputRow.run_id.in_(runs)).group_by(RunOutputRow.run_id)
        found = dict.fromkeys(runs, Held(0, 0))
        with self._sessions() as db:
            for run, files, held in db.execute(wanted):
                found[run] = Held(int(files), int(held))
        return found

    def held_by(self, person: str) -> int:
        """Return how many bytes the outputs of a person's runs hold together."""
        with self._sessions() as db:
            theirs = select(RunRow.id).where(RunRow.person == person)
            return self._held(db, RunOutputRow.run_id.in_(theirs)).size

    def all(self) -> Iterator[tuple[str, str, int]]:
        """Return name, content and size of all that runs put out, executed notebooks too."""
        named = (LabRow.owner, LabRow.name, RunRow.number)
        output, run = RunOutputRow, RunRow
        outputs = select(*named, output.path, output.sha256, output.size_bytes)
        outputs = outputs.join(run, run.id == output.run_id).join(LabRow, LabRow.id == run.lab_id)
        books = select(*named, run.path, run.notebook, run.notebook_bytes)
        books = books.join(LabRow, LabRow.id == run.lab_id).where(run.notebook != "")
        with self._sessions() as db:
            for wanted in (outputs, books):
                for owner, name, number, path, sha256, size in db.execute(wanted):
                    yield f"{owner}/{name}#{number}: {path}", sha256, size

    def known(self, hashes: Iterable[str]) -> frozenset[str]:
        """Return those of these blobs that a run put out, or takes in."""
        asked = tuple(hashes)
        with self._sessions() as db:
            outputs = select(RunOutputRow.sha256).where(RunOutputRow.sha256.in_(asked))
            books = select(RunRow.notebook).where(RunRow.notebook.in_(asked))
            taken = select(RunInputRow.sha256).where(RunInputRow.sha256.in_(asked))
            return frozenset((*db.scalars(outputs), *db.scalars(books), *db.scalars(taken)))

    def _held(self, db: Session, *which: ColumnElement[bool]) -> Held:
        wanted = select(func.count(), func.coalesce(func.sum(RunOutputRow.size_bytes), 0))
        files, size = db.execute(wanted.where(*which)).one()
        return Held(int(files), int(size))


def _output(row: RunOutputRow) -> RunOutput:
    return RunOutput(row.path, row.size_bytes, row.sha256, row.created_at)
