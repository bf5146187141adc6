"""The warning before an idle server stops, and *Keep it*, in JupyterLab."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support.jupyterlab import opened, toast
from tests.support.notebook_server import environment, notebook_server
from tests.support.site import Site

pytestmark = pytest.mark.browser

PERSON = "idle-ida"


def test_keeping_a_server_that_would_stop_counts_as_use(
    site: Site, chromium: Browser, tmp_path: Path
) -> None:
    # Due from the start: the whole time of such a server is time to warn.
    minutes = {"MACHINELABS_IDLE_MINUTES": "1", "MACHINELABS_IDLE_WARNING_MINUTES": "1"}
    with notebook_server(tmp_path / "ida", **environment(site, PERSON, **minutes)) as server:
        page = opened(chromium, server)
        warning = toast(page, "This server stops in 1 minute")
        expect(warning).to_contain_text("Your files stay.", timeout=90_000)
        before = datetime.now(UTC)
        warning.get_by_role("button", name="Keep it").click()
        expect(toast(page, "The server stays for 1 more minute.")).to_be_visible()
        stamp = server.http.get("/api/status").json()["last_activity"]
        assert datetime.fromisoformat(stamp) >= before.replace(microsecond=0)
