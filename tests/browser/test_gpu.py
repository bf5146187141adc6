"""What a server does on its GPU, in JupyterLab: the status item, the plots, and giving it back."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import wait_for_lab
from tests.support.fake_nvml import FakeCard, FakeNvml, FakeProcess, build
from tests.support.jupyterlab import accept_button, opened, toast
from tests.support.notebook_server import environment, notebook_server
from tests.support.sampler import running_sampler
from tests.support.site import Site, running
from tests.support.site_cards import holding
from tests.support.spinner import spinner
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PERSON = "gpu-gwen"
ITEM = ".jp-MachineLabs-gpuItem"


@pytest.fixture(scope="module")
def gpu_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose Hub looks for no card: the tests say who holds what."""
    with running(tmp_path_factory.mktemp("site"), gpus={"source": "off"}) as site:
        yield site


def test_a_server_with_a_share_shows_its_use_and_gives_it_back_with_all_saved(
    gpu_site: Site, chromium: Browser, tmp_path: Path, pictures: Path
) -> None:
    site = gpu_site
    nvml = FakeNvml(library=build(tmp_path), state=tmp_path / "nvml.state")
    with (
        spinner(tmp_path) as spun,
        holding(site, PERSON, "", share=2, container=spun.container) as uuid,
    ):
        mine = FakeProcess(spun.pid, memory_mib=6246, sm=43)
        nvml.cards = [FakeCard(uuid, processes=[mine, FakeProcess(os.getpid(), memory_mib=9216)])]
        nvml.tell()
        with (
            running_sampler(site.data, nvml.environment),
            notebook_server(tmp_path / "gwen", **environment(site, PERSON)) as server,
        ):
            text = server.write("notes.txt", "first\n")
            page = opened(chromium, server, "notes.txt")
            page.locator(".jp-FileEditor .cm-content").click()
            page.keyboard.type("typed and not saved")
            item = page.locator(ITEM)
            expect(item).to_have_text("GPU 43 % · 6.1 of 20 GiB")
            item.get_by_role("button").click()
            panel = page.get_by_role("dialog", name="The GPU of this server")
            expect(panel).to_contain_text("1/2 is yours: 20 of 40 GiB")
            expect(panel).to_contain_text("Others on this card9 GiB")
            expect(panel).to_contain_text("GPU hours left (Member)20")
            expect(panel.locator("polyline")).to_have_count(2)
            page.screenshot(path=pictures / "gpu.png")

            panel.get_by_role("button", name="Stop and give back").click()
            expect(page.locator(".jp-Dialog-body")).to_contain_text("kernels and terminals end")
            accept_button(page).click()
            expect(toast(page, "This server stops now.")).to_be_visible()
            process = psutil.Process(server.pid)
            wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE, seconds=60, what="its end")
            assert "typed and not saved" in text.read_text()


def test_a_server_without_a_gpu_shows_nothing(
    gpu_site: Site, chromium: Browser, tmp_path: Path
) -> None:
    with notebook_server(tmp_path / "gwen", **environment(gpu_site, PERSON)) as server:
        page = opened(chromium, server)
        # Only the next page's answer is to be seen: the content of one that was left is lost.
        page.goto("about:blank")
        with page.expect_response(lambda answer: "machinelabs/api/gpu" in answer.url) as told:
            page.goto(f"{server.url}/lab")
        assert told.value.json()["held"] is None
        wait_for_lab(page)
        expect(page.locator(ITEM)).to_be_hidden()
