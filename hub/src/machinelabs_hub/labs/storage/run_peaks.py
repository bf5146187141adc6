"""The most that runs used. Every method is one transaction."""

from datetime import datetime

from sqlalchemy import or_, select

from machinelabs_hub import tickets
from machinelabs_hub.db.engine import SessionMaker
from machinelabs_hub.db.tables.gpus import ClaimRow
from machinelabs_hub.db.tables.runs import RunRow
from machinelabs_hub.db.tables.verifications import RunPeakRow, VerificationRow
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.needs import Measured
from machinelabs_hub.labs.models.run import RunState

_LOOKED_AT = 20


class RunPeakTable:
    """Rows of peaks, each of one run."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def raise_to(self, run_id: int, *, memory_mib: int = 0, gpu_memory_mib: int = 0) -> None:
        """Keep what a run used if it is the most until now."""
        with self._sessions() as db:
            row = db.get(RunPeakRow, run_id)
            if row is None:
                row = RunPeakRow(run_id=run_id, memory_mib=0, gpu_memory_mib=0)
                db.add(row)
            row.memory_mib = max(row.memory_mib, memory_mib)
            row.gpu_memory_mib = max(row.gpu_memory_mib, gpu_memory_mib)

    def holding(self) -> tuple[tuple[int, str], ...]:
        """Return the runs that hold GPUs now, by their ids, and whose they are."""
        held = select(ClaimRow.server, ClaimRow.user).where(
            ClaimRow.server.startswith(tickets.RUN_PREFIX, autoescape=True),
            ClaimRow.container != "",
            ClaimRow.ended_at.is_(None),
        )
        with self._sessions() as db:
            rows = [(tickets.run_of(server), user) for server, user in db.execute(held)]
        return tuple((run, user) for run, user in rows if run)

    def held_gpus(self, since: datetime) -> tuple[tuple[int, str], ...]:
        """Return the runs that finished since and held GPUs, with their containers."""
        held = select(ClaimRow.server, ClaimRow.container).where(
            ClaimRow.server.startswith(tickets.RUN_PREFIX, autoescape=True),
            ClaimRow.container != "",
            or_(ClaimRow.ended_at.is_(None), ClaimRow.ended_at >= since),
        )
        with self._sessions() as db:
            containers = {row.server: row.container for row in db.execute(held)}
            if not containers:
                return ()
            over = select(RunRow.id).where(
                RunRow.state == RunState.FINISHED, RunRow.ended_at >= since
            )
            found = ((run, containers.get(tickets.server_of(run), "")) for run in db.scalars(over))
            return tuple((run, container) for run, container in found if container)

    def last(self, lab: Lab, *, first: int, limit: int) -> tuple[Measured, ...]:
        """Return what the last runs of a lab used that ran to their ends, the newest first.

        Those of what it opens with, and with its own values: others may need anything.

        Args:
            lab: whose runs.
            first: the first revision whose runs may be told of.
            limit: at most so many.
        """
        asked = (
            RunRow.flavour,
            RunRow.parameters,
            RunRow.running_at,
            RunRow.ended_at,
            RunPeakRow.memory_mib,
            RunPeakRow.gpu_memory_mib,
            VerificationRow.id,
        )
        wanted = (
            select(*asked)
            .join(RunPeakRow, RunPeakRow.run_id == RunRow.id)
            .outerjoin(VerificationRow, VerificationRow.run_id == RunRow.id)
            .where(
                RunRow.lab_id == lab.id,
                RunRow.revision >= first,
                RunRow.path == (lab.entrypoint or ""),
                RunRow.state == RunState.FINISHED,
                RunRow.hidden_at.is_(None),
            )
            .order_by(RunRow.number.desc())
            .limit(_LOOKED_AT)
        )
        with self._sessions() as db:
            found = [
                Measured(flavour, memory, gpu, (end - begin).total_seconds())
                for flavour, values, begin, end, memory, gpu, verifies in db.execute(wanted)
                if begin and end and (not values or verifies is not None)
            ]
        return tuple(found[:limit])
