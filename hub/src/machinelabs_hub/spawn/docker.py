"""Start people's servers as containers of a Docker engine."""

import asyncio
import resource
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import jupyterhub
from dockerspawner import DockerSpawner
from traitlets import default

from machinelabs_hub.errors import Conflict, MachineLabsError, NotFound, SetupError
from machinelabs_hub.spawn.cards import MPS_FOLDER
from machinelabs_hub.spawn.ending import sentence
from machinelabs_hub.spawn.engine import (
    Engine,
    EngineAway,
    EngineTrouble,
    ImageMissing,
    NameTaken,
    Seen,
    engine_for,
)
from machinelabs_hub.spawn.fetch import shared_lane
from machinelabs_hub.spawn.mixin import MachineLabsMixin
from machinelabs_hub.spawn.network import ensure_network
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.phases import Phase, PhaseLog
from machinelabs_hub.spawn.plan import (
    CA_FILE,
    LABEL_IMAGE,
    LABEL_SERVER,
    LABEL_SITE,
    LABEL_USER,
    PORT,
    ContainerPlan,
    container_name,
    image_not_built,
    make_plan,
)
from machinelabs_hub.spawn.probe import INTERVAL_SECONDS, answers
from machinelabs_hub.spawn.runs import as_run

PATIENCE: Final = 10
"""How many times, a second apart, a start asks an engine that does not answer."""

LOOK_INTERVAL: Final = 1.0
"""How often a start looks whether the container that it waits for still lives, in seconds."""


class StartFailed(MachineLabsError):
    """The container ended before its server answered."""

    code = "start_failed"


class NameNotOurs(Conflict):
    """A container that is not this site's has the name that we need."""

    code = "container_name_not_ours"


