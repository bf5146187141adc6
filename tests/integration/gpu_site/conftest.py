"""One site for all of these tests: nine cards, and limits that a test can wait for."""

from collections.abc import Iterator

import pytest
from tests.support.gpu_site import GpuSite, running_with_work

GPU_SECONDS = 60


@pytest.fixture
def gpu_seconds() -> int:
    """For so long members of `few-hours` may hold a card."""
    return GPU_SECONDS


@pytest.fixture(scope="package")
def gpu_site() -> Iterator[GpuSite]:
    plans = {
        "table": [
            {"name": "free", "title": "Free"},
            {"name": "short", "title": "Short", "gpu_hours": GPU_SECONDS / 3600},
        ],
        "default": "free",
        "admins": "free",
        "groups": [{"group": "few-hours", "plan": "short"}],
        "when_used_up": "cpu",
    }
    gpus = {"idle_minutes": 1, "idle_warning_minutes": 1}
    servers = {"default_flavour": "whole"}
    with running_with_work(9, gpus=gpus, plans=plans, servers=servers) as site:
        yield site
