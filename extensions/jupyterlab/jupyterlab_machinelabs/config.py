"""What the site tells this server, by its environment. Nothing else here reads the environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Config:
    """Where the labs are, who asks, and when an idle server stops.

    Attributes:
        labs_url: the labs service as containers reach it; empty: this server is on no site.
        public_url: the labs pages as people reach them.
        token: the server's own token. It never goes to the browser.
        image: what this server was started with; empty: unknown.
        has_gpu: it was given a GPU, or a part of one.
        idle_minutes: minutes without work after which the server stops; 0 is never.
        idle_warning_minutes: minutes before that when people are warned.
        activity_url: where the hub takes activity from; empty: no hub.
        server_name: the name of this server; empty: the default one.
        python: the Python that notebooks run, which the site's images keep apart from this one.
    """

    labs_url: str = ""
    public_url: str = ""
    token: str = ""
    user: str = ""
    image: str = ""
    flavour: str = ""
    has_gpu: bool = False
    idle_minutes: int = 0
    idle_warning_minutes: int = 0
    activity_url: str = ""
    server_name: str = ""
    python: str = sys.executable

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read what the hub gave this server; what is missing stays empty."""
        return cls(
            labs_url=environ.get("MACHINELABS_LABS_URL", "").rstrip("/"),
            public_url=environ.get("MACHINELABS_PUBLIC_URL", "").rstrip("/"),
            token=environ.get("JUPYTERHUB_API_TOKEN", ""),
            user=environ.get("JUPYTERHUB_USER", ""),
            image=environ.get("MACHINELABS_IMAGE", ""),
            flavour=environ.get("MACHINELABS_FLAVOUR", ""),
            has_gpu=environ.get("NVIDIA_VISIBLE_DEVICES", "") not in {"", "none", "void"},
            idle_minutes=_minutes(environ.get("MACHINELABS_IDLE_MINUTES", "")),
            idle_warning_minutes=_minutes(environ.get("MACHINELABS_IDLE_WARNING_MINUTES", "")),
            activity_url=environ.get("JUPYTERHUB_ACTIVITY_URL", ""),
            server_name=environ.get("JUPYTERHUB_SERVER_NAME", ""),
            python=environ.get("MACHINELABS_PYTHON", sys.executable),
        )


def _minutes(text: str) -> int:
    return int(text) if text.isdecimal() else 0
