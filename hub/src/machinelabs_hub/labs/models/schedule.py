"""A schedule: which run of a lab is ordered again and again, when, and in whose name. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.run import RunDraft
from machinelabs_hub.names import shown

LONGEST_CRON: Final = 200
LONGEST_ZONE: Final = 64
_PARTS: Final = 5


class BadCron(BadInput):
    """A cron line that says no times."""

    code = "bad_cron"


class BadZone(BadInput):
    """A time zone that there is not."""

    code = "bad_zone"


@dataclass(frozen=True, slots=True)
class Times:
    """The times that a cron line means by the clock of a zone.

    Attributes:
        cron: minute, hour, day of the month, month, day of the week: `0 6 * * 1-5`.
        zone: as `Europe/Berlin`. Where clocks are put forward, what would be in the hour that is
            left out comes right after it; where they are put back, nothing comes twice for it.
    """

    cron: str
    zone: str

    @classmethod
    def read(cls, cron: str, zone: str) -> "Times":
        """Return what somebody wrote, if it means times to come.

        Raises:
            BadCron: it has not five parts, one cannot be read, or no day is like it.
            BadZone: there is no such zone.
        """
        cron, zone = " ".join(cron.split()), zone.strip()
        if len(cron) > LONGEST_CRON or len(cron.split(" ")) != _PARTS:
            raise BadCron(
                f"“{shown(cron)}” is no cron line: write five parts, minute, hour, day of the "
                "month, month, day of the week. “0 6 * * 1-5” is 6:00 on weekdays."
            )
        if len(zone) > LONGEST_ZONE:
            raise BadZone("No time zone has so long a name. Write one as Europe/Berlin, or UTC.")
        _zone(zone)
        try:
            next(CronSim(cron, datetime.now(UTC)))
        except CronSimError as error:
            raise BadCron(
                f"“{shown(cron)}” is no cron line: {_lower(str(error))}. “0 6 * * 1-5” is 6:00 on "
                "weekdays."
            ) from error
        except StopIteration as error:
            raise BadCron(f"“{shown(cron)}” never comes: no month has such a day.") from error
        return cls(cron, zone)

    def after(self, moment: datetime, count: int = 1) -> tuple[datetime, ...]:
        """Return the first `count` times after a moment, in UTC.

        Raises:
            BadZone: the machine knows the zone no more.
        """
        found = CronSim(self.cron, moment.astimezone(_zone(self.zone)))
        return tuple(next(found).astimezone(UTC) for _ in range(count))

    def local(self, moment: datetime) -> datetime:
        """Return a moment by the clock of the zone."""
        return moment.astimezone(_zone(self.zone))

    @property
    def words(self) -> str:
        """The cron line as people say it: “At 06:00 on Monday through Friday”."""
        return CronSim(self.cron, datetime.now(UTC)).explain()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadZone(
            f"“{shown(name)}” is no time zone. Write one as Europe/Berlin, or UTC."
        ) from error


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as its row has it.

    Attributes:
        lab: `owner/name` of its lab now.
        person: in whose name and on whose hours it orders.
        draft: what it orders; without a revision the newest of that time.
        next_at: None: it is paused.
        paused_by: who paused it; empty: nobody, or the site.
        last_at: when its turn was last, ordered or not.
        last_run: the number of the run that it ordered last.
        last_why: why it ordered nothing when its turn was last, or why the site paused it.
    """

    id: int
    lab_id: int
    lab: str
    person: str
    times: Times
    draft: RunDraft
    created_at: datetime
    next_at: datetime | None
    paused_by: str
    last_at: datetime | None
    last_run: int | None
    last_why: str

    @property
    def is_paused(self) -> bool:
        """Whether it orders nothing until somebody resumes it."""
        return self.next_at is None

    def coming(self, count: int) -> tuple[datetime, ...]:
        """Return its next times; none while it is paused."""
        if self.next_at is None:
            return ()
        return (self.next_at, *self.times.after(self.next_at, count - 1))


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a schedule: it was due at a moment, and is due next at another."""

    schedule: int
    due_at: datetime
    next_at: datetime
    at: datetime
    """When the turn is taken: later than it was due, after the service was away."""


@dataclass(frozen=True, slots=True)
class ScheduleRights:
    """What somebody may do with a schedule now."""

    pause: bool
    resume: bool
    remove: bool
