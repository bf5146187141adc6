"""The pool chooses what the policy chooses, and forgets what was only tried."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.gpus import a_claim, a_gpu

from machinelabs_hub.gpu.model import Claim, Gpu, Health, Want
from machinelabs_hub.gpu.policy import choose, free
from machinelabs_hub.gpu.pool import Pool

gpus = st.lists(
    st.builds(
        a_gpu,
        st.sampled_from([f"GPU-{n}" for n in range(8)]),
        memory_mib=st.sampled_from([16_000, 24_000, 80_000]),
        node=st.sampled_from(["", "n2"]),
        profile=st.sampled_from(["", "1g.10gb"]),
        health=st.sampled_from([Health.OK, Health.OK, Health.DRAINED]),
    ),
    unique_by=lambda gpu: gpu.uuid,
)
wants = st.builds(
    Want,
    count=st.integers(1, 3),
    memory_mib=st.sampled_from([0, 8_000, 20_000]),
    profile=st.sampled_from(["", "", "1g.10gb"]),
    share=st.sampled_from([1, 2, 3, 4]),
)


@given(gpus, st.lists(wants, max_size=12), st.sets(st.integers(0, 11)))
def test_the_pool_chooses_as_the_policy_does(
    devices: list[Gpu], asked: list[Want], ended: set[int]
) -> None:
    claims: list[Claim] = []
    pool = Pool(devices)
    for number, want in enumerate(asked):
        picked = pool.fit(want)
        assert picked == choose(want, devices, claims)
        if picked is None:
            continue
        pool.take(picked, want.part)
        claims.append(a_claim(*picked, share=want.share, user=str(number)))
        if number in ended:
            gone = claims.pop(0)
            pool.give(gone.uuids, Want(share=gone.share).part)
    left = free(devices, claims)
    assert {uuid: pool.left(uuid) for uuid in pool.devices} == left
    assert [Pool(devices, claims).fit(want) for want in asked] == [pool.fit(w) for w in asked]


@given(gpus, wants)
def test_what_was_tried_is_forgotten(devices: list[Gpu], want: Want) -> None:
    pool = Pool(devices)
    before = pool.fit(want)
    with pool.trial():
        pool.block(pool.nearest(want))
        pool.block(pool.nearest(want))
        pool.take(pool.fit(want) or (), want.part)
    assert pool.fit(want) == before


def test_the_nearest_devices_are_the_emptiest_of_one_machine() -> None:
    devices = [a_gpu("a"), a_gpu("b"), a_gpu("c"), a_gpu("d", node="n2")]
    pool = Pool(devices, [a_claim("a"), a_claim("b", share=4), a_claim("c", share=2)])
    assert pool.nearest(Want()) == ("d",)
    assert set(pool.nearest(Want(count=2))) == {"b", "c"}
    assert pool.nearest(Want(count=4)) == ()
