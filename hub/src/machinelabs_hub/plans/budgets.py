"""Read a person's budget from the database, as the Hub and the labs service both need it."""

from collections.abc import Collection, Iterable
from datetime import datetime

from machinelabs_hub.gpu_settings import Plans
from machinelabs_hub.plans.budget import Budget
from machinelabs_hub.plans.model import Session, Use
from machinelabs_hub.plans.policy import plan_of
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.plans.windows import month_of, window_at


class Budgets:
    """Plans of the settings, with what the tables say of use and of extra hours."""

    def __init__(self, *, plans: Plans, usage: UsageTable) -> None:
        self._plans = plans
        self._usage = usage

    def of(
        self,
        user: str,
        *,
        groups: Collection[str],
        is_admin: bool,
        now: datetime,
        live: tuple[Session, ...] | None = None,
        newer: Iterable[Use] = (),
    ) -> Budget:
        """Return a person's budget.

        Args:
            user: the person.
            groups: theirs.
            is_admin: whether they have the admins' plan.
            now: the present.
            live: the sessions that go on; None: those that the table knows.
            newer: rows that are not saved yet.
        """
        plan = plan_of(self._plans, groups=groups, is_admin=is_admin)
        since = window_at(now, plan.rolling_days).begins
        rows = {(use.session.id, use.month): use for use in (*self._usage.of(user, since), *newer)}
        uses = tuple(use for use in rows.values() if use.session.user == user)
        return Budget(
            plan=plan,
            uses=uses,
            grants=self._usage.grants(user, month_of(now)),
            live=tuple(use.session for use in uses if use.is_open) if live is None else live,
        )
