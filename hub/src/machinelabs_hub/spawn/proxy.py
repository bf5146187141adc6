"""The proxy, whose traffic is no sign of work.

An open JupyterLab polls for ever, so a server whose page somebody left open would never count as
idle. What a server does it reports to the Hub by itself (jupyterlab-machinelabs).
"""

from typing import Any

from jupyterhub.proxy import ConfigurableHTTPProxy


class WorkOnlyProxy(ConfigurableHTTPProxy):
    """ConfigurableHTTPProxy without the times at which something passed through a route."""

    async def get_all_routes(self) -> dict[str, Any]:
        """Return all routes; JupyterHub takes no activity from a route that tells none."""
        routes: dict[str, Any] = await super().get_all_routes()
        for route in routes.values():
            route["data"].pop("last_activity", None)
        return routes
