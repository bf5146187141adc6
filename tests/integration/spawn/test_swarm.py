"""The GPUs that a real swarm of two engines names are the site's, as far as it can use them."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.card_engine import HOOK
from tests.support.sampler import settings_in
from tests.support.swarm import Swarm, swarm
from tests.support.waiting import wait_until

from machinelabs_hub.db import migrate
from machinelabs_hub.db.engine import Sessions, open_engine, session_maker
from machinelabs_hub.gpu.cluster import Node
from machinelabs_hub.gpu.inventory import Inventory
from machinelabs_hub.gpu.ledger import Ledger
from machinelabs_hub.gpu.model import Ask, Claim, Gpu, Health, Holder, Want
from machinelabs_hub.gpu.queue import Line
from machinelabs_hub.gpu_settings import Gpus, GpuSource
from machinelabs_hub.settings import Engine, Settings
from machinelabs_hub.sites import database_url
from machinelabs_hub.spawn.engine import EngineTrouble, engine_for
from machinelabs_hub.spawn.nodes import swarm_nodes
from machinelabs_hub.spawn.observe import DockerEyes
from machinelabs_hub.spawn.plan import LABEL_CLAIM, LABEL_SITE, LABEL_USER, ContainerPlan
from machinelabs_hub.up.findings import Level
from machinelabs_hub.up.swarm import find

pytestmark = pytest.mark.engine

FIRST, SECOND, THIRD = (f"GPU-0000000{number}-0000-4000-8000-000000000000" for number in range(3))
SITE_S_OWN = tuple(
    word for uuid in (FIRST, SECOND) for word in ("--node-generic-resource", f"NVIDIA-GPU={uuid}")
)
LABELS = (
    "--label-add",
    "nvidia.com/gpu.memory=40960",
    "--label-add",
    "nvidia.com/gpu.product=A100",
)
PAUSE = "int pause(void); int main(void) { for (;;) pause(); }"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """A manager with two cards, and a worker with one; the manager's says what they are."""
    programs = tmp_path_factory.mktemp("programs")
    hook = programs / "nvidia-container-runtime-hook"
    hook.write_text(HOOK.format(refusal=programs / "refusal"), encoding="ascii")
    hook.chmod(0o755)
    other = ("--node-generic-resource", f"gpu={THIRD}")
    with swarm(manager=SITE_S_OWN, worker=other, programs=programs) as machines:
        _image(machines, programs)
        yield machines


def _image(machines: Swarm, folder: Path) -> None:
    """Bring along an image whose program does nothing until it is stopped."""
    source, program, archive = folder / "pause.c", folder / "pause", folder / "image.tar"
    source.write_text(PAUSE, encoding="ascii")
    subprocess.run(["gcc", "-static", "-Os", "-o", program, source], check=True)
    subprocess.run(["tar", "-C", folder, "-cf", archive, program.name], check=True)
    machines.manager.run("import", "--change", 'CMD ["/pause"]', str(archive), "pause:1")


@pytest.fixture
async def labelled(machines: Swarm) -> AsyncIterator[Swarm]:
    machines.manager.run("node", "update", *LABELS, "node-a")
    machines.manager.run("node", "update", *LABELS, "node-b")
    yield machines
    machines.manager.run("node", "update", "--availability", "active", "node-a")


@pytest.fixture
def settings(machines: Swarm, tmp_path: Path) -> Settings:
    site = settings_in(tmp_path / "site")
    engine = Engine(socket=machines.manager.address)
    gpus = Gpus(source=GpuSource.SWARM)
    return site.model_copy(update={"engine": engine, "gpus": gpus})


@pytest.fixture
def eyes(settings: Settings) -> DockerEyes:
    return DockerEyes(settings, lambda _: True)


@pytest.fixture
def sessions(settings: Settings) -> Iterator[Sessions]:
    url = database_url(settings)
    migrate.upgrade(url)
    engine = open_engine(url)
    yield session_maker(engine)
    engine.dispose()


@pytest.fixture
def inventory(settings: Settings, sessions: Sessions) -> Inventory:
    return Inventory(settings=settings, sessions=sessions)


def now() -> datetime:
    return datetime.now(UTC)


def health(inventory: Inventory) -> dict[str, tuple[Health, str]]:
    return {gpu.uuid: (gpu.health, gpu.why) for gpu in inventory.devices()}


OK = (Health.OK, "")
ELSEWHERE = (Health.DRAINED, "It is in node-b: servers do not start there.")


async def test_the_site_s_cards_are_those_that_its_node_names(
    labelled: Swarm, eyes: DockerEyes, inventory: Inventory
) -> None:
    await inventory.refresh(now(), eyes.nodes)
    found = {gpu.uuid: gpu for gpu in inventory.devices()}
    assert found[FIRST] == Gpu(FIRST, "A100", 40960)
    assert found[THIRD].node == "node-b"
    assert health(inventory) == {FIRST: OK, SECOND: OK, THIRD: ELSEWHERE}


async def test_a_node_that_swarm_holds_back_gets_nobody_new(
    labelled: Swarm, eyes: DockerEyes, inventory: Inventory
) -> None:
    labelled.manager.run("node", "update", "--availability", "pause", "node-a")
    await inventory.refresh(now(), eyes.nodes)
    held = (Health.DRAINED, "Swarm holds node-a back.")
    assert health(inventory) == {FIRST: held, SECOND: held, THIRD: ELSEWHERE}
    labelled.manager.run("node", "update", "--availability", "active", "node-a")
    await inventory.refresh(now(), eyes.nodes)
    assert health(inventory)[FIRST] == OK


