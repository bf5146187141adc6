"""What the code of runs measures, as people read it; who may see a run may see this."""

from collections.abc import Collection, Iterator, Sequence

from machinelabs_hub.labs.models.run import Run
from machinelabs_hub.labs.models.run_table import Row, table_of
from machinelabs_hub.labs.models.tracking import Tracked
from machinelabs_hub.labs.services.tools import Tools


class TrackingService:
    """Metrics, parameters and tags of runs that the caller got as somebody who may see them."""

    def __init__(self, *, tools: Tools) -> None:
        self._tools = tools

    def at(self, run: Run) -> int:
        """Return the last event of a run that is told here; 0: none is."""
        return self._tools.tracks.at(run.id)

    def of(self, run: Run, names: Collection[str] | None = None) -> Tracked:
        """Return all that a run's code told; of metrics only these, if any are named."""
        return self._tools.tracks.of(run.id, names)

    def table(self, runs: Sequence[Run]) -> Iterator[Row]:
        """Return runs as rows of a table, its head first."""
        ids = [run.id for run in runs]
        return table_of(runs, self.params(ids), self.last(ids))

    def last(self, run_ids: Collection[int]) -> dict[int, dict[str, float | None]]:
        """Return the last value of each metric by run and name; None: it is no finite number."""
        return self._tools.tracks.last(run_ids)

    def params(self, run_ids: Collection[int]) -> dict[int, dict[str, str]]:
        """Return the parameters that code told, by run and name; `run.parameters` are others."""
        return self._tools.tracks.params(run_ids)
