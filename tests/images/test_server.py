"""A tuned server is a whole JupyterLab: contents, kernels, terminals, settings and the hub."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.site import Server, Site
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

pytestmark = [pytest.mark.engine, pytest.mark.images]


@pytest.fixture(scope="module")
def server(site: Site) -> Iterator[Server]:
    yield site.start_server("tuned", image="base")
    site.stop_server("tuned")


def test_files_are_written_read_renamed_and_deleted(server: Server) -> None:
    with server.client() as client:
        body = {"type": "file", "format": "text", "content": "hello"}
        assert client.put("api/contents/a.txt", json=body).status_code == 201
        assert client.get("api/contents/a.txt").json()["content"] == "hello"
        assert client.patch("api/contents/a.txt", json={"path": "b.txt"}).is_success
        assert client.delete("api/contents/b.txt").status_code == 204


def test_a_kernel_runs_code_over_ipc(server: Server) -> None:
    with server.client() as client:
        kernel = client.post("api/kernels", json={"name": "python3"}).json()["id"]
        said = execute(server, kernel, "import sys, os; print(sys.executable, os.getuid())")
        assert said == "/usr/bin/python3 1000\n"
        code = "import json; from ipykernel.connect import get_connection_info as info; print(json.loads(info())['transport'])"
        assert execute(server, kernel, code) == "ipc\n"
        assert client.delete(f"api/kernels/{kernel}").status_code == 204


def test_a_terminal_opens_and_closes(server: Server) -> None:
    with server.client() as client:
        name = client.post("api/terminals").json()["name"]
        assert [one["name"] for one in client.get("api/terminals").json()] == [name]
        assert client.delete(f"api/terminals/{name}").status_code == 204


def test_the_lab_page_and_its_settings_are_served(server: Server) -> None:
    with server.client() as client:
        page = client.get("lab")
        assert page.status_code == 200
        assert "jupyter-config-data" in page.text
        overrides = "lab/api/settings/@jupyterlab/docmanager-extension:plugin"
        settings = client.get(overrides).json()
        default = settings["schema"]["properties"]["renameUntitledFileOnSave"]["default"]
        assert default is False
        kernels = client.get("api/kernelspecs").json()
        assert kernels["default"] == "python3"
        assert "logo-svg" in kernels["kernelspecs"]["python3"]["resources"]


def test_a_notebook_is_converted(server: Server) -> None:
    with server.client() as client:
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        body = {"type": "notebook", "content": notebook}
        client.put("api/contents/n.ipynb", json=body).raise_for_status()
        assert "<html" in client.get("nbconvert/html/n.ipynb").text


def test_who_is_not_signed_in_is_sent_to_the_hub(server: Server, site: Site) -> None:
    with site.visitor() as visitor:
        answer = visitor.get(f"{server.url}lab", follow_redirects=False)
        assert answer.status_code == 302
        assert "/hub/api/oauth2/authorize" in answer.headers["location"]
        assert visitor.get(f"{server.url}api/contents").status_code == 403


def test_the_hub_hears_of_activity(server: Server, site: Site) -> None:
    before = site.operator("GET", "/users/tuned").json()["servers"][""]["last_activity"]
    assert before is not None
    with server.client() as client:
        assert client.get("api/status").json()["started"]


def execute(server: Server, kernel: str, code: str) -> str:
    """Run code in a kernel through the server's websocket and return what it printed."""

    async def run() -> str:
        address = server.url.replace("http://", "ws://", 1)
        request = HTTPRequest(
            f"{address}api/kernels/{kernel}/channels",
            headers={"Authorization": f"token {server.token}"},
        )
        socket = await websocket_connect(request)
        await socket.write_message(json.dumps(_execute_request(code)))
        printed = ""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            message = json.loads(str(await socket.read_message()))
            content: dict[str, Any] = message["content"]
            if message["msg_type"] == "stream":
                printed += content["text"]
            if (
                message["msg_type"] == "status"
                and content["execution_state"] == "idle"
                and (message["parent_header"].get("msg_type") == "execute_request")
            ):
                socket.close()
                return printed
        raise TimeoutError(code)

    loop = IOLoop(make_current=False)
    try:
        printed: str = loop.run_sync(run)
    finally:
        loop.close()
    return printed


def _execute_request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": uuid.uuid4().hex,
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }
