"""Check that the index of labs says what the git stores hold, and repair it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from machinelabs_hub.db import migrate
from machinelabs_hub.errors import MachineLabsError, SetupError
from machinelabs_hub.labs.services.reindex import Report, compare, reindex, settle
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files, database_url
from machinelabs_hub.up import lock
from machinelabs_hub.up.findings import Finding, Level

_SUBJECT: Final = "labs"
_SHOWN: Final = 20
_PAUSE: Final = 1.0
"""Seconds after which what differed on a running site is looked at again."""


class SiteRuns(SetupError):
    """A site that runs is not repaired: somebody may publish meanwhile."""

    code = "site_runs"


class OldIndex(SetupError):
    """A database that this version has not brought up to date yet."""

    code = "old_index"


def compared(settings: Settings) -> Iterator[Finding]:
    """Hold every lab's rows and store against each other; a site may run meanwhile."""
    if not settings.database.url and not Files(settings.data).database.exists():
        yield Finding(Level.OK, _SUBJECT, "There are none yet.")
        return
    try:
        with opened(settings) as tools:
            report = compare(tools)
            faults = report.faults
            if faults and is_running(settings):
                # A change that was under way is whole by then.
                time.sleep(_PAUSE)
                again = set(compare(tools).faults)
                faults = [fault for fault in faults if fault in again]
            cut_off = 0 if is_running(settings) else len(tools.repos.begun())
    except MachineLabsError as error:
        yield Finding(Level.BAD, _SUBJECT, str(error))
        return
    if cut_off:
        sentence = f"{cut_off} acts were cut off by a kill. The next start settles them."
        yield Finding(Level.WARN, _SUBJECT, sentence)
    yield from _told(faults)
    if faults:
        repair = "Stop the site, back DATA up, then run `machinelabs-hub check --repair`."
        yield Finding(Level.BAD, _SUBJECT, repair)
    else:
        yield Finding(Level.OK, _SUBJECT, f"{_count(report)}: index and stores agree.")


def repaired(settings: Settings) -> Iterator[Finding]:
    """Make the index and the stores agree, and tell what was done.

    Raises:
        SiteRuns: the site must be stopped first.
    """
    if is_running(settings):
        raise SiteRuns(
            "The site runs, and what people publish meanwhile would be in the way. Stop it, then "
            "repair."
        )
    with opened(settings) as tools:
        settled = settle(tools)
        report = reindex(tools)
    done = [f"{path} is in the index again." for path in report.restored]
    done += [f"Repaired: {sentence}" for sentence in report.mended]
    if settled:
        done.append(f"Settled {settled} acts that were cut off by a kill.")
    for sentence in done or ["There was nothing to repair."]:
        yield Finding(Level.OK, "repair", sentence)


def is_running(settings: Settings) -> bool:
    """Tell whether `machinelabs-hub up` runs this site."""
    return lock.holder(Files(settings.data).run / lock.LOCK) is not None


@contextmanager
def opened(settings: Settings) -> Iterator[Tools]:
    """Open what the services of labs work with, for the block.

    Raises:
        OldIndex: the database was written by another version.
    """
    if not migrate.is_current(database_url(settings)):
        raise OldIndex(
            "The database was written by another version. Start the site once with this one, then "
            "check again."
        )
    tools = Tools.of(settings)
    try:
        yield tools
    finally:
        tools.close()


def _told(faults: list[str]) -> Iterator[Finding]:
    for fault in faults[:_SHOWN]:
        yield Finding(Level.BAD, _SUBJECT, fault)
    if len(faults) > _SHOWN:
        yield Finding(Level.BAD, _SUBJECT, f"… and {len(faults) - _SHOWN} more.")


def _count(report: Report) -> str:
    return f"{report.labs} labs with {report.revisions} revisions"
