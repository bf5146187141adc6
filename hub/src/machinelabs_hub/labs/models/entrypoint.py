"""Which file of a lab opens first. Pure."""

from collections.abc import Iterable
from typing import Final

from machinelabs_hub.labs.models.config import NAME, BadConfig
from machinelabs_hub.labs.models.notebooks import SUFFIX
from machinelabs_hub.names import shown

_FIRST: Final = ("main.ipynb", "main.py")


def entrypoint_of(paths: Iterable[str], asked: str | None) -> str | None:
    """Return what `ml.yaml` asked for, or main.ipynb, main.py, a notebook, a script, or None.

    Raises:
        BadConfig: the file that was asked for is not in the lab.
    """
    known = sorted(paths, key=lambda path: (path.count("/"), path.casefold()))
    if asked is not None:
        if asked not in known:
            raise BadConfig(f"{NAME}: `entrypoint`: the lab has no file “{shown(asked)}”.")
        return asked
    for name in _FIRST:
        if name in known:
            return name
    for suffix in (SUFFIX, ".py"):
        found = next((path for path in known if path.endswith(suffix)), None)
        if found:
            return found
    return None
