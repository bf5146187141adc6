"""A typed client of a MachineLabs site, and `log` for the code of runs.

What speaks with a site is imported when it is asked for, since it wants packages that the Python
of notebooks need not have; `log` wants none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from machinelabs.tracking import log

if TYPE_CHECKING:
    from machinelabs.hub import Hub, Labs
    from machinelabs.models import Lab, LabDraft, LabFile, LabPage, Revision
    from machinelabs.tar import TarStream

__version__ = "0.1.0"

__all__ = ["Hub", "Lab", "LabDraft", "LabFile", "LabPage", "Labs", "Revision", "TarStream", "log"]

_PARTS = {
    "Hub": "hub",
    "Labs": "hub",
    "Lab": "models",
    "LabDraft": "models",
    "LabFile": "models",
    "LabPage": "models",
    "Revision": "models",
    "TarStream": "tar",
}


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PARTS[name]}"), name)
