"""The Hub's process: JupyterHub, and beside its web server what works in the background.

What works there is listed in `configure.configure_background`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from jupyterhub.app import JupyterHub
from traitlets import Dict

RESTART_SECONDS: Final = 5.0
"""How long after its failure a work begins anew."""

Work = Callable[[Any], Coroutine[Any, Any, None]]
"""Begins a work that goes on as long as the Hub; what it is given is the Hub."""


class SiteHub(JupyterHub):
    """JupyterHub with background work: a work that fails is begun anew, none outlives the Hub."""

    background = Dict(help="What works beside the web server: functions of the Hub, by name.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        self._works: list[asyncio.Task[None]] = []
        super().__init__(**kwargs)

    async def start(self) -> None:
        """Start the Hub, then what works beside it."""
        await super().start()
        self._works = [
            asyncio.create_task(self._keep(name, work), name=name)
            for name, work in self.background.items()
        ]

    async def cleanup(self) -> None:
        """End the background work, then what JupyterHub ends."""
        for work in self._works:
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)
        await super().cleanup()

    async def _keep(self, name: str, work: Work) -> None:
        while True:
            try:
                return await work(self)
            except Exception:
                # Whatever it is, it must not end the Hub, nor the work for good.
                self.log.exception("%s failed; it begins anew in %g seconds", name, RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)


if __name__ == "__main__":
    SiteHub.launch_instance()
