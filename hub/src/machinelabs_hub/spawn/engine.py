"""Talk to the Docker engine: what the spawner asks of it, and what its answers mean.

EngineTrouble
├── EngineAway     no answer: nothing is known
└── EngineFailed   it answered that it could not
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import docker
import docker.errors
import requests
from docker.types import DeviceRequest, LogConfig, Ulimit
from docker.types import Mount as DockerMount

from machinelabs_hub.errors import Conflict, NotFound, Unavailable
from machinelabs_hub.names import shown
from machinelabs_hub.settings import Engine as EngineSettings
from machinelabs_hub.spawn.plan import LABEL_SITE, LABEL_USER, LOG_FILES, LOG_MIB, ContainerPlan
from machinelabs_hub.spawn.swarm import task_uuids

LOOK_SECONDS: Final = 5
"""An engine that takes longer than this to say how a container is has not answered."""

WORK_SECONDS: Final = 60
"""How long the engine may take to make, start or remove a container."""

GLANCE_SECONDS: Final = 0.1

CANNOT_RUN: Final = (126, 127)
"""A container's exit codes for a command that it does not have or may not run."""

P = ParamSpec("P")
T = TypeVar("T")


class EngineTrouble(Unavailable):
    """The container engine did not do what was asked."""

    code = "engine_trouble"


class EngineAway(EngineTrouble):
    """The container engine does not answer."""

    code = "engine_away"

    def __init__(self) -> None:
        super().__init__(
            "The container engine does not answer. Running servers go on; try again in a minute."
        )


class EngineFailed(EngineTrouble):
    """The container engine answered that it could not do it."""

    code = "engine_failed"

    def __init__(self, explanation: str) -> None:
        super().__init__(f"The container engine refused: {shown(explanation, 300)}.")


class NameTaken(Conflict):
    """Another container has the name."""

    code = "container_name_taken"


class ImageMissing(NotFound):
    """The engine has no such image."""

    code = "image_missing"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the engine said about one container."""

    id: str
    name: str
    running: bool
    exit_code: int
    out_of_memory: bool
    memory_mib: int
    address: str
    labels: dict[str, str]
    error: str
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the engine's list of containers."""

    id: str
    name: str
    state: str
    """`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class CardRequest:
    """GPUs that a container was made with: `count` of them (-1: all), or these `ids`."""

    count: int
    ids: tuple[str, ...]


class Engine:
    """The Docker engine at one socket, called on threads of its own.

    Looking and working have separate threads and time limits, so that a slow start never
    delays the answer to whether another server runs.
    """

    def __init__(self, *, socket: str, parallel_calls: int) -> None:
        self._look = _Line(socket, seconds=LOOK_SECONDS, threads=parallel_calls)
        self._work = _Line(socket, seconds=WORK_SECONDS, threads=parallel_calls)

    async def see(self, name: str, network: str) -> Seen | None:
        """Return how the container `name` (or id) is, None if there is none.

        Raises:
            EngineTrouble: it is not known.
        """
        try:
            return _seen(await self._look.call(docker.APIClient.inspect_container, name), network)
        except NotFound:
            return None

    async def list(self) -> tuple[Listed, ...]:
        """Return all containers of the engine, whoever made them, in any state.

        Raises:
            EngineTrouble: it is not known.
        """
        rows = await self._look.call(docker.APIClient.containers, all=True)
        return tuple(_listed(row) for row in rows)

    async def has_image(self, image: str) -> bool:
        """Return whether the engine has the image with this id.

        Raises:
            EngineTrouble: it is not known.
        """
        try:
            await self._look.call(docker.APIClient.inspect_image, image)
        except ImageMissing:
            return False
        return True

    async def cards(self, container: str) -> tuple[CardRequest, ...] | None:
        """Return the GPUs that a container was made with; None: the engine has no such container.

        One that is being made is listed already while it is not yet there to be asked about.

        Raises:
            EngineTrouble: it is not known.
        """
        try:
            answer = await self._look.call(docker.APIClient.inspect_container, container)
        except NotFound:
            return None
        asked = _card_requests(answer["HostConfig"].get("DeviceRequests") or [])
        given = task_uuids(answer["Config"])
        return (*asked, CardRequest(count=0, ids=given)) if given else asked

    async def create(self, plan: ContainerPlan, environment: dict[str, str]) -> str:
        """Make the container, not started, and return its id.

        Raises:
            NameTaken: a container of that name is there.
            ImageMissing: the plan's image is not.
        """
        return await self._work.call(_create, plan, environment)

    async def start(self, container: str) -> None:
        """Start a container that was made."""
        await self._work.call(docker.APIClient.start, container)

    async def discard(self, container: str) -> None:
        """Stop and remove the container; its volumes stay. Gone already is as good."""
        try:
            await self._work.call(docker.APIClient.stop, container)
            await self._work.call(docker.APIClient.remove_container, container, force=True)
        except NotFound:
            return
        except Conflict:
            await self._wait_until_removed(container)

    async def end_process(self, container: str, pid: int) -> None:
        """Kill one process of a container, by its number in there. Gone already is as good."""
        await self._work.call(_end_process, container, pid)

    async def _wait_until_removed(self, container: str) -> None:
        # Somebody else removes it; the engine tells nobody when it is done.
        seen = await self.see(container, "")
        while seen is not None:
            await asyncio.sleep(GLANCE_SECONDS)
            seen = await self.see(container, "")

    async def last_words(self, container: str) -> str:
        """Return the end of the container's log, for the hub's log."""
        said = await self._look.call(docker.APIClient.logs, container, tail=20)
        return str(said.decode("utf-8", "replace"))


class _Line:
    """A connection to the engine with its own threads and time limit, opened when first used."""

    def __init__(self, socket: str, *, seconds: int, threads: int) -> None:
        self._socket = socket
        self._seconds = seconds
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None

    async def call(
        self,
        function: Callable[Concatenate[Any, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        def on_thread() -> T:
            return translated(lambda: function(self._connected(), *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._pool, on_thread)

    def _connected(self) -> docker.APIClient:
        with self._lock:
            if self._client is None:
                self._client = connect(self._socket, seconds=self._seconds, pool=self._threads)
            return self._client


@cache
def shared_engine(socket: str, parallel_calls: int) -> Engine:
    """Return this process's one `Engine` for these settings."""
    return Engine(socket=socket, parallel_calls=parallel_calls)


