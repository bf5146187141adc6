"""The index of what the code of runs measures. Every method is one transaction."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from machinelabs_hub.db.engine import ASIDE, SessionMaker
from machinelabs_hub.db.tables.tracking import RunMetricRow, RunTrackRow, RunValueRow
from machinelabs_hub.labs.models.tracking import (
    MOST_METRICS,
    MOST_VALUES,
    PARAM,
    TAG,
    Course,
    Point,
    Tracked,
    told_by,
)
from machinelabs_hub.labs.storage.run_events import Event


class TrackTable:
    """Rows of metrics, parameters and tags, each of one run."""

    def __init__(self, *, sessions: SessionMaker) -> None:
        self._sessions = sessions

    def take(self, run_id: int, events: Collection[Event]) -> None:
        """Take what events of a run's log tell; those that were taken before change nothing."""
        with self._sessions() as db:
            # Runs that measure write all the time, and no search is of that.
            db.info[ASIDE] = True
            track = db.get(RunTrackRow, run_id)
            if track is None:
                track = RunTrackRow(run_id=run_id, at=0)
                db.add(track)
            told = told_by(events, after=track.at)
            track.at = told.at
            _add(db, run_id, told.metrics)
            for kind, values in ((PARAM, told.params), (TAG, told.tags)):
                _put(db, run_id, kind, values)

    def at(self, run_id: int) -> int:
        """Return the last event of a run that is in the tables; 0: none is."""
        with self._sessions() as db:
            return db.scalar(select(RunTrackRow.at).where(RunTrackRow.run_id == run_id)) or 0

    def of(self, run_id: int, names: Collection[str] | None = None) -> Tracked:
        """Return all that a run's code told; of metrics only these, if any are named."""
        with self._sessions() as db:
            track = db.get(RunTrackRow, run_id)
            metrics = select(RunMetricRow).where(RunMetricRow.run_id == run_id)
            if names is not None:
                metrics = metrics.where(RunMetricRow.name.in_(names))
            values = select(RunValueRow).where(RunValueRow.run_id == run_id)
            found = Tracked(at=track.at if track else 0)
            for metric in db.scalars(metrics.order_by(RunMetricRow.name)):
                found.metrics[metric.name] = Course.read(metric.course)
            for value in db.scalars(values.order_by(RunValueRow.name)):
                (found.params if value.kind == PARAM else found.tags)[value.name] = value.value
            return found

    def last(self, run_ids: Collection[int]) -> dict[int, dict[str, float | None]]:
        """Return the last value of each metric of each of these runs; None: no finite number."""
        wanted = select(RunMetricRow.run_id, RunMetricRow.name, RunMetricRow.last)
        wanted = wanted.where(RunMetricRow.run_id.in_(run_ids)).order_by(RunMetricRow.name)
        found: dict[int, dict[str, float | None]] = {one: {} for one in run_ids}
        with self._sessions() as db:
            for run_id, name, last in db.execute(wanted):
                found[run_id][name] = last
        return found

    def params(self, run_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """Return the parameters that the code of each of these runs told."""
        wanted = select(RunValueRow).where(
            RunValueRow.run_id.in_(run_ids), RunValueRow.kind == PARAM
        )
        found: dict[int, dict[str, str]] = {one: {} for one in run_ids}
        with self._sessions() as db:
            for row in db.scalars(wanted.order_by(RunValueRow.name)):
                found[row.run_id][row.name] = row.value
        return found


def _add(db: Session, run_id: int, told: Mapping[str, Sequence[Point]]) -> None:
    if not told:
        return
    named = select(RunMetricRow).where(RunMetricRow.run_id == run_id, RunMetricRow.name.in_(told))
    known = {row.name: row for row in db.scalars(named)}
    count = select(func.count()).where(RunMetricRow.run_id == run_id)
    room = MOST_METRICS - (db.scalar(count) or 0)
    for name, points in told.items():
        row = known.get(name)
        course = Course() if row is None else Course.read(row.course)
        for point in points:
            course.add(point)
        if row is not None:
            row.course, row.last = course.write(), course.finite_last
        elif room > 0 and points:
            room -= 1
            last = course.finite_last
            db.add(RunMetricRow(run_id=run_id, name=name, course=course.write(), last=last))


def _put(db: Session, run_id: int, kind: str, values: Mapping[str, str]) -> None:
    if not values:
        return
    those = (RunValueRow.run_id == run_id, RunValueRow.kind == kind)
    named = select(RunValueRow).where(*those, RunValueRow.name.in_(values))
    known = {row.name: row for row in db.scalars(named)}
    room = MOST_VALUES - (db.scalar(select(func.count()).where(*those)) or 0)
    for name, value in values.items():
        if name in known:
            known[name].value = value
        elif room > 0:
            room -= 1
            db.add(RunValueRow(run_id=run_id, kind=kind, name=name, value=value))
