"""All that a run measures, on a page of its own; and columns of the list of a lab's runs."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.values import measured
from machinelabs_hub.labs.pages.curves import curve_of
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.labs.pages.run_parts import run_api, run_url
from machinelabs_hub.labs.security import Ctx

router = APIRouter()

MOST_DRAWN: Final = 60
MOST_COLUMNS: Final = 4
"""Metrics of which the list of runs has a column."""


@router.get("/{owner}/{name}/runs/{number}/metrics", include_in_schema=False)
def metrics(request: Request, ctx: Ctx, owner: str, name: str, number: str) -> Response:
    """Give all that a run measures."""
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - no list is longer
        raise NoPage
    lab = ctx.labs.get(owner, name)
    run = ctx.runs.get(lab, int(number))
    tracked = ctx.tracking.of(run)
    rows = [curve_of(called, course) for called, course in tracked.metrics.items()]
    return page(
        "run_metrics_all.html",
        request,
        ctx,
        run=run,
        run_url=run_url(lab, run.number),
        api=run_api(lab, run.number),
        rows=rows,
        curves=rows[:MOST_DRAWN],
        tracked=tracked,
        **frame(ctx, lab, "runs"),
    )


def columns_of(ctx: Context, runs: Iterable[Run]) -> tuple[list[str], dict[int, list[str]]]:
    """Return the metrics that most of these runs have, and each run's last values of them."""
    last = ctx.tracking.last([run.id for run in runs])
    had = Counter(name for values in last.values() for name in values)
    names = [name for name, _ in had.most_common(MOST_COLUMNS)]
    return names, {
        run: [measured(values[name]) if name in values else "" for name in names]
        for run, values in last.items()
    }