def engine_for(settings: EngineSettings) -> Engine:
    """Return the engine that a site's spawners share."""
    return shared_engine(settings.socket, settings.parallel_calls)


def connect(socket: str, *, seconds: int = WORK_SECONDS, pool: int = 4) -> docker.APIClient:
    """Return a connection to the engine; it speaks the newest API that both know.

    Raises:
        docker.errors.DockerException: the engine does not answer.
    """
    return docker.APIClient(
        base_url=socket, version="auto", timeout=seconds, num_pools=2, max_pool_size=pool
    )


def translated(action: Callable[[], T]) -> T:
    """Do `action`, with the engine's errors as ours.

    Raises:
        EngineTrouble: it failed or did not answer.
        NameTaken: a conflict.
        ImageMissing: no such image.
        NotFound: no such container, network or volume.
    """
    try:
        return action()
    except docker.errors.ImageNotFound as error:
        raise ImageMissing(_explained(error)) from error
    except docker.errors.NotFound as error:
        raise NotFound(_explained(error)) from error
    except docker.errors.APIError as error:
        if error.status_code == requests.codes.conflict:
            raise NameTaken(_explained(error)) from error
        raise EngineFailed(_explained(error)) from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise EngineAway from error


def _explained(error: docker.errors.APIError) -> str:
    return str(error.explanation or error).rstrip(".")


def _seen(answer: dict[str, Any], network: str) -> Seen:
    state = answer["State"]
    networks = answer["NetworkSettings"]["Networks"] or {}
    return Seen(
        id=answer["Id"],
        name=answer["Name"].lstrip("/"),
        running=bool(state["Running"]),
        exit_code=int(state["ExitCode"]),
        out_of_memory=bool(state["OOMKilled"]),
        memory_mib=int(answer["HostConfig"]["Memory"] or 0) // 2**20,
        address=networks.get(network, {}).get("IPAddress", ""),
        labels=answer["Config"]["Labels"] or {},
        error=state["Error"] or "",
        started_at=_moment(state["StartedAt"]),
        finished_at=_moment(state["FinishedAt"]),
    )


def _moment(text: str) -> datetime | None:
    """Return a moment as the engine writes it, with nanoseconds; the year 1 is never."""
    moment = datetime.fromisoformat(text)
    return moment if moment.year > 1 else None


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(
        id=row["Id"],
        name=(row["Names"] or [""])[0].lstrip("/"),
        state=row["State"],
        labels=row["Labels"] or {},
    )


def _card_requests(rows: list[dict[str, Any]]) -> tuple[CardRequest, ...]:
    return tuple(
        CardRequest(count=int(row["Count"]), ids=tuple(row["DeviceIDs"] or ()))
        for row in rows
        if row["Driver"] == "nvidia" or any("gpu" in kind for kind in row["Capabilities"] or [])
    )


def _create(client: docker.APIClient, plan: ContainerPlan, environment: dict[str, str]) -> str:
    memory = plan.memory_mib * 2**20
    host = client.create_host_config(
        mem_limit=memory,
        memswap_limit=memory,
        nano_cpus=round(plan.cpu * 1e9),
        pids_limit=plan.pids,
        ulimits=[Ulimit(name="nofile", soft=plan.nofile, hard=plan.nofile)],
        shm_size=plan.shm_mib * 2**20,
        init=plan.has_init,
        ipc_mode="host" if plan.shares_ipc else "private",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        network_mode=plan.network,
        dns=list(plan.dns) or None,
        dns_opt=list(plan.dns_options) or None,
        mounts=[
            DockerMount(
                source=mount.source,
                target=mount.target,
                type="volume" if mount.is_volume else "bind",
                read_only=mount.read_only,
                labels=_volume_labels(plan) if mount.is_volume else None,
            )
            for mount in plan.mounts
        ],
        log_config=LogConfig(
            type=LogConfig.types.JSON,
            config={"max-size": f"{LOG_MIB}m", "max-file": str(LOG_FILES)},
        ),
        device_requests=_device_requests(plan),
    )
    made = client.create_container(
        image=plan.image_id,
        name=plan.name,
        command=list(plan.command),
        user=plan.user,
        environment=environment,
        labels=plan.labels,
        host_config=host,
        stop_timeout=plan.stop_seconds,
    )
    return str(made["Id"])


def _device_requests(plan: ContainerPlan) -> list[DeviceRequest] | None:
    if not plan.devices:
        return None
    return [DeviceRequest(driver="nvidia", device_ids=list(plan.devices), capabilities=[["gpu"]])]


def _end_process(client: docker.APIClient, container: str, pid: int) -> None:
    # As the container's own person: it can end nothing else.
    made = client.exec_create(container, ["/bin/sh", "-c", f"kill -KILL {pid:d}"])
    said = client.exec_start(made["Id"]).decode("utf-8", "replace")
    if client.exec_inspect(made["Id"])["ExitCode"] in CANNOT_RUN:
        raise EngineFailed(said.strip())


def _volume_labels(plan: ContainerPlan) -> dict[str, str]:
    return {key: plan.labels[key] for key in (LABEL_SITE, LABEL_USER)}
