"""A container gets the devices of its claim, whatever its image or its person asks for."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from machinelabs_hub.catalog.model import Build, Catalog, Flavour, Gpu, Image
from machinelabs_hub.gpu.model import Claim, Holder
from machinelabs_hub.settings import Settings
from machinelabs_hub.spawn.cards import MPS_FOLDER, Cards, card_environment
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.plan import LABEL_CLAIM, LABEL_SHARE, ContainerPlan, make_plan

CATALOG = Catalog(
    images=(Image(name="base", title="JupyterLab", description="."),),
    flavours=(Flavour(name="gpu", title="GPU", cpu=2, memory_mib=4096, gpu=Gpu(share=4)),),
)
BUILDS = {"base": Build(id="sha256:aa", tag="machinelabs/base:1", size_mib=700)}
SLICE = "MIG-4f2a5c1e-0000-5000-8000-000000000001"


def cards(*uuids: str, share: int = 1, memory_mib: int = 0) -> Cards:
    claim = Claim(
        id="c1",
        holder=Holder("ada"),
        flavour="gpu",
        uuids=uuids,
        share=share,
        granted_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    return Cards.of(claim, dict.fromkeys(uuids, memory_mib))


def planned(given: Cards | None, *, mps: bool = False) -> ContainerPlan:
    return make_plan(
        settings=Settings.model_validate({"data": Path("/srv/ml"), "gpus": {"mps": mps}}),
        catalog=CATALOG,
        builds=BUILDS,
        choice=Choice("base", "gpu"),
        user="ada",
        server="",
        most_files=1 << 20,
        cards=given,
    )


def test_without_a_claim_a_container_gets_no_card() -> None:
    plan = planned(None)
    assert plan.devices == ()
    assert plan.environment["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert not {LABEL_CLAIM, LABEL_SHARE} & set(plan.labels)


@pytest.mark.parametrize("uuids", [("GPU-1",), ("GPU-1", "GPU-2"), (SLICE,)])
def test_a_claims_devices_are_asked_for_by_their_uuids(uuids: tuple[str, ...]) -> None:
    plan = planned(cards(*uuids))
    assert plan.devices == uuids
    assert plan.environment["NVIDIA_VISIBLE_DEVICES"] == ",".join(uuids)
    assert plan.labels[LABEL_CLAIM] == "c1"
    assert not plan.shares_ipc


def test_a_share_is_noted_on_the_container() -> None:
    assert planned(cards("GPU-1", share=4)).labels[LABEL_SHARE] == "4"


def test_shares_without_mps_are_limited_by_nothing_in_cuda() -> None:
    found = card_environment(cards("GPU-1", share=4, memory_mib=40960), mps=False)
    assert not [name for name in found if name.startswith("CUDA_MPS")]


def test_shares_by_mps_are_limited_in_memory_and_threads() -> None:
    plan = planned(cards("GPU-1", "GPU-2", share=4, memory_mib=40960), mps=True)
    assert plan.environment["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=10240M,1=10240M"
    assert plan.environment["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "25"
    assert plan.environment["CUDA_MPS_PIPE_DIRECTORY"] == MPS_FOLDER
    assert MPS_FOLDER in {mount.source for mount in plan.mounts}
    assert plan.shares_ipc


def test_a_card_of_unknown_memory_is_limited_in_threads_alone() -> None:
    found = card_environment(cards("GPU-1", share=2), mps=True)
    assert "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT" not in found
    assert found["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "50"


def test_a_whole_card_has_nothing_to_do_with_mps() -> None:
    plan = planned(cards("GPU-1", memory_mib=40960), mps=True)
    assert not [name for name in plan.environment if name.startswith("CUDA_MPS")]
    assert not plan.shares_ipc
