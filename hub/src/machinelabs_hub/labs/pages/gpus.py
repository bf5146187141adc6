"""The site's cards for admins: what they do, who holds them, the line, reservations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from machinelabs_hub.errors import BadInput, MachineLabsError, NotAllowed
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.gpu.reservations import Repeat, Reservation
from machinelabs_hub.labs.context import Context
from machinelabs_hub.labs.models.gpus import ShownCard, by_minute
from machinelabs_hub.labs.models.page import MOST
from machinelabs_hub.labs.models.reservation import Booking
from machinelabs_hub.labs.pages.look import page
from machinelabs_hub.labs.pages.plots import Spark, spark
from machinelabs_hub.labs.security import Ctx
from machinelabs_hub.labs.services.viewer import SignInNeeded
from machinelabs_hub.names import shown
from machinelabs_hub.sites import LABS_PREFIX

router = APIRouter()

PAGE: Final = f"{LABS_PREFIX}/-/gpus"
_HOUR: Final = timedelta(hours=1)
_MOST_SLOTS: Final = 10_000
_MOST_TITLE: Final = 120
_MOST_GRACE: Final = 24 * 60

Text = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Row:
    """A card as the page shows it."""

    card: ShownCard
    name: str
    state: Health
    """With what was ordered and the Hub has not obeyed yet."""
    spark: Spark | None
    idle_minutes: int | None
    is_idle_longer: bool
    """It idles since before the hour that is looked at."""


@router.get("/-/gpus", include_in_schema=False)
def gpus(request: Request, ctx: Ctx) -> Response:
    """Give the page."""
    return _page(request, ctx)


@router.post("/-/gpus/drain", include_in_schema=False)
def drain(request: Request, ctx: Ctx, uuid: Text = "", why: Text = "") -> Response:
    """Keep a card back."""
    return _done(request, ctx, lambda: ctx.gpus.drain(uuid, why))


@router.post("/-/gpus/end-drain", include_in_schema=False)
def end_drain(request: Request, ctx: Ctx, uuid: Text = "") -> Response:
    """Hand a card out again."""
    return _done(request, ctx, lambda: ctx.gpus.end_drain(uuid))


@router.post("/-/gpus/return", include_in_schema=False)
def give_back(request: Request, ctx: Ctx, uuid: Text = "") -> Response:
    """Say that a failed card is well."""
    return _done(request, ctx, lambda: ctx.gpus.give_back(uuid))


@router.post("/-/gpus/reserve", include_in_schema=False)
def reserve(
    request: Request,
    ctx: Ctx,
    group: Text = "",
    title: Text = "",
    flavour: Text = "",
    slots: Text = "",
    starts_at: Text = "",
    ends_at: Text = "",
    zone: Text = "",
    repeat: Text = "",
    last_day: Text = "",
    grace_minutes: Text = "",
) -> Response:
    """Keep slots for a group."""
    typed = {
        "group": group,
        "title": title,
        "flavour": flavour,
        "slots": slots,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "zone": zone,
        "repeat": repeat,
        "last_day": last_day,
        "grace_minutes": grace_minutes,
    }
    return _done(
        request,
        ctx,
        lambda: ctx.reservations.add(_reservation(typed)),
        typed=typed,
        place="reserved",
    )


@router.post("/-/gpus/cancel", include_in_schema=False)
def cancel(request: Request, ctx: Ctx, number: Text = "") -> Response:
    """Cancel a reservation."""

    def act() -> None:
        most = 2**31 - 1
        ctx.reservations.cancel(_whole("The number", number, most))

    return _done(request, ctx, act, place="reserved")


def _done(
    request: Request,
    ctx: Context,
    act: Callable[[], object],
    *,
    typed: dict[str, str] | None = None,
    place: str = "cards",
) -> Response:
    try:
        act()
    except (NotAllowed, SignInNeeded):
        raise
    except MachineLabsError as error:
        return _page(request, ctx, typed=typed, trouble=str(error))
    return RedirectResponse(f"{PAGE}#{place}", 303)


def _page(
    request: Request, ctx: Context, *, typed: dict[str, str] | None = None, trouble: str = ""
) -> Response:
    found, now = ctx.gpus.cards(), ctx.tools.clock()
    rows = [_row(card, now) for card in found.cards]
    titles = {flavour.name: flavour.title for flavour in ctx.catalog.flavours}
    return page(
        "gpus.html",
        request,
        ctx,
        current="gpus",
        now=now,
        rows=rows,
        not_measured=found.trouble,
        free=sum(1 for row in rows if row.state is Health.OK and not row.card.holders),
        line=ctx.gpus.line(),
        reservations=[(one, _times(one)) for one in ctx.reservations.page(limit=MOST).items],
        flavours=[flavour for flavour in ctx.catalog.flavours if flavour.gpu],
        titles=titles,
        typed=typed or _blank(now),
        trouble=trouble,
    )


def _row(card: ShownCard, now: datetime) -> Row:
    row, idle = card.row, card.idle_since
    state = Health.DRAINED if card.drain else Health.OK
    return Row(
        card=card,
        name=f"{row.model} {row.profile}".strip(),
        state=Health.FAILED if row.health == Health.FAILED.value else state,
        spark=spark(by_minute(card.past), now - _HOUR, now) if card.past else None,
        idle_minutes=int((now - idle).total_seconds() // 60) if idle else None,
        is_idle_longer=bool(idle and idle == card.past[0].at and now - idle > 0.95 * _HOUR),
    )


def _times(booking: Booking) -> str:
    """Return when it holds now or next, by its own clock; empty: it is over."""
    if booking.next is None:
        return ""
    clock = ZoneInfo(booking.row.zone)
    begin, end = booking.next.starts_at.astimezone(clock), booking.next.ends_at.astimezone(clock)
    until = f"{end:%H:%M}" if begin.date() == end.date() else f"{end:%-d %B, %H:%M}"
    return f"{begin:%-d %B, %H:%M} to {until}"


def _blank(now: datetime) -> dict[str, str]:
    first = (now + timedelta(days=1)).replace(hour=9, minute=0)
    written = "%Y-%m-%dT%H:%M"
    return {
        "group": "",
        "title": "",
        "flavour": "",
        "slots": "1",
        "starts_at": first.strftime(written),
        "ends_at": (first + 2 * _HOUR).strftime(written),
        "zone": "UTC",
        "repeat": "",
        "last_day": "",
        "grace_minutes": "15",
    }


def _reservation(typed: dict[str, str]) -> Reservation:
    zone = typed["zone"].strip()
    try:
        clock = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"“{shown(zone)}” is no time zone. Write one as Europe/Berlin.") from error
    if len(typed["title"]) > _MOST_TITLE:
        raise BadInput(f"The title has at most {_MOST_TITLE} characters.")
    if typed["repeat"] not in set(Repeat):
        raise BadInput("Choose how often it repeats: once, daily or weekly.")
    until = None
    if typed["last_day"]:
        # The repeats end after this day, so the first moment of the next one is the end.
        day = _moment("The last day", typed["last_day"], clock).date()
        until = datetime.combine(day + timedelta(days=1), time(), clock).astimezone(UTC)
    return Reservation(
        id=0,
        group=typed["group"].strip(),
        flavour=typed["flavour"],
        slots=_whole("How many", typed["slots"], _MOST_SLOTS),
        starts_at=_moment("The beginning", typed["starts_at"], clock).astimezone(UTC),
        ends_at=_moment("The end", typed["ends_at"], clock).astimezone(UTC),
        title=typed["title"],
        repeat=Repeat(typed["repeat"]),
        repeat_until=until,
        zone=zone,
        grace=timedelta(
            minutes=_whole("The minutes of grace", typed["grace_minutes"], _MOST_GRACE)
        ),
    )


def _moment(what: str, text: str, clock: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{what} is no time. Write it as 2027-01-11T09:00.") from error
    if not date(2000, 1, 1) <= found.date() < date(2200, 1, 1):
        raise BadInput(f"{what} has to be between the years 2000 and 2200.")
    return found.replace(tzinfo=clock)


def _whole(what: str, text: str, most: int) -> int:
    try:
        found = int(text)
    except ValueError:
        found = 0
    if not 1 <= found <= most:
        raise BadInput(f"{what} has to be a whole number from 1 to {most}.")
    return found
