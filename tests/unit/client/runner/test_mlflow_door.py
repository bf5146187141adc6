"""The listener of a run bears what its code sends, and goes on."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from machinelabs.runner.measures import Measures
from machinelabs.runner.mlflow_calls import Calls
from machinelabs.runner.mlflow_door import MOST_BYTES, MOST_CONNECTIONS, MlflowDoor
from machinelabs.runner.mlflow_runs import MlflowRuns

PREFIX = "/api/2.0/mlflow/"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[MlflowDoor]:
    made = MlflowDoor(Calls(MlflowRuns(Measures(), name="run-1", outputs=tmp_path / "outputs")))
    yield made
    made.close()


def ask(door: MlflowDoor, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=10)
    try:
        method = "GET" if body is None else "POST"
        content = body if isinstance(body, bytes | None) else json.dumps(body)
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/etc/passwd", None, "ENDPOINT_NOT_FOUND"),
        (f"{PREFIX}runs/none", {}, "ENDPOINT_NOT_FOUND"),
        (f"{PREFIX}runs/get?run_id=run-2", None, "RESOURCE_DOES_NOT_EXIST"),
        (f"{PREFIX}runs/log-batch", b"{", "MALFORMED_REQUEST"),
        (f"{PREFIX}runs/log-batch", b"[]", "MALFORMED_REQUEST"),
        (f"{PREFIX}runs/log-batch", b"[" * 100_000, "MALFORMED_REQUEST"),
        (f"{PREFIX}runs/log-batch", {"run_id": "run-1", "metrics": 3}, "INVALID_PARAMETER_VALUE"),
        (
            f"{PREFIX}runs/log-metric",
            {"run_id": "run-1", "key": "x", "value": "many"},
            "INVALID_PARAMETER_VALUE",
        ),
        (
            f"{PREFIX}runs/log-metric",
            {"run_id": "run-1", "key": "x", "value": 1, "step": 1e300},
            "INVALID_PARAMETER_VALUE",
        ),
        (
            f"{PREFIX}runs/log-batch",
            {"run_id": "run-1", "metrics": [{"key": "x", "value": 1}] * 1001},
            "INVALID_PARAMETER_VALUE",
        ),
    ],
)
def test_what_it_cannot_do_it_says_as_mlflow_does(
    door: MlflowDoor, path: str, body: Any, code: str
) -> None:
    status, said = ask(door, path, body)
    assert (400 <= status < 500, said["error_code"]) == (True, code)
    assert said["message"]


def test_a_body_that_is_too_long_is_not_read(door: MlflowDoor) -> None:
    path = f"{PREFIX}runs/log-batch"
    status, said = ask(door, path, b"", **{"Content-Length": str(MOST_BYTES + 1)})
    assert status == 400
    assert "at most 4 MiB" in said["message"]


def test_connections_that_say_nothing_do_not_keep_it_from_closing(door: MlflowDoor) -> None:
    where = urlsplit(door.url)
    held = [
        socket.create_connection((where.hostname, where.port)) for _ in range(MOST_CONNECTIONS - 1)
    ]
    assert ask(door, f"{PREFIX}experiments/get?experiment_id=0")[0] == 200
    for one in held:
        one.close()
    assert ask(door, f"{PREFIX}experiments/get?experiment_id=0")[0] == 200
