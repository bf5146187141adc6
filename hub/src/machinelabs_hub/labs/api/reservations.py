"""`/reservations`: GPUs that are kept for a group at certain times."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from machinelabs_hub.gpu.reservations import Repeat, Reservation
from machinelabs_hub.labs.api.addresses import refusals
from machinelabs_hub.labs.api.idempotency import Once
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, MOST
from machinelabs_hub.labs.models.reservation import Booking
from machinelabs_hub.labs.security import Ctx

router = APIRouter(prefix="/reservations", tags=["reservations"], route_class=Once)

CENTURIES = range(2000, 2200)


def _of_our_time(at: datetime) -> datetime:
    # Others cannot be written in UTC, or mean nothing.
    if at.year not in CENTURIES:
        raise ValueError(f"a time between the years {CENTURIES.start} and {CENTURIES.stop}")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
RepeatName = Literal["", "daily", "weekly"]


class ReservationRequest(BaseModel):
    """Slots of a size with a GPU that are kept for a group, once or again and again."""

    model_config = ConfigDict(extra="forbid")

    group: Annotated[str, Field(min_length=1, max_length=255, examples=["ml101"])]
    flavour: Annotated[str, Field(min_length=1, max_length=64, examples=["gpu-small"])]
    slots: Annotated[int, Field(ge=1, le=10_000, description="How many of them may run at once.")]
    starts_at: Annotated[Moment, Field(examples=["2027-01-11T09:00:00+01:00"])]
    ends_at: Annotated[
        Moment,
        Field(description="The end of the first time.", examples=["2027-01-11T11:00:00+01:00"]),
    ]
    title: Annotated[
        str, Field(max_length=120, description="What those who wait read.", examples=["a class"])
    ] = ""
    repeat: Annotated[RepeatName, Field(description="Empty: once.")] = ""
    repeat_until: Annotated[
        Moment | None, Field(description="No repeat begins then or later; null: no end.")
    ] = None
    zone: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            description="The time zone whose clock repeats follow.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    grace_minutes: Annotated[
        int,
        Field(
            ge=1, le=24 * 60, description="After so long what nobody of the group uses goes back."
        ),
    ] = 15

    def reservation(self) -> Reservation:
        """Return it as the services take it."""
        return Reservation(
            id=0,
            group=self.group,
            flavour=self.flavour,
            slots=self.slots,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            title=self.title,
            repeat=Repeat(self.repeat),
            repeat_until=self.repeat_until,
            zone=self.zone,
            grace=timedelta(minutes=self.grace_minutes),
        )


class ReservationBody(BaseModel):
    """A reservation, and when it holds now or next."""

    id: int
    title: str
    group: str
    flavour: str
    slots: int
    starts_at: datetime
    ends_at: datetime
    repeat: RepeatName
    repeat_until: datetime | None
    zone: str
    grace_minutes: int
    by: str
    at: datetime
    next_starts_at: Annotated[datetime | None, Field(description="null: it is over.")]
    next_ends_at: datetime | None


class ReservationsBody(BaseModel):
    """Reservations, the last made first."""

    items: list[ReservationBody]
    next: str | None


@router.get("", responses=refusals())
def list_reservations(
    ctx: Ctx,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = DEFAULT_LIMIT,
) -> ReservationsBody:
    """List what is kept for whom: whoever waits may know why."""
    found = ctx.reservations.page(cursor=cursor, limit=limit)
    return ReservationsBody(items=[_body(row) for row in found.items], next=found.next)


@router.post("", status_code=201, responses=refusals(403))
def add_reservation(ctx: Ctx, body: ReservationRequest) -> ReservationBody:
    """Keep slots for a group (admins only). Servers that run are not stopped for it."""
    return _body(ctx.reservations.add(body.reservation()))


@router.delete("/{number}", status_code=204, responses=refusals(403, 404))
def cancel_reservation(
    ctx: Ctx, number: Annotated[int, Path(ge=1, le=2**31 - 1, description="Its `id`.")]
) -> None:
    """Cancel a reservation (admins only): what it kept is everybody's at once."""
    ctx.reservations.cancel(number)


def _body(booking: Booking) -> ReservationBody:
    row = booking.row
    return ReservationBody(
        id=row.id,
        title=row.title,
        group=row.group,
        flavour=row.flavour,
        slots=row.slots,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        repeat=row.repeat.value,
        repeat_until=row.repeat_until,
        zone=row.zone,
        grace_minutes=round(row.grace.total_seconds() / 60),
        by=booking.by,
        at=booking.at,
        next_starts_at=booking.next.starts_at if booking.next else None,
        next_ends_at=booking.next.ends_at if booking.next else None,
    )
