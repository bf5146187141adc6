"""*My usage*, with plots, and for admins what everybody used and extra hours."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import MachineLabsError, NotAllowed
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.page import MOST
from machinelabs_hub.labs.models.usage import MOST_DAYS, Usage, Used
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.plots import Plot, bars_by_day
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.viewer import SignInNeeded
from machinelabs_hub.plans.model import HOUR, Kind
from machinelabs_hub.plans.policy import comes_back
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

PAGE: Final = f"{LABS_PREFIX}/-/usage"
_TITLES: Final = {Kind.GPU: "GPU hours", Kind.CPU: "Hours of servers without a GPU"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One kind of hours as the page shows it; texts are hours."""

    title: str
    used: str
    given: str
    left: str
    percent: int | None
    ends_at: datetime | None
    plot: Plot | None


@router.get("/-/usage", include_in_schema=False)
def usage(request: Request, ctx: Ctx) -> Response:
    """Give one's own page."""
    found = ctx.hours.usage()
    titles = {flavour.name: flavour.title for flavour in ctx.catalog.flavours}
    return page(
        "usage.html",
        request,
        ctx,
        current="usage",
        usage=found,
        comes_back=comes_back(found.plan, ctx.tools.clock()),
        kinds=[_shown(found, row, titles) for row in found.kinds],
        days=[
            (row.day, titles.get(row.flavour, row.flavour), _TITLES[row.kind], _h(row.seconds))
            for row in reversed(found.days)
        ],
        live=[
            (use.session.server, titles.get(use.session.flavour, use.session.flavour), use.since)
            for use in found.live
        ],
        titles=titles,
    )


@router.get("/-/usage/people", include_in_schema=False)
def people(request: Request, ctx: Ctx, month: str = "") -> Response:
    """Give admins what everybody used in a month."""
    return _people(request, ctx, month=month)


@router.post("/-/usage/people", include_in_schema=False)
def give(
    request: Request,
    ctx: Ctx,
    user: Annotated[str, Form()] = "",
    gpu_hours: Annotated[str, Form()] = "",
    cpu_hours: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
    month: Annotated[str, Form()] = "",
) -> Response:
    """Give somebody extra hours."""
    typed = {
        "user": user,
        "gpu_hours": gpu_hours,
        "cpu_hours": cpu_hours,
        "reason": reason,
        "month": month,
    }
    try:
        ctx.hours.grant(
            user, cpu_hours=_number(cpu_hours), gpu_hours=_number(gpu_hours), reason=reason,
            month=month,
        )  # fmt: skip
    except (NotAllowed, SignInNeeded):
        raise
    except MachineLabsError as error:
        return _people(request, ctx, typed=typed, trouble=str(error))
    return RedirectResponse(f"{PAGE}/people?{urlencode({'month': month})}#extra", 303)


def _people(
    request: Request,
    ctx: Context,
    *,
    month: str = "",
    typed: dict[str, str] | None = None,
    trouble: str = "",
) -> Response:
    named, rows = ctx.hours.people(month)
    first = date.fromisoformat(f"{named}-01")
    return page(
        "usage_people.html",
        request,
        ctx,
        current="usage-people",
        month=first,
        months={
            "before": f"{first - timedelta(days=1):%Y-%m}",
            "after": f"{first + timedelta(days=32):%Y-%m}",
        },
        rows=[(row, _h(row.gpu_seconds), _h(row.cpu_seconds)) for row in rows],
        grants=ctx.hours.grants(month=named, limit=MOST).items,
        csv=f"{LABS_PREFIX}/api/v1/usage.csv?{urlencode({'month': named})}",
        typed=typed or {"user": "", "gpu_hours": "", "cpu_hours": "", "reason": "", "month": named},
        trouble=trouble,
    )


def _shown(found: Usage, row: Used, titles: dict[str, str]) -> Shown:
    return Shown(
        title=_TITLES[row.kind],
        used=_h(row.used),
        given="" if row.given is None else _h(row.given),
        left="" if row.left is None else _h(row.left),
        percent=None if row.given is None else min(100, round(100 * row.used / (row.given or 1))),
        ends_at=row.ends_at if row.left else None,
        plot=_plot(found, row.kind, titles) if row.used else None,
    )


def _plot(found: Usage, kind: Kind, titles: dict[str, str]) -> Plot:
    first = max(found.window.begins, found.window.ends - timedelta(days=MOST_DAYS)).date()
    last = (found.window.ends - timedelta(microseconds=1)).date()
    values = {
        (row.day, titles.get(row.flavour, row.flavour)): row.seconds / HOUR
        for row in found.days
        if row.kind is kind
    }
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return bars_by_day(_TITLES[kind], days, values, unit="hours")


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", ".") or 0)
    except ValueError:
        return float("nan")


def _h(seconds: float) -> str:
    return f"{seconds / HOUR:,.1f}".replace(",", " ")
