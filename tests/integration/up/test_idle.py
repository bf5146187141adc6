"""Who does nothing gives the server back; who computes keeps it, page open or not."""

import threading
from pathlib import Path

import pytest
from tests.support.kernel import kernel
from tests.support.site import Site, running
from tests.support.site_runs import start
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine


def has_server(site: Site, user: str) -> bool:
    return bool(site.operator("GET", f"/users/{user}").json().get("servers"))


def test_an_idle_server_is_stopped_and_a_busy_one_or_a_run_is_not(tmp_path: Path) -> None:
    limits = {"idle_minutes": 1, "idle_warning_minutes": 1}
    with running(tmp_path, servers=limits) as site:
        busy, idle = (
            site.start_server("busy", image="base"),
            site.start_server("idle", image="base"),
        )
        quiet = b"import time\ntime.sleep(150)\nprint('done')\n"
        run = start(site, "runner", "quiet", {"main.py": quiet})
        said: list[str] = []
        with kernel(busy) as python3:
            work = threading.Thread(
                target=lambda: said.append(
                    python3.run("import time; time.sleep(150); print('done')")
                )
            )
            work.start()
            with idle.client() as client:
                assert client.get("machinelabs/api/idle").json()["seconds_left"] <= 60
            wait_until(
                lambda: not has_server(site, "idle"), seconds=140, what="the idle one is stopped"
            )
            work.join()
            assert said == ["done\n"]
            assert has_server(site, "busy")
        # Nobody looks at a run in a browser, and it may have nothing to say for long.
        assert run.wait_for(seconds=60) == "finished", run.reason
        assert run.said() == "done\n"
