"""The conductor with a real Hub: runs start in turn, end as they say, and leave no server behind.

Servers are plain processes that speak to the labs service as a run's container does.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import uvicorn
from sqlalchemy import delete
from tests.support.content import tar_of
from tests.support.hub import Hub, running_hub

from machinelabs_hub.db.tables.runs import RunRow
from machinelabs_hub.labs.app import create_app
from machinelabs_hub.labs.hubapi import HubApi
from machinelabs_hub.labs.models import run_steps
from machinelabs_hub.labs.models.lab import LabDraft, Visibility
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import Run, RunDraft, RunState
from machinelabs_hub.labs.services import run_strays
from machinelabs_hub.labs.services.labs import LabService
from machinelabs_hub.labs.services.schedules import ScheduleService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.sites import Addresses, Files

if TYPE_CHECKING:
    from machinelabs_hub.labs.context import Parts

EXTRA = """
import asyncio
import sys
from datetime import UTC, datetime
from jupyterhub.spawner import SimpleLocalProcessSpawner
from machinelabs_hub import tickets
from machinelabs_hub.errors import BadInput
from machinelabs_hub.sites import Files
from machinelabs_hub.spawn.refusal import refuse_early

class Plain(SimpleLocalProcessSpawner):
    is_broken = stands_in_line = False
    def take_ticket(self, options):
        key = Files(load().data).secret(tickets.KEY)
        ticket = tickets.verify(options["ticket"], key, now=datetime.now(UTC))
        assert (ticket.user, ticket.server) == (self.user.name, self.name)
        assert (ticket.image, ticket.flavour) == (options["image"], options["flavour"])
        self.environment["MACHINELABS_RUN_CODE"] = ticket.code
        labs = Addresses(load()).labs_local
        self.environment["MACHINELABS_RUN_URL"] = f"{labs}/services/labs/api/v1/runner/{ticket.run}"
        self.is_broken = ticket.image == "pytorch"
        self.stands_in_line = ticket.image == "datascience"
        return {"image": ticket.image, "flavour": ticket.flavour}
    def check(self, options):
        if options["flavour"] == "cpu-medium":
            raise BadInput("This hub has no such size.")
    async def check_plan(self, choice):
        pass
    def forget_bad_choice(self):
        pass
    async def start(self):
        if self.is_broken:
            error = RuntimeError("broken")
            error.jupyterhub_message = "The image cannot be found."
            raise error
        if self.stands_in_line:
            self.environment["SECONDS_UNTIL_THE_FIRST_WORD"] = "3"
            await asyncio.sleep(12)
        return await super().start()