async def test_a_node_that_does_not_say_its_memory_is_told_of(
    machines: Swarm, eyes: DockerEyes, inventory: Inventory, caplog: pytest.LogCaptureFixture
) -> None:
    removed = ("--label-rm", "nvidia.com/gpu.memory")
    machines.manager.run("node", "update", *LABELS, "node-a")
    machines.manager.run("node", "update", *removed, "node-a")
    await inventory.refresh(now(), eyes.nodes)
    assert "node-a does not say how much memory its GPUs have" in caplog.text
    assert next(gpu for gpu in inventory.devices() if gpu.uuid == FIRST).memory_mib == 0


async def test_cards_of_containers_by_hand_and_of_the_swarm_s_own_tasks_are_held(
    labelled: Swarm, eyes: DockerEyes
) -> None:
    manager = labelled.manager
    known = (FIRST, SECOND)
    manager.run("run", "--detach", "--name", "by-hand", "--gpus", f'"device={FIRST}"', "pause:1")
    try:
        (held,) = await eyes.observe(known)
        assert (held.holder.server, held.uuids) == ("by-hand", (FIRST,))
    finally:
        manager.run("rm", "--force", "by-hand")
    manager.run(
        *("service", "create", "--detach", "--name", "task", "--generic-resource", "NVIDIA-GPU=2"),
        *("--constraint", "node.hostname==node-a", "--no-resolve-image", "pause:1"),
    )
    try:
        is_there = ("ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=task")
        wait_until(lambda: bool(manager.run(*is_there)), seconds=30, what="the swarm's task")
        (held,) = await eyes.observe(known)
        assert set(held.uuids) == {FIRST, SECOND}
        assert held.claim == ""
    finally:
        manager.run("service", "rm", "task")
        wait_until(lambda: not manager.run(*is_there), seconds=30, what="the task is gone")
    assert await eyes.observe(known) == ()


async def test_a_server_gets_a_card_that_its_node_names(
    labelled: Swarm, eyes: DockerEyes, settings: Settings, sessions: Sessions, inventory: Inventory
) -> None:
    await inventory.refresh(now(), eyes.nodes)
    ledger, want = Ledger(sessions), Want(memory_mib=40000)
    line = Line(inventory=inventory, ledger=ledger, sessions=sessions, wants={"gpu": want})
    claims = [
        await line.take(Ask(holder=Holder(person), flavour="gpu", want=want))
        for person in ("ada", "bo")
    ]
    # The worker's card is nobody's: servers do not start there.
    assert {claim.uuids for claim in claims} == {(FIRST,), (SECOND,)}
    image = labelled.manager.run("image", "inspect", "--format", "{{.Id}}", "pause:1")
    engine = engine_for(settings.engine)
    for claim in claims:
        made = await engine.create(plan_of(claim, settings, image), {})
        await engine.start(made)
        ledger.bind(claim.id, made)
    observed = await eyes.observe((FIRST, SECOND))
    assert {one.claim: one.uuids for one in observed} == {one.id: one.uuids for one in claims}
    decision = ledger.reconcile(
        observed, before=ledger.live(), starting=frozenset(), whys={}, now=now()
    )
    assert (decision.end, decision.adopt, decision.clashes) == ((), (), ())
    for one in observed:
        await eyes.discard(one.container)


def plan_of(claim: Claim, settings: Settings, image: str) -> ContainerPlan:
    """Return the smallest container that holds the devices of a claim."""
    holder = claim.holder.user
    labels = {LABEL_SITE: settings.engine.prefix, LABEL_USER: holder, LABEL_CLAIM: claim.id}
    return ContainerPlan(
        name=f"server-{holder}", image_id=image, image_tag="pause:1", command=("/pause",),
        user="1000", memory_mib=64, cpu=0.1, pids=10, nofile=100, shm_mib=1, network="none",
        dns=(), dns_options=(), mounts=(), labels=labels, environment={}, devices=claim.uuids,
        shares_ipc=False,
    )  # fmt: skip


async def test_an_engine_that_is_no_manager_is_told_of_and_takes_nothing_away(
    labelled: Swarm, settings: Settings, eyes: DockerEyes, inventory: Inventory,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    await inventory.refresh(now(), eyes.nodes)
    worker = settings.model_copy(update={"engine": Engine(socket=labelled.worker.address)})

    def ask() -> tuple[Node, ...]:
        return swarm_nodes(worker)

    with pytest.raises(EngineTrouble, match="not a swarm manager"):
        ask()
    await inventory.refresh(now() + timedelta(days=8), ask)
    assert health(inventory)[FIRST] == OK
    assert "not a swarm manager" in caplog.text
    (finding,) = find(worker)
    assert (finding.level, finding.subject) == (Level.BAD, "swarm")


async def test_a_machine_that_breaks_down_takes_its_cards_along(
    labelled: Swarm, eyes: DockerEyes, settings: Settings, inventory: Inventory
) -> None:
    # The last test: the machine does not come back.
    labelled.worker.end()
    status = ("node", "inspect", "--format", "{{.Status.State}}", "node-b")
    wait_until(lambda: labelled.manager.run(*status) == "down", seconds=60, what="it is missed")
    await inventory.refresh(now(), eyes.nodes)
    failed = (Health.FAILED, "Swarm says that its node node-b is down.")
    assert health(inventory) == {FIRST: OK, SECOND: OK, THIRD: failed}
    found = {one.subject: (one.level, one.sentence) for one in find(settings)}
    assert found == {
        "node node-a": (Level.OK, "GPUs named: 2."),
        "node node-b": (Level.BAD, f"GPUs named: 1. {failed[1]}"),
    }
