"""What the Hub learns of a route from the real proxy."""

import asyncio
import os
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from tests.support.places import free_port

from machinelabs_hub.spawn.proxy import WorkOnlyProxy


@pytest.mark.asyncio
async def test_traffic_through_a_route_is_no_activity(root: Path) -> None:
    port, api = free_port(), free_port()
    process = subprocess.Popen(  # noqa: ASYNC220
        [
            root / ".tools/node_modules/.bin/configurable-http-proxy",
            f"--port={port}", "--ip=127.0.0.1", f"--api-port={api}", "--api-ip=127.0.0.1",
            "--log-level=warn",
        ],
        env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "a-token"},
    )  # fmt: skip
    try:
        proxy = WorkOnlyProxy(
            api_url=f"http://127.0.0.1:{api}", auth_token="a-token", should_start=False
        )
        await answers(api)
        await proxy.add_route("/user/eva/", f"http://127.0.0.1:{api}", {"user": "eva"})
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(f"http://127.0.0.1:{port}/user/eva/api")
        routes = await proxy.get_all_routes()
    finally:
        process.terminate()
        process.wait()
    assert routes["/user/eva/"]["data"] == {"user": "eva"}
    assert routes["/user/eva/"]["target"] == f"http://127.0.0.1:{api}"


@pytest.mark.asyncio
@pytest.mark.parametrize(("pending", "server"), [("stop", "a server"), (None, None)])
async def test_a_server_that_stops_gets_no_route_and_ends_no_look_through_the_routes(
    pending: str | None, server: str | None
) -> None:
    spawner = SimpleNamespace(pending=pending, server=server, _log_name="eva")
    proxy = WorkOnlyProxy(api_url="http://127.0.0.1:9", auth_token="a-token", should_start=False)
    # Nothing listens there: a route that was asked for would raise.
    await proxy.add_user(SimpleNamespace(name="eva", spawners={"": spawner}))


async def answers(port: int) -> None:
    until = time.monotonic() + 20
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() < until:
            try:
                await http.get(f"http://127.0.0.1:{port}/")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
    pytest.fail("The proxy did not start.")
