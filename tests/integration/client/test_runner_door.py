"""The door of a run: its person, and nobody else, sees its kernel in JupyterLab."""

import asyncio
import contextlib
import hashlib
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.kernel_socket import Kernel, connected
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered
from tornado.httpclient import HTTPClientError

from machinelabs.runner import door
from machinelabs.runner.door import Door
from machinelabs.runner.lab import RunServer
from machinelabs.runner.probe import Probe
from machinelabs.runner.run import Run
from machinelabs.runner.service import Service
from machinelabs.runner.words import Ended
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.run import RunState
from machinelabs_hub.labs.models.server import HubServer
from machinelabs_hub.labs.services.run_doors import DoorService

pytestmark = pytest.mark.timeout(180)

BASE = "/user/ada/run-1/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


class Site:
    """A run that goes on, its door, and its person's browser."""

    def __init__(self, server: LabsServer, desk: RunDesk, running: asyncio.Task[Ended], port: int):
        self.server, self.desk, self.running = server, desk, running
        self.origin = f"http://127.0.0.1:{port}"
        self.browser = httpx.AsyncClient(base_url=self.origin, timeout=30)

    async def way_in(self, who: str = "ada") -> str:
        tools = self.server.tools
        name = f"run-{self.desk.run.id}"

        async def servers(_: str) -> dict[str, HubServer]:
            return {name: HubServer(name, ready=True, pending="", image="", flavour="", url=BASE)}

        doors = DoorService(tools=tools, viewer=Person(who, who))
        url = await doors.way_in(self.desk.lab, self.desk.now, servers)
        return BASE + url.rpartition("/")[2]

    async def enter(self) -> httpx.Response:
        """Come in as the page of the run leads there."""
        where = await self.way_in()
        for _ in range(40):
            answer = await self.browser.get(where)
            if "refresh" not in answer.text:
                return answer
            await asyncio.sleep(0.25)
        raise AssertionError("the door was never opened")

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(60):
            while not true():  # noqa: ASYNC110 - a row of a database tells nobody
                await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def kernel(self) -> AsyncIterator[Kernel]:
        (model,) = (await self.browser.get(f"{BASE}api/kernels")).json()
        cookie = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        url = f"{self.origin}{BASE}api/kernels/{model['id']}/channels"
        async with connected(url, self.origin, cookie) as kernel:
            yield kernel


@contextlib.asynccontextmanager
async def running(
    server: LabsServer, folder: Path, *sources: str, **draft: Any
) -> AsyncIterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cells = [
        cell("code", one.replace("PORT", str(port)), f"c{at}") for at, one in enumerate(sources)
    ]
    desk = ordered(server, {"main.ipynb": notebook(cells)}, **draft)
    probe = Probe(f"{BASE}api")
    await probe.start(port)
    service = Service(desk.url)
    folder.mkdir()  # noqa: ASYNC240 - nothing else goes on here yet
    run = Run(service, folder, door=Door(probe, BASE))
    task = asyncio.create_task(run.run(CODE))
    site = Site(server, desk, task, port)
    try:
        yield site
    finally:
        run.stop()
        await asyncio.wait_for(task, 60)
        probe.close()
        await service.close()
        await site.browser.aclose()


async def test_its_person_sees_the_kernel_of_a_run_that_goes_on(
    server: LabsServer, tmp_path: Path
) -> None:
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(.05)"
    folder = tmp_path / "run"
    async with running(server, folder, "x = 41", wait, "print('next')", "print(x)") as site:
        await site.until(lambda: len(site.desk.events("cell")) >= 3)
        closed = await site.browser.get(f"{BASE}lab")
        assert closed.status_code == 404, "nothing is there before somebody asks"
        entered = await site.enter()
        assert entered.status_code == 302, entered.text
        assert entered.headers["location"] == f"{BASE}lab/tree/main.ipynb"
        lab = await site.browser.get(entered.headers["location"])
        assert lab.status_code == 200
        assert "jupyter-config-data" in lab.text
        book = (await site.browser.get(f"{BASE}api/contents/main.ipynb")).json()
        assert (book["type"], book["writable"]) == ("notebook", False)
        assert book["content"]["cells"][0]["source"] == "x = 41"
        wanted = {"content": "1", "hash": "1"}
        hashed = await site.browser.get(f"{BASE}api/contents/main.ipynb", params=wanted)
        assert len(hashed.json()["hash"]) == 64
        opened = await site.browser.post(
            f"{BASE}api/sessions",
            json={"path": "main.ipynb", "name": "", "type": "notebook", "kernel": {"name": "x"}},
        )
        assert opened.status_code == 201, opened.text
        async with site.kernel() as kernel:
            # What is asked waits for the cell, and what fails in it costs the run no cell.
            asked = asyncio.create_task(kernel.ask("raise KeyError('mine')"))
            await asyncio.sleep(0.5)
            (folder / "go").touch()
            assert await asked == "KeyError"
        ended = await site.running
    assert ended.state == "finished", ended
    assert site.desk.said() == "next\n41\n", "nothing of the visitor stands in the log"


