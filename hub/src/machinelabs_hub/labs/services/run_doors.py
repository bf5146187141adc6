"""Look into a run: the key with which its person comes through the door of its container."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode, urljoin

from machinelabs_hub import tickets
from machinelabs_hub.errors import Conflict, NotAllowed
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run, RunKind, RunState
from machinelabs_hub.labs.models.server import HubServer
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import writer
from machinelabs_hub.sites import Addresses

ServersOf = Callable[[str], Awaitable[dict[str, HubServer]]]
"""Tells a person's servers."""


class NotToBeSeen(Conflict):
    """There is no kernel in this run that could be looked into now."""

    code = "no_kernel"


class DoorService:
    """The doors of runs, as `viewer` may go through them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def may(self, run: Run) -> bool:
        """Tell whether the viewer may look into a run now."""
        viewer = self._viewer
        is_theirs = viewer is not None and viewer.may_write and viewer.name == run.person
        return is_theirs and self._is_open(run)

    async def way_in(self, lab: Lab, run: Run, servers: ServersOf) -> str:
        """Return the address that lets the viewer into a run, once; `servers` are the Hub's word.

        Raises:
            NotAllowed: somebody else started it. Whoever is in can do all that they could.
            NotToBeSeen: it has no kernel, or not now.
        """
        if writer(self._viewer).name != run.person:
            raise NotAllowed(
                f"{run.called} was started by {run.person}, and only they can look into it. Start "
                f"a run of {lab.path} yourself."
            )
        if run.kind is not RunKind.NOTEBOOK:
            raise NotToBeSeen(f"{run.called} runs a script, which has no kernel to look into.")
        if not self._is_open(run):
            raise NotToBeSeen(f"{run.called} has no kernel now: it does not run, or not any more.")
        server = (await servers(run.person)).get(tickets.server_of(run.id))
        if server is None or not server.ready:
            raise NotToBeSeen(f"The hub says that {run.called} does not run now.")
        key = urlencode({"key": self._tools.door_keys.make(run.id)})
        front = Addresses(self._tools.settings).hub
        return urljoin(front, f"{server.url.rstrip('/')}/door?{key}")

    def _is_open(self, run: Run) -> bool:
        if run.kind is not RunKind.NOTEBOOK or run.stop_at is not None:
            return False
        return run.state is RunState.RUNNING or run.is_held(self._tools.clock())
