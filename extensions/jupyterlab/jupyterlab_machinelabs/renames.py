"""A notebook that was published alone stays the lab's when it is renamed or moved."""

from typing import Any, Final

from jupyterlab_machinelabs.targets import Targets
from machinelabs import links
from machinelabs.errors import HubError

EVENTS: Final = "https://events.jupyter.org/jupyter_server/contents_service/v1"


class Renames:
    """Follows what the file browser, or any other client of this server, renames."""

    def __init__(self, *, targets: Targets, log: Any) -> None:
        self._targets = targets
        self._log = log

    def listen(self, events: Any) -> None:
        """Hear of every rename from now on."""
        events.add_listener(schema_id=EVENTS, listener=self._heard)

    async def _heard(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        del logger, schema_id
        if data.get("action") != "rename":
            return
        try:
            old = self._targets.resolve(data["source_path"])
            new = self._targets.resolve(data["path"])
            links.follow(old, new)
        except HubError as error:
            # The file is renamed already; only its link could not go with it.
            self._log.warning("The link to a lab did not follow a rename: %s", error)
