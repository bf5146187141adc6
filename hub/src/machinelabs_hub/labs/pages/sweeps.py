"""The sweeps of a lab, and the page of one: how its runs go, what they measured."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run_compare import MOST
from machinelabs_hub.labs.models.sweep import Sweep
from machinelabs_hub.labs.models.values import measured, said
from machinelabs_hub.labs.pages.addresses import lab_url
from machinelabs_hub.labs.pages.frame import frame
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.run_compare import compare_url
from machinelabs_hub.labs.pages.run_parts import run_url, took
from machinelabs_hub.labs.pages.sweep_plot import Measured, SweepPlot, is_number, plot
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.sweeps import SweepRun

router = APIRouter()

_LIMIT: Final = 30
_METRICS: Final = 6
"""Columns of the table, and plots."""

Number = Annotated[int, Path(ge=1, lt=2**31)]


def sweep_url(lab: Lab, number: int) -> str:
    """Return the address of a sweep's page."""
    return f"{lab_url(lab)}/sweeps/{number}"


@router.get("/{owner}/{name}/sweeps", include_in_schema=False)
def sweeps(request: Request, ctx: Ctx, owner: str, name: str, cursor: str = "") -> Response:
    """Give the list, the newest first."""
    lab = ctx.labs.get(owner, name)
    found = ctx.sweeps.list(lab, cursor=cursor, limit=_LIMIT)
    states = ctx.sweeps.states(found.items)
    base = f"{lab_url(lab)}/sweeps"
    return page(
        "sweeps.html",
        request,
        ctx,
        sweeps=[(one, sweep_url(lab, one.number), states[one.id]) for one in found.items],
        more=f"{base}?{urlencode({'cursor': found.next})}" if found.next else "",
        **frame(ctx, lab, "runs"),
    )


@router.get("/{owner}/{name}/sweeps/{number}", include_in_schema=False)
def sweep(
    request: Request, ctx: Ctx, owner: str, name: str, number: Number, over: str = ""
) -> Response:
    """Give the page; `over`: the parameter along the plots."""
    lab = ctx.labs.get(owner, name)
    return _page(request, ctx, lab, ctx.sweeps.get(lab, number), over=over)


@router.post("/{owner}/{name}/sweeps/{number}/stop", include_in_schema=False)
def stop(request: Request, ctx: Ctx, owner: str, name: str, number: Number) -> Response:
    """Stop all of its runs."""
    lab = ctx.labs.get(owner, name)
    try:
        ctx.sweeps.stop(lab, number)
    except MachineLabsError as error:
        return _page(request, ctx, lab, ctx.sweeps.get(lab, number), error=error)
    return RedirectResponse(sweep_url(lab, number), HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    ctx: Context,
    lab: Lab,
    found: Sweep,
    *,
    over: str = "",
    error: MachineLabsError | None = None,
) -> Response:
    runs = ctx.sweeps.runs(lab, found)
    metrics = sorted({name for one in runs for name in one.metrics})[:_METRICS]
    here = sweep_url(lab, found.number)
    several = [name for name, values in found.grid.items() if len(values) > 1]
    over = over if over in several else _axis(found, several)
    states = ctx.sweeps.states((found,))[found.id]
    return page(
        "sweep.html",
        request,
        ctx,
        status=error.status if error else HTTPStatus.OK,
        trouble=str(error) if error else "",
        sweep=found,
        sweep_url=here,
        who=runs[0].run.person if runs else "",
        states=states,
        goes_on=any(not state.is_final for state in states),
        may_stop=ctx.sweeps.may_stop(lab, runs),
        names=list(found.grid),
        metrics=metrics,
        rows=[
            (
                one.run,
                run_url(lab, one.run.number),
                took(one.run),
                [said(one.run.parameters.get(name)) for name in found.grid],
                [measured(one.metrics[name]) if name in one.metrics else "" for name in metrics],
            )
            for one in runs
        ],
        plots=[made for name in metrics if (made := _plot(runs, name, over, several))],
        axes=[(name, f"{here}?{urlencode({'over': name})}") for name in several],
        over=over,
        compare=compare_url(lab, [one.run for one in runs]) if 1 < len(runs) <= MOST else "",
        **frame(ctx, lab, "runs"),
    )


def _axis(found: Sweep, several: list[str]) -> str:
    """Return the parameter that plots are over: the first of numbers, or the first."""
    numbers = (name for name in several if all(map(is_number, found.grid[name])))
    return next(numbers, next(iter(several), next(iter(found.grid))))


def _plot(
    runs: tuple[SweepRun, ...], metric: str, over: str, several: list[str]
) -> SweepPlot | None:
    measured = [
        Measured(one.run.number, one.run.parameters, value)
        for one in runs
        if is_number(value := one.metrics.get(metric)) and value is not None
    ]
    others = [name for name in several if name != over]
    return plot(metric, over, measured, others) if len(measured) > 1 else None