async def test_a_run_that_failed_is_held_for_its_person_until_they_had_enough(
    server: LabsServer, tmp_path: Path
) -> None:
    async with running(server, tmp_path / "run", "w = [1, 2, 3]", "w[5]", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)
        held = site.desk.now
        assert held.is_held(server.tools.clock())
        assert held.reason is not None
        assert held.reason.ename == "IndexError"
        assert site.desk.notebook()["cells"][1]["outputs"][0]["ename"] == "IndexError"
        assert (await site.enter()).status_code == 302
        async with site.kernel() as kernel:
            assert await kernel.ask("w.append(4); print(w)") == "[1, 2, 3, 4]\n"
        for path in (f"{BASE}api/kernels/{'0' * 8}-0000-4000-8000-{'0' * 11}1",):
            assert (await site.browser.delete(path)).status_code == 403
        assert not site.running.done()
        site.desk.stop()
        assert (await asyncio.wait_for(site.running, 30)).state == "failed"
    assert site.desk.now.state is RunState.FAILED


GRAB = """import pathlib, socket, threading
def grab():
    while True:
        with socket.socket() as mine:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                mine.bind(("", PORT))
            except OSError:
                continue
            mine.listen()
            pathlib.Path("grabbed").touch()
threading.Thread(target=grab, daemon=True).start()"""


async def test_the_code_of_a_run_never_finds_the_port_of_its_door_free(
    server: LabsServer, tmp_path: Path
) -> None:
    async with running(server, tmp_path / "run", GRAB, "x / 0", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)
        assert (await site.enter()).status_code == 302
        async with site.kernel() as kernel:
            assert await kernel.ask("print(threading.active_count() > 1)") == "True\n"
        site.desk.stop()
        await asyncio.wait_for(site.running, 30)
    assert not (tmp_path / "run/grabbed").exists()


async def test_jupyterlab_over_a_run_executes_nothing_but_itself(
    server: LabsServer, tmp_path: Path
) -> None:
    async with running(server, tmp_path / "run", "x = 1", "x / 0", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)
        page = await site.browser.get((await site.enter()).headers["location"])
        told = page.headers["content-security-policy"].split("; ")
        here = site.origin.partition("//")[2] + BASE
        # Not all of the origin: a server of the same person, with files of anybody's, is there too.
        assert f"script-src {here}static/ {here}lab/extensions/ 'unsafe-eval'" in told
        assert f"connect-src {here} ws://{here} wss://{here}" in told
        text = page.text.partition('type="application/json">')[2].partition("</script>")[0]
        off = set(json.loads(text)["disabledExtensions"])
        assert {"@jupyterlab/javascript-extension", "@jupyterlab/vega5-extension"} <= off
        book = {"name": "a.ipynb", "content": {"cells": [], "nbformat": 4, "nbformat_minor": 5}}
        for path in ("nbconvert/html", "nbconvert/os.path", "api/shutdown"):
            assert (await site.browser.post(BASE + path, json=book)).status_code == 404, path
        for path in ("nbconvert/html/main.ipynb", "view/main.ipynb"):
            assert (await site.browser.get(BASE + path)).status_code == 404, path
        for path in ("files/main.ipynb", "favicon.ico", "robots.txt"):
            assert (await site.browser.get(BASE + path)).status_code == 404, path
        assert not site.running.done()
        site.desk.stop()


async def test_a_run_that_failed_is_not_held_unasked(server: LabsServer, tmp_path: Path) -> None:
    async with running(server, tmp_path / "run", "w[5]") as site:
        assert (await asyncio.wait_for(site.running, 60)).state == "failed"
    assert site.desk.now.held_until is None