refuse_early()
c.JupyterHub.spawner_class = Plain
c.Spawner.cmd = [sys.executable, "RUNNER"]
c.Spawner.http_timeout = 15
c.Spawner.start_timeout = 60
c.Spawner.poll_interval = 1
""".replace("RUNNER", str(Path(__file__).with_name("conducted.py")))


@dataclass
class Site:
    """A hub, and a labs service that can be begun anew."""

    hub: Hub
    token: str = ""
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None
    _tools: Tools | None = None

    @property
    def tools(self) -> Tools:
        assert self._tools is not None
        return self._tools

    def begin(self) -> None:
        settings = self.hub.settings
        app = create_app(settings)
        self._tools = cast("Parts", app.state.parts).tools
        config = uvicorn.Config(
            app, host="127.0.0.1", port=settings.site.port + 3, log_level="warning",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)

    def end(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()

    def order(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return httpx.post(
            f"{Addresses(self.hub.settings).labs_local}/services/labs/api/v1/labs/admin/digits/runs",
            json=body,
            headers={"Authorization": f"token {self.token}", **(headers or {})},
            timeout=30,
        )

    def run(self, do: str, seconds: float = 0, **body: Any) -> int:
        answer = self.order(parameters={"do": do, "seconds": str(seconds)}, **body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def get(self, run: int) -> Run:
        found = self.tools.runs.get(run)
        assert found is not None
        return found

    def stop(self, run: int) -> None:
        assert self.tools.runs.order_stop(self.get(run), "admin", self.tools.clock())

    def until(self, run: int, *states: RunState, seconds: float = 40) -> Run:
        return self.wait(lambda: self.get(run), lambda found: found.state in states, seconds)

    def settled(self, run: int, seconds: float = 40) -> Run:
        return self.wait(lambda: self.get(run), lambda found: found.is_settled, seconds)

    def wait(self, look: Callable[[], Run], is_it: Callable[[Run], bool], seconds: float) -> Run:
        end = time.monotonic() + seconds
        while not is_it(found := look()):
            assert time.monotonic() < end, f"{found}\n{self.hub.log()[-3000:]}"
            time.sleep(0.1)
        return found

    def servers(self) -> list[str]:
        token = Files(self.hub.data).secret("operator_api_token")
        answer = httpx.get(
            f"{Addresses(self.hub.settings).hub_local}/hub/api/users/admin",
            params={"include_stopped_servers": 1},
            headers={"Authorization": f"token {token}"},
        )
        return sorted(name for name in answer.json()["servers"] if name)


@contextmanager
def a_site(data: Path) -> Iterator[Site]:
    with running_hub(data, extra=EXTRA) as hub:
        site = Site(hub)
        admin = hub.admin()
        xsrf = admin.cookies.get("_xsrf", path="/hub/")
        made = admin.post(
            "/hub/api/users/admin/tokens",
            json={"note": "test"},
            headers={"X-XSRFToken": str(xsrf), "Referer": f"{hub.url}/hub/token"},
        )
        assert made.status_code == 201, made.text
        site.token = made.json()["token"]
        site.begin()
        try:
            draft = LabDraft(title="Digits", visibility=Visibility.PUBLIC)
            service = LabService(tools=site.tools, viewer=Person("admin", "Admin"))
            service.publish(draft, tar_of({"main.py": b"print(1)\n"}))
            yield site
        finally:
            site.end()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("conductor")) as running:
        yield running


@pytest.fixture(autouse=True)
def _hub_runs(site: Site) -> None:
    if site.hub.process is None or site.hub.process.poll() is not None:
        site.hub.start()


def test_an_order_with_a_key_is_done_once(site: Site) -> None:
    headers = {"Idempotency-Key": "the same"}
    body = {"parameters": {"do": "finish"}}
    first, second = (site.order(headers, **body) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert site.settled(first.json()["id"]).state is RunState.FINISHED


def test_runs_start_in_turn_and_as_many_as_the_plan_has(site: Site) -> None:
    plan = next(plan for plan in site.hub.settings.plans.table if plan.name == "admin")
    runs = [site.run("finish", 1) for _ in range(plan.runs + 3)]
    most, end = 0, time.monotonic() + 60
    while not all(site.get(run).is_settled for run in runs):
        assert time.monotonic() < end, site.hub.log()[-3000:]
        found = [site.get(run) for run in runs]
        most = max(most, sum(1 for run in found if run.state in {"starting", "running"}))
        time.sleep(0.05)
    found = [site.get(run) for run in runs]
    assert {run.state for run in found} == {RunState.FINISHED}, found
    begun = [run.started_at for run in found if run.started_at]
    assert begun == sorted(begun)
    assert most <= plan.runs
    assert site.servers() == []


def test_nobody_waits_for_the_removal_of_another_run(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, remove = threading.Event(), HubApi.remove

    async def slow(self: HubApi, user: str, server: str) -> None:
        await asyncio.to_thread(let_go.wait)
        await remove(self, user, server)

    monkeypatch.setattr(HubApi, "remove", slow)
    plan = next(plan for plan in site.hub.settings.plans.table if plan.name == "admin")
    # Every place is taken by a container that is not gone yet.
    try:
        firsts = [site.run("finish") for _ in range(plan.runs)]
        for run in firsts:
            site.until(run, RunState.FINISHED)
        last = site.run("finish")
        site.until(last, RunState.FINISHED)
        assert not any(site.get(run).is_settled for run in firsts)
    finally:
        # The site cannot stop while a removal waits.
        let_go.set()
    for run in (*firsts, last):
        assert site.settled(run).state is RunState.FINISHED
    assert site.servers() == []


def test_a_schedule_orders_in_time_as_its_person_and_over_a_restart_once(site: Site) -> None:
    tools, admin = site.tools, Person("admin", "admin")
    lab = tools.labs.find("admin", "digits")
    assert lab is not None
    service = ScheduleService(tools=tools, viewer=admin)
    draft = RunDraft(parameters={"do": "finish", "seconds": "0"}, name="On time")
    made = service.add(lab, "0 6 29 2 *", "UTC", draft)
    assert tools.schedules.pause(made, "", "", None)
    # Due a day ago: the service was away.
    assert tools.schedules.resume(made, tools.clock() - timedelta(days=1))
    site.end()
    site.begin()
    end = time.monotonic() + 30
    while (number := service.get(lab, made.id).last_run) is None:
        assert time.monotonic() < end, site.hub.log()[-3000:]
        time.sleep(0.05)
    run = site.tools.runs.find(lab, number)
    assert run is not None
    assert (run.person, run.name) == ("admin", "On time")
    assert site.settled(run.id).state is RunState.FINISHED
    ordered = [one for one in site.tools.runs.of_person("admin", is_over=None, before=None, limit=9)
               if one.name == "On time"]  # fmt: skip
    assert len(ordered) == 1
    assert site.servers() == []


def test_a_run_that_is_stopped_ends_by_itself_and_leaves_no_server(site: Site) -> None:
    run = site.run("finish", 1000)
    site.until(run, RunState.RUNNING)
    site.stop(run)
    stopped = site.settled(run)
    assert (stopped.state, stopped.reason and stopped.reason.sentence) == (
        RunState.STOPPED, "admin stopped it.",
    )  # fmt: skip
    assert site.servers() == []


def test_a_run_that_does_not_obey_is_stopped_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_steps, "OBEY", timedelta(seconds=1))
    monkeypatch.setattr(run_steps, "MUTE", timedelta(seconds=2))
    run = site.run("disobey")
    site.until(run, RunState.RUNNING)
    site.stop(run)
    assert site.settled(run).state is RunState.STOPPED
    assert site.servers() == []


def test_a_run_whose_container_dies_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_steps, "MUTE", timedelta(seconds=2))
    run = site.run("die")
    lost = site.settled(run)
    assert (lost.state, site.tools.events.following(run)) == (RunState.LOST, 4)
    assert lost.reason is not None
    assert site.servers() == []


def test_a_run_that_stood_in_line_for_long_has_its_time_to_report(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_steps, "REPORT", timedelta(seconds=10))
    assert site.settled(site.run("finish", image="datascience")).state is RunState.FINISHED
    assert site.servers() == []


def test_a_server_of_a_run_that_no_row_has_is_removed(site: Site) -> None:
    kept, forgotten = site.run("finish", 1000), site.run("disobey")
    for run in (kept, forgotten):
        site.until(run, RunState.RUNNING)
    with site.tools.sessions() as db:
        db.execute(delete(RunRow).where(RunRow.id == forgotten))
    assert len(site.servers()) == 2

    async def sweep() -> int:
        hub = HubApi(settings=site.hub.settings)
        try:
            return await run_strays.sweep(site.tools, hub)
        finally:
            await hub.close()

    assert asyncio.run(sweep()) == 1
    end = time.monotonic() + 30
    while site.servers() != [f"run-{kept}"]:
        assert time.monotonic() < end, site.servers()
        time.sleep(0.1)
    assert asyncio.run(sweep()) == 0
    site.stop(kept)
    site.settled(kept)


def test_what_the_hub_refuses_fails_with_its_sentence(site: Site) -> None:
    refused = site.settled(site.run("finish", flavour="cpu-medium"))
    assert refused.state is RunState.FAILED
    assert refused.reason is not None
    assert refused.reason.sentence == "This hub has no such size."
    broken = site.settled(site.run("finish", image="pytorch"))
    assert broken.state is RunState.FAILED
    assert broken.reason is not None
    assert "The image cannot be found." in broken.reason.sentence
    assert site.servers() == []


def test_a_run_outlives_the_hub_and_the_labs_service(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_steps, "MUTE", timedelta(seconds=2))
    monkeypatch.setattr(run_steps, "SILENT", timedelta(seconds=2))
    run = site.run("finish", 12)
    site.until(run, RunState.RUNNING)
    hub = site.hub.process
    assert hub is not None
    hub.kill()
    hub.wait()
    waiting = site.run("finish")
    site.end()
    time.sleep(3)
    site.begin()
    assert site.get(run).state is RunState.RUNNING
    assert site.get(waiting).state is RunState.QUEUED
    site.until(run, RunState.FINISHED)
    reader, numbers = site.tools.events.reader(run), []
    while lines := reader.read():
        numbers += [int(line.split(b'"n":')[1].split(b",")[0]) for line in lines]
    assert numbers == list(range(1, len(numbers) + 1))
    site.hub.start()
    assert site.settled(run).state is RunState.FINISHED
    assert site.settled(waiting).state is RunState.FINISHED
    assert site.servers() == []
