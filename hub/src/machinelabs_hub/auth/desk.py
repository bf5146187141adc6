"""Everything that the pages and authenticators of one site need to know about people."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

from sqlalchemy import inspect

from machinelabs_hub.auth.accounts import Accounts
from machinelabs_hub.auth.failures import Failures
from machinelabs_hub.auth.former import FormerNames
from machinelabs_hub.auth.identities import Identities
from machinelabs_hub.auth.links import Invitations, ResetLinks
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.db.migrate import upgrade
from machinelabs_hub.db.tables.accounts import AccountRow
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import database_url

# Two at once: each check of a password takes 64 MiB and a core for a while.
_THREADS: Final = 2

STAFF_NAMES: Final = frozenset(
    {"admin", "administrator", "machinelabs", "moderator", "root", "staff", "support", "system"}
)
"""Names that people trust: nobody takes one without an invitation that says so."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The tools of one site, and the threads on which they may block."""

    settings: Settings
    accounts: Accounts
    invitations: Invitations
    resets: ResetLinks
    identities: Identities
    former: FormerNames
    failures: Failures
    notices: NoticeTable
    threads: ThreadPoolExecutor

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Return the tools for the site of `settings`."""
        url = database_url(settings)
        engine = open_engine(url)
        if not inspect(engine).has_table(AccountRow.__tablename__):
            # A hub that was not started by `machinelabs-hub up`, which sees to it.
            upgrade(url)
        sessions = session_maker(engine)
        rule = settings.auth.local
        former = FormerNames(sessions=sessions)
        failures = Failures(sessions=sessions, rule=rule)
        accounts = Accounts(
            sessions=sessions,
            rule=rule,
            failures=failures,
            former=former,
            kept_names=STAFF_NAMES | {settings.site.admin, *settings.auth.admins},
        )
        return cls(
            settings=settings,
            accounts=accounts,
            invitations=Invitations(sessions=sessions, accounts=accounts, rule=rule),
            resets=ResetLinks(sessions=sessions, rule=rule),
            identities=Identities(sessions=sessions, former=former),
            former=former,
            failures=failures,
            notices=NoticeTable(sessions=sessions),
            threads=ThreadPoolExecutor(_THREADS, thread_name_prefix="accounts"),
        )