async def test_nobody_comes_in_without_a_good_key(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(server, tmp_path / "run", "x = 1", "x / 0", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)
        where = await site.way_in()
        assert (await site.enter()).status_code == 302
        async with httpx.AsyncClient(base_url=site.origin) as stranger:
            second = await site.way_in()
            assert (await site.browser.get(second)).status_code == 302
            monkeypatch.setattr(door, "HEARD_SECONDS", 0.0)
            for tried in (second, where, f"{BASE}door", f"{BASE}door?key=guess"):
                assert (await stranger.get(tried)).status_code == 403
            hashed = hashlib.sha256(second.rpartition("=")[2].encode()).hexdigest()
            assert (await stranger.get(f"{BASE}door?key={hashed}")).status_code == 403
            for path in ("api/kernels", "api/contents", "api/sessions", "api/contents/main.ipynb"):
                assert (await stranger.get(BASE + path)).status_code == 403
            assert (await stranger.get(f"{BASE}lab")).status_code == 302
            assert (await stranger.get(f"{BASE}api/kernels?token=none")).status_code == 403
            bearer = {"Authorization": "token none"}
            assert (await stranger.get(f"{BASE}api/kernels", headers=bearer)).status_code == 403
        theirs = {"Origin": "http://bob.hub.localhost:8000"}
        interrupt = f"{BASE}api/kernels/00000000-0000-4000-8000-000000000001/interrupt"
        assert (await site.browser.post(interrupt, headers=theirs)).status_code in {403, 404}
        # To a browser all people's servers are one site, so it sends the cookie along.
        cookie = "; ".join(f"{name}={value}" for name, value in site.browser.cookies.items())
        channels = f"{site.origin}{interrupt.removesuffix('interrupt')}channels"
        with pytest.raises(HTTPClientError, match="403"):
            async with connected(channels, theirs["Origin"], cookie):
                pass
        async with connected(channels, site.origin, cookie) as kernel:
            assert await kernel.ask("print(x)") == "1\n"
        for path in ("api/terminals", "api/contents/../../../etc/passwd", "api/contents/other"):
            assert (await site.browser.get(BASE + path)).status_code in {404, 405}
        site.desk.stop()


PLANT = """import json, pathlib
def plant(at):
    mine = at / "settings/@jupyterlab/shortcuts-extension/shortcuts.jupyterlab-settings"
    mine.parent.mkdir(parents=True)
    keys = {"command": "help:open", "keys": ["A"], "selector": "body"}
    mine.write_text(json.dumps({"shortcuts": [keys | {"args": {"url": "https://evil.example"}}]}))
    layout = {"data": {"evil": 1}, "metadata": {"id": "default"}}
    (at / "workspaces").mkdir()
    (at / "workspaces/default-37a8.jupyterlab-workspace").write_text(json.dumps(layout))
for one in pathlib.Path("TEMPORARY").glob("lab-*"):
    plant(one)
    print("planted")
"""


async def test_the_code_of_a_run_has_no_say_in_the_page_over_it(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with running(server, tmp_path / "run", "x / 0", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)
        assert (await site.enter()).status_code == 302
        shortcuts = f"{BASE}lab/api/settings/@jupyterlab/shortcuts-extension:shortcuts"
        async with site.kernel() as kernel:
            assert await kernel.ask(PLANT.replace("TEMPORARY", str(tmp_path))) == "planted\n"
        assert "evil" not in (await site.browser.get(shortcuts)).text
        # What the page wants kept is taken, or it would complain, and is nowhere.
        kept = await site.browser.put(shortcuts, json={"raw": '{"shortcuts": []}'})
        assert kept.status_code == 204
        assert (await site.browser.get(shortcuts)).json()["raw"] == "{}"
        layout = f"{BASE}lab/api/workspaces/default"
        said = {"data": {"mine": 1}, "metadata": {"id": "default"}}
        assert (await site.browser.put(layout, json=said)).status_code == 204
        assert (await site.browser.get(layout)).json()["data"] == {}
        everything = await site.browser.get(f"{BASE}lab/api/workspaces")
        assert everything.json() == {"workspaces": {"ids": [], "values": []}}
        async with httpx.AsyncClient(base_url=site.origin) as stranger:
            for path in (layout, shortcuts):
                assert (await stranger.put(path, json=said)).status_code == 403, path
        site.desk.stop()


async def test_who_waits_at_a_door_that_does_not_open_is_told_and_may_try_again(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(server, tmp_path / "run", "x / 0", hold=True) as site:
        await site.until(lambda: site.desk.now.state is RunState.FAILED)

        def too_large(*_: Any, **__: Any) -> None:
            raise MemoryError

        monkeypatch.setattr(RunServer, "initialize", too_large)
        where = await site.way_in()
        page = ""
        async with asyncio.timeout(60):
            while "could not be opened" not in page:
                page = (await site.browser.get(where)).text
                await asyncio.sleep(0.1)
        assert "Choose <b>Look into it</b> on its page again" in page
        monkeypatch.undo()
        assert (await site.enter()).status_code == 302
        site.desk.stop()
