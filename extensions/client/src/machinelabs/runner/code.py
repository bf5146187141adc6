"""The code that a run executes, as the rest of the runner sees it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from machinelabs.runner.words import Ended

OURS: Final = "MACHINELABS_RUN_"
"""Variables of ours that the code does not get."""


class Code(Protocol):
    """A notebook or a script."""

    @property
    def name(self) -> str:
        """The name of its file."""
        ...

    async def run(self) -> Ended:
        """Execute it."""
        ...

    async def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        ...

    def groups(self) -> tuple[int, ...]:
        """Return the process groups that it was started as."""
        ...

    def executed(self) -> bytes | None:
        """Return the notebook with its outputs as far as it came; None: it is none."""
        ...

    def kernel(self) -> Any:
        """Return the manager of its kernel, if that lives; None: it has none."""
        ...

    async def close(self) -> None:
        """End what `run` left so that it may be looked at."""
        ...


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return what the code finds in its environment; what is there goes before what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**given, **kept, "PYTHONUNBUFFERED": "1", "PWD": str(folder)}
