"""What a run does on its GPU: seen by the real sampler, told by its runner, shown on its page."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.support.fake_nvml import FakeNvml, FakeProcess
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered
from tests.support.sampler import running_sampler
from tests.support.spinner import spinner

from machinelabs.runner import run as runner_run
from machinelabs.runner.run import Run
from machinelabs.runner.service import Service
from machinelabs_hub import tickets
from machinelabs_hub.db.tables.gpus import CardRow, ClaimDeviceRow, ClaimRow
from machinelabs_hub.labs.models.gpus import GpuUse
from machinelabs_hub.labs.services.gpu_uses import look

WORK = b"""import pathlib, time
while not pathlib.Path("enough").exists():
    time.sleep(0.05)
"""


def hold(desk: RunDesk, container: str) -> None:
    """Let the run's container have a card."""
    now = datetime.now(UTC)
    server = tickets.server_of(desk.run.id)
    with desk.server.tools.sessions() as db:
        db.add(CardRow(uuid="GPU-b", model="H100", memory_mib=40960, changed_at=now, seen_at=now))
        db.add(
            ClaimRow(
                id="claim",
                user="ada",
                server=server,
                flavour="gpu-small",
                share=2,
                container=container,
                granted_at=now,
                devices=[ClaimDeviceRow(uuid="GPU-b")],
            )
        )


async def told(desk: RunDesk, figure: str, value: int) -> None:
    """Wait until the run says so of what it uses."""
    async with asyncio.timeout(60):
        while not any(event.get(figure) == value for event in desk.events("usage")):  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.1)


def page_of(desk: RunDesk) -> str:
    path = f"{desk.server.url}/{desk.lab.path}/runs/{desk.run.number}"
    return httpx.get(path, timeout=30).raise_for_status().text


@pytest.mark.engine
async def test_what_its_container_does_on_its_card_is_in_its_log_and_on_its_page(
    nvml: FakeNvml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_run, "LOOK_SECONDS", 0.3)
    data = tmp_path / "site"
    with labs_server(data) as server, spinner(tmp_path) as spun:
        port = server.settings.site.port
        (data / "settings.yaml").write_text(f"site: {{port: {port}}}\n", encoding="ascii")
        nvml.cards[1].processes = [FakeProcess(spun.pid, memory_mib=2100, sm=55)]
        nvml.tell()
        with running_sampler(data, nvml.environment):
            desk = ordered(server, {"main.py": WORK})
            hold(desk, spun.container)
            folder = tmp_path / "run"
            folder.mkdir()
            service = Service(desk.url)
            running = asyncio.create_task(Run(service, folder).run(CODE))
            await told(desk, "gpu_memory_mib", 2100)
            nvml.cards[1].processes = [FakeProcess(spun.pid, memory_mib=900, sm=30)]
            nvml.tell()
            await told(desk, "gpu_percent", 30)
            html = await asyncio.to_thread(page_of, desk)
            assert "30% GPU" in html
            assert "MB GPU memory" in html
            (folder / "enough").touch()
            assert (await running).state == "finished"
            await service.close()
        ended = await asyncio.to_thread(page_of, desk)
        assert "At most 55% GPU" in ended
        assert "At most 2.1 GB" in ended
        needs = server.tools.run_peaks.last(desk.lab, first=1, limit=1)
        assert needs[0].gpu_memory_mib == 2100


def test_a_sampler_that_is_away_leaves_nothing_old_behind(server: LabsServer) -> None:
    desk = ordered(server, {"main.py": WORK})
    hold(desk, "a-container")
    assert server.tools.run_peaks.holding() == ((desk.run.id, "ada"),)
    server.tools.gpu_uses[desk.run.id] = GpuUse(55, 2100)
    assert look(server.tools) == {}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LabsServer]:
    with labs_server(tmp_path / "labs") as made:
        yield made
