"""Plans and hours as people see them: their use, what the site tells them, extra hours."""

import csv
import io
import math
import re
from datetime import datetime, timedelta
from typing import Final

from machinelabs_hub.errors import BadInput, NotAllowed, NotFound
from machinelabs_hub.labs.models.member import MemberKind
from machinelabs_hub.labs.models.page import Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.usage import HourGrant, PersonUse, Usage, usage_of
from machinelabs_hub.labs.services.directory import Directory
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in, writer
from machinelabs_hub.labs.storage.hours import HourTable
from machinelabs_hub.names import shown
from machinelabs_hub.plans.budgets import Budgets
from machinelabs_hub.plans.model import HOUR, Notice, Use, Window
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.plans.windows import month_of, month_window, used_in

_GRANTS: Final = "hour-grants"
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
MOST_HOURS: Final = 10_000
MOST_LETTERS: Final = 500

CSV_COLUMNS: Final = (
    "month", "user", "server", "kind", "flavour", "cards", "since", "until", "cpu_hours",
    "gpu_hours", "is_open",
)  # fmt: skip


class NoNotice(NotFound):
    """No such notice holds for a server of this person."""

    code = "no_notice"


class HourService:
    """Hours as `viewer` may see, keep and grant them."""

    def __init__(self, *, tools: Tools, viewer: Person | None, directory: Directory) -> None:
        self._tools = tools
        self._viewer = viewer
        self._directory = directory
        self._usage = UsageTable(sessions=tools.sessions)
        self._notices = NoticeTable(sessions=tools.sessions)
        self._hours = HourTable(sessions=tools.sessions)

    # One's own.

    def usage(self) -> Usage:
        """Return what the viewer used, and what is left of their plan."""
        person, now = signed_in(self._viewer), self._tools.clock()
        standing = person.plan_standing
        budgets = Budgets(plans=self._tools.settings.plans, usage=self._usage)
        budget = budgets.of(
            person.name,
            groups=standing.groups,
            is_admin=standing.is_admin,
            now=now,
        )
        return usage_of(budget, now)

    def notices(self, server: str) -> tuple[Notice, ...]:
        """Return what holds for one of the viewer's servers."""
        return self._notices.of(signed_in(self._viewer).name, server)

    def confirm(self, notice_id: str) -> None:
        """Say that what is open is saved: the server that was told may be stopped.

        Raises:
            NoNotice: the viewer has no server that was told this.
        """
        person = writer(self._viewer)
        found = next((one for one in self._notices.of(person.name) if one.id == notice_id), None)
        if found is None:
            raise NoNotice("This notice does not hold any more. There is nothing to confirm.")
        self._hours.confirm(person.name, found.server, found.id, self._tools.clock())

    def keep(self, server: str) -> None:
        """Say that the viewer needs a server now."""
        self._hours.keep(writer(self._viewer).name, server, self._tools.clock())

    # Everybody's.

    def people(self, month: str = "") -> tuple[str, tuple[PersonUse, ...]]:
        """Return a month and what people used in it, who used most GPU hours first."""
        self._admin()
        month = self._month(month)
        window = _window(month)
        found: dict[str, list[Use]] = {}
        for use in self._usage.all_since(window.begins):
            if use.month == month:
                found.setdefault(use.session.user, []).append(use)
        grants: dict[str, list[HourGrant]] = {}
        for grant in self._hours.grants(month=month):
            grants.setdefault(grant.user, []).append(grant)
        rows = [
            _person(user, found.get(user, []), grants.get(user, []), window)
            for user in {*found, *grants}
        ]
        rows.sort(key=lambda row: (-row.gpu_seconds, -row.cpu_seconds, row.user))
        return month, tuple(rows)

    def csv(self, month: str = "") -> tuple[str, str]:
        """Return a month and, as CSV, a line for each session of everybody in it."""
        self._admin()
        month = self._month(month)
        out = io.StringIO(newline="")
        write = csv.writer(out)
        write.writerow(CSV_COLUMNS)
        for use in self._usage.all_since(_window(month).begins):
            if use.month == month:
                write.writerow(_line(use))
        return month, out.getvalue()

    def grants(
        self, *, month: str = "", user: str = "", cursor: str = "", limit: int
    ) -> Page[HourGrant]:
        """Return extra hours that were given, the last first."""
        self._admin()
        if month:
            month = self._month(month)
        before = read_place(cursor, _GRANTS) if cursor else None
        rows = self._hours.grants(month=month, user=user, before=before, limit=limit + 1)
        more = write_place(_GRANTS, rows[limit - 1].id) if len(rows) > limit else None
        return Page(rows[:limit], more)

    def grant(
        self, user: str, *, cpu_hours: float, gpu_hours: float, reason: str, month: str = ""
    ) -> HourGrant:
        """Give somebody extra hours in a month; an empty one is the present month.

        Raises:
            BadInput: no hours, no reason, or a month that is over.
            UnknownMember: the site has no such person.
        """
        admin = self._admin()
        writer(self._viewer)
        month = self._month(month)
        if month < month_of(self._tools.clock()):
            raise BadInput(f"{month} is over. Give hours for this month or a later one.")
        reason = " ".join(reason.split())
        if not reason or len(reason) > MOST_LETTERS:
            raise BadInput(
                f"Say why, in at most {MOST_LETTERS} characters: whoever asks later finds it here."
            )
        hours = (cpu_hours, gpu_hours)
        if not all(math.isfinite(one) and 0 <= one <= MOST_HOURS for one in hours) or not any(
            hours
        ):
            raise BadInput(f"Give between 0 and {MOST_HOURS} hours, and some of one kind.")
        self._directory.check(MemberKind.PERSON, user)
        return self._hours.grant(
            HourGrant(0, user, month, cpu_hours, gpu_hours, reason, admin.name, self._tools.clock())
        )

    def _admin(self) -> Person:
        person = signed_in(self._viewer)
        if not person.admin:
            raise NotAllowed("Only an admin can see and give other people's hours.")
        return person

    def _month(self, month: str) -> str:
        if not month:
            return month_of(self._tools.clock())
        if not _MONTH.fullmatch(month):
            raise BadInput(f"“{shown(month)}” is no month. Write one as 2026-11.")
        return month


def _window(month: str) -> Window:
    return month_window(datetime.fromisoformat(f"{month}-15T00:00:00+00:00"))


def _person(user: str, uses: list[Use], grants: list[HourGrant], window: Window) -> PersonUse:
    spans = [used_in(use, Window(window.begins, window.ends + timedelta(1))) for use in uses]
    return PersonUse(
        user=user,
        cpu_seconds=sum(one.cpu_seconds for one in spans),
        gpu_seconds=sum(one.gpu_seconds for one in spans),
        extra_cpu_hours=sum(one.cpu_hours for one in grants),
        extra_gpu_hours=sum(one.gpu_hours for one in grants),
        is_live=any(use.is_open for use in uses),
    )


def _line(use: Use) -> tuple[str, ...]:
    session = use.session
    return (
        use.month,
        session.user,
        session.server,
        "run" if session.is_run else "server",
        session.flavour,
        str(session.cards),
        use.since.isoformat(timespec="seconds"),
        use.until.isoformat(timespec="seconds"),
        f"{use.hours.cpu_seconds / HOUR:.4f}",
        f"{use.hours.gpu_seconds / HOUR:.4f}",
        "yes" if use.is_open else "no",
    )
