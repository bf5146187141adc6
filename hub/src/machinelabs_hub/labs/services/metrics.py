"""Figures of the site's GPUs, for admins and the programs that act for them."""

from machinelabs_hub.errors import NotAllowed
from machinelabs_hub.labs.models.metrics import exposition
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in
from machinelabs_hub.labs.storage.metrics import MetricTable


class MetricService:
    """Figures as `viewer` may see them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def text(self) -> str:
        """Return what Prometheus reads."""
        if not signed_in(self._viewer).admin:
            raise NotAllowed("Only an admin's token may read the site's metrics.")
        table = MetricTable(sessions=self._tools.sessions)
        return exposition(table.families(self._tools.clock()))
