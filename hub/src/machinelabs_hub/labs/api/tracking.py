"""`/labs/{owner}/{name}/runs/…/metrics`: what the code of runs measures, as JSON and as tables."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from machinelabs_hub.labs.api.addresses import Name, Owner, refusals
from machinelabs_hub.labs.api.raw import bytes_of, file_headers
from machinelabs_hub.labs.api.runs import RunNumber
from machinelabs_hub.labs.models.page import MOST
from machinelabs_hub.labs.models.tracking import Course
from machinelabs_hub.labs.security import Ctx

CSV: Final = "text/csv"
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?")
router = APIRouter(prefix="/labs/{owner}/{name}/runs", tags=["runs"])


class PointBody(BaseModel):
    """One value of a metric."""

    step: int
    value: Annotated[float | None, Field(description="Null: NaN or infinite.")]
    at: Annotated[float, Field(description="Seconds since 1970.")]


class MetricBody(BaseModel):
    """One metric of a run."""

    name: str
    count: Annotated[int, Field(description="How many values the code gave.")]
    last: float | None
    lowest: float | None
    highest: float | None
    points: Annotated[
        list[PointBody],
        Field(
            description="All values, or of many about 500: the first, the last, and the lowest and "
            "highest of stretches of equal length."
        ),
    ]

    @classmethod
    def of(cls, name: str, course: Course) -> "MetricBody":
        """Return it as the API tells it."""
        return cls(
            name=name,
            count=course.count,
            last=course.finite_last,
            lowest=course.low.value if course.low else None,
            highest=course.high.value if course.high else None,
            points=[PointBody(step=p.step, value=p.value, at=p.at) for p in course.points],
        )


class TrackedBody(BaseModel):
    """All that the code of a run says of itself."""

    metrics: list[MetricBody]
    params: Annotated[
        dict[str, str], Field(description="What the code logged; the run's parameters are others.")
    ]
    tags: dict[str, str]


@router.get(
    "/table.csv", response_class=Response, responses=refusals(404) | bytes_of("A table.", CSV)
)
def read_runs_table(
    ctx: Ctx,
    owner: Owner,
    name: Name,
    limit: Annotated[int, Query(ge=1, le=1000, description="So many runs, the newest.")] = 1000,
) -> Response:
    """Read the runs of a lab as a table: parameters and the last values of metrics as columns."""
    lab = ctx.labs.get(owner, name)
    found = ctx.runs.list(lab, limit=MOST)
    runs = list(found.items)
    while found.next is not None and len(runs) < limit:
        found = ctx.runs.list(lab, cursor=found.next, limit=MOST)
        runs += found.items
    return _csv(ctx.tracking.table(runs[:limit]), f"{lab.name}-runs.csv")


@router.get("/{number}/metrics", responses=refusals(404))
def get_run_metrics(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> TrackedBody:
    """Return what the code of a run measures, and the parameters and tags that it set."""
    tracked = ctx.tracking.of(ctx.runs.get(ctx.labs.get(owner, name), number))
    return TrackedBody(
        metrics=[MetricBody.of(one, course) for one, course in tracked.metrics.items()],
        params=tracked.params,
        tags=tracked.tags,
    )


@router.get(
    "/{number}/metrics.csv",
    response_class=Response,
    responses=refusals(404) | bytes_of("A table.", CSV),
)
def read_run_metrics(ctx: Ctx, owner: Owner, name: Name, number: RunNumber) -> Response:
    """Read the metrics of a run as a table: name, step, value, seconds since 1970."""
    lab = ctx.labs.get(owner, name)
    tracked = ctx.tracking.of(ctx.runs.get(lab, number))
    rows: list[Iterable[Any]] = [("metric", "step", "value", "at")]
    for called, course in tracked.metrics.items():
        rows += [(called, one.step, one.value, one.at) for one in course.points]
    return _csv(rows, f"{lab.name}-{number}-metrics.csv")


def _csv(rows: Iterable[Iterable[Any]], name: str) -> Response:
    headers = {key: value for key, value in file_headers(name, "").items() if key != "ETag"}
    return StreamingResponse(_lines(rows), headers=headers, media_type=CSV)


def _lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    file = io.StringIO()
    writer = csv.writer(file)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield file.getvalue()
        file.seek(0)
        file.truncate()


def _cell(value: Any) -> Any:
    # A spreadsheet takes text that begins so for a formula, and people's code wrote it.
    is_formula = isinstance(value, str) and value[:1] in _FORMULAS and not _NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value
