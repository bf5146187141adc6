"""What is kept of runs beside them, on SQLite and PostgreSQL alike; it goes with its lab."""

import math
from datetime import timedelta

from sqlalchemy import delete, func, select
from tests.integration.labs.conftest import As
from tests.integration.labs.test_labs import ADA, publish
from tests.integration.labs.test_runs import FILES, started

from machinelabs_hub.db.tables.labs import LabRow
from machinelabs_hub.db.tables.schedules import ScheduleRow
from machinelabs_hub.db.tables.sweeps import SweepRow, SweepRunRow
from machinelabs_hub.db.tables.tracking import RunMetricRow, RunTrackRow, RunValueRow
from machinelabs_hub.db.tables.verifications import RunPeakRow, VerificationRow
from machinelabs_hub.labs.models.run import RunDraft, RunState
from machinelabs_hub.labs.models.verification import Conditions, Outcome, Verdict
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verify import VerifyService

TABLES = (
    ScheduleRow, SweepRow, SweepRunRow, RunMetricRow, RunTrackRow, RunValueRow, RunPeakRow,
    VerificationRow,
)  # fmt: skip


def counts(tools: Tools) -> list[int]:
    with tools.sessions() as db:
        return [db.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES]


def test_what_runs_leave_is_kept_found_and_goes_with_its_lab(tools: Tools, viewed_by: As) -> None:
    lab = publish(viewed_by, files=FILES)
    ctx = viewed_by(ADA)
    sweep = ctx.sweeps.order(lab, RunDraft(), {"rate": [0.1, 0.2]})
    first, second = (one.run for one in ctx.sweeps.runs(lab, sweep))
    assert ctx.sweeps.list(lab).items == (sweep,)
    started(tools, first)
    assert ctx.sweeps.states((sweep,))[sweep.id] == {RunState.QUEUED: 1, RunState.RUNNING: 1}

    metric = {"n": 1, "kind": "metric", "name": "loss", "points": [[1, 0.5, 1.0], [2, 0.25, 2.0]]}
    odd = {"n": 2, "kind": "metric", "name": "odd", "points": [[1, "nan", 1.0]]}
    param = {"n": 3, "kind": "param", "name": "optimizer", "value": "adam"}
    for _ in range(2):
        tools.tracks.take(first.id, [metric, odd, param])
    assert tools.tracks.last([first.id, second.id]) == {
        first.id: {"loss": 0.25, "odd": None}, second.id: {},
    }  # fmt: skip
    assert tools.tracks.params([first.id])[first.id] == {"optimizer": "adam"}
    course = tools.tracks.of(first.id).metrics["odd"]
    assert course.last is not None
    assert math.isnan(course.last.value)
    for mib in (300, 200):
        tools.run_peaks.raise_to(first.id, memory_mib=mib)

    _, made = VerifyService(tools=tools, viewer=ADA).order(lab)
    outcome = Outcome(Verdict.CLEAN, "All of it.")
    held = Conditions("datascience", "sha256:1", "", {})
    assert tools.verifications.settle(made, outcome, held, tools.clock())
    assert not tools.verifications.settle(made, outcome, held, tools.clock())
    assert [one.verification for one in tools.verifications.proofs(after=0)] == [made.id]
    assert ctx.labs.get("ada", lab.name).runs_clean is True

    schedule = ctx.schedules.add(lab, "0 6 * * *", "UTC", RunDraft())
    assert tools.schedules.due(tools.clock(), 10) == ()
    due = tools.schedules.due(tools.clock() + timedelta(days=2), 10)
    assert [one.id for one in due] == [schedule.id]
    assert counts(tools) == [1, 1, 2, 2, 1, 1, 1, 1]

    with tools.sessions() as db:
        db.execute(delete(LabRow).where(LabRow.id == lab.id))
    assert counts(tools) == [0] * len(TABLES)
