"""What the code of runs measures, as people read it; who may see a run may see this."""

from collections.abc import Collection

from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.tracking import Tracked
from machinelabs_hub.labs.services.tools import Tools


class TrackingService:
    """Metrics, parameters and tags of runs that the caller got as somebody who may see them."""

    def __init__(self, *, tools: Tools) -> None:
        self._tools = tools

    def of(self, run: Run) -> Tracked:
        """Return all that a run's code told."""
        return self._tools.tracks.of(run.id)

    def last(self, run_ids: Collection[int]) -> dict[int, dict[str, float | None]]:
        """Return the last value of each metric by run and name; None: it is no finite number."""
        return self._tools.tracks.last(run_ids)

    def params(self, run_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """Return the parameters that code told, by run and name; `run.parameters` are others."""
        return self._tools.tracks.params(run_ids)
