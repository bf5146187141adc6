"""Check that what runs put out and datasets hold is there: every content of the index."""

from collections.abc import Iterator
from typing import Final

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.labs.services import run_upkeep
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Files
from machinelabs_hub.up import index
from machinelabs_hub.up.findings import Finding, Level

_SUBJECT: Final = "runs"
_SHOWN: Final = 20


def compared(settings: Settings) -> Iterator[Finding]:
    """Look for the content of every output; a site may run meanwhile."""
    files = Files(settings.data)
    if not settings.database.url and not files.database.exists():
        return
    try:
        with index.opened(settings) as tools:
            count, missing = run_upkeep.missing(tools)
            where = tools.blobs.where
    except MachineLabsError as error:
        yield Finding(Level.BAD, _SUBJECT, str(error))
        return
    for path in missing[:_SHOWN]:
        yield Finding(Level.BAD, _SUBJECT, f"The content of {path} is lost.")
    if missing:
        advice = f"{len(missing)} of {count} files are not in {where}. Restore what was there."
        yield Finding(Level.BAD, _SUBJECT, advice)
    else:
        yield Finding(Level.OK, _SUBJECT, f"{count} files of runs and datasets are all there.")
