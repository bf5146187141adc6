"""JupyterHub's configuration of a site on one machine: all of it comes from the settings file."""

from typing import Any

from machinelabs_hub.configure import configure

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821

configure(c)
