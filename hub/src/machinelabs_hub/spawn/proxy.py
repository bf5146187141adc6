"""The proxy, whose traffic is no sign of work, and whose routes are no reason for the Hub to end.

An open JupyterLab polls for ever, so a server whose page somebody left open would never count as
idle. What a server does it reports to the Hub by itself (jupyterlab-machinelabs).
"""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class WorkOnlyProxy(ConfigurableHTTPProxy):
    """ConfigurableHTTPProxy without the times at which something passed through a route.

    A server that begins to stop while the Hub looks through its routes gets none. JupyterHub's own
    raises RuntimeError then, which at its start ends the Hub.
    """

    async def add_user(self, user: Any, server_name: str = "") -> None:
        """Give a person's server its route, unless it is about to stop or has stopped."""
        spawner = user.spawners[server_name]
        if spawner.pending == "stop" or spawner.server is None:
            self.log.info("%s stops: it gets no route", spawner._log_name)  # noqa: SLF001
            return
        await super().add_user(user, server_name)

    async def get_all_routes(self) -> dict[str, Any]:
        """Return all routes; JupyterHub takes no activity from a route that tells none."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
