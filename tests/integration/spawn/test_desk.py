"""The desk of GPUs while a start asks its engine a second time: the claim stays the start's."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import docker
import pytest
from docker.types import DeviceRequest
from tests.support.card_engine import CardEngine, card_engine
from tests.support.card_site import CARDS
from tests.support.sampler import settings_in
from tests.support.waiting import wait_until

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.gpu.desk import GpuDesk
from machinelabs_hub.gpu.inventory import Inventory
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Ask, Claim, Holder, Want
from machinelabs_hub.gpu.queue import Line
from machinelabs_hub.gpu.tidings import Teller
from machinelabs_hub.gpu_settings import Card, Gpus, GpuSource
from machinelabs_hub.plans.notices import NoticeTable
from machinelabs_hub.settings import Engine
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.observe import DockerEyes
from machinelabs_hub.spawn.plan import LABEL_CLAIM, LABEL_SITE, LABEL_USER

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine() -> Iterator[CardEngine]:
    with (
        tempfile.TemporaryDirectory(prefix="desk-") as made,
        card_engine(Path(made)) as engine,
    ):
        yield engine


class Beside:
    """A desk at work, and what a start does beside it."""

    def __init__(self, desk: GpuDesk, client: docker.APIClient, prefix: str, image: str) -> None:
        self.desk = desk
        self._client = client
        self._prefix = prefix
        self._image = image

    async def take(self, person: str) -> Claim:
        """Take a card, as a start does before it asks for a container."""
        return await self.desk.take(Ask(holder=Holder(person), flavour="whole", want=Want(1)))

    async def make(self, claim: Claim) -> str:
        """Let the engine make a container with the claim's cards."""
        cards = DeviceRequest(driver="nvidia", device_ids=list(claim.uuids), capabilities=[["gpu"]])
        host = self._client.create_host_config(device_requests=[cards])
        labels = {
            LABEL_SITE: self._prefix,
            LABEL_USER: claim.holder.user,
            LABEL_CLAIM: claim.id,
        }
        made = await asyncio.to_thread(
            self._client.create_container, self._image, ["true"], labels=labels, host_config=host
        )
        return str(made["Id"])

    async def remove(self, container: str) -> None:
        await asyncio.to_thread(self._client.remove_container, container, force=True)

    def container_of(self, claim: Claim) -> str | None:
        """The container that has the claim; None: it has ended."""
        found = self.desk.ledger.claim_of(claim.holder)
        return None if found is None else found.container

    async def lose(self, claim: Claim) -> None:
        """Make a container that its start never hears of, let the desk see it, and remove it."""
        first = await self.make(claim)
        await self.until(lambda: self.container_of(claim) == first, "the first is seen")
        await self.remove(first)

    async def until(self, true: Callable[[], bool], what: str) -> None:
        await asyncio.to_thread(wait_until, true, seconds=30, what=what)

    async def until_looked(self) -> None:
        """Wait until the desk has seen what is there now: it misses a container of later."""
        witness = await self.take("witness")
        container = await self.make(witness)
        self.desk.started(witness, container)
        await self.remove(container)
        await self.until(lambda: self.container_of(witness) is None, "the witness is missed")


@pytest.fixture
async def beside(engine: CardEngine, tmp_path: Path) -> AsyncIterator[Beside]:
    cards = tuple(Card(uuid=uuid, memory_mib=40960) for uuid in CARDS)
    settings = settings_in(tmp_path / "site").model_copy(
        update={
            "engine": Engine(socket=engine.address),
            "gpus": Gpus(source=GpuSource.STATIC, cards=cards),
        }
    )
    migrate.upgrade(database_url(settings))
    database = open_engine(database_url(settings))
    sessions = session_maker(database)
    inventory, ledger = Inventory(settings=settings, sessions=sessions), Ledger(sessions)
    line = Line(inventory=inventory, ledger=ledger, sessions=sessions, wants={})
    desk = GpuDesk(
        inventory=inventory, ledger=ledger, line=line, teller=Teller(NoticeTable(sessions=sessions))
    )
    client = engine.client()
    work = asyncio.create_task(desk.run(DockerEyes(settings, lambda _: True)))
    try:
        yield Beside(desk, client, settings.engine.prefix, engine.images["tiny"])
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        client.close()
        database.dispose()


async def test_a_start_keeps_its_claim_while_it_removes_one_container_and_asks_for_another(
    beside: Beside,
) -> None:
    claim = await beside.take("ada")
    await beside.lose(claim)
    await beside.until_looked()
    assert beside.container_of(claim) is not None
    second = await beside.make(claim)
    beside.desk.started(claim, second)
    await beside.until_looked()
    assert beside.container_of(claim) == second
    await beside.remove(second)
    await beside.until(lambda: beside.container_of(claim) is None, "its claim ends")


async def test_a_start_that_ended_between_two_containers_gives_its_cards_back(
    beside: Beside,
) -> None:
    claim = await beside.take("ada")
    await beside.lose(claim)
    beside.desk.abandon(claim)
    await beside.until(lambda: beside.container_of(claim) is None, "its claim ends")
