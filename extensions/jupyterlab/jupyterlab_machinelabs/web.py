"""What our handlers share: their tools, threads for blocking work, errors as sentences."""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, ParamSpec, TypeVar

from jupyter_server.base.handlers import APIHandler

from jupyterlab_machinelabs.activity import Activity
from jupyterlab_machinelabs.config import Config
from jupyterlab_machinelabs.jobs import Jobs
from jupyterlab_machinelabs.notices import Notices
from jupyterlab_machinelabs.opening import Opening
from jupyterlab_machinelabs.packages import Packages
from jupyterlab_machinelabs.publishing import Publishing
from jupyterlab_machinelabs.recent import Recent
from jupyterlab_machinelabs.running import Running
from jupyterlab_machinelabs.updating import Updating
from machinelabs import Hub
from machinelabs.errors import (
    BadInput,
    Conflict,
    FolderFault,
    HubError,
    NotAllowed,
    NotFound,
    Offline,
    SignInNeeded,
    TooLarge,
    TooMany,
)

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

STATUS: Final[Mapping[type[HubError], HTTPStatus]] = {
    Offline: HTTPStatus.BAD_GATEWAY,
    # Not 401: this server knows the person; it is the site that does not know the server.
    SignInNeeded: HTTPStatus.FAILED_DEPENDENCY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    FolderFault: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers call."""

    config: Config
    hub: Hub
    jobs: Jobs
    publishing: Publishing
    opening: Opening
    packages: Packages
    recent: Recent
    running: Running
    updating: Updating
    activity: Activity
    notices: Notices
    threads: Executor


def status_of(error: HubError) -> HTTPStatus:
    """Return the HTTP status that fits an error."""
    return next(
        (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), HTTPStatus.BAD_GATEWAY
    )


class LabsHandler(APIHandler):
    """What every handler of ours shares: tools, threads, errors as sentences."""

    auth_resource = "machinelabs"
    tools: Tools

    def initialize(self, tools: Tools) -> None:
        self.tools = tools

    async def thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking `work` beside the event loop."""
        call = functools.partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.tools.threads, call)

    def give(self, body: object) -> None:
        """Answer with JSON."""
        self.finish(json.dumps(body))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with our errors' code and sentence; others as Jupyter does."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, HubError):
            super().write_error(status_code, **kwargs)
            return
        self.set_header("Content-Type", "application/json")
        self.set_status(status_of(error))
        self.give({"code": error.code, "message": str(error)})

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Log our errors as one line: they are no faults of this server."""
        if isinstance(error, HubError):
            self.log.info("%s %s: %s", self.request.method, self.request.path, error)
        else:
            super().log_exception(kind, error, trace)

    def body(self) -> "Body":
        """Return the request's JSON object."""
        read = self.get_json_body()
        if not isinstance(read, dict):
            raise BadInput("Send a JSON object.")
        return Body(read)


class Body:
    """A JSON object whose values are taken by type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; one that is missing is `default`, or refused if that is None."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise BadInput(f"“{key}” must be a text.")
        return value

    def choice(self, key: str, kind: type[E]) -> E:
        """Return one of the values of an enumeration of words."""
        try:
            return kind(self.text(key))
        except ValueError as error:
            words = ", ".join(kind)
            raise BadInput(f"“{key}” must be one of: {words}.") from error

    def flag(self, key: str) -> bool | None:
        """Return true, false, or None where nothing is said."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, bool):
            raise BadInput(f"“{key}” must be true or false.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadInput(f"“{key}” must be a list of texts.")
        return tuple(value)

    def named_texts(self, key: str) -> dict[str, str]:
        """Return texts by their names."""
        value = self._values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise BadInput(f"“{key}” must be texts by name.")
        return dict(value)
