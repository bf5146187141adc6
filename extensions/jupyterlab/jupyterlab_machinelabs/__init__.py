"""Labs inside JupyterLab: the server part, which talks to the labs service."""

from typing import Any

__version__ = "0.1.0"


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyterlab-machinelabs"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "jupyterlab_machinelabs"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    """Add our handlers to a starting Jupyter server."""
    # Imported here: JupyterLab imports this package also only to find the browser part.
    from jupyterlab_machinelabs.app import add_to  # noqa: PLC0415

    add_to(server_app)
