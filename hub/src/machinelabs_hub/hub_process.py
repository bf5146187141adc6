"""The Hub's process: JupyterHub, and beside its web server what works in the background.

What works there is listed in `configure.configure_background`.
"""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from jupyterhub.app import JupyterHub
from traitlets import Dict

from machinelabs_hub.works import kept

Work = Callable[[Any], Coroutine[Any, Any, None]]
"""Begins a work that goes on as long as the Hub; what it is given is the Hub."""


class SiteHub(JupyterHub):
    """JupyterHub with background work: a work that fails is begun anew, none outlives the Hub."""

    background = Dict(help="What works beside the web server: functions of the Hub, by name.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        self._works = AsyncExitStack()
        super().__init__(**kwargs)

    async def start(self) -> None:
        """Start the Hub, then what works beside it."""
        await super().start()
        works = {name: partial(work, self) for name, work in self.background.items()}
        await self._works.enter_async_context(kept(works, self.log))

    async def cleanup(self) -> None:
        """End the background work, then what JupyterHub ends."""
        await self._works.aclose()
        await super().cleanup()


if __name__ == "__main__":
    SiteHub.launch_instance()
