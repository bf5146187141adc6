"""Plans on a real site: hours are counted over a crash of the hub, told of, and enforced."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.support.notebook_server import NotebookServer
from tests.support.notebook_tab import COUNTS, Tab, lines
from tests.support.site import Server, Site, running
from tests.support.site_labs import api
from tests.support.site_runs import start as order_run
from tests.support.waiting import wait_until

from machinelabs_hub.catalog.load import read_builds
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.plans.model import Use
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.farewell import WAIT, start_again
from machinelabs_hub.spawn.plan import home_volume

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SECONDS = 100
PLANS = {
    "table": [
        {"name": "short", "title": "Short", "cpu_hours": SECONDS / 3600, "servers": 1},
        {"name": "no-gpu", "title": "No GPU", "flavours": ["cpu-small"]},
    ],
    "default": "short",
    "admins": "no-gpu",
    "groups": [{"group": "free", "plan": "no-gpu"}],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("hours"), plans=PLANS) as site:
        yield site


@pytest.fixture(scope="module")
def usage(site: Site) -> Iterator[UsageTable]:
    engine = open_engine(database_url(site.settings))
    yield UsageTable(sessions=session_maker(engine))
    engine.dispose()


def uses(usage: UsageTable, user: str) -> list[Use]:
    return list(usage.of(user, datetime(2020, 1, 1, tzinfo=UTC)))


def start(site: Site, user: str, name: str = "", **options: str) -> httpx.Response:
    site.make_user(user)
    path = f"/users/{user}/servers/{name}" if name else f"/users/{user}/server"
    return site.operator("POST", path, json={"image": "base", **options})


def state(container: str) -> dict[str, str]:
    done = subprocess.run(
        ["docker", "inspect", "-f", "{{json .State}}", container],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else {}


def begin_work(server: Server) -> tuple[bool, float]:
    """Run a cell that goes on printing and close the browser; return whether it will be heard.

    An image of before has a server part that knows of no notices.
    """
    with server.client() as http:
        is_new = http.get("machinelabs/api/notices").status_code == httpx.codes.OK
        served = NotebookServer(server.url.rstrip("/"), Path(), http, Path(), 0)
        tab = Tab(served, "work.ipynb", COUNTS)
        tab.hear(tab.run(0, COUNTS), "line 2\n")
        tab.socket.close()
    return is_new, time.time()


def assert_all_is_written(
    site: Site, user: str, *, since: float, until: float, waits: bool
) -> None:
    """What the kernel put out without a browser is in the notebook, in the person's home."""
    if not waits:
        return
    volume = f"{home_volume(site.place.prefix, user)}:/home"
    image = read_builds(site.files.builds)["base"].id
    read = ["docker", "run", "--rm", "-v", volume, "--entrypoint", "cat", image, "/home/work.ipynb"]
    book = json.loads(subprocess.run(read, check=True, capture_output=True).stdout)
    outputs = book["cells"][0]["outputs"]
    text = "".join("".join(one["text"]) for one in outputs if one["output_type"] == "stream")
    found = lines(text)
    assert found == list(range(len(found)))
    # Nearly ten a second, as long as the machine is quick enough for that.
    assert len(found) > 3 + 5 * (until - since - 5)
    assert outputs[-1]["ename"] == "KeyboardInterrupt"


def test_a_plan_refuses_before_anything_starts(site: Site) -> None:
    site.make_group("free", "hours-fay")
    refused = start(site, "hours-fay", flavour="cpu-medium")
    assert refused.status_code == 403
    assert "“Medium” is not part of your plan, “No GPU”" in refused.json()["message"]
    assert not site.operator("GET", "/users/hours-fay").json().get("servers")