class MachineLabsDockerSpawner(MachineLabsMixin, DockerSpawner):
    """A server is one container, made anew at each start; the home volume is what stays."""

    @property
    def _engine(self) -> Engine:
        return engine_for(self.site.settings.engine)

    @property
    def _network(self) -> str:
        return self.site.settings.engine.network

    @default("object_name")
    def _object_name_default(self) -> str:
        return container_name(self.site.settings.engine.prefix, self.user.name, self.name)

    # Look.

    async def look(self) -> Seen | None:
        """Return how the container is; one whose id is not known is found by its name."""
        seen = await self._engine.see(self.object_id or self.object_name, self._network)
        if seen is None or not self._is_mine(seen):
            return None
        self.object_id = seen.id
        return seen

    def _is_mine(self, seen: Seen) -> bool:
        mine = {
            LABEL_SITE: self.site.settings.engine.prefix,
            LABEL_USER: self.user.name,
            LABEL_SERVER: self.name,
        }
        return all(seen.labels.get(key) == value for key, value in mine.items())

    async def get_url(self) -> str:
        """Return where the server is, for a hub that has just started.

        What the hub does next is to wait for an answer and to stop a server that gives none. A
        server that is frozen or slow is not gone: it is taken as it is.
        """
        self.server.wait_up = _taken_as_it_is
        if self.unknown_since is not None:
            return str(self.server.url)
        try:
            seen = await self.look()
        except EngineTrouble:
            return str(self.server.url)
        if seen is None or not seen.address:
            return str(self.server.url)
        self.take_cards_over()
        return self._url(seen.address)

    def _url(self, address: str) -> str:
        return f"http://{address}:{PORT}{self.server.base_url}"

    # Start.

    async def fetch(self, choice: Choice, phases: PhaseLog) -> None:
        """Fetch the image from the site's registry where the engine lacks it."""
        engine = self.site.settings.engine
        build = self.site.builds().get(choice.image)
        if not engine.registry or build is None:
            return
        try:
            if await self._engine.has_image(build.id):
                return
        except EngineTrouble:
            # It is asked again, with patience, when the container is made.
            return
        phases.enter(Phase.FETCH)

        def tell(sentence: str) -> None:
            phases.fetched = sentence

        await shared_lane(engine.socket, engine.registry).fetch(build, tell)

    async def launch(self, choice: Choice, phases: PhaseLog) -> str:
        """Make and start the container; return its address when its server answers."""
        phases.enter(Phase.PULL)
        plan = make_plan(
            settings=self.site.settings,
            catalog=self.site.catalog,
            builds=self.site.builds(),
            choice=choice,
            user=self.user.name,
            server=self.name,
            most_files=_most_files(),
            cards=self.cards(),
        )
        if door := self.run_door():
            plan = as_run(plan, door)
        phases.enter(Phase.CREATE)
        self.object_id = await self._create(plan)
        self._store_state()
        self.note_cards_held()
        phases.enter(Phase.START)
        await self._start(self.object_id)
        phases.enter(Phase.READY)
        return await self._wait_for_answer()

    async def _create(self, plan: ContainerPlan) -> str:
        await asyncio.to_thread(self._check_folders, plan)
        environment = plan.environment if self.is_run else self.get_env() | plan.environment
        self.asked_engine = True
        for _ in range(PATIENCE):
            making = asyncio.ensure_future(self._engine.create(plan, environment))
            try:
                return await asyncio.shield(making)
            except asyncio.CancelledError:
                self.making = self._in_background(self._remove_when_made(making))
                raise
            except NameTaken:
                await self._clear_name(plan.name)
            except ImageMissing as error:
                title = self.site.catalog.image(self.choice.image).title if self.choice else ""
                raise image_not_built(title, plan.labels[LABEL_IMAGE]) from error
            except EngineAway:
                await asyncio.sleep(1)
        raise EngineAway

    async def _remove_when_made(self, making: asyncio.Future[str]) -> bool:
        """Return whether no container is left for certain."""
        try:
            await self._engine.discard(await making)
        except MachineLabsError:
            return False
        return True

    async def _clear_name(self, name: str) -> None:
        seen = await self._engine.see(name, self._network)
        if seen is None:
            # The engine has not made it yet: an earlier try of this start asked for it.
            await asyncio.sleep(1)
            return
        if not self._is_mine(seen):
            raise NameNotOurs(
                f"Another program's container on this machine is called {name}. Ask the people "
                "who run this site to rename it or to change `engine.prefix`."
            )
        self.log.info("Removing %s, which an earlier start left behind", name)
        await self._engine.discard(seen.id)

    async def _start(self, container: str) -> None:
        for _ in range(PATIENCE):
            try:
                return await self._engine.start(container)
            except NotFound:
                self.log.warning("The containers' network is missing; making it again")
                await asyncio.to_thread(ensure_network, self.site.settings)
            except EngineAway:
                await asyncio.sleep(1)
        raise EngineAway

    async def _wait_for_answer(self) -> str:
        clock = asyncio.get_running_loop().time
        address, looked = "", 0.0
        while True:
            if clock() - looked >= LOOK_INTERVAL:
                looked = clock()
                address = await self._living_address() or address
            if address and await answers(address, PORT, f"{self.server.base_url}api"):
                return self._url(address)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _living_address(self) -> str:
        try:
            seen = await self._engine.see(self.object_id, self._network)
        except EngineTrouble:
            return ""
        if seen is None:
            raise StartFailed("Your server's container was removed while it started. Try again.")
        if not seen.running:
            with suppress(MachineLabsError):
                words = await self._engine.last_words(seen.id)
                self.log.error("%s ended while it started:\n%s", self._log_name, words)
            raise StartFailed(sentence(seen))
        return seen.address

    def _check_folders(self, plan: ContainerPlan) -> None:
        for mount in plan.mounts:
            path = Path(mount.source)
            if mount.is_volume or path.exists():
                continue
            if mount.target == MPS_FOLDER:
                raise SetupError(
                    "GPUs are shared by MPS here, and its daemon does not run. Ask the people who "
                    "run this site."
                )
            if mount.target == CA_FILE:
                raise SetupError(
                    f"The file {path} of this site's settings is missing. Ask the people who run "
                    "this site."
                )
            path.mkdir(parents=True)

    # Stop.

    async def discard(self, container: str = "") -> None:
        """Stop and remove the container, or the one of this id; the home volume stays."""
        if known := container or self.object_id:
            await self._engine.discard(known)
        elif (seen := await self.look()) is not None:
            await self._engine.discard(seen.id)


def _most_files() -> int:
    # An engine without CAP_SYS_RESOURCE, as in a container of its own, cannot grant more than it
    # was granted itself, and that is what the hub on the same machine was granted too.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


async def _taken_as_it_is(**_: Any) -> Any:
    """Stand in for waiting until a server answers."""
    # JupyterHub warns of servers without this header; images hold the hub's own version.
    return SimpleNamespace(headers={"X-JupyterHub-Version": jupyterhub.__version__})
