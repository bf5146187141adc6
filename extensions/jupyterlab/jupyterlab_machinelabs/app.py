"""Add our handlers to a Jupyter server."""

from typing import Any


def add_to(server_app: Any) -> None:
    """Register every handler with the server's web application."""
    server_app.log.debug("MachineLabs is here.")