def test_hours_are_counted_over_a_crash_and_end_the_server(site: Site, usage: UsageTable) -> None:
    engine = open_engine(database_url(site.settings))
    notices = NoticeTable(sessions=session_maker(engine))
    server = site.start_server("hours-ada", image="base")
    ready = time.time()
    told_by_image, work = begin_work(server)
    # It is told at once: ten minutes before the end is earlier than its start.
    wait_until(lambda: notices.of("hours-ada", ""), seconds=20, what="people are told of the end")
    (notice,) = notices.of("hours-ada", "")
    assert notice.stops_at is not None
    assert abs(notice.stops_at.timestamp() - ready - SECONDS) < 5
    assert "end soon" in notice.sentence

    second = start(site, "hours-ada", "second")
    assert second.status_code == 403
    assert "allows 1 server at once, and 1 is running" in second.json()["message"]

    old = site.kill("hub", signal.SIGKILL)
    wait_until(lambda: site.pid("hub") != old, seconds=60, what="the hub is begun anew")
    wait_until(lambda: not state(server.container), seconds=SECONDS + 120, what="it is stopped")
    stopped = time.time()
    # It has the time to save that it was promised; one that says that it saved stops at once.
    assert ready + SECONDS - 5 < stopped < ready + SECONDS + WAIT.total_seconds() + 40
    assert_all_is_written(site, "hours-ada", since=work, until=ready + SECONDS, waits=told_by_image)

    wait_until(lambda: not usage.open_rows(), seconds=20, what="its time is closed")
    (use,) = uses(usage, "hours-ada")
    assert use.hours.cpu_seconds == pytest.approx(stopped - ready, abs=15)
    assert use.hours.cpu_seconds >= SECONDS - 1
    assert not notices.of("hours-ada", "")
    engine.dispose()

    refused = start(site, "hours-ada")
    assert refused.status_code == 403
    assert "of your plan, “Short”. They begin anew on" in refused.json()["message"]
    page = site.sign_in("hours-ada").get("/hub/user/hours-ada/lab")
    assert "Your server was saved and stopped." in page.text


def test_a_server_is_started_again_with_another_size(site: Site) -> None:
    site.make_user("hours-eve")
    options = {"image": "base", "flavour": "cpu-small"}
    asyncio.run(start_again(site.settings, Holder("hours-eve"), options))
    wait_until(
        lambda: site.operator("GET", "/users/hours-eve").json()["servers"][""]["ready"],
        seconds=120,
        what="it runs",
    )
    site.stop_server("hours-eve")


def test_a_container_that_ends_while_the_hub_is_away_is_charged_to_its_end(
    site: Site, usage: UsageTable
) -> None:
    server = site.start_server("hours-bob", image="base")
    ready = time.time()
    time.sleep(5)
    site.kill("hub", signal.SIGSTOP)
    time.sleep(5)
    subprocess.run(["docker", "kill", server.container], check=True, capture_output=True)
    ended = time.time()
    old = site.kill("hub", signal.SIGKILL)
    wait_until(lambda: site.pid("hub") != old, seconds=60, what="the hub is begun anew")
    wait_until(
        lambda: uses(usage, "hours-bob") and not uses(usage, "hours-bob")[0].is_open,
        seconds=60,
        what="its time is closed",
    )
    assert uses(usage, "hours-bob")[0].hours.cpu_seconds == pytest.approx(ended - ready, abs=3)


def test_a_run_ends_with_the_hours_of_its_person_and_keeps_what_it_made(
    site: Site, usage: UsageTable
) -> None:
    work = (
        b"import pathlib, time\npathlib.Path('outputs').mkdir()\n"
        b"pathlib.Path('outputs/half.txt').write_text('half')\ntime.sleep(600)\n"
    )
    run = order_run(site, "hours-ron", "long", {"main.py": work})
    assert run.wait_for(seconds=SECONDS + 90) == "stopped"
    assert run.outputs() == ["half.txt"]
    wait_until(run.is_gone, seconds=60, what="nothing is left of it")
    wait_until(
        lambda: uses(usage, "hours-ron") and not uses(usage, "hours-ron")[0].is_open,
        seconds=40,
        what="it is charged",
    )
    (use,) = uses(usage, "hours-ron")
    assert use.session.is_run
    assert use.hours.cpu_seconds == pytest.approx(SECONDS, abs=15)
    with api(site, run.token) as client:
        refused = client.post(f"/labs/{run.lab}/runs", json={})
    assert refused.status_code == httpx.codes.FORBIDDEN
    assert refused.json()["code"] == "hours_used_up"
