"""`machinelabs.log`: let the page of a run show how the code does, while it does it.

With the standard library alone, so that it works wherever this package can be imported.
"""

import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

VARIABLE: Final = "MACHINELABS_TRACKING"
"""In a run: where its runner listens, and the run's name: `http://127.0.0.1:PORT/run-12`."""

SECONDS: Final = 10.0
_PATH: Final = "/api/2.0/mlflow/runs/log-batch"


class TrackingFault(ValueError):
    """What was to be logged cannot be: the sentence says why."""


class _Log:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, int] = {}
        self._connection: http.client.HTTPConnection | None = None
        self._has_noted = False

    def log(self, values: Mapping[str, Any], step: int | None) -> None:
        where = os.environ.get(VARIABLE, "")
        at = int(time.time() * 1000)
        with self._lock:
            metrics, tags = [], []
            for name, value in values.items():
                if isinstance(value, str):
                    tags.append({"key": name, "value": value})
                    continue
                metrics.append(
                    {
                        "key": name,
                        "value": _json(_number(name, value)),
                        "timestamp": at,
                        "step": self._step(name, step),
                    }
                )
            if not where:
                self._note("This is no run of a lab, so machinelabs.log keeps nothing.")
            elif metrics or tags:
                self._send(where, {"metrics": metrics, "tags": tags})

    def _step(self, name: str, step: int | None) -> int:
        if step is None:
            step = self._steps.get(name, -1) + 1
        self._steps[name] = int(step)
        return int(step)

    def _send(self, where: str, said: dict[str, Any]) -> None:
        url = urlsplit(where)
        body = json.dumps(said | {"run_id": url.path.strip("/")})
        headers = {"Content-Type": "application/json"}
        for is_last in (False, True):
            try:
                door = self._door(url.hostname or "", url.port or 0)
                door.request("POST", _PATH, body, headers)
                answer = door.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                # A connection that rested for long is closed; a new one is not.
                self._connection = None
                if is_last:
                    self._note(f"What is logged cannot be kept now: {error}")
                continue
            if answer.status != http.HTTPStatus.OK:
                raise TrackingFault(_message(content))
            return

    def _door(self, host: str, port: int) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        return self._connection

    def _note(self, text: str) -> None:
        if not self._has_noted:
            self._has_noted = True
            print(text, file=sys.stderr)  # noqa: T201 - what the code prints, so does this


_LOG = _Log()


def _begin_anew() -> None:
    # Another thread may have held the lock when the process was forked.
    global _LOG  # noqa: PLW0603 - a process has one log
    _LOG = _Log()


os.register_at_fork(after_in_child=_begin_anew)


def log(*, step: int | None = None, **values: Any) -> None:
    """Show how this run does: `machinelabs.log(loss=0.3, accuracy=0.9, step=epoch)`.

    Args:
        step: how far the code is; None: each name counts its values from 0 on.
        values: numbers, also of NumPy and PyTorch, by name, which become curves; text becomes a
            tag. Names that Python does not take can be given as `log(**{"val/loss": 0.3})`.

    Outside of a run it says so, once, and keeps nothing.

    Raises:
        TrackingFault: a value is neither a number nor text, a name is too long, there are too
            many names.
    """
    _LOG.log(values, step)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise TrackingFault(
            f"`{name}` must be one number or text, not a {type(value).__name__}."
        ) from error


def _json(value: float) -> float | str:
    if value != value:  # noqa: PLR0124 - what is not itself is no number
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _message(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return "The runner did not take it."
