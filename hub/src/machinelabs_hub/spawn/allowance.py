"""Ask a person's plan before a start: what a spawner adds."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.plans.budgets import Budgets
from machinelabs_hub.plans.policy import check_start
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.tickets import is_run

_budgets: dict[Path, Budgets] = {}


def budgets_for(settings: Settings) -> Budgets:
    """Return this process's one reader of budgets of the site."""
    if settings.data not in _budgets:
        usage = UsageTable(sessions=session_maker(open_engine(database_url(settings))))
        _budgets[settings.data] = Budgets(plans=settings.plans, usage=usage)
    return _budgets[settings.data]


class Allowance:
    """What a spawner adds so that plans say who may start what."""

    site: Any
    user: Any
    name: str

    async def check_plan(self, choice: Choice) -> None:
        """Raise the `NotAllowed` that says why the person's plan does not let them start this."""
        now = datetime.now(UTC)
        budget = await asyncio.to_thread(
            budgets_for(self.site.settings).of,
            self.user.name,
            groups=[group.name for group in self.user.groups],
            is_admin=bool(self.user.admin),
            now=now,
        )
        servers = sum(
            1
            for name, spawner in list(self.user.spawners.items())
            if name != self.name
            and not is_run(name)
            and (spawner.ready or spawner.pending == "spawn")
        )
        flavour = self.site.catalog.flavour(choice.flavour)
        check_start(budget, flavour, servers=None if is_run(self.name) else servers, now=now)
