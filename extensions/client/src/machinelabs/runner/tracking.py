"""All ways in which the code measures itself, and the one way on to the site."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from machinelabs.runner.feed import Feed
from machinelabs.runner.measures import Measures
from machinelabs.runner.mlflow_calls import Calls
from machinelabs.runner.mlflow_door import MlflowDoor
from machinelabs.runner.mlflow_runs import MlflowRuns
from machinelabs.runner.outputs import FOLDER
from machinelabs.runner.tensorboard import TensorBoard
from machinelabs.tracking import VARIABLE

LOOK_SECONDS: Final = 0.5
PER_EVENT: Final = 0.02
LONGEST_LOOK: Final = 10.0
"""The more there is to tell, the longer it gathers, up to so many seconds."""

MOST_LOOKS: Final = 20
"""At the end, of files that are very long."""

FILES_EVERY: Final = 6
"""At each so-manieth look event files are looked for."""


class Tracking:
    """What one run's code measures.

    Args:
        folder: the top of the lab's files.
        beside: where the code runs.
        number: the run's, within its lab.
        brought: paths of the lab's own files, and of the folders of its datasets.
        feed: where it is told.
    """

    def __init__(
        self, folder: Path, beside: Path, *, number: int, brought: Collection[str], feed: Feed
    ) -> None:
        self._feed = feed
        self._measures = Measures()
        self._name = f"run-{number}"
        runs = MlflowRuns(self._measures, name=self._name, outputs=beside / FOLDER)
        self._files = TensorBoard(folder, brought, self._measures)
        self._door: MlflowDoor | None = None
        try:
            self._door = MlflowDoor(Calls(runs))
        except (OSError, RuntimeError) as error:
            feed.put("note", text=f"MLflow and machinelabs.log do not work in this run: {error}")

    @property
    def given(self) -> Mapping[str, str]:
        """What the code finds in its environment."""
        if self._door is None:
            return {}
        url = self._door.url
        return {
            "MLFLOW_TRACKING_URI": url,
            "MLFLOW_RUN_ID": self._name,
            # It would lead to a page that nobody can open.
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            VARIABLE: f"{url}/{self._name}",
        }

    async def while_it_runs(self) -> None:
        """Tell what is measured, for ever."""
        looks = told = 0
        while True:
            await asyncio.sleep(min(LOOK_SECONDS + PER_EVENT * told, LONGEST_LOOK))
            looks += 1
            if looks % FILES_EVERY == 0:
                await asyncio.to_thread(self._files.look)
            told = self._tell()

    async def at_the_end(self) -> None:
        """Tell the rest."""
        looks = 0
        while await asyncio.to_thread(self._files.look) and looks < MOST_LOOKS:
            looks += 1
            self._tell()
        self._tell()

    async def close(self) -> None:
        """Take nothing more."""
        if self._door is not None:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._door.close)

    def _tell(self) -> int:
        events = self._measures.take()
        for kind, fields in events:
            self._feed.put(kind, **fields)
        return len(events)
